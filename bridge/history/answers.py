"""What the database answered, kept and shared by all who ask the same.

A statement is asked once at a time, and its answer kept max(KEEP_S, 20 times what it took): no statement takes more
than 5 % of the time. HISTORY_QUESTIONS of them are under way at once, the others wait in order. One for which nobody
waits any more is not asked.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from bridge.history.kept_windows import KeptWindows
from bridge.history.view_sql import Windows
from bridge.settings import options

KEEP_S, KEEP_TIMES = 5, 20
KEPT_ROWS = 500_000  # of all answers together: the oldest are forgotten first


class Question:
    """One statement. `task` is done when it is answered."""

    def __init__(self, task: asyncio.Task) -> None:
        self.task = task
        self.waiting = 0  # how many wait for it
        self.asked = time.monotonic()
        self.until = float("inf")  # so long the answer is kept


class Answers:
    """`ask` asks the database one statement."""

    def __init__(self, ask: Callable[[str], Awaitable[list[tuple]]]) -> None:
        self.ask = ask
        self.questions: dict[str, Question] = {}
        self.windows = KeptWindows(self.answer)
        self.at_once = asyncio.Semaphore(options.history_questions)

    async def answer(self, question: str | Windows) -> tuple[list[tuple], float]:
        """The rows, and until when they are kept (by the monotonic clock)."""
        if isinstance(question, Windows):
            return await self.windows.answer(question)
        sql = question
        self.drop_old()
        question = self.questions.get(sql)
        if question is None:
            question = self.questions[sql] = Question(asyncio.create_task(self.put(sql)))
        question.waiting += 1
        try:
            return await asyncio.shield(question.task), question.until
        finally:
            question.waiting -= 1
            if not question.waiting and not question.task.done():
                self.questions.pop(sql, None)
                question.task.cancel()

    async def put(self, sql: str) -> list[tuple]:
        async with self.at_once:
            question, started, times = self.questions[sql], time.monotonic(), 0
            try:
                answer = await self.ask(sql)
                times = KEEP_TIMES
                return answer
            finally:  # a failure is kept for KEEP_S: the database may be back
                now = time.monotonic()
                question.until = now + max(KEEP_S, times * (now - started))

    def drop_old(self) -> None:
        """Forgets what is too old, or too much."""
        now, rows = time.monotonic(), 0
        for sql, question in reversed(list(self.questions.items())):
            if question.task.done():
                rows += 0 if question.task.exception() else len(question.task.result())
                if question.until < now or rows > KEPT_ROWS:
                    del self.questions[sql]

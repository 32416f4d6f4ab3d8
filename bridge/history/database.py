"""How the database is asked: by taosws, in processes of their own, since it holds Python's global lock in every call.

taosAdapter's REST needs no processes, but is slower: 50 000 rows took 241 ms by REST and 138 ms by taosws, 1000 rows
took 11 and 8 ms. And the end of a process ends its question, too.
"""

import asyncio
import pickle
import sys
from pathlib import Path

from bridge.history.quoting import Refused
from bridge.processes import end, kill
from bridge.settings import environment, options

READ_AHEAD_BYTES = 2**20


class Failure(Refused):
    """The database did not answer, or refused: its own words, in one line."""


class Database:
    """Askers, each a process with one question at a time. They are started ahead: Python takes its time for that."""

    def __init__(self) -> None:
        self.askers: list[asyncio.subprocess.Process] = []  # all that were started
        self.idle = [asyncio.create_task(self.start()) for _ in range(options.history_questions)]

    async def ask(self, sql: str) -> list[tuple]:
        """The rows of the answer. Raises Failure. When it is cancelled, the question ends."""
        starting = self.idle.pop() if self.idle else asyncio.create_task(self.start())
        try:
            asker = await asyncio.shield(starting)
            async with asyncio.timeout(options.history_timeout_s + options.tdengine_timeout_s):
                asker.stdin.write(pickle.dumps(sql))
                await asker.stdin.drain()
                length = int.from_bytes(await asker.stdout.readexactly(8), "big")
                answer = pickle.loads(await asker.stdout.readexactly(length))
        except TimeoutError:
            await end_asker(starting)
            raise Failure(f"the database has not answered for {options.history_timeout_s} s") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            await end_asker(starting)
            raise Failure("the process that asks the database has ended: ask again") from None
        except BaseException:
            await end_asker(starting)
            raise
        self.idle.append(starting)
        if isinstance(answer, str):
            raise Failure(answer)
        return answer

    async def start(self) -> asyncio.subprocess.Process:
        asker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge.history.asker", cwd=Path(__file__).parents[2], env=environment(),
            limit=READ_AHEAD_BYTES, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        self.askers = [other for other in self.askers if other.returncode is None] + [asker]
        return asker

    def close(self) -> None:
        """Ends all askers, also those that wait for the database."""
        for asker in self.askers:
            kill(asker)


async def end_asker(starting: asyncio.Task) -> None:
    await end(await starting)

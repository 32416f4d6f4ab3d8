"""The database is asked once for all who ask the same, and only for what is new."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.history import answers, kept_windows
from bridge.history.answers import Answers
from bridge.history.filters import Where
from bridge.history.kept_windows import KeptWindows
from bridge.history.quoting import Refused
from bridge.history.view_sql import Windows
from bridge.settings import options


class Asked:
    """A database that answers when it is told to."""

    def __init__(self):
        self.statements, self.under_way, self.most, self.go = [], 0, 0, asyncio.Event()

    async def __call__(self, sql):
        self.statements.append(sql)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.go.wait()
        finally:
            self.under_way -= 1
        if sql == "wrong":
            raise Refused("[0x2600] wrong")
        return [(sql,)]


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch):
    monkeypatch.setattr(options, "history_questions", 2, raising=False)


def test_the_same_is_asked_once_and_the_rest_waits_in_order():
    async def scene():
        asked = Asked()
        kept = Answers(asked)
        tasks = [asyncio.create_task(kept.answer(sql)) for sql in ["a", "b", "a", "c", "d", "a", "c"]]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asked.statements == ["a", "b"]
        tasks[3].cancel()  # c: one still waits for it
        tasks[4].cancel()  # d: nobody does
        asked.go.set()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [found[0][0][0] for found in done[:3] + done[5:]] == ["a", "b", "a", "a", "c"]
        assert asked.statements == ["a", "b", "c"] and asked.most == 2
        await kept.answer("a")
        assert asked.statements == ["a", "b", "c"]
    asyncio.run(scene())


def test_a_question_that_nobody_waits_for_any_more_is_stopped():
    async def scene():
        asked = Asked()
        task = asyncio.create_task(Answers(asked).answer("a"))
        while not asked.under_way:
            await asyncio.sleep(0)
        task.cancel()
        while asked.under_way:
            await asyncio.sleep(0)
    asyncio.run(asyncio.wait_for(scene(), 10))


def test_answers_are_kept_20_times_what_they_took(monkeypatch):
    async def scene():
        asked, now = Asked(), [1000.0]
        monkeypatch.setattr(answers.time, "monotonic", lambda: now[0])
        kept = Answers(asked)
        for took, lasts in ((0.1, 5), (2, 40)):
            asked.go.clear()
            before = len(asked.statements)
            task = asyncio.create_task(kept.answer("a"))
            while len(asked.statements) == before:
                await asyncio.sleep(0)
            now[0] += took
            asked.go.set()
            assert (await task)[1] == now[0] + lasts
            now[0] += lasts - 0.01
            await kept.answer("a")
            assert len(asked.statements) == before + 1
            now[0] += 0.02
        with pytest.raises(Refused, match="wrong"):
            await kept.answer("wrong")
    asyncio.run(scene())


START = int(time.time()) // 1000 * 1000_000  # epoch ms


class Rows:
    """Rows of a table, counted by windows as the database would. `asked` has the lengths of the ranges."""

    def __init__(self, times):
        self.times, self.asked = times, []

    def windows(self, since, until):
        where = Where("ts", (), since, until)
        return Windows("S", " T", where, 1000, 0)

    async def answer(self, sql):
        words = sql.replace(" AND ", " ").split()
        since = int(words[words.index(">=") + 1]) if ">=" in words else -2**62
        until = int(words[words.index("<") + 1]) if "<" in words else 2**62
        self.asked.append(until - since)
        counts = {}
        for at in self.times:
            if since <= at < until:
                counts[at // 1000 * 1000] = counts.get(at // 1000 * 1000, 0) + 1
        return list(counts.items()), time.monotonic() + 5


steps = st.tuples(st.integers(0, 3000), st.one_of(st.none(), st.integers(-60_000, 0)),
                  st.one_of(st.none(), st.integers(-20_000, 9000)))


@settings(max_examples=300)
@given(st.lists(st.integers(-90_000, -5000), max_size=60), st.lists(steps, min_size=2, max_size=12))
def test_kept_windows_are_those_of_all_rows(old, steps):
    """Rows come, each later than those before, while ranges of all kinds are asked."""
    async def scene():
        rows = Rows([START + at for at in old])
        kept, at = KeptWindows(rows.answer), START - 5000
        for later, since, until in steps:
            at += later
            rows.times.append(at)
            asked = rows.windows(since and START + since, until and START + until)
            found, _ = await kept.answer(asked)
            every, _ = await rows.answer(asked.sql())
            assert sorted(found) == sorted(every), asked
    asyncio.run(scene())


def test_a_refresh_asks_for_the_last_windows_only(monkeypatch):
    async def scene():
        rows = Rows([START - second * 1000 for second in range(600)])
        kept = KeptWindows(rows.answer)
        await kept.answer(rows.windows(START - 600_000, None))
        rows.asked.clear()
        rows.times += [START - 300_500, START + 500]  # one comes late
        found, _ = await kept.answer(rows.windows(START - 590_500, None))
        assert [width for width in rows.asked if width < 2**60] == [500]  # the first window, which is cut
        assert dict(found)[START] == 2 and dict(found)[START - 301_000] == 1
        later = time.monotonic() + kept_windows.KEEP_S + 1
        monkeypatch.setattr(kept_windows.time, "monotonic", lambda: later)
        assert dict((await kept.answer(rows.windows(START - 590_000, None)))[0])[START - 301_000] == 2
    asyncio.run(scene())

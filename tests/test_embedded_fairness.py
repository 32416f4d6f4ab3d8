"""A client's long questions beside the rows and polls of others, on however many processors there are."""

import asyncio
import base64
import json
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
import taosws

from embedded.protocol.worker import Worker

pytestmark = pytest.mark.embedded_only
BASIC = "Basic " + base64.b64encode(b"root:taosdata").decode()
# Writes 300 rows and polls them, again and again; prints how long that took, in ms.
TICKS = """
import sys, time, taosws
connection = taosws.connect(sys.argv[1])
statement = connection.stmt2_statement()
statement.prepare("INSERT INTO ? USING power.meters TAGS (?) VALUES (?, ?)")
for tick in range(9):
    started, now = time.monotonic(), int(time.time() * 1000) - 30
    columns = [taosws.millis_timestamps_to_column(list(range(now, now + 30))), taosws.ints_to_column([tick] * 30)]
    statement.bind([taosws.stmt2_bind_param_view(f"d{i}", [taosws.int_to_tag(i)], columns) for i in range(10)])
    statement.execute()
    rows = list(connection.query(f"SELECT CAST(ts AS BIGINT), tbname, voltage FROM power.meters WHERE ts >= {now}"))
    assert sum(row[2] == tick for row in rows) == 300
    print(round((time.monotonic() - started) * 1000))
    time.sleep(0.02)
"""
SLOW = "SELECT COUNT(*), MAX(LENGTH(REPLACE(REPEAT('ab', 500), 'a', CAST(v AS VARCHAR(10))))) FROM power.many"


def post(embedded, sql):
    """The code of the answer."""
    request = urllib.request.Request(embedded.http + "/rest/sql", sql.encode(), {"Authorization": BASIC})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["code"]


def test_long_questions_do_not_starve_the_ticks_of_others(start_embedded):
    """Five connections ask, all at once and again and again, what keeps every core busy for a while."""
    embedded = start_embedded("--retention=0")
    for sql in ("CREATE DATABASE power", "CREATE STABLE power.meters (ts TIMESTAMP, voltage INT) TAGS (t INT)",
                "CREATE TABLE power.many (ts TIMESTAMP, v INT)"):
        assert post(embedded, sql) == 0
    statement = embedded.connect().stmt2_statement()
    statement.prepare("INSERT INTO power.many VALUES (?, ?)")
    first = int(time.time()) * 1000
    columns = [taosws.millis_timestamps_to_column(list(range(first, first + 60_000))),
               taosws.ints_to_column(list(range(60_000)))]
    statement.bind([taosws.stmt2_bind_param_view(None, None, columns)])
    statement.execute()

    def ticks():
        done = subprocess.run([sys.executable, "-c", TICKS, embedded.dsn], capture_output=True, text=True, timeout=60,
                              check=True)
        return statistics.median(map(int, done.stdout.split()))

    alone, asking, answers = ticks(), threading.Event(), []

    def ask():
        while not asking.is_set():
            answers.append(post(embedded, SLOW))

    askers = [threading.Thread(target=ask) for _ in range(5)]
    for asker in askers:
        asker.start()
    try:
        beside = ticks()
    finally:
        asking.set()
        for asker in askers:
            asker.join(60)
    assert set(answers) == {0}
    if beside >= 8 * alone + 50:
        alone = max(alone, ticks())  # others may use this machine
    assert beside < 8 * alone + 50  # as one of six alike it would take more


@pytest.mark.parametrize("long", (False, True))
def test_closing_waits_for_the_question_of_a_client_that_has_gone(long):
    """Else it would not be interrupted again, and would go on in a database that is closed."""
    ended = threading.Event()
    steps = []

    def question():
        ended.wait(20)
        steps.append("asked")

    async def go():
        worker = Worker(lambda: True)
        asking = asyncio.create_task(worker.run(question))
        await asyncio.sleep(2 * Worker.LONG_SECONDS if long else 0.01)
        asking.cancel()
        await asyncio.wait({asking})
        closing = asyncio.wrap_future(worker.submit(steps.append, "closed"))
        await asyncio.wait({closing}, timeout=0.1)
        ended.set()
        await closing
        worker.end()

    asyncio.run(go())
    assert steps == ["asked", "closed"]

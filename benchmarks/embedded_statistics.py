"""How long the embedded database takes for TDengine's windows and statistics, with 10 million rows stored.

`embedded_queries.py` fills it: 10 subtables of 100 rows/s each. Over everything are 10 million rows, in the last hour
are 3.6 million, in the last ten minutes 600 000. `python -m benchmarks.embedded_statistics` runs it alone.
"""

import os
import tempfile
import time
from pathlib import Path

from benchmarks.embedded_queries import asked, fill, timed
from benchmarks.measure import Figure, left_out, show

ROWS, TIMES = int(os.environ.get("ROWS", 10_000_000)), 5
BY_MINUTE = "PARTITION BY location INTERVAL(1m)"


def questions(end: int) -> dict[str, str]:
    """Name: SQL; `end` (epoch ms) is the present."""
    hour, minutes = f"WHERE ts > {end - 3_600_000} AND ts <= {end}", f"WHERE ts > {end - 600_000} AND ts <= {end}"
    found = {f"{call} by minute and location, everything": f"SELECT _wstart, location, {call} FROM meters {BY_MINUTE}"
             for call in ("STDDEV(`current`)", "STDDEV(voltage)", "SPREAD(`current`)", "APERCENTILE(`current`, 50)",
                          "MODE(voltage)", "HYPERLOGLOG(voltage)", "IRATE(`current`)")}
    return found | {
        "TWA by minute and subtable, last hour":
            f"SELECT _wstart, tbname, TWA(`current`) FROM meters {hour} PARTITION BY tbname INTERVAL(1m)",
        "averages by minute, FILL(PREV), last hour":
            f"SELECT _wstart, location, AVG(`current`) FROM meters {hour} {BY_MINUTE} FILL(PREV)",
        "averages of 1 m sliding by 10 s, last hour":
            f"SELECT _wstart, AVG(`current`) FROM meters {hour} INTERVAL(1m) SLIDING(10s)",
        "SESSION of each subtable, last hour":
            f"SELECT tbname, _wstart, COUNT(*) FROM meters {hour} PARTITION BY tbname SESSION(ts, 1s)",
        "STATE_WINDOW of one subtable, last hour":
            f"SELECT _wstart, COUNT(*), voltage FROM d_bind_1 {hour} STATE_WINDOW(voltage)",
        "EVENT_WINDOW of one subtable, last hour":
            f"SELECT _wstart, COUNT(*) FROM d_bind_1 {hour} "
            "EVENT_WINDOW START WITH voltage > 222 END WITH voltage < 217",
        "COUNT_WINDOW of each subtable, last hour":
            f"SELECT tbname, _wstart, AVG(`current`) FROM meters {hour} PARTITION BY tbname COUNT_WINDOW(6000)",
        "percentiles of one subtable, everything": "SELECT PERCENTILE(`current`, 5, 50, 95) FROM d_bind_1",
        "histogram, everything":
            """SELECT HISTOGRAM(`current`, 'linear_bin', '{"start": 5, "width": 1, "count": 10, "infinity": true}', 0)
               FROM meters""",
        "TOP 10, everything": "SELECT ts, tbname, TOP(`current`, 10) FROM meters",
        "TOP 3 of each location and minute, last hour":
            f"SELECT _wstart, location, TOP(`current`, 3) FROM meters {hour} {BY_MINUTE}",
        "TAIL 100, everything": "SELECT TAIL(`current`, 100) FROM meters",
        "DIFF of each subtable, last ten minutes":
            f"SELECT SUM(d) FROM (SELECT tbname, DIFF(`current`) d FROM meters {minutes} PARTITION BY tbname)",
        "CSUM of each subtable, last ten minutes":
            f"SELECT MAX(c) FROM (SELECT tbname, CSUM(voltage) c FROM meters {minutes} PARTITION BY tbname)",
        "STATEDURATION of each subtable, last ten minutes":
            f"SELECT MAX(s) FROM (SELECT tbname, STATEDURATION(voltage, 'GT', 220) s FROM meters {minutes} "
            "PARTITION BY tbname)",
        "INTERP of each subtable, every 10 s of an hour":
            f"SELECT tbname, _irowts, INTERP(`current`) FROM meters {hour} PARTITION BY tbname "
            f"RANGE({end - 3_500_000}, {end}) EVERY(10s) FILL(LINEAR)",
    }


def figures() -> list[Figure]:
    if left_out("embedded_statistics"):
        return []
    end, found = time.time_ns() // 10**6, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "rows"
        fill(folder, ROWS, end)
        with asked(folder) as (_, connection):
            for what, sql in questions(end).items():
                found.append(Figure(f"embedded database, {ROWS // 10**6} M rows: {what}", "ms",
                                    [timed(connection, sql) for _ in range(TIMES)]))
    return found


if __name__ == "__main__":
    show(figures())

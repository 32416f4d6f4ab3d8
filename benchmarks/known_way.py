"""The known way, as a rival for the benchmarks: it polls on the event loop, and reads again and again what it has read.

Every 250 ms the newest 1000 rows of the last 12 hours, timestamps parsed from text, a list of dicts, `table.update`.
"""

from datetime import datetime, timezone

import perspective
import taosws

EVERY_MS, LIMIT = 250, 1000
SQL = ("SELECT ts, location, groupid, current, voltage, phase FROM meters "
       f"WHERE ts >= NOW() - 12h ORDER BY ts DESC LIMIT {LIMIT}")
NAMES = "timestamp", "location", "groupid", "current", "voltage", "phase"
SCHEMA = dict(zip(NAMES, ("datetime", "string", "integer", "float", "integer", "float")))


def parsed(text: str) -> int:
    """Epoch milliseconds of a taosws timestamp."""
    form = "%Y-%m-%d %H:%M:%S.%f %z" if "." in text else "%Y-%m-%d %H:%M:%S %z"
    return round(datetime.strptime(text, form).astimezone(timezone.utc).timestamp() * 1000)


class KnownWay:
    """`tick` is what the event loop calls every 250 ms; `newest` is the time of the newest row, in epoch ms."""

    def __init__(self, dsn: str, limit: int = 10_000):
        self.connection = taosws.connect(dsn)
        self.server = perspective.Server()
        self.table = self.server.new_local_client().table(SCHEMA, limit=limit, name="meters_values")
        self.newest = 0

    async def tick(self) -> None:
        rows = [dict(zip(NAMES, (parsed(row[0]), *row[1:]))) for row in self.connection.query(SQL)]
        self.table.update(rows)
        self.newest = rows[0]["timestamp"]


def insert_tick(connection: taosws.Connection, batch: dict[int, tuple[dict, dict]]) -> int:
    """One tick of the known producer: a new statement, then subtable by subtable. `batch`: meter: (tags, columns)."""
    statement = connection.statement()
    statement.prepare("INSERT INTO ? USING meters (groupid, location) TAGS (?, ?) VALUES (?, ?, ?, ?)")
    for meter, (tags, columns) in batch.items():
        statement.set_tbname_tags(f"d_bind_{meter}", [taosws.int_to_tag(tags["groupid"]), taosws.varchar_to_tag(tags["location"])])
        statement.bind_param([taosws.millis_timestamps_to_column(columns["ts"]), taosws.floats_to_column(columns["current"]),
                              taosws.ints_to_column(columns["voltage"]), taosws.floats_to_column(columns["phase"])])
        statement.add_batch()
    return statement.execute()

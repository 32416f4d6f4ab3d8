"""The known way to do it, as a rival: it polls on the event loop, and reads again and again what it has read.

Every 250 ms it reads the newest 1000 rows of the last 12 hours, parses their times from text, makes a list of dicts,
and updates the table with it. It writes subtable by subtable.
"""

from datetime import UTC, datetime

import perspective
import taosws

EVERY_MS, LIMIT = 250, 1000
SQL = ("SELECT ts, location, groupid, current, voltage, phase FROM meters "
       f"WHERE ts >= NOW() - 12h ORDER BY ts DESC LIMIT {LIMIT}")
NAMES = "timestamp", "location", "groupid", "current", "voltage", "phase"
SCHEMA = dict(zip(NAMES, ("datetime", "string", "integer", "float", "integer", "float")))
INSERT = "INSERT INTO ? USING meters (groupid, location) TAGS (?, ?) VALUES (?, ?, ?, ?)"


def parsed(text: str) -> int:
    """Epoch milliseconds of a timestamp as taosws hands it over."""
    form = "%Y-%m-%d %H:%M:%S.%f %z" if "." in text else "%Y-%m-%d %H:%M:%S %z"
    return round(datetime.strptime(text, form).astimezone(UTC).timestamp() * 1000)


class KnownWay:
    """The event loop calls `tick` every 250 ms; `newest` is the time of the newest row, in epoch ms."""

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
    """Writes one tick by a new statement, subtable by subtable. `batch` has (tags, columns) by meter."""
    statement = connection.statement()
    statement.prepare(INSERT)
    for meter, (tags, columns) in batch.items():
        statement.set_tbname_tags(f"d_bind_{meter}", [
            taosws.int_to_tag(tags["groupid"]), taosws.varchar_to_tag(tags["location"])])
        statement.bind_param([
            taosws.millis_timestamps_to_column(columns["ts"]), taosws.floats_to_column(columns["current"]),
            taosws.ints_to_column(columns["voltage"]), taosws.floats_to_column(columns["phase"])])
        statement.add_batch()
    return statement.execute()

"""The rows that viewers have, beside those that the database has."""

from collections import Counter, deque

import taosws

import meters
from bridge.delivery import Delivery
from bridge.known_rows import AFTER_ALL, BEFORE_ALL, KnownRows
from bridge.poller import Poller


class ViewersRing:
    """What viewers have: a ring of `limit` rows, fed as the server feeds it. No row may come twice."""

    def __init__(self, limit: int):
        self.limit, self.rows = limit, deque(maxlen=limit)
        self.delivered = Counter()  # since the last time that all came anew

    def tick(self, poller: Poller) -> str:
        """Polls until there is no more, as the poller's process does at each tick; the error of the last poll."""
        for _ in range(1000):
            delivery, rows = poller.poll()
            self.take(delivery, rows)
            if not delivery.more:
                poller.check()
                return delivery.error
        raise AssertionError("a poll did not end")

    def take(self, delivery: Delivery, rows: list[tuple]):
        if delivery.anew:
            self.delivered.clear()
        if delivery.start_over:
            self.rows.clear()
        self.rows.extend(rows)
        self.delivered.update(rows)
        assert max(self.delivered.values(), default=0) <= 1, "a row came twice"

    def known_to(self, old: Poller) -> KnownRows:
        """What a new poller is told in place of `old`: what was delivered, and where it had come to."""
        known = KnownRows(self.limit)
        known.restore(list(self.rows), old.known.floor, old.known.cursor)
        return known

    def has_newest_of(self, stored: list[tuple]) -> bool:
        """Whether the rows are the newest of those that are stored; of the oldest millisecond any may stay."""
        newest = sorted(stored, key=lambda row: row[0])[-self.limit:]
        cut = newest[0][0] if len(newest) == self.limit else BEFORE_ALL
        return len(self.rows) == len(newest) and Counter(row for row in self.rows if row[0] > cut) == Counter(
            row for row in newest if row[0] > cut)


def shown(viewer) -> list[tuple]:
    """The table's rows as the viewers have them, in their order there."""
    columns = viewer.table().view().to_columns()
    return list(zip(*(columns[name] for name in meters.PERSPECTIVE_SCHEMA)))


def count(connection, table: str = "power.meters") -> int:
    """How many rows the table has."""
    try:
        (found,), = connection.query(f"SELECT COUNT(*) FROM {table}")
        return found
    except taosws.Error:  # the producer has not made the table yet
        return 0


def stored(power, limit: int = 10**6) -> list[tuple]:
    """The database's newest rows, ascending, as the poller asks for them."""
    return meters.read_rows(list(power.query(meters.select_rows(BEFORE_ALL, AFTER_ALL))))[-limit:]

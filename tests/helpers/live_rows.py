"""The rows that viewers have, beside those that the database has."""

import meters
from bridge.known_rows import AFTER_ALL, BEFORE_ALL


def shown(viewer) -> list[tuple]:
    """The table's rows as the viewers have them, in their order there."""
    columns = viewer.table().view().to_columns()
    return list(zip(*(columns[name] for name in meters.PERSPECTIVE_SCHEMA)))


def stored(power, limit: int = 10**6) -> list[tuple]:
    """The database's newest rows, ascending, as the poller asks for them."""
    return meters.read_rows(list(power.query(meters.select_rows(BEFORE_ALL, AFTER_ALL))))[-limit:]

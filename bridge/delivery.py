"""What one poll brings: the poller makes it, it crosses the pipe to the server, and the server shows it."""

from dataclasses import dataclass

from bridge.known_rows import BEFORE_ALL


@dataclass
class Delivery:
    """The new rows of one poll, and what there is to say of the database."""

    rows: int = 0  # rows delivered, ascending by time; late ones come first
    new_rows: int = 0  # rows that came into the database since the last poll, as far as the poller can tell
    late_rows: int = 0  # of these, rows that came later than OVERLAP_MS
    more: bool = False  # whether another delivery follows at once

    anew: str = ""  # why all rows are delivered anew, with this delivery and those that follow; "" where rows are new
    start_over: bool = False  # whether viewers start with an empty table: so few rows would not push the others out

    floor: int = BEFORE_ALL  # viewers have all rows of the times in (floor, cursor], in epoch ms
    cursor: int = BEFORE_ALL
    newest: int | None = None  # the time of the newest row that viewers have; None where they have none
    over_limit: bool = False  # whether more rows than TABLE_LIMIT came since the last poll: older ones are not shown
    future_rows: int = 0  # rows ahead of the database's clock; they are shown when their time has come
    future_ms: int = 0  # how far ahead the last of them is

    version: str = ""  # the database's version
    waiting: str = ""  # what has to be made first, the super table for instance; "" where all is there
    error: str = ""  # why the database could not be read, in one line; "" where it could

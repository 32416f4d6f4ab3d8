"""What the poller asks TDengine, by taosws. Each statement about rows has a lower bound on the time."""

import time
from collections.abc import Callable
from itertools import islice

import taosws

import meters
from bridge import tdengine

CLOCK_EVERY_S = 3  # a clock may be set; asking for the time with each poll would cost another round trip
ROWS_A_SIGN = 1000  # rows between two signs of life: even of 400 columns they take less than a second


class NoAnswer(Exception):
    """The database did not answer a question. `waiting` says what has to be made first, "" where that is not why."""

    def __init__(self, text: str, waiting: str = "") -> None:
        super().__init__(text)
        self.waiting = waiting


class Questions:
    """The poller's questions. Each raises NoAnswer after TDENGINE_TIMEOUT_S, or where the database refuses.

    `alive` is called as long as answers come, so that the server can tell long work from a database that is silent.
    """

    def __init__(self, alive: Callable[[], None]) -> None:
        self.alive = alive
        self.connection: taosws.Connection | None = None
        self.version = ""

    def connect(self) -> None:
        """Connects anew: taosws' own way to reconnect gives up for good after a while."""
        self.connection = None
        try:
            connection = tdengine.connect(tdengine.database(), self.alive)
            self.version = tdengine.server_version(connection)
        except taosws.Error as error:
            raise no_answer(error) from error
        self.connection = connection
        self.clock_read = -CLOCK_EVERY_S

    def check_columns(self) -> None:
        """Raises NoAnswer where the database has other columns than `meters.py` says."""
        try:
            tdengine.check_table(self.connection)
        except (taosws.Error, meters.Mismatch) as error:
            raise no_answer(error) from error
        self.alive()

    def now(self) -> int:
        """The database's clock, in epoch ms: this machine's may be wrong."""
        asked = time.monotonic()
        if asked - self.clock_read >= CLOCK_EVERY_S:
            (self.then,), = self._ask("SELECT CAST(NOW() AS BIGINT)")
            self.clock_read = asked  # not when the answer came: a clock that is a little late would hide new rows
        return self.then + round((time.monotonic() - self.clock_read) * 1000)

    def newest(self, after: int) -> int | None:
        """The time of the newest row after `after`; None where there is none."""
        answer = self._ask(meters.select_newest(after))
        return answer[0][0] if answer else None

    def count(self, after: int, until: int) -> int:
        """How many rows (after, until] has."""
        (count,), = self._ask(meters.count_rows(after, until))
        return count

    def counts(self, after: int, until: int, width: int) -> dict[int, int]:
        """How many rows (after, until] has in each window of `width` ms that has any, by the start of the window."""
        return dict(self._ask(meters.count_windows(after, until, width)))

    def rows(self, after: int, until: int, limit: int | None = None) -> list[tuple]:
        """The first `limit` rows of (after, until], or all, ascending by time, in the order of `meters.SHOWN`."""
        return meters.read_rows(self._ask(meters.select_rows(after, until, limit)))

    def _ask(self, sql: str) -> list[tuple]:
        rows = []
        try:
            answer = iter(self.connection.query(sql))
            while part := list(islice(answer, ROWS_A_SIGN)):
                self.alive()
                rows += part
        except taosws.Error as error:
            raise no_answer(error) from error
        self.alive()
        return rows


def no_answer(error: Exception) -> NoAnswer:
    return NoAnswer(tdengine.one_line(error), tdengine.NOT_YET.get(tdengine.error_code(error), ""))

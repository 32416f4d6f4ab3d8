"""A process that asks the database one question after another: `python -m bridge.history.asker`.

It reads pickled statements, and answers each by 8 bytes of length and a pickle: the rows, or a text that says why not.
"""

import pickle
import sys
from itertools import islice

import taosws

from bridge import tdengine
from bridge.history.view_sql import MOST_ROWS
from bridge.settings import options, parse

CLOSED = 0xE002  # the database has hung up: maybe long ago


class Asker:
    """A connection, made anew where it is lost."""

    def __init__(self) -> None:
        self.connection: taosws.Connection | None = None

    def ask(self, sql: str) -> list[tuple] | str:
        """The rows, one more than MOST_ROWS at most, or why there are none."""
        while True:
            kept = self.connection is not None
            try:
                self.connection = self.connection or tdengine.connect(
                    tdengine.database(), answer_s=options.history_timeout_s)
                return list(islice(self.connection.query(sql), MOST_ROWS + 1))
            except Exception as error:
                code = tdengine.error_code(error)
                if code >> 12 in (0, 0xE):  # not TDengine's own: the connection may never work again
                    self.connection = None
                if not kept or code != CLOSED:
                    return tdengine.one_line(error)


def main() -> None:
    parse(__doc__, "database", "history")
    source, sink, asker = sys.stdin.buffer, sys.stdout.buffer, Asker()
    while True:
        try:
            sql = pickle.load(source)
        except EOFError:  # the history's process is gone
            return
        answer = pickle.dumps(asker.ask(sql), protocol=5)
        sink.write(len(answer).to_bytes(8, "big") + answer)
        sink.flush()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # Ctrl-C reaches all processes

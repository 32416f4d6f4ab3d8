"""A process that asks the database one question after another: `python -m bridge.history.asker`.

It reads pickled statements, and answers each by 8 bytes of length and a pickle: the rows, or a text that says why not.
"""

import pickle
import sys

import taosws

from bridge import tdengine
from bridge.history.view_sql import MOST_ROWS
from bridge.kept_connection import KeptConnection
from bridge.settings import options, parse


def connect() -> taosws.Connection:
    return tdengine.connect(tdengine.database(), answer_s=options.history_timeout_s)


def ask(connection: KeptConnection, sql: str) -> list[tuple] | str:
    """The rows, one more than MOST_ROWS at most, or why there are none."""
    try:
        return connection.query(sql, MOST_ROWS + 1)
    except Exception as error:
        return tdengine.one_line(error)


def main() -> None:
    parse(__doc__, "database", "history")
    source, sink, connection = sys.stdin.buffer, sys.stdout.buffer, KeptConnection(connect)
    while True:
        try:
            sql = pickle.load(source)
        except EOFError:  # the history's process is gone
            return
        answer = pickle.dumps(ask(connection, sql), protocol=5)
        sink.write(len(answer).to_bytes(8, "big") + answer)
        sink.flush()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # Ctrl-C reaches all processes

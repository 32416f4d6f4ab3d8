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


def main() -> None:
    parse(__doc__, "database", "history")
    source, sink, connection = sys.stdin.buffer, sys.stdout.buffer, None
    while True:
        try:
            sql = pickle.load(source)
        except EOFError:  # the history's process is gone
            return
        try:
            connection = connection or tdengine.connect(tdengine.database(), answer_s=options.history_timeout_s)
            answer = list(islice(connection.query(sql), MOST_ROWS + 1))  # one more says that there are more
        except Exception as error:
            if not isinstance(error, taosws.Error) or tdengine.error_code(error) >> 12 in (0, 0xE):
                connection = None  # not TDengine's refusal: taosws' own, which may never connect again
            answer = tdengine.one_line(error)
        answer = pickle.dumps(answer, protocol=5)
        sink.write(len(answer).to_bytes(8) + answer)
        sink.flush()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # Ctrl-C reaches all processes

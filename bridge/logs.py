"""What is logged: few messages of a kind, of bounded length, and never a viewer's token.

`python -m bridge.logs FILE` copies its standard input into a file of bounded size, which `run.sh` does with all that a
program says. Whatever happens to the file, a full disk for example, the program never notices.
"""

import logging
import os
import re
import signal
import sys
import threading
from collections import Counter
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from urllib.parse import unquote_plus

PERIOD_S = 10
MOST_REPEATS, MOST_TEXTS = 3, 10  # in these seconds: of one message, and different ones of one line of the code
MOST_CHARACTERS = 2000  # of one message, its traceback included
MAX_BYTES = 2**20  # of a log file; the one before is kept beside it, as FILE.1


class Sparing(logging.Filter):
    """Lets few messages of each line of the code pass in PERIOD_S; then it says how many there were."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self.handler = handler
        self.lock = threading.Lock()
        self.came: dict[tuple, Counter] = {}  # by the line of the code: how often a text came
        self.others = 0  # messages of yet other texts

    def filter(self, record: logging.LogRecord) -> bool:
        place, text = (record.pathname, record.lineno), record.getMessage()
        with self.lock:
            if not self.came:
                timer = threading.Timer(PERIOD_S, self.tell)
                timer.daemon = True
                timer.start()
            texts = self.came.setdefault(place, Counter())
            if text not in texts and len(texts) == MOST_TEXTS:
                self.others += 1
                return False
            texts[text] += 1
            return texts[text] <= MOST_REPEATS

    def tell(self) -> None:
        """Says what has been held back, and begins anew."""
        with self.lock:
            came, self.came, others, self.others = self.came, {}, self.others, 0
        said = [f"{text} (repeated {count - MOST_REPEATS} times)"
                for texts in came.values() for text, count in texts.items() if count > MOST_REPEATS]
        if others:
            said.append(f"{others} more messages came within {PERIOD_S} s")
        with self.handler.lock:
            for text in said:
                self.handler.emit(logging.makeLogRecord({"msg": text, "levelname": "WARNING"}))


class Masking(logging.Formatter):
    """Cuts long messages, and takes the token and all queries of addresses out of them."""

    def __init__(self, form: str, token: str) -> None:
        super().__init__(form)
        self.token = token

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if len(text) > MOST_CHARACTERS:
            text = f"{text[:MOST_CHARACTERS // 2]} ... {text[-MOST_CHARACTERS // 2:]}"
        text = re.sub(r"""\?[^\s'"]+""", "?***", text)
        if self.token:
            text = re.sub(r"\S+", self.without_token, text.replace(self.token, "***"))
        return text

    def without_token(self, word: re.Match) -> str:
        return "***" if self.token in unquote_plus(word[0]) else word[0]


def log_to_stderr(token: str) -> None:
    """Sets up the logging of this program. A message that cannot be written is lost, and harms nothing."""
    logging.raiseExceptions = False
    handler = logging.StreamHandler()
    handler.setFormatter(Masking("%(asctime)s %(levelname)s %(message)s", token))
    handler.addFilter(Sparing(handler))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def main(file: str) -> None:
    """Copies standard input into the file, line by line, until it ends. Equal lines in a row are counted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the program that writes ends first
    logging.raiseExceptions = False
    handler = RotatingFileHandler(file, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
    handler.setFormatter(Masking("%(message)s", os.environ.get("PERSPECTIVE_TOKEN", "")))
    if os.path.isfile(file):
        handler.doRollover()
    with suppress(OSError):
        open(file, "a").close()  # also of a program that says nothing there is a log
    last, repeated = b"", 0
    while line := sys.stdin.buffer.readline(MOST_CHARACTERS):
        if line == last:
            repeated += 1
            continue
        if repeated:
            handler.handle(logging.makeLogRecord({"msg": f"(repeated {repeated} times)"}))
        handler.handle(logging.makeLogRecord({"msg": line.decode(errors="replace").rstrip("\n")}))
        last, repeated = line, 0
    if repeated:
        handler.handle(logging.makeLogRecord({"msg": f"(repeated {repeated} times)"}))


if __name__ == "__main__":
    main(sys.argv[1])

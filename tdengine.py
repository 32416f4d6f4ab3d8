"""Where TDengine is, and how to connect to it. As a program it says whether one answers.

Exit status of `python tdengine.py`: 0 one answers, 1 none does, 2 one answers and refuses, with the reason.
"""

import re
import signal
import sys
from urllib.parse import parse_qsl, urlencode, urlsplit

import taosws

from settings import options, parse, setting

DATABASE = "power"
AUTHENTICATION_FAILURE = 0x0357

setting("tdengine_dsn", "taosws://root:taosdata@localhost:6041",
        f"where taosAdapter answers; /name at its end chooses another database than {DATABASE}")


def database() -> str:
    """The database that the DSN names, else `power`."""
    return urlsplit(options.tdengine_dsn).path.strip("/") or DATABASE


def masked_dsn() -> str:
    """The DSN as it may be shown: without its password, without its parameters."""
    return re.sub(r":[^:/]*@", ":***@", options.tdengine_dsn.partition("?")[0])


def connect(database: str = "", timeout_s: int = 10) -> taosws.Connection:
    """A new connection, whose current database (which must exist) is `database`. Raises taosws.Error.

    Of itself taosws waits 300 s for an answer and tries for 7 s to connect: too long for a live page.
    Blocks, and taosws holds Python's global lock all the while: never call this on an event loop that serves.
    """
    dsn = urlsplit(options.tdengine_dsn)
    limits = {"conn_retries": "0", "conn_timeout": str(timeout_s), "read_timeout": str(timeout_s)}
    query = urlencode(limits | dict(parse_qsl(dsn.query)))
    return taosws.connect(dsn._replace(path=f"/{database}", query=query).geturl())


def server_version(connection: taosws.Connection) -> str:
    """TDengine's version; the embedded database's has "embedded" in it."""
    (version,), = connection.query("SELECT SERVER_VERSION()")
    return version


def error_code(error: taosws.Error) -> int:
    """TDengine's code of an error, 0 where there is none: taosws has it in the text only."""
    found = re.match(r"\[0x([0-9A-F]{4})\]", str(error))
    return int(found[1], 16) if found else 0


def one_line(error: taosws.Error) -> str:
    return " ".join(str(error).split())


def main() -> None:
    parse(__doc__)
    signal.alarm(10)  # ends this program: taosws may wait for long, and no Python handler would run meanwhile
    try:
        print(f"{masked_dsn()}, version {server_version(connect(timeout_s=5))}")
    except taosws.Error as error:
        print(f"{masked_dsn()}: {one_line(error)}", file=sys.stderr)
        sys.exit(1 if error_code(error) >> 12 == 0xE or not error_code(error) else 2)


if __name__ == "__main__":
    main()

"""Where TDengine is, and how to connect to it. As a program it says whether one answers.

Exit status of `python -m bridge.tdengine`: 0 one answers, 1 none does, 2 one answers and refuses, with the reason,
3 one answers and has a table of the name in `meters.py`, but with other columns.
"""

import re
import signal
import sys
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import parse_qsl, urlencode

import taosws

import meters
from bridge.settings import DSN, options, parse

DATABASE = "power"
DEFAULT_PASSWORD = "taosdata"  # TDengine is installed with it: it is public knowledge
AUTHENTICATION_FAILURE, TIME_OUT_OF_RANGE = 0x0357, 0x060B
NOT_YET = {  # what TDengine answers while the producer has not made them yet
    0x0388: "the database does not exist yet: start producer.py, or create it",
    0x2603: "the super table does not exist yet: start producer.py, or create it",
}
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def dsn() -> dict[str, str]:
    """The parts of the DSN, "" where it has none."""
    return re.fullmatch(DSN, options.tdengine_dsn).groupdict("")


def database() -> str:
    """The database that the DSN names, else `power`."""
    return dsn()["database"] or DATABASE


def masked_dsn() -> str:
    """The DSN as it may be shown: without its password, without its parameters."""
    part = dsn()
    user = part["user"] and f"{part['user']}:***@"
    return f"{part['scheme']}://{user}{part['hosts']}" + (part["database"] and f"/{part['database']}")


def warning() -> str:
    """What is unsafe in the DSN, "" if nothing is."""
    part = dsn()
    elsewhere = [host for host in part["hosts"].split(",") if host.rpartition(":")[0].strip("[]") not in LOOPBACK]
    if elsewhere and part["password"] in ("", DEFAULT_PASSWORD):
        return (f"{elsewhere[0]} is reached with TDengine's default password, which everybody knows: "
                "change it there and in TDENGINE_DSN")
    return ""


def check_answers() -> None:
    """Raises taosws.Error where no host answers HTTP in time.

    taosws itself waits for ever for a host that accepts and is silent, and hears no signal meanwhile.
    """
    part = dsn()
    kind = HTTPSConnection if part["scheme"].endswith(("wss", "https")) else HTTPConnection
    for host in part["hosts"].split(","):
        connection = kind(host, 6041 if host == "localhost" else None, timeout=options.tdengine_timeout_s)
        try:
            connection.request("GET", "/-/ping")
            connection.getresponse()
            return
        except (OSError, HTTPException) as error:
            failure = f"{host} does not answer: {'it hangs up' if isinstance(error, ConnectionResetError) else error}"
        finally:
            connection.close()
    raise taosws.Error(failure)


def connect(database: str = "", alive: Callable[[], None] = lambda: None,
            answer_s: int | None = None) -> taosws.Connection:
    """A new connection, whose current database (which must exist) is `database`. Raises taosws.Error.

    Of itself taosws waits 300 s for an answer and tries for 7 s to connect: too long for a live page.
    It blocks, and taosws holds Python's global lock all the while: never call this on an event loop that serves.
    `alive` is called when the host has answered. `answer_s` are the seconds that an answer may take: by default
    TDENGINE_TIMEOUT_S.
    """
    check_answers()
    alive()
    part, timeout = dsn(), str(options.tdengine_timeout_s)
    limits = {"conn_retries": "0", "conn_timeout": timeout, "read_timeout": str(answer_s or timeout)}
    user = part["user"] and f"{part['user']}:{part['password']}@"
    connection = taosws.connect(f"{part['scheme']}://{user}{part['hosts']}/{database}?"
                                + urlencode(limits | dict(parse_qsl(part["parameters"]))))
    alive()
    return connection


def check_table(connection: taosws.Connection, exactly: bool = False) -> None:
    """Raises meters.Mismatch where the connection's database keeps other columns than `meters.py` says.

    `exactly`: more columns than those are a mismatch, too. Raises taosws.Error where there is no such table.
    """
    described = list(connection.query(f"DESCRIBE `{meters.SUPER_TABLE}`"))
    for precision, in connection.query("SELECT `precision` FROM information_schema.ins_databases "
                                       f"WHERE name = '{database()}'"):  # no row: it was dropped just now
        meters.check(described, precision, exactly)


def server_version(connection: taosws.Connection) -> str:
    """TDengine's version; the embedded database's has "embedded" in it."""
    (version,), = connection.query("SELECT SERVER_VERSION()")
    return version


def error_code(error: Exception | str) -> int:
    """TDengine's code of an error, 0 where there is none: taosws has it in the text only."""
    found = re.match(r"\[0x([0-9A-F]{4})\]", str(error))
    return int(found[1], 16) if found else 0


def one_line(error: Exception) -> str:
    """An error's text as it may be shown, in one line."""
    text, password = " ".join(str(error).split()), dsn()["password"]
    return text.replace(f":{password}@", ":***@") if password else text


def main() -> None:
    parse(__doc__, "database")
    signal.alarm(10)  # ends this program: taosws may wait for long, and no Python handler would run meanwhile
    try:
        connection = connect()
        print(f"{masked_dsn()}, version {server_version(connection)}")
        connection = connect(database())
        check_table(connection, exactly=True)
    except meters.Mismatch as mismatch:
        print(mismatch, file=sys.stderr)
        sys.exit(3)
    except taosws.Error as error:
        if error_code(error) in NOT_YET:
            return
        print(f"{masked_dsn()}: {one_line(error)}", file=sys.stderr)
        sys.exit(1 if error_code(error) >> 12 == 0xE or not error_code(error) else 2)


if __name__ == "__main__":
    main()

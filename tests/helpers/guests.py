"""What hostile guests send: the tests of the bounds, and `benchmarks.hostile`, send the same."""

import http.client
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.helpers.viewers import Viewer


def doubled(times: int) -> str:
    """An expression of a few hundred characters whose text has 2 ** times * 8."""
    lines = ['var a0 := concat("location", "location")']
    lines += [f"var a{n} := concat(a{n - 1}, a{n - 1})" for n in range(1, times)]
    return ";\n".join([*lines, f"length(a{times - 1})"])


TOO_MUCH = {"expressions": {"x": doubled(22)}, "columns": ["x"]}
NO_VALUE = {"filter": [["voltage", "==", []]]}  # ends the engine at once
REFUSED = {
    "columns": {"columns": ["current"] * 20_000},
    "arguments": {"expressions": {"x": "concat(" + ", ".join(['"location"'] * 18_000) + ")"}},
    "texts": {"expressions": {"x": 'order("location", ' + ", ".join(f"'{n}'" for n in range(20_000)) + ")"}},
    "variables": {"expressions": {"x": "".join(f"var v{n} := {n}; " for n in range(10_000)) + "1"}},
    "values": {"filter": [["location", "in", [str(n) for n in range(20_000)]]]},
    "sorts": {"sort": [["current", "asc"]] * 2000},
}


def ask(port: int, config: dict, query: str = "", **headers: str) -> str:
    """Asks for a view and its rows: why there are none, "" where there are."""
    with Viewer(port, query, **headers) as viewer:
        try:
            viewer.table().view(**config).to_columns(end_row=1)
        except BaseException as error:  # the client's panic is no Exception
            return str(error)
    return ""


@contextmanager
def silent(port: int, count: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connections that send this much, and then nothing more."""
    with ExitStack() as stack:
        yield [stack.enter_context(stranger(port, sent)) for _ in range(count)]


def stranger(port: int, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(sent)
    return connection


def vanish(connection: socket.socket) -> None:
    """Ends a connection without a word to the other end, as a cut cable does once the system notices."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def send_body(port: int, headers: dict) -> int | None:
    """The status of the answer to 100 MB; None where the server hung up first."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/status", (bytes(2**20) for _ in range(100)), headers,
                           encode_chunked="Transfer-Encoding" in headers)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()

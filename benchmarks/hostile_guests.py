"""The guests of `benchmarks.hostile`: each is a function of the demo, and returns what it got, in few words.

Each guest comes from an address of its own, so that none is refused for what another did.
"""

import itertools
import time
import urllib.error
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tornado.httpclient import HTTPClientError

from tests.helpers.guests import NO_VALUE, REFUSED, TOO_MUCH, ask, doubled, send_body, silent, stranger, vanish
from tests.helpers.viewers import CopyViewer, Viewer, handshake
from tests.helpers.waiting import wait_for
from tests.helpers.whole_demo import WholeDemo

TOKEN = "token=sesame"
_addresses = (f"198.18.{number // 256 % 256}.{number % 256}" for number in itertools.count())  # X-Forwarded-For


def asks(config: dict) -> Callable:
    def guest(demo: WholeDemo) -> str:
        return ask(demo.port, config, TOKEN, **{"X-Forwarded-For": next(_addresses)})[-70:] or "rows"
    return guest


def asks_again(demo: WholeDemo) -> str:
    """What ends the engine, four times from one address."""
    address = next(_addresses)
    for number in range(4):
        try:
            ask(demo.port, NO_VALUE, TOKEN, **{"X-Forwarded-For": address})
        except HTTPClientError as refusal:
            return f"{refusal} at question {number + 1}"
    return "no refusal"


def slows_updates(demo: WholeDemo) -> str:
    """Makes views that each update has to change, until the connection ends."""
    with Viewer(demo.port, TOKEN, **{"X-Forwarded-For": next(_addresses)}) as viewer:
        table = viewer.table()
        with suppress(BaseException):  # the client's panic is no Exception
            for _ in range(100):
                table.view(expressions={"x": doubled(12)}, columns=["x"])
        return str(viewer.closed)


def exports(demo: WholeDemo) -> str:
    """All rows, again and again."""
    with Viewer(demo.port, TOKEN, **{"X-Forwarded-For": next(_addresses)}) as viewer:
        view = viewer.table().view()
        return f"{sum(map(len, (view.to_json_string() for _ in range(30)))) >> 20} MB"


def sends_bodies(headers: dict) -> Callable:
    def guest(demo: WholeDemo) -> str:
        with ThreadPoolExecutor(20) as pool:
            return spelt(pool.map(lambda _: send_body(demo.port, headers) or "hung up", range(20)))
    return guest


def stays_silent(count: int, sent: bytes) -> Callable:
    def guest(demo: WholeDemo) -> str:
        with silent(demo.port, count, sent), CopyViewer(demo.port, TOKEN) as viewer:
            wait_for(lambda: viewer.rows, what="rows for a new viewer")
        return "others got in"
    return guest


def requests(*paths: str, **headers: str) -> Callable:
    def guest(demo: WholeDemo) -> str:
        return spelt(answer(demo, path, headers) for path in paths)
    return guest


def answer(demo: WholeDemo, path: str, headers: dict) -> int:
    try:
        return demo.get(path, **headers).status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def vanishes(demo: WholeDemo) -> str:
    for path, after_s in itertools.product(("/rows", "/websocket", "/history"), (0, 0.01, 0.1)):
        connection = stranger(demo.port, handshake(f"{path}?{TOKEN}"))
        time.sleep(after_s)
        vanish(connection)
    return "nothing"


def chatters(demo: WholeDemo) -> str:
    closed = []
    for _ in range(100):
        with CopyViewer(demo.port, TOKEN) as viewer:
            viewer.send("what?")
            closed.append(wait_for(lambda: viewer.closed, what="the refusal")[0])
    return spelt(closed)


def spelt(answers: Iterable) -> str:
    return ", ".join(f"{count} x {answer}" for answer, count in Counter(answers).items())


GUESTS: dict[str, Callable[[WholeDemo], str]] = {
    "a text doubled 22 times": asks(TOO_MUCH),
    "the time as a split": asks({"expressions": {"t": '"timestamp"'}, "split_by": ["t"]}),
    "a split in 0.01 A": asks({"expressions": {"b": 'bucket("current", 0.01)'}, "split_by": ["b"]}),
    "64 sorts by one column": asks({"sort": [["current", "asc"]] * 64}),
    "the engine ended, four times": asks_again,
    "views that slow each update": slows_updates,
    "30 exports": exports,
    **{f"too many {name}": asks(config) for name, config in REFUSED.items()},
    "20 bodies of 100 MB": sends_bodies({"Content-Length": str(100 * 2**20)}),
    "20 bodies without a length": sends_bodies({"Transfer-Encoding": "chunked"}),
    "1100 silent connections": stays_silent(1100, b""),
    "1100 halves of a request": stays_silent(1100, b"GET /status HTTP/1.1\r\nHost: local"),
    "300 answers never read": stays_silent(300, b"GET /assets/perspective/perspective-anywidget.js HTTP/1.1\r\n"
                                                b"Host: localhost\r\n\r\n"),
    "50 viewers that never read": stays_silent(50, handshake(f"/rows?{TOKEN}")),
    "a foreign host": requests("/", "/status", f"/rows?{TOKEN}", Host="example.com", Origin="http://example.com"),
    "the token in odd places": requests(f"/status?{TOKEN}&{TOKEN}", f"/assets/perspective/%00?{TOKEN}", "/sesame"),
    "100 wrong tokens": requests(*["/status?token=open"] * 100),
    "viewers that vanish": vanishes,
    "100 viewers that say nonsense": chatters,
}

"""The viewers' WebSocket: read-only, and closed to those who do not belong. All tests share a server with one row."""

import urllib.error

import pytest

from bridge.settings import options
from bridge.viewer_requests import (
    CHANGING,
    COLLAPSE,
    DELETE_VIEW,
    MAKE_VIEW,
    REQUESTS,
    TELL,
    TELL_NO_MORE,
    encode,
    parse_request,
)
from bridge.viewer_rules import MAX_VIEWS, MOST_TOLD
from bridge.websockets import MAX_REQUEST_BYTES, allowed_origin
from tests.helpers.viewers import RawViewer, SlowViewer, Viewer
from tests.helpers.waiting import wait_for


@pytest.fixture
def refused(server):
    """A function: how many requests the server has refused since the test began."""
    before = server.status()["refused_requests"]
    return lambda: server.status()["refused_requests"] - before


def test_viewers_only_read(server, refused):
    with Viewer(server.port) as viewer:
        table = viewer.table()
        for change in (lambda: table.update([{"voltage": 1}]), lambda: table.replace([{"voltage": 1}]),
                       lambda: table.clear(), lambda: table.delete(), lambda: viewer.client.table([{"a": 1}])):
            with pytest.raises(BaseException, match="read-only"):
                change()
        assert table.make_port() == 0
        assert table.size() == 1
        assert viewer.client.get_hosted_table_names() == ["meters_values"]
        assert refused() >= 5


def test_origins(server):
    for origin in ("http://localhost:8081", f"http://127.0.0.1:{server.port}"):
        with Viewer(server.port, Origin=origin) as viewer:
            assert viewer.table().size() == 1
        assert server.get("/status", Origin=origin).headers["Access-Control-Allow-Origin"] == origin
    with pytest.raises(Exception, match="403"):
        Viewer(server.port, Origin="http://elsewhere.example").__enter__()
    for origin in ("http://elsewhere.example", "http://[", "null"):
        assert "Access-Control-Allow-Origin" not in server.get("/status", Origin=origin).headers


def test_serves_the_page_and_its_assets_only(server):
    assert b"perspective-viewer" in server.get("/").read()
    assert server.get("/prsp-viewer.html").status == 200
    assert len(server.get("/assets/perspective/perspective-anywidget.js").read()) > 10**6
    for path in ("/meters.py", "/.git/config", "/requirements.txt", "/.venv/pyvenv.cfg", "/assets/", "//etc/passwd",
                 "/assets/perspective/../../meters.py", "/assets/perspective/%2e%2e/x",
                 "/assets/perspective/%2e%2e%2f%2e%2e/__init__.py", "/assets/perspective//etc/passwd",
                 "/prsp-viewer.html/../run.sh", "/prsp-viewer.html%00"):
        with pytest.raises(urllib.error.HTTPError, match="40[34]"):
            server.get(path)


def test_a_token_where_none_is_wanted_is_ignored(server):
    with Viewer(server.port, "token=sesame") as viewer:
        assert viewer.table().size() == 1


def test_every_request_that_is_not_known_to_read_is_refused(server, refused):
    kinds = sorted(set(range(3, 100)) - REQUESTS.keys())
    changing = [kind in CHANGING for kind in kinds]
    with RawViewer(server.port) as viewer:
        for kind in kinds:
            viewer.send(encode(1, kind) + encode(2, b"meters_values") + encode(kind, b""))
        wait_for(lambda: len(viewer.answers) == len(kinds), what="an answer for each")
        assert [b"read-only" in answer for answer in viewer.answers] == changing
        assert [b"of another version" in answer for answer in viewer.answers] == [not known for known in changing]
        assert refused() == len(kinds)


WINDOWS = (
    {"column": "current", "aggregate": "avg", "partition_by": ["location"], "order_by": ["timestamp", "asc"],
     "rows": 3},
    {"column": "current", "aggregate": "sum", "order_by": ["timestamp", "desc"], "range": 1000.0},
    {"column": "current", "aggregate": "max", "cumulative": True},
    {"column": "voltage", "aggregate": "lag", "offset": 1},
    {"column": "current", "aggregate": "ema", "order_by": ["timestamp", "asc"], "alpha": 0.3},
)


def test_window_columns(server, refused):
    with Viewer(server.port) as viewer:
        for window in WINDOWS:
            view = viewer.table().view(windows={"rolling": window}, columns=["rolling"])
            assert len(view.to_columns()["rolling"]) == 1, window
        assert refused() == 0


def test_views_belong_to_the_viewer_who_made_them(server):
    with SlowViewer(server.port) as viewer, RawViewer(server.port) as other:
        view = viewer.table().view(group_by=["location"])
        made = next(request for request in map(parse_request, viewer.sent) if request.kind == MAKE_VIEW)
        name = made.fields[1][0].encode()
        for entity, request, why in ((name, encode(DELETE_VIEW, b""), b"no view of this name"),
                                     (name, encode(COLLAPSE, b""), b"no view of this name"),
                                     (b"meters_values", encode(MAKE_VIEW, encode(1, name)), b"must be new")):
            other.send(encode(1, 1) + encode(2, entity) + request)
            wait_for(lambda: other.answers, what="an answer")
            assert why in other.answers.pop()
        assert view.num_rows() == 2


def test_what_is_no_request_ends_the_connection(server, refused):
    messages = b"", b"\xff" * 20, b"\x08\x01", b"\x0d\0\0\0\0", b"\x1a\x05", b"\x32\x02\x08\x01" * 3
    for count, message in enumerate(messages, 1):
        with Viewer(server.port) as viewer:
            viewer.send(message)
            code, _ = wait_for(lambda: viewer.closed, what="the end of the connection")
            assert code == 1003, message
        assert refused() == count, message


def test_a_message_that_is_too_long_ends_the_connection(server):
    with Viewer(server.port) as beside:
        with Viewer(server.port) as viewer:
            viewer.send(encode(1, 1) + encode(2, b"x" * MAX_REQUEST_BYTES) + encode(4, b""))
            assert wait_for(lambda: viewer.closed, what="the end of the connection")
        assert beside.table().size() == 1


def test_views_of_one_viewer_are_bounded(server):
    with Viewer(server.port) as viewer:
        table = viewer.table()
        views = [table.view() for _ in range(MAX_VIEWS)]
        with pytest.raises(BaseException, match="100 views open"):
            table.view()
        views.pop().delete()
        views.append(table.view())
        with Viewer(server.port) as another:
            assert another.table().view().num_rows() == 1


def test_a_view_s_updates_are_told_a_few_times(server, refused):
    """Ten thousand such requests made an update of 300 rows take seconds."""
    with RawViewer(server.port) as viewer:
        def after(number: int, entity: bytes, request: bytes) -> int:
            """Sends a request and one that is answered: how many were refused until then."""
            viewer.answers.clear()
            viewer.send(encode(1, number) + encode(2, entity) + request)
            viewer.send(encode(1, 999) + encode(4, b""))
            wait_for(lambda: any(answer.startswith(encode(1, 999)) for answer in viewer.answers), what="an answer")
            return refused()

        for name in (b"one", b"two"):
            assert after(1, b"meters_values", encode(MAKE_VIEW, encode(1, name) + encode(2, b""))) == 0
        tell, no_more = encode(TELL, b""), encode(TELL_NO_MORE, encode(1, 100))
        assert [after(number, b"one", tell) for number in range(100, 101 + MOST_TOLD)] == [*[0] * MOST_TOLD, 1]
        assert after(1, b"two", no_more) == 1 and after(1, b"one", tell) == 2
        assert after(1, b"one", no_more) == 2 and after(1, b"one", tell) == 2
        assert after(1, b"two", tell) == 2 and after(1, b"one", tell) == 3


def test_names_of_a_list_may_have_spaces_between(monkeypatch):
    monkeypatch.setattr(options, "allowed_origins", "http://one:1, http://two:2", raising=False)
    assert allowed_origin("http://two:2", "localhost") and not allowed_origin("http://three:3", "localhost")

"""How many views a viewer may have, and how often it may be told of their updates."""

import pytest

from bridge.viewer_requests import MAKE_VIEW, TELL, TELL_NO_MORE, encode
from bridge.viewer_rules import MAX_VIEWS, MOST_TOLD
from tests.helpers.programs import Server, now_ms
from tests.helpers.viewers import RawViewer, Viewer
from tests.helpers.waiting import wait_for


def test_views_of_one_viewer_are_bounded(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, Viewer(server.port) as viewer:
        table = viewer.table()
        views = [table.view() for _ in range(MAX_VIEWS)]
        with pytest.raises(BaseException, match="100 views open"):
            table.view()
        views.pop().delete()
        views.append(table.view())
        with Viewer(server.port) as another:
            assert another.table().view().num_rows() == 1


def test_a_view_s_updates_are_told_a_few_times(power_dsn, write, tmp_path):
    """Ten thousand such requests made an update of 300 rows take seconds."""
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, RawViewer(server.port) as viewer:
        def refused(number: int, entity: bytes, request: bytes) -> int:
            """Sends a request and one that is answered: how many were refused until then."""
            viewer.answers.clear()
            viewer.send(encode(1, number) + encode(2, entity) + request)
            viewer.send(encode(1, 999) + encode(4, b""))
            wait_for(lambda: any(answer.startswith(encode(1, 999)) for answer in viewer.answers), what="an answer")
            return server.status()["refused_requests"]

        for name in (b"one", b"two"):
            assert refused(1, b"meters_values", encode(MAKE_VIEW, encode(1, name) + encode(2, b""))) == 0
        tell, no_more = encode(TELL, b""), encode(TELL_NO_MORE, encode(1, 100))
        assert [refused(number, b"one", tell) for number in range(100, 101 + MOST_TOLD)] == [*[0] * MOST_TOLD, 1]
        assert refused(1, b"two", no_more) == 1 and refused(1, b"one", tell) == 2
        assert refused(1, b"one", no_more) == 2 and refused(1, b"one", tell) == 2
        assert refused(1, b"two", tell) == 2 and refused(1, b"one", tell) == 3

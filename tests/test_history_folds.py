"""Groups that people close and open: as in Perspective's own engine."""

import random

import perspective
import pyarrow as pa
import pytest

import meters
from bridge.viewer_requests import SET_DEPTH, encode, parse_request
from tests.helpers.history import HistoryViewer, message
from tests.helpers.meter_rows import write_row
from tests.helpers.programs import Server, now_ms

CONFIG = {"group_by": ["location", "groupid", "voltage"], "columns": ["current"], "aggregates": {"current": "count"}}


class Naming(HistoryViewer):
    """A viewer that knows which view it asked last."""

    def _send(self, message: bytes):
        self.entity = parse_request(bytes(message)).entity
        super()._send(message)


@pytest.fixture(scope="module")
def server(module_dsn, module_power, tmp_path_factory):
    """Its database has three rows, of two voltages, of each of six meters."""
    module_power.execute(meters.create_super_table())
    begin = now_ms() - 1000
    for meter in range(6):
        for k in range(3):
            write_row(module_power, meter, begin + k, voltage=220 + k % 2)
    with Server(tmp_path_factory.mktemp("server"), module_dsn) as server:
        yield server


def test_closed_groups_are_those_of_perspective(server):
    rng = random.Random(1)
    with HistoryViewer(server.port) as viewer:
        table = viewer.table("meters")
        rows = table.view().to_columns()
        own = perspective.Server().new_local_client().table(pa.table({name: rows[name] for name in (
            "location", "groupid", "voltage", "current")})).view(**CONFIG)
        ours = table.view(**CONFIG)
        for _ in range(60):
            action, row = rng.choice(("collapse", "expand")), rng.randrange(own.num_rows())
            assert getattr(ours, action)(row) == getattr(own, action)(row), (action, row)
            assert ours.to_columns() == own.to_columns() and ours.num_rows() == own.num_rows(), (action, row)
        ours.collapse(0)
        assert ours.to_columns()["current"] == [18]
        assert ours.collapse(1000) == 0
        flat = table.view(**CONFIG, group_rollup_mode="flat")
        assert flat.collapse(0) == 0 and flat.num_rows() > 6
        nothing = table.view(**CONFIG, group_rollup_mode="flat", filter=[["voltage", "<", 0]])
        assert not any(nothing.to_columns().values()) and nothing.collapse(0) == 0


def test_the_depth_of_a_view(server):
    with Naming(server.port) as viewer:
        view = viewer.table("meters").view(**CONFIG)
        for depth, rows in ((0, 7), (1, 13), (2, 25), (9, 25)):
            assert view.num_rows()
            viewer.send(message(SET_DEPTH, encode(1, depth), viewer.entity.encode()))
            assert view.num_rows() == rows

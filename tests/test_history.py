"""The database's own tables at /history: beside the live table, and without harm to it."""

import json
import random

import perspective
import pyarrow as pa
import pytest

import meters
from bridge.history import exports
from bridge.history.view import NEAR_ROWS
from bridge.history.view_sql import MOST_ROWS
from bridge.viewer_requests import SET_DEPTH, encode, parse_request
from tests.helpers.history import HistoryViewer, fill, message
from tests.helpers.meter_rows import write_row
from tests.helpers.programs import Server, now_ms
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for

LONG = MOST_ROWS + 10  # rows of the table `long`
WINDOWS = 1000  # rows of the table `seconds`
# Groups of the table `grouped`, which people close and open.
GROUPED = {"group_by": ["location", "groupid", "voltage"], "columns": ["current"], "aggregates": {"current": "count"}}


@pytest.fixture(scope="module")
def server(module_dsn, module_power, tmp_path_factory):
    """One server for all tests. Its database has a row of `meters`, and a table for each test that needs one."""
    module_power.execute(meters.create_super_table())
    write_row(module_power, 0, now_ms())
    fill(module_power, LONG, now_ms(), "long")
    fill(module_power, WINDOWS, now_ms() // 1000 * 1000, "seconds")
    module_power.execute("CREATE TABLE plain (ts TIMESTAMP, `two words` BIGINT, empty NCHAR(5))")
    module_power.execute(f"INSERT INTO plain VALUES ({now_ms()}, 5, NULL)")
    for table in ("followed", "parted"):
        module_power.execute(f"CREATE STABLE {table} (ts TIMESTAMP, v INT) TAGS (place NCHAR(9))")
    fill_grouped(module_power)
    with Server(tmp_path_factory.mktemp("server"), module_dsn, "--history-every-s=1") as server:
        yield server


def fill_grouped(power) -> None:
    """Three rows, of two voltages, of each of six meters."""
    power.execute("CREATE STABLE grouped (ts TIMESTAMP, current FLOAT, voltage INT) "
                  "TAGS (groupid INT, location NCHAR(9))")
    begin = now_ms() - 1000
    for meter in range(6):
        values = " ".join(f"({begin + k}, 1, {220 + k % 2})" for k in range(3))
        power.execute(f"INSERT INTO grouped_{meter} USING grouped TAGS ({meter % 4}, 'place {meter}') VALUES {values}")


def write(power, table: str, place: str, value: int) -> None:
    """A row of now into a subtable of the place."""
    power.execute(f"INSERT INTO {table}_{place} USING {table} TAGS ('{place}') VALUES ({now_ms()}, {value})")


def test_tables_of_the_database_beside_the_live_table(server):
    with HistoryViewer(server.port) as viewer, Viewer(server.port) as live:
        assert viewer.client.get_hosted_table_names() == [
            "followed", "grouped", "long", "meters", "parted", "plain", "seconds"]
        assert viewer.table("meters").schema() == meters.PERSPECTIVE_SCHEMA | {"tbname": "string"}
        assert viewer.table("plain").schema() == {"ts": "datetime", "two words": "float", "empty": "string"}
        assert viewer.table("plain").view(columns=["two words", "empty"]).to_columns() == {
            "two words": [5.0], "empty": [None]}
        assert viewer.table("meters").view(columns=["tbname"]).to_columns() == {"tbname": ["d_bind_0"]}
        assert live.table().view(columns=["voltage"]).to_columns() == {"voltage": [220]}
        assert live.client.get_hosted_table_names() == ["meters_values"]
        viewer.send("")
        wait_for(lambda: viewer.signs, what="a sign of life")


def test_every_row_can_be_reached(server):
    with HistoryViewer(server.port) as viewer:
        table = viewer.table("long")
        view = table.view(columns=["voltage"])
        assert view.num_rows() == LONG
        for start in (0, 1, NEAR_ROWS - 10, NEAR_ROWS, LONG // 2, LONG - 50, LONG):
            found = view.to_columns(start_row=start, end_row=start + 50)["voltage"]
            assert found == [LONG - 1 - n for n in range(start, min(LONG, start + 50))]
        assert view.get_min_max("voltage") == (0, LONG - 1)
        grouped = table.view(group_by=["location"], columns=["voltage"], aggregates={"voltage": "count"})
        assert grouped.to_columns()["voltage"] == [LONG, LONG]
        assert "Łódź" in grouped.to_csv()
        assert "there are more" not in table.view(columns=["voltage"], filter=[["voltage", "<", 20_000]]).to_csv()


def test_an_export_says_where_it_was_cut(server):
    with HistoryViewer(server.port) as viewer:
        for config in ({}, {"sort": [["voltage", "desc"]]}):
            lines = viewer.table("long").view(columns=["voltage"], **config).to_csv().strip().splitlines()
            assert [lines[0], lines[1], lines[-2]] == ["voltage", str(MOST_ROWS + 9), "10"]
            assert lines[-1] == f'"{exports.WORDS}"'
        view = viewer.table("long").view(columns=["voltage"])
        arrow = pa.ipc.open_stream(view.to_arrow()).read_all()
        assert arrow.num_rows == MOST_ROWS and arrow.schema.metadata == {b"__CUT__": exports.WORDS.encode()}
        columns = json.loads(view.to_columns_string())
        assert len(columns["voltage"]) == MOST_ROWS and columns["__CUT__"] == [exports.WORDS]
        for rows in (view.to_json(), [json.loads(line) for line in view.to_ndjson().strip().splitlines()]):
            assert len(rows) == MOST_ROWS + 1
            assert rows[-2:] == [{"voltage": 10}, {"__CUT__": exports.WORDS}]
        assert "__CUT__" not in view.to_columns(end_row=10)
        with pytest.raises(BaseException, match="more than 50000 groups"):
            viewer.table("long").view(group_by=["voltage"], columns=["voltage"]).to_columns()
        view = viewer.table("long").view(columns=["voltage"], sort=[["voltage", "desc"]])
        with pytest.raises(BaseException, match="sorted rows are shown down to row 50000"):
            view.to_columns(start_row=MOST_ROWS, end_row=MOST_ROWS + 5)


def test_a_split_gets_new_columns(server, module_power):
    write(module_power, "parted", "one", 1)
    with HistoryViewer(server.port) as viewer:
        told = []
        view = viewer.table("parted").view(group_by=["v"], split_by=["tbname"], columns=["v"])
        view.on_update(lambda *_: told.append(1))
        assert list(view.to_columns()) == ["__ROW_PATH__", "parted_one|v"]
        before = len(told)
        write(module_power, "parted", "two", 2)
        after = ["__ROW_PATH__", "parted_one|v", "parted_two|v"]
        wait_for(lambda: len(told) > before and list(view.to_columns()) == after, what="the update")
        assert viewer.table("parted").view(group_by=["place"], split_by=["tbname"]).num_rows()


def test_views_follow_the_database(server, module_power):
    write(module_power, "followed", "one", 1)
    with HistoryViewer(server.port) as viewer:
        told = []
        view = viewer.table("followed").view(group_by=["place"], columns=["v"])
        view.on_update(lambda *_: told.append(1))
        assert view.to_columns()["v"] == [1, 1]
        before = len(told)
        write(module_power, "followed", "one", 2)
        wait_for(lambda: len(told) > before and view.to_columns()["v"] == [3, 3], what="the update")
        view.delete()


def test_windows_fit_the_panel(server):
    with HistoryViewer(server.port) as viewer:
        told, config = [], {"group_by": ["ts"], "group_rollup_mode": "flat", "columns": ["voltage"]}
        view = viewer.table("seconds").view(**config)
        view.on_update(lambda *_: told.append(1))
        assert view.num_rows() == WINDOWS  # of a second
        for width, windows in (("250", 201), ("30", 18), ("0", 10), ("999999", WINDOWS)):
            viewer.send(width)
            wait_for(lambda: told and view.num_rows() in (windows, windows - 1), what=f"{windows} windows")
            del told[:]
        viewer.send("-1")
        wait_for(lambda: viewer.closed, what="the end of the connection")


def test_what_is_refused_is_said(server):
    with HistoryViewer(server.port) as viewer:
        table = viewer.table("meters")
        for config, why in (({"columns": ["x"]}, "no column x"), ({"expressions": {"x": "1"}}, "an expression is"),
                            ({"filter": [["location", "==", "\0"]]}, "NUL")):
            with pytest.raises(BaseException, match=why):
                table.view(**config)
        for change in (lambda: table.update([{"voltage": 1}]), lambda: viewer.client.table([{"a": 1}])):
            with pytest.raises(BaseException, match="read-only"):
                change()
        assert table.make_port() == 0
        assert table.view(columns=["voltage"]).to_columns() == {"voltage": [220]}


def test_closed_groups_are_those_of_perspective(server):
    rng = random.Random(1)
    with HistoryViewer(server.port) as viewer:
        table = viewer.table("grouped")
        rows = table.view().to_columns()
        own = perspective.Server().new_local_client().table(pa.table({name: rows[name] for name in (
            "location", "groupid", "voltage", "current")})).view(**GROUPED)
        ours = table.view(**GROUPED)
        for _ in range(60):
            action, row = rng.choice(("collapse", "expand")), rng.randrange(own.num_rows())
            assert getattr(ours, action)(row) == getattr(own, action)(row), (action, row)
            assert ours.to_columns() == own.to_columns() and ours.num_rows() == own.num_rows(), (action, row)
        ours.collapse(0)
        assert ours.to_columns()["current"] == [18]
        assert ours.collapse(1000) == 0
        flat = table.view(**GROUPED, group_rollup_mode="flat")
        assert flat.collapse(0) == 0 and flat.num_rows() > 6
        nothing = table.view(**GROUPED, group_rollup_mode="flat", filter=[["voltage", "<", 0]])
        assert not any(nothing.to_columns().values()) and nothing.collapse(0) == 0


class Naming(HistoryViewer):
    """A viewer that knows which view it asked last."""

    def _send(self, message: bytes):
        self.entity = parse_request(bytes(message)).entity
        super()._send(message)


def test_the_depth_of_a_view(server):
    with Naming(server.port) as viewer:
        view = viewer.table("grouped").view(**GROUPED)
        for depth, rows in ((0, 7), (1, 13), (2, 25), (9, 25)):
            assert view.num_rows()
            viewer.send(message(SET_DEPTH, encode(1, depth), viewer.entity.encode()))
            assert view.num_rows() == rows

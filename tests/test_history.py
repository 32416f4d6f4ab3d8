"""The database's own tables at /history: beside the live table, closed as that is, and without harm to it."""

import json

import pyarrow as pa
import pytest

import meters
from bridge.history import exports
from bridge.history.view import NEAR_ROWS
from bridge.history.view_sql import MOST_ROWS
from tests.helpers.history import HistoryViewer
from tests.helpers.programs import Server, now_ms
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for


def fill(power, rows: int, before: int) -> None:
    """One row a second of one meter, until `before` (epoch ms); its voltage counts from 0."""
    power.execute(meters.create_super_table())
    for at in range(0, rows, 5000):
        values = " ".join(f"({before - (rows - i) * 1000}, 1.5, {i}, 0.5)" for i in range(at, min(rows, at + 5000)))
        power.execute(f"INSERT INTO d0 USING meters (groupid, location) TAGS (1, 'Łódź') VALUES {values}")


def test_tables_of_the_database_beside_the_live_table(power_dsn, power, write, tmp_path):
    write(0, now_ms())
    power.execute("CREATE TABLE plain (ts TIMESTAMP, `two words` BIGINT, empty NCHAR(5))")
    power.execute(f"INSERT INTO plain VALUES ({now_ms()}, 5, NULL)")
    with Server(tmp_path, power_dsn) as server, HistoryViewer(server.port) as viewer, Viewer(server.port) as live:
        assert viewer.client.get_hosted_table_names() == ["meters", "plain"]
        assert viewer.table("meters").schema() == meters.PERSPECTIVE_SCHEMA | {"tbname": "string"}
        assert viewer.table("plain").schema() == {"ts": "datetime", "two words": "float", "empty": "string"}
        assert viewer.table("plain").view(columns=["two words", "empty"]).to_columns() == {
            "two words": [5.0], "empty": [None]}
        assert viewer.table("meters").view(columns=["tbname"]).to_columns() == {"tbname": ["d_bind_0"]}
        assert live.table().view(columns=["voltage"]).to_columns() == {"voltage": [220]}
        assert live.client.get_hosted_table_names() == ["meters_values"]
        viewer.send("")
        wait_for(lambda: viewer.signs, what="a sign of life")


def test_every_row_can_be_reached(power_dsn, power, tmp_path):
    rows = 20_000
    fill(power, rows, now_ms())
    with Server(tmp_path, power_dsn) as server, HistoryViewer(server.port) as viewer:
        table = viewer.table("meters")
        view = table.view(columns=["voltage"])
        assert view.num_rows() == rows
        for start in (0, 1, NEAR_ROWS - 10, NEAR_ROWS, rows // 2, rows - 50, rows):
            found = view.to_columns(start_row=start, end_row=start + 50)["voltage"]
            assert found == [rows - 1 - n for n in range(start, min(rows, start + 50))]
        assert view.get_min_max("voltage") == (0, rows - 1)
        grouped = table.view(group_by=["location"], columns=["voltage"], aggregates={"voltage": "count"})
        assert grouped.to_columns()["voltage"] == [rows, rows]
        assert "Łódź" in grouped.to_csv()
        assert "there are more" not in view.to_csv()


def test_an_export_says_where_it_was_cut(power_dsn, power, tmp_path):
    fill(power, MOST_ROWS + 10, now_ms())
    with Server(tmp_path, power_dsn) as server, HistoryViewer(server.port) as viewer:
        for config in ({}, {"sort": [["voltage", "desc"]]}):
            lines = viewer.table("meters").view(columns=["voltage"], **config).to_csv().strip().splitlines()
            assert [lines[0], lines[1], lines[-2]] == ["voltage", str(MOST_ROWS + 9), "10"]
            assert lines[-1] == f'"{exports.WORDS}"'
        view = viewer.table("meters").view(columns=["voltage"])
        arrow = pa.ipc.open_stream(view.to_arrow()).read_all()
        assert arrow.num_rows == MOST_ROWS and arrow.schema.metadata == {b"__CUT__": exports.WORDS.encode()}
        columns = json.loads(view.to_columns_string())
        assert len(columns["voltage"]) == MOST_ROWS and columns["__CUT__"] == [exports.WORDS]
        for rows in (view.to_json(), [json.loads(line) for line in view.to_ndjson().strip().splitlines()]):
            assert len(rows) == MOST_ROWS + 1
            assert rows[-2:] == [{"voltage": 10}, {"__CUT__": exports.WORDS}]
        assert "__CUT__" not in view.to_columns(end_row=10)
        with pytest.raises(BaseException, match="more than 50000 groups"):
            viewer.table("meters").view(group_by=["voltage"], columns=["voltage"]).to_columns()
        view = viewer.table("meters").view(columns=["voltage"], sort=[["voltage", "desc"]])
        with pytest.raises(BaseException, match="sorted rows are shown down to row 50000"):
            view.to_columns(start_row=MOST_ROWS, end_row=MOST_ROWS + 5)


def test_a_split_gets_new_columns(power_dsn, power, write, tmp_path):
    write(0, now_ms(), voltage=1)
    with Server(tmp_path, power_dsn, "--history-every-s=1") as server, HistoryViewer(server.port) as viewer:
        told = []
        view = viewer.table("meters").view(group_by=["groupid"], split_by=["tbname"], columns=["voltage"])
        view.on_update(lambda *_: told.append(1))
        assert list(view.to_columns()) == ["__ROW_PATH__", "d_bind_0|voltage"]
        before = len(told)
        write(1, now_ms(), voltage=2)
        wait_for(lambda: len(told) > before, what="the update")
        assert list(view.to_columns()) == ["__ROW_PATH__", "d_bind_0|voltage", "d_bind_1|voltage"]
        assert viewer.table("meters").view(group_by=["groupid"], split_by=["tbname"]).num_rows()


def test_origins_and_tokens(power_dsn, tmp_path):
    with Server(tmp_path, power_dsn, "--perspective-token=open sesame") as server:
        for query, headers in (("", {}), ("token=sesame", {}),
                               ("token=open%20sesame", {"Origin": "http://elsewhere.example"})):
            with pytest.raises(Exception, match="403"):
                HistoryViewer(server.port, query, **headers).__enter__()
        with HistoryViewer(server.port, "token=open%20sesame") as viewer:
            assert viewer.client.get_hosted_table_names() == []
        assert "sesame" not in server.text()


def test_what_is_refused_is_said(power_dsn, write, tmp_path):
    write(0, now_ms())
    with Server(tmp_path, power_dsn) as server, HistoryViewer(server.port) as viewer:
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


def test_views_follow_the_database(power_dsn, write, tmp_path):
    write(0, now_ms(), voltage=1)
    with Server(tmp_path, power_dsn, "--history-every-s=1") as server, HistoryViewer(server.port) as viewer:
        told = []
        view = viewer.table("meters").view(group_by=["location"], columns=["voltage"])
        view.on_update(lambda *_: told.append(1))
        assert view.to_columns()["voltage"] == [1, 1]
        time_told = len(told)
        write(0, now_ms(), voltage=2)
        wait_for(lambda: len(told) > time_told, what="the update")
        assert view.to_columns()["voltage"] == [3, 3]
        view.delete()

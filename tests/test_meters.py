"""The meter row, said once."""

import subprocess
import sys

import pytest

import meters
from tests.helpers.databases import ROOT
from tests.helpers.programs import Server, copy_of_the_demo, edit, producer
from tests.helpers.viewers import Viewer


def test_statements():
    assert meters.create_super_table() == (
        "CREATE STABLE IF NOT EXISTS `meters` (`ts` TIMESTAMP, `current` FLOAT, `voltage` INT, `phase` FLOAT)"
        " TAGS (`groupid` INT, `location` BINARY(24))")
    assert meters.insert_rows() == (
        "INSERT INTO ? USING `meters` (`groupid`, `location`) TAGS (?, ?) VALUES (?, ?, ?, ?)")
    assert meters.select_rows(7, 9, 10) == (
        "SELECT CAST(`ts` AS BIGINT), `location`, `groupid`, `current`, `voltage`, `phase`"
        " FROM `meters` WHERE `ts` > 7 AND `ts` <= 9 ORDER BY `ts` LIMIT 10")
    assert meters.count_windows(7, 9, 100) == (
        "SELECT CAST(_wstart AS BIGINT), COUNT(*) FROM `meters` WHERE `ts` > 7 AND `ts` <= 9 INTERVAL(100a)")


def test_rows_to_arrow_and_back():
    rows = [(1764000000123, "Berkeley", 1, 10.5, 220, None), (1764000000124, None, None, None, None, 0.25)]
    assert meters.from_arrow(meters.to_arrow(rows)) == rows
    assert meters.from_arrow(meters.to_arrow([])) == []


DESCRIBED = [("ts", "TIMESTAMP", 8, ""), ("current", "FLOAT", 4, ""), ("voltage", "INT", 4, ""),
             ("phase", "FLOAT", 4, ""), ("groupid", "INT", 4, "TAG"), ("location", "VARCHAR", 24, "TAG")]


@pytest.mark.parametrize("row, described, words", (
    (2, [], "column voltage is missing in the database"),
    (2, [("voltage", "DOUBLE", 8, "")], "column voltage is DOUBLE column in the database, INT column in meters.py"),
    (5, [("location", "VARCHAR", 24, "")], "tag location is VARCHAR column in the database, VARCHAR tag in meters.py"),
))
def test_a_column_that_differs_is_named(row, described, words):
    meters.check(DESCRIBED, "ms")
    with pytest.raises(meters.Mismatch, match=words):
        meters.check([*DESCRIBED[:row], *described, *DESCRIBED[row + 1:]], "ms")


def test_another_precision_is_named():
    with pytest.raises(meters.Mismatch, match="counts time in us, meters.py in ms"):
        meters.check(DESCRIBED, "us")


def test_more_columns_do_no_harm():
    meters.check([*DESCRIBED, ("energy", "BIGINT", 8, "")], "ms")


def test_perspective_schema():
    assert meters.PERSPECTIVE_SCHEMA == {"timestamp": "datetime", "location": "string", "groupid": "integer",
                                         "current": "float", "voltage": "integer", "phase": "float"}


def test_a_new_column_is_added_in_one_place(power_dsn, tmp_path):
    """One line in meters.py and one in simulation.py carry a column to the viewers."""
    demo = copy_of_the_demo(tmp_path)
    edit(demo / "meters.py", ('Column("phase", "FLOAT"),', 'Column("phase", "FLOAT"), Column("energy", "BIGINT"),'))
    edit(demo / "simulation.py", ('"phase": ', '"energy": 2**40 + timestamps % 7, "phase": '))
    assert producer(tmp_path, power_dsn, "--count=1", cwd=demo).wait() == 0
    with Server(tmp_path, power_dsn, cwd=demo) as server, Viewer(server.port) as viewer:
        table = viewer.table()
        assert table.schema() == meters.PERSPECTIVE_SCHEMA | {"energy": "integer"}
        rows = table.view().to_columns()
        assert rows["energy"] == [2**40 + ts % 7 for ts in rows["timestamp"]]


OPTIONS = {
    "producer.py": ("--count", "--interval-ms", "--rows-per-interval", "--meters", "--tdengine-dsn"),
    "perspective_server.py": ("--perspective-port", "--perspective-host", "--table-limit", "--overlap-ms",
                              "--allowed-origins"),
}


def test_help_documents_every_option():
    for program, options in OPTIONS.items():
        run = subprocess.run([sys.executable, program, "--help"], cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 0
        for option in options:
            assert option in run.stdout + run.stderr

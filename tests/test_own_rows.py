"""Rows of the user's own: every type of TDengine's, normal tables, subtables, and tables that are not the demo's."""

import json
import math
import re
import subprocess
import sys

import pyarrow as pa
import pytest

from tests.helpers.databases import ROOT
from tests.helpers.programs import Server, copy_of_the_demo, edit, now_ms, producer
from tests.helpers.viewers import CopyViewer, Viewer
from tests.helpers.waiting import wait_for

COLUMNS = re.search(r"COLUMNS = \(.*?\n\)\n", (ROOT / "meters.py").read_text(), re.S)[0]
VALUES = {  # the type, a value in SQL, and as viewers see it
    "BOOL": ("true", True),
    "TINYINT": ("-128", -128),
    "SMALLINT": ("-32768", -32768),
    "int": ("-2147483648", -2**31),
    "BIGINT": ("-9223372036854775807", -2**63 + 1),
    "TINYINT UNSIGNED": ("255", 255),
    "SMALLINT UNSIGNED": ("65535", 65535),
    "INT UNSIGNED": ("4294967295", 2**32 - 1),
    "BIGINT UNSIGNED": ("18446744073709551615", 2**64 - 1),
    "FLOAT": ("1.5", 1.5),
    "DOUBLE": ("0.1", 0.1),
    "DECIMAL(20, 4)": ("1234567.0625", 1234567.0625),
    "TIMESTAMP": ("1764000000123", 1764000000123),
    "VARCHAR(20)": ("'plain'", "plain"),
    "BINARY(20)": ("'older'", "older"),
    "NCHAR(20)": ("'Łódź'", "Łódź"),
    "VARBINARY(20)": (r"'\x98f46e'", "98f46e"),
}


class ArrowViewer(CopyViewer):
    """It takes rows of any schema, as dicts."""

    def take(self, arrow: bytes, anew: bool) -> None:
        rows = pa.ipc.open_stream(arrow).read_all().to_pylist()
        self.rows = (([] if anew else self.rows) + rows)[-self.limits[-1]:]


def demo_with(folder, table: str, columns: dict[str, str], tags: dict[str, str]):
    """A copy of the demo whose `meters.py` has these columns, by name, and tags."""
    demo = copy_of_the_demo(folder)
    lines = ['    Column("ts", "TIMESTAMP"),', *(f'    Column("{name}", "{kind}"),' for name, kind in columns.items()),
             *(f'    Column("{name}", "{kind}", is_tag=True),' for name, kind in tags.items())]
    edit(demo / "meters.py", (COLUMNS, "\n".join(("COLUMNS = (", *lines, ")\n"))),
         ('SUPER_TABLE = "meters"', f'SUPER_TABLE = "{table}"'))
    return demo


def seen(server, rows: int) -> tuple[list[dict], dict]:
    """The rows as a page with a copy has them, and the columns as one has that queries the server."""
    with ArrowViewer(server.port) as copy, Viewer(server.port) as viewer:
        wait_for(lambda: len(copy.rows) == rows, what="the rows")
        return copy.rows, viewer.table().view().to_columns()


def plain(value):
    return round(value.timestamp() * 1000) if hasattr(value, "timestamp") else value


def test_every_type(power_dsn, power, tmp_path):
    """In a row of values at the edge, and a row of NULLs; in both modes of the page."""
    names = {f"c{number}": kind for number, kind in enumerate(VALUES)}
    demo = demo_with(tmp_path, "everything", names, {"site": "NCHAR(20)", "opened": "TIMESTAMP"})
    columns = ", ".join(f"{name} {kind}" for name, kind in names.items())
    power.execute(f"CREATE STABLE everything (ts TIMESTAMP, {columns}) TAGS (site NCHAR(20), opened TIMESTAMP)")
    now = now_ms() - 1000
    power.execute("INSERT INTO e1 USING everything TAGS ('Zürich', 1764000000456) VALUES "
                  f"({now}, {', '.join(sql for sql, _ in VALUES.values())}) ({now + 1}{', NULL' * len(names)})")
    with Server(tmp_path, power_dsn, cwd=demo) as server:
        rows, columns = seen(server, 2)
        assert server.status()["last_error"] is None
    expected = dict(zip(names, (value for _, value in VALUES.values())))
    for number, values in enumerate((expected, dict.fromkeys(names))):
        for name, value in values.items():
            assert plain(rows[number][name]) == value, (names[name], rows[number][name])
            assert columns[name][number] == value, (names[name], columns[name][number])
        assert (rows[number]["site"], plain(rows[number]["opened"])) == ("Zürich", 1764000000456)


def test_json_tags_are_shown_as_text(power_dsn, power, tmp_path):
    demo = demo_with(tmp_path, "sensors", {"value": "DOUBLE"}, {"about": "JSON"})
    power.execute("CREATE STABLE sensors (ts TIMESTAMP, `value` DOUBLE) TAGS (about JSON)")
    power.execute("""INSERT INTO s1 USING sensors TAGS ('{"floor": 3, "room": "lab"}') VALUES """ f"({now_ms()}, 0.5)")
    with Server(tmp_path, power_dsn, cwd=demo) as server:
        (row,), columns = seen(server, 1)
    assert json.loads(row["about"]) == json.loads(columns["about"][0]) == {"floor": 3, "room": "lab"}


def test_odd_numbers(power_dsn, power, tmp_path):
    """NaN and the infinities come once, as themselves."""
    now = now_ms() - 1000
    edited = copy_of_the_demo(tmp_path)
    values = '[[float("nan"), float("inf"), -float("inf"), 1.5][ts % 4] for ts in timestamps]'
    edit(edited / "simulation.py", ('"current": np.where(', f'"current": {values} if True else np.where('))
    assert producer(tmp_path, power_dsn, "--count=1", "--rows-per-interval=40", cwd=edited).wait() == 0
    with Server(tmp_path, power_dsn) as server, ArrowViewer(server.port) as copy:
        server.seen(40)
        # A check finds this one; it compares the others, too.
        power.execute(f"INSERT INTO d_bind_0 VALUES ({now - 60_000}, 7, 1, 1)")
        wait_for(lambda: len(copy.rows) == 41, what="the late row")
        assert sum(math.isnan(row["current"]) for row in copy.rows) == 10
        assert sum(math.isinf(row["current"]) for row in copy.rows) == 20
        assert server.text().count("viewers get all rows anew") == 1


@pytest.mark.parametrize("table, tags", (("readings", {}), ("D-1", {"site": "NCHAR(20)"})), ids=("normal", "subtable"))
def test_tables_of_other_kinds(power_dsn, power, tmp_path, table, tags):
    """A normal table, and one subtable by the name that the user gave it."""
    demo, now = demo_with(tmp_path, table, {"value": "DOUBLE"}, tags), now_ms() - 1000
    if tags:
        power.execute("CREATE STABLE sites (ts TIMESTAMP, `value` DOUBLE) TAGS (site NCHAR(20))")
        power.execute("CREATE TABLE `D-1` USING sites TAGS ('north')")
        power.execute(f"INSERT INTO `D-2` USING sites TAGS ('south') VALUES ({now}, 9.5)")
    else:
        power.execute("CREATE TABLE readings (ts TIMESTAMP, `value` DOUBLE)")
    power.execute(f"INSERT INTO `{table}` VALUES ({now}, 1.5) ({now + 1}, 2.5)")
    with Server(tmp_path, power_dsn, cwd=demo) as server, ArrowViewer(server.port) as copy:
        wait_for(lambda: len(copy.rows) == 2, what="the rows")
        assert [row["value"] for row in copy.rows] == [1.5, 2.5]
        assert "site" not in tags or [row["site"] for row in copy.rows] == ["north", "north"]


def test_the_producer_writes_into_a_normal_table(power_dsn, power, tmp_path):
    demo = demo_with(tmp_path, "readings", {"current": "FLOAT"}, {})
    program = producer(tmp_path, power_dsn, "--count=1", cwd=demo)
    assert program.wait() != 0 and "set --meters=1" in program.text()
    assert producer(tmp_path, power_dsn, "--count=2", "--meters=1", "--rows-per-interval=5", cwd=demo).wait() == 0
    assert list(power.query("SELECT COUNT(*) FROM readings")) == [(10,)]


def test_the_producer_leaves_a_table_alone_that_has_other_columns(power_dsn, power, tmp_path):
    power.execute("CREATE STABLE meters (ts TIMESTAMP, current FLOAT, voltage INT, phase FLOAT, energy BIGINT) "
                  "TAGS (groupid INT, location BINARY(24))")
    with producer(tmp_path, power_dsn) as program:
        program.says("`meters` has other columns in the database (energy)")
    assert list(power.query("SELECT COUNT(*) FROM meters")) in ([(0,)], [])


@pytest.mark.parametrize("program", (("producer.py",), ("perspective_server.py",)))
def test_a_type_that_there_is_not(tmp_path, program):
    demo = demo_with(tmp_path, "meters", {"where": "GEOMETRY(100)"}, {})
    run = subprocess.run([sys.executable, *program], cwd=demo, capture_output=True, text=True, timeout=20)
    assert run.returncode != 0 and len(run.stderr.splitlines()) == 1
    assert "column where has the type GEOMETRY(100): there are TIMESTAMP, BOOL, TINYINT" in run.stderr


def test_a_name_without_backticks_has_a_hint(power_dsn, power, tmp_path):
    demo = demo_with(tmp_path, "meters", {"value": "DOUBLE"}, {"groupId": "INT"})
    power.execute("CREATE STABLE meters (ts TIMESTAMP, `value` DOUBLE) TAGS (groupId INT)")
    with Server(tmp_path, power_dsn, cwd=demo) as server:
        error = wait_for(lambda: server.status()["last_error"], what="a word on the tag")
    assert "tag groupId is missing in the database: it has groupid, so write it like this in meters.py" in error

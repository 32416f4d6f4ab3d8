"""What clients ask first: SHOW and information_schema, with TDengine's answers.

With TDENGINE_DSN set these run against that TDengine; the answers were taken from 3.3.6.0.
"""

import time

import pytest
import taosws

from tests.helpers.asking import prepared
from tests.helpers.cases import check_each


@pytest.fixture
def ask(power, database):
    return prepared(power, database)


def test_the_system_databases_can_be_used(ask, power, dsn, database):
    for name in ("information_schema", "performance_schema"):
        ask(f"USE {name}", 0)
        ask("SELECT DATABASE()", [(name,)])
        assert list(taosws.connect(f"{dsn}/{name}").query("SELECT DATABASE()")) == [(name,)]
    ask("USE information_schema", 0)
    ask("SELECT stable_name FROM ins_stables WHERE db_name = 'DB'", [("meters",)])
    ask("SELECT * FROM nosuch", "0x2603")
    names = [name for name, in power.query("SHOW DATABASES")]
    assert names[:2] == ["information_schema", "performance_schema"] and database in names
    ask("SHOW SYSTEM DATABASES", [(name,) for name in names[:2]])
    assert [name for name, in power.query("SHOW USER DATABASES")] == names[2:]
    for sql in ("DROP DATABASE information_schema", "CREATE TABLE information_schema.x (ts TIMESTAMP, v INT)",
                "DELETE FROM information_schema.ins_tables"):
        ask(sql, "0x0200")
    ask("USE nosuch", "0x0388")


SHOWN = [
    ("SHOW STABLES", [("meters",)]), ("SHOW `DB`.STABLES", [("meters",)]), ("SHOW STABLES LIKE 'MET%'", [("meters",)]),
    ("SHOW TABLES", [("d1001",), ("d1002",), ("ntb",)]), ("SHOW NORMAL `DB`.TABLES", [("ntb",)]),
    ("SHOW NORMAL TABLES", [("ntb",)]), ("SHOW CHILD TABLES", [("d1001",), ("d1002",)]),
    ("SHOW CHILD DB.TABLES", [("d1001",), ("d1002",)]), ("SHOW TABLES LIKE 'D100%'", [("d1001",), ("d1002",)]),
    ("SHOW CHILD TABLES LIKE '%1'", [("d1001",)]), ("SHOW TABLES LIKE 'd\\_%'", []),
    ("SHOW TABLE TAGS FROM meters", [("d1001", 2, "California.SanFrancisco"), ("d1002", 3, "California.LosAngeles")]),
    ("SHOW TABLE TAGS location FROM DB.meters", [("California.SanFrancisco",), ("California.LosAngeles",)]),
    ("SHOW TAGS FROM d1001", [("d1001", "DB", "meters", "groupid", "INT", "2"),
                              ("d1001", "DB", "meters", "location", "VARCHAR(24)", "California.SanFrancisco")]),
    ("SHOW TAGS FROM d1002 FROM DB", [("d1002", "DB", "meters", "groupid", "INT", "3"),
                                      ("d1002", "DB", "meters", "location", "VARCHAR(24)", "California.LosAngeles")]),
    ("SHOW TAGS FROM meters", []),
    ("SHOW CREATE TABLE d1001", [("d1001", "CREATE TABLE `d1001` USING `meters` (`groupid`, `location`) TAGS "
                                           '(2, "California.SanFrancisco")')]),
    ("SHOW FUNCTIONS;", []),
]


def test_show(ask):
    check_each(SHOWN, ask)


MISTAKES = [
    ("SHOW TAGS FROM ntb", "0x2665"), ("SHOW TABLE TAGS FROM ntb", "0x2665"), ("SHOW TABLE TAGS FROM nosuch", "0x2603"),
    ("SHOW nosuch.TABLES", "0x0388"), ("SHOW CREATE STABLE d1001", "0x022F"), ("SHOW CREATE TABLE nosuch", "0x2603"),
    ("SHOW tables FROM DB", "0x2600"), ("SHOW NONSENSE", "0x2601"), ("DROP STABLE nosuch", "0x0362"),
    ("DROP STABLE ntb", "0x0362"), ("DROP TABLE nosuch", "0x2603"), ("DROP TABLE IF EXISTS nosuch", 0),
    ("CREATE TABLE long (ts TIMESTAMP, v VARCHAR(65518))", "0x2642"),
    ("CREATE TABLE long (ts TIMESTAMP, v NCHAR(16380))", "0x2642"),
    ("CREATE TABLE long (ts TIMESTAMP, v INT) TAGS (a VARCHAR(16383))", "0x2642"),
    ("CREATE TABLE long (ts TIMESTAMP, v VARCHAR(0))", "0x2642"),
    ("CREATE TABLE long (ts TIMESTAMP, v VARCHAR(65517))", 0),
]


def test_errors_of_statements_about_tables(ask):
    check_each(MISTAKES, ask)


def test_show_of_the_server(power):
    (number, endpoint, vnodes, _, status, *_), = power.query("SHOW DNODES")
    assert (number, status) == (1, "ready") and endpoint.startswith("localhost") and vnodes > 0
    assert ("root", 1, 1, 1, 1) in [row[:5] for row in power.query("SHOW USERS")]
    assert "root" in [row[1] for row in power.query("SHOW CONNECTIONS")]
    assert list(power.query("SHOW CLUSTER ALIVE"))[0][0] in (1, 2)
    assert [row[0] for row in power.query("SHOW LOCAL VARIABLES LIKE 'TIMEZ%'")] == ["timezone"]


UNSUPPORTED = [
    "EXPLAIN SELECT 1", "SHOW GRANTS", "SHOW STREAMS", "SHOW QUERIES", "SHOW TABLE DISTRIBUTED meters",
    "SELECT * FROM information_schema.ins_vgroups", "CREATE DATABASE x RETENTIONS -:7d", "CREATE STREAM s",
    "CREATE TOPIC t AS SELECT 1", "CREATE USER u PASS 'x'", "ALTER TABLE d1001 TTL 5", "GRANT ALL TO u",
    "CREATE TABLE g (ts TIMESTAMP, p GEOMETRY(20))",
]


@pytest.mark.embedded_only
def test_what_is_not_supported_is_refused_in_words(ask):
    check_each([(sql, "the embedded database does not support") for sql in UNSUPPORTED], ask)


INFORMATION = [
    ("SELECT name, `keep`, `precision`, status FROM information_schema.ins_databases WHERE name = 'DB'",
     [("DB", "3650d,3650d,3650d", "ms", "ready")]),
    ("SELECT table_name, tag_name, tag_value FROM information_schema.ins_tags WHERE db_name = 'DB'",
     [("d1001", "groupid", "2"), ("d1001", "location", "California.SanFrancisco"), ("d1002", "groupid", "3"),
      ("d1002", "location", "California.LosAngeles")]),
    ("SELECT table_name, type, stable_name, `columns` FROM information_schema.ins_tables WHERE db_name = 'DB'",
     [("d1001", "CHILD_TABLE", "meters", 4), ("d1002", "CHILD_TABLE", "meters", 4), ("ntb", "NORMAL_TABLE", None, 2)]),
    ("SELECT stable_name, `columns`, `tags` FROM information_schema.ins_stables WHERE db_name = 'DB'",
     [("meters", 4, 2)]),
    ("SELECT col_name, col_type, col_length FROM information_schema.ins_columns "
     "WHERE db_name = 'DB' AND table_name = 'd1001'",
     [("ts", "TIMESTAMP", 8), ("current", "FLOAT", 4), ("voltage", "INT", 4), ("phase", "FLOAT", 4)]),
    ("SELECT table_type, COUNT(*) FROM information_schema.ins_columns WHERE db_name = 'DB' GROUP BY table_type",
     [("SUPER_TABLE", 4), ("CHILD_TABLE", 8), ("NORMAL_TABLE", 2)]),
    ("SELECT table_name FROM information_schema.ins_tables WHERE db_name = 'DB' ORDER BY table_name DESC LIMIT 2",
     [("ntb",), ("d1002",)]),
    ("SELECT t.type, COUNT(*) c FROM information_schema.ins_tables t WHERE t.db_name = 'DB' GROUP BY t.type",
     [("CHILD_TABLE", 2), ("NORMAL_TABLE", 1)]),
    ("SELECT * FROM information_schema.ins_tags WHERE table_name = 'd1001' AND db_name = 'DB' AND tag_name = 'groupid'",
     [("d1001", "DB", "meters", "groupid", "INT", "2")]),
    ("SELECT name, super FROM information_schema.ins_users WHERE name = 'root'", [("root", 1)]),
    ("SELECT `columns`, type FROM information_schema.ins_tables WHERE table_name = 'ins_tags'", [(6, "SYSTEM_TABLE")]),
    ("SELECT name, `vgroups` FROM information_schema.ins_databases WHERE name = 'performance_schema'",
     [("performance_schema", None)]),
    ("DESCRIBE information_schema.ins_stables", [
        ("stable_name", "VARCHAR", 192, ""), ("db_name", "VARCHAR", 64, ""), ("create_time", "TIMESTAMP", 8, ""),
        ("columns", "INT", 4, ""), ("tags", "INT", 4, ""), ("last_update", "TIMESTAMP", 8, ""),
        ("table_comment", "VARCHAR", 1024, ""), ("watermark", "VARCHAR", 64, ""), ("max_delay", "VARCHAR", 64, ""),
        ("rollup", "VARCHAR", 128, ""), ("uid", "BIGINT", 8, ""), ("isvirtual", "BOOL", 1, "")]),
]


def test_information_schema(ask):
    check_each(INFORMATION, ask)


def test_tags_as_text(ask):
    ask("CREATE STABLE st (ts TIMESTAMP, v VARBINARY(7)) TAGS (a FLOAT, b DOUBLE, c TIMESTAMP, e NCHAR(5), "
        "g VARBINARY(8), h BOOL, i BIGINT UNSIGNED)", 0)
    ask("CREATE TABLE t1 USING st TAGS (1.5, 2.25, 1700000000000, 'äb', '\\x0102', true, 7) "
        "t2 USING st TAGS (NULL, NULL, NULL, NULL, NULL, NULL, NULL)", 0)
    found = [("a", "FLOAT", "1.50000"), ("b", "DOUBLE", "2.250000000"), ("c", "TIMESTAMP", "1700000000000"),
             ("e", "NCHAR(5)", "äb"), ("g", "VARBINARY(8)", "\\x0102"), ("h", "BOOL", "true"),
             ("i", "BIGINT UNSIGNED", "7")]
    ask("SHOW TAGS FROM t1", [("t1", "DB", "st", *tag) for tag in found])
    ask("SHOW TAGS FROM t2", [("t2", "DB", "st", name, kind, None) for name, kind, _ in found])
    ask("SHOW CREATE TABLE t1", [("t1", "CREATE TABLE `t1` USING `st` (`a`, `b`, `c`, `e`, `g`, `h`, `i`) TAGS "
                                  '(1.500000e+00, 2.250000e+00, 1700000000000, "äb", "\\x0102", true, 7)')])
    ask("SELECT col_type, col_length FROM information_schema.ins_columns WHERE db_name = 'DB' AND table_name = 't1'",
        [("TIMESTAMP", 8), ("VARBINARY", 9)])


def test_a_tag_that_is_a_time_in_nanoseconds(connection, database):
    connection.execute(f"DROP DATABASE {database}")
    connection.execute(f"CREATE DATABASE {database} PRECISION 'ns'")
    connection.execute(f"CREATE STABLE {database}.st (ts TIMESTAMP, v INT) TAGS (at TIMESTAMP)")
    connection.execute(f"CREATE TABLE {database}.t USING {database}.st TAGS (1700000000123456789)")
    (name, at), = connection.query(f"SHOW TABLE TAGS FROM {database}.st")
    assert name == "t" and str(at).startswith("2023-11-14 22:13:20.123456789")


def test_one_statement_of_a_text_is_run(power):
    assert list(power.query("SELECT 1;")) == list(power.query("SELECT 1;SELECT 2")) == [(1,)]


@pytest.mark.embedded_only
def test_ten_thousand_subtables_are_told_quickly(power, database):
    power.execute("CREATE STABLE st (ts TIMESTAMP, a INT, b INT, c FLOAT) TAGS (t INT, name VARCHAR(20))")
    for start in range(0, 10_000, 2000):
        power.execute("CREATE TABLE " + " ".join(f"s{i} USING st TAGS ({i}, 'number {i}')"
                                                 for i in range(start, start + 2000)))
    for sql, count in ((f"SELECT COUNT(*) FROM information_schema.ins_tags WHERE db_name = '{database}'", 20_000),
                       (f"SELECT COUNT(*) FROM information_schema.ins_columns WHERE db_name = '{database}'", 40_004),
                       (f"SELECT COUNT(*) FROM information_schema.ins_tables WHERE db_name = '{database}'", 10_000)):
        started = time.monotonic()
        assert list(power.query(sql)) == [(count,)]
        assert time.monotonic() - started < 1  # a statement for each subtable would take seconds
    assert len(list(power.query("SHOW TABLES"))) == len(list(power.query("SHOW TABLE TAGS FROM st"))) == 10_000

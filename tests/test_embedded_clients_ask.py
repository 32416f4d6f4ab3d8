"""What clients ask first: SHOW, information_schema, ALTER, DELETE, INSERT ... SELECT, with TDengine's answers.

With TDENGINE_DSN set these run against that TDengine; the answers were taken from 3.3.7.5.
"""

import time

import pytest
import taosws

T = int(time.time()) * 1000
SETUP = [
    "CREATE STABLE meters (ts TIMESTAMP, `current` FLOAT, voltage INT, phase FLOAT) "
    "TAGS (groupid INT, location BINARY(24))",
    "INSERT INTO d1001 USING meters TAGS (2, 'California.SanFrancisco') "
    f"VALUES ({T}, 10.3, 220, 0.31) ({T + 1000}, 10.4, NULL, 0.32) "
    f"d1002 USING meters TAGS (3, 'California.LosAngeles') VALUES ({T + 2000}, 11, 221, 0.5)",
    "CREATE TABLE ntb (ts TIMESTAMP, v INT)",
]


@pytest.fixture
def ask(power, database):
    """A function that compares the answer to a statement: rows in any order, how many rows it changed, or its error."""
    for sql in SETUP:
        power.execute(sql)

    def ask(sql, expected):
        sql = sql.replace("DB", database)
        if isinstance(expected, str):
            with pytest.raises(taosws.Error, match=expected):
                power.execute(sql)
        elif isinstance(expected, int):
            assert power.execute(sql) == expected, sql
        else:
            expected = [tuple(database if value == "DB" else value for value in row) for row in expected]
            assert sorted(power.query(sql), key=repr) == sorted(expected, key=repr), sql

    return ask


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


@pytest.mark.parametrize("sql, rows", [
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
])
def test_show(ask, sql, rows):
    ask(sql, rows)


@pytest.mark.parametrize("sql, error", [
    ("SHOW TAGS FROM ntb", "0x2665"), ("SHOW TABLE TAGS FROM ntb", "0x2665"), ("SHOW TABLE TAGS FROM nosuch", "0x2603"),
    ("SHOW nosuch.TABLES", "0x0388"), ("SHOW CREATE STABLE d1001", "0x022F"), ("SHOW CREATE TABLE nosuch", "0x2603"),
    ("SHOW tables FROM DB", "0x2600"), ("SHOW NONSENSE", "0x2601"), ("DROP STABLE nosuch", "0x0362"),
    ("DROP STABLE ntb", "0x0362"), ("DROP TABLE nosuch", "0x2603"), ("DROP TABLE IF EXISTS nosuch", 0),
    ("CREATE TABLE long (ts TIMESTAMP, v VARCHAR(65518))", "0x2642"),
    ("CREATE TABLE long (ts TIMESTAMP, v NCHAR(16380))", "0x2642"),
    ("CREATE TABLE long (ts TIMESTAMP, v INT) TAGS (a VARCHAR(16383))", "0x2642"),
    ("CREATE TABLE long (ts TIMESTAMP, v VARCHAR(0))", "0x2642"),
    ("CREATE TABLE long (ts TIMESTAMP, v VARCHAR(65517))", 0),
])
def test_errors_of_statements_about_tables(ask, sql, error):
    ask(sql, error)


def test_show_of_the_server(power):
    (number, endpoint, vnodes, _, status, *_), = power.query("SHOW DNODES")
    assert (number, status) == (1, "ready") and endpoint.startswith("localhost") and vnodes > 0
    assert ("root", 1, 1, 1, 1) in [row[:5] for row in power.query("SHOW USERS")]
    assert "root" in [row[1] for row in power.query("SHOW CONNECTIONS")]
    assert list(power.query("SHOW CLUSTER ALIVE"))[0][0] in (1, 2)
    assert [row[0] for row in power.query("SHOW LOCAL VARIABLES LIKE 'TIMEZ%'")] == ["timezone"]


@pytest.mark.embedded_only
@pytest.mark.parametrize("sql", [
    "EXPLAIN SELECT 1", "SHOW GRANTS", "SHOW STREAMS", "SHOW QUERIES", "SHOW TABLE DISTRIBUTED meters",
    "SELECT * FROM information_schema.ins_vgroups", "CREATE DATABASE x RETENTIONS -:7d", "CREATE STREAM s",
    "CREATE TOPIC t AS SELECT 1", "CREATE USER u PASS 'x'", "ALTER TABLE d1001 TTL 5", "GRANT ALL TO u",
    "CREATE TABLE g (ts TIMESTAMP, p GEOMETRY(20))",
])
def test_what_is_not_supported_is_refused_in_words(ask, sql):
    ask(sql, "the embedded database does not support")


@pytest.mark.parametrize("sql, rows", [
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
])
def test_information_schema(ask, sql, rows):
    ask(sql, rows)


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


def test_alter_a_super_table(ask):
    for sql, expected in [
        ("ALTER TABLE d1001 ADD COLUMN x INT", "0x2649"), ("ALTER STABLE d1001 ADD COLUMN x INT", "0x0362"),
        ("ALTER TABLE nosuch ADD COLUMN x INT", "0x2603"),
        ("ALTER TABLE meters ADD COLUMN voltage INT", "0x036B"), ("ALTER TABLE meters ADD TAG groupid INT", "0x0369"),
        ("ALTER STABLE meters ADD COLUMN extra VARCHAR(10)", 0),
        ("ALTER TABLE meters MODIFY COLUMN extra VARCHAR(20)", 0),
        ("ALTER TABLE meters MODIFY COLUMN extra VARCHAR(5)", "0x264B"),
        ("ALTER TABLE meters MODIFY COLUMN voltage BIGINT", "0x264B"),
        ("ALTER TABLE meters MODIFY COLUMN nosuch VARCHAR(20)", "0x2602"),
        (f"INSERT INTO d1001 VALUES ({T + 5000}, 1, 2, 3, 'twenty characters ok')", 1),
        (f"SELECT voltage, extra FROM meters WHERE ts >= {T + 2000}", [(221, None), (2, "twenty characters ok")]),
        ("ALTER TABLE meters DROP COLUMN nosuch", "0x2602"), ("ALTER TABLE meters DROP COLUMN voltage", 0),
        (f"SELECT * FROM d1001 WHERE ts = {T + 5000}", None),
        (f"SELECT phase, extra FROM d1001 WHERE ts = {T + 5000}", [(3.0, "twenty characters ok")]),
        ("SELECT voltage FROM meters", "0x2602"),
        ("ALTER TABLE meters RENAME COLUMN phase p", "0x2649"), ("ALTER TABLE meters RENAME TAG groupid gid", 0),
        ("ALTER TABLE meters RENAME TAG nosuch x", "0x036A"), ("ALTER TABLE meters RENAME TAG gid location", "0x0369"),
        ("ALTER TABLE meters ADD TAG more DOUBLE", 0), ("ALTER TABLE meters MODIFY TAG location VARCHAR(30)", 0),
        ("ALTER TABLE meters MODIFY TAG nosuch VARCHAR(30)", "0x260E"),
        ("SHOW TABLE TAGS FROM meters", [("d1001", 2, "California.SanFrancisco", None),
                                         ("d1002", 3, "California.LosAngeles", None)]),
        ("ALTER TABLE meters DROP TAG gid", 0), ("ALTER TABLE meters DROP TAG more", 0),
        ("ALTER TABLE meters DROP TAG nosuch", "0x260E"), ("ALTER TABLE meters DROP TAG location", "0x2649"),
        ("SELECT DISTINCT tbname, location FROM meters", [("d1001", "California.SanFrancisco"),
                                                          ("d1002", "California.LosAngeles")]),
        ("ALTER TABLE meters ADD COLUMN long VARCHAR(70000)", "0x2642"),
    ]:
        if expected is not None:
            ask(sql, expected)


def test_alter_a_normal_table(ask):
    for sql, expected in [
        ("ALTER TABLE ntb ADD COLUMN v INT", "0x263C"), ("ALTER TABLE ntb ADD TAG x INT", "0x2649"),
        ("ALTER TABLE ntb ADD COLUMN w JSON", "0x2652"), ("ALTER STABLE ntb ADD COLUMN w INT", "0x0362"),
        ("ALTER TABLE ntb DROP COLUMN v", "0x2651"), ("ALTER TABLE ntb ADD COLUMN w INT", 0),
        ("ALTER TABLE ntb RENAME COLUMN w w2", 0), ("ALTER TABLE ntb RENAME COLUMN nosuch w3", "0x2602"),
        (f"INSERT INTO ntb VALUES ({T}, 1, 2)", 1), ("SELECT w2, v FROM ntb", [(2, 1)]),
        ("ALTER TABLE ntb DROP COLUMN ts", "0x264A"), ("ALTER TABLE ntb DROP COLUMN v", 0),
        ("SELECT w2 FROM ntb", [(2,)]), ("SHOW CREATE TABLE ntb", None),
    ]:
        if expected is not None:
            ask(sql, expected)


def test_set_tags(ask):
    for sql, expected in [
        ("ALTER TABLE d1001 SET TAG location = 'x'", 0), ("ALTER TABLE d1002 SET TAG groupid = -7, location = NULL", 0),
        ("SELECT DISTINCT tbname, groupid, location FROM meters", [("d1001", 2, "x"), ("d1002", -7, None)]),
        ("SELECT COUNT(*) FROM meters WHERE location = 'x'", [(2,)]),
        ("ALTER TABLE d1001 SET TAG nosuch = 'x'", "0x2649.*nosuch"),
        ("ALTER TABLE meters SET TAG location = 'x'", "0x2649"),
        ("ALTER TABLE ntb SET TAG location = 'x'", "0x2649"),
        ("ALTER TABLE d1001 SET TAG groupid = 1, groupid = 2", "0x263C"),
        ("ALTER TABLE d1001 SET TAG groupid = 'x'", "0x0216"),
        ("ALTER TABLE d1001 SET TAG location = '" + "x" * 25 + "'", "0x2653"),
    ]:
        ask(sql, expected)


def test_delete(ask):
    definite = "0x2655.*definite time window range"
    for sql, expected in [
        ("DELETE FROM meters WHERE voltage = 3", definite), ("DELETE FROM meters WHERE ts != 5", definite),
        ("DELETE FROM meters WHERE ts IN (1, 5)", definite), ("DELETE FROM meters WHERE ts + 1 > 5", definite),
        ("DELETE FROM meters WHERE groupid = 2 OR ts > 5", definite),
        ("DELETE FROM meters WHERE NOT (ts > 5)", definite),
        ("DELETE FROM ntb WHERE v IS NULL", definite), ("DELETE FROM meters WHERE tbname = 'd1001'", "0x264C"),
        ("DELETE FROM nosuch", "0x2603"), ("DELETE meters", "0x2600"),
        (f"DELETE FROM d1001 WHERE ts = {T}", 1), ("DELETE FROM meters WHERE ts BETWEEN 1 AND 5", 0),
        ("SELECT COUNT(*) FROM meters", [(2,)]),
        (f"DELETE FROM meters WHERE groupid = 2 AND ts > {T + 1000}", 0), ("DELETE FROM meters WHERE groupid = 3", 1),
        ("SELECT tbname FROM meters", [("d1001",)]),
        (f"INSERT INTO d1002 VALUES ({T}, 1, 2, 3)", 1),
        ("DELETE FROM d1002 WHERE ts < NOW + 1h AND ts > '2020-01-01'", 1),
        ("DELETE FROM meters", 1), ("SELECT COUNT(*) FROM meters", [(0,)]),
        (f"INSERT INTO d1001 VALUES ({T - 5}, 1, 2, 3)", 1), ("SELECT LAST(voltage) FROM meters", [(2,)]),
    ]:
        ask(sql, expected)


def test_insert_select(ask):
    for sql, expected in [
        ("INSERT INTO ntb SELECT ts, voltage FROM meters", 3),
        ("SELECT v FROM ntb", [(220,), (None,), (221,)]),
        ("INSERT INTO d1001 (ts, voltage) SELECT ts + 1m, voltage FROM d1001", 2),
        ("SELECT COUNT(*), COUNT(voltage), COUNT(`current`) FROM d1001", [(4, 2, 2)]),
        ("INSERT INTO DB.d1002 SELECT * FROM d1001", 4), ("SELECT COUNT(*) FROM meters", [(9,)]),
        ("INSERT INTO ntb SELECT ts, 5.7 FROM d1002 WHERE voltage = 221", 1), ("SELECT v FROM ntb WHERE v < 9", [(5,)]),
        ("INSERT INTO ntb (v, ts) SELECT v, ts FROM ntb", 3), ("SELECT COUNT(*) FROM ntb", [(3,)]),
        ("INSERT INTO d1001 (ts, voltage) SELECT ts FROM d1001", "0x263F"),
        ("INSERT INTO d1001 (ts, nosuch) SELECT ts, voltage FROM d1001", "0x2602"),
        ("INSERT INTO ntb (v) SELECT v FROM ntb", "0x263F"),
        ("INSERT INTO nosuch SELECT ts, voltage FROM d1001", "0x2603"),
        ("INSERT INTO meters SELECT ts, voltage FROM d1001", "0x0200"),
        (f"IMPORT INTO ntb VALUES ({T - 1}, 9)", 1), ("SELECT v FROM ntb WHERE ts < " + str(T), [(9,)]),
    ]:
        ask(sql, expected)


def test_keep(connection, database):
    connection.execute(f"DROP DATABASE {database}")
    with pytest.raises(taosws.Error, match="0x2619"):
        connection.execute(f"CREATE DATABASE {database} KEEP 0")
    connection.execute(f"CREATE DATABASE {database} KEEP 100d VGROUPS 1 WAL_RETENTION_PERIOD 3600")
    connection.execute(f"CREATE TABLE {database}.n (ts TIMESTAMP, v INT)")
    assert connection.execute(f"INSERT INTO {database}.n VALUES (NOW - 99d, 1)") == 1
    with pytest.raises(taosws.Error, match="0x060B"):
        connection.execute(f"INSERT INTO {database}.n VALUES (NOW - 101d, 1)")
    connection.execute(f"ALTER DATABASE {database} KEEP 200")
    keep = f"SELECT `keep` FROM information_schema.ins_databases WHERE name = '{database}'"
    assert list(connection.query(keep)) == [("200d,200d,200d",)]
    with pytest.raises(taosws.Error, match="0x2600"):
        connection.execute(f"ALTER DATABASE {database} NONSENSE 5")


@pytest.mark.embedded_only
def test_keep_counts_at_once_and_after_a_restart(start_embedded, tmp_path):
    first = start_embedded("--retention=0", f"--folder={tmp_path}/data")
    client = first.connect()
    for sql in ("CREATE DATABASE d KEEP 100", "CREATE TABLE d.n (ts TIMESTAMP, v INT)", "ALTER DATABASE d KEEP 50"):
        client.execute(sql)
    assert first.end() == 0
    client = start_embedded("--retention=0", f"--folder={tmp_path}/data").connect()
    assert client.execute("INSERT INTO d.n VALUES (NOW - 49d, 1)") == 1
    with pytest.raises(taosws.Error, match="0x060B"):
        client.execute("INSERT INTO d.n VALUES (NOW - 51d, 1)")
    client.execute("CREATE DATABASE e")
    client.execute("CREATE TABLE e.n (ts TIMESTAMP, v INT)")
    with pytest.raises(taosws.Error, match="0x060B"):
        client.execute("INSERT INTO e.n VALUES (5, 1)")


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

"""ALTER, DELETE, INSERT ... SELECT and KEEP, with TDengine's answers.

With TDENGINE_DSN set these run against that TDengine; the answers were taken from 3.3.6.0.
"""

import time

import pytest
import taosws

from tests.helpers.asking import T, prepared
from tests.helpers.embedded_session import opened, refusal


@pytest.fixture
def ask(power, database):
    return prepared(power, database)


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


def test_keep_counts_at_once_and_after_a_restart(tmp_path):
    now, day = int(time.time() * 1000), 86_400_000
    with opened(str(tmp_path), setup=()) as session:
        for sql in ("CREATE DATABASE d KEEP 100", "CREATE TABLE d.n (ts TIMESTAMP, v INT)", "ALTER DATABASE d KEEP 50"):
            session.execute(sql)
    with opened(str(tmp_path), setup=()) as session:
        assert session.execute(f"INSERT INTO d.n VALUES ({now - 49 * day}, 1)").affected == 1
        assert refusal(session.execute, f"INSERT INTO d.n VALUES ({now - 51 * day}, 1)").code == 0x060B
        session.execute("CREATE DATABASE e")
        session.execute("CREATE TABLE e.n (ts TIMESTAMP, v INT)")
        assert refusal(session.execute, "INSERT INTO e.n VALUES (5, 1)").code == 0x060B

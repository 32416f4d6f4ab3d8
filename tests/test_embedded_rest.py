"""SQL over HTTP: with the unmodified taosrest, and by hand."""

import base64
import json
import math
import time
import urllib.error
import urllib.request
from datetime import datetime

import pytest
import taosrest
import taosws

from embedded import VERSION
from embedded.protocol.rest_json import timestamp_text

pytestmark = pytest.mark.embedded_only
NOW = int(time.time() * 1000)
BASIC = "Basic " + base64.b64encode(b"root:taosdata").decode()


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


def post(embedded, sql, path="/rest/sql", authorization=BASIC):
    """HTTP status and the parsed answer."""
    headers = {"Authorization": authorization} if authorization else {}
    request = urllib.request.Request(embedded.http + path, sql.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response, parse_constant=no_constant)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def filled(embedded, database):
    """A database with one row that has something of each kind, and one of NULLs."""
    post(embedded, "CREATE TABLE t (ts TIMESTAMP, f DOUBLE, s NCHAR(8), b VARBINARY(8), ok BOOL)",
         f"/rest/sql/{database}")
    status, reply = post(embedded, f"INSERT INTO t VALUES ({NOW}, 0.5, '日本', 'abc', true) ({NOW + 1}, NULL, NULL, "
                                   f"NULL, NULL)",
                         f"/rest/sql/{database}")
    assert reply == {"code": 0, "column_meta": [["affected_rows", "INT", 4]], "data": [[2]], "rows": 1}
    return database


def test_taosrest_queries_and_executes(embedded, filled):
    rest = taosrest.connect(url=embedded.http, user="root", password="taosdata", database=filled)
    assert rest.server_info == VERSION
    assert rest.execute(f"INSERT INTO t (ts, f) VALUES ({NOW + 2}, 2.5)") == 1
    result = rest.query("SELECT ts, f FROM t ORDER BY ts")
    assert [field["name"] for field in result.fields] == ["ts", "f"]
    assert [row[1] for row in result.data] == [0.5, None, 2.5]
    assert result.data[0][0] == datetime.fromtimestamp(NOW / 1000)
    with pytest.raises(taosrest.ConnectError) as error:
        rest.query("SELECT * FROM no_such")
    assert error.value.errno == 0x2603


def test_rows_are_json(embedded, filled):
    stamp = timestamp_text(NOW, 0)
    assert post(embedded, "SELECT * FROM t ORDER BY ts LIMIT 1", f"/rest/sql/{filled}")[1] == {
        "code": 0,
        "column_meta": [["ts", "TIMESTAMP", 8], ["f", "DOUBLE", 8], ["s", "NCHAR", 8], ["b", "VARBINARY", 8],
                        ["ok", "BOOL", 1]],
        "data": [[stamp, 0.5, "日本", "616263", True]],
        "rows": 1,
    }
    reply = post(embedded, f"SELECT f, s FROM {filled}.t ORDER BY ts", "/rest/sql?row_with_meta=true&timing=true")[1]
    assert reply["data"] == [{"f": 0.5, "s": "日本"}, {"f": None, "s": None}] and reply["timing"] > 0
    assert post(embedded, f"SELECT ts FROM {filled}.t WHERE ts < 0")[1]["data"] == []
    shanghai = post(embedded, f"SELECT ts FROM {filled}.t LIMIT 1", "/rest/sql?tz=Asia/Shanghai")[1]["data"][0][0]
    assert shanghai.endswith("+08:00") and datetime.fromisoformat(shanghai) == datetime.fromisoformat(stamp)


def test_nan_and_infinities_are_null(embedded, power, database):
    """As taosAdapter has it: JSON has no such numbers."""
    power.execute("CREATE TABLE t (ts TIMESTAMP, f FLOAT)")
    statement = power.stmt2_statement()
    statement.prepare("INSERT INTO t VALUES (?, ?)")
    columns = [taosws.millis_timestamps_to_column([NOW + i for i in range(4)]),
               taosws.floats_to_column([math.nan, math.inf, None, 1.5])]
    statement.bind([taosws.stmt2_bind_param_view(None, None, columns)])
    assert statement.execute() == 4
    for path in ("/rest/sql", "/rest/sql?row_with_meta=true"):
        data = post(embedded, f"SELECT f FROM {database}.t ORDER BY ts", path)[1]["data"]
        assert [row[0] if isinstance(row, list) else row["f"] for row in data] == [None, None, None, 1.5]
    assert post(embedded, f"SELECT COUNT(f) FROM {database}.t")[1]["data"] == [[3]]


def test_decimals_and_json_are_text(embedded, database):
    path = f"/rest/sql/{database}"
    post(embedded, "CREATE STABLE s (ts TIMESTAMP, p DECIMAL(38, 10)) TAGS (about JSON)", path)
    post(embedded, f"INSERT INTO t USING s TAGS ('{{\"a\":1}}') VALUES ({NOW}, 0.00000001) ({NOW + 1}, NULL)", path)
    reply = post(embedded, "SELECT p, about FROM s ORDER BY ts", path)[1]
    assert reply["column_meta"] == [["p", "DECIMAL(38, 10)", 16], ["about", "JSON", 4095]]
    assert reply["data"] == [["0.0000000100", '{"a":1}'], [None, '{"a":1}']]


def test_a_large_result_is_one_json_object(embedded, database):
    post(embedded, "CREATE TABLE t (ts TIMESTAMP, v INT)", f"/rest/sql/{database}")
    post(embedded, "INSERT INTO t VALUES " + " ".join(f"({NOW + i}, {i})" for i in range(10_000)),
         f"/rest/sql/{database}")
    reply = post(embedded, "SELECT v FROM t ORDER BY ts", f"/rest/sql/{database}")[1]
    assert reply["rows"] == 10_000 and reply["data"] == [[i] for i in range(10_000)]


def test_who_asks_must_log_in(embedded):
    assert post(embedded, "SELECT 1", authorization=None) == (401, {"code": 0x1105, "desc": "no auth info input"})
    assert post(embedded, "SELECT 1", authorization="Basic ???") == (401,
                                                                     {"code": 0x1124, "desc": "invalid basic auth"})
    wrong = "Basic " + base64.b64encode(b"root:wrong").decode()
    assert post(embedded, "SELECT 1", authorization=wrong) == (200, {"code": 0x0357, "desc": "Authentication failure"})


    unknown = "Basic " + base64.b64encode(b"nobody:taosdata").decode()
    assert post(embedded, "SELECT 1", authorization=unknown) == (200, {"code": 849, "desc": "Invalid user"})
    assert post(embedded, "SELECT 1", authorization="Digest x")[0] == 401
    assert post(embedded, "SELECT 1", authorization="Taosd x")[0] == 401


def test_a_token_serves_as_a_login(embedded):
    """As the vendor's own client of REST asks for it."""
    with urllib.request.urlopen(embedded.http + "/rest/login/root/taosdata", timeout=10) as response:
        answer = json.load(response)
    assert answer == {"code": 0, "desc": "/KfeAzX/f9na8qdtNZmtONryp201ma04bEl8LcvLUd7a8qdtNZmtONryp201ma04"}
    assert post(embedded, "SELECT 1", authorization="Taosd " + answer["desc"])[1]["data"] == [[1]]
    other = base64.b64encode(bytes(48)).decode()
    assert post(embedded, "SELECT 1", authorization="Taosd " + other)[1]["code"] == 0x0357
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(embedded.http + "/rest/login/root/wrong", timeout=10)


@pytest.mark.parametrize("path, body, answer", [
    ("/rest/sql?tz=Nowhere/City", "SELECT 1", {"code": 0xFFFF, "desc": "unknown time zone Nowhere/City"}),
    ("/rest/sql?req_id=abc", "SELECT 1", {"code": 0xFFFF, "desc": "illegal param, req_id must be numeric"}),
    ("/rest/sql?row_with_meta=abc", "SELECT 1",
     {"code": 0xFFFF, "desc": "illegal param, row_with_meta must be boolean"}),
    ("/rest/sql", "", {"code": 4358, "desc": "request is empty"}),
    ("/rest/sql", " \n", {"code": 4359, "desc": "no sql input"}),
])
def test_requests_that_are_wrong_in_themselves_come_with_status_400(embedded, path, body, answer):
    assert post(embedded, body, path) == (400, answer)


def test_errors_come_with_status_200(embedded):
    assert post(embedded, "SELECT * FROM meters") == (200, {"code": 0x2616, "desc": "Database not specified"})
    # the database in the path is a USE whose own error is not told
    assert post(embedded, "SELECT SERVER_VERSION()", "/rest/sql/no_such")[1]["data"] == [[VERSION]]


def test_ping(embedded):
    with urllib.request.urlopen(embedded.http + "/-/ping", timeout=10) as response:
        assert (response.status, response.read()) == (200, b"")


@pytest.mark.parametrize("value, precision, text", [
    (0, 0, "1970-01-01T00:00:00.000Z"), (-1, 0, "1969-12-31T23:59:59.999Z"), (1_500, 0, "1970-01-01T00:00:01.500Z"),
    (1_000_001, 1, "1970-01-01T00:00:01.000001Z"), (1_000_000_001, 2, "1970-01-01T00:00:01.000000001Z"),
])
def test_timestamps_as_text(value, precision, text):
    assert timestamp_text(value, precision) == text


def test_floats_are_the_shortest_text(embedded, power, database):
    """As taosAdapter writes them: the digits that tell a 32-bit float from others, and no point in whole numbers."""
    power.execute("CREATE TABLE f (ts TIMESTAMP, f FLOAT, d DOUBLE)")
    now = int(time.time() * 1000)
    power.execute(f"INSERT INTO f VALUES ({now}, 10.3, 0.1) ({now + 1}, 11, 220) ({now + 2}, NULL, 1e300) "
                  f"({now + 3}, 0.31, -1e20)")
    _, answer = post(embedded, "SELECT f, d FROM f ORDER BY ts", f"/rest/sql/{database}")
    assert repr(answer["data"]) == "[[10.3, 0.1], [11, 220], [None, 1e+300], [0.31, -100000000000000000000]]"

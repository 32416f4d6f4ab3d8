"""The WebSocket protocol, message by message, as a client sees it that knows its frames and nothing else."""

import asyncio
import json
import struct
import time
from pathlib import Path

import pytest
import taosws
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from embedded import VERSION
from embedded.protocol import raw_blocks, wire
from embedded.protocol.clients import MAX_CLIENTS
from tests.helpers.embedded_frames import INSERT, METERS

pytestmark = pytest.mark.embedded_only
ROWS = 200_000
SLOW = "SELECT COUNT(*), MAX(LENGTH(REPLACE(REPEAT('ab', 150), 'a', CAST(voltage AS VARCHAR(10))))) FROM meters"
SLOWEST = " UNION ALL ".join([SLOW] * 60)  # it takes more than twenty seconds


class Raw:
    """A bare WebSocket client. Every answer has a deadline."""

    def __init__(self, socket):
        self.socket = socket

    @classmethod
    async def open(cls, embedded, log_in: bool = True, db: str = ""):
        raw = cls(await websocket_connect(f"ws://localhost:{embedded.port}/ws"))
        if log_in:
            assert (await raw.ask("conn", user="root", password="taosdata", db=db))["code"] == 0
        return raw

    async def answer(self):
        message = await asyncio.wait_for(self.socket.read_message(), 20)
        assert message is not None, "the server hung up"
        return json.loads(message) if isinstance(message, str) else message

    async def ask(self, action, req_id=2**64 - 1, **args):
        await self.socket.write_message(json.dumps({"action": action, "args": {"req_id": req_id, **args}}))
        return await self.answer()

    async def send(self, action, resource=0, body=b"", req_id=7):
        await self.socket.write_message(struct.pack("<QQQ", req_id, resource, action) + body, binary=True)

    async def send_sql(self, sql):
        await self.send(wire.SQL, body=struct.pack("<HI", 1, len(sql)) + sql.encode())

    async def sql(self, sql):
        await self.send_sql(sql)
        return await self.answer()

    async def fetch(self, result):
        """code, message, finished, block"""
        await self.send(wire.FETCH, result, b"\1\0")
        reply = await self.answer()
        code, length = struct.unpack_from("<II", reply, 34)
        at = 42 + length
        assert struct.unpack_from("<Q", reply, at) == (result,)
        return code, reply[42:at].decode(), reply[at + 8] == 1, reply[at + 13:]


def fill(connection):
    """Enough rows for SLOW to be slow."""
    connection.execute(METERS)
    statement = connection.stmt2_statement()
    statement.prepare(INSERT)
    start = int(time.time() * 1000) - ROWS
    columns = [taosws.millis_timestamps_to_column(list(range(start, start + ROWS))),
               taosws.floats_to_column([1.5] * ROWS),
               taosws.ints_to_column(list(range(ROWS))), taosws.floats_to_column([None] * ROWS)]
    tags = [taosws.int_to_tag(1), taosws.varchar_to_tag("Cupertino")]
    statement.bind([taosws.stmt2_bind_param_view("d", tags, columns)])
    assert statement.execute() == ROWS


def talk(embedded, conversation, **options):
    """Run `conversation(raw)` over a connection of its own."""
    async def run():
        raw = await Raw.open(embedded, **options)
        try:
            await conversation(raw)
        finally:
            raw.socket.close()
    asyncio.run(run())


def test_the_handshake(embedded):
    async def conversation(raw):
        await raw.socket.write_message('{"action": "version"}')  # as taosws sends it: no args at all
        assert await raw.answer() | {"timing": 0} == {
            "code": 0, "message": "", "action": "version", "req_id": 0, "timing": 0, "version": VERSION}
        refused = await raw.ask("query", sql="SELECT 1")
        assert (refused["code"], refused["message"]) == (0xFFFF, "server not connected")
        refused = await raw.ask("conn", user="root", password="wrong")
        assert (refused["code"], refused["action"], refused["req_id"]) == (0x0357, "conn", 2**64 - 1)
        assert (await raw.ask("conn", user="root", password="taosdata", db="no_such"))["code"] == 0x0388
        assert (await raw.ask("conn", user="root", password="taosdata"))["code"] == 0
        assert (await raw.ask("conn", user="root", password="taosdata"))["message"] == "duplicate connections"

    talk(embedded, conversation, log_in=False)


@pytest.mark.parametrize("message, text", [
    ('{"action": "make_tea", "args": {"req_id": 1}}', "unknown action make_tea"),
    ('{"args": {"req_id": 1}}', "request no action"),
    ('{"action": "query", "args": {"req_id": 1}}', "the request has no sql"),
    ('{"action": "stmt2_exec", "args": {"req_id": 1, "stmt_id": 99}}', "stmt is nil"),
    ('{"action": "insert", "args": {"req_id": 1, "data": "m v=1"}}', "unknown action insert"),
    ('[1, 2', "malformed message: not a JSON request"),
    ('[1, 2]', "malformed message: not a JSON request"),
    ("[" * 5000, "malformed message: not a JSON request"),
    ('{"action": ["query"], "args": {"req_id": 1}}', "malformed message: not a JSON request"),
    ('{"action": "query", "args": {"req_id": 1.5}}', "malformed message: not a JSON request"),
    ('{"action": "query", "args": {"req_id": 1, "sql": "\\ud800"}}', "malformed message: not a JSON request"),
    ('{"action": "query", "args": {"req_id": 1, "sql": 5}}', "malformed message: sql is of the wrong type"),
    ('{"action": "fetch", "args": {"req_id": 1, "id": []}}', "malformed message: id is of the wrong type"),
    ('{"action": "free_result", "args": {"req_id": 1, "id": true}}', "malformed message: id is of the wrong type"),
    ('{"action": "options_connection", "args": {"req_id": 1, "options": [5]}}', "unknown option None"),
    ('{"action": "options_connection", "args": {"req_id": 1, "options": [{"option": 1, "value": 5}]}}',
     "the value of option 1 is no text"),
    (b"short", "malformed message: it has no header"),
    (struct.pack("<QQQ", 1, 0, 77), "unknown action 77"),
    (struct.pack("<QQQHI", 1, 0, wire.SQL, 1, 1000), "malformed message: it ends too early"),
    (struct.pack("<QQQ", 1, 99, wire.STMT2_BIND), "stmt is nil"),
])
def test_nothing_is_answered_by_silence(embedded, message, text):
    async def conversation(raw):
        await raw.socket.write_message(message, binary=isinstance(message, bytes))
        reply = await raw.answer()
        assert (reply["code"], reply["message"]) == (0xFFFF, text)
        assert (await raw.sql("SELECT DATABASE()"))["code"] == 0

    talk(embedded, conversation)


def test_results_are_fetched_and_freed(embedded):
    async def conversation(raw):
        reply = await raw.sql("select server_version()")
        assert (reply["action"], reply["req_id"], reply["is_update"]) == ("binary_query", 7, False)
        assert (reply["fields_count"], reply["fields_names"], reply["fields_types"]) == (1, ["server_version()"], [8])
        code, _, finished, block = await raw.fetch(reply["id"])
        assert (code, finished) == (0, False)
        assert [values.to_pylist() for _, values in raw_blocks.decode_block(block)] == [[VERSION]]
        assert await raw.fetch(reply["id"]) == (0, "", True, b"")
        assert (await raw.fetch(reply["id"]))[:3] == (0xFFFF, "result is nil", True)

        open_result = (await raw.sql("SELECT SERVER_VERSION()"))["id"]
        assert (await raw.ask("num_fields", result_id=open_result))["num_fields"] == 1
        for id_ in (open_result, 99):  # neither has a reply
            await raw.socket.write_message(json.dumps({"action": "free_result", "args": {"req_id": 1, "id": id_}}))
        assert (await raw.fetch(open_result))[:3] == (0xFFFF, "result is nil", True)

    talk(embedded, conversation)


def test_too_many_open_results_are_refused_not_kept(embedded):
    async def conversation(raw):
        replies = [await raw.sql("SELECT SERVER_VERSION()") for _ in range(65)]
        assert {reply["code"] for reply in replies[:64]} == {0}
        assert replies[64]["code"] == 0xFFFF and "64 results are open" in replies[64]["message"]
        await raw.fetch(replies[0]["id"])
        await raw.fetch(replies[0]["id"])
        assert (await raw.sql("SELECT SERVER_VERSION()"))["code"] == 0

    talk(embedded, conversation)


def test_too_many_clients_are_refused_and_the_others_served(start_embedded):
    embedded = start_embedded()

    async def conversation(raw):
        others = [await Raw.open(embedded) for _ in range(MAX_CLIENTS - 1)]
        with pytest.raises(HTTPClientError, match="503"):
            await Raw.open(embedded)
        assert (await raw.sql("SELECT DATABASE()"))["code"] == 0
        others[0].socket.close()
        for _ in range(100):
            try:
                return (await Raw.open(embedded)).socket.close()
            except HTTPClientError:  # it has not ended yet
                await asyncio.sleep(0.05)
        raise AssertionError("a client that leaves makes no room")

    talk(embedded, conversation)


def test_requests_sent_without_waiting_are_answered_in_order(embedded):
    async def conversation(raw):
        for i in range(100):
            await raw.send(wire.SQL, body=struct.pack("<HI", 1, 17) + b"SELECT DATABASE()", req_id=i)
        assert [(await raw.answer())["req_id"] for _ in range(100)] == list(range(100))

    talk(embedded, conversation)


def test_the_connection_tells_about_itself(embedded, database):
    async def conversation(raw):
        assert (await raw.ask("get_current_db"))["db"] == database
        assert (await raw.ask("get_server_info"))["info"] == VERSION
        assert (await raw.ask("get_connection_info", info=0))["info"] == "root"
        assert (await raw.ask("check_server_status"))["status"] == 2
        reply = await raw.ask("options_connection", options=[{"option": 1, "value": "Asia/Shanghai"}])
        assert reply["code"] == 0 and "timing" in reply
        for option in ({"option": 1, "value": "Moon/Crater"}, {"option": 0, "value": "GBK"},
                       {"option": 77, "value": "x"}):
            assert (await raw.ask("options_connection", options=[option]))["code"] == 0xFFFF

    talk(embedded, conversation, db=database)


def test_the_fields_of_prepared_statements(embedded, database, power):
    power.execute(METERS)
    tags = [("groupid", 4, 4), ("location", 8, 26)]
    columns = [("ts", 9, 8), ("current", 6, 4), ("voltage", 4, 4), ("phase", 6, 4)]

    def seen(fields, *more):
        return [tuple(field[key] for key in ("name", "field_type", "bytes", *more)) for field in fields]

    async def conversation(raw):
        id_ = (await raw.ask("stmt2_init", single_stb_insert=True, single_table_bind_once=False))["stmt_id"]
        reply = await raw.ask("stmt2_prepare", stmt_id=id_, sql=INSERT, get_fields=True)
        assert (reply["stmt_id"], reply["is_insert"], reply["fields_count"]) == (id_, True, 7)
        assert [field["bind_type"] for field in reply["fields"]] == [4, 2, 2, 1, 1, 1, 1]
        assert seen(reply["fields"])[1:] == tags + columns
        reply = await raw.ask("stmt2_prepare", stmt_id=id_, sql="SELECT voltage FROM meters WHERE ts > ?",
                              get_fields=True)
        assert (reply["is_insert"], reply["fields"], reply["fields_count"]) == (False, None, 1)
        assert (await raw.ask("stmt2_close", stmt_id=id_))["code"] == 0
        assert (await raw.ask("stmt2_exec", stmt_id=id_))["message"] == "stmt is nil"

        id_ = (await raw.ask("init"))["stmt_id"]
        refused = await raw.ask("prepare", stmt_id=id_, sql="INSERT INTO ? USING no_such TAGS (?) VALUES (?)")
        assert (refused["code"], refused["is_insert"], refused["stmt_id"]) == (0x2603, False, id_)
        assert (await raw.ask("prepare", stmt_id=id_, sql=INSERT))["is_insert"] is True
        assert seen((await raw.ask("get_tag_fields", stmt_id=id_))["fields"]) == tags
        assert seen((await raw.ask("get_col_fields", stmt_id=id_))["fields"]) == columns
        assert (await raw.ask("stmt_num_params", stmt_id=id_))["num_params"] == 7
        assert (await raw.ask("stmt_get_param", stmt_id=id_, index=1))["data_type"] == 6

    talk(embedded, conversation, db=database)


def test_the_old_statement_in_json(embedded, database, power):
    power.execute(METERS)
    now = int(time.time() * 1000)

    async def conversation(raw):
        id_ = (await raw.ask("init"))["stmt_id"]

        async def step(action, **args):
            return await raw.ask(action, stmt_id=id_, **args)

        assert (await step("exec"))["code"] == 0x0217
        assert (await step("prepare", sql=INSERT))["code"] == 0
        assert (await step("bind", columns=[[now], [1.5], [220], [None]]))["message"] == "table name is not set"
        assert (await step("set_table_name", name="d1"))["code"] == 0
        assert (await step("set_tags", tags=[2, "x" * 25]))["message"] == "tag length is too big"
        assert (await step("set_tags", tags=[2]))["code"] == 0x0200
        assert (await step("set_tags", tags=[2, "Campbell"]))["code"] == 0
        assert (await step("bind", columns=[[now], [1.5], ["220"], [None]]))["code"] == 0x0200
        assert (await step("bind", columns=[[now, now + 1], [1.5], [220], [None]]))["code"] == 0xFFFF
        assert (await step("bind", columns=[[now, now + 1], [1.5, None], [220, 221], [None, 0.5]]))["code"] == 0
        assert "not added" in (await step("exec"))["message"]
        assert (await step("add_batch"))["code"] == 0
        assert (await step("exec"))["affected"] == 2
        assert (await step("prepare", sql="SELECT voltage FROM meters WHERE voltage > ?"))["is_insert"] is False
        assert (await step("bind", columns=[[220]]))["code"] == 0
        assert (await step("add_batch"))["code"] == 0
        assert (await step("exec"))["code"] == 0
        reply = await step("use_result")
        assert reply["fields_names"] == ["voltage"]
        assert raw_blocks.decode_block((await raw.fetch(reply["result_id"]))[3])[0][1].to_pylist() == [221]

    talk(embedded, conversation, db=database)
    assert list(power.query("SELECT `current`, voltage, phase, groupid, location, tbname FROM meters ORDER BY ts")) == [
        (1.5, 220, None, 2, "Campbell", "d1"), (None, 221, 0.5, 2, "Campbell", "d1")]


def test_a_slow_query_of_one_client_does_not_hold_up_another(embedded, database, power):
    fill(power)

    async def conversation(raw):
        slow = await Raw.open(embedded, db=database)
        await slow.send_sql(SLOW)
        slow_answer = asyncio.create_task(slow.answer())
        for _ in range(10):
            assert (await raw.sql("SELECT DATABASE()"))["code"] == 0
        assert not slow_answer.done()
        assert (await slow_answer)["code"] == 0
        slow.socket.close()

    talk(embedded, conversation)


def test_a_client_that_hangs_up_ends_its_query(embedded, database, power):
    fill(power)

    def threads():
        return len(list(Path(f"/proc/{embedded.process.pid}/task").iterdir()))

    async def conversation(raw):
        others = [await Raw.open(embedded, db=database) for _ in range(8)]
        for other in others:
            await other.send_sql(f"SELECT COUNT(*) FROM ({SLOW})")
        await raw.sql("SELECT DATABASE()")  # read after them, so they are under way
        busy = threads()
        for other in others:
            other.socket.close()
        started = time.monotonic()
        while threads() > busy - 8:
            assert time.monotonic() - started < 2
            await asyncio.sleep(0.01)

    talk(embedded, conversation, db=database)


def test_a_stop_does_not_wait_for_the_queries_under_way(start_embedded):
    """SIGTERM ends it, and its temporary folder goes."""
    embedded = start_embedded("--retention=0")
    folder = Path(embedded.log.read_text().split("Data in ")[1].split(",")[0])
    assert folder.is_dir()
    client = embedded.connect()
    client.execute("CREATE DATABASE power")
    client.execute("USE power")
    fill(client)

    async def conversation(raw):
        others = [await Raw.open(embedded, db="power") for _ in range(4)]
        for other in others:
            await other.send_sql(SLOWEST)
        await raw.sql("SELECT DATABASE()")  # read after them, so they are under way
        embedded.process.terminate()
        assert embedded.process.wait(20) == 0

    talk(embedded, conversation)
    assert not folder.exists() and "Traceback" not in embedded.log.read_text()


def test_pages_of_other_sites_are_refused(embedded):
    """A browser says where a page comes from; taosws and curl do not."""
    async def connect():
        await websocket_connect(HTTPRequest(f"ws://localhost:{embedded.port}/ws",
                                            headers={"Origin": "https://example.com"}))

    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(asyncio.wait_for(connect(), 10))

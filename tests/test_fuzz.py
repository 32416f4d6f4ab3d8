"""Both WebSocket servers under 1000 fuzzed frames each, beside a real client that must not notice.

The frames are those of real clients, with bits flipped, and with parts cut out, put in, replaced or mixed up; some are
frames that no client sends. After each comes a question that the server must answer, unless it has hung up, as it may:
then the rest goes over a new connection. `FUZZ_SEED=7` tries other frames than the usual ones.
"""

import asyncio
import ipaddress
import itertools
import json
import os
import random
import struct
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import perspective
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from bridge.viewer_requests import encode, varint
from bridge.websockets import MAX_REQUEST_BYTES
from embedded.protocol import wire
from embedded.protocol.handlers import MAX_MESSAGE_BYTES
from embedded.storage.duckfile import SPARE_READERS
from tests.helpers.databases import ROOT
from tests.helpers.embedded_frames import INSERT, METERS, NOW, OLD_BIND, STMT2_BIND
from tests.helpers.live_rows import stored
from tests.helpers.programs import Server, producer
from tests.helpers.viewers import CopyViewer, Viewer, handshake
from tests.helpers.waiting import wait_for

SEED = int(os.environ.get("FUZZ_SEED", 1))
FRAMES, PER_CONNECTION, AT_ONCE = 1000, 50, 8
GROWTH_MB = 10  # from the first half of the frames to the second
ODD = [None, True, -1, 0, 1, 2, 2**63, 2**64, -2**70, 1.5, 1e308, "", "x", "ü\0", "\ud800", "1", "a" * 1000, [], [1],
       [[]], {}, {"a": 1}]
TEXTS = [b"", b"timestamp", b"voltage", b"location", b"nothing", b"avg", b"max by", b"==", b"is null", b"desc", b"\0",
         b"1 / 0"]
NUMBERS = [0, 1, 2, 3, 127, 255, 2**16, 2**29, 2**31 - 1, 2**31, 2**32 - 1]


# ---- frames that no client sends

def damaged(rng: random.Random, frame: bytes, others: list[bytes]) -> bytes:
    frame, at = bytearray(frame), rng.randrange(len(frame))
    match rng.randrange(8):
        case 0 | 1 | 2:
            for _ in range(rng.randint(1, 4)):
                frame[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
        case 3:
            frame[at:at + 4] = struct.pack("<I", rng.choice(NUMBERS))
        case 4:
            del frame[at:]
        case 5:
            del frame[at:at + rng.randint(1, 8)]
        case 6:
            frame[at:at] = rng.randbytes(rng.randint(1, 8))
        case 7:
            other = rng.choice(others)
            frame[at:] = other[rng.randrange(len(other)):]
    return bytes(frame)


def altered(rng: random.Random, value):
    """A JSON value with some part of it replaced or left out."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        rest = {name: part for name, part in value.items() if name != key}
        return rest if rng.random() < 0.1 else rest | {key: altered(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.6:
        at = rng.randrange(len(value))
        return [*value[:at], altered(rng, value[at]), *value[at + 1:]]
    if isinstance(value, str) and value and rng.random() < 0.5:
        return damaged(rng, value.encode(), [b"' OR 1 = 1"]).decode(errors="replace")
    return rng.choice(ODD)


def altered_message(rng: random.Random, message: bytes) -> bytes:
    """A protobuf message with some field of it, at some depth, altered, left out, or there twice."""
    parts, at = [], 0
    while at < len(message):
        start = at
        key, at = varint(message, at)
        end, value_at = varint(message, at)
        at = {0: value_at, 1: at + 8, 2: value_at + end}[key & 7]
        parts.append((key, message[start:at], message[value_at:at]))
    position = rng.choice([*range(len(parts)), *[len(parts) - 1] * 3])  # the last one is the request
    key, part, value = parts[position]
    match rng.randrange(24):
        case 0:
            part = b""
        case 1:
            part *= 2
        case 2:
            part += rng.choice(parts)[1]
        case _ if key & 7 == 2 and value:
            try:
                value = altered_message(rng, value)
            except (ValueError, LookupError):  # a text
                value = rng.choice([*TEXTS, damaged(rng, value, [value]).decode(errors="replace").encode()])
            part = encode(key >> 3, value)
        case _:
            part = encode(key >> 3, rng.choice(NUMBERS))
    return b"".join([*[part for _, part, _ in parts[:position]], part, *[part for _, part, _ in parts[position + 1:]]])


def fuzzed(rng: random.Random, frames: list[bytes | str]) -> bytes | str:
    frame = max(rng.choices(frames, k=3), key=len)  # there is more to be wrong in the longer ones
    match rng.randrange(20):
        case 0:
            return rng.randbytes(rng.randrange(200))
        case 1:
            return frame  # at a time when it may not fit
        case 2:
            return frame.encode() if isinstance(frame, str) else frame.decode(errors="replace")
    if isinstance(frame, bytes) and frame.startswith(b"\x08\7") and rng.random() < 0.8:
        return altered_message(rng, frame)
    if isinstance(frame, bytes):
        return damaged(rng, frame, [other for other in frames if isinstance(other, bytes)])
    if rng.random() < 0.8:
        return json.dumps(altered(rng, json.loads(frame)))
    return damaged(rng, frame.encode(), [b"[" * 5000, b'"\\ud800"']).decode(errors="replace")


# ---- sending them

class Target:
    """A server that gets the frames. `opening` are the frames with which each connection starts."""

    QUESTION: bytes | str  # the server always answers it
    EVERY = 1  # frames from question to question, where the server may hang up at any of them

    def __init__(self, process: subprocess.Popen, port: int, path: str, frames: list):
        self.process, self.port, self.path, self.frames = process, port, path, frames
        self.sent = deque(maxlen=AT_ONCE)  # the newest: shown where a test fails

    async def connect(self):
        return await websocket_connect(f"ws://127.0.0.1:{self.port}{self.path}", max_message_size=2**30)

    async def send(self, frames: list) -> None:
        """Sends all frames, and a question after every few. Each question is answered, unless the server hangs up."""
        socket = None
        for at in range(0, len(frames), self.EVERY):
            if socket is None:
                socket = await asyncio.wait_for(self.connect(), 20)
                for frame in self.opening():
                    self.write(socket, frame)
            some = frames[at:at + self.EVERY]
            self.sent += some
            for frame in (*some, self.QUESTION):
                self.write(socket, frame)
            message = b" "
            while not self.answers(message):
                message = await asyncio.wait_for(socket.read_message(), 30)
                if message is None:
                    assert self.EVERY == 1, "the server hung up"
                    socket = None
                    break
        if socket:
            socket.close()

    def write(self, socket, frame: bytes | str) -> None:
        with suppress(WebSocketClosedError):
            socket.write_message(frame, binary=isinstance(frame, bytes)).add_done_callback(asyncio.Future.exception)

    async def damage(self, rng: random.Random) -> None:
        """Sends WebSocket frames that are damaged themselves, or cut off."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(handshake(self.path))
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        text = bytes([0x81, 0x80 | 20]) + bytes(4) + b'{"action":"version"}'
        binary = bytes([0x82, 0x80 | 24]) + bytes(28)
        with suppress(OSError):
            writer.write(damaged(rng, text, [binary]) + rng.choice([text, binary, b""]))
            await writer.drain()
        writer.close()

    def fuzz(self, rng: random.Random, count: int) -> None:
        """Sends `count` fuzzed frames, and some damaged ones."""
        async def run():
            batches = iter([[fuzzed(rng, self.frames) for _ in range(PER_CONNECTION)]
                            for _ in range(count // PER_CONNECTION)])

            async def work():
                for batch in batches:
                    await self.send(batch)
                    await self.damage(rng)
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(work())

        print(f"FUZZ_SEED={SEED}")
        try:
            asyncio.run(run())
        except* Exception:
            print("the newest frames:", *self.sent, sep="\n")
            raise
        assert self.process.poll() is None

    def huge(self, limit: int) -> None:
        """A message of the greatest size is read; one above it ends the connection."""
        async def run():
            for frame in (bytes(limit), "[" * limit):
                await self.send([frame])
            socket = await self.connect()
            self.write(socket, bytes(limit + 1))
            assert await asyncio.wait_for(socket.read_message(), 30) is None
        asyncio.run(run())

    # ---- what may not grow

    def files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def megabytes(self) -> float:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# ---- the embedded database

def ask(action: str, **args) -> str:
    return json.dumps({"action": action, "args": {"req_id": 5, **args}})


def binary(action: int, resource: int, body: bytes) -> bytes:
    return struct.pack("<QQQ", 7, resource, action) + body


def sql(text: str) -> bytes:
    return binary(wire.SQL, 0, struct.pack("<HI", 1, len(text)) + text.encode())


BIND_SELECT = bytes.fromhex("""0100 ffffffff 36000000 01000000 00000000 01000000 00000000 00000000 1c000000
    16000000   16000000 04000000 01000000 00 00 04000000 dc000000""")
LOG_IN = ask("conn", user="root", password="taosdata", db="fuzz")
OPENING = [  # statements 1 to 3, results 4 and 5
    LOG_IN, ask("stmt2_init"), ask("stmt2_prepare", stmt_id=1, sql=INSERT, get_fields=True), ask("init"),
    ask("prepare", stmt_id=2, sql=INSERT), ask("stmt2_init"),
    ask("stmt2_prepare", stmt_id=3, sql="SELECT voltage FROM meters WHERE voltage > ?", get_fields=True),
    sql("SELECT * FROM meters"), sql("SELECT tbname, COUNT(*) FROM meters GROUP BY tbname"),
]
REQUESTS = [
    *OPENING[1:], ask("version"),
    ask("query", sql="SELECT ts, voltage FROM meters"), ask("fetch", id=4), ask("fetch_block", id=4),
    ask("num_fields", result_id=5), ask("options_connection", options=[{"option": 1, "value": "UTC"}, {"option": -1}]),
    ask("get_connection_info", info=0), ask("get_current_db"), ask("get_server_info"), ask("check_server_status"),
    binary(wire.FETCH, 5, b"\1\0"), ask("free_result", id=5),
    binary(wire.STMT2_BIND, 1, STMT2_BIND), ask("stmt2_exec", stmt_id=1), binary(wire.STMT2_BIND, 1, STMT2_BIND),
    ask("stmt_num_params", stmt_id=2), ask("stmt_get_param", stmt_id=2, index=1), ask("get_tag_fields", stmt_id=2),
    ask("get_col_fields", stmt_id=2), ask("set_table_name", stmt_id=2, name="d2"),
    ask("set_tags", stmt_id=2, tags=[2, "LA"]), binary(wire.BIND, 2, OLD_BIND),
    ask("bind", stmt_id=2, columns=[[NOW], [1.5], [220], [None]]), ask("add_batch", stmt_id=2), ask("exec", stmt_id=2),
    binary(wire.STMT2_BIND, 3, BIND_SELECT), ask("stmt2_exec", stmt_id=3), ask("stmt2_result", stmt_id=3),
    sql(f"INSERT INTO d3 USING meters TAGS (3, 'x') VALUES ({NOW}, 1, 2, NULL) "
        "d4 USING meters TAGS (4, '') VALUES (NOW, 1, 2, 3)"),
    sql("SELECT LAST_ROW(*) FROM meters PARTITION BY tbname"),
    sql("SELECT AVG(voltage), _wstart FROM meters INTERVAL(1s) LIMIT 3"),
    sql("SELECT CAST(ts AS BIGINT), tbname, location FROM meters WHERE ts > NOW() - 1m ORDER BY ts DESC LIMIT 5"),
    sql("SHOW TABLES"), sql("DESCRIBE meters"), ask("stmt2_close", stmt_id=3), ask("close", stmt_id=2),
]
# Writes rows and reads them back until its input ends, and prints how often.
CLIENT = """
import sys, threading, time, taosws
connection = taosws.connect(sys.argv[1])
connection.execute("CREATE DATABASE beside")
connection.execute("CREATE TABLE beside.t (ts TIMESTAMP, v INT)")
print("ready", flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), ended.append(1)), daemon=True).start()
ended, rows = [], []
while not ended:
    rows.append((1764000000000 + len(rows), len(rows)))
    assert connection.execute("INSERT INTO beside.t VALUES (%d, %d)" % rows[-1]) == 1
    newest = connection.query("SELECT CAST(ts AS BIGINT), v FROM beside.t ORDER BY ts DESC LIMIT 20")
    assert list(newest) == rows[:-21:-1]
    assert list(connection.query("SELECT COUNT(*), SUM(v) FROM beside.t")) == [(len(rows), sum(v for _, v in rows))]
    time.sleep(0.02)
print(len(rows))
"""


class Database(Target):
    QUESTION = json.dumps({"action": "version", "args": {"req_id": 10**18}})
    EVERY = 10

    def __init__(self, embedded):
        super().__init__(embedded.process, embedded.port, "/ws", REQUESTS)
        self.connections = 0

    def opening(self) -> list:
        self.connections += 1
        return OPENING if self.connections % 10 else []  # some do not log in

    def answers(self, message: str | bytes) -> bool:
        if isinstance(message, bytes):
            return False
        reply = json.loads(message)
        assert {"code", "message", "action", "req_id", "timing"} <= reply.keys(), message
        assert "internal error" not in message
        return reply["req_id"] == 10**18


@pytest.mark.embedded_only
def test_the_embedded_database(start_embedded):
    embedded = start_embedded("--retention=0")
    client = subprocess.Popen([sys.executable, "-c", CLIENT, embedded.dsn], cwd=ROOT, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline() == "ready\n"
    target, rng = Database(embedded), random.Random(SEED)
    asyncio.run(prepare(target))
    target.huge(MAX_MESSAGE_BYTES)
    files, threads = target.files(), target.threads()
    target.fuzz(rng, FRAMES // 2)
    before = target.megabytes()
    target.fuzz(rng, FRAMES // 2)
    assert int(client.communicate(timeout=20)[0]) > 10 and client.returncode == 0
    wait_for(lambda: target.files() <= files + 2 * SPARE_READERS, what="the end of the connections")
    wait_for(lambda: target.threads() <= threads, what="the end of the connections' threads")
    assert target.megabytes() < before + GROWTH_MB
    assert "Traceback" not in embedded.log.read_text()
    asyncio.run(target.send([ask("version")]))


async def prepare(target: Database) -> None:
    """Makes the tables, and checks that each request as it is, in this order, is answered without an error."""
    socket = await target.connect()
    frames = [ask("conn", user="root", password="taosdata"), sql("CREATE DATABASE fuzz"), sql("USE fuzz"), sql(METERS),
              sql(f"INSERT INTO d1 USING meters TAGS (1, 'LA') VALUES ({NOW}, 1, 220, 3)")]
    for frame in frames:
        target.write(socket, frame)
        assert json.loads(await socket.read_message())["code"] == 0
    socket.close()
    socket = await target.connect()
    for frame in [LOG_IN, *REQUESTS, target.QUESTION]:
        target.write(socket, frame)
    while not target.answers(message := await socket.read_message()):
        assert isinstance(message, bytes) or json.loads(message)["code"] == 0, message
    socket.close()


# ---- the Perspective server

OWN, NEW = b"a-view-that-was-made!", b"a-view-for-this-frame"  # stand for names in frames; as long as Perspective's own
VIEWS = [
    {},
    {"group_by": ["location"], "columns": ["voltage", "current"], "aggregates": {"voltage": "avg", "current": "last"}},
    {"group_by": ["location", "timestamp"], "split_by": ["groupid"], "columns": ["voltage"],
     "sort": [["voltage", "desc"]]},
    {"filter": [["voltage", ">", 221], ["location", "in", ["Campbell", "Cupertino"]]], "sort": [["timestamp", "desc"]]},
    {"expressions": {"e": '"voltage" * 2', "f": "bucket(\"timestamp\", 's')"}, "columns": ["e", "f"],
     "filter": [["timestamp", ">", "2025-01-01"]]},
]


LIMIT = 200  # rows in the table


class Recorder(Viewer):
    """Keeps what it sends."""

    def _send(self, message: bytes):
        self.frames.append(bytes(message))
        super()._send(message)

    def record(self, **config) -> list[bytes]:
        """The requests of a viewer that makes a view, asks it every question there is, and deletes it."""
        self.frames = []
        table = self.table()
        table.schema(), table.size(), table.validate_expressions({"e": '"voltage" + 1'})
        made = len(self.frames)
        view = table.view(**config)
        for read in (view.schema, view.expression_schema, view.column_paths, view.dimensions, view.get_config,
                     view.to_arrow, view.to_csv, view.to_columns, view.to_json, view.to_ndjson):
            read()
        view.to_columns(start_row=0, end_row=10, start_col=0, end_col=2), view.get_min_max("voltage")
        if "group_by" in config:
            view.expand(0), view.collapse(0)
        view.remove_update(view.on_update(lambda *_: None, mode="row"))
        view.remove_delete(view.on_delete(lambda: None))
        view.delete()
        frames = [frame[next(at for at in range(1, 6) if frame[at] < 128) + 1:] for frame in self.frames]  # no number
        name = frames[-1][2:2 + frames[-1][1]]
        assert len(name) == len(OWN) and name in frames[made]
        return [b"\x08\7" + frame.replace(name, NEW if number == made else OWN) for number, frame in enumerate(frames)]


class Perspective(Target):
    NUMBER = b"\x08\xff\xff\xff\xff\x0f"  # of the question: which tables are there?
    QUESTION = NUMBER + b"\x22\0"

    def __init__(self, server: Server, recorded: list[list[bytes]]):
        super().__init__(server.process, server.port, "/websocket", [frame for frames in recorded for frame in frames])
        self.addresses = itertools.count(2**24)
        self.makings = [frame for frame in self.frames if NEW in frame]
        self.names = 0

    def name(self) -> bytes:
        self.names += 1
        return b"%021d" % self.names

    async def connect(self):
        address = str(ipaddress.ip_address(next(self.addresses)))
        socket = await websocket_connect(HTTPRequest(f"ws://127.0.0.1:{self.port}{self.path}", headers={
            "X-Forwarded-For": address}), max_message_size=2**30)  # no address has three strikes
        socket.view = self.name()
        return socket

    def opening(self) -> list:
        return [self.makings[self.names % len(self.makings)].replace(NEW, OWN)]

    def write(self, socket, frame: bytes | str) -> None:
        if isinstance(frame, bytes):
            frame = frame.replace(OWN, socket.view).replace(NEW, self.name())
        super().write(socket, frame)

    def answers(self, message: bytes) -> bool:
        return message.startswith(self.NUMBER)


def watch(port: int, ended: threading.Event) -> int:
    """Looks at a view until `ended`, and connects anew where a frame has ended the engine: how often it looked."""
    looks = 0
    while not ended.is_set():
        with Viewer(port) as viewer:
            try:
                view = viewer.table().view(group_by=["location"], columns=["voltage"], aggregates={"voltage": "count"})
                while not ended.wait(0.1):
                    total, *parts = view.to_columns()["voltage"]
                    assert total == sum(parts) and 0 < total <= LIMIT
                    looks += 1
            except (perspective.PerspectiveError, ConnectionError):
                assert wait_for(lambda: viewer.closed, what="the end of the connection")[0] == 1012
    return looks


def test_the_perspective_server(power_dsn, power, tmp_path):
    rng, ended = random.Random(SEED), threading.Event()
    with producer(tmp_path, power_dsn, "--rows-per-interval=100") as rows:
        with Server(tmp_path, power_dsn, f"--table-limit={LIMIT}") as server, ThreadPoolExecutor() as pool:
            with CopyViewer(server.port) as copy:
                with Recorder(server.port) as recorder:
                    target = Perspective(server, [recorder.record(**config) for config in VIEWS])
                watching = pool.submit(watch, server.port, ended)
                try:
                    target.huge(MAX_REQUEST_BYTES)
                    files, threads = target.files(), target.threads()
                    target.fuzz(rng, FRAMES // 2)
                    before = target.megabytes()
                    target.fuzz(rng, FRAMES // 2)
                finally:
                    ended.set()
                assert watching.result(20) > 10
                wait_for(lambda: server.status()["viewers"] == 1, what="the end of the connections")
                wait_for(lambda: target.files() <= files, what="the end of the files that they used")
                wait_for(lambda: target.threads() <= threads, what="the end of the threads that they used")
                assert target.megabytes() < before + GROWTH_MB
                assert rows.end() == 0
                newest = set(stored(power, LIMIT // 2))
                wait_for(lambda: newest <= set(copy.rows), what="the database's newest rows")
                with Viewer(server.port) as viewer:
                    assert viewer.table().size() == len(copy.rows) == LIMIT
            assert "Traceback" not in server.text()

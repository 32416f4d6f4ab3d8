"""The history for tests: a client without a server, and viewers at /history."""

import asyncio
import json
import re
import time

import perspective

import meters
from bridge.history import tables
from bridge.history.handler import Handler
from bridge.history.known import Known
from bridge.history.view_sql import Windows
from bridge.viewer_requests import encode, varint
from bridge.writer import bind
from tests.helpers.viewers import Viewer


def fill(power, rows: int, before: int, table: str = meters.SUPER_TABLE) -> None:
    """One row a second of one meter, until `before` (epoch ms); its voltage counts from 0. The table is made, too."""
    power.execute(meters.create_super_table().replace(f"`{meters.SUPER_TABLE}`", table))
    statement = power.stmt2_statement()
    statement.prepare(meters.insert_rows().replace(f"`{meters.SUPER_TABLE}`", table))
    statement.bind([bind(f"{table}_0", {"groupid": 1, "location": "Łódź"}, {
        "ts": [before - (rows - i) * 1000 for i in range(rows)], "current": [1.5] * rows,
        "voltage": list(range(rows)), "phase": [0.5] * rows})])
    assert statement.execute() == rows


def table_of(connection, name: str) -> tables.Table:
    return tables.described(name, list(connection.query(tables.describe(name))))


def client_of(connection) -> perspective.Client:
    """A Perspective client of the handler, in this process."""
    known = Known()
    handler = Handler(known)
    server = perspective.VirtualServer(handler)

    def send(message: bytes) -> None:
        answers = {}
        while True:
            known.begin(answers, round(time.time() * 1000))
            answer = server.handle_request(bytes(message))
            if not known.missing + known.wanted_soon:
                break
            for question in known.missing + known.wanted_soon:
                sql = question.sql() if isinstance(question, Windows) else question
                answers[question] = list(connection.query(sql))
        client.handle_response(answer)

    client = perspective.Client(send)
    return client


class HistoryViewer(Viewer):
    """A Perspective client at /history. `asking` has what the server said of questions under way."""

    PATH = "/history"

    def __init__(self, port: int, query: str = "", **headers: str):
        super().__init__(port, query, **headers)
        self.asking, self.signs = [], 0

    async def _receive(self):
        while (message := await self.socket.read_message()) is not None:
            if message == "":
                self.signs += 1
            elif isinstance(message, str):
                self.asking.append(json.loads(message)["asking"])
            else:
                self.waiting.pop(varint(message, 1)[0], None)
                await asyncio.to_thread(self.client.handle_response, message)
        self.closed = (self.socket.close_code, self.socket.close_reason)
        for request in self.waiting.values():
            await asyncio.to_thread(self.client.handle_response, request.refusal("the connection is lost"))


def message(kind: int, body: bytes = b"", entity: bytes = b"v", number: int = 7) -> bytes:
    """A request of this kind, as it is on the wire."""
    return encode(1, number) + encode(2, entity) + encode(kind, body)


def view_message(*parts: bytes) -> bytes:
    """Makes the view `v` of the table `meters`."""
    return message(6, encode(1, b"v") + encode(2, b"".join(parts)), b"meters")


def history_process(server) -> int:
    """The process number of the server's newest history."""
    return int(re.findall(r"history started, process (\d+)", server.text())[-1])

"""Messages that no viewer sends: they end the history for nobody else."""

import os
import random

from test_fuzz import altered_message, damaged

from bridge.history.rules import LAST_SORT
from bridge.viewer_requests import encode
from tests.helpers.history import HistoryViewer, history_process, message
from tests.helpers.history import view_message as view
from tests.helpers.viewers import Connection
from tests.helpers.waiting import wait_for

METERS = b"meters"
SEED, CONNECTIONS, MESSAGES = int(os.environ.get("FUZZ_SEED", 1)), 30, 50


class Raw(Connection):
    """A connection that counts the answers."""

    PATH = "/history"

    def __init__(self, port: int):
        super().__init__(port)
        self.answers = []

    async def _receive(self):
        while (message := await self.socket.read_message()) is not None:
            if isinstance(message, bytes):
                self.answers.append(message)
        self.closed = (self.socket.close_code, self.socket.close_reason)


FILTER = encode(4, encode(1, b"voltage") + encode(2, b">") + encode(3, encode(4, b"\0" * 8)))
BUCKET = encode(6, encode(1, b"b") + encode(2, b"bucket(\"timestamp\", '1m')"))
AGGREGATE = encode(7, encode(1, b"voltage") + encode(2, encode(1, b"avg")))
COLUMNS = encode(3, encode(2, encode(1, b"voltage")))
# These end the engine, or are like those that do.
ENDING = [message(24, b""), message(16, b""), message(9), message(27), message(12, entity=b"nothing"),
          message(24, encode(1, b""), b"nothing"), view(encode(7, encode(1, b"voltage"))),
          view(encode(7, encode(1, b"voltage") + encode(2, b""))), message(42), message(44),
          view(encode(5, encode(1, b"voltage") + encode(2, LAST_SORT + 1))), view(encode(10, 99)),
          view(encode(8, 99)), view(encode(4, encode(1, b"voltage")))]
WELL_FORMED = [
    message(3), message(4), message(7, entity=METERS), message(8, entity=METERS), view(FILTER), view(COLUMNS),
    view(encode(1, b"location") + BUCKET + encode(1, b"b") + COLUMNS + AGGREGATE + encode(10, 1)),
    view(encode(1, b"location") + encode(2, b"groupid") + COLUMNS + encode(5, encode(1, b"voltage") + encode(2, 2))),
    message(12), message(15), message(14), message(20, encode(1, b"voltage")), message(21), message(22, encode(1, 3)),
    *(message(kind, encode(1, encode(1, 0) + encode(2, 9))) for kind in (16, 24, 25, 26, 36)), message(11),
    message(41, encode(1, COLUMNS + FILTER), METERS), message(13), message(10),
    message(10, encode(1, 9) + encode(2, 3)),
    *(message(kind, encode(1, 1)) for kind in (18, 19, 23)),
]


def test_messages_that_would_end_the_engine(server):
    with HistoryViewer(server.port) as viewer, Raw(server.port) as raw:
        table, process = viewer.table("meters"), history_process(server)
        raw.send(view())
        wait_for(lambda: raw.answers, what="the view")
        for count, each in enumerate(ENDING, 2):
            raw.send(each)
            wait_for(lambda: len(raw.answers) == count, what=f"an answer to {each}")
            assert b"\x92\x03" in raw.answers[-1], each  # field 50: refused
        assert table.view().num_rows() == 1 and history_process(server) == process


def test_random_messages_end_it_for_nobody_else(server):
    rng = random.Random(SEED)
    with HistoryViewer(server.port) as viewer:
        table, process = viewer.table("meters"), history_process(server)
        for _ in range(CONNECTIONS):
            with Raw(server.port) as raw:
                for _ in range(MESSAGES):
                    frame = rng.choice(WELL_FORMED)
                    match rng.randrange(4):
                        case 0 | 1:
                            frame = altered_message(rng, frame)
                        case 2:
                            frame = damaged(rng, frame, WELL_FORMED) if rng.random() < 0.05 else frame
                    raw.send(frame)
                raw.send(message(3, number=99))
                wait_for(lambda: raw.closed or any(answer.startswith(b"\x08\x63") for answer in raw.answers), 30,
                         "the last answer")
        assert history_process(server) == process and not viewer.closed
        assert table.view().num_rows() == 1

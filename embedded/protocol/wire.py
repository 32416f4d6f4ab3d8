"""taosAdapter's binary messages: their frames. raw_blocks.py has the rows in them.

All functions only read and make bytes. Integers are little-endian. A message that does not parse is a TDengineError,
and nothing is read outside of its buffer: `struct` checks that, and `take` does where a slice would be cut short.
"""

import struct

from ..common.errors import TDengineError

SET_TAGS, BIND, SQL, FETCH, STMT2_BIND = 1, 2, 6, 7, 9  # the actions of binary requests

_FRAME = struct.Struct("<QQQ")  # req_id, result or statement id, action
_SQL = struct.Struct("<HI")  # version, length of the text
_REPLY = struct.Struct("<QQHQQII")  # marker, action, version, timing, req_id, code, length of the message

Buffer = bytes | bytearray | memoryview


def malformed(what: str) -> TDengineError:
    return TDengineError(0xFFFF, f"malformed message: {what}")


def take(buffer: Buffer, at: int, length: int) -> memoryview:
    """Exactly `length` bytes of the buffer, from `at` on. Error: 0xFFFF where there are fewer."""
    if length < 0 or at < 0 or at + length > len(buffer):
        raise malformed("it ends too early")
    return memoryview(buffer)[at:at + length]


def parse_frame(message: bytes) -> tuple[int, int, int, memoryview]:
    """A binary request: its req_id, the id of a result or statement, the action, and what follows."""
    if len(message) < _FRAME.size:
        raise malformed("it has no header")
    return *_FRAME.unpack_from(message), memoryview(message)[_FRAME.size:]


def parse_sql(body: memoryview) -> str:
    """The text of a binary SQL request."""
    try:
        _, length = _SQL.unpack_from(body)
        return str(take(body, _SQL.size, length), "utf-8")
    except (struct.error, UnicodeDecodeError) as error:
        raise malformed(f"SQL: {error}") from error


def fetch_reply(req_id: int, result_id: int, timing: int, block: bytes | None,
                error: TDengineError | None = None) -> bytes:
    """The answer to a fetch: a block, or None at the end of the result, which an error may have ended.

    `timing` is in nanoseconds.
    """
    code, text = (error.code, error.message.encode()) if error else (0, b"")
    head = _REPLY.pack(2**64 - 1, FETCH, 1, timing, req_id, code, len(text)) + text
    if block is None:
        return head + struct.pack("<QB", result_id, 1)
    return b"".join((head, struct.pack("<QBI", result_id, 0, len(block)), block))


def block_reply(result_id: int, timing: int, block: bytes) -> bytes:
    """The answer to `fetch_block`, which clients use that saw a server older than 3.3.2.0."""
    return struct.pack("<QQ", timing, result_id) + block

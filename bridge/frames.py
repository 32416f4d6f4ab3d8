"""Messages between the server and a process that answers viewers, over a socket pair: viewer, kind and content."""

import asyncio
import struct

# A viewer comes or goes; it asks, is answered, is told that a view has changed, or, by text, what is being asked.
# ALIVE is a sign of life. FIT says how many windows of time fit the viewer's panel. ROWS is an Arrow IPC stream for the
# table. DONE says that the oldest frame that the process had not worked through is done.
OPEN, CLOSE, REQUEST, ANSWER, UPDATE, TEXT, ALIVE, FIT, ROWS, DONE = range(10)
HEADER = struct.Struct("<IBI")  # viewer, kind, bytes that follow


def frame(viewer: int, kind: int, message: bytes = b"") -> bytes:
    return HEADER.pack(viewer, kind, len(message)) + message


async def write(writer: asyncio.StreamWriter, viewer: int, kind: int, message: bytes = b"") -> None:
    """Waits while the other end does not read."""
    writer.write(frame(viewer, kind, message))
    await writer.drain()


async def read(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """(viewer, kind, message). Raises asyncio.IncompleteReadError at the end."""
    viewer, kind, length = HEADER.unpack(await reader.readexactly(HEADER.size))
    return viewer, kind, await reader.readexactly(length)

"""Messages between the server and the history's process, over a socket pair: for which viewer, of which kind, what."""

import asyncio
import struct

# A viewer comes or goes; it asks, is answered, is told that a view has changed, or, by text, what is being asked.
# ALIVE is a sign of life. FIT says how many windows of time fit the viewer's panel.
OPEN, CLOSE, REQUEST, ANSWER, UPDATE, TEXT, ALIVE, FIT = range(8)
HEADER = struct.Struct("<IBI")  # viewer, kind, bytes that follow


async def write(writer: asyncio.StreamWriter, viewer: int, kind: int, message: bytes = b"") -> None:
    """Waits while the other end does not read."""
    writer.write(HEADER.pack(viewer, kind, len(message)) + message)
    await writer.drain()


async def read(reader: asyncio.StreamReader) -> tuple[int, int, bytes]:
    """(viewer, kind, message). Raises asyncio.IncompleteReadError at the end."""
    viewer, kind, length = HEADER.unpack(await reader.readexactly(HEADER.size))
    return viewer, kind, await reader.readexactly(length)

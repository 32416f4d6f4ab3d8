"""A TCP proxy that makes the troubles of networks and databases: `with Proxy(6041) as proxy, proxy.trouble("silent"):`.

No taosws of the test's own process may go through it: taosws holds the GIL, and the proxy is a thread of that process.
"""

import asyncio
import re
import threading
from contextlib import contextmanager

BINARY_FRAME = b"\x82"  # a WebSocket message in binary starts so: a query does, while the handshake is all in text


class Proxy:
    """Stands before a port, at a free one of this machine. Its modes, which also hold for connections that are there:

    forward: passes everything on, also what other modes have held back
    silent:  accepts, and never answers
    hang:    answers the handshake, then nothing more from the first query on
    cut:     ends every connection, and each new one at once
    """

    def __init__(self, port: int, host: str = "127.0.0.1", delay_s: float = 0):
        self.target, self.delay_s = (host, port), delay_s  # a round trip takes twice the delay
        self.accepted = 0  # connections so far
        self.loop = asyncio.new_event_loop()
        self.cut = asyncio.Event()
        self.mode = "forward"
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    @property
    def mode(self) -> str:
        return self._mode

    @mode.setter
    def mode(self, mode: str):
        self._mode = mode
        self.loop.call_soon_threadsafe(self.cut.set if mode == "cut" else self.cut.clear)

    @classmethod
    def before(cls, dsn: str, delay_s: float = 0) -> "Proxy":
        """A proxy before the TDengine that this DSN names."""
        host, port = re.search(r"@([^:/]+):(\d+)", dsn).groups()
        return cls(int(port), host, delay_s)

    def through(self, dsn: str) -> str:
        """The same DSN, by way of the proxy."""
        return re.sub(r"@[^/]+", f"@127.0.0.1:{self.port}", dsn)

    def __enter__(self):
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.connection, "127.0.0.1", 0), self.loop).result(10)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        self.mode = "cut"
        asyncio.run_coroutine_threadsafe(self.close(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    @contextmanager
    def trouble(self, mode: str):
        """Another mode for a while."""
        self.mode = mode
        try:
            yield
        finally:
            self.mode = "forward"

    async def close(self):
        self.server.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    async def connection(self, reader, writer):
        """One connection, from accept to end."""
        self.accepted += 1
        others = []
        try:
            if self.mode != "cut":
                from_target, to_target = others = await asyncio.open_connection(*self.target)
                ways = [asyncio.create_task(way) for way in (
                    self.relay(reader, to_target, True), self.relay(from_target, writer, False), self.cut.wait())]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
        except OSError:
            pass  # nobody listens at the target: refused here, too
        for end in (writer, *others[1:]):
            end.transport.abort()

    async def relay(self, reader, writer, to_target: bool):
        try:
            while chunk := await reader.read(2**16):
                while self.mode == "silent" or self.mode == "hang" and to_target and chunk.startswith(BINARY_FRAME):
                    await asyncio.sleep(0.02)
                if self.delay_s:
                    self.loop.call_later(self.delay_s, writer.write, chunk)
                    continue
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass  # the other end is gone

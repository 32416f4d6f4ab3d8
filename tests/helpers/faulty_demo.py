"""The demo between two proxies, whose parts can be killed, for tests of what the page shows of faults."""

import signal
from contextlib import contextmanager

import taosws

from tests.helpers.browser import first_panels
from tests.helpers.programs import Server, copy_of_the_demo, edit, free_port, producer
from tests.helpers.proxy import Proxy

LIMIT = 500
FAST = ("--tdengine-timeout-s=1",)


class Demo:
    """A producer, and a server whose page has few panels: a grid, and a chart where there are two.

    A proxy stands before the database, and another before the server, for the page.
    """

    def __init__(self, folder, dsn: str, panels: int):
        self.folder, self.tree, self.panels = folder, copy_of_the_demo(folder), panels
        edit(self.tree / "prsp-viewer.html", first_panels(panels))
        self.dsn = f"{dsn}/faults_{free_port()}"
        self.database, self.front = Proxy.before(dsn), Proxy(free_port())

    def __enter__(self):
        self.database.__enter__()
        self.front.__enter__()
        self.port = self.front.port
        self.produce()
        self.serve()
        return self

    def __exit__(self, *_):
        self.front.__exit__()
        self.server.end()
        self.producer.end()
        self.database.__exit__()

    def proxied(self) -> str:
        return self.database.through(self.dsn)

    def produce(self):
        self.producer = producer(self.folder, self.proxied(), *FAST, "--rows-per-interval=50", "--interval-ms=1000")

    def serve(self):
        _, port = self.front.target
        self.server = Server(self.folder, self.proxied(), *FAST, "--interval-ms=500", f"--table-limit={LIMIT}",
                             f"--perspective-port={port}", cwd=self.tree)
        self.server.port = port
        self.server.__enter__()

    @contextmanager
    def without_producer(self):
        """Kills it; starts it again afterwards."""
        kill(self.producer)
        try:
            yield
        finally:
            self.produce()

    @contextmanager
    def without_server(self):
        """Kills it; starts it again afterwards, at the same port."""
        kill(self.server)
        try:
            yield
        finally:
            self.serve()

    @contextmanager
    def quiet(self):
        """No new rows for a while; a connection to the database."""
        self.producer.process.send_signal(signal.SIGSTOP)
        try:
            yield taosws.connect(self.dsn)
        finally:
            self.producer.process.send_signal(signal.SIGCONT)


def kill(program) -> None:
    program.process.kill()
    program.process.wait()

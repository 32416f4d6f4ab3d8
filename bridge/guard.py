"""What holds for every address of the server: it answers to its own names only, and its pages keep to themselves."""

import asyncio
import base64
import hashlib
import ipaddress
import os
import re
from collections.abc import Awaitable
from pathlib import Path

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, HTTPServerRequest
from tornado.web import Application, HTTPError, OutputTransform, RequestHandler, StaticFileHandler

from bridge.settings import names, options

# Perspective needs blobs, workers and WebAssembly. Tools that look at the page evaluate text, as Playwright does. The
# page does not, and a script that is put into it does not run.
POLICY = ("default-src 'none'; script-src 'self' blob: 'unsafe-eval' 'unsafe-hashes' {scripts}; "
          "worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
          "font-src 'self' data:; connect-src * data: blob:; "  # CONFIG.server may be anywhere
          "base-uri 'none'; form-action 'none'; ")


class GuardedApplication(Application):
    """An application that refuses hosts which it does not know by 403, and adds headers to all that it answers."""

    def __init__(self, *args: object, **settings: object) -> None:
        super().__init__(*args, **settings)
        self.add_transform(GuardingHeaders)

    def find_handler(self, request: HTTPServerRequest, **kwargs: object) -> HTTPMessageDelegate:
        if known_host(request):
            return super().find_handler(request, **kwargs)
        return self.get_handler_delegate(request, UnknownHostHandler)


class UnknownHostHandler(RequestHandler):
    """A page of another site may let its name lead to this machine (DNS rebinding): it gets 403."""

    def prepare(self) -> None:
        raise HTTPError(403, reason="this host is unknown here: name it in ALLOWED_HOSTS (--allowed-hosts)")


class GuardingHeaders(OutputTransform):
    """The address of the page may have a token in it: no other site learns it, or shows the page in a frame."""

    def __init__(self, request: HTTPServerRequest) -> None:
        pass

    def transform_first_chunk(self, status_code: int, headers: HTTPHeaders, chunk: bytes,
                              finishing: bool) -> tuple[int, HTTPHeaders, bytes]:
        headers["Referrer-Policy"] = "no-referrer"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Content-Security-Policy"] = (headers.get("Content-Security-Policy", "")
                                              + f"frame-ancestors {options.frame_ancestors}")
        return status_code, headers, chunk


class PageHandler(RequestHandler):
    """The page as it is on the disk now. Of the scripts in it only those that stand there may run."""

    def initialize(self, page: Path) -> None:
        self.page = page

    def get(self) -> None:
        page = self.page.read_bytes()
        text = page.replace(b"\r\n", b"\n")
        scripts = re.findall(rb"<script[^>]*>(.+?)</script>", text, re.S) + re.findall(rb'\son\w+="([^"]*)"', text)
        hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
        self.set_header("Content-Security-Policy", POLICY.format(scripts=" ".join(f"'sha256-{h}'" for h in hashes)))
        self.set_header("Cache-Control", "no-cache")
        self.finish(page)

    head = get


class AssetHandler(StaticFileHandler):
    """A file of a folder."""

    def compute_etag(self) -> str:
        """Of the file as it is now: people edit it. Tornado would keep that of the first time."""
        found = os.stat(self.absolute_path)
        return f'"{found.st_mtime_ns}-{found.st_size}"'

    def flush(self, include_footers: bool = False) -> Awaitable[None]:
        """Tornado would go on until nothing more can be sent: with 300 of them, others would wait for a second."""
        return super().flush(True) if include_footers else self.flush_in_turn()

    async def flush_in_turn(self) -> None:
        await super().flush()
        await asyncio.sleep(0)  # a gather() of both would keep the file open until the garbage is collected

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if "\0" in absolute_path:
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)


def known_host(request: HTTPServerRequest) -> bool:
    """Whether the Host header names this machine, the address that it is reached at, or one of ALLOWED_HOSTS."""
    name = request.host_name.strip("[]")
    if name in ("localhost", options.perspective_host.lower(), *names(options.allowed_hosts.lower())):
        return True
    try:
        address = ipaddress.ip_address(name)
        reached = ipaddress.ip_address(request.connection.stream.socket.getsockname()[0])
    except ValueError:
        return False
    return address.is_loopback or address == (getattr(reached, "ipv4_mapped", None) or reached)

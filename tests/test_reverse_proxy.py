"""The demo behind a real nginx, with the configuration of examples/reverse_proxy/, in Chromium."""

import os
import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.helpers.browser import live, served_page
from tests.helpers.databases import ROOT
from tests.helpers.guests import NO_VALUE, ask
from tests.helpers.live_rows import shown
from tests.helpers.programs import Program, free_port, listens
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for

EXAMPLE = (ROOT / "examples" / "reverse_proxy" / "nginx.conf").read_text()
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
AROUND = f"""
{"user root;" if os.geteuid() == 0 else ""}
daemon off;
pid nginx.pid;
events {{}}
http {{
    client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
    include example.conf;
}}
"""
CERTIFICATE = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
               "-keyout", "key.pem", "-out", "certificate.pem")
TOKEN = "sesame"
HOSTS = ("--allowed-hosts=demo.example.com",)


class Nginx(Program):
    """An nginx of the test's own, in a folder of its own, before the server at this port."""

    def __init__(self, folder, server: int):
        self.ports = {"http": free_port(), "https": free_port()}
        subprocess.run(CERTIFICATE, cwd=folder, check=True, capture_output=True)
        example = EXAMPLE
        for theirs, ours in (("listen 80;", f"listen 127.0.0.1:{self.ports['http']};"),
                             ("listen 443 ssl;", f"listen 127.0.0.1:{self.ports['https']} ssl;"),
                             ("/etc/nginx/tls", str(folder)), ("127.0.0.1:8085", f"127.0.0.1:{server}")):
            assert theirs in example
            example = example.replace(theirs, ours)
        (folder / "example.conf").write_text(example)
        (folder / "nginx.conf").write_text(AROUND)
        super().__init__(folder / "nginx.log", NGINX, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr")

    def __enter__(self):
        wait_for(lambda: all(map(listens, self.ports.values())), what="nginx")
        return self

    def address(self, scheme: str, path: str) -> str:
        return f"{scheme}://localhost:{self.ports[scheme]}{path}"


@pytest.fixture(scope="module")
def nginx(tmp_path_factory, dsn):
    folder = tmp_path_factory.mktemp("proxy")
    with served_page(folder, dsn, f"--perspective-token={TOKEN}", *HOSTS, panels=1) as server, \
            Nginx(folder, server.port) as nginx:
        yield nginx


@pytest.fixture(scope="module")
def tab(browser):
    """A tab that takes the test's own certificate, and keeps the `errors` of pages, and what they ask for."""
    page = browser.new_page(ignore_https_errors=True, bypass_csp=True, viewport={"width": 600, "height": 400})
    page.errors, page.asked = [], []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    page.close()


@pytest.fixture
def page(tab):
    """That tab, for one test."""
    for kept in (tab.errors, tab.asked):
        kept.clear()
    yield tab
    tab.goto("about:blank")


@pytest.mark.parametrize("scheme, path", (("http", "/"), ("https", "/demo/")))
def test_the_page_is_live(nginx, page, scheme, path):
    page.goto(nginx.address(scheme, f"{path}?token={TOKEN}"))
    assert page.url == nginx.address(scheme, f"{path}prsp-viewer.html?token={TOKEN}")
    live(page, 1)
    assert page.inner_text("#problem") == ""
    assert not page.errors
    assert not [url for url in page.asked if not url.startswith((nginx.address(scheme, path), "data:", "blob:"))]


def test_a_path_without_its_last_slash_leads_to_the_page(nginx):
    with urllib.request.urlopen(nginx.address("http", f"/demo?token={TOKEN}")) as reply:
        assert reply.url == nginx.address("http", f"/demo/prsp-viewer.html?token={TOKEN}")


@pytest.mark.parametrize("host, status", (("demo.example.com", 200), ("other.example.com", 403)))
def test_the_host_that_people_see_is_named_to_the_server(nginx, host, status):
    request = urllib.request.Request(nginx.address("http", f"/demo/status?token={TOKEN}"), headers={"Host": host})
    try:
        with urllib.request.urlopen(request) as reply:
            assert reply.status == status
    except urllib.error.HTTPError as error:
        assert error.code == status and b"ALLOWED_HOSTS" in error.read()


def test_panels_may_query_the_server(nginx):
    class ViewerBehindProxy(Viewer):
        PATH = "/demo/websocket"

    port = nginx.ports["http"]
    with ViewerBehindProxy(port, f"token={TOKEN}", Origin=f"http://127.0.0.1:{port}") as viewer:
        rows = shown(viewer)
        wait_for(lambda: shown(viewer) != rows, what="other rows")


def test_the_token_is_in_no_log(nginx):
    urllib.request.urlopen(nginx.address("http", f"/demo/status?token={TOKEN}")).close()
    assert TOKEN not in nginx.text()
    assert not [path for path in (nginx.log.parent / "logs").glob("*") if TOKEN in path.read_text()]


def test_a_guest_cannot_choose_who_is_blamed(nginx):
    """Three strikes are those of the address that nginx sees, whatever it gives. The last test: it is locked out."""
    for number in range(3):
        assert "ended the engine" in ask(nginx.ports["http"], NO_VALUE, f"token={TOKEN}",
                                         **{"X-Forwarded-For": f"192.0.2.{number}"})
    with pytest.raises(Exception, match="503"):
        Viewer(nginx.ports["http"], f"token={TOKEN}", **{"X-Forwarded-For": "192.0.2.9"}).__enter__()

"""What the README and docs/ say is so: files, options, ports, messages, excerpts, and the example of own rows."""

import re
import subprocess
import sys

import pytest

from tests.helpers.browser import VALUES, own_origin_page
from tests.helpers.databases import ROOT
from tests.helpers.programs import Server, copy_of_the_demo
from tests.helpers.viewers import Viewer
from tests.helpers.waiting import wait_for

README, SETTINGS, FILES, PROXY = ((ROOT / file).read_text() for file in (
    "README.md", "docs/settings.md", "docs/files.md", "docs/reverse-proxy.md"))
PAGES = [path for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")) if path.name != "benchmarks.md"]
TEXT = "".join(page.read_text() for page in PAGES)
PROGRAMS = "producer", "perspective_server", "embedded", "bridge.trend.process"
HELP = """
import contextlib, runpy, sys
sys.argv[1:] = ["--help"]
for program in %r:
    with contextlib.suppress(SystemExit):
        runpy.run_module(program, run_name="__main__", alter_sys=True)
"""
SUFFIXES = ("py", "sh", "html", "js", "yaml", "conf", "txt")


@pytest.fixture(scope="module")
def help():
    """What the programs' --help says, in one line."""
    run = subprocess.run([sys.executable, "-c", HELP % (PROGRAMS,)], cwd=ROOT, capture_output=True, text=True)
    return " ".join(run.stdout.split()).replace("- ", "-")


def block(language: str, text: str = README) -> str:
    """The one block of code in this language."""
    found, = re.findall(rf"```{language}\n(.*?)```", text, re.S)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_exist(page):
    text = page.read_text()
    links = [page.parent / link for link in re.findall(r"\]\((?!http)([^)#]+)", text)]
    named = [ROOT / file for file in re.findall(rf"`(?:(?:sh|python) )?([\w./-]+\.(?:{'|'.join(SUFFIXES)}))\b", text)]
    assert not [str(file) for file in (*links, *named) if not file.exists()]


def test_each_file_has_its_line():
    named = set(re.findall(r"^\| `([^`]+)` \|", FILES, re.M))
    assert not [file for file in named if not (ROOT / file).exists()]
    rooms = [path for room in ("bridge", "examples", "docs", "tools") for path in (ROOT / room).rglob("*.*")]
    rooms += [path for path in (ROOT / "embedded").iterdir() if path.is_dir() and path.name != "__pycache__"]
    files = {str(path.relative_to(ROOT)) + "/" * path.is_dir() for path in (*ROOT.glob("*.*"), *rooms)
             if path.suffix[1:] in (*SUFFIXES, "md") or path.is_dir()}
    unnamed = {"README.md", "requirements.txt", "bridge/__init__.py", "bridge/history/__init__.py",
               "bridge/trend/__init__.py", "tools/audit-requirements.txt"}
    assert {file for file in files if not file.startswith(".")} - named == unnamed


def test_names_in_the_code_exist():
    """In the lines that say where something new goes: a name, then the file that it is in."""
    lines = re.findall(r"`(\w+)`(?: or `(\w+)`)? (?:in|of) `([\w/.-]+)`", FILES)
    assert len(lines) >= 7
    for *names, file in lines:
        code = (ROOT / file).read_text()
        for name in filter(None, names):
            assert re.search(rf"(def|class|function) {name}\b|^{name} = |\b{name}:", code, re.M), name
    assert re.search(r"^    sheets: {", (ROOT / "prsp-viewer.html").read_text(), re.M)


def test_options_exist_and_have_these_defaults(help):
    rows = re.findall(r"^\| `(\w+)` \| `(--[\w-]+)` \| `([^`]+)` \|", SETTINGS, re.M)
    for variable, option, default in rows:
        assert option == f"--{variable.lower().replace('_', '-')}"
        assert option in help
        assert f"[{variable}, default {default}]" in help
    assert {variable for variable, *_ in rows} == set(re.findall(r"\[([A-Z_]+), default", help)) - {"COUNT"}
    for option in set(re.findall(r"`(--[\w-]+)`", TEXT)) - {"--help"}:
        assert option in help, option


def test_variables_of_run_sh():
    run = (ROOT / "run.sh").read_text()
    rows = re.findall(r"^\| `(\w+)` \| \| `([^`]+)` \|", SETTINGS, re.M)
    for variable, default in rows:
        assert f"${{{variable}:-{default}}}" in run, variable
    for variable in re.findall(r"\$\{([A-Z_]+):-", run):
        assert f"| `{variable}` |" in SETTINGS, variable


def test_ports():
    page = (ROOT / "prsp-viewer.html").read_text()
    assert '"8081"' in page and ":8085" in page
    assert '"8086"' in (ROOT / "examples" / "minimal.py").read_text()
    assert "6041:6041" in (ROOT / "tools" / "compose.yaml").read_text()
    ports = set(re.findall(r"^\| (\d+) \|", SETTINGS, re.M))
    assert ports == {"6041", "8081", "8085", "8086"}
    assert set(re.findall(r"localhost:(\d+)", TEXT)) <= ports


def test_messages_are_the_programs_own():
    code = "".join(path.read_text() for path in (*ROOT.glob("*.py"), *(ROOT / "bridge").glob("*.py"),
                                                 *ROOT.glob("prsp-*")))
    messages = re.findall(r"^- \*\*\"([^\"]+)\"\*\*", README, re.M)
    assert len(messages) >= 6
    for words in messages:
        for part in re.split(r": |\d+ ?s?", words):
            assert part.strip() in code, part


def test_versions_are_the_pinned_ones():
    pinned = dict(re.findall(r"^([\w-]+)\S*==([\d.]+)", (ROOT / "requirements.txt").read_text(), re.M))
    for name, package in (("Perspective", "perspective-python"), ("Tornado", "tornado"), ("pyarrow", "pyarrow")):
        said, = re.findall(rf"\b{name} (\d[\d.]*\d)\b", README)
        assert f"{pinned[package]}.".startswith(f"{said}."), name


def test_the_proxy_is_the_example():
    assert block("nginx", PROXY) in (ROOT / "examples" / "reverse_proxy" / "nginx.conf").read_text()


def replace(path, pattern: str, new: str) -> None:
    text, count = re.subn(pattern, lambda _: new, path.read_text(), count=1, flags=re.S | re.M)
    assert count == 1
    path.write_text(text)


def test_own_rows(power_dsn, power, database, tmp_path, open_page):  # noqa: F811 (a fixture)
    """The README's example of own rows, step by step."""
    power.execute(f"DROP DATABASE {database}")
    for statement in block("sql").replace("air;", f"{database};").replace("air.", f"{database}.").splitlines():
        power.execute(statement.rstrip(";"))
    demo = copy_of_the_demo(tmp_path)
    new_table, new_columns = block("python").split("\n", 1)
    replace(demo / "meters.py", r"^SUPER_TABLE = [^\n]*", new_table)
    replace(demo / "meters.py", r"^COLUMNS = \(.*?^\)\n", new_columns)
    replace(demo / "prsp-viewer.html", r"(?<=^    sheets: {)[^\n]*\n.*?(?=^    },)", "\n" + block("js"))
    with Server(tmp_path, power_dsn, cwd=demo) as server, Viewer(server.port) as viewer:
        view = viewer.table().view()
        row, = view.to_records()
        assert (row["pm10"], row["pm25"], row["name"]) == (31, 12, "Łódź")
        assert row["calibrated"] == 1793520000000
        page = open_page(own_origin_page(server), 600, 400)
        page.locator("text=Łódź").first.wait_for()
        drawn, = [row for row in page.query_selector("perspective-viewer").evaluate(VALUES) if row["__ROW_PATH__"]]
        assert (drawn["pm10"], drawn["pm25"]) == (31, 12)
        power.execute(f"INSERT INTO {database}.station_1 VALUES (NOW, '2026-11-01T08:00:00Z', 4000000000, 13)")
        wait_for(lambda: {"pm10": 4000000000, "pm25": 13}.items()
                 <= page.query_selector("perspective-viewer").evaluate(VALUES)[-1].items(), what="the new row")
        assert page.inner_text("#problem") == ""

"""What the README says is so: its commands, ports, options, files and excerpts."""

import json
import re
import subprocess
import sys

import pytest

from tests.helpers.databases import ROOT

README = (ROOT / "README.md").read_text()
PROGRAMS = ("producer.py", "perspective_server.py")


@pytest.fixture(scope="module")
def help():
    """What the programs' --help says, in one line."""
    runs = [subprocess.run([sys.executable, *program], cwd=ROOT, capture_output=True, text=True)
            for program in ([*PROGRAMS[:1], "--help"], [*PROGRAMS[1:], "--help"], ["-m", "embedded", "--help"])]
    return " ".join(" ".join((run.stdout + run.stderr).split()) for run in runs)


def test_files_exist():
    for file in re.findall(r"[`(]((?:[\w-]+/)?[\w-]+\.(?:py|sh|html|md|png|yaml))", README):
        assert (ROOT / file).exists(), file
    for program in re.findall(r"(?:sh|python) ([\w-]+\.(?:py|sh))", README):
        assert (ROOT / program).exists(), program


def test_options_exist_and_have_these_defaults(help):
    rows = re.findall(r"^\| `(\w+)` \| `(--[\w-]+)` \| `([^`]+)` \|", README, re.M)
    assert len(rows) >= 10
    for variable, option, default in rows:
        assert option == f"--{variable.lower().replace('_', '-')}"
        assert option in help
        assert f"[{variable}, default {default}]" in help.replace("- ", "-")
    for option in set(re.findall(r"`(--[\w-]+)`", README)):
        assert option in help, option


def test_every_setting_is_in_the_readme(help):
    for variable in re.findall(r"\[([A-Z_]+), default", help):
        assert f"`{variable}`" in README or variable == "COUNT", variable


def test_variables_of_run_sh():
    run = (ROOT / "run.sh").read_text()
    for variable, default in re.findall(r"^\| `(\w+)` \| \| `([^`]+)` \|", README, re.M):
        assert f"${{{variable}:-{default}}}" in run


def test_excerpts_are_in_the_code():
    code = "".join((ROOT / file).read_text() for file in ("producer.py", "poller.py", "hosted_table.py"))
    excerpts = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(excerpts) == 3
    for excerpt in excerpts:
        assert excerpt in code


def test_ports():
    page = (ROOT / "prsp-viewer.html").read_text()
    assert '"8081"' in page and ":8085" in page
    assert set(re.findall(r"localhost:(\d+)", README)) == {"6041", "8081", "8085"}
    assert "6041:6041" in (ROOT / "compose.yaml").read_text()


def test_messages_are_the_programs_own():
    code = "".join(path.read_text() for path in (*ROOT.glob("*.py"), ROOT / "prsp-viewer.html"))
    for words in re.findall(r"^- \*\*\"([^\"]+)\"\*\*", README, re.M):
        for part in re.split(r": |\d+", words):
            assert part.strip() in code, part


def test_figures_are_those_of_the_last_run():
    sys.path.append(str(ROOT / "benchmarks"))
    from measure import table
    assert table(json.loads((ROOT / "benchmarks" / "results.json").read_text())["figures"]) in README

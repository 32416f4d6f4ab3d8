"""The benchmarks' page shows the last full run and names every program; a short benchmark runs to its end."""

import importlib
import json
import os
import re
import subprocess
import sys

import pytest

from benchmarks.measure import table
from benchmarks.run import BENCHMARKS, PAGE, RESULTS, main, write_table
from tests.helpers.databases import ROOT

PROGRAMS = sorted(path.name for path in (ROOT / "benchmarks").glob("*.py"))


def test_the_table_is_the_last_full_run():
    assert table(json.loads(RESULTS.read_text())["figures"]) in PAGE.read_text()


def test_a_full_run_replaces_the_table(tmp_path, monkeypatch):
    copy = tmp_path / "benchmarks.md"
    copy.write_text(before := PAGE.read_text())
    monkeypatch.setattr("benchmarks.run.PAGE", copy)
    write_table(json.loads(RESULTS.read_text())["figures"])
    assert copy.read_text() == before
    write_table([])
    assert len(before) - len(copy.read_text()) > 1000 and "## The programs" in copy.read_text()


def test_the_page_names_every_program():
    assert sorted(set(re.findall(r"`benchmarks/(\w+\.py)`", PAGE.read_text()))) == PROGRAMS


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_full_run_finds_them(name):
    assert callable(importlib.import_module(f"benchmarks.{name}").figures)


def test_an_unknown_name_is_refused():
    with pytest.raises(SystemExit, match="no benchmark nothing: there are loop_time, "):
        main(["nothing"])


def test_a_fleet_gets_each_row_once(dsn):
    """The benchmark itself, where ten meters write for a few seconds."""
    run = subprocess.run([sys.executable, "-c", "import benchmarks.fleet as fleet; fleet.SECONDS = 3; "
                          "fleet.show(fleet.figures((10,)))"], cwd=ROOT, capture_output=True, text=True,
                         env=os.environ | {"TDENGINE_DSN": dsn})
    assert run.returncode == 0, run.stderr
    assert "| 10 meters, a row each second: different rows at a viewer, rows | 40 |  | written | 40 |" in run.stdout
    assert "all, each once: met" in run.stdout

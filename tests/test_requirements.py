"""Every package in the virtual environment is pinned exactly, what the others bring along too."""

import re
from importlib.metadata import distributions

from tests.helpers.databases import ROOT

FILES = ("requirements.txt", "embedded/requirements.txt", "bridge/trend/requirements.txt", "tests/requirements.txt")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(file: str) -> dict[str, str]:
    lines = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith(("#", "-r"))]
    return {normal(re.sub(r"\[.*\]", "", name)): version for name, version in (line.split("==") for line in lines)}


def test_what_is_installed_is_what_is_pinned():
    pins = {name: version for file in FILES for name, version in pinned(file).items()}
    installed = {normal(d.metadata["Name"]): d.version for d in distributions()}
    assert installed.keys() - pins.keys() <= {"pip", "setuptools", "wheel"}
    assert {name: installed.get(name) for name in pins} == pins


def test_audit_is_pinned_too():
    assert "pip-audit" in pinned("tools/audit-requirements.txt")

"""tdengine.py: where the DSN points, and that its password stays where it is."""

import subprocess
import sys

import pytest
import taosws

from bridge import tdengine
from bridge.settings import options
from tests.helpers.databases import ROOT


@pytest.fixture
def set_dsn(monkeypatch):
    return lambda dsn: monkeypatch.setattr(options, "tdengine_dsn", dsn, raising=False)


@pytest.mark.parametrize("dsn, shown", {
    "taosws://root:taosdata@localhost:6041": "taosws://root:***@localhost:6041",
    "taosws+wss://me:pa%2Fss:word@db.example:6041/plant?token=t0ken": "taosws+wss://me:***@db.example:6041/plant",
    "taosws://localhost:6041": "taosws://localhost:6041",
    "ws://root:x@one:6041,two:6041/power": "ws://root:***@one:6041,two:6041/power",
}.items())
def test_masked_dsn(set_dsn, dsn, shown):
    set_dsn(dsn)
    assert tdengine.masked_dsn() == shown


def test_errors_do_not_show_the_password(set_dsn):
    set_dsn("taosws://root:s3cret@localhost:6041")
    error = Exception("cannot connect to\ntaosws://root:s3cret@localhost:6041/power")
    assert tdengine.one_line(error) == "cannot connect to taosws://root:***@localhost:6041/power"


@pytest.mark.parametrize("dsn, warned", {
    "taosws://root:taosdata@localhost:6041": False,
    "taosws://root:taosdata@127.0.0.1:6041,[::1]:6041": False,
    "taosws://root:0ther@db.example:6041": False,
    "taosws://root:taosdata@db.example:6041": True,
    "taosws://root:taosdata@localhost:6041,db.example:6041/power": True,
    "taosws://db.example:6041": True,  # taosws takes the default user and password
}.items())
def test_default_password_off_loopback(set_dsn, dsn, warned):
    set_dsn(dsn)
    assert ("default password" in tdengine.warning()) == warned


@pytest.mark.parametrize("program, dsn", (
    (("-m", "bridge.tdengine"), "s3cret"),
    (("-m", "bridge.tdengine"), "taosws://root:s3/cret@localhost:6041"),
    (("-m", "bridge.tdengine"), "taosws://root:s3cret@localhost:6041/po-wer"),
    (("producer.py",), "taosws://root:s3/cret@localhost:6041"),
    (("perspective_server.py",), "taosws://root:s3cret@localhost:6041/po-wer"),
))
def test_a_dsn_that_is_none_is_refused_and_not_shown(program, dsn):
    run = subprocess.run([sys.executable, *program], cwd=ROOT, capture_output=True, text=True, timeout=20,
                         env={"TDENGINE_DSN": dsn})
    assert run.returncode == 2
    assert "(TDENGINE_DSN) says where taosAdapter answers: taosws://user:password@host:port" in run.stderr
    assert len(run.stderr.splitlines()) == 1 and "s3" not in run.stderr


def test_a_database_that_was_dropped_meanwhile(set_dsn, connection, power, power_dsn, database):
    """The database says so itself: producer and poller wait then, as for any database that is not there yet."""
    set_dsn(power_dsn)
    connection.execute(f"DROP DATABASE {database}")
    with pytest.raises(taosws.Error, match="(?i)database"):
        tdengine.check_table(power)

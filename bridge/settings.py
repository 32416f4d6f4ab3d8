"""Every setting of the demo's programs: each is an environment variable and an option of the same name.

`INTERVAL_MS=100 python producer.py` and `python producer.py --interval-ms=100` say the same.
A new setting is a line of SETTINGS. A program names the groups that it takes: `parse(__doc__, "database", "pace")`.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

# What TDENGINE_DSN may look like. The database server's default password is public knowledge.
DSN = (r"(?P<scheme>[\w+]+)://((?P<user>[^:@/?]*)(:(?P<password>[^@/?]*))?@)?(?P<hosts>[^@/?]+)"
       r"(/(?P<database>\w*))?(\?(?P<parameters>.*))?")


@dataclass(frozen=True)
class Setting:
    """A setting: `least` is its smallest number, `form` the regular expression of a text that is right."""

    name: str
    default: int | str
    help: str
    least: int = 0
    form: str = ""

    @property
    def variable(self) -> str:
        return self.name.upper()

    @property
    def option(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    def value(self, text: str) -> int | str:
        """The text as a value. Raises argparse.ArgumentTypeError, which says what to give instead."""
        if isinstance(self.default, str):
            if self.form and not re.fullmatch(self.form, text):  # the text may hold a password: it is not repeated
                raise argparse.ArgumentTypeError(f"({self.variable}) says {self.help}")
            return text
        if not text.isdecimal() or int(text) < self.least:
            raise argparse.ArgumentTypeError(
                f"({self.variable}) takes a whole number from {self.least} on, not {text!r}")
        return int(text)


SETTINGS = {
    "database": (
        Setting("tdengine_dsn", "taosws://root:taosdata@localhost:6041",
                "where taosAdapter answers: taosws://user:password@host:port, with / ? @ in the password as "
                "%2F %3F %40; /name at its end chooses another database than power", form=DSN),
        Setting("tdengine_timeout_s", 3, "seconds that TDengine may take to connect, and to answer a question",
                least=1),
    ),
    "pace": (
        Setting("interval_ms", 300, "milliseconds from one tick to the next", least=1),
    ),
    "producer": (
        Setting("rows_per_interval", 300, "rows of one tick, of all meters together", least=1),
        Setting("meters", 10, "how many meters write rows, each into a subtable of its own", least=1),
        Setting("keep_s", 300, "seconds of rows that are kept while the database is away; older ones are dropped",
                least=1),
        Setting("cycle_s", 120, "seconds of the cycle that the rows follow; 86400 is a day", least=1),
        Setting("seed", 1, "the rows of a time are the same for the same seed"),
        Setting("backfill", "", "how far back rows of the past are written, too: a number and s, m, h or d, such as 7d",
                form=r"([1-9]\d{0,5}[smhd])?"),
        Setting("backfill_every_s", 1, "seconds from one row of the past to the next, of each meter", least=1),
        Setting("count", 0, "ticks to write before the producer stops; 0: it goes on until it is told to stop"),
    ),
    "poller": (
        Setting("table_limit", 10_000, "rows in the viewers' table: the newest", least=1),
        Setting("overlap_ms", 2000, "how late a row may be written and still be seen at once, in milliseconds"),
    ),
    "history": (
        Setting("history_every_s", 5, "seconds after which panels of all rows are drawn anew", least=1),
        Setting("history_questions", 4, "questions of such panels that the database gets at once", least=1),
        Setting("history_timeout_s", 60, "seconds that the database may take for one of them", least=1),
    ),
    "engine": (
        Setting("question_s", 5, "seconds that a viewer's question may keep Perspective's engine", least=1),
        Setting("engine_memory_mb", 2048, "MB that Perspective's engine may take for the viewers' questions",
                least=256),
    ),
    "server": (
        Setting("perspective_host", "127.0.0.1", "the address to listen at"),
        Setting("perspective_port", 8085, "the port to listen at", least=1),
        Setting("allowed_origins", "http://localhost:8081,http://127.0.0.1:8081",
                "pages of these origins may connect, beside the server's own; separated by commas"),
        Setting("allowed_hosts", "",
                "names by which the server may be reached, beside localhost, loopback addresses and its own; "
                "separated by commas"),
        Setting("frame_ancestors", "'self'",
                "pages that may show this one in a frame, as a Content-Security-Policy names them",
                form=r"[^;,\x00-\x1f]+"),
        Setting("perspective_token", "",
                "what viewers must give as ?token=...; needed to listen at other than a loopback address"),
        Setting("max_viewers", 500, "viewers that may be connected at a time", least=1),
        Setting("idle_s", 20, "seconds after which a viewer is dropped that does not answer a ping, or does not read",
                least=1),
    ),
    "trend": (
        Setting("trend_by", "theta", "who forecasts: theta, statsmodels, or tdengine where it has an analysis node",
                form="theta|statsmodels|tdengine"),
        Setting("trend_column", "", "the column that is forecast, in place of the first one of floats"),
        Setting("trend_tag", "", "the tag that tells the series apart, in place of the first one of text"),
        Setting("trend_timeout_s", 60, "seconds that the database may take for a question of the trend", least=1),
    ),
}
options = argparse.Namespace()  # the values; `parse` fills it


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Ends the program with one line that says what to do."""
        self.exit(2, f"{self.prog}: {message}; see --help\n")


def parse(description: str, *groups: str, arguments: Sequence[str] | None = None) -> None:
    """Reads the environment and the arguments (by default the command line's) into `options`.

    An argument that is wrong ends the program with exit status 2 and one line that says what is right.
    """
    parser = Parser(description=description.strip().partition("\n")[0], allow_abbrev=False)
    for setting in (setting for group in groups for setting in SETTINGS[group]):
        says = f"{setting.help} [{setting.variable}, default {setting.default or 'none'}]"
        parser.add_argument(setting.option, type=setting.value, help=says.replace("%", "%%"),
                            default=os.environ.get(setting.variable) or str(setting.default),
                            metavar="TEXT" if isinstance(setting.default, str) else "N")
    parser.parse_args(sys.argv[1:] if arguments is None else arguments, namespace=options)


def names(text: str) -> list[str]:
    """The names of a list, between which there are commas or spaces."""
    return re.split(r"[,\s]+", text)


def milliseconds(duration: str) -> int:
    """A number and s, m, h or d, in milliseconds; "" is 0."""
    units = {"s": 1000, "m": 60_000, "h": 3600_000, "d": 86_400_000}
    return int(duration[:-1]) * units[duration[-1]] if duration else 0


def environment() -> dict[str, str]:
    """The environment of a program that this one starts: the settings in force are in it.

    NumPy gets one thread: by itself it starts one for each processor, which takes time, and nothing here needs them.
    """
    return os.environ | {name.upper(): str(value) for name, value in vars(options).items()} | {
        "OPENBLAS_NUM_THREADS": "1"}

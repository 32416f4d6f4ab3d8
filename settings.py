"""Settings: each an environment variable and an option of the same name.

`INTERVAL_MS=100 python producer.py` and `python producer.py --interval-ms=100` say the same.
"""

import argparse
import os
import re


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        """Ends the program with one line that says what to do."""
        self.exit(2, f"{self.prog}: {message}; see --help\n")


parser = Parser(allow_abbrev=False)
options = argparse.Namespace()  # filled by parse()
names: list[str] = []


def setting(name: str, default: int | str, help: str, least: int | None = None, form: str = "") -> None:
    """Defines `options.name`: the option `--name`, else the environment variable NAME, else `default`, and of its type.

    `least` is the smallest number that does; `form` the regular expression of a text that does, which `help` explains.
    """
    variable = name.upper()

    def value(text: str):
        if isinstance(default, str):
            if form and not re.fullmatch(form, text):  # the text may hold a password: it is not repeated
                raise argparse.ArgumentTypeError(f"({variable}) says {help}")
            return text
        if not text.isdecimal() or int(text) < (least or 0):
            raise argparse.ArgumentTypeError(f"({variable}) takes a whole number from {least or 0} on, not {text!r}")
        return int(text)

    names.append(name)
    parser.add_argument(f"--{name.replace('_', '-')}", type=value, default=os.environ.get(variable) or str(default),
                        metavar="TEXT" if isinstance(default, str) else "N",
                        help=f"{help} [{variable}, default {default or 'none'}]".replace("%", "%%"))


def parse(description: str) -> None:
    """Reads the command line into `options`."""
    parser.description = description.strip().splitlines()[0]
    parser.parse_args(namespace=options)


def environment() -> dict[str, str]:
    """The settings in force as environment variables, for a program that this one starts."""
    return os.environ | {name.upper(): str(getattr(options, name)) for name in names}


setting("interval_ms", 300, "milliseconds from one tick to the next", least=1)

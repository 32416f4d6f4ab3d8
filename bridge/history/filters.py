"""A view's filters as conditions, and the range of time that they leave."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bridge.history import quoting
from bridge.history.quoting import Refused
from bridge.history.tables import Table

COMPARE = {"==": "=", "!=": "<>", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
LIKE = {"begins with": "{}%", "contains": "%{}%", "ends with": "%{}"}
NULL = ("is null", "is not null")
OPERATORS = {kind: [*COMPARE, *NULL] for kind in ("integer", "float", "datetime")} | {
    "string": [*COMPARE, *LIKE, "in", "not in", *NULL], "boolean": ["==", "!=", *NULL]}
BOUNDS = {  # what a condition on the rows' time leaves of it: [since, until) of its value
    ">": lambda t: (math.floor(t) + 1, None), ">=": lambda t: (math.ceil(t), None), "<": lambda t: (None, math.ceil(t)),
    "<=": lambda t: (None, math.floor(t) + 1), "==": lambda t: (math.ceil(t), math.floor(t) + 1)}


@dataclass(frozen=True)
class Where:
    """All `conditions` hold, and rows have a `time`, in SQL, in [`since`, `until`): epoch ms, None without bound."""

    time: str
    conditions: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None

    def within(self, since: int | None = None, until: int | None = None) -> "Where":
        """The same for the part of the range that is in [`since`, `until`)."""
        return replace(self, since=max((t for t in (since, self.since) if t is not None), default=None),
                       until=min((t for t in (until, self.until) if t is not None), default=None))

    def sql(self) -> str:
        """The WHERE, "" without any condition."""
        bounds = [f"{self.time} >= {self.since}"] * (self.since is not None)
        bounds += [f"{self.time} < {self.until}"] * (self.until is not None)
        return " WHERE " + " AND ".join([*bounds, *self.conditions]) if bounds or self.conditions else ""


def where(table: Table, filters: Iterable, operator: str | None) -> Where:
    """What a view's filters say: (column, operator, value) of each, all of which hold, or one where `operator` is or.

    A filter without a value is left out: somebody is typing it in.
    """
    filters = [(*f, None)[:3] for f in filters if f[1] in NULL or len(f) > 2 and f[2] is not None]
    found = Where(table.sql_of(table.time))
    if operator == "or":
        either = " OR ".join(condition(table, *each) for each in filters)
        return replace(found, conditions=(f"({either})",)) if filters else found
    for label, operator, value in filters:
        if label == table.time and operator in BOUNDS:
            since, until = BOUNDS[operator](milliseconds(value))
            found = found.within(since, until)
        else:
            found = replace(found, conditions=(*found.conditions, condition(table, label, operator, value)))
    return found


def condition(table: Table, label: str, operator: str, value: object) -> str:
    column, kind = table.sql_of(label), table.schema[label]
    if operator not in OPERATORS[kind]:
        raise Refused(f"no filter {operator!r} of a {kind} here: there are {', '.join(OPERATORS[kind])}")
    if operator in NULL:
        return f"{column} {operator.upper()}"
    if operator in ("in", "not in"):
        values = value if isinstance(value, list | tuple) else [value]
        found = f"{column} {operator.upper()} ({', '.join(literal(each, kind) for each in values)})"
        return f"({found} OR {column} IS NULL)" if operator == "not in" else found
    if operator in LIKE:
        return f"{column} LIKE {quoting.pattern(str(value), LIKE[operator])}"
    found = f"{column} {COMPARE[operator]} {literal(value, kind)}"
    return f"({found} OR {column} IS NULL)" if operator == "!=" else found  # Perspective: nothing is not this value


def milliseconds(value: object) -> float:
    """A time, as a viewer gives it, in epoch ms: a number already is; a text without a zone is UTC."""
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value.strip())
        except ValueError:
            raise Refused(f"{value!r} is no time: write it like 2026-11-24 19:40:00") from None
        value = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise Refused(f"{value!r} is no time")
    return value


def literal(value: object, kind: str) -> str:
    """A value to compare a column of this type with."""
    if kind == "datetime":
        return quoting.number(milliseconds(value))
    if kind == "string":
        return quoting.text(str(value))
    if kind == "boolean":
        return "TRUE" if value in (True, "true") else "FALSE"
    try:
        return quoting.number(float(value))
    except (TypeError, ValueError):
        raise Refused(f"{value!r} is no number") from None

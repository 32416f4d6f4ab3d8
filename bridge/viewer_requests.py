"""What viewers may ask: Perspective's requests that read, field by field, and the reasons to refuse one.

Perspective's engine trusts those who ask: some messages end the process, with all its viewers. So only what
is known to be well-formed passes. Source: perspective.proto of 5.6.1, and what its viewers were seen to send.
"""

import re
from dataclasses import dataclass

import meters

MAX_VIEWS = 100  # of one viewer
NUMBER, INTEGER, DOUBLE, TEXT, RAW = "number", "integer", "double", "text", "raw"  # a number counts something: below 2**31
WIRE_TYPES = {NUMBER: 0, INTEGER: 0, DOUBLE: 1, TEXT: 2, RAW: 2}  # protobuf's; messages have 2
LOOP = re.compile(r"\b(for|while)\s*[(/#]|\brepeat\b|\bvar\s*(\w+\s*)?[\[/#]", re.IGNORECASE)  # comments begin by / or #

# A message is the fields that it may have, by number: each a number, a double, a text or a message.
AGGREGATE = {1: TEXT, 2: {1: TEXT}}
FILTER = {1: TEXT, 2: TEXT, 3: {1: INTEGER, 4: DOUBLE, 6: TEXT, 7: INTEGER}}  # column, operator, values
VIEW = {1: TEXT, 2: TEXT, 3: {1: NUMBER, 2: {1: TEXT}}, 4: FILTER, 5: {1: TEXT, 2: NUMBER}, 6: {1: TEXT, 2: TEXT}, 7: AGGREGATE,
        **dict.fromkeys(range(8, 17), NUMBER)}  # group_by, split_by, columns, filter, sort, expressions, aggregates, ways to roll up
VIEWPORT = dict.fromkeys(range(1, 9), NUMBER)
ROWS = dict.fromkeys(range(2, 9), NUMBER) | {1: VIEWPORT}
MAKE_PORT, MAKE_VIEW, COLUMN_PATHS, DELETE_VIEW, COLLAPSE, EXPAND, SET_DEPTH, VALIDATE = 5, 6, 10, 11, 18, 19, 23, 41
REQUESTS = {
    3: {}, 4: {1: NUMBER}, MAKE_PORT: {}, MAKE_VIEW: {1: TEXT, 2: VIEW}, 7: {}, 8: {}, COLUMN_PATHS: {1: NUMBER, 2: NUMBER}, DELETE_VIEW: {},
    12: {}, 13: {}, 14: {}, 15: {}, 16: {1: VIEWPORT, 2: TEXT, 3: NUMBER, 4: NUMBER}, 17: {}, COLLAPSE: {1: NUMBER},
    EXPAND: {1: NUMBER}, 20: {1: TEXT}, 21: {1: NUMBER}, 22: {1: INTEGER}, SET_DEPTH: {1: NUMBER}, 24: ROWS, 25: ROWS, 26: ROWS,
    29: {}, 30: {1: INTEGER}, 34: {}, 35: {1: INTEGER}, 36: ROWS, 37: {1: INTEGER}, 39: {}, 40: {1: INTEGER},
    VALIDATE: {1: VIEW},
}
MESSAGE = dict.fromkeys(range(3, 1000), RAW) | REQUESTS | {1: INTEGER, 2: TEXT}  # whatever request, its number, its entity
READ_ONLY = "this server is read-only: viewers look at the table, they do not change it"
OPERATORS = {"==", "!=", ">", ">=", "<", "<=", "begins with", "ends with", "contains", "in", "not in", "is null", "is not null"}
NUMBERS = {name for name, type in meters.PERSPECTIVE_SCHEMA.items() if type in ("integer", "float")}
CONTINUOUS = {name for name, type in meters.PERSPECTIVE_SCHEMA.items() if type in ("datetime", "float")}


@dataclass
class Request:
    """A request's number, the table or view that it is for, its kind (a key of REQUESTS, or one unknown) and its fields."""

    id: int
    entity: str
    kind: int
    fields: dict[int, list]

    def refusal(self, why: str) -> bytes:
        """The Response that tells the sender why nothing happened: a ServerError with a message, field 50."""
        return encode(1, self.id) + encode(2, self.entity.encode()) + encode(50, encode(1, why.encode()))


def encode(field: int, value: int | bytes) -> bytes:
    """A field of a protobuf message."""
    if isinstance(value, int):
        return to_varint(field << 3) + to_varint(value)
    return to_varint(field << 3 | 2) + to_varint(len(value)) + value


def to_varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + to_varint(number >> 7)


def varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next thing starts."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        value |= (message[at] & 127) << shift
        at += 1
        if message[at - 1] < 128:
            return value, at
    raise ValueError("no number")


def parse(message: bytes, known: dict) -> dict[int, list]:
    """The values of a message's fields, by number. Raises ValueError for a field that is unknown or not what it should be."""
    found, at = {}, 0
    while at < len(message):
        key, at = varint(message, at)
        kind = known.get(key >> 3)
        if kind is None or key & 7 != (2 if isinstance(kind, dict) else WIRE_TYPES[kind]):
            raise ValueError(f"field {key >> 3} is unknown, or of another type")
        if kind in (NUMBER, INTEGER):
            value, at = varint(message, at)
            if kind == NUMBER and value >= 2**31:
                raise ValueError(f"{value} is more than there can be")
        else:
            length, at = (8, at) if kind == DOUBLE else varint(message, at)
            value, at = message[at:at + length], at + length
            if at > len(message):
                raise ValueError("cut short")
            if kind == TEXT:
                value = value.decode()
            elif isinstance(kind, dict):
                value = parse(value, kind)
        found.setdefault(key >> 3, []).append(value)
    return found


def parse_request(message: bytes | str) -> Request:
    """Raises ValueError for what is not exactly one request."""
    if isinstance(message, str):
        raise ValueError("a text")
    found = parse(message, MESSAGE)
    kinds = found.keys() - {1, 2}
    if len(kinds) != 1 or any(len(values) > 1 for values in found.values()):
        raise ValueError("not one request")
    kind, = kinds
    return Request(found.get(1, [0])[0], found.get(2, [""])[0], kind, found[kind][0])


def objection(request: Request, own_views: set[str], all_views: set[str]) -> str:
    """Why this request is refused, "" where it is not; `own_views` are those of the viewer that asks."""
    if request.kind not in REQUESTS:
        return READ_ONLY
    if request.kind in (DELETE_VIEW, COLLAPSE, EXPAND, SET_DEPTH) and request.entity not in own_views:
        return "you have no view of this name"
    if request.kind == COLUMN_PATHS and max(request.fields.get(1, [0])) > 0:
        return "column paths begin at 0 here"  # from beyond the last column the engine never comes back
    if request.kind == VALIDATE:
        return "".join(map(objection_to_expressions, request.fields.get(1, [])))
    if request.kind == MAKE_VIEW:
        names, views = request.fields.get(1, [""]), request.fields.get(2, [{}])
        if len(own_views) >= MAX_VIEWS:
            return f"a viewer may have {MAX_VIEWS} views open here: close some"
        if len(names) > 1 or len(views) > 1 or not names[0] or names[0] in all_views:
            return "the name of a view must be new"  # the engine dies of a second view of the same name
        return objection_to_view(views[0])
    return ""


def objection_to_view(view: dict[int, list]) -> str:
    """The engine dies of a filter without a value or with another operator, and of the average of a text."""
    for each in view.get(4, []):
        operators = set(each.get(2, []))
        if not operators <= OPERATORS:
            return f"a filter may have {', '.join(sorted(OPERATORS))} here"
        if 3 not in each and not operators <= {"in", "not in"}:
            return "a filter needs a value"
    for each in view.get(7, []):
        kinds = {name for kind in each.get(2, []) for name in kind.get(1, [])}
        if kinds & {"avg", "mean"} and not set(each.get(1, [])) <= NUMBERS:
            return "avg and mean may only be of a column of numbers here"
    for name in view.get(2, []):
        if name in CONTINUOUS:
            return f"splitting by {name} would make a column for each of its values: split by bucket(\"{name}\", ...) instead"
    return objection_to_expressions(view)


def objection_to_expressions(view: dict[int, list]) -> str:
    """A loop can keep the engine busy, and all viewers waiting, for minutes."""
    texts = (text for entry in view.get(6, []) for text in entry.get(2, []))
    return "an expression may have no loop and no array here" if any(map(LOOP.search, texts)) else ""

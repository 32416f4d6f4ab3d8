"""Reads Perspective's requests, field by field. `viewer_rules.py` says which of them viewers may ask.

Perspective's engine trusts those who ask: some messages end the process, with all its viewers. So the engine sees only
what is known to be well-formed. Source: perspective.proto of 5.6.1, and what its viewers were seen to send.
"""

from dataclasses import dataclass

NUMBER, INTEGER, DOUBLE, TEXT, RAW = "number", "integer", "double", "text", "raw"  # a NUMBER counts: it is below 2**31
WIRE_TYPES = {NUMBER: 0, INTEGER: 0, DOUBLE: 1, TEXT: 2, RAW: 2}  # protobuf's; a message within a message has 2

# A message is the fields that it may have, by number: each is a number, a double, a text or a message.
AGGREGATE = {1: TEXT, 2: {1: TEXT}}  # column, aggregate and its arguments
FILTER = {1: TEXT, 2: TEXT, 3: {1: INTEGER, 4: DOUBLE, 6: TEXT, 7: INTEGER}}  # column, operator, values
SORT = {1: TEXT, 2: NUMBER}  # column, direction
WINDOW = {2: TEXT, 3: TEXT, 4: TEXT, 5: SORT, 6: NUMBER, 7: DOUBLE, 8: NUMBER, 9: NUMBER, 10: DOUBLE}
# of a window: column, aggregate, partition_by, order_by, rows, range, cumulative, offset, alpha
GROUP_BY, SPLIT_BY, COLUMNS, FILTERS, SORTS, EXPRESSIONS, AGGREGATES, WINDOWS = *range(1, 8), 11  # of a view
VIEW = {GROUP_BY: TEXT, SPLIT_BY: TEXT, COLUMNS: {1: NUMBER, 2: {1: TEXT}}, FILTERS: FILTER, SORTS: SORT,
        EXPRESSIONS: {1: TEXT, 2: TEXT}, AGGREGATES: AGGREGATE, **dict.fromkeys(range(8, 17), NUMBER),
        WINDOWS: {1: TEXT, 2: WINDOW}}
VIEWPORT = dict.fromkeys(range(1, 9), NUMBER)
ROWS = dict.fromkeys(range(2, 9), NUMBER) | {1: VIEWPORT}
MAKE_PORT, MAKE_VIEW, COLUMN_PATHS, DELETE_VIEW, COLLAPSE, EXPAND = 5, 6, 10, 11, 18, 19
TELL, TELL_NO_MORE, SET_DEPTH, DESCRIBE = 21, 22, 23, 41
REQUESTS = {  # those that read: {number: (name, fields)}
    3: ("get features", {}),
    4: ("get hosted tables", {1: NUMBER}),
    MAKE_PORT: ("make a port", {}),
    MAKE_VIEW: ("make a view", {1: TEXT, 2: VIEW}),
    7: ("table schema", {}),
    8: ("table size", {}),
    COLUMN_PATHS: ("column paths", {1: NUMBER, 2: NUMBER}),
    DELETE_VIEW: ("delete a view", {}),
    12: ("view dimensions", {}),
    13: ("expression schema", {}),
    14: ("view configuration", {}),
    15: ("view schema", {}),
    16: ("rows as Arrow", {1: VIEWPORT, 2: TEXT, 3: NUMBER, 4: NUMBER}),
    17: ("system info", {}),
    COLLAPSE: ("collapse a row", {1: NUMBER}),
    EXPAND: ("expand a row", {1: NUMBER}),
    20: ("smallest and largest value", {1: TEXT}),
    TELL: ("tell of updates", {1: NUMBER}),
    TELL_NO_MORE: ("tell of updates no more", {1: INTEGER}),
    SET_DEPTH: ("set the depth of a view", {1: NUMBER}),
    24: ("columns as JSON", ROWS),
    25: ("rows as CSV", ROWS),
    26: ("rows as JSON", ROWS),
    29: ("tell of a table's end", {}),
    30: ("tell of a table's end no more", {1: INTEGER}),
    34: ("tell of a view's end", {}),
    35: ("tell of a view's end no more", {1: INTEGER}),
    36: ("rows as lines of JSON", ROWS),
    37: ("tell of hosted tables no more", {1: INTEGER}),
    39: ("tell of removed rows", {}),
    40: ("tell of removed rows no more", {1: INTEGER}),
    DESCRIBE: ("describe a view", {1: VIEW}),
}
CHANGING = {27, 28, 31, 32, 33, 38}  # make, delete a table; remove, replace, update rows; join tables
_FIELDS = {number: fields for number, (_, fields) in REQUESTS.items()}
# A message has the number of the request and its entity, and one field that is the request.
MESSAGE = dict.fromkeys(range(3, 1000), RAW) | _FIELDS | {1: INTEGER, 2: TEXT}


@dataclass
class Request:
    """One request. `entity` is the table or the view that it is for."""

    id: int
    entity: str
    kind: int  # a key of REQUESTS, or another number
    fields: dict[int, list]

    @property
    def name(self) -> str:
        """Its kind in words."""
        return f"{REQUESTS[self.kind][0]} (request {self.kind})" if self.kind in REQUESTS else f"request {self.kind}"

    def refusal(self, why: str) -> bytes:
        """The response that tells the sender why nothing happened: a ServerError with a message, field 50."""
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
    """The values of a message's fields, by number.

    Raises ValueError for a field that is unknown, or of another type than `known` says.
    """
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

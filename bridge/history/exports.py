"""What an export says where it was cut: CSV by its last line, JSON by __CUT__, Arrow by its schema's metadata."""

import pyarrow as pa

from bridge.history.view_sql import MOST_ROWS
from bridge.viewer_requests import INTEGER, RAW, TEXT, encode, parse

ARROW, COLUMNS, CSV, ROWS, LINES = 16, 24, 25, 26, 36  # the fields of requests, and of responses
KINDS = {ARROW, COLUMNS, CSV, ROWS, LINES}
WORDS = f"these are the first {MOST_ROWS} rows; there are more: filter by time to export them"
NAME = "__CUT__"
ENDS = {  # by kind: how the text ends, and how it ends where it was cut
    CSV: ("\n", f'\n"{WORDS}"\n'),
    COLUMNS: ("}", f', "{NAME}": ["{WORDS}"]}}'),
    ROWS: ("]", f', {{"{NAME}": "{WORDS}"}}]'),
    LINES: ("", f'\n{{"{NAME}": "{WORDS}"}}'),
}


def say_cut(kind: int, response: bytes) -> bytes:
    """The response with an export that was cut; it then says so."""
    found = parse(response, {1: INTEGER, 2: TEXT, kind: {1: RAW}})
    rows, = found[kind][0][1]
    if kind == ARROW:
        rows = with_metadata(rows)
    else:
        end, cut_end = ENDS[kind]
        text = rows.decode().rstrip("\n")
        rows = (text.removesuffix(end) + cut_end).encode()
    return encode(1, found[1][0]) + encode(2, found[2][0].encode()) + encode(kind, encode(1, rows))


def with_metadata(stream: bytes) -> bytes:
    table = pa.ipc.open_stream(stream).read_all()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.with_metadata({NAME: WORDS})) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()

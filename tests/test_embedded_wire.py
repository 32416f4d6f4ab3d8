"""The codec by itself: captured frames of a real client and server, round trips, frames that lie."""

import struct
import tracemalloc
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded.common.datatypes import (
    BIGINT,
    BIND_COLUMN,
    BIND_TABLE,
    BIND_TAG,
    BOOL,
    DECIMALS,
    FLOAT,
    INT,
    JSON,
    NCHAR,
    TIMESTAMP,
    TYPES,
    VARBINARY,
    VARCHAR,
    Column,
    Field,
    arrow_type,
)
from embedded.common.decimals import decimal_column
from embedded.common.errors import TDengineError
from embedded.protocol import raw_blocks, wire
from embedded.protocol.binding import decode_bind, decode_columns, from_json
from tests.helpers.embedded_frames import NOW, OLD_BIND, STMT2_BIND

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
METER = [Column("ts", TIMESTAMP, 8), Column("current", FLOAT, 4), Column("voltage", INT, 4), Column("phase", FLOAT, 4)]
TAGS = [Column("groupid", INT, 4, True), Column("location", VARCHAR, 24, True)]
FIELDS = [Field(Column("tbname", VARCHAR, 269), BIND_TABLE)]
FIELDS += [Field(tag, BIND_TAG) for tag in TAGS] + [Field(column, BIND_COLUMN) for column in METER]


COLUMNS = [[NOW, NOW + 1], [1.5, None], [220, 221], [0.5, 0.25]]


def encoded(columns, values):
    """A block of plain Python values, in columns."""
    arrays = [pa.array(one, arrow_type(column)) for column, one in zip(columns, values, strict=True)]
    return raw_blocks.encode_block(columns, pa.RecordBatch.from_arrays(arrays, names=[c.name for c in columns]))


def decoded(block):
    return [(kind, values.to_pylist()) for kind, values in raw_blocks.decode_block(block)]


def plain(tables):
    """What is bound to the tables of a stmt2 message: names, tags, rows of each, columns."""
    bound, = tables
    return (bound.names, bound.tags and [tag.to_pylist() for tag in bound.tags], bound.counts,
            [column.to_pylist() for column in bound.columns])


def values_of(kind, length=24):
    """Any value that a column of this type holds, as plain Python."""
    if kind is BOOL:
        return st.booleans()
    if kind in (VARCHAR, NCHAR, JSON):
        return TEXT
    if kind is VARBINARY:
        return st.binary(max_size=length)
    if kind.pack in "fd":
        return st.floats(width=32 if kind is FLOAT else 64, allow_nan=False)
    bits, signed = 8 * kind.size, kind.pack.islower()
    return st.integers(-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed) - 1)


tables = st.lists(st.sampled_from([kind for kind in TYPES if kind not in DECIMALS]), min_size=1, max_size=6).flatmap(
    lambda kinds: st.tuples(st.just(kinds), st.lists(st.tuples(*[st.none() | values_of(kind) for kind in kinds]),
                                                     max_size=20)))


@given(tables)
def test_a_block_decodes_to_the_rows_it_was_made_of(table):
    kinds, rows = table
    block = encoded([Column(f"c{i}", kind, kind.size or 24) for i, kind in enumerate(kinds)],
                    list(zip(*rows, strict=True)) or [()] * len(kinds))
    assert struct.unpack_from("<IIII", block) == (1, len(block), len(rows), len(kinds))
    columns = decoded(block)
    assert [kind for kind, _ in columns] == kinds
    assert list(zip(*[values for _, values in columns], strict=True)) == rows


def test_a_block_is_laid_out_as_a_real_server_does():
    columns = [Column("ts", TIMESTAMP, 8), Column("location", VARCHAR, 24)]
    assert encoded(columns, [[NOW, NOW + 1], ["LA", "SF"]]) == bytes.fromhex("""
        01000000 4f000000 02000000 02000000 00000080 0000000000000000
        09 08000000 08 1a000000   10000000 08000000
        00 00e897b69a010000 01e897b69a010000
        00000000 04000000 0200 4c41 0200 5346""")


def test_decimals_are_laid_out_as_a_real_server_does():
    column = decimal_column("p", 10, 2)
    assert encoded([column], [[Decimal("1.5"), None, Decimal("-0.01")]]) == bytes.fromhex("""
        01000000 3e000000 03000000 01000000 00000080 0000000000000000
        15 020a0008   18000000
        40 9600000000000000 0000000000000000 ffffffffffffffff""")
    block = encoded([decimal_column("q", 38, 10)], [[Decimal("0.1")]])
    assert block[28:29] == b"\x11" and block[-16:] == (10**9).to_bytes(16, "little")
    with pytest.raises(TDengineError, match="DECIMAL by stmt2"):
        raw_blocks.decode_block(block)


@pytest.mark.parametrize("kind", [VARCHAR, NCHAR, VARBINARY])
def test_texts_of_a_dictionary_share_one_item_but_nchar_never(kind):
    texts = ["same", "unused", "other", "none", "has", "these"]
    texts = [text.encode() for text in texts] if kind is VARBINARY else texts
    column = Column("c", kind, 8)
    rows = pa.array([0, 2, None, 0, 0], pa.int32())
    values = pa.DictionaryArray.from_arrays(rows, pa.array(texts, arrow_type(column)))
    block = raw_blocks.encode_block([column], pa.RecordBatch.from_arrays([values], names=["c"]))
    wide = "utf-32-le" if kind is NCHAR else "utf-8"
    assert block.count("same".encode(wide)) == (3 if kind is NCHAR else 1)
    assert block.count("unused".encode(wide)) == 0
    assert decoded(block) == [(kind, [texts[0], texts[2], None, texts[0], texts[0]])]


@given(st.lists(st.none() | TEXT, max_size=20), st.integers(0, 5), st.sampled_from([VARCHAR, NCHAR, INT, BOOL]))
def test_a_part_of_an_array_is_encoded_as_its_rows(texts, start, kind):
    """Results are cut into blocks: an array then begins in the middle of its buffers."""
    values = texts if kind in (VARCHAR, NCHAR) else [None if text is None else len(text) for text in texts]
    values = [None if value is None else value > 3 for value in values] if kind is BOOL else values
    column = Column("c", kind, kind.size or 24)
    array = pa.array(values, arrow_type(column)).slice(start, 7)
    block = raw_blocks.encode_block([column], pa.RecordBatch.from_arrays([array], names=["c"]))
    assert decoded(block) == [(kind, values[start:start + 7])]


def test_a_value_that_its_column_cannot_hold_is_an_error_not_a_wrong_value():
    for kind, value in ((VARCHAR, "x" * 70_000), (NCHAR, "x" * 17_000), (VARBINARY, b"x" * 70_000)):
        with pytest.raises(TDengineError, match="column c"):
            encoded([Column("c", kind, 80_000)], [[value]])


def test_fetch_replies_have_the_layout_that_clients_read():
    assert wire.fetch_reply(5, 3, 0x8920, b"block") == bytes.fromhex(
        "ffffffffffffffff 0700000000000000 0100 2089000000000000 0500000000000000 00000000 00000000"
        "0300000000000000 00 05000000") + b"block"
    assert wire.fetch_reply(5, 3, 0, None).endswith(struct.pack("<IIQB", 0, 0, 3, 1))
    assert wire.fetch_reply(5, 3, 0, None, TDengineError(0xFFFF, "nil")).endswith(struct.pack("<II3sQB", 0xFFFF, 3,
                                                                                              b"nil", 3, 1))


def test_wide_rows_make_short_blocks():
    assert raw_blocks.rows_per_block(METER) == 4096
    assert raw_blocks.rows_per_block([Column("c", NCHAR, 16_000)]) * 64_000 < 10 << 20


def test_a_captured_sql_frame():
    frame = bytes.fromhex("0100000000000000 0000000000000000 0600000000000000 0100 09000000 75736520706f776572")
    req_id, _, action, body = wire.parse_frame(frame)
    assert (req_id, action, wire.parse_sql(body)) == (1, wire.SQL, "use power")


def test_a_captured_stmt2_bind():
    assert plain(decode_bind(STMT2_BIND, FIELDS)) == (["d2"], [[2], ["LA"]], [2], COLUMNS)


def test_a_captured_old_bind():
    assert [values.to_pylist() for values in decode_columns(OLD_BIND, FIELDS)] == COLUMNS


@pytest.mark.parametrize("decode, frame", [
    (decode_bind, STMT2_BIND), (decode_columns, OLD_BIND), (lambda body, _: wire.parse_sql(body), b"\1\0\4\0\0\0abcd"),
])
def test_a_frame_cut_short_is_refused_wherever_it_is_cut(decode, frame):
    decode(frame, FIELDS)
    for end in range(len(frame)):
        with pytest.raises(TDengineError):
            decode(memoryview(frame)[:end], FIELDS)


@settings(max_examples=500)
@given(st.sampled_from([(decode_bind, STMT2_BIND), (decode_columns, OLD_BIND)]), st.data())
def test_a_frame_that_lies_is_refused_or_read_within_its_bounds(case, data):
    decode, frame = case
    frame = bytearray(frame)
    for at in data.draw(st.lists(st.integers(0, len(frame) - 4), min_size=1, max_size=4)):
        frame[at:at + 4] = data.draw(st.binary(min_size=4, max_size=4))
    try:
        decode(bytes(frame), FIELDS)
    except TDengineError:
        pass


@pytest.mark.parametrize("at", [4, 12], ids=["tables", "columns"])
def test_a_bind_that_claims_a_billion_of_something_is_refused_at_once(at):
    select = struct.pack("<HiIiiiIIIIIiiBBIi", 1, -1, 54, 1, 0, 1, 0, 0, 28, 22, 22, 4, 1, 0, 0, 4, 220)
    assert plain(decode_bind(select, None))[-1] == [[220]]
    select = bytearray(select)
    struct.pack_into("<i", select, 6 + at, 2**30)
    tracemalloc.start()
    with pytest.raises(TDengineError, match="malformed"):
        decode_bind(select, None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_a_bind_must_fit_its_statement():
    def refused(fields, text):
        with pytest.raises(TDengineError, match=text) as error:
            decode_bind(STMT2_BIND, fields)
        assert error.value.code == 0x0200

    def with_field(index, column):
        return [Field(column, f.bind) if i == index else f for i, f in enumerate(FIELDS)]

    refused(with_field(2, Column("location", VARCHAR, 1, True)), "tag length is too big")
    refused(with_field(1, Column("groupid", BIGINT, 8, True)), "tag type mis-match")
    refused(with_field(4, Column("current", INT, 4)), "column type mis-match with buffer type")
    refused(FIELDS[1:], "no [?] for it")
    refused(FIELDS[:2] + FIELDS[3:], "2 tags bound where the statement has 1")
    refused(FIELDS[:-1], "4 columns bound where the statement has 3")
    unknown = [Field(None, f.bind) if f.bind == BIND_COLUMN else f for f in FIELDS]  # the table is known at exec
    assert plain(decode_bind(STMT2_BIND, unknown))[-1] == COLUMNS


def test_json_tags_take_the_type_of_their_tag():
    def convert(kind, value):
        return from_json([value], BIND_TAG, [Field(Column("t", kind, 8, True), BIND_TAG)])[0]

    assert convert(VARBINARY, "[1, 255]") == b"\1\xff"
    assert convert(BOOL, 1) is True
    assert convert(FLOAT, 0.5) == 0.5 and convert(TIMESTAMP, NOW) == NOW and convert(NCHAR, "日本") == "日本"
    assert all(convert(kind, None) is None for kind in TYPES)
    for kind, value in ((INT, 2**31), (INT, "7"), (INT, 1.5), (VARCHAR, 7), (VARCHAR, "123456789"), (BOOL, []),
                        (VARBINARY, 5)):
        with pytest.raises(TDengineError):
            convert(kind, value)

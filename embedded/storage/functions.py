"""Functions of TDengine that DuckDB lacks: macros, and functions in Python where nothing else does.

A macro's argument is copied to each place where the macro uses it, and copies of copies grow without bounds. So a
macro that needs its arguments more than once puts them into a list of one entry, and computes on that entry.
"""

import duckdb

from ..common import clock, time_format
from .statistics_functions import MACROS as STATISTICS

_MACROS = {
    # The first `most` bytes of a text; a character that does not fit whole is left out.
    "cut_bytes(x, most)": """list_transform([x], lambda s: CASE WHEN strlen(s) <= most THEN s ELSE coalesce(
        TRY(decode(encode(s)[1:most])), TRY(decode(encode(s)[1:most - 1])),
        TRY(decode(encode(s)[1:most - 2])), TRY(decode(encode(s)[1:most - 3]))) END)[1]""",
    # Positions count from 1, negative ones from the end. From position 0 on there is nothing, as in TDengine.
    "sub_string(x, start, count)": """list_transform([{'s': x, 'p': start, 'n': count}], lambda v: CASE
        WHEN v.s IS NULL OR v.p IS NULL OR v.n IS NULL THEN NULL WHEN v.p = 0 OR v.n < 1 THEN ''
        WHEN v.p > 0 THEN substr(v.s, least(v.p, 65536)::BIGINT, least(v.n, 65536)::BIGINT)
        ELSE left(right(v.s, -greatest(v.p, -65536)::BIGINT), least(v.n, 65536)::BIGINT) END)[1]""",
    # The number at the beginning of a text, 0 where there is none.
    "integer_of(x)": r"""list_transform([x], lambda s: CASE WHEN s IS NOT NULL THEN
        coalesce(try_cast(regexp_extract(s, '^\s*([-+]?[0-9]+)', 1) AS HUGEINT), 0) END)[1]""",
    "real_of(x)": r"""list_transform([x], lambda s: CASE WHEN s IS NOT NULL THEN coalesce(try_cast(regexp_extract(
        s, '^\s*([-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?)', 1) AS DOUBLE), 0) END)[1]""",
    # What stands before the delimiter of that number, or behind it where it is counted from the end.
    "substring_index(x, delimiter, count)": """list_transform([{'p': string_split(x, delimiter), 'n': count}],
        lambda v: CASE WHEN v.p IS NOT NULL AND v.n IS NOT NULL THEN coalesce(array_to_string(CASE
        WHEN v.n > 0 THEN v.p[1:v.n] WHEN v.n < 0 THEN v.p[greatest(len(v.p) + v.n + 1, 1):] END, delimiter), '')
        END)[1]""",
    # One character for each byte of an integer, but for zeros at its beginning.
    "characters_of(code)": """list_transform([code & 4294967295], lambda c: concat(
        CASE WHEN c >= 16777216 THEN chr((c // 16777216)::INTEGER) END,
        CASE WHEN c >= 65536 THEN chr((c // 65536 % 256)::INTEGER) END,
        CASE WHEN c >= 256 THEN chr((c // 256 % 256)::INTEGER) END, chr((c % 256)::INTEGER)))[1]""",
    # NULL where one of the values is NULL.
    "greatest_of(x)": "list_transform([x], lambda v: CASE WHEN list_count(v) = len(v) THEN list_max(v) END)[1]",
    "least_of(x)": "list_transform([x], lambda v: CASE WHEN list_count(v) = len(v) THEN list_min(v) END)[1]",
    "capitals(x)": "translate(x, 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')",
    "small_letters(x)": "translate(x, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')",
    # The number of a week that begins on Monday or Sunday (`first` is 1 or 0). The first week of a year is the one with
    # at least four of its days (`middle` is 3), or the first one that begins in it (`middle` is 0). Days before it are
    # in week 0, or, where `whole` says so, in the last week of the year before.
    "week_number(day, first, middle, whole)": """list_transform([day], lambda d: CASE WHEN whole
        THEN (dayofyear(d - ((dayofweek(d) - first + 7) % 7 - middle)::INTEGER) - 1) // 7 + 1
        ELSE (dayofyear(d) + 6 + middle - (dayofweek(d) - first + 7) % 7) // 7 END)[1]""",
    # `ahead` is how far the zone is ahead of UTC, in ticks of which a second has `unit`.
    "iso8601(ticks, ahead, unit, digits, zone)": """list_transform([{'t': ticks, 'a': ahead, 'z': zone}], lambda v:
        strftime(make_timestamp((v.t + v.a - ((v.t % unit) + unit) % unit)::BIGINT // unit * 1000000),
                 '%Y-%m-%dT%H:%M:%S.') || lpad((((v.t % unit) + unit) % unit)::VARCHAR, digits, '0') || v.z)[1]""",
    "zone_text(seconds)": """list_transform([seconds], lambda s:
        printf('%c%02d%02d', CASE WHEN s < 0 THEN 45 ELSE 43 END, abs(s) // 3600, abs(s) // 60 % 60))[1]""",
    # How far the time of a zone is ahead of UTC, in seconds. `us` are microseconds since 1970.
    "zone_offset(us, zone)": """list_transform([us], lambda t:
        (epoch_us(timezone(zone, make_timestamptz(t))) - t) // 1000000)[1]""",
}


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Give all functions to the database of this connection. It is done once for each database that is opened."""
    for signature, body in {**_MACROS, **STATISTICS}.items():
        connection.execute(f"CREATE OR REPLACE MACRO {signature} AS {body}")
    connection.create_function(
        "parse_time",
        lambda text, precision, zone: None if text is None else clock.parse(text, precision, clock.zone(zone)),
        ["VARCHAR", "INTEGER", "VARCHAR"], "BIGINT", null_handling="special")
    connection.create_function(
        "to_timestamp_by",
        lambda text, pattern, precision, zone: None if text is None else
        time_format.to_timestamp(text, pattern, precision, clock.zone(zone)),
        ["VARCHAR", "VARCHAR", "INTEGER", "VARCHAR"], "BIGINT", null_handling="special")

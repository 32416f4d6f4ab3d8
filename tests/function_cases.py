"""TDengine's scalar functions as data: the examples and the rules of its manual, page "Functions"."""

T = 1_700_000_000_000  # 2023-11-14 22:13:20 UTC, a whole number of 10 s windows
# (call, type, value)
_CALLS = [
    ("TRIM('  a ')", "VARCHAR", "a"), ("TRIM(LEADING 'b' FROM 'bbba')", "VARCHAR", "a"),
    ("TRIM('ab' FROM 'abacd')", "VARCHAR", "acd"), ("TRIM(BOTH 'b' FROM 'bbabb')", "VARCHAR", "a"),
    ("TRIM(TRAILING FROM 'a ')", "VARCHAR", "a"), ("TRIM('.' FROM '..a')", "VARCHAR", "a"),
    ("SUBSTRING('tdengine', 0)", "VARCHAR", ""), ("SUBSTRING('tdengine', 3)", "VARCHAR", "engine"),
    ("SUBSTRING('tdengine', -3, 3)", "VARCHAR", "ine"), ("SUBSTRING('tdengine', -3, -3)", "VARCHAR", ""),
    ("SUBSTR('tdengine' FROM 3 FOR 2)", "VARCHAR", "en"),
    ("SUBSTRING_INDEX('www.tdengine.com', '.', 2)", "VARCHAR", "www.tdengine"),
    ("SUBSTRING_INDEX('www.tdengine.com', '.', -2)", "VARCHAR", "tdengine.com"),
    ("CHAR(77, NULL, 77)", "VARCHAR", "MM"), ("CHAR(77 * 256 + 77)", "VARCHAR", "MM"),
    ("ASCII('testascii')", "BIGINT", 116),
    ("POSITION('a' IN 'cba')", "BIGINT", 3), ("POSITION('' IN 'cba')", "BIGINT", 1),
    ("POSITION('d' IN 'cba')", "BIGINT", 0), ("REPLACE('aabbccAABBCC', 'AA', 'DD')", "VARCHAR", "aabbccDDBBCC"),
    ("REPEAT('abc', 5)", "VARCHAR", "abc" * 5), ("REPEAT('abc', -1)", "VARCHAR", ""),
    ("TO_BASE64('Hello, world!')", "VARCHAR", "SGVsbG8sIHdvcmxkIQ=="),
    ("CONCAT_WS('-', 'a', 'b', 'c')", "VARCHAR", "a-b-c"), ("CONCAT('a', NULL)", "VARCHAR", None),
    ("GREATEST(1, 2, 3)", "BIGINT", 3), ("LEAST(1.5, 2)", "DOUBLE", 1.5), ("GREATEST(1, NULL)", "BIGINT", None),
    ("GREATEST(9, '10')", "VARCHAR", "9"), ("LEAST('b', 'a')", "VARCHAR", "a"), ("ROUND(8888.88)", "DOUBLE", 8889.0),
    ("ROUND(8888.88, -1)", "DOUBLE", 8890.0), ("ROUND(1234.567, 2)", "DOUBLE", 1234.57),
    ("ROUND(1234, -2)", "BIGINT", 1200), ("TRUNCATE(8888.88, 0)", "DOUBLE", 8888.0),
    ("TRUNCATE(8888.88, -1)", "DOUBLE", 8880.0), ("MOD(10, 3)", "DOUBLE", 1.0), ("MOD(1, 0)", "DOUBLE", None),
    ("SIGN(-1)", "BIGINT", -1), ("SIGN(0)", "BIGINT", 0), ("LN(10)", "DOUBLE", 2.302585092994046),
    ("LN(0)", "DOUBLE", None), ("EXP(2)", "DOUBLE", 7.38905609893065), ("LOG(8, 2)", "DOUBLE", 3.0),
    ("PI()", "DOUBLE", 3.141592653589793), ("DEGREES(PI())", "DOUBLE", 180.0),
    ("RADIANS(180)", "DOUBLE", 3.141592653589793), ("EXP(1000)", "DOUBLE", None),
    *((f"WEEK('2000-01-01', {mode})", "BIGINT", week) for mode, week in enumerate((0, 0, 52, 52, 0, 0, 52, 52))),
    ("WEEKOFYEAR('2000-01-01')", "BIGINT", 52), ("WEEKDAY('2000-01-01')", "BIGINT", 5),
    ("DAYOFWEEK('2000-01-01')", "BIGINT", 7),
    ("TIMEDIFF('2022-01-01 08:00:00', '2022-01-01 08:00:01', 1s)", "BIGINT", -1),
    ("TO_ISO8601(1, '+08:00')", "VARCHAR", "1970-01-01T08:00:00.001+08:00"),
    ("TO_ISO8601(0, 'z')", "VARCHAR", "1970-01-01T00:00:00.000z"),
    ("TO_UNIXTIMESTAMP('1970-01-01T00:00:01Z')", "BIGINT", 1000),
    ("TO_UNIXTIMESTAMP('1970-01-01T00:00:01Z', 1)", "TIMESTAMP", 1000),
    ("TO_TIMESTAMP('2023-10-10 10:10:10.123.000456+00', 'yyyy-mm-dd hh24:mi:ss.ms.us tzh')", "TIMESTAMP",
     1696932610123),
    ("TO_TIMESTAMP('2023-JANUARY-01 1pm +08', 'YYYY-month-dd hh am tzh')", "TIMESTAMP", 1672549200000),
    ("IF(1 > 2, 'a', 'b')", "VARCHAR", "b"), ("IFNULL(NULL, 2)", "BIGINT", 2), ("ISNULL(1)", "BOOL", False),
    ("CAST('12abc' AS INT)", "INT", 12), ("CAST('x' AS DOUBLE)", "DOUBLE", 0.0),
    ("CAST(300 AS TINYINT)", "TINYINT", 44), ("CAST(-1 AS INT UNSIGNED)", "INT UNSIGNED", 4294967295),
    ("CAST(2.5 AS VARCHAR(8))", "VARCHAR", "2.500000"), ("CAST('\u65e5\u672c' AS VARCHAR(4))", "VARCHAR", "\u65e5"),
    ("1 / 0", "DOUBLE", None), ("5 % 0", "DOUBLE", None),
]


def _case(call: str, kind: str, value: object) -> tuple:
    return f"SELECT {call} AS v", [("v", kind)], [(value,)]


FUNCTIONS = [
    *(_case(*call) for call in _CALLS),
    (f"SELECT TO_CHAR(ts, 'yyyy-mm-dd hh24:mi:ss.us') c, TO_CHAR(ts, 'Month|MON D \"d\" pm') d FROM kinds "
     f"WHERE ts = {T + 1}",
     [("c", "VARCHAR"), ("d", "VARCHAR")], [("2023-11-14 22:13:20.001000", "November |NOV 3 d pm")]),
    ("SELECT CAST(`current` AS VARCHAR(9)) c, UPPER(location) u, LOWER(tbname) l FROM d1 ORDER BY ts LIMIT 1",
     [("c", "VARCHAR"), ("u", "VARCHAR"), ("l", "VARCHAR")], [("20.500000", "PALO ALTO", "d1")]),
]

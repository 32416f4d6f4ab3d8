"""Perspective's aggregates in TDengine's SQL."""

from bridge.history.quoting import Refused

ENDS = {"first": "FIRST({})", "last": "LAST({})"}
EXTREMES = {"min": "MIN({})", "max": "MAX({})", "low": "MIN({})", "high": "MAX({})"}
COUNT = {"count": "COUNT(*)"}  # rows, those without a value too
NUMBERS = {"sum": "SUM({})", "avg": "AVG({})", "mean": "AVG({})", "stddev": "STDDEV({})", "var": "VAR_POP({})",
           "high minus low": "SPREAD({})", "median": "APERCENTILE({}, 50, 't-digest')",
           "q1": "APERCENTILE({}, 25, 't-digest')", "q3": "APERCENTILE({}, 75, 't-digest')"}
KEEPS_TYPE = ENDS.keys() | EXTREMES.keys()  # the others make numbers
AGGREGATES = {"integer": NUMBERS | COUNT | ENDS | EXTREMES, "float": NUMBERS | COUNT | ENDS | EXTREMES,
              "datetime": COUNT | ENDS | EXTREMES, "string": COUNT | ENDS, "boolean": COUNT | ENDS}


def default(kind: str) -> str:
    """What Perspective takes where nobody has chosen."""
    return "sum" if kind in ("integer", "float") else "count"


def aggregate(column: str, kind: str, chosen: str) -> tuple[str, str]:
    """SQL and Perspective's type of an aggregate of a column, which is SQL of this type already."""
    if chosen not in AGGREGATES[kind]:
        raise Refused(f"TDengine is not asked for the aggregate {chosen!r} of a {kind}: "
                      f"there are {', '.join(sorted(AGGREGATES[kind]))}")
    if kind == "datetime" and chosen in EXTREMES:  # MAX of a TIMESTAMP is refused
        return EXTREMES[chosen].format(f"CAST({column} AS BIGINT)"), kind
    sql = AGGREGATES[kind][chosen].format(column)
    if kind == "datetime" and chosen in ENDS:
        sql = f"CAST({sql} AS BIGINT)"
    return sql, kind if chosen in KEEPS_TYPE else "float"

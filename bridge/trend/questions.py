"""What the trend asks TDengine. Each statement about rows has a bound on the time."""

from bridge.trend.measure import Measure
from bridge.trend.windows import Windows

ANALYSIS_NODES = "SHOW ANODES"


def spans(measure: Measure, length: int, until: int | None) -> str:
    """The first time, the last time (epoch ms) and the number of values of each series, in a range of `length` ms.

    The range ends at `until` (epoch ms), or at the present of the database's clock.
    """
    end = "NOW()" if until is None else str(until)
    time = f"`{measure.time}`"
    return (f"SELECT CAST(FIRST({time}) AS BIGINT), CAST(LAST({time}) AS BIGINT), COUNT(`{measure.column}`) "
            f"FROM `{measure.table}` WHERE {time} > {end} - {length}{'a' if until is None else ''} AND {time} <= {end}"
            + (f" PARTITION BY `{measure.tag}`" if measure.tag else ""))


def averages(measure: Measure, windows: Windows) -> str:
    """The start (epoch ms), the series' tag and the average of each window that has rows, in one statement."""
    tag = f"`{measure.tag}`" if measure.tag else f"'{measure.table}'"
    partition = f" PARTITION BY {tag}" if measure.tag else ""
    return (f"SELECT CAST(_wstart AS BIGINT), {tag}, AVG(`{measure.column}`) FROM `{measure.table}` "
            f"WHERE {within(measure, windows.start, windows.end)}{partition} INTERVAL({windows.width}a)")


def forecast(measure: Measure, start: int, end: int, width: int, ahead: int, period: int | None) -> str:
    """TDengine's own forecast after the windows of [start, end): the tag and the value, `ahead` rows of each series."""
    tag = f"`{measure.tag}`" if measure.tag else f"'{measure.table}'"
    partition = f" PARTITION BY {tag}" if measure.tag else ""
    season = f",period={period},seasonal=add" if period else ""
    return (f"SELECT tag, FORECAST(average, 'algo=holtwinters,trend=add{season},rows={ahead},wncheck=0') FROM ("
            f"SELECT _wstart AS start, {tag} AS tag, AVG(`{measure.column}`) AS average FROM `{measure.table}` "
            f"WHERE {within(measure, start, end)}{partition} INTERVAL({width}a)) PARTITION BY tag")


def within(measure: Measure, start: int, end: int) -> str:
    return f"`{measure.time}` >= {start} AND `{measure.time}` < {end}"

"""How a range of time is cut into windows, and which season and which future they have."""

from dataclasses import dataclass

from bridge.trend.refusal import Refusal

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000  # ms
WHOLE = [*(n * unit for unit in (SECOND, MINUTE) for n in (1, 2, 5, 10, 15, 30)),
         *(n * HOUR for n in (1, 2, 3, 4, 6, 8, 12)), DAY, 7 * DAY, 28 * DAY]
MOST = 1500  # windows of a series
LEAST = 3
LEAST_OF_CYCLE = 4  # windows that a cycle needs to be seen
SEASONS = 1.9  # two in a range, but for the windows at its ends that are not whole


@dataclass(frozen=True)
class Windows:
    """`count` windows of `width` ms, the first from `start` (epoch ms) on. `period` is the season's length in windows.

    `ahead` windows are forecast: a quarter of the range, a day at most.
    """

    start: int
    width: int
    count: int
    period: int | None = None

    @property
    def end(self) -> int:
        return self.start + self.count * self.width

    @property
    def ahead(self) -> int:
        return max(1, min(self.count // 4, DAY // self.width))


def choose(first: int, last: int, spacing: int = 0, cycle: int = 0) -> Windows:
    """Windows for rows from `first` to `last` (epoch ms), which come every `spacing` ms. `cycle` (ms) is 0 for none.

    All windows are whole: the newest row's is left out, since more rows may come. Two seasons are needed to see one:
    it is a day in a range that has two, else the cycle. Raises Refusal where there are fewer than three windows.
    """
    least = max(-(-(last - first) // MOST), spacing, 1)
    width = next((whole for whole in WHOLE if whole >= least), least)
    season = 0
    for length in (DAY, cycle):
        fitting = length and SEASONS * length <= last - first and width_for(length, least)
        if fitting:
            width, season = fitting, length
            break
    start, end = -(-first // width) * width, last // width * width
    count = min((end - start) // width, MOST)
    if count < LEAST:
        raise Refusal(f"There are {max(count, 0)} whole windows of {in_words(width)} so far, and a trend needs "
                      f"{LEAST}: wait, or choose a longer range.")
    return Windows(end - count * width, width, count, season // width or None)


def width_for(season: int, least: int) -> int | None:
    """The smallest width, from `least` ms on, that divides the season into four windows or more; None if none does.

    It is a whole unit if one divides the season.
    """
    counts = range(season // least, LEAST_OF_CYCLE - 1, -1)
    widths = [*WHOLE, *(season // count for count in counts if season % count == 0)]
    return next((width for width in widths if width >= least and season % width == 0
                 and season // width >= LEAST_OF_CYCLE), None)


def in_words(width: int) -> str:
    """A width as people say it."""
    unit, name = next(((u, n) for u, n in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")) if width % u == 0),
                      (1, "ms"))
    return f"{width // unit} {name}"

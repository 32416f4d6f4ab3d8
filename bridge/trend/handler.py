"""GET /trend: the table `meters_trend` for a page, as an Arrow IPC stream."""

import re
import time
from datetime import datetime

from tornado.web import HTTPError, RequestHandler

import meters
from bridge.trend.chosen import of_location
from bridge.trend.refusal import Refusal
from bridge.trend.trends import Trends
from bridge.websockets import allowed_origin, check_token

UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
ALL_MS = 100 * 365 * UNITS_MS["d"]


def to_range(text: str) -> tuple[int, int | None]:
    """What `Trends.trend` takes, for a time range as the page's address has it: 5m, 24h, all, 2026-11-28T10:00Z/...

    Raises ValueError.
    """
    if text == "all":
        return ALL_MS, None
    if match := re.fullmatch(r"([1-9]\d{0,5})([smhd])", text):
        return int(match[1]) * UNITS_MS[match[2]], None
    start, end = (round(datetime.fromisoformat(moment).timestamp() * 1000) if moment else None
                  for moment in text.split("/", 1))
    if end is not None and start is not None and start >= end:
        raise ValueError
    last = time.time() * 1000 if end is None else end
    return (ALL_MS if start is None else round(last - start)), end


class TrendHandler(RequestHandler):
    """`?range=1h` is the range that was measured. Where there is no trend, the answer is 503, and its text says why.

    `&location=` is for a page that shows one: see `of_location`. The header Trend-Note says why that one has no trend.
    """

    def initialize(self, trends: Trends) -> None:
        self.trends = trends

    def prepare(self) -> None:
        check_token(self)

    async def get(self) -> None:
        origin = self.request.headers.get("Origin")
        if origin and allowed_origin(origin, self.request.host):
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Expose-Headers", "Trend-Note")
        self.set_header("Content-Type", "text/plain")
        try:
            length, until = to_range(self.get_query_argument("range", "1h"))
        except ValueError:
            raise HTTPError(400, reason="a range is 5m, 1h, 24h, 7d, all, or a time, a slash and a time") from None
        location = self.get_query_argument("location", None, strip=False)
        try:
            table, kept_until = await self.trends.trend(length, until)
            table, note = (table, "") if location is None else of_location(table, location)
        except (Refusal, LookupError) as reason:
            self.set_status(503 if isinstance(reason, Refusal) else 404)
            self.finish(reason.args[0])
            return
        if note:
            self.set_header("Trend-Note", note)
        self.set_header("Content-Type", "application/vnd.apache.arrow.stream")
        self.set_header("Cache-Control", f"max-age={max(0, round(kept_until - time.monotonic()))}")
        self.finish(meters.arrow_stream(table))

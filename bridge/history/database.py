"""How the database is asked: by taosAdapter's REST."""

import json

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError

from bridge import tdengine
from bridge.settings import options

MAX_ANSWER_BYTES = 2**28


class Failure(Exception):
    """The database did not answer, or refused: its own words, in one line."""


class Database:
    """Asks one statement at a time for each call; many may be under way."""

    def __init__(self) -> None:
        part = tdengine.dsn()
        scheme = "https" if part["scheme"].endswith(("wss", "https")) else "http"
        host = part["hosts"].split(",")[0]
        self.url = f"{scheme}://{host if ':' in host else host + ':6041'}/rest/sql/{tdengine.database()}"
        self.user, self.password = part["user"] or "root", part["password"] or tdengine.DEFAULT_PASSWORD
        self.client = AsyncHTTPClient(force_instance=True, max_clients=100, max_buffer_size=MAX_ANSWER_BYTES)

    async def ask(self, sql: str) -> list[list]:
        """The rows of the answer: times are asked for as integers, so all values are JSON's. Raises Failure."""
        try:
            reply = await self.client.fetch(HTTPRequest(
                self.url, method="POST", body=sql.encode(), auth_username=self.user, auth_password=self.password,
                connect_timeout=options.tdengine_timeout_s, request_timeout=options.history_timeout_s))
        except HTTPTimeoutError:
            raise Failure(f"the database has not answered for {options.history_timeout_s} s") from None
        except (HTTPClientError, HTTPStreamClosedError, OSError) as error:
            raise Failure(f"the database does not answer: {tdengine.one_line(error)}") from None
        answer = json.loads(reply.body)
        if answer["code"]:
            raise Failure(f"[0x{answer['code'] & 0xffff:04X}] {answer['desc']}")
        return answer["data"]

"""Statements with the answers that TDengine gives, for tests that run against either."""

import time
from collections.abc import Callable

import pytest
import taosws

T = int(time.time()) * 1000
SETUP = [
    "CREATE STABLE meters (ts TIMESTAMP, `current` FLOAT, voltage INT, phase FLOAT) "
    "TAGS (groupid INT, location BINARY(24))",
    "INSERT INTO d1001 USING meters TAGS (2, 'California.SanFrancisco') "
    f"VALUES ({T}, 10.3, 220, 0.31) ({T + 1000}, 10.4, NULL, 0.32) "
    f"d1002 USING meters TAGS (3, 'California.LosAngeles') VALUES ({T + 2000}, 11, 221, 0.5)",
    "CREATE TABLE ntb (ts TIMESTAMP, v INT)",
]


def prepared(power: taosws.Connection, database: str) -> Callable:
    """A function that compares the answer to a statement: rows in any order, how many rows it changed, or its error.

    In `database`, which the statements call DB, are a super table, two subtables and a normal table.
    """
    for sql in SETUP:
        power.execute(sql)

    def ask(sql, expected):
        sql = sql.replace("DB", database)
        if isinstance(expected, str):
            with pytest.raises(taosws.Error, match=expected):
                power.execute(sql)
        elif isinstance(expected, int):
            assert power.execute(sql) == expected, sql
        else:
            expected = [tuple(database if value == "DB" else value for value in row) for row in expected]
            assert sorted(power.query(sql), key=repr) == sorted(expected, key=repr), sql

    return ask

"""Writes rows into TDengine by parameter binding: one statement, prepared once, for many subtables at a time."""

import sys
from collections.abc import Sequence

import taosws

import meters
from bridge import tdengine
from bridge.columns import Column

SUBTABLES_PER_EXECUTE = 20_000  # to make more of them at once takes longer than the time limit


def bind(subtable: str, tags: dict[str, object], rows: dict[str, Sequence]) -> taosws.PyStmt2BindParam:
    """A subtable's part of a batch: its tags, and its rows as columns, by their name in COLUMNS."""
    def view(kind: str, column: Column, value: object) -> object:
        return getattr(taosws, f"{getattr(column.type, f'bind_{kind}')}_to_{kind}")(value)

    return taosws.stmt2_bind_param_view(
        subtable,
        [view("tag", column, tags[column.name]) for column in meters.TAGS],
        [view("column", column, rows[column.name]) for column in meters.DATA])


class Writer:
    """Writes batches; after a failure it connects anew at the next write."""

    def __init__(self) -> None:
        self.statement: taosws.TaosStmt2 | None = None
        self.rows = self.dropped = self.errors = 0
        self.cut_off = False  # whether the last write failed: TDengine may have stored it, or a part of it
        self.at_least = ""  # "at least" where rows that were given up may be stored

    def connect(self) -> None:
        """Makes database and super table where they are absent, and prepares the one statement.

        Raises taosws.Error, and meters.Mismatch where there is a table of other columns.
        """
        tdengine.connect().execute(meters.create_database(tdengine.database()))
        connection = tdengine.connect(tdengine.database())
        connection.execute(meters.create_super_table())
        tdengine.check_table(connection, exactly=True)
        self.statement = connection.stmt2_statement()
        self.statement.prepare(meters.insert_rows())

    def give_up(self) -> None:
        """The batch in hand is not tried again."""
        if self.cut_off:
            self.at_least, self.cut_off = "at least ", False

    def write(self, batch: list[taosws.PyStmt2BindParam]) -> str:
        """Writes the rows of all subtables. It is safe to repeat, since the keys are the same.

        Returns the error in one line, "" where there is none.
        """
        try:
            if self.statement is None:
                self.connect()
            rows = 0
            for at in range(0, len(batch), SUBTABLES_PER_EXECUTE):
                self.statement.bind(batch[at:at + SUBTABLES_PER_EXECUTE])
                rows += self.statement.execute()
            self.rows += rows
            self.cut_off = False
            return ""
        except (taosws.Error, meters.Mismatch) as error:
            if tdengine.error_code(error) == tdengine.AUTHENTICATION_FAILURE:
                sys.exit(f"{tdengine.masked_dsn()}: {tdengine.one_line(error)}; "
                         "give user and password in --tdengine-dsn")
            self.cut_off = self.cut_off or self.statement is not None
            self.statement = None  # after a failure it is of no use any more
            self.errors += 1
            return tdengine.one_line(error)

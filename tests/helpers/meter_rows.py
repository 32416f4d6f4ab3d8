"""Rows of meters with chosen values."""

import taosws

import meters
import simulation


def write_row(power: taosws.Connection, meter: int, ts: int, voltage: int = 220) -> None:
    """Writes one row of a meter at a time in epoch ms. The super table must be there."""
    groupid, location = simulation.tags(meter).values()
    power.execute(f"INSERT INTO d_bind_{meter} USING meters (groupid, location) TAGS ({groupid}, '{location}') "
                  f"VALUES ({ts}, 10.5, {voltage}, 0.5)")


class MeterRows:
    """A prepared INSERT, for parameter binding, on a connection whose database has, or gets, the super table."""

    def __init__(self, connection: taosws.Connection):
        connection.execute(meters.create_super_table())
        self.connection = connection  # a statement works as long as its connection
        self.statement = connection.stmt2_statement()
        self.statement.prepare(meters.insert_rows())

    def write(self, meter: int, location: str, currents: dict[int, float | None]) -> None:
        """Writes the currents by their time in epoch ms."""
        rows = len(currents)
        self.statement.bind([taosws.stmt2_bind_param_view(
            f"d{meter}", [taosws.int_to_tag(meter), taosws.varchar_to_tag(location)],
            [taosws.millis_timestamps_to_column([*currents]), taosws.floats_to_column([*currents.values()]),
             taosws.ints_to_column([220] * rows), taosws.floats_to_column([0.5] * rows)])])
        assert self.statement.execute() == rows

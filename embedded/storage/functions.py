"""What the planner's SQL uses and DuckDB lacks."""

import duckdb


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions known in the file that the connection has open."""

"""The DuckDB file: its tables and rows."""

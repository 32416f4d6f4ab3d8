"""The SQLite file: its tables, rows and blocks."""

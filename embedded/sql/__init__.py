"""From TDengine's SQL to DuckDB's."""

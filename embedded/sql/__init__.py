"""From TDengine's SQL to SQLite's."""

"""The embedded database: TDengine's WebSocket and REST protocol in front of DuckDB.

It is a stand-in on the loopback interface, started by `python -m embedded`. The unmodified `taosws` and `taosrest`
clients accept it, so that the demo and its tests run without a TDengine.

It is not a TDengine. It runs on one machine, with one file and one user. It knows most of TDengine's SQL. It keeps
rows only as long as `--retention` says. SQL that it does not know is refused by name. For data that matters, let
`TDENGINE_DSN` name a TDengine: nothing else in the demo changes.

Rooms, each of which stands on the next:
    protocol/  what clients send and get: WebSocket messages, binding, REST
    engine/    sessions: runs statements, which ties SQL to the stored rows
    sql/       from TDengine's SQL to DuckDB's
    storage/   the DuckDB file: tables and rows
    common/    types, values, time, errors and the catalog, which all of them need
"""

# At least 3.3.2.0, or taosws falls back to an older protocol. The suffix tells it from a TDengine.
VERSION = "3.3.7.5.embedded"

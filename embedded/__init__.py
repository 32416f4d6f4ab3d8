"""The embedded database: TDengine's WebSocket and REST protocol in front of SQLite.

It is: a stand-in on the loopback interface, started by `python -m embedded`, that the unmodified
`taosws` and `taosrest` clients accept, so that the demo and its tests run with no TDengine.

It is not: TDengine. One machine, one file, one user, the part of the SQL that its tests name, and
rows only as old as `--retention` allows. What it does not know it refuses by name. For data that
matters, point `TDENGINE_DSN` at a TDengine: nothing else in the demo changes.
"""

# At least 3.3.2.0, or taosws falls back to an older protocol; the suffix is how to tell it from a TDengine.
VERSION = "3.3.7.5.embedded"

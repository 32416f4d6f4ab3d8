"""The history: every row of the database in Perspective. Views are answered by TDengine's SQL; nothing is copied.

| module | holds |
|---|---|
| `viewers` | the server's end: the viewers' WebSocket, and the process that answers it |
| `frames` | the messages between the server and that process |
| `process` | that process |
| `session` | one viewer in it: its requests, and the updates of its views |
| `rules` | which requests Perspective's engine sees |
| `handler` | what Perspective's engine asks |
| `known` | why a request may begin again: the engine does not wait for the database |
| `view` | an open view: which questions its answers take |
| `pivot` | levels of groups become one table |
| `folds` | which groups are closed |
| `exports` | what an export says where it was cut |
| `view_sql` | from a view's configuration to SQL |
| `filters` | its filters |
| `aggregates` | its aggregates |
| `tables` | the hosted tables and their columns |
| `quoting` | names and values as SQL |
| `answers` | the database's answers, kept and shared |
| `kept_windows` | windows of time that are over, so that only the last ones are asked again |
| `database` | how the database is asked |
| `asker` | the processes that ask it |
"""

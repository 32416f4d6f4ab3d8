"""The bridge from TDengine to Perspective. `perspective_server.py` puts its parts together.

| module | holds |
|---|---|
| `settings` | every setting of the programs |
| `tdengine` | connecting to TDengine, and what its errors mean |
| `kept_connection` | a connection for the questions of history and trend |
| `questions` | what the poller asks TDengine |
| `poller` | which rows are new: the algorithm, without any input or output of its own |
| `known_rows` | the rows that the poller has delivered |
| `poller_process` | both ends of the pipe between the poller's process and the server |
| `newest_rows` | the newest rows as Arrow streams, for pages that keep a copy |
| `hosted_table` | the Perspective table that viewers query on the server, and the process that answers them |
| `engine` | Perspective's engine in that process |
| `viewers_process` | what this process and that of the history have in common |
| `processes` | how a process is ended |
| `frames` | the messages between the server and such a process |
| `live` | what happens at each tick, and what /status says |
| `http_bounds` | the HTTP server: what strangers may take of memory, time and files |
| `guard` | by which names the server may be reached, and the headers of its answers |
| `logs` | what is logged, and how much of it; the bounded log files of `run.sh` |
| `websockets` | the WebSockets of the viewers, and who may connect |
| `viewer_requests` | reading Perspective's requests, field by field |
| `viewer_rules` | what viewers may ask |
| `history` | every row of the database: views answered by TDengine's SQL |
"""

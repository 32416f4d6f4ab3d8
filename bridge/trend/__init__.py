"""The trend: what was measured, what is expected for the coming stretch, and in which range. See docs/trend.md.

The modules, from a question to its answer:

| module | holds |
|---|---|
| `handler` | the server's answer to a page |
| `trends` | the server's end: trends are kept and shared |
| `process` | the process that asks the database and computes |
| `measure` | which column is forecast, and which tag tells the series apart |
| `windows` | how a range is cut into windows; its season, and its future |
| `questions` | what TDengine is asked |
| `series` | from the database's rows to series without gaps |
| `ways` | who forecasts |
| `theta` | the Theta method |
| `library` | that of statsmodels |
| `band` | the range in which values are expected |
| `trend` | the table `meters_trend` |
| `chosen` | what is read from it: a location's rows, for example |
| `refusal` | why there is no trend |
"""

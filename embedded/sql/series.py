"""TDengine's functions of rows, such as DIFF: each answers by a row and those before it. DuckDB computes them.

A builder's SQL may say `OVER series`: the rows of one partition, in the order of time.
"""

from .arguments import FunctionBuilder

SERIES: dict[str, FunctionBuilder] = {}

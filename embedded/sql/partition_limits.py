"""LIMIT in every partition, and SLIMIT over the partitions."""

from collections.abc import Sequence

from . import nodes


def limited(select: nodes.Select, sql: str, names: Sequence[str], keys: int) -> str:
    """`sql` gives the columns of these names, the keys q0, q1, ... and w, by which a partition's rows are sorted."""
    partition = ", ".join(f"q{i}" for i in range(keys))
    tests = []
    if select.limit is not None:
        tests.append(f"r > {select.offset} AND r <= {select.offset + select.limit}")
    if select.slimit is not None:
        tests.append(f"k > {select.soffset} AND k <= {select.soffset + select.slimit}")
    return (f"SELECT {', '.join(names)} FROM (SELECT *, row_number() OVER (PARTITION BY {partition} ORDER BY w) "
            f"AS r, dense_rank() OVER (ORDER BY {partition}) AS k FROM ({sql})) WHERE {' AND '.join(tests)} "
            "ORDER BY k, r")

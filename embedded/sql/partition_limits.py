"""LIMIT in every partition, and SLIMIT over the partitions."""

from collections.abc import Sequence

from . import nodes


def limit_of(select: nodes.Select) -> str:
    """` LIMIT ... OFFSET ...`."""
    limit = "" if select.limit is None else f" LIMIT {select.limit}"
    return limit + (f" OFFSET {select.offset}" if select.offset else "")


def limited(select: nodes.Select, sql: str, names: Sequence[str], keys: int, order: Sequence[str] = ()) -> str:
    """`sql` gives the columns of these names, the keys q0, q1, ... and w, by which a partition's rows are sorted.

    With ORDER BY it gives s0, s1, ... to sort by; `order` has the words behind each. Then LIMIT counts all rows.
    """
    partition = ", ".join(f"q{i}" for i in range(keys))
    ranks = {"r": f"row_number() OVER (PARTITION BY {partition} ORDER BY w NULLS LAST)"}
    tests, by, limit = [], f"{partition}, r", ""
    if order:
        by, limit = ", ".join(f"s{i}{words}" for i, words in enumerate(order)), limit_of(select)
    elif select.limit is not None:
        tests.append(f"r <= {select.offset + select.limit}")  # alone, DuckDB keeps no more rows than that
        tests += [f"r > {select.offset}"] if select.offset else []
    if select.slimit is not None:
        ranks["k"] = f"dense_rank() OVER (ORDER BY {partition})"
        tests.append(f"k > {select.soffset} AND k <= {select.soffset + select.slimit}")
    ranked = ", ".join(f"{rank} AS {name}" for name, rank in ranks.items())
    return (f"SELECT {', '.join(names)} FROM (SELECT *, {ranked} FROM ({sql})) WHERE {' AND '.join(tests)} "
            f"ORDER BY {by}{limit}")

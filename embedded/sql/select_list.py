"""The select list: stars become columns, and positions and AS names of other clauses become its entries."""

from collections.abc import Sequence

from sqlglot import exp

from ..common.errors import TDengineError, not_supported
from . import nodes
from .aggregates import ROW_PICKERS
from .sources import Source
from .typed import Typed


def expand_stars(items: Sequence[nodes.Item], source: Source) -> list[nodes.Item]:
    """The entries with columns in the place of `*`, `t.*` and `LAST(*)`. Errors: 0x2600, 0x2603."""
    expanded: list[nodes.Item] = []
    for item in items:
        tree = item.expression
        if _is_star(tree):
            if isinstance(tree, exp.Column) and tree.table not in source.qualifiers:
                raise TDengineError(0x2603, "Table does not exist")
            expanded += [nodes.Item(_column(name), name, False) for name in _names(source.star)]
        elif isinstance(tree, exp.Anonymous) and tree.name.lower() in ROW_PICKERS and _is_star(*tree.expressions):
            expanded += [nodes.Item(exp.Anonymous(this=tree.name, expressions=[_column(name)]),
                                    f"{tree.name.lower()}({name})", False) for name in _names(source.data)]
        else:
            expanded.append(item)
    return expanded


def entry_of(tree: exp.Expression, items: Sequence[nodes.Item]) -> exp.Expression:
    """In GROUP BY, PARTITION BY and ORDER BY, a position or an AS name stands for an entry of the select list.

    Error: 0x2609 for a position that there is not.
    """
    if isinstance(tree, exp.Literal) and not tree.is_string:
        if not (tree.this.isdigit() and 1 <= int(tree.this) <= len(items)):
            raise TDengineError(0x2609, "ORDER BY item must be the number of a SELECT-list expression")
        return items[int(tree.this) - 1].expression
    if isinstance(tree, exp.Column) and not tree.table:
        for item in items:
            if item.aliased and item.label == tree.name:
                return item.expression
    return tree


def _names(columns: Sequence[tuple[str, Typed]]) -> list[str]:
    names = [name for name, _ in columns]
    if not names:
        raise TDengineError(0x2600, 'syntax error near "*"')
    if len(set(names)) < len(names):
        raise not_supported("* over a sub-select with two columns of one name")
    return names


def _column(name: str) -> exp.Column:
    return exp.Column(this=exp.Identifier(this=name, quoted=True))


def _is_star(*trees: exp.Expression) -> bool:
    """Whether the only argument is `*` or `t.*`."""
    return len(trees) == 1 and (
        isinstance(trees[0], exp.Star) or isinstance(trees[0], exp.Column) and isinstance(trees[0].this, exp.Star))

"""The select list: stars become columns, and positions and AS names of other clauses become its entries."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from ..common.errors import TDengineError, not_supported
from . import nodes
from .aggregates import ROW_PICKERS
from .sources import Source


def expand_stars(items: Sequence[nodes.Item], source: Source) -> list[nodes.Item]:
    """The entries with columns in the place of `*`, `t.*` and `LAST(*)`, and LAST(a), LAST(b) for LAST(a, b).

    COLS becomes an entry for each of its columns. Errors: 0x2600, 0x2603, 0x268A.
    """
    return [entry for item in items for entry in _expanded(item, source)]


def _expanded(item: nodes.Item, source: Source) -> Iterator[nodes.Item]:
    tree = item.expression
    if _is_star(tree):
        yield from (nodes.Item(column, column.name, False) for column in _columns(source.star_of(_qualifier(tree))))
    elif isinstance(tree, exp.Anonymous) and tree.name.lower() in ROW_PICKERS and (
            len(tree.expressions) > 1 or any(map(_is_star, tree.expressions))):
        name = tree.name.lower()
        for argument in tree.expressions:
            data = [(_qualifier(argument), column) for column in source.data]
            for column in _columns(data) if _is_star(argument) else [argument]:
                label = column.name if isinstance(column, exp.Column) else column.sql()
                yield nodes.Item(exp.Anonymous(this=name, expressions=[column]), f"{name}({label})", False)
    elif isinstance(tree, exp.Anonymous) and tree.name.lower() == "cols" and isinstance(tree.expressions[1], exp.Var):
        call, *outputs = tree.expressions
        if call.name.lower() not in (*ROW_PICKERS, "min", "max"):
            raise TDengineError(0x268A, "cols function's first param must be a select function that output a single "
                                "row")
        for output in expand_stars([output.this for output in outputs], source):
            named = item if item.aliased and len(outputs) == 1 else output
            column = exp.Anonymous(this="cols", expressions=[call, output.expression])
            yield nodes.Item(column, named.label, named.aliased)
    else:
        yield item


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


def _columns(names: Sequence[tuple[str, str]]) -> Sequence[exp.Column]:
    """The columns of these names, each with what stands before it."""
    if not names:
        raise TDengineError(0x2600, 'syntax error near "*"')
    if len(set(names)) < len(names):
        raise not_supported("* over a sub-select with two columns of one name")
    return [exp.Column(this=exp.Identifier(this=name, quoted=True),
                       table=exp.Identifier(this=qualifier, quoted=True) if qualifier else None)
            for qualifier, name in names]


def _qualifier(star: exp.Expression) -> str:
    """`t` of `t.*`."""
    return star.table if isinstance(star, exp.Column) else ""


def _is_star(tree: exp.Expression) -> bool:
    return isinstance(tree, exp.Star) or isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star)

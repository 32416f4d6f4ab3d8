"""What a SELECT is made of once its names are known, and how one is built that answers row by row."""

from dataclasses import dataclass, field

from ..common.errors import not_supported
from . import nodes
from .expressions import Expressions
from .sources import Source, TableSource
from .typed import Environment, Parameters, Typed


@dataclass
class Query:
    """The parts of one SELECT, compiled as far as rows go; groups compile the rest."""

    select: nodes.Select
    source: Source
    environment: Environment
    parameters: Parameters
    expressions: Expressions  # of single rows: no aggregates
    where: list[str] = field(default_factory=list)  # conditions, joined by AND
    keys: list[Typed] = field(default_factory=list)  # of GROUP BY, PARTITION BY and the window, which is the last
    window_ticks: int = 0  # how long the window of INTERVAL is; 0: there is none
    window_offset: int = 0  # in ticks


class SelectBuilder:
    """How one SELECT reads its rows. `expressions` compiles the select list, HAVING and ORDER BY."""

    expressions: Expressions

    def __init__(self, query: Query) -> None:
        self.query, self.source = query, query.source

    def statement(self, distinct: str, chosen: list[str], tail: str) -> str:
        """The whole SQL: `distinct` is "DISTINCT " or "", `tail` is the ORDER BY and the LIMIT."""
        raise NotImplementedError

    def select_from(self, distinct: str, chosen: list[str], tail: str) -> str:
        """SELECT ... FROM ... WHERE ... and the tail. Tables are joined where a name in the text needs them."""
        terms = self.source.conditions(self.query.where)
        where = " WHERE " + " AND ".join(terms) if terms else ""
        source = self.source.from_clause(" ".join(chosen) + " AND ".join(self._reading_tags(terms)) + tail)
        return f"SELECT {distinct}{', '.join(chosen)}{' FROM ' + source if source else ''}{where}{tail}"

    @staticmethod
    def _reading_tags(terms: list[str]) -> list[str]:
        """The conditions that may need the join with the tags: a sub-select on them brings its own."""
        return [term for term in terms if not term.startswith("d.tb IN (SELECT")]


class RowSelectBuilder(SelectBuilder):
    """One row of the result for each row; for tags alone, one for each subtable."""

    def __init__(self, query: Query) -> None:
        super().__init__(query)
        self.expressions = query.expressions

    def statement(self, distinct: str, chosen: list[str], tail: str) -> str:
        select = self.query.select
        if isinstance(self.source, TableSource) and (select.distinct or select.tags_only):
            self.source.tags_alone = not any("d." in text for text in (*chosen, *self.query.where, tail))
        if select.tags_only and not getattr(self.source, "tags_alone", False):
            raise not_supported("SELECT TAGS of anything but tags")
        return self.select_from(distinct, chosen, tail)

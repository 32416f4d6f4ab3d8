"""What Perspective's engine asks of a source of data: one handler for each viewer."""

from collections.abc import Callable
from functools import wraps

from perspective.virtual_servers import VirtualServerHandler

import meters
from bridge import tdengine
from bridge.history import tables
from bridge.history.aggregates import AGGREGATES
from bridge.history.filters import OPERATORS
from bridge.history.known import Known, Missing
from bridge.history.quoting import Refused
from bridge.history.tables import ARROW, Table
from bridge.history.view import View
from bridge.history.view_sql import ViewSql

FEATURES = {
    "group_by": True, "split_by": True, "sort": True, "expressions": True, "on_update": True,
    "group_rollup_mode": ["rollup", "flat", "total"],
    "filter_ops": {kind: OPERATORS[kind] for kind in ARROW},
    "aggregates": {kind: list(AGGREGATES[kind]) for kind in ARROW},
}


def told(method: Callable) -> Callable:
    """The method, which keeps why it failed: the engine has no words for that."""
    @wraps(method)
    def telling(self: "Handler", *arguments: object) -> object:
        try:
            return method(self, *arguments)
        except Missing:
            raise
        except Exception as error:
            self.refusal = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            raise
    return telling


class Handler(VirtualServerHandler):
    """Answers by what `known` knows. `refusal` says why the last call failed, "" where it did not."""

    def __init__(self, known: Known) -> None:
        self.known, self.refusal = known, ""
        self.views: dict[str, View] = {}

    def table(self, name: str) -> Table:
        unit, columns = self.known(tables.precision(tdengine.database()), tables.describe(name))
        if unit != [("ms",)]:
            raise Refused(f"the database counts time in {unit[0][0]}, which is not shown here: it must be ms")
        return tables.described(name, columns)

    def get_features(self) -> dict:
        return FEATURES

    @told
    def get_hosted_tables(self) -> list[str]:
        supers, normals = self.known(*tables.list_tables(tdengine.database()))
        return sorted(name for name, in supers + normals)

    @told
    def table_schema(self, name: str, *_: object) -> dict[str, str]:
        return self.table(name).schema

    @told
    def table_size(self, name: str) -> int:
        counted = self.known.soon(ViewSql(self.table(name), {}).count())
        return counted[0][0] if counted else 0

    @told
    def table_describe(self, name: str, config: dict) -> dict:
        try:
            view = View(ViewSql(self.table(name), config), self.known)
            labels = *view.sql.buckets, *view.sql.steps, *view.sql.aliases
            expressions = {label: view.sql.kind(label) for label in labels}
            return {"expression_schema": expressions, "view_schema": view.schema()}
        except Refused as why:
            return {"config_error": str(why)}

    @told
    def table_make_view(self, table: str, name: str, config: dict) -> None:
        view = View(ViewSql(self.table(table), config), self.known)
        view.schema()  # refuses what is too much before there is a view
        self.views[name] = view

    @told
    def view_schema(self, name: str, config: dict) -> dict[str, str]:
        return self.views[name].schema()

    @told
    def view_size(self, name: str) -> int:
        return self.views[name].size()

    @told
    def view_column_size(self, name: str, config: dict) -> int:
        return len(self.views[name].schema())

    def view_delete(self, name: str) -> None:
        self.views.pop(name, None)

    @told
    def fold(self, name: str, kind: int, number: int) -> int:
        """The engine does not know of groups that are closed."""
        return self.views[name].fold(kind, number)

    @told
    def view_get_min_max(self, name: str, column: str, config: dict) -> tuple:
        return self.views[name].extremes(column)

    @told
    def view_get_data(self, name: str, config: dict, schema: dict, viewport: dict, data: object) -> None:
        columns = slice(viewport.get("start_col") or 0, viewport.get("end_col"))
        rows = self.views[name].data(viewport.get("start_row") or 0, viewport.get("end_row"), columns)
        data.from_arrow_ipc(meters.arrow_stream(rows))

"""Which requests Perspective's virtual server sees: those that read, and that do not end its process."""

from bridge.history import exports
from bridge.viewer_requests import (
    AGGREGATES,
    CHANGING,
    COLLAPSE,
    COLUMN_PATHS,
    DELETE_VIEW,
    DESCRIBE,
    EXPAND,
    FILTERS,
    MAKE_VIEW,
    REQUESTS,
    SET_DEPTH,
    SORTS,
    Request,
)
from bridge.viewer_rules import MAX_VIEWS, OTHER_VERSION, READ_ONLY, objection_to_size

ON_UPDATE, UPDATE_NO_MORE = 21, 22
OF_NOTHING, OF_TABLE = {3, 4}, {MAKE_VIEW, 7, 8, DESCRIBE}
FOLDS = {COLLAPSE, EXPAND, SET_DEPTH}
OF_VIEW = exports.KINDS | FOLDS | {DELETE_VIEW, COLUMN_PATHS, 12, 13, 14, 15, 20, ON_UPDATE, UPDATE_NO_MORE}
FILTER_OP, ROLLUP_MODE = 8, 10
LARGEST = {FILTER_OP: 1, ROLLUP_MODE: 2}  # of the numbers of a view; those that are not here have no meaning here
LAST_SORT = 8  # none, asc, desc and six more


def objection(request: Request, views: set[str]) -> str:
    """Why the engine does not get this request, "" where it does; `views` are those of the viewer that asks."""
    if request.kind in CHANGING:
        return READ_ONLY
    if request.kind not in OF_NOTHING | OF_TABLE | OF_VIEW:
        return f"there is no answer here to {request.name}" if request.kind in REQUESTS else OTHER_VERSION
    if request.kind in OF_VIEW and request.entity not in views:
        return "you have no view of this name"
    if request.kind in exports.KINDS and len(request.fields.get(1, ())) != 1:
        return "a request for rows says which: it needs a viewport"
    if too_much := objection_to_size(request.fields):
        return too_much
    if request.kind == MAKE_VIEW:
        names, configs = request.fields.get(1, [""]), request.fields.get(2, [{}])
        if len(views) >= MAX_VIEWS:
            return f"a viewer may have {MAX_VIEWS} views open here: close some"
        if len(names) > 1 or len(configs) > 1 or not names[0] or names[0] in views:
            return "the name of a view must be new"
        return objection_to_view(configs[0])
    if request.kind == DESCRIBE:
        return "".join(map(objection_to_view, request.fields.get(1, [{}])))
    return ""


def objection_to_view(view: dict[int, list]) -> str:
    if any(not any(kind.get(1) for kind in each.get(2, [])) for each in view.get(AGGREGATES, [])):
        return "an aggregate needs a name"
    if any(number > LAST_SORT for each in view.get(SORTS, []) for number in each.get(2, [])):
        return "there is no sort of this number"
    if any(2 not in each for each in view.get(FILTERS, [])):
        return "a filter needs an operator"
    if any(number > most for field, most in LARGEST.items() for number in view.get(field, [])):
        return "there is no mode of this number"
    return ""

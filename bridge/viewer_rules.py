"""What viewers may ask. A new rule is a line of `objection`, or of `objection_to_view`.

What is refused here could change the table for all viewers, or end or stop Perspective's engine. `viewer_requests.py`
reads the requests.
"""

import re
from importlib.metadata import version

import meters
from bridge.viewer_requests import (
    AGGREGATES,
    CHANGING,
    COLLAPSE,
    COLUMN_PATHS,
    DELETE_VIEW,
    DESCRIBE,
    EXPAND,
    EXPRESSIONS,
    FILTERS,
    MAKE_VIEW,
    REQUESTS,
    SET_DEPTH,
    SPLIT_BY,
    Request,
)

MAX_VIEWS = 100  # of one viewer: a page has one or two for each panel
PERSPECTIVE = version("perspective-python")
READ_ONLY = "this server is read-only: viewers look at the table, they do not change it"
OTHER_VERSION = (f"this server speaks the protocol of Perspective {PERSPECTIVE}, which has no such request; your "
                 "viewer is of another version: load the viewer from this server's assets/perspective/, or install "
                 f"version {PERSPECTIVE}")
NO_REQUEST = f"no request of Perspective {PERSPECTIVE}'s protocol: use a viewer of that version"  # at most 123 bytes
# A comment, which begins by / or #, may stand before the bracket.
LOOP = re.compile(r"\b(for|while)\s*[(/#]|\brepeat\b|\bvar\s*(\w+\s*)?[\[/#]", re.IGNORECASE)
OPERATORS = {"==", "!=", ">", ">=", "<", "<=", "begins with", "ends with", "contains", "in", "not in", "is null",
             "is not null"}
NUMBERS = {name for name, type in meters.PERSPECTIVE_SCHEMA.items() if type in ("integer", "float")}
CONTINUOUS = {name for name, type in meters.PERSPECTIVE_SCHEMA.items() if type in ("datetime", "float")}


def objection(request: Request, own_views: set[str], all_views: set[str]) -> str:
    """Why this request is refused, "" where it is not; `own_views` are those of the viewer that asks."""
    if request.kind in CHANGING:
        return READ_ONLY
    if request.kind not in REQUESTS:
        return OTHER_VERSION
    if request.kind in (DELETE_VIEW, COLLAPSE, EXPAND, SET_DEPTH) and request.entity not in own_views:
        return "you have no view of this name"
    if request.kind == COLUMN_PATHS and max(request.fields.get(1, [0])) > 0:
        return "column paths begin at 0 here"  # from beyond the last column the engine never comes back
    if request.kind == DESCRIBE:
        return "".join(map(objection_to_expressions, request.fields.get(1, [])))
    if request.kind == MAKE_VIEW:
        names, views = request.fields.get(1, [""]), request.fields.get(2, [{}])
        if len(own_views) >= MAX_VIEWS:
            return f"a viewer may have {MAX_VIEWS} views open here: close some"
        if len(names) > 1 or len(views) > 1 or not names[0] or names[0] in all_views:
            return "the name of a view must be new"  # the engine dies of a second view of the same name
        return objection_to_view(views[0])
    return ""


def objection_to_view(view: dict[int, list]) -> str:
    """The engine dies of a filter without a value or with another operator, and of the average of a text."""
    for each in view.get(FILTERS, []):
        operators = set(each.get(2, []))
        if not operators <= OPERATORS:
            return f"a filter may have {', '.join(sorted(OPERATORS))} here"
        if 3 not in each and not operators <= {"in", "not in"}:
            return "a filter needs a value"
    for each in view.get(AGGREGATES, []):
        kinds = {name for kind in each.get(2, []) for name in kind.get(1, [])}
        if kinds & {"avg", "mean"} and not set(each.get(1, [])) <= NUMBERS:
            return "avg and mean may only be of a column of numbers here"
    for name in view.get(SPLIT_BY, []):
        if name in CONTINUOUS:
            return (f"splitting by {name} would make a column for each of its values: "
                    f"split by bucket(\"{name}\", ...) instead")
    return objection_to_expressions(view)


def objection_to_expressions(view: dict[int, list]) -> str:
    """A loop can keep the engine busy, and all viewers waiting, for minutes."""
    texts = (text for entry in view.get(EXPRESSIONS, []) for text in entry.get(2, []))
    return "an expression may have no loop and no array here" if any(map(LOOP.search, texts)) else ""

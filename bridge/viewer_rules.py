"""What viewers of the hosted table may ask: to look, and no more at once than a panel needs.

A new rule is a line of `objection`. Panels of all rows have rules of their own, in `history/rules.py`.

What keeps Perspective's engine busy, or ends it, is not told from other questions here: `hosted_table.py` has limits
for its time and memory. `viewer_requests.py` reads the requests.
"""

from dataclasses import dataclass, field
from importlib.metadata import version

from bridge.viewer_requests import (
    CHANGING,
    COLLAPSE,
    DELETE_VIEW,
    EXPAND,
    MAKE_VIEW,
    REQUESTS,
    SET_DEPTH,
    TELL,
    Request,
)

MAX_VIEWS = 100  # of one viewer: a page has one or two for each panel
MOST_TOLD = 8  # requests to tell of the updates of one view, each of which costs time at every update
PERSPECTIVE = version("perspective-python")
READ_ONLY = "this server is read-only: viewers look at the table, they do not change it"
OTHER_VERSION = (f"this server speaks the protocol of Perspective {PERSPECTIVE}, which has no such request; your "
                 "viewer is of another version: load the viewer from this server's assets/perspective/, or install "
                 f"version {PERSPECTIVE}")
NO_REQUEST = f"no request of Perspective {PERSPECTIVE}'s protocol: use a viewer of that version"  # at most 123 bytes
MOST_ENTRIES, LONGEST_TEXT = 64, 4096  # of a list, and in characters: panels that people make have far less


@dataclass
class OpenView:
    """A viewer's view in Perspective's engine."""

    took: float = 0.0  # seconds that it took to make it
    told: list[int] = field(default_factory=list)  # the numbers of the requests to tell of its updates


def objection(request: Request, own_views: dict[str, OpenView], all_views: set[str]) -> str:
    """Why this request is refused, "" where it is not; `own_views` are those of the viewer that asks."""
    if request.kind in CHANGING:
        return READ_ONLY
    if request.kind not in REQUESTS:
        return OTHER_VERSION
    if request.kind in (DELETE_VIEW, COLLAPSE, EXPAND, SET_DEPTH, TELL) and request.entity not in own_views:
        return "you have no view of this name"
    if request.kind == TELL and len(own_views[request.entity].told) >= MOST_TOLD:
        return f"you are told of this view's updates {MOST_TOLD} times already"
    if too_much := objection_to_size(request.fields):
        return too_much
    if request.kind == MAKE_VIEW:
        names, views = request.fields.get(1, [""]), request.fields.get(2, [{}])
        if len(own_views) >= MAX_VIEWS:
            return f"a viewer may have {MAX_VIEWS} views open here: close some"
        if len(names) > 1 or len(views) > 1 or not names[0] or names[0] in all_views:
            return "the name of a view must be new"  # the engine dies of a second view of the same name
    return ""


def objection_to_size(fields: dict[int, list]) -> str:
    """Lists that no panel has keep the engine busy, or take all its memory."""
    for values in fields.values():
        if len(values) > MOST_ENTRIES:
            return f"a list may have {MOST_ENTRIES} entries here"
        for value in values:
            if isinstance(value, str) and len(value) > LONGEST_TEXT:
                return f"a text may have {LONGEST_TEXT} characters here"
            if isinstance(value, dict) and (too_much := objection_to_size(value)):
                return too_much
    return ""

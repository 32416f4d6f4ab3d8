"""Which groups of a view are closed, so that the rows below them are not shown."""

from bridge.history.pivot import Path


class Folds:
    """At first all groups are open. Groups of a flat view cannot be closed."""

    def __init__(self) -> None:
        self.depth: int | None = None  # groups of more keys than this are closed
        self.changed: dict[Path, bool] = {}  # whether these are open, whatever their depth

    def is_open(self, path: Path) -> bool:
        return self.changed.get(path, self.depth is None or len(path) <= self.depth)

    def shown(self, paths: list[Path]) -> list[int]:
        """The places of the rows that are shown; `paths` has each parent before its children."""
        found, closed = [], None
        for place, path in enumerate(paths):
            if closed is None or path[:len(closed)] != closed:
                found.append(place)
                closed = None if self.is_open(path) else path
        return found

    def close(self, closed: Path, paths: list[Path]) -> None:
        """Closes a group with all groups in it; what is no longer among `paths` is forgotten."""
        self.changed = {path: self.is_open(path) and path[:len(closed)] != closed for path in paths}

    def open(self, path: Path) -> None:
        self.changed[path] = True

    def set_depth(self, depth: int) -> None:
        self.depth, self.changed = depth, {}

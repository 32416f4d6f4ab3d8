"""The rooms of the embedded database: each imports only from itself and from the rooms that it stands on."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("common", "storage", "sql", "engine", "protocol")  # each stands on those before it


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """The modules that a file imports, anywhere in it, each by its names from the top: ("embedded", "sql", "nodes")."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else ()
            module = base + tuple((node.module or "").split(".") if node.module else ())
            yield from (module + (alias.name,) for alias in node.names)


def module_of(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).with_suffix("").parts


def test_no_import_runs_back_up():
    for number, room in enumerate(ROOMS):
        for path in (ROOT / "embedded" / room).glob("*.py"):
            for names in imports(path):
                if names[0] == "embedded":
                    allowed = names[1] in ROOMS[:number + 1] or names[1] == "VERSION"
                    assert allowed, f"{path} imports {'.'.join(names)}"


def test_every_module_is_in_a_room():
    assert {path.name for path in (ROOT / "embedded").glob("*.py")} == {"__init__.py", "__main__.py"}
    assert {path.parent.name for path in (ROOT / "embedded").glob("*/*.py")} == set(ROOMS)


def test_imports_have_no_circles():
    modules = {module_of(path): path for path in (ROOT / "embedded").rglob("*.py")}
    leads_to = {module: {names[:end] for names in imports(path) for end in (2, 3)} & modules.keys()
                for module, path in modules.items()}
    while leads_to:
        last = {module for module, others in leads_to.items() if not others & leads_to.keys()}
        assert last, f"these import each other: {sorted('.'.join(module) for module in leads_to)}"
        leads_to = {module: others for module, others in leads_to.items() if module not in last}


def test_embedded_and_the_demo_need_nothing_of_each_other():
    demo = [*ROOT.glob("*.py"), *ROOT.glob("bridge/**/*.py")]
    names_of_demo = {module_of(path)[0] for path in demo}
    assert {"meters", "producer", "perspective_server"} <= names_of_demo
    for path in demo:
        assert all(names[0] != "embedded" for names in imports(path)), path
    for path in (ROOT / "embedded").rglob("*.py"):
        assert all(names[0] not in names_of_demo for names in imports(path)), path

"""Each layer imports only what the table allows, and no module is too long."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dash_long_components

PACKAGE = Path(dash_long_components.__file__).parent
SRC = Path(__file__).resolve().parents[2] / "src"
GENERATED = {"LongJob", "LongJobButton", "LongJobTray", "_imports_"}
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or path.stem not in GENERATED | {"__init__"}
)
ENGINES = {"celery", "cloudpickle", "diskcache", "opentelemetry", "psutil"}

#: Lines of a module at most.
MAX_LINES = 400

#: For each layer the layers and packages that it may import, beside itself and the
#: standard library. A module belongs to the longest name that it starts with. A name
#: allows for the folders inside of it too.
MAY_IMPORT: dict[str, set[str]] = {
    "exceptions": {"dash"},
    "telemetry": {"opentelemetry"},
    "core": {"exceptions"},
    "bridge": {"core", "exceptions", "dash", "flask", "werkzeug"},
    "running": {"bridge", "core", "exceptions", "telemetry", "cloudpickle"},
    "managers": set(),
    "managers.base": {"core", "exceptions", "running", "dash"},
    "managers.identity": {"psutil"},
    "managers.processes": {"managers.identity", "psutil"},
    "managers.cgroups": {"managers.identity", "psutil"},
    "managers.store": {"core", "exceptions", "managers.identity"},
    "managers.diskcache": {
        *("core", "exceptions", "running", "managers.base", "managers.store"),
        *("cloudpickle", "diskcache"),
    },
    "managers.diskcache.server": {
        *("core", "exceptions", "running", "managers.identity", "managers.processes"),
        *("managers.store", "managers.diskcache.dispatcher"),
    },
    "managers.diskcache.dispatcher": {
        *("core", "exceptions", "running", "managers.cgroups", "managers.identity"),
        *("managers.processes", "managers.store", "managers.diskcache.worker"),
    },
    "managers.diskcache.worker": {
        *("bridge", "core", "exceptions", "running", "managers.identity"),
        *("managers.processes", "managers.store"),
        *("cloudpickle", "diskcache", "psutil"),
    },
    "managers.celery": {"core", "exceptions", "running", "managers.base", "celery"},
    "managers.celery.parts": {
        *("bridge", "core", "exceptions", "running"),
        *("managers.celery.documents", "managers.celery.messages"),
        *("managers.celery.supervision", "managers.celery.workers"),
        *("managers.celery.workflows", "celery", "cloudpickle"),
    },
    "managers.celery.workflows": {
        *("core", "exceptions", "managers.celery.documents"),
        *("managers.celery.messages", "managers.celery.store"),
        *("managers.celery.workers", "celery"),
    },
    "managers.celery.supervision": {
        *("core", "exceptions", "managers.processes", "managers.celery.documents"),
        *("managers.celery.messages", "managers.celery.store"),
        *("managers.celery.workers", "billiard", "celery", "psutil"),
    },
    "managers.celery.store": {
        *("core", "exceptions", "managers.base", "managers.celery.backends"),
        *("managers.celery.documents", "managers.celery.messages"),
        *("managers.celery.workers", "celery"),
    },
    "managers.celery.messages": {
        *("core", "running", "managers.celery.documents", "managers.celery.workers"),
        "celery",
    },
    "managers.celery.workers": {
        *("core", "exceptions", "managers.cgroups", "managers.identity"),
        *("managers.processes", "managers.celery.documents", "celery", "psutil"),
    },
    "managers.celery.documents": {
        *("core", "exceptions", "managers.celery.backends", "celery"),
    },
    "managers.celery.backends": {"exceptions", "celery", "kombu", "sqlalchemy"},
    "managers.memory": {
        *("core", "exceptions", "running"),
        *("managers.base", "managers.identity", "managers.store"),
    },
    "web": {
        *("bridge", "core", "exceptions", "managers.base", "LongJob"),
        *("dash", "itsdangerous", "telemetry"),
    },
    "decorator": {
        *("bridge", "core", "exceptions", "managers.base", "running", "web"),
        *("dash", "telemetry"),
    },
    "admin": {"core", "web", "dash", "dash_ag_grid"},
    "app": {
        *("core", "decorator", "exceptions", "managers.base", "web"),
        "dash",
    },
    "cli": {
        *("core", "exceptions", "managers.base", "managers.celery"),
        *("managers.diskcache", "managers.store", "web", "celery", "click", "dash"),
        *("diskcache", "psutil", "rich"),
    },
    "testing": {
        *("bridge", "core", "exceptions", "managers.memory", "web"),
        *("dash", "werkzeug"),
    },
}


def layer_of(name: str) -> str:
    """Return the layer that a module of ours is in; of a package its name."""
    layers = [key for key in MAY_IMPORT if f"{name}.".startswith(f"{key}.")]
    return max(layers, key=len, default=name)


def path_of(module: str) -> Path:
    """Return the file of a module of ours."""
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else Path(f"{path}.py")


def imports(module: str) -> set[str]:
    """Return what a module imports: the names of packages, and of our own modules."""
    path = path_of(module)
    is_package = path.name == "__init__.py"
    tree = ast.parse(path.read_text())
    package = module.split(".") if is_package else module.split(".")[:-1]
    found = {name for node in ast.walk(tree) for name in _imported(node, package)}
    return {name for name in found if name not in sys.stdlib_module_names}


def _imported(node: ast.AST, package: list[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield (node.module or "").split(".")[0]
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1]
        for alias in node.names:
            parts = [*base, *(node.module or "").split("."), alias.name]
            yield _own_module([part for part in parts if part])


def _own_module(parts: list[str]) -> str:
    """Return the module that a dotted name is, or is in."""
    names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next(name for name in names if name in {*MODULES, *GENERATED})


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_what_its_layer_may(module: str) -> None:
    layer = layer_of(module)
    imported = {layer_of(name) for name in imports(module)}
    allowed = tuple(f"{name}." for name in {layer, *MAY_IMPORT[layer]})
    assert not [name for name in imported if not f"{name}.".startswith(allowed)]


def test_no_module_is_too_long_to_read_at_once() -> None:
    """Split one that grows by idea; do not squeeze it."""
    lengths = {
        module: len(path_of(module).read_text().splitlines()) for module in MODULES
    }
    assert not {name: size for name, size in lengths.items() if size > MAX_LINES}


def in_circles(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return what is left of a graph without everything that leads to no circle."""
    while leaves := {name for name, targets in graph.items() if not targets}:
        graph = {
            name: targets - leaves
            for name, targets in graph.items()
            if name not in leaves
        }
    return graph


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module: imports(module) & {*MODULES} for module in MODULES}
    assert not in_circles(graph)


def test_no_typescript_modules_import_each_other_in_a_circle() -> None:
    paths = [path for path in SRC.rglob("*.ts*") if ".test." not in path.name]
    names = {path.with_suffix(""): str(path.relative_to(SRC)) for path in paths}
    graph = {
        names[path.with_suffix("")]: {
            names[(path.parent / target).resolve()]
            for target in re.findall(r" from '(\.[^']+)'", path.read_text())
        }
        for path in paths
    }
    assert any(graph.values())
    assert not in_circles(graph)


def test_private_names_of_dash_are_used_in_the_bridge_alone() -> None:
    using = set()
    for module in MODULES:
        path = PACKAGE.joinpath(*module.split("."))
        path = path / "__init__.py" if path.is_dir() else Path(f"{path}.py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "dash._"
            ):
                using.add(layer_of(module))
    assert using == {"bridge"}


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_engine_is_not_imported_before_it_is_used(engine: str) -> None:
    code = f"import sys, dash_long_components; sys.exit({engine!r} in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=False)
    assert run.returncode == 0

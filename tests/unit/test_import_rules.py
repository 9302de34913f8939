"""Who may import whom (section 4 of the design): the layers stay apart."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dash_long_components

PACKAGE = Path(dash_long_components.__file__).parent
GENERATED = {"LongJob", "LongJobTray", "_imports_"}
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
)
ENGINES = {"celery", "cloudpickle", "diskcache", "psutil"}

#: For each module what it may import beside the standard library: packages, and
#: modules of this one. A layer is added here together with its module.
BASE = {"caching", "exceptions", "jobs", "lines", "records"}
BRIDGE = {
    *(
        "current",
        "context_vars",
        "dash_bridge",
        "signature",
        "trigger",
        "tasks",
        "runtime",
    ),
}
MAY_IMPORT: dict[str, set[str]] = {
    "exceptions": set(),
    "current": {"bars", "exceptions"},
    "jobs": set(),
    "quantities": set(),
    "caching": {"jobs"},
    "updates": {"jobs"},
    "records": {"exceptions", "jobs", "lines", "updates"},
    "bars": set(),
    "lines": set(),
    "log_handler": {"current"},
    "tqdm_hook": {"bars", "current"},
    "handles": {"itsdangerous", "exceptions"},
    "streaming": set(),
    "dash_bridge": {"dash", "flask", "exceptions"},
    "callback_runner": {"dash", "werkzeug", "dash_bridge", "streaming", "updates"},
    "signature": {"dash", "dash_bridge"},
    "trigger": {"dash", "dash_bridge", "signature", "jobs"},
    "tasks": {"signature"},
    "context_vars": {"tasks"},
    "reporter": {*BASE, "bars", "current", "dash_bridge", "updates"},
    "runtime": {
        *(*BASE, "callback_runner", "context_vars", "current", "dash_bridge"),
        *("reporter", "tasks", "tqdm_hook"),
    },
    "extension": {*BASE, "dash", "dash_bridge", "handles", "managers.base", "LongJob"},
    "routes": {*BASE, "flask", "extension"},
    "checks": {"dash", "dash_bridge", "jobs", "managers.base", "quantities"},
    "callbacks": {*BASE, *BRIDGE, "dash", "checks", "extension", "managers.base"},
    "app": {
        *{"dash", "checks", "exceptions", "callbacks", "extension", "managers.base"},
        "routes",
    },
    "managers.base": {*BASE, "app", "dash", "quantities", "tasks"},
    "managers.deadlines": set(),
    "managers.durations": {"diskcache"},
    "managers.forecasts": {"records"},
    "managers.memory": {
        *BASE,
        *BRIDGE,
        *("managers.base", "managers.flights", "managers.lanes", "quantities"),
        *("managers.deadlines", "managers.durations", "managers.forecasts"),
    },
    "testing.faults": {"dash", "werkzeug"},
    "testing.page": {*BASE, "dash", "extension"},
    "testing.waiting": {"extension", "testing.page"},
}
#: The Diskcache manager's own modules.
DISKCACHE = {
    f"managers.{name}"
    for name in (
        *("app_code", "attendance", "checkpoints", "countdowns", "crew"),
        *("diskcache", "dispatcher"),
        *("doorbell", "flights", "instants", "job_cache", "kept", "lanes", "launcher"),
        *(
            "outages",
            "overseer",
            "processes",
            "queues",
            "roster",
            "spares",
            "store",
            "tables",
        ),
        "worker",
    )
}
#: The Celery manager's own modules, and what both managers have.
CELERY = {
    f"managers.{name}"
    for name in (
        *("celery", "celery_askers", "celery_attendance", "celery_guard"),
        "celery_names",
        *("celery_lanes", "celery_records", "celery_results", "celery_store"),
        *("celery_strays", "celery_worker", "documents", "leases"),
        *("promptly", "shelf_database", "shelf_memcached", "shelves"),
    )
}
SHARED = {
    *("quantities", "managers.base", "managers.durations", "managers.forecasts"),
    *("managers.lanes", "managers.processes"),
}
MAY_IMPORT |= dict.fromkeys(
    DISKCACHE, {*BASE, *BRIDGE, *SHARED, *DISKCACHE, *ENGINES} - {"celery"}
)
MAY_IMPORT |= dict.fromkeys(
    CELERY, {*BASE, *BRIDGE, *SHARED, *CELERY, *ENGINES, "sqlalchemy"} - {"diskcache"}
)


def imports(module: str) -> set[str]:
    """Return what a module imports: a package's name, or our own module's."""
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    parents = module.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = parents[: len(parents) - node.level + 1]
            for alias in node.names:
                parts = [*base, *(node.module or "").split("."), alias.name]
                found.add(own_module([part for part in parts if part]))
    return {name for name in found if name not in sys.stdlib_module_names}


def own_module(parts: list[str]) -> str:
    """Return the module that a dotted name is, or is in."""
    return next(
        name
        for name in (".".join(parts[:end]) for end in range(len(parts), 0, -1))
        if name in MODULES
    )


@pytest.mark.parametrize(
    "module",
    [m for m in MODULES if not m.endswith("__init__") and m not in GENERATED],
)
def test_module_imports_what_its_layer_may(module: str) -> None:
    assert imports(module) <= MAY_IMPORT[module]


def test_only_two_modules_know_flask() -> None:
    assert {m for m in MAY_IMPORT if "flask" in imports(m)} == {"routes", "dash_bridge"}


@pytest.mark.parametrize("module", ["app", "callbacks", "extension", "routes"])
def test_nobody_but_users_knows_a_concrete_manager(module: str) -> None:
    assert not imports(module) & {*DISKCACHE, *CELERY, "managers.memory"}


def test_internals_of_dash_are_touched_in_two_modules() -> None:
    touching = set()
    for module in MAY_IMPORT:
        path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "dash._"
            ):
                touching.add(module)
    assert touching == {"callback_runner", "dash_bridge"}


@pytest.mark.parametrize("module", sorted(ENGINES))
def test_engine_is_not_imported_before_it_is_used(module: str) -> None:
    code = f"import sys, dash_long_components; sys.exit({module!r} in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=False)
    assert run.returncode == 0

"""A task has the same key in every process, and no two have the same."""

from __future__ import annotations

import functools
import json
import os
import py_compile
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from dash import Input, Output

from dash_long_components.bridge.signature import Signature
from dash_long_components.running import tasks
from tests.unit.fakes import Site, out, prop

MODULE = """
from dash import ALL, Input, Output, State
import dash_long_components as dlc
from tests.unit.fakes import Site

site = Site()

@site.long_callback(Output("a", "children"), Input("i", "value"))
def single(value):
    known = {"ada", "bob", "eve", "joe"}
    return [x for x in value if x in {"a", "b", "c"}], (lambda: known)()

@site.long_callback(
    [Output("b", "children"), Output({"type": "x", "index": ALL}, "value")],
    dict(x=Input("i", "value"), y=State("j", "value")),
)
def several(x, y):
    return x, [y]

@site.long_callback(
    Output("a", "children", allow_duplicate=True),
    Input("i", "value"), Input("k", "value"), prevent_initial_call=True,
)
def duplicate(i, k):
    return i

@site.long_callback(Input("i", "value"))
def none(i):
    pass

def make(name):
    @site.long_callback(Output(name, "children"), Input("i", "value"))
    def made(value):
        return name

make("c"), make("d")
"""

REPORT = "import json; from dash_long_components.running import tasks; "
REPORT += "print(json.dumps(tasks.fingerprints()))"


def fingerprints(module: Path, seed: int, how: str = "import") -> dict[str, str]:
    """Return keys and fingerprints as a process of its own finds them."""
    load = f"import sys; sys.path.insert(0, {str(module.parent)!r}); "
    load += f"import {module.stem}; "
    code = {
        "import": f"{load} {REPORT}",
        "reload": f"{load} import importlib; importlib.reload({module.stem}); {REPORT}",
        "main": f"import runpy; runpy.run_path({str(module)!r}, "
        f"run_name='__mp_main__'); {REPORT}",
    }[how]
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "PYTHONHASHSEED": str(seed),
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "some_app.py"
    path.write_text(MODULE)
    return path


def test_keys_and_fingerprints_are_the_same_in_every_process(module: Path) -> None:
    first = fingerprints(module, 1)
    assert len(first) == 6
    assert fingerprints(module, 2) == first


def test_fingerprints_are_the_same_without_sources(module: Path) -> None:
    py_compile.compile(str(module), cfile=str(module.with_suffix(".pyc")))
    module.unlink()
    assert fingerprints(module, 1) == fingerprints(module, 2)


def test_main_file_has_one_name_everywhere() -> None:
    def task() -> None:
        """Belong to the main file."""

    names = set()
    for name in ("__main__", "__mp_main__"):
        task.__module__ = name
        names.add(tasks.name_of(task))
    assert len(names) == 1


@pytest.mark.parametrize(
    ("file", "package", "name"),
    [
        ("folder/app.py", None, "app"),
        ("package/app.py", None, "package.app"),
        ("package/inner/app.py", "", "package.inner.app"),
        ("folder/app.py", "folder", "folder.app"),
        (None, None, "__main__"),
    ],
)
def test_main_file_has_the_name_under_which_a_worker_imports_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str | None,
    package: str | None,
    name: str,
) -> None:
    (tmp_path / "package" / "inner").mkdir(parents=True)
    for folder in ("package", "package/inner"):
        (tmp_path / folder / "__init__.py").touch()
    main = ModuleType("__main__")
    main.__package__ = package
    main.__file__ = file and str(tmp_path / file)
    monkeypatch.setitem(sys.modules, "__main__", main)

    def task() -> None:
        """Belong to the main file."""

    task.__module__ = "__main__"
    task.__qualname__ = "task"
    assert tasks.name_of(task) == f"{name}.task"


@pytest.mark.usefixtures("no_tasks")
def test_listener_gets_earlier_and_later_tasks() -> None:
    site = Site()
    heard: list[Any] = []

    def make(name: str) -> None:
        site.long_callback(Output(name, "children"), Input("i", "value"))(str)

    make("before")
    tasks.on_register(lambda task: heard.append(task.signature.outputs[0].component_id))
    make("after")
    assert heard == ["before", "after"]


def test_callbacks_of_a_factory_differ() -> None:
    site = Site()

    def make(name: str) -> None:
        @site.long_callback(Output(name, "children"), Input("i", "value"))
        def made(value: int) -> str:
            return name

    before = set(tasks.fingerprints())
    make("left")
    make("right")
    new = set(tasks.fingerprints()) - before
    assert len(new) == 2
    assert len({tasks.fingerprints()[key] for key in new}) == 1


def test_apps_of_a_factory_run_their_own_functions() -> None:
    def make(tenant: str) -> Site:
        site = Site()

        @site.long_callback(Output("text", "children"), Input("i", "value"))
        def made(value: int) -> str:
            return f"{tenant} {value}"

        return site

    sites = [make("left"), make("right")]
    submitted = [
        site.submit(out("text", "children"), [prop("i", "value", 1)]) for site in sites
    ]
    found = [tasks.find(job.call.task) for job in submitted]
    assert [task and task.function(1) for task in found] == ["left 1", "right 1"]


def keys_made_by(make: Callable[[], object]) -> list[str]:
    """Return the keys of the tasks that a call registers, new ones or not."""
    keys: list[str] = []
    tasks.on_register(lambda task: keys.append(task.key))
    del keys[:]
    make()
    return list(keys)


def test_factory_that_is_called_again_makes_the_same_task() -> None:
    def make(name: str = "shop") -> None:
        site = Site()
        lock = threading.Lock()

        @site.long_callback(Output("text", "children"), Input("i", "value"))
        def made(value: int) -> str:
            return f"{name} {lock} {site}"

    assert keys_made_by(make) == keys_made_by(make)
    assert keys_made_by(make) != keys_made_by(lambda: make("other"))


def test_functions_that_no_text_tells_apart_are_numbered() -> None:
    def make(lock: Any) -> None:
        @Site().long_callback(Output("text", "children"), Input("i", "value"))
        def made(value: int) -> str:
            return str(lock)

    first, second = threading.Lock(), threading.Lock()
    assert keys_made_by(lambda: make(first)) != keys_made_by(lambda: make(second))


@pytest.mark.parametrize(
    "change",
    [
        {"function": functools.partial(print, 1)},
        {"progress": Output("bar", "value")},
        {"on_error": print},
        {"triggered_by": "j"},
    ],
)
def test_same_function_with_other_options_is_another_task(
    change: dict[str, Any],
) -> None:
    def make(function: Any = print, triggered_by: str = "i", **options: Any) -> None:
        dependencies = Output("text", "children"), Input(triggered_by, "value")
        Site().long_callback(*dependencies, **options)(function)

    plain = keys_made_by(make)
    assert keys_made_by(make) == plain
    assert keys_made_by(lambda: make(**change)) != plain


def test_module_that_is_executed_again_makes_the_same_tasks(module: Path) -> None:
    assert fingerprints(module, 1, "reload") == fingerprints(module, 1)


def task_of(function: Any, **options: Any) -> tasks.Task:
    return tasks.Task(
        key="key",
        name="name",
        function=function,
        signature=Signature(args=(), options=options),
        progress=None,
        fingerprint="f",
    )


def test_fingerprint_tells_versions_apart(module: Path) -> None:
    before = fingerprints(module, 1)
    module.write_text(MODULE.replace("return x, [y]", "return y, [x]"))
    after = fingerprints(module, 1)
    assert after.keys() == before.keys()
    assert len({key for key in before if before[key] != after[key]}) == 1


def test_only_functions_that_an_import_defines_are_importable() -> None:
    def local() -> None:
        """Do nothing: no import defines this function."""

    assert not task_of(local).is_importable
    assert task_of(task_of).is_importable
    namespace: dict[str, Any] = {"__name__": "typed_in_a_notebook"}
    exec("def typed(): pass", namespace)
    assert not task_of(namespace["typed"]).is_importable


def test_later_task_replaces_the_earlier() -> None:
    key = uuid4().hex
    first, second = (replace(task_of(each), key=key) for each in (min, max))
    assert tasks.find(key) is None
    tasks.register(first)
    assert tasks.find(key) is first
    tasks.register(second)
    assert tasks.find(key) is second


def test_error_handler_of_its_own_comes_first() -> None:
    def mine(_error: Exception) -> None:
        """Handle it."""

    def theirs(_error: Exception) -> None:
        """Handle it too."""

    own = task_of(min, on_error=mine)
    assert own.for_app(theirs).signature.options["on_error"] is mine
    assert task_of(min).for_app(theirs).signature.options["on_error"] is theirs
    assert task_of(min).for_app(None).signature.options.get("on_error") is None


def load(name: str) -> str:
    return name


def wrapping(function: Any, *, tidily: bool) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return functools.wraps(function)(wrapper) if tidily else wrapper


def taking_a_function(action: Any) -> Any:
    def run(clicks: int) -> Any:
        return action(clicks)

    return run


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (load, "load"),
        (functools.partial(load, "a"), "load"),
        (functools.partial(functools.partial(load), "a"), "load"),
        (wrapping(load, tidily=True), "load"),
        (wrapping(load, tidily=False), "load"),
        (wrapping(wrapping(load, tidily=False), tidily=False), "load"),
        (functools.partial(wrapping(load, tidily=False), "a"), "load"),
        (taking_a_function(load), "taking_a_function.<locals>.run"),
        (len, "len"),
    ],
    ids=range(9),
)
def test_name_is_that_of_the_function_in_a_wrapper(function: Any, name: str) -> None:
    assert tasks.name_of(function).endswith(f".{name}"), tasks.name_of(function)

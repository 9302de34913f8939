"""Celery's command line finds what stands behind dots."""

from __future__ import annotations

import types
from pathlib import Path

import pytest
from celery import Celery
from celery.app.utils import find_app

from dash_long_components import CeleryLongCallbackManager
from dash_long_components.managers.celery.command_line import follow_dots

APP = """
from celery import Celery
from dash_long_components import CeleryLongCallbackManager

manager = CeleryLongCallbackManager(Celery("dotted", backend="redis://"))
"""


@pytest.fixture
def module() -> types.ModuleType:
    module = types.ModuleType("module")
    vars(module)["manager"] = types.SimpleNamespace(handle="the app")
    return module


def test_manager_is_found_by_the_name_of_its_handle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dotted_app.py").write_text(APP)
    monkeypatch.syspath_prepend(str(tmp_path))
    app = find_app("dotted_app:manager.handle")
    assert isinstance(app, Celery)
    assert app.main == "dotted"


def test_other_names_are_missing_as_ever(module: types.ModuleType) -> None:
    follow_dots(module)
    assert getattr(module, "manager.handle") == "the app"
    for name in ("handle", "manager.missing", "missing.handle", "manager."):
        with pytest.raises(AttributeError):
            getattr(module, name)
    with pytest.raises(AttributeError, match="module 'module' has no attribute 'x'"):
        module.x  # noqa: B018


def test_module_with_a_getattr_of_its_own_keeps_it(module: types.ModuleType) -> None:
    def own(name: str) -> str:
        return name

    vars(module)["__getattr__"] = own
    follow_dots(module)
    assert vars(module)["__getattr__"] is own


def test_manager_that_no_module_makes_is_a_manager_too() -> None:
    space = {"make": CeleryLongCallbackManager, "app": Celery("x", backend="redis://")}
    exec("manager = make(app)", space)
    assert isinstance(space["manager"], CeleryLongCallbackManager)

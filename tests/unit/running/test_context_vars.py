"""Tests of ``dash_long_components.running.context_vars``."""

from __future__ import annotations

import contextvars
import sys
from contextvars import ContextVar
from typing import Any
from unittest import mock

import pytest

from dash_long_components.core import module_names
from dash_long_components.running import context_vars

VARIABLE: ContextVar[Any] = ContextVar("variable", default="default")
PLACE = f"{__name__}:VARIABLE"


def capture(value: Any) -> dict[str, Any]:
    """Return what is captured of ``VARIABLE`` where it holds this."""

    def run() -> dict[str, Any]:
        VARIABLE.set(value)
        captured = context_vars.capture()
        return {place: captured[place] for place in captured if place == PLACE}

    return contextvars.copy_context().run(run)


@pytest.mark.parametrize("value", ["text", 0, None, [1, {"a": 2.5}]])
def test_variable_of_a_module_is_captured(value: Any) -> None:
    assert capture(value) == {PLACE: value}


@pytest.mark.parametrize("value", [object(), (1, 2), {1: 2}, {1, 2}])
def test_value_that_is_not_json_is_not_captured(value: Any) -> None:
    assert capture(value) == {}


def test_variable_of_no_module_is_not_captured() -> None:
    def run() -> dict[str, Any]:
        ContextVar[str]("local").set("value")
        return context_vars.capture()

    assert "value" not in contextvars.copy_context().run(run).values()


def test_variable_that_is_not_set_is_not_captured() -> None:
    assert PLACE not in context_vars.capture()


def test_job_has_the_captured_values() -> None:
    def run() -> Any:
        context_vars.restore({PLACE: "restored", "gone:VARIABLE": 1, "sys:path": 2})
        return VARIABLE.get()

    assert contextvars.copy_context().run(run) == "restored"
    assert VARIABLE.get() == "default"


def test_main_file_is_found_under_its_name() -> None:
    main = sys.modules[__name__]
    with mock.patch.dict(sys.modules, {"__mp_main__": main, "__main__": main}):
        name = module_names.importable_name("__mp_main__")
        assert name == module_names.importable_name("__main__") != "__mp_main__"
        assert module_names.find_module(name) is main

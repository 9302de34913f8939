"""The reference has every public name, option, property and label."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import dash_long_components
from dash_long_components import CurrentJob, Dash, exceptions, testing
from dash_long_components.managers.base import LongCallbackManager

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reference.md").read_text()

COMPONENTS = ("LongJob", "LongJobTray")
FUNCTIONS: list[Callable[..., Any]] = [
    dash_long_components.long_callback,
    dash_long_components.init_app,
    Dash,
    Dash.long_callback,
    LongCallbackManager,
    LongCallbackManager.init_app,
    dash_long_components.DiskcacheLongCallbackManager,
    dash_long_components.CeleryLongCallbackManager,
    testing.MemoryLongCallbackManager,
    testing.Page,
    testing.Page.start,
    testing.AsgiClient,
    testing.AsgiClient.request,
    testing.PollFaults,
    testing.PollFaults.fail,
    testing.wait_for_job,
    CurrentJob.track,
]
UNITS = re.compile(r"seconds|milliseconds|how many|number of|a number")


def described(function: Callable[..., Any]) -> dict[str, str]:
    """Return what the docstring says of each parameter."""
    sections = re.split(r"^(\w+):$", inspect.getdoc(function) or "", flags=re.MULTILINE)
    for heading, text in zip(sections[1::2], sections[2::2], strict=True):
        if heading == "Args":
            items = re.findall(r"^    (\w+): ((?:.|\n     )+)", text, re.MULTILINE)
            return dict(items)
    return {}


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(function).parameters)
    found.pop("self", None)
    return found


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__qualname__)
def test_docstring_describes_every_parameter(function: Callable[..., Any]) -> None:
    assert list(described(function)) == list(parameters(function))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__qualname__)
def test_docstring_says_the_unit_of_every_number(function: Callable[..., Any]) -> None:
    texts = described(function)
    for name, parameter in parameters(function).items():
        if re.match(r"(float|int)\b(?! \| str)", str(parameter.annotation)):
            assert UNITS.search(texts[name]), name


@pytest.mark.parametrize(
    "name",
    [
        *dash_long_components.__all__,
        *(f"testing.{name}" for name in testing.__all__),
    ],
)
def test_page_has_every_public_name(name: str) -> None:
    if hasattr(exceptions, name):
        directive = "automodule:: dash_long_components.exceptions"
    elif name in COMPONENTS:
        directive = f"{{component-properties}} {name}"
    else:
        directive = f":: dash_long_components.{name}"
    assert re.search(rf"{re.escape(directive)}(\(\))?$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_property_has_a_description(component: str) -> None:
    package = resources.files(dash_long_components)
    metadata = json.loads((package / "metadata.json").read_text())
    props = metadata[f"src/components/{component}.tsx"]["props"]
    assert props
    for name, prop in props.items():
        assert len(prop["description"].split()) > 2, name

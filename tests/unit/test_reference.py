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
from dash_long_components import exceptions, testing
from dash_long_components.managers.base import LongCallbackManager

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reference.md").read_text()

COMPONENTS = ("LongJob", "LongJobButton", "LongJobTray")
#: Public methods that the package itself calls, or that a manager of one's own has.
INTERNAL = {
    "LongCallbackManager": {
        *("halts", "change_halts", "check_not_draining", "check_queue", "stale_result"),
        *("submit", "read", "read_all", "cancel", "secret", "libraries", "warm_up"),
        *("answer",),
        *("load_result", "look_for", "look_up", "watch"),
        *("look_and_count", "count_queued", "kept_call", "workers"),
    },
    "CurrentJob": {
        "bars",
        "fields",
        "has_asked",
        "lines",
        "of",
        "pause_after",
        "report_to",
        "traced",
    },
    "Job": {"found"},
    "JobLogHandler": {"emit"},
    "testing.AsgiResponse": {"send"},
    "testing.Job": {"busy", "take", "take_result"},
}
PUBLIC: dict[str, Any] = {
    **{
        name: getattr(dash_long_components, name)
        for name in dash_long_components.__all__
    },
    **{f"testing.{name}": getattr(testing, name) for name in testing.__all__},
}
CLASSES = {
    name: value
    for name, value in PUBLIC.items()
    if inspect.isclass(value)
    and name not in COMPONENTS
    and not issubclass(value, BaseException)
}


def directive_of(name: str) -> str:
    """Return the directive of the page for a class, with its options."""
    pattern = (
        rf"autoclass:: dash_long_components\.{re.escape(name)}(\(\))?\n(    :.*\n)*"
    )
    found = re.search(pattern, PAGE)
    assert found, name
    return found[0]


def members_of(name: str) -> set[str]:
    """Return the methods and properties of a class that users may use.

    A concrete manager has those of the contract, which the page lists once.
    """
    kind = CLASSES[name]
    base = set(dir(LongCallbackManager)) if kind is not LongCallbackManager else set()
    own = {
        member
        for each in kind.__mro__
        if each.__module__.startswith("dash_long_components")
        for member, value in vars(each).items()
        if not member.startswith("_")
        if callable(value) or isinstance(value, property | classmethod)
    }
    inherited = base if issubclass(kind, LongCallbackManager) else set()
    return own - inherited - INTERNAL.get(name, set())


def functions() -> dict[str, Callable[..., Any]]:
    """Return the functions, constructors and methods that the page describes."""
    found: dict[str, Callable[..., Any]] = {
        name: each for name, each in PUBLIC.items() if inspect.isfunction(each)
    }
    for name, kind in CLASSES.items():
        is_made_by_users = "()" not in directive_of(name)
        if is_made_by_users and "__init__" not in directive_of(name):
            found[name] = kind
        for member in members_of(name):
            if inspect.isfunction(value := getattr(kind, member)):
                found[f"{name}.{member}"] = value
    return found


FUNCTIONS = functions()
each_function = pytest.mark.parametrize("name", sorted(FUNCTIONS))
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


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_page_has_every_public_member(name: str) -> None:
    options = dict(re.findall(r"    :([\w-]+):(.*)", directive_of(name)))
    listed = options.get("members", "-").strip()
    if listed:
        assert {*re.findall(r"\w+", listed)} == members_of(name)


@each_function
def test_docstring_describes_every_parameter(name: str) -> None:
    function = FUNCTIONS[name]
    assert list(described(function)) == list(parameters(function))


@each_function
def test_docstring_says_the_unit_of_every_number(name: str) -> None:
    texts = described(FUNCTIONS[name])
    for parameter, value in parameters(FUNCTIONS[name]).items():
        if re.match(r"(float|int)\b(?! \| str)", str(value.annotation)):
            assert UNITS.search(texts[parameter]), parameter


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


@pytest.mark.parametrize("component", ["LongJob", "LongJobAdmin"])
def test_page_has_the_labels(component: str) -> None:
    assert f"```{{labels}} {component}\n```" in PAGE


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_property_has_a_description(component: str) -> None:
    package = resources.files(dash_long_components)
    metadata = json.loads((package / "metadata.json").read_text())
    props = metadata[f"src/components/{component}.tsx"]["props"]
    assert props
    for name, prop in props.items():
        assert len(prop["description"].split()) > 2, name

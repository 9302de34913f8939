"""The tests that docs/testing.md shows do what it says: they are run as they stand."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from dash.testing.composite import DashComposite

from tests.conftest import ROOT

BLOCKS = [
    block.partition("```\n")[0]
    for block in (ROOT / "docs/testing.md").read_text().split("```python\n")[1:]
]


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The names of each documented file, by the name of the file."""
    made = {}
    for block in BLOCKS:
        name = block.splitlines()[0].removeprefix("# ").removesuffix(".py")
        module = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(block, f"{name}.py", "exec"), vars(module))
        made[name] = vars(module)
    return made


def test_without_a_browser(modules: dict[str, dict[str, Any]]) -> None:
    names = modules["test_app"]
    tests = [name for name in names if name.startswith("test_")]
    assert len(tests) == 3
    for name in tests:
        fixture: Iterator[Any] = names["app"].__wrapped__()
        names[name](next(fixture))
        assert next(fixture, None) is None


def test_in_a_browser(
    modules: dict[str, dict[str, Any]], dash_duo: DashComposite
) -> None:
    modules["test_browser"]["test_count"](dash_duo)

"""``import dash_long_components as dash`` has all that ``dash`` has."""

from __future__ import annotations

import subprocess
import sys

import dash
import pytest
from dash.exceptions import PreventUpdate

import dash_long_components

NAMES = [name for name in dir(dash) if not name.startswith("_")]
OWN = {"Dash", "exceptions"}


@pytest.mark.parametrize("name", sorted({*NAMES} - OWN - {"testing"}))
def test_names_of_dash_are_there(name: str) -> None:
    assert getattr(dash_long_components, name) is getattr(dash, name)
    assert name in dir(dash_long_components)


def test_exceptions_of_dash_are_there() -> None:
    assert dash_long_components.exceptions.PreventUpdate is PreventUpdate


@pytest.mark.parametrize("name", ["Dsh", "_utils", "LongCallback"])
def test_other_names_are_missing(name: str) -> None:
    assert not hasattr(dash_long_components, name)


def test_modules_of_our_own_come_before_those_of_dash() -> None:
    code = (
        "import dash.testing, dash_long_components\n"
        "assert not hasattr(dash_long_components, 'testing')\n"
        "from dash_long_components import testing\n"
        "assert testing.Page"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

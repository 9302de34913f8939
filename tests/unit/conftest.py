"""Tests do not hear of each other's apps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dash._get_app import app_context


@pytest.fixture(autouse=True)
def _no_app_of_another_test() -> Iterator[None]:
    # Dash remembers, in the thread, the app that last served a layout.
    token = app_context.set(None)
    yield
    app_context.reset(token)

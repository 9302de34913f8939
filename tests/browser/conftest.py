"""A browser whose log must be empty when a test ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dash.testing.browser import Browser


@pytest.fixture
def browser(dash_br: Browser) -> Iterator[Browser]:
    yield dash_br
    assert dash_br.get_logs() == []

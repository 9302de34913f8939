"""An app for each test."""

from __future__ import annotations

import pytest

from tests.unit.fakes import Site


@pytest.fixture
def site() -> Site:
    return Site()

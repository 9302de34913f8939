"""An app on each backend."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests import backends
from tests.unit.fakes import Site


@pytest.fixture(params=backends.ALL)
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param)


@pytest.fixture
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that nothing was logged that an operator would have to look at."""
    yield
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]

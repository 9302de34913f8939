"""One manager for the tests of a module, and a pair of apps for each test."""

from __future__ import annotations

from collections.abc import Iterator

import diskcache
import pytest

from dash_long_components import DiskcacheLongCallbackManager
from tests.browser.parity.twins import Twins


@pytest.fixture(scope="module")
def manager(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DiskcacheLongCallbackManager]:
    cache = diskcache.Cache(tmp_path_factory.mktemp("cache"))
    manager = DiskcacheLongCallbackManager(cache)
    yield manager
    manager.close()


@pytest.fixture
def twins(manager: DiskcacheLongCallbackManager) -> Twins:
    return Twins(manager)

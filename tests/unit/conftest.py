"""Fixtures of the unit tests. No test sees the apps of another."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from unittest import mock

import pytest
from dash._get_app import app_context
from hypothesis import HealthCheck, settings

from dash_long_components.managers.processes import MARK
from dash_long_components.running import tasks
from tests.unit.target import Target

# How long an example takes is the machine's business: it may be a busy one. What CI
# says of a change is not to depend on the examples that it happens to try; those who
# run the tests by hand look for new ones every time.
settings.register_profile(
    "unit",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def _no_app_of_another_test() -> Iterator[None]:
    # Dash remembers, in the thread, the app that last served a layout.
    token = app_context.set(None)
    yield
    app_context.reset(token)


@pytest.fixture(scope="module", autouse=True)
def _connections_are_closed() -> Iterator[None]:
    # Python 3.13 warns of a connection to SQLite that the garbage collector has to
    # close, in whichever test that is. This lets the module fail that has opened it.
    yield
    if sys.version_info >= (3, 13):
        gc.collect()


@pytest.fixture
def no_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the tasks of other tests, and what listens for new ones."""
    monkeypatch.setattr(tasks, "_registry", {})
    monkeypatch.setattr(tasks, "_listeners", [])


@pytest.fixture(autouse=True)
def _no_mark_of_a_job() -> Iterator[None]:
    # A job that a test runs in this very process marks all that is started from then
    # on as its own; and what is left of a job that died is ended, on all the machine.
    yield
    os.environ.pop(MARK, None)


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with tempfile.TemporaryDirectory() as folder:
        # By value: no dispatcher can import a function of a test.
        with mock.patch("time.sleep"):
            target = Target(folder)
        yield target
        target.close()

"""A dispatcher ends those of other code that hang."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.managers.diskcache.dispatcher import siblings as module
from dash_long_components.managers.diskcache.dispatcher.siblings import Siblings
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.heartbeats import MISSED
from dash_long_components.managers.store.store import Store

ME = Process.current()
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path), 60)
    assert store.registry.claim("new", ME, port=1, tasks={})
    yield store
    store.close()


@pytest.fixture
def siblings(store: Store) -> Siblings:
    return Siblings(store.registry, ME)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(SLEEP)
    yield child
    child.kill()
    child.wait(20)


def test_dispatcher_of_other_code_without_heartbeats_is_killed(
    store: Store,
    siblings: Siblings,
    child: subprocess.Popen[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    dispatcher = Process.of(child.pid)
    assert store.registry.claim("old", dispatcher, port=1, tasks={})
    for _ in range(2):
        for _ in range(MISSED):
            siblings.look()
        assert child.poll() is None
        store.registry.send_heartbeat(dispatcher)
    for _ in range(MISSED + 1):
        siblings.look()
    assert child.wait(20) != 0
    assert f"(process {child.pid}) has not responded" in caplog.text


def test_dispatcher_of_other_code_that_imports_its_app_has_time(
    store: Store, siblings: Siblings, child: subprocess.Popen[bytes]
) -> None:
    assert store.registry.claim("old", Process.of(child.pid), port=1)
    for _ in range(2 * MISSED):
        siblings.look()
    assert child.poll() is None


def test_dispatcher_of_other_code_that_was_stopped_in_a_write_is_killed(
    store: Store, siblings: Siblings, child: subprocess.Popen[bytes]
) -> None:
    assert store.registry.claim("old", Process.of(child.pid), port=1, tasks={})
    siblings.end_stopped_writes()
    assert child.poll() is None
    with mock.patch.object(module, "is_stopped_in_write", return_value=True):
        siblings.end_stopped_writes()
    assert child.wait(20) != 0

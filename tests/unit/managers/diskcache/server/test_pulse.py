"""A server writes heartbeats, and replaces a dispatcher that writes none."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.managers.diskcache.server import pulse as module
from dash_long_components.managers.diskcache.server.pulse import Pulse
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.database import Database
from dash_long_components.managers.store.heartbeats import INTERVAL, MISSED
from dash_long_components.managers.store.registry import RegisteredDispatcher, Registry
from dash_long_components.managers.store.store import Store

ME = Process.current()
THERE = replace(ME, host="another container")
START_TIMEOUT = 60.0
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path / "jobs"), 60)
    store.registry.add_server("v1", ME)
    yield store
    store.close()


@pytest.fixture
def ensure() -> mock.Mock:
    return mock.Mock()


@pytest.fixture
def launched() -> mock.Mock:
    """The dispatcher that this process has started last."""
    return mock.Mock(return_value=None)


@pytest.fixture
def pulse(store: Store, ensure: mock.Mock, launched: mock.Mock) -> Iterator[Pulse]:
    """A pulse that beats only when it is told to."""
    with mock.patch.object(module, "INTERVAL", 600.0):
        pulse = Pulse(store, "v1", ME, ensure, launched, START_TIMEOUT)
        yield pulse
        pulse.stop()


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(SLEEP)
    yield child
    child.kill()
    child.wait(20)


def test_dispatcher_without_heartbeats_is_killed_and_replaced(
    store: Store,
    pulse: Pulse,
    ensure: mock.Mock,
    child: subprocess.Popen[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    store.registry.claim("v1", Process.of(child.pid), port=1, tasks={})
    for _ in range(MISSED):
        pulse.beat()
    assert child.poll() is None
    ensure.assert_not_called()
    pulse.beat()
    assert child.wait(20) != 0
    ensure.assert_called_once_with()
    assert "has not responded" in caplog.text
    assert str(child.pid) in caplog.text


def test_dispatcher_with_heartbeats_stays(
    store: Store, pulse: Pulse, child: subprocess.Popen[bytes]
) -> None:
    dispatcher = Process.of(child.pid)
    store.registry.claim("v1", dispatcher, port=1, tasks={})
    for _ in range(3 * MISSED):
        pulse.beat()
        pulse.beat()
        store.registry.send_heartbeat(dispatcher)
    assert child.poll() is None


@pytest.fixture(params=["registered", "launched"])
def starting(
    request: pytest.FixtureRequest,
    store: Store,
    launched: mock.Mock,
    child: subprocess.Popen[bytes],
) -> subprocess.Popen[bytes]:
    """A dispatcher that imports the app; it may not have said yet that it is there."""
    if request.param == "registered":
        store.registry.claim("v1", Process.of(child.pid), port=1)
    else:
        launched.return_value = Process.of(child.pid)
    return child


def test_dispatcher_that_imports_the_app_has_time_but_not_for_ever(
    pulse: Pulse,
    ensure: mock.Mock,
    starting: subprocess.Popen[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(int(START_TIMEOUT / INTERVAL)):
        pulse.beat()
    assert starting.poll() is None
    pulse.beat()
    assert starting.wait(20) != 0
    ensure.assert_called_once_with()
    assert "has not started in 60 s (start_timeout)" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGSTOP")
def test_dispatcher_that_is_stopped_while_it_imports_the_app_is_replaced(
    pulse: Pulse,
    ensure: mock.Mock,
    starting: subprocess.Popen[bytes],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pulse.beat()
    for stop, go_on in ((MISSED - 1, True), (MISSED, False)):
        starting.send_signal(signal.SIGSTOP)
        os.waitpid(starting.pid, os.WUNTRACED)
        for _ in range(stop):
            assert starting.poll() is None
            pulse.beat()
        if go_on:
            starting.send_signal(signal.SIGCONT)
            os.waitpid(starting.pid, os.WCONTINUED)
            pulse.beat()
    assert starting.wait(20) != 0
    ensure.assert_called_once_with()
    assert "was stopped for 10 s while it started" in caplog.text


def test_dispatcher_that_works_is_not_starting(
    store: Store,
    pulse: Pulse,
    launched: mock.Mock,
    child: subprocess.Popen[bytes],
) -> None:
    dispatcher = launched.return_value = Process.of(child.pid)
    store.registry.claim("v1", dispatcher, port=1, tasks={})
    for _ in range(3):
        pulse.beat()
    assert pulse.start.seconds == 0.0


def test_dispatcher_is_started_for_jobs_that_no_page_polls_for(
    store: Store, pulse: Pulse, ensure: mock.Mock
) -> None:
    pulse.beat()
    ensure.assert_not_called()
    with mock.patch.object(store.dispatching, "has_work", return_value=True):
        pulse.beat()
    ensure.assert_called_once_with()


@pytest.mark.parametrize("tasks", [{}, None])
def test_dispatcher_that_died_is_replaced_though_no_job_waits(
    store: Store,
    pulse: Pulse,
    ensure: mock.Mock,
    child: subprocess.Popen[bytes],
    tasks: dict[str, str] | None,
) -> None:
    store.registry.claim("v1", Process.of(child.pid), port=1, tasks=tasks)
    pulse.beat()
    ensure.assert_not_called()
    child.kill()
    child.wait(20)
    pulse.beat()
    # One that died while it imported the app would only die again.
    assert ensure.called == (tasks is not None)


def test_other_host_is_told_once(
    store: Store, pulse: Pulse, caplog: pytest.LogCaptureFixture
) -> None:
    pulse.beat()
    database = Database(os.path.dirname(store.path))
    there = Registry(database, THERE.host)
    there.add_server("v1", THERE)
    for _ in range(3):
        there.send_heartbeat(THERE)
        pulse.beat()
    database.close()
    assert caplog.text.count("another container, pid namespace") == 1


def test_thread_ends_when_it_is_told_to(store: Store) -> None:
    with mock.patch.object(module, "INTERVAL", 0.01):
        before = set(threading.enumerate())
        launched = mock.Mock(return_value=None)
        pulse = Pulse(store, "v1", ME, mock.Mock(), launched, START_TIMEOUT)
        (thread,) = set(threading.enumerate()) - before
        pulse.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_thread_ends_before_its_connection_when_the_process_exits(
    tmp_path: Path,
) -> None:
    program = """
import sys, threading
import diskcache
from dash_long_components import DiskcacheLongCallbackManager
from dash_long_components.managers.diskcache.server.pulse import Pulse

has_begun = threading.Event()

def beat(self):
    has_begun.set()
    is_last = False
    while not is_last:
        is_last = self._stopped.is_set()
        self.send_heartbeat()

Pulse.beat = beat
manager = DiskcacheLongCallbackManager(diskcache.Cache(sys.argv[1]))
manager._connection.launcher()
has_begun.wait()
"""
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""


@pytest.mark.parametrize("is_registered", [True, False])
@pytest.mark.parametrize("can_read", [True, False])
@pytest.mark.parametrize("is_stopped", [True, False])
def test_dispatcher_that_was_stopped_in_a_write_is_killed_and_replaced(
    store: Store,
    child: subprocess.Popen[bytes],
    caplog: pytest.LogCaptureFixture,
    is_stopped: bool,
    can_read: bool,
    is_registered: bool,
) -> None:
    if is_registered:
        store.registry.claim("v1", Process.of(child.pid), port=1, tasks={})
        launched = mock.Mock(return_value=None)
    else:
        launched = mock.Mock(return_value=Process.of(child.pid))
    locked = sqlite3.OperationalError("database is locked")
    seen, turns, ensured = threading.Event(), threading.Semaphore(0), threading.Event()
    beat, dispatcher = store.registry.send_heartbeat, store.registry.dispatcher

    def beat_once(me: Process, answers_pages: bool) -> None:
        turns.release()
        if seen.is_set():
            raise locked
        beat(me, answers_pages=answers_pages)

    def see(code: str) -> RegisteredDispatcher | None:
        if seen.is_set() and not can_read:
            raise locked
        seen.set()
        return dispatcher(code)

    def ensure() -> None:
        ensured.set()
        raise locked  # now by another process, and the thread goes on

    with (
        mock.patch.object(module, "INTERVAL", 0.01),
        mock.patch.object(module, "is_stopped_in_write", return_value=is_stopped),
        mock.patch.object(store.registry, "send_heartbeat", beat_once),
        mock.patch.object(store.registry, "dispatcher", see),
    ):
        pulse = Pulse(store, "v1", ME, ensure, launched, START_TIMEOUT)
        assert ensured.wait(20 if is_stopped else 0) == is_stopped
        for _ in range(3 * MISSED):
            assert turns.acquire(timeout=20)
        pulse.stop()
    if is_stopped:
        assert child.wait(20) != 0
        assert f"(process {child.pid}) was stopped in a write" in caplog.text
    else:
        # It may wait for the same lock.
        assert child.poll() is None

"""A server starts dispatchers, and gives up if they fail again and again."""

from __future__ import annotations

import errno
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.exceptions import StoreError
from dash_long_components.managers.diskcache.dispatcher.process import NO_STORE
from dash_long_components.managers.diskcache.server import interpreter
from dash_long_components.managers.diskcache.server.launcher import (
    MAX_FAILURES,
    RETRY,
    Launcher,
)
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.registry import Registry
from dash_long_components.managers.store.store import Store
from tests.unit.managers.diskcache.made import settings_of

ME = Process.current()
TIMEOUT = 10.0


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[[], Launcher]]:
    """Make launchers, each as that of a server process of its own."""
    settings = settings_of(tmp_path, 1)
    launchers: list[Launcher] = []

    def launch() -> Launcher:
        launchers.append(Launcher(Store(str(tmp_path), 60), settings))
        return launchers[-1]

    yield launch
    for launcher in launchers:
        launcher.close()


@pytest.fixture
def launcher(launch: Callable[[], Launcher]) -> Launcher:
    return launch()


class Clock:
    """Both clocks, which move together when they are told to."""

    def __init__(self) -> None:
        self.now = RETRY * 1e6

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with mock.patch("time.monotonic", clock), mock.patch("time.time", clock):
        yield clock


def end(
    launcher: Launcher, exit_code: int, work: Callable[[], object] | None = None
) -> None:
    """Have a dispatcher start and end.

    Args:
        launcher: starts it.
        exit_code: of it.
        work: what it does until then.
    """
    process = mock.Mock(spec=subprocess.Popen, returncode=exit_code, pid=1)
    process.poll.return_value = exit_code
    process.wait.side_effect = work
    with mock.patch.object(subprocess, "Popen", return_value=process) as start:
        launcher.wake()
    start.assert_called_once()
    for thread in threading.enumerate():
        if thread.name == "dash-long-jobs-dispatcher":
            thread.join(TIMEOUT)
            assert not thread.is_alive()


def fail(launcher: Launcher) -> None:
    for _ in range(MAX_FAILURES):
        end(launcher, 1)
    assert launcher.has_failed


def test_dispatchers_that_fail_in_a_row_are_given_up(launcher: Launcher) -> None:
    end(launcher, 1)
    end(launcher, 1)
    assert not launcher.has_failed
    dead = Process(ME.pid, ME.started - 1)
    end(
        launcher,
        0,
        partial(launcher.store.registry.claim, "v1", dead, port=1, tasks={}),
    )
    end(launcher, 1)
    end(launcher, 1)
    assert not launcher.has_failed
    # As many processes of the server may start one at once, and all but one find it.
    end(launcher, 0)
    end(launcher, 1)
    assert launcher.has_failed


def test_server_processes_count_their_failures_together(
    launch: Callable[[], Launcher],
) -> None:
    launchers = [launch() for _ in range(MAX_FAILURES)]
    for launcher in launchers:
        end(launcher, 1)
    with mock.patch.object(subprocess, "Popen", side_effect=OSError):
        for launcher in launchers:
            launcher.ensure()
            assert launcher.has_failed
    for launcher in launchers:
        launcher.close()
    assert launch().store.registry.failures("v1") == 0, "the server was started again"


def test_dispatcher_without_a_store_is_no_failure(launcher: Launcher) -> None:
    for _ in range(MAX_FAILURES):
        end(launcher, NO_STORE)
    assert not launcher.has_failed


def test_dispatcher_that_has_worked_is_no_failure(launcher: Launcher) -> None:
    # Its number is not that of the process which was started, as on Windows.
    for number in range(MAX_FAILURES):
        dead = Process(ME.pid, ME.started - 1 - number)
        claim = partial(launcher.store.registry.claim, "v1", dead, port=1, tasks={})
        end(launcher, 1, claim)
    assert not launcher.has_failed


def test_one_that_comes_up_after_failures_is_good(launcher: Launcher) -> None:
    fail(launcher)
    launcher.store.registry.claim("v1", ME, port=1)
    launcher.ensure()
    assert launcher.has_failed, "it may fail in its import, as the others did"
    launcher.store.registry.claim("v1", ME, port=1, tasks={})
    launcher.wake()
    assert not launcher.has_failed


def test_app_that_takes_long_to_start_is_told(launcher: Launcher) -> None:
    launcher.store.registry.claim("v1", ME, port=1)
    for number in range(7):
        assert (launcher.hint() is None) == (number <= 5)
        launcher._pulse.beat()
    assert "up to 600 s (start_timeout)" in str(launcher.hint())
    launcher.store.registry.claim("v1", ME, port=1, tasks={})
    launcher._pulse.beat()
    assert launcher.hint() is None


def test_death_of_a_dispatcher_is_noticed_a_moment_later(launcher: Launcher) -> None:
    """Every poll asks, so that it looks a few times a second only."""
    launcher.store.registry.claim("v1", ME, port=1, tasks={})
    now = time.monotonic()
    with mock.patch("time.monotonic", return_value=now) as clock:
        launcher.ensure()
        with (
            mock.patch.object(Process, "is_alive", return_value=False),
            mock.patch.object(subprocess, "Popen", side_effect=OSError) as start,
        ):
            launcher.ensure()
            start.assert_not_called()
            clock.return_value += 0.3
            launcher.ensure()
    start.assert_called_once()


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ((socket, "socket"), OSError(errno.EMFILE, "Too many open files")),
        ((Process, "is_alive"), OSError(errno.EMFILE, "Too many open files")),
        ((Registry, "dispatcher"), StoreError("The job store was removed.")),
    ],
)
def test_change_of_the_store_stays_made_though_no_dispatcher_can_be_woken(
    launcher: Launcher, where: tuple[object, str], error: Exception
) -> None:
    launcher.store.registry.claim("v1", ME, port=1, tasks={})
    with mock.patch.object(*where, side_effect=error) as fails:
        launcher.wake()
        fails.assert_called()


def test_dispatcher_starts_though_no_thread_can(launcher: Launcher) -> None:
    no_thread = RuntimeError("can't start new thread")
    process = mock.Mock(spec=subprocess.Popen)
    with (
        mock.patch.object(subprocess, "Popen", return_value=process) as start,
        mock.patch.object(threading.Thread, "start", side_effect=no_thread),
    ):
        launcher.wake()
    start.assert_called_once()


def test_server_that_has_answered_a_page_tells_it_and_an_outage_costs_nothing(
    launcher: Launcher,
) -> None:
    registry = launcher.store.registry
    launcher._pulse.beat()
    assert not registry.answers_pages()
    locked = sqlite3.OperationalError("database is locked")
    with mock.patch.object(registry, "send_heartbeat", side_effect=locked):
        launcher.answer_page()
    assert not registry.answers_pages()
    launcher._pulse.beat()
    assert registry.answers_pages()
    registry.send_heartbeat(ME)  # of another manager of this process
    assert registry.answers_pages()


def test_server_that_ends_no_longer_wants_a_dispatcher(launcher: Launcher) -> None:
    assert launcher.store.registry.has_servers("v1")
    launcher.close()
    assert not launcher.store.registry.has_servers("v1")


def test_dispatcher_does_not_inherit_the_socket_of_a_reloader(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WERKZEUG_SERVER_FD", "3")
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    monkeypatch.setenv("OF_THE_APP", "1")
    with mock.patch.object(subprocess, "Popen", side_effect=OSError) as start:
        launcher.wake()
    environment = start.call_args.kwargs["env"]
    assert environment["OF_THE_APP"] == "1"
    assert not any(name.startswith("WERKZEUG_") for name in environment)


@pytest.mark.parametrize(
    ("python", "said"), [(None, "no Python"), ("/no/such/python", "/no/such/python")]
)
def test_python_that_can_not_be_run_is_a_failure(
    launcher: Launcher,
    clock: Clock,
    python: str | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(interpreter, "find", lambda: python)
    for failures in range(MAX_FAILURES):
        assert not launcher.has_failed, failures
        launcher.wake()
        clock.now += RETRY
    assert launcher.has_failed
    assert said in caplog.text


def test_shortage_of_a_moment_is_one_failure_of_all_server_processes(
    launch: Callable[[], Launcher], clock: Clock
) -> None:
    with mock.patch.object(subprocess, "Popen", side_effect=OSError) as start:
        launchers = [launch() for _ in range(MAX_FAILURES)]
        for _ in range(3):
            for launcher in launchers:
                launcher.wake()
        assert start.call_count == len(launchers)
        assert not any(launcher.has_failed for launcher in launchers)
        clock.now += RETRY
        launchers[0].wake()
    assert start.call_count == len(launchers) + 1
    assert launchers[0].store.registry.failures("v1") == 2

"""A wake-up wakes the process that waits, and is not lost if none does."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import ExitStack

import pytest

from dash_long_components.managers.diskcache.dispatcher.wakeup import Wakeup, wake

TIMEOUT = 20.0


def seconds_waited(wakeup: Wakeup, timeout: float = TIMEOUT) -> float:
    start = time.monotonic()
    wakeup.wait(timeout)
    return time.monotonic() - start


def test_ring_before_the_wait_is_not_lost() -> None:
    with Wakeup() as wakeup:
        wake(wakeup.port)
        assert seconds_waited(wakeup) < TIMEOUT / 2


def test_ring_during_the_wait_ends_it() -> None:
    with Wakeup() as wakeup:
        waker = threading.Timer(0.05, wake, [wakeup.port])
        waker.start()
        assert seconds_waited(wakeup) < TIMEOUT / 2
        waker.join()


def test_many_rings_become_one() -> None:
    with Wakeup() as wakeup:
        for _ in range(1000):
            wake(wakeup.port)
        wakeup.wait(TIMEOUT)
        assert seconds_waited(wakeup, 0.05) >= 0.05


def test_signal_rings_too() -> None:
    with Wakeup() as wakeup:
        os.write(wakeup.waker_fd, b"\0")
        assert seconds_waited(wakeup) < TIMEOUT / 2


def test_wait_ends_without_a_ring() -> None:
    with Wakeup() as wakeup:
        assert seconds_waited(wakeup, 0.01) < TIMEOUT / 2


def test_wake_without_a_listener_is_no_error() -> None:
    with Wakeup() as wakeup:
        port = wakeup.port
    for _ in range(3):
        wake(port)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_process_may_have_any_number_of_open_files() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= before[1] < 2048:
        pytest.skip("The system allows too few open files.")
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, before[1]))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        for _ in range(1024):
            stack.enter_context(open(os.devnull))
        with Wakeup() as wakeup:
            wake(wakeup.port)
            assert seconds_waited(wakeup) < TIMEOUT / 2

"""A ring wakes whoever waits, and is not lost if nobody does."""

from __future__ import annotations

import os
import threading
import time

from dash_long_components.managers.diskcache.wakeup import Doorbell, ring

TIMEOUT = 20.0


def seconds_waited(bell: Doorbell, timeout: float = TIMEOUT) -> float:
    start = time.monotonic()
    bell.wait(timeout)
    return time.monotonic() - start


def test_ring_before_the_wait_is_not_lost() -> None:
    with Doorbell() as bell:
        ring(bell.port)
        assert seconds_waited(bell) < TIMEOUT / 2


def test_ring_during_the_wait_ends_it() -> None:
    with Doorbell() as bell:
        ringer = threading.Timer(0.05, ring, [bell.port])
        ringer.start()
        assert seconds_waited(bell) < TIMEOUT / 2
        ringer.join()


def test_many_rings_become_one() -> None:
    with Doorbell() as bell:
        for _ in range(1000):
            ring(bell.port)
        bell.wait(TIMEOUT)
        assert seconds_waited(bell, 0.05) >= 0.05


def test_signal_rings_too() -> None:
    with Doorbell() as bell:
        os.write(bell.ringer_fd, b"\0")
        assert seconds_waited(bell) < TIMEOUT / 2


def test_wait_ends_without_a_ring() -> None:
    with Doorbell() as bell:
        assert seconds_waited(bell, 0.01) < TIMEOUT / 2


def test_nobody_there_is_no_error() -> None:
    with Doorbell() as bell:
        port = bell.port
    for _ in range(3):
        ring(port)

"""A job with a page that polls stays, whatever the clocks of the machines say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.workers import presence as module
from dash_long_components.managers.celery.workers.presence import (
    Absence,
    Presence,
    send_heartbeat,
)


class Machines:
    """A server and a worker with a backend between them, and a fake clock."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.celery = Celery("app", backend=f"file://{folder}")
        self.documents = Documents(self.celery)
        self.server = Presence(self.celery)

    def monotonic(self) -> float:
        return self.now

    def send_heartbeat(self) -> None:
        send_heartbeat(self.documents)

    def poll(self) -> None:
        self.send_heartbeat()
        self.server.see("job", 10.0)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    machines = Machines(tmp_path)
    with (
        mock.patch("time.monotonic", machines.monotonic),
        mock.patch.object(module, "send_heartbeats"),
    ):
        yield machines


@pytest.fixture
def absence(machines: Machines) -> Absence:
    absence = Absence(machines.documents, "job", leave_timeout=10.0)
    machines.poll()
    assert not absence.has_left()
    return absence


def test_page_that_polls_has_never_left(machines: Machines, absence: Absence) -> None:
    for _ in range(100):
        machines.now += 1.0
        machines.poll()
        assert not absence.has_left()


def test_closed_page_has_left_after_its_timeout_while_a_server_lives(
    machines: Machines, absence: Absence
) -> None:
    looks = []
    for _ in range(12):
        machines.now += 1.0
        machines.send_heartbeat()
        looks.append(absence.has_left())
    assert looks == [False] * 10 + [True] * 2


def test_time_without_a_server_does_not_count(
    machines: Machines, absence: Absence
) -> None:
    for _ in range(100):
        machines.now += 1.0
        assert not absence.has_left()
    # When a server is back, the page has its whole time again.
    for _ in range(10):
        machines.send_heartbeat()
        assert not absence.has_left()
        machines.now += 1.0
    machines.now += 1.0
    machines.send_heartbeat()
    assert absence.has_left()


def test_time_without_a_backend_does_not_count(
    machines: Machines, absence: Absence
) -> None:
    machines.now += 9.0
    machines.send_heartbeat()
    assert not absence.has_left()
    away = StoreUnavailableError()
    with mock.patch.object(Documents, "read_many", side_effect=away):
        machines.now += 100.0
        assert not absence.has_left()
    machines.now += 9.0
    machines.send_heartbeat()
    assert not absence.has_left()


def test_server_remembers_a_number_of_jobs_alone(machines: Machines) -> None:
    with (
        mock.patch.object(module, "_REMEMBERED", 2),
        mock.patch.object(Documents, "write") as write,
    ):
        for job_id in ("a", "b", "b", "c", "a"):
            machines.server.see(job_id, 10.0)
    # Heartbeats and leases are written from other threads at any time.
    written = [call.args[0] for call in write.call_args_list]
    keys = [key for key in written if key.endswith(".seen")]
    assert keys == ["a.seen", "b.seen", "c.seen", "a.seen"]


def test_many_polls_are_few_writes(machines: Machines) -> None:
    with mock.patch.object(Documents, "write") as write:
        for _ in range(100):
            machines.server.see("job", 10.0)
            machines.now += 0.1
    assert write.call_count == 4

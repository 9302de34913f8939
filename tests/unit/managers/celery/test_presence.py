"""Who is asked for stays, whatever the clocks of servers and workers say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.managers.celery import presence as module
from dash_long_components.managers.celery.presence import Absence, Presence


class Machines:
    """A server and a worker with a backend between them, and time that is told."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.celery = Celery("app", backend=f"file://{folder}")
        self.server = Presence(self.celery)
        self.server._beating_in = -1

    def monotonic(self) -> float:
        return self.now

    def beat(self) -> None:
        self.server._documents.write(module._SERVERS, str(self.now))

    def poll(self) -> None:
        self.server.see("job", 10.0)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    machines = Machines(tmp_path)
    with (
        mock.patch("time.monotonic", machines.monotonic),
        mock.patch.object(machines.server, "_beat", machines.beat),
    ):
        yield machines


@pytest.fixture
def absence(machines: Machines) -> Absence:
    absence = Absence(machines.celery, "job")
    machines.poll()
    assert absence.look() == 0
    return absence


def test_page_that_polls_is_never_away(machines: Machines, absence: Absence) -> None:
    for _ in range(100):
        machines.now += 1.0
        machines.poll()
        assert absence.look() < 3.0


def test_page_that_is_gone_is_away_while_a_server_lives(
    machines: Machines, absence: Absence
) -> None:
    for second in range(1, 12):
        machines.now += 1.0
        machines.beat()
        assert absence.look() == second


def test_time_without_a_server_does_not_count(
    machines: Machines, absence: Absence
) -> None:
    seconds = []
    for _ in range(100):
        machines.now += 1.0
        seconds.append(absence.look())
    assert max(seconds) <= module._AWAY
    assert seconds[-1] == 0
    # When it is back, pages have their time again.
    machines.beat()
    assert absence.look() <= 1.0


def test_time_without_a_backend_does_not_count(
    machines: Machines, absence: Absence
) -> None:
    machines.now += 9.0
    machines.beat()
    assert absence.look() == 9.0
    away = StoreUnavailableError()
    with mock.patch.object(absence._documents, "read_many", side_effect=away):
        machines.now += 100.0
        assert absence.look() == 0
    machines.now += 1.0
    machines.beat()
    assert absence.look() == 1.0


def test_many_polls_are_few_writes(machines: Machines) -> None:
    write = machines.server._documents.write
    with mock.patch.object(machines.server._documents, "write", wraps=write) as writes:
        for _ in range(100):
            machines.poll()
            machines.now += 0.1
    seen = [call for call in writes.call_args_list if call.args[0] == "job.seen"]
    assert len(seen) == 4

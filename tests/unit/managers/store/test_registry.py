"""Processes of a store: those of this host by their numbers, others by heartbeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.managers.identity import Process, this_host
from dash_long_components.managers.store.database import Database
from dash_long_components.managers.store.heartbeats import INTERVAL, SILENCE
from dash_long_components.managers.store.registry import Registry

ME = Process.current()
DEAD = replace(ME, started=ME.started - 1)
THERE = replace(ME, host="another container")


class Clock:
    """A monotonic clock that moves when it is told to, and a wall clock with it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + 5e9


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with (
        mock.patch("time.monotonic", clock.monotonic),
        mock.patch("time.time", clock.time),
    ):
        yield clock


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(str(tmp_path))
    yield database
    database.close()


@pytest.fixture
def here(database: Database) -> Registry:
    return Registry(database, this_host())


@pytest.fixture
def there(database: Database) -> Registry:
    return Registry(database, THERE.host)


def test_process_of_another_host_lives_while_heartbeats_come(
    here: Registry, there: Registry, clock: Clock
) -> None:
    there.add_server("v1", THERE)
    for _ in range(20):
        clock.now += SILENCE - 1.0
        there.send_heartbeat(THERE)
        assert here.is_living(THERE)
        assert here.has_any_server("v1")
        assert here.abandoned() == {}


def test_host_without_heartbeats_is_gone_after_a_time(
    here: Registry, there: Registry, clock: Clock
) -> None:
    there.add_server("v1", THERE)
    assert here.is_living(THERE)
    clock.now += SILENCE
    assert here.is_living(THERE)
    clock.now += 0.1
    assert not here.is_living(THERE)
    assert not here.has_any_server("v1")
    assert here.abandoned() == {"v1": False}


def test_any_process_of_a_host_speaks_for_the_others(
    here: Registry, there: Registry, clock: Clock
) -> None:
    there.add_server("v1", THERE)
    other = replace(THERE, pid=THERE.pid + 1)
    there.claim("v1", other, port=1)
    for _ in range(20):
        clock.now += SILENCE - 1.0
        there.send_heartbeat(other)
        assert here.is_living(THERE)


def test_host_that_is_looked_at_late_has_its_time(
    here: Registry, there: Registry, clock: Clock
) -> None:
    there.add_server("v1", THERE)
    clock.now += 1e6
    assert here.is_living(THERE)


def test_host_that_has_left_no_row_is_gone_after_a_time(
    here: Registry, clock: Clock
) -> None:
    assert here.is_living(THERE)
    clock.now += SILENCE + 0.1
    assert not here.is_living(THERE)


def test_dead_process_of_this_host_is_known_at_once(here: Registry) -> None:
    here.add_server("v1", DEAD)
    assert here.abandoned() == {"v1": False}


def test_each_host_has_a_dispatcher_of_its_own(here: Registry, there: Registry) -> None:
    assert here.claim("v1", ME, port=1, tasks={"key": "f"})
    assert there.claim("v1", THERE, port=2)
    found = here.dispatcher("v1"), there.dispatcher("v1")
    assert [each and each.process for each in found] == [ME, THERE]
    assert [each and each.tasks for each in found] == [{"key": "f"}, None]
    assert here.resign("v1")
    assert here.dispatcher("v1") is None
    assert there.dispatcher("v1") is not None


def test_dispatcher_stays_while_a_server_here_wants_it(
    here: Registry, there: Registry
) -> None:
    here.claim("v1", ME, port=1)
    here.add_server("v1", ME)
    there.add_server("v1", THERE)
    assert not here.resign("v1")
    here.remove_server("v1", ME)
    assert here.resign("v1")


def test_dispatcher_that_resigns_takes_dead_servers_along(here: Registry) -> None:
    here.add_server("v1", DEAD)
    assert here.resign("v1")
    assert here.abandoned() == {}


def test_other_host_is_told_when_it_is_certain(
    here: Registry, there: Registry, clock: Clock
) -> None:
    here.add_server("v1", ME)
    assert here.other_host() is None
    there.add_server("v1", THERE)
    # It may have died long ago.
    assert here.other_host() is None
    assert here.other_host() is None
    clock.now += INTERVAL
    there.send_heartbeat(THERE)
    assert here.other_host() == THERE.host


def test_new_server_removes_those_that_have_died(
    here: Registry, database: Database
) -> None:
    here.add_server("v1", DEAD)
    here.add_server("v1", ME)
    assert database.query("SELECT process FROM process") == [(str(ME),)]


@pytest.mark.parametrize("living", ["client", "dispatcher"])
def test_code_is_not_abandoned_while_one_process_has_it(
    here: Registry, living: str
) -> None:
    client, dispatcher = (ME, DEAD) if living == "client" else (DEAD, ME)
    here.add_server("v1", client)
    assert here.claim("v1", dispatcher, port=1)
    here.add_server("old", DEAD, "app")
    assert here.abandoned() == {"old": False}
    here.add_server("new", ME, "app")
    assert here.abandoned() == {"old": True}

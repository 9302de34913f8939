"""Processes that appear with a death in the pool are ended, except the pool's own."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest

from dash_long_components.managers.celery.workers import orphans as module
from dash_long_components.managers.celery.workers.orphans import PoolOrphans
from dash_long_components.managers.identity import Process


class Machine:
    """The pool processes of a worker, and all children of its main process."""

    def __init__(self) -> None:
        self.members = [1, 2]
        self.children = {1, 2, 3}
        self.dead: set[int] = set()
        self.ended: list[int] = []
        self.living = Process.current()

    def all_children(self) -> set[int]:
        return set(self.children)

    def process(self, pid: int) -> Process:
        if pid in self.dead:
            raise ProcessLookupError(pid)
        return self.living

    def end(self, pid: int) -> bool:
        self.ended.append(pid)
        return True


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    with (
        mock.patch.object(module, "children", machine.all_children),
        mock.patch.object(Process, "of", machine.process),
        mock.patch.object(module, "end_child", machine.end),
        mock.patch("os.getpgid", return_value=0),
        mock.patch.object(module, "kill_group"),
    ):
        yield machine


def test_process_that_appears_with_a_death_is_ended(machine: Machine) -> None:
    orphans = PoolOrphans(lambda: list(machine.members))
    machine.dead.add(1)
    machine.children |= {11, 12}
    orphans.look()
    assert set(machine.ended) == {11, 12}


def test_orphan_is_ended_though_the_death_shows_one_look_earlier(
    machine: Machine,
) -> None:
    orphans = PoolOrphans(lambda: list(machine.members))
    machine.dead.add(1)
    orphans.look()
    machine.children.add(11)
    orphans.look()
    assert machine.ended == [11]


def test_orphan_is_ended_though_the_death_shows_one_look_later(
    machine: Machine,
) -> None:
    orphans = PoolOrphans(lambda: list(machine.members))
    machine.children.add(11)
    orphans.look()
    machine.dead.add(1)
    orphans.look()
    assert machine.ended == [11]


def test_process_that_appears_without_a_death_is_left_alone(machine: Machine) -> None:
    orphans = PoolOrphans(lambda: list(machine.members))
    machine.children.add(11)
    orphans.look()
    orphans.look()
    assert machine.ended == []


def test_new_pool_process_is_no_orphan(machine: Machine) -> None:
    orphans = PoolOrphans(lambda: list(machine.members))
    machine.dead.add(1)

    def fork_first() -> set[int]:
        machine.members = [2, 4]
        machine.children = {2, 3, 4}
        return machine.all_children()

    with mock.patch.object(module, "children", fork_first):
        orphans.look()
    orphans.look()
    orphans.look()
    assert machine.ended == []

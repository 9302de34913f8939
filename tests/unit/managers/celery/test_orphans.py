"""What has come with a death in the pool is ended, but for the pool's own."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest

from dash_long_components.managers.celery import orphans as module
from dash_long_components.managers.celery.orphans import Orphans


class Machine:
    """The processes of a worker's pool, and all children of its main process."""

    def __init__(self) -> None:
        self.members = [1, 2]
        self.children = {1, 2, 3}
        self.dead: set[int] = set()
        self.ended: list[int] = []

    def all_children(self) -> set[int]:
        return set(self.children)

    def is_alive(self, pid: int) -> bool:
        return pid not in self.dead


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Machine()
    with (
        mock.patch.object(module, "children", machine.all_children),
        mock.patch.object(module, "_is_alive", machine.is_alive),
        mock.patch.object(module, "_end", machine.ended.append),
        mock.patch.object(module, "kill_group"),
    ):
        yield machine


def test_what_comes_with_a_death_is_ended(machine: Machine) -> None:
    orphans = Orphans(lambda: list(machine.members))
    machine.dead.add(1)
    machine.children |= {11, 12}
    orphans.look()
    assert set(machine.ended) == {11, 12}


def test_what_comes_without_a_death_is_left_alone(machine: Machine) -> None:
    orphans = Orphans(lambda: list(machine.members))
    machine.children.add(11)
    orphans.look()
    orphans.look()
    assert machine.ended == []


def test_process_that_comes_to_the_pool_meanwhile_is_no_stray(machine: Machine) -> None:
    orphans = Orphans(lambda: list(machine.members))
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

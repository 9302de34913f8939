"""Who is asked for stays; who is not is told, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import diskcache
import pytest

from dash_long_components.managers.store.presence import Presence


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[diskcache.Cache]:
    with diskcache.Cache(str(tmp_path)) as cache:
        yield cache


@pytest.fixture
def presence(cache: diskcache.Cache) -> Presence:
    presence = Presence(cache)
    presence.expect("a", 10.0, 100.0)
    presence.expect("b", 30.0, 100.0)
    return presence


def test_page_that_is_quiet_for_too_long_has_left(presence: Presence) -> None:
    assert presence.left(0.0, 110.0) == []
    assert presence.left(0.0, 110.1) == ["a"]
    assert presence.left(0.0, 130.1) == ["a", "b"]


def test_page_that_asks_stays(presence: Presence) -> None:
    for now in range(100, 200, 2):
        presence.see("a", 10.0, float(now))
    assert presence.left(0.0, 201.0) == ["b"]


def test_nobody_leaves_while_pages_could_not_ask(presence: Presence) -> None:
    assert presence.left(195.0, 200.0) == []
    assert presence.left(195.0, 205.1) == ["a"]


def test_time_from_before_a_restart_of_the_machine_is_none(
    presence: Presence,
) -> None:
    # The clock began again at 0.
    assert presence.left(2.0, 5.0) == []
    assert presence.left(2.0, 12.1) == ["a"]
    presence.see("a", 10.0, 12.0)
    assert presence.left(2.0, 13.0) == []


def test_many_polls_are_few_writes(presence: Presence, cache: diskcache.Cache) -> None:
    with mock.patch.object(cache, "set", wraps=cache.set) as write:
        for tenth in range(100):
            presence.see("a", 10.0, 100.0 + tenth / 10)
    assert write.call_count <= 4


def test_who_is_forgotten_leaves_nothing(
    presence: Presence, cache: diskcache.Cache
) -> None:
    presence.forget("a")
    presence.forget("a")
    presence.see("a", 10.0, 200.0)
    assert presence.left(0.0, 1000.0) == ["b"]
    presence.forget("b")
    assert [key for key in cache if str(key).startswith("seen:")] == []

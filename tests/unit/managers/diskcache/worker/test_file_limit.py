"""A worker knows when its job has limited the size of files, and lifts that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from unittest import mock

import pytest

from dash_long_components.managers.diskcache.worker.file_limit import FileLimit

if sys.platform == "win32":
    pytest.skip("has no limits", allow_module_level=True)

import resource


class Limits:
    """The limits of a process that may raise them up to the hard one, as any may."""

    def __init__(self, soft: int, hard: int) -> None:
        self.pair = (soft, hard)

    def get(self, kind: int) -> tuple[int, int]:
        assert kind == resource.RLIMIT_FSIZE
        return self.pair

    def set(self, kind: int, pair: tuple[int, int]) -> None:
        assert kind == resource.RLIMIT_FSIZE
        if pair[1] > self.pair[1]:
            raise ValueError("not allowed to raise maximum limit")
        self.pair = pair


@pytest.fixture(params=[resource.RLIM_INFINITY, 1000])
def limits(request: pytest.FixtureRequest) -> Iterator[Limits]:
    """Limits without a bound, and those that an administrator has set."""
    endless = sys.maxsize
    limits = Limits(endless if request.param < 0 else 1000, endless)
    with (
        mock.patch.object(resource, "RLIM_INFINITY", endless),
        mock.patch.object(resource, "getrlimit", limits.get),
        mock.patch.object(resource, "setrlimit", limits.set),
    ):
        yield limits


def test_limit_is_lower_once_it_was_lowered(limits: Limits) -> None:
    limit = FileLimit()
    assert not limit.is_lower
    soft, hard = limits.pair
    limits.pair = (999, hard)
    assert limit.is_lower
    limits.pair = (soft, hard)
    assert not limit.is_lower


def test_lifted_limit_is_as_high_as_it_may_be(limits: Limits) -> None:
    limit = FileLimit()
    limits.pair = (10, limits.pair[1])
    limit.lift()
    assert limits.pair == (sys.maxsize, sys.maxsize)
    assert not limit.is_lower


def test_final_limit_stays_lower(limits: Limits) -> None:
    limit = FileLimit()
    limits.pair = (10, 500)
    limit.lift()
    assert limits.pair == (500, 500)
    assert limit.is_lower


def test_limit_that_a_sandbox_refuses_to_change_is_no_error(limits: Limits) -> None:
    with mock.patch.object(resource, "setrlimit", side_effect=PermissionError):
        FileLimit().lift()

"""Readers tell a dead worker from a busy one, and from one without its backend."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.workers.homes import Home
from dash_long_components.managers.celery.workers.leases import (
    Lease,
    Leases,
    Tenure,
    queue_lease,
)


class Backend:
    """Has one lease, and can be away; with a fake clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.beat = 0
        self.period = 10.0
        self.is_away = False
        self.reads = 0
        self.leases = Leases(self)  # type: ignore[arg-type]
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def read_many(self, keys: Sequence[str]) -> list[str]:
        self.reads += 1
        if self.is_away:
            raise StoreUnavailableError("away")
        return [json.dumps({"beat": self.beat, "period": self.period}) for _ in keys]

    def after(self, seconds: float, *, renewed: bool = False) -> Tenure:
        self.now += seconds
        self.beat += renewed
        return self.leases.tenure("lease")


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    return Backend(monkeypatch)


def test_lease_that_is_renewed_holds(backend: Backend) -> None:
    assert {backend.after(3, renewed=True) for _ in range(100)} == {Tenure.RENEWED}


def test_lease_that_is_not_renewed_is_over_in_less_than_three_periods(
    backend: Backend,
) -> None:
    tenures = [backend.after(1) for _ in range(30)]
    assert tenures.index(Tenure.SILENT) == 20
    assert set(tenures[20:]) == {Tenure.SILENT}


def test_worker_that_renews_again_holds_its_lease(backend: Backend) -> None:
    for _ in range(30):
        backend.after(1)
    assert backend.after(1, renewed=True) is Tenure.RENEWED


def test_worker_that_left_has_left_at_once(backend: Backend) -> None:
    backend.period = 0
    assert backend.after(0) is Tenure.LEFT


def test_long_time_without_a_reading_counts_as_one_period(backend: Backend) -> None:
    """A reader that returns after an hour gives the worker a chance."""
    backend.after(0)
    assert backend.after(3600) is Tenure.RENEWED
    assert backend.after(3600) is Tenure.SILENT


def test_time_without_a_backend_does_not_count(backend: Backend) -> None:
    for _ in range(15):
        backend.after(1)
    backend.is_away = True
    for _ in range(100):
        with pytest.raises(StoreUnavailableError):
            backend.after(2)
    backend.is_away = False
    assert {backend.after(1) for _ in range(20)} == {Tenure.RENEWED}
    assert backend.after(1) is Tenure.SILENT


def test_lease_is_read_once_a_second_for_any_number_of_jobs(backend: Backend) -> None:
    for _ in range(1000):
        backend.after(0.01)
    assert 10 <= backend.reads <= 11


def test_lease_is_renewed_until_its_period_is_over(backend: Backend) -> None:
    looks = []
    for _ in range(12):
        looks.append(backend.leases.is_renewed("lease"))
        backend.now += 1
    assert looks == [True] * 10 + [False] * 2


def test_lease_is_renewed_after_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = Home(app=Celery("app", backend=f"file://{tmp_path}"), lease=3.0)
    lease = Lease(home)
    queues = mock.Mock(side_effect=[RuntimeError("changed during iteration"), ["q"]])
    waits = mock.patch.object(lease._left, "wait", side_effect=[False, True])
    with waits:
        lease._renew(queues, "worker", 1)
    assert Leases(Documents(home.app)).renewal(lease.id).queues == ["q"]
    assert [each.message for each in caplog.records] == [
        "The renewal of the worker's lease has failed. Its thread goes on."
    ]


def test_worker_that_takes_no_jobs_serves_no_queue(tmp_path: Path) -> None:
    home = Home(app=Celery("app", backend=f"file://{tmp_path}"), lease=3.0)
    lease = Lease(home)
    found = []
    for is_stuck in (True, False):
        lease.is_stuck = is_stuck
        with mock.patch.object(lease._left, "wait", return_value=True):
            lease._renew(lambda: ["q"], "worker", 1)
        leases = Leases(Documents(home.app))
        renewal = leases.renewal(lease.id)
        assert leases.tenure(lease.id) is Tenure.RENEWED
        found.append(
            (renewal.stuck, renewal.queues, leases.is_renewed(queue_lease("q")))
        )
    assert found == [(True, [], False), (False, ["q"], True)]


def test_worker_may_hide_messages_until_it_is_free_for_a_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(app=Celery("app", backend=f"file://{tmp_path}"), lease=3.0)
    lease = Lease(home)
    now, found = 0.0, []
    monkeypatch.setattr("time.monotonic", lambda: now)

    def wait(_seconds: float) -> bool:
        nonlocal now
        now += 1.0
        found.append(Leases(Documents(home.app)).hide_messages())
        return len(found) == 5

    lease.hides = mock.Mock(side_effect=[True, *[False] * 4])
    with mock.patch.object(lease._left, "wait", side_effect=wait):
        lease._renew(lambda: ["q"], "worker", 1)
    assert found == [True, True, True, False, False]

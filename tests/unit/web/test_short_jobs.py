"""Starts whose answer carries the end of the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dash_long_components.core.calls import Call
from dash_long_components.core.lanes import Lane
from dash_long_components.core.snapshots import Snapshot
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.running.tasks import Task
from dash_long_components.web import short_jobs
from dash_long_components.web.app_jobs import AppJobs
from tests import backends
from tests.unit.decorator.made import click, decorate
from tests.unit.fakes import NOW, RecordingManager, Site, handle_of


@dataclass
class Clock:
    """Goes on while someone sleeps."""

    now: float = NOW

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class ShortManager(RecordingManager):
    """Has the end of each job at the look with a given number, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.ends_after = 0.0
        self.has_ended: Callable[[], bool] = lambda: self.looks == self.ends_at
        self.usual: float | None = 0.01
        self.ends_at: int | None = 2
        self.size = 10
        self.needs: tuple[str, ...] = ()
        self.looks = 0
        self.is_away = False

    def submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None = None,
        owner: str | None = None,
        again: str | None = None,
    ) -> str | None:
        self.looks = 0
        return super().submit(task, call, lane, owner)

    def usual_duration(self, task: str) -> float | None:
        return self.usual

    def read(self, ticket: str, cursor: int) -> Snapshot:
        if self.is_away:
            raise StoreUnavailableError("It is locked.")
        self.looks += 1
        snapshot = super().read(ticket, cursor)
        if not self.has_ended():
            return snapshot
        text = b'{"response":{"text":{"children":"%s"}}}' % (b"x" * self.size)
        return replace(
            snapshot,
            status=Status.SUCCEEDED,
            cursor=3,
            started=NOW,
            changed=NOW + 0.02,
            load_result=lambda: text,
            libraries=self.needs,
        )


class ShortSite(Site):
    """A site with one long callback."""

    manager: ShortManager

    def __init__(self, backend: str = "flask") -> None:
        super().__init__(backend)
        self.short = ShortManager()
        decorate(self, manager=self.short)

    def end(self) -> Any:
        """Start a job, and return its end as the answer carries it."""
        return handle_of(click(self)).get("end")


@pytest.fixture(params=backends.ALL)
def site(request: pytest.FixtureRequest) -> ShortSite:
    return ShortSite(request.param)


@pytest.fixture(autouse=True)
def _has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # However slow the machine is, the manager's looks decide.
    monkeypatch.setattr(short_jobs, "PATIENCE", 600.0)


def test_end_of_a_short_job_comes_with_the_answer_to_its_start(site: ShortSite) -> None:
    assert site.end() == {
        "cursor": 3,
        "status": "succeeded",
        "elapsed": 0.02,
        "result": {"response": {"text": {"children": "x" * 10}}},
    }
    assert site.short.looks == 2


@pytest.mark.parametrize("usual", [None, 0.06])
def test_start_of_a_job_that_may_be_long_does_not_wait(usual: float | None) -> None:
    site = ShortSite()
    site.short.usual = usual
    assert site.end() is None
    assert site.short.looks == 0


def test_start_waits_for_a_moment_only_and_the_next_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(short_jobs, "PATIENCE", 0.0)
    site = ShortSite()
    site.short.ends_at = None
    assert site.end() is None
    assert site.short.looks == 1
    assert site.end() is None
    assert site.short.looks == 0
    monkeypatch.setattr("time.monotonic", lambda: float("inf"))
    site.short.ends_at = 1
    assert site.end() is not None


def test_very_large_result_does_not_come_with_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(short_jobs, "LARGE", 50_000)
    site = ShortSite()
    site.short.size = 40_000
    assert site.end() is not None
    site.short.size = 60_000
    assert site.end() is None
    assert site.short.looks == 2


def test_start_sees_the_end_soon_and_looks_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(short_jobs, "time", clock)
    monkeypatch.setattr(short_jobs, "PATIENCE", 0.1)
    site = ShortSite()
    site.short.has_ended = lambda: clock.now >= site.short.ends_after
    for seconds in (0.02, 0.022, 0.024, 0.026):
        site.short.ends_after = clock.now + seconds
        assert site.end() is not None
    assert clock.now - site.short.ends_after < 0.0016
    assert site.short.looks <= 8


def test_one_start_of_a_process_waits_at_a_time() -> None:
    site = ShortSite()
    jobs = AppJobs.of(site.app)
    assert jobs is not None
    with jobs.short_jobs._waiting:
        assert site.end() is None
    assert site.short.looks == 0
    assert site.end() is not None


def test_job_is_there_though_the_store_is_not_while_its_start_waits() -> None:
    site = ShortSite()
    site.short.is_away = True
    handle = handle_of(click(site))
    assert handle["token"]
    assert "end" not in handle


def test_result_with_a_library_of_its_own_does_not_come_with_the_answer() -> None:
    """Dash refuses callbacks that import one."""
    site = ShortSite()
    site.short.needs = ("library_of_the_job",)
    assert site.end() is None
    assert site.short.looks == 2

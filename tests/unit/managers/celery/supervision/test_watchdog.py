"""A watchdog ends its job while the function runs, and does nothing afterwards."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.core.calls import Call, Limits
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.job_state import End, Live, Worker
from dash_long_components.managers.celery.store.runs import Runs
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.supervision import watchdog as watchdog_module
from dash_long_components.managers.celery.supervision.watchdog import FunctionWatchdog
from dash_long_components.managers.celery.workers.presence import Absence

TIMEOUT = 10.0


class Job:
    """A running job with a watchdog."""

    def __init__(self, folder: Path) -> None:
        self.celery = Celery("app", backend=f"file://{folder}")
        self.store = CeleryStore(self.celery)
        self.killed = threading.Event()
        self.record = Record(id="job", task="app.task", code="", created=1, changed=1)
        self.store.submit(self.record)
        worker = Worker(name="worker", lease="lease")
        call = Call(task="key", fingerprint="", context={}).to_json().decode()
        message = self.store.prepare(self.record, Message(task="task"), call)
        started = Runs(self.celery, 10.0).start("job", worker, message)
        assert started is not None
        self.live, _ = started
        self.ended = threading.Event()
        decide = self.store.ends.decide

        def decide_and_say_so(job_id: str, end: End) -> End:
            decided = decide(job_id, end)
            self.ended.set()
            return decided

        mock.patch.object(self.store.ends, "decide", decide_and_say_so).start()

    def watchdog(self, has_process: bool, **limits: Any) -> FunctionWatchdog:
        kill = self.killed.set if has_process else None
        record = replace(self.live.record, limits=Limits(**limits))
        live = replace(self.live, record=record)
        return FunctionWatchdog(self.celery, self.store, live, kill)


@pytest.fixture
def job(tmp_path: Path) -> Any:
    yield Job(tmp_path)
    mock.patch.stopall()


def watchdogs() -> set[threading.Thread]:
    """Return the threads of watchdogs; those of other tests may still be among them."""
    return {t for t in threading.enumerate() if t.name == "dash-long-job-watchdog"}


def test_job_without_limits_takes_no_thread(job: Job) -> None:
    before = watchdogs()
    with job.watchdog(has_process=False, cancel_grace=1.0):
        assert watchdogs() <= before
    with job.watchdog(has_process=True, timeout=1.0):
        assert watchdogs() <= before


def test_job_without_a_process_of_its_own_times_out(job: Job) -> None:
    with job.watchdog(has_process=False, timeout=0.05):
        assert job.ended.wait(TIMEOUT)
        record = job.store.read("job")
    assert record.status is Status.TIMED_OUT
    assert record.error
    assert "Timed out after 0.05 s" in record.error.message


def test_job_times_out_though_an_error_has_come_between(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog_module, "_PAUSE", 0.0)
    end, tries = job.store.end_attempt, [RuntimeError("once")]

    def end_later(live: Live, by: End) -> None:
        if tries:
            raise tries.pop()
        end(live, by)

    monkeypatch.setattr(job.store, "end_attempt", end_later)
    with job.watchdog(has_process=False, timeout=0.05):
        assert job.ended.wait(TIMEOUT)
    assert job.store.read("job").status is Status.TIMED_OUT


def test_watchdog_ends_with_its_job(job: Job) -> None:
    before = watchdogs()
    with job.watchdog(has_process=False, timeout=60, leave_timeout=60):
        (watchdog,) = watchdogs() - before
    watchdog.join(TIMEOUT)
    assert not watchdog.is_alive()
    assert job.store.ends.get("job") is None


@pytest.mark.parametrize("has_process", [False, True])
def test_job_without_a_page_is_cancelled(job: Job, has_process: bool) -> None:
    watchdog = job.watchdog(has_process=has_process, leave_timeout=0.05)
    with mock.patch.object(Absence, "has_left", return_value=True), watchdog:
        assert job.ended.wait(TIMEOUT)
        assert job.store.read("job").status is Status.CANCELLED
        assert job.killed.wait(TIMEOUT if has_process else 0) is has_process


def test_job_without_a_page_may_use_its_grace(job: Job) -> None:
    before = watchdogs()
    watchdog = job.watchdog(has_process=True, leave_timeout=0.05, cancel_grace=60)
    with mock.patch.object(Absence, "has_left", return_value=True), watchdog:
        (thread,) = watchdogs() - before
        assert job.ended.wait(TIMEOUT)
    thread.join(TIMEOUT)
    assert not job.killed.is_set()


def test_kill_that_comes_too_late_spares_the_next_job(job: Job) -> None:
    watchdog = job.watchdog(has_process=True, leave_timeout=0.05)
    wait = threading.Event.wait
    is_about_to_kill, returned = threading.Event(), threading.Event()

    def wait_too_long(event: threading.Event, timeout: float | None = None) -> bool:
        is_over = wait(event, timeout)
        if timeout == 0:  # for the grace that it does not have
            is_about_to_kill.set()
            wait(returned, TIMEOUT)
        return is_over

    with (
        mock.patch.object(Absence, "has_left", return_value=True),
        mock.patch.object(threading.Event, "wait", wait_too_long),
    ):
        with watchdog:
            assert is_about_to_kill.wait(TIMEOUT)
        returned.set()
        for thread in threading.enumerate():
            if thread.name == "dash-long-job-watchdog":
                thread.join(TIMEOUT)
    assert not job.killed.is_set()

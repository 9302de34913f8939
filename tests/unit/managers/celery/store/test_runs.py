"""A job starts once and ends once, whatever its workers and Celery do."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery.exceptions import (
    NotRegistered,
    TaskRevokedError,
    TimeLimitExceeded,
    WorkerLostError,
)

from dash_long_components.core.calls import Limits
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError
from dash_long_components.managers.celery.backends.choice import backend_of
from dash_long_components.managers.celery.documents.deliveries import (
    MAX_RESENDS,
    Receipt,
)
from dash_long_components.managers.celery.documents.ends import Ends
from dash_long_components.managers.celery.documents.job_state import End, Live
from dash_long_components.managers.celery.messages.probes import arrived
from dash_long_components.managers.celery.store.runs import Runs
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.workers.leases import Leases, Tenure
from tests.promises import promised
from tests.unit.managers.celery.made import LEASE, WORKER, Shop

DIED = JobError(type="WorkerDied", message="It was killed.", task="app.task")


def test_second_delivery_does_not_start_the_job(shop: Shop) -> None:
    live = shop.start()
    assert shop.start_again() is None
    shop.finish(live)
    assert shop.start_again() is None
    assert shop.status() is Status.SUCCEEDED


def test_two_workers_at_once_start_one_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Runs(shop.celery, LEASE)
    read_many = slow.store.documents.read_many
    first: list[Live] = []

    def read_then_be_overtaken(keys: list[str]) -> list[str | None]:
        texts = read_many(keys)
        if not first:
            first.append(Shop.start(shop))
        return texts

    with monkeypatch.context() as patch:
        patch.setattr(slow.store.documents, "read_many", read_then_be_overtaken)
        assert slow.start("job", WORKER, shop.message) is None
    shop.finish(first[0])
    assert shop.status() is Status.SUCCEEDED


def test_start_counts_when_the_backend_loses_its_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.status()
    backend = backend_of(shop.celery)
    swap = backend.swap

    def swap_and_lose(*args: Any) -> bool:
        assert swap(*args)
        monkeypatch.undo()
        return False

    monkeypatch.setattr(backend, "swap", swap_and_lose)
    shop.finish(shop.start())
    assert shop.status() is Status.SUCCEEDED


def test_cancel_wins_over_later_writes_of_the_worker(shop: Shop) -> None:
    live = shop.start()
    shop.store.cancel("job")
    with pytest.raises(JobEndedError):
        shop.finish(live)
    assert shop.status() is Status.CANCELLED


def test_cancelled_job_does_not_start(shop: Shop) -> None:
    shop.store.cancel("job")
    assert shop.start_again() is None
    assert shop.status() is Status.CANCELLED


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (NotRegistered("app.task"), Status.FAILED, "TaskNotFound"),
        (WorkerLostError("signal 9 (SIGKILL) Job: 3."), Status.LOST, "WorkerDied"),
        (TimeLimitExceeded(5), Status.TIMED_OUT, "TimedOut"),
        (ValueError("odd"), Status.FAILED, "ValueError"),
    ],
)
def test_failure_that_celery_reports_ends_the_job(
    shop: Shop, error: Exception, status: Status, kind: str
) -> None:
    shop.start()
    shop.celery_says(error)
    record = shop.store.read("job")
    assert record.status is status
    assert record.error is not None
    assert record.error.type == kind
    assert "Job:" not in record.error.message
    assert ("short of memory" in record.error.message) is ("SIGKILL" in str(error))


def test_death_before_the_begin_is_no_attempt_of_a_job_with_retries(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path / "backend", Retries(times=1, lost=True))
    shop.celery_says(WorkerLostError("signal 9 (SIGKILL) Job: 3."))
    assert shop.status() is Status.QUEUED
    shop.start()
    record = shop.store.read("job")
    assert (record.status, record.attempt) == (Status.RUNNING, 1)


def test_attempt_that_another_clock_sent_too_early_waits(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "backend", Retries(times=1, lost=True, backoff=60))
    live = shop.start()
    assert shop.runs.until_due("job") == 0
    shop.store.end_attempt(live, End(status=Status.LOST, at=2, error=DIED))
    assert 20 < shop.runs.until_due("job") <= 60
    assert shop.start_again() is None


def test_attempt_that_comes_after_the_time_of_all_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retries = Retries(times=1, lost=True, backoff=1, total_timeout=30)
    shop = Shop(tmp_path / "backend", retries)
    live = shop.start()
    end = End(status=Status.LOST, at=time.time(), error=DIED)
    shop.store.end_attempt(live, end)
    assert shop.status() is Status.QUEUED
    later = time.time() + 40
    monkeypatch.setattr(time, "time", lambda: later)
    assert shop.start_again() is None
    assert shop.status() is Status.TIMED_OUT


def test_report_of_an_attempt_that_ends_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(tmp_path / "backend", Retries(times=1, lost=True))
    live = shop.start()
    is_current = Runs._is_current

    def end_after_the_look(runs: Runs, live: Live) -> bool:
        found = is_current(runs, live)
        end = End(status=Status.LOST, at=time.time(), error=DIED)
        shop.store.end_attempt(live, end)
        return found

    monkeypatch.setattr(Runs, "_is_current", end_after_the_look)
    with pytest.raises(JobEndedError):
        shop.runs.change(live, live.record.report(time.time(), Report()))
    assert shop.status() is Status.QUEUED


def test_job_with_retries_ends_where_no_worker_knows_its_task(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "backend", Retries(times=1, lost=True))
    shop.celery_says(NotRegistered("app.task"))
    assert shop.status() is Status.FAILED


def test_error_of_celery_itself_is_for_its_log_alone(shop: Shop) -> None:
    shop.start()
    shop.celery_says(ConnectionError("at redis://:secret@b"))
    error = shop.store.read("job").error
    assert error is not None
    assert error.type == "ConnectionError"
    assert "secret" not in error.message
    assert "worker's log" in error.message


def test_revoked_job_is_cancelled(shop: Shop) -> None:
    shop.celery.backend.mark_as_revoked("job", "revoked")
    assert shop.status() is Status.CANCELLED


def test_failure_that_celery_reports_after_the_end_changes_nothing(shop: Shop) -> None:
    shop.finish(shop.start())
    shop.celery_says(WorkerLostError("after it was done"))
    assert shop.status() is Status.SUCCEEDED


@pytest.mark.parametrize(
    ("tenure", "status"),
    [
        (Tenure.RENEWED, Status.RUNNING),
        (Tenure.SILENT, Status.LOST),
        (Tenure.LEFT, Status.LOST),
    ],
)
def test_running_job_depends_on_the_lease_of_its_worker(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tenure: Tenure, status: Status
) -> None:
    shop.start()
    shop.lease_is(monkeypatch, tenure)
    assert shop.status() is status


@pytest.mark.parametrize(
    ("tenure", "times"), [(Tenure.RENEWED, 0), (Tenure.SILENT, 1), (Tenure.LEFT, 0)]
)
def test_job_that_a_dead_worker_had_reserved_is_sent_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tenure: Tenure, times: int
) -> None:
    send = mock.Mock()
    monkeypatch.setattr(shop.celery, "send_task", send)
    shop.store.note_receipt("job", Receipt(worker=WORKER, number=0))
    shop.lease_is(monkeypatch, tenure)
    for _ in range(3):
        assert shop.status() is Status.QUEUED
    assert send.call_count == times
    assert all(call.kwargs["args"][:2] == ("job", 1) for call in send.call_args_list)


class Killed(BaseException):
    """What ends a process, whose code then does nothing more."""


def test_job_whose_call_the_backend_has_dropped_is_lost(shop: Shop) -> None:
    shop.store.documents.delete(["job.call.0"])
    assert shop.start_again() is None
    ended = shop.store.read("job")
    assert ended.status is Status.LOST
    assert ended.error is not None
    assert ended.error.type == "CallLost"


def test_job_that_runs_needs_no_call_any_more(shop: Shop) -> None:
    shop.start()
    shop.store.documents.delete(["job.call.0"])
    assert shop.start_again() is None  # a second delivery
    assert shop.store.ends.get("job") is None


def test_job_that_has_expired_never_runs_though_the_reader_dies(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = shop.store.read("job")
    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Ends, "decide", mock.Mock(side_effect=Killed))
        shop.store.expire(record)
    assert shop.start_again() is None
    ended = shop.store.read("job")
    assert ended.status is Status.TIMED_OUT
    assert ended.error is not None
    assert ended.error.type == "Expired"


@pytest.mark.parametrize("hides", [False, True])
def test_job_is_lost_unless_a_busy_worker_may_have_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, hides: bool
) -> None:
    send = mock.Mock()
    monkeypatch.setattr(shop.celery, "send_task", send)
    monkeypatch.setattr(Leases, "hide_messages", lambda _self: hides)
    store = CeleryStore(shop.celery, lease=0.0)
    for _ in range(3 * MAX_RESENDS + 3):  # marks, probes, sends
        arrived(store.documents, shop.message.task, number=1000)
        status = store.read("job").status
    sent = [each.kwargs["args"] for each in send.call_args_list]
    numbers = Counter(args[1] for args in sent if args[0] == "job")
    if hides:
        assert status is Status.QUEUED
        assert [*numbers.items()][:4] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    else:
        assert status is Status.LOST
        assert numbers == {number: 1 for number in range(1, MAX_RESENDS + 1)}


def test_job_that_every_worker_dies_with_is_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = mock.Mock()
    monkeypatch.setattr(shop.celery, "send_task", send)
    shop.lease_is(monkeypatch, Tenure.SILENT)
    statuses = []
    for number in range(MAX_RESENDS + 1):
        shop.store.note_receipt("job", Receipt(worker=WORKER, number=number))
        statuses.append(shop.status())
    assert statuses == [Status.QUEUED] * MAX_RESENDS + [Status.LOST]
    assert send.call_count == MAX_RESENDS
    error = shop.store.read("job").error
    assert error is not None
    assert error.type == "MessageLost"


def test_job_that_ends_while_its_lease_is_read_keeps_that_end(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = shop.start()

    def tenure(_self: Leases, _lease: str) -> Tenure:
        shop.finish(live)
        return Tenure.SILENT

    monkeypatch.setattr(Leases, "tenure", tenure)
    assert shop.status() is Status.SUCCEEDED


def test_first_end_counts(shop: Shop) -> None:
    shop.finish(shop.start())
    assert shop.store.cancel("job") is Status.SUCCEEDED
    assert shop.status() is Status.SUCCEEDED


def test_lost_job_stays_lost(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    live = shop.start()
    shop.lease_is(monkeypatch, Tenure.SILENT)
    assert shop.status() is Status.LOST
    shop.lease_is(monkeypatch, Tenure.RENEWED)
    with pytest.raises(JobEndedError):
        shop.finish(live)
    assert shop.status() is Status.LOST


def test_job_that_was_never_sent_is_lost_in_a_minute(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    shop.store.submit(
        Record(id="unsent", task="app.task", code="", created=now, changed=now)
    )
    with promised("61 s", clock=time.time):
        while (record := shop.store.read("unsent")).status is Status.QUEUED:
            now += 1.0
            assert now < record.created + 3600.0
    assert record.status is Status.LOST
    assert record.error is not None
    assert record.error.type == "NotSent"
    # The broker may have its message nevertheless.
    assert shop.start_again("unsent") is None


def test_job_that_celery_expires_says_so(shop: Shop) -> None:
    shop.celery_says(TaskRevokedError("expired"))
    record = shop.store.read("job")
    assert record.status is Status.TIMED_OUT
    assert record.error
    assert record.error.type == "Expired"


def test_timeout_of_a_job_names_its_seconds(shop: Shop) -> None:
    limits = Limits(timeout=5.0)
    shop.store.submit(
        Record(id="job", task="app.task", code="", limits=limits, created=1, changed=1)
    )
    shop.start()
    shop.celery_says(TimeLimitExceeded(5.0))
    record = shop.store.read("job")
    assert record.status is Status.TIMED_OUT
    assert record.error
    assert record.error.message == "Timed out after 5 s."


def test_expired_job_can_not_be_started(shop: Shop) -> None:
    record = shop.store.expire(shop.store.read("job"))
    assert record.status is Status.TIMED_OUT
    assert record.error
    assert "Expired in the queue" in record.error.message
    assert shop.start_again() is None


def test_job_that_has_started_does_not_expire(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.lease_is(monkeypatch, Tenure.RENEWED)
    waiting = shop.store.read("job")
    live = shop.start()
    assert shop.store.expire(waiting).status is Status.RUNNING
    shop.finish(live)
    assert shop.status() is Status.SUCCEEDED

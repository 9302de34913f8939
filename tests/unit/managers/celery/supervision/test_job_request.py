"""The main process of a worker: the jobs that it notes, and the deaths it reports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from billiard.einfo import ExceptionInfo
from celery import Celery, signals
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.worker.request import Request

from dash_long_components.core.calls import Call
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.managers.celery.documents.deliveries import Message, Receipt
from dash_long_components.managers.celery.documents.documents import outages
from dash_long_components.managers.celery.documents.job_state import Worker
from dash_long_components.managers.celery.messages.sending import PREFIX, PROBE
from dash_long_components.managers.celery.store.runs import Runs
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.supervision import job_request as module
from dash_long_components.managers.celery.supervision.job_request import (
    FinishRequest,
    JobRequest,
)
from dash_long_components.managers.celery.supervision.supervisor import Supervisor
from dash_long_components.managers.celery.workers.homes import Home, set_home
from dash_long_components.managers.celery.workers.leases import Lease

POOL_PROCESS = os.getpid() + 1


class Host:
    """The main process of a worker, with a supervisor that notes what it is told.

    Attributes:
        pool: of the worker.
        killed: the processes that were killed with their descendants.
        on_failure, on_timeout: what Celery itself does.
    """

    def __init__(self, folder: Path) -> None:
        self.app = Celery("app", backend=f"file://{folder}", set_as_current=False)
        home = Home(app=self.app, lease=10.0)
        set_home(self.app, home)
        self.lease = Lease(home)
        self.store = CeleryStore(self.app)
        self.record = Record(
            id="job", task="app.task", code="", created=1, changed=1, requesters=()
        )
        self.store.submit(self.record)
        call = Call(task="key", fingerprint="", context={}).to_json().decode()
        self.message = self.store.prepare(self.record, Message(task="task"), call)
        self.supervisor = mock.Mock(spec=Supervisor)
        self.pool: Any = mock.Mock(spec=PreforkPool)
        self.killed = mock.Mock()
        self.on_failure = mock.Mock()
        self.on_timeout = mock.Mock()

    def receive(self, name: str, *args: object) -> Any:
        """Let Celery receive a message; return its object for it."""
        request = mock.Mock(app=self.app, args=args, hostname="celery@host")
        request.name = name
        request.time_limits = (600, None)
        sender = mock.Mock(pool=self.pool)
        signals.task_received.send(sender=sender, request=request)
        return request

    def request(self, pid: int | None = POOL_PROCESS) -> JobRequest:
        """Return Celery's object for a job that a pool process runs."""
        request: Any = JobRequest.__new__(JobRequest)
        request._app = self.app
        request.id = "job"
        request.worker_pid = pid
        made: JobRequest = request
        return made

    def fail(self, error: Exception, return_ok: bool = False) -> list[str]:
        """Let a job fail; return the deaths that the supervisor is told."""
        try:
            raise error
        except Exception:
            self.request().on_failure(ExceptionInfo(), return_ok=return_ok)
        return [call.args[1].type for call in self.supervisor.died.call_args_list]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    with (
        mock.patch.object(Supervisor, "current", host.supervisor),
        mock.patch.object(Lease, "current", host.lease),
        mock.patch.object(Request, "on_failure", host.on_failure),
        mock.patch.object(Request, "on_timeout", host.on_timeout),
        mock.patch.object(module, "kill_tree", host.killed),
    ):
        yield host


def test_worker_notes_that_it_has_received_a_job(host: Host) -> None:
    message = replace(host.message, grace=1.5)
    args = ("job", 3, message.to_text())
    with mock.patch.object(CeleryStore, "note_receipt") as take:
        request = host.receive(f"{PREFIX}app.task.key", *args)
    worker = Worker(name="celery@host", lease=host.lease.id)
    take.assert_called_once_with("job", Receipt(worker=worker, number=3))
    host.supervisor.received.assert_called_once_with(mock.ANY, request, 3, message)
    assert request.time_limits == (600, None)


def test_pools_without_processes_leave_time_limits_to_the_watchdog(host: Host) -> None:
    host.pool = mock.Mock()
    args = ("job", 0, host.message.to_text())
    request = host.receive(f"{PREFIX}app.task.key", *args)
    assert request.time_limits == (None, None)


def test_tasks_of_the_user_are_left_alone(host: Host) -> None:
    request = host.receive("app.of_the_user", 1, 2, 3)
    assert request.time_limits == (600, None)
    host.supervisor.received.assert_not_called()


def test_outage_while_jobs_arrive_is_logged_once(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    away = StoreUnavailableError("Celery's result backend does not respond.")
    args = ("job", 0, host.message.to_text())
    with (
        mock.patch.object(CeleryStore, "note_receipt", side_effect=away),
        mock.patch.object(module, "arrived", side_effect=away),
    ):
        for _ in range(2):
            host.receive(f"{PREFIX}app.task.key", *args)
            host.receive(PROBE, "task", 7)
    assert caplog.messages == [str(away)]
    assert host.supervisor.received.call_count == 2
    outages.end()
    caplog.clear()


def test_probe_is_noted_when_it_arrives(host: Host) -> None:
    with mock.patch.object(module, "arrived") as arrived:
        host.receive(PROBE, "task", 7)
    assert arrived.call_args.args[1:] == ("task", 7)
    host.supervisor.received.assert_not_called()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (WorkerLostError("signal 9 (SIGKILL)"), "WorkerLostError"),
        (TimeLimitExceeded(5), "TimeLimitExceeded"),
        # As of a result that can't be pickled: Celery has lost the job either way.
        (RuntimeError("broken"), "WorkerLostError"),
        # As by ``revoke(terminate=True)``, if the job has not ended before.
        (Terminated(15), "TaskRevokedError"),
    ],
)
def test_death_of_a_process_is_reported_to_the_supervisor(
    host: Host, error: Exception, kind: str
) -> None:
    assert host.fail(error) == [kind]
    host.on_failure.assert_called_once()


@pytest.mark.parametrize("how", ["killed", "time limit", "cancelled by Celery"])
def test_death_of_the_process_that_ends_a_workflow_is_that_of_its_job(
    host: Host, how: str
) -> None:
    request: Any = FinishRequest.__new__(FinishRequest)
    request._app, request.id, request.worker_pid = host.app, "message", None
    request._args = ("job", "1")
    match how:
        case "killed":
            try:
                raise WorkerLostError("signal 9 (SIGKILL)")
            except WorkerLostError:
                request.on_failure(ExceptionInfo())
        case "time limit":
            request.on_timeout(False, 5.0)
        case "cancelled by Celery":
            with mock.patch.object(Request, "cancel"):
                request.cancel(host.pool, emit_retry=False)
    host.supervisor.died.assert_called_once_with(request, mock.ANY, job_id="job")


def test_failure_of_the_function_is_no_death(host: Host) -> None:
    assert host.fail(RuntimeError("raised by the job"), return_ok=True) == []


def test_process_that_celery_cancels_is_a_death(host: Host) -> None:
    with mock.patch.object(Request, "cancel") as cancel:
        host.request().cancel(host.pool, emit_retry=False)
    cancel.assert_called_once_with(host.pool, emit_retry=False)
    ((_, failure), _) = host.supervisor.died.call_args
    assert failure.type == "WorkerLostError"
    assert "connection to the broker" in failure.message


def test_process_that_celery_can_not_cancel_is_no_death(host: Host) -> None:
    with (
        mock.patch.object(Request, "cancel", side_effect=NotImplementedError),
        pytest.raises(NotImplementedError),
    ):
        host.request().cancel(host.pool)
    host.supervisor.died.assert_not_called()


def test_process_that_has_ended_itself_for_a_page_that_left_counts_as_terminated(
    host: Host,
) -> None:
    host.store.end("job", Status.CANCELLED)
    assert host.fail(WorkerLostError("signal 9 (SIGKILL)")) == ["TaskRevokedError"]
    (told, *_), _ = host.on_failure.call_args
    assert isinstance(told.exception.exc, Terminated)


def test_process_that_was_killed_for_its_time_limit_has_timed_out(host: Host) -> None:
    """Celery itself would store that the task was revoked, as if it were cancelled."""
    with mock.patch.object(JobRequest, "exceeded", 5.0):
        assert host.fail(Terminated(19)) == ["TimeLimitExceeded"]
        host.on_failure.assert_not_called()
        host.on_timeout.assert_called_once_with(False, 5.0)
        host.fail(WorkerLostError("exitcode 1"))
        host.on_failure.assert_called_once()


def test_death_after_the_function_has_ended_the_job_is_a_death(host: Host) -> None:
    runs = Runs(host.app, 10.0)
    started = runs.start("job", Worker(name="w", lease="lease"), host.message)
    assert started is not None
    runs.change(started[0], started[0].record.end(Status.SUCCEEDED, 2), b"1")
    assert host.fail(WorkerLostError("exitcode 1")) == ["WorkerLostError"]


def test_process_at_its_time_limit_is_killed_with_its_programs(host: Host) -> None:
    host.request().on_timeout(soft=False, timeout=5)
    host.killed.assert_called_once_with(POOL_PROCESS)
    ((_, failure), _) = host.supervisor.died.call_args
    assert failure.type == "TimeLimitExceeded"
    host.on_timeout.assert_called_once_with(False, 5)


@pytest.mark.parametrize("pid", [None, os.getpid()], ids=["none", "own"])
def test_no_process_is_killed_where_the_pool_has_none(
    host: Host, pid: int | None
) -> None:
    host.request(pid).on_timeout(soft=False, timeout=5)
    host.killed.assert_not_called()


def test_soft_time_limit_is_left_to_celery(host: Host) -> None:
    host.request().on_timeout(soft=True, timeout=5)
    host.killed.assert_not_called()
    host.supervisor.died.assert_not_called()
    host.on_timeout.assert_called_once_with(True, 5)

"""A supervisor kills, releases and ends the jobs of a worker as the store says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery import Celery
from celery.worker import state

from dash_long_components.core.calls import Call, Limits
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreError, StoreUnavailableError
from dash_long_components.managers.celery.backends.choice import backend_of
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.documents import (
    Documents,
)
from dash_long_components.managers.celery.documents.job_state import End, Live, Worker
from dash_long_components.managers.celery.documents.unexpected_ends import CeleryFailure
from dash_long_components.managers.celery.store.runs import Runs
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.supervision.consumer_watch import (
    ConsumerWatch,
    Stuck,
)
from dash_long_components.managers.celery.supervision.supervisor import Supervisor
from dash_long_components.managers.celery.workers.homes import Home
from dash_long_components.managers.celery.workers.leases import (
    Lease,
    Leases,
    Tenure,
    no_fork,
)
from tests.unit.managers.celery.made import record_of

LEASE = 3.0
KILLED = CeleryFailure(type="WorkerLostError", message="signal 9 (SIGKILL)")


class Request:
    """Celery's object for a job that a worker has received."""

    def __init__(self, job_id: str, pid: int = 0) -> None:
        self.id = self.job_id = job_id
        self.exceeded: float | None = None
        self.worker_pid = pid


class Host:
    """A worker with a supervisor."""

    def __init__(self, folder: Path) -> None:
        self.celery = Celery("app", backend=f"file://{folder}")
        home = Home(app=self.celery, lease=LEASE)
        self.store = CeleryStore(self.celery)
        self.killed: list[int] = []
        #: The processes that have not said yet which job they have.
        self.silent: set[int] = set()
        self.supervisor = Supervisor(home, self.kill)
        self.lease = Lease(home)
        self.consumer = mock.Mock(restart_count=0)
        self.now = time.monotonic()

    def kill(self, pid: int, _job_id: str) -> bool:
        if pid in self.silent:
            return False
        self.killed.append(pid)
        return True

    def look(self, after: float = LEASE) -> float:
        """Let time pass, and the supervisor look."""
        self.now += after
        return self.supervisor.step(self.now)

    def receive(
        self,
        job_id: str,
        grace: float = 0.0,
        timeout: float | None = None,
        group: str | None = None,
    ) -> Request:
        """Receive a job."""
        record = record_of(job_id, task="task", limits=Limits(timeout=timeout))
        self.store.submit(record)
        call = Call(task="key", fingerprint="", context={}).to_json().decode()
        self.message = self.store.prepare(
            record,
            Message(task="task", grace=grace, timeout=timeout, group=group),
            call,
        )
        request = Request(job_id, pid=len(job_id) + 1000)
        self.supervisor.received(self.consumer, request, 0, self.message)
        return request

    def run(self, job_id: str, **options: Any) -> Request:
        """Receive a job, and start it in a pool process."""
        request = self.receive(job_id, **options)
        worker = Worker(name="worker", lease=self.lease.id)
        assert Runs(self.celery, LEASE).start(job_id, worker, self.message)
        self.supervisor.began(request)
        state.active_requests.add(request)
        return request

    def die(self, request: Request) -> None:
        """Let the process of a job die."""
        state.active_requests.discard(request)
        self.supervisor.died(request, KILLED, request.id)

    def status(self, job_id: str) -> Status | None:
        end = self.store.ends.get(job_id)
        return None if end is None else end.status


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    with (
        mock.patch.object(Lease, "current", host.lease),
        mock.patch.object(state, "active_requests", set()),
    ):
        yield host


@pytest.mark.parametrize("timeout", [None, 3600.0])
def test_job_that_the_store_has_cancelled_is_killed(
    host: Host, timeout: float | None
) -> None:
    request, _other = host.run("job", timeout=timeout), host.run("another")
    host.look()
    assert host.killed == []
    host.store.cancel("job")
    for _ in range(3):
        host.look()
    assert host.killed == [request.worker_pid]


def test_running_job_is_listed_again_before_the_lists_drop_it(host: Host) -> None:
    host.run("job")
    host.look()
    host.store.listings.end("job")
    host.look()
    assert host.store.listings.live(9, {}) == []
    later = time.monotonic() + host.celery.conf.result_expires.total_seconds() / 2
    with (
        mock.patch.object(Leases, "tenure", return_value=Tenure.RENEWED),
        mock.patch("time.monotonic", return_value=later),
    ):
        host.look()
        host.supervisor.send_what_is_due()
        assert [entry.id for entry in host.store.listings.live(9, {})] == ["job"]


def test_broker_that_hangs_delays_neither_leases_nor_forks_nor_kills(
    host: Host,
) -> None:
    request = host.run("job")
    host.store.cancel("job")
    locked: list[bool] = []

    def send(_: CeleryStore) -> None:
        locked.append(no_fork.locked())
        host.look()

    with mock.patch.object(CeleryStore, "send_what_is_due", send):
        host.supervisor.send_what_is_due()
    assert locked == [False]
    assert host.killed == [request.worker_pid]


def test_pool_does_not_fork_while_the_supervisor_uses_the_backend(host: Host) -> None:
    host.run("job")
    backend, locked = backend_of(host.celery), set()
    read = backend.read

    def note(*args: Any) -> Any:
        locked.add(no_fork.locked())
        return read(*args)

    with mock.patch.object(backend, "read", note):
        host.look()
        host.supervisor.send_what_is_due()
    assert locked == {True}


def test_cancel_is_seen_within_a_third_of_the_lease(host: Host) -> None:
    host.run("job")
    assert host.look() == LEASE / 3


def test_pool_that_can_not_kill_has_no_kill_to_wait_for(host: Host) -> None:
    host.supervisor = Supervisor(Home(app=host.celery, lease=LEASE))
    host.run("timed", timeout=0.5)
    host.run("cancelled")
    host.store.cancel("cancelled")
    assert [host.look() for _ in range(3)] == [LEASE / 3] * 3


def test_job_is_killed_when_the_time_of_all_attempts_is_over(host: Host) -> None:
    request = host.receive("job", timeout=60.0)
    message = host.message.of_retry(time.time() + 5.0)
    host.supervisor.received(host.consumer, request, 1, message)
    host.supervisor.began(request)
    state.active_requests.add(request)
    host.look(4.0)
    assert host.killed == []
    host.look(2.0)
    assert host.killed == [request.worker_pid]


def test_grace_is_over_before_a_job_is_killed(host: Host) -> None:
    request = host.run("job", grace=1.5)
    host.store.cancel("job")
    assert host.look() == LEASE / 3
    assert host.look(1.0) == 0.5
    assert host.killed == []
    host.look(0.5)
    assert host.killed == [request.worker_pid]


def test_job_whose_time_is_over_is_killed_even_if_its_process_says_nothing(
    host: Host,
) -> None:
    request = host.run("job", timeout=5.0)
    host.run("another", timeout=60.0)
    host.look(4.0)
    assert host.killed == []
    # Celery's own limit, which knows jobs less well, comes later.
    host.now = time.monotonic() + 5.0
    assert request.exceeded is None
    host.look(0.0)
    assert host.killed == [request.worker_pid]
    assert request.exceeded == 5.0
    host.look(0.0)
    assert host.status("job") is Status.TIMED_OUT
    assert host.status("another") is None


@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_process_that_does_not_say_at_once_what_it_has_is_killed_later(
    host: Host, how: str
) -> None:
    """It was held up at its start. It would run the job without a limit."""
    request = host.run("job", timeout=5.0)
    host.silent.add(request.worker_pid)
    if how == "cancel":
        host.store.cancel("job")
    host.now = time.monotonic() + 5.0
    host.look(0.0)
    host.silent.clear()
    for _ in range(3):
        host.look()
    assert host.killed == [request.worker_pid]
    ended = {"timeout": Status.TIMED_OUT, "cancel": Status.CANCELLED}
    assert host.status("job") is ended[how]


def test_process_that_ends_a_workflow_is_killed_with_its_job(host: Host) -> None:
    waits = host.run("job")
    state.active_requests.discard(waits)
    live = host.store.live("job")
    assert live is not None
    elsewhere = Worker(name="other", lease="other")
    waiting = replace(live, waits=True, worker=elsewhere)
    host.store.attempts.change(live, lambda _: waiting)
    ends = Request("message", pid=77)
    ends.job_id = "job"
    message = replace(host.message, timeout=5.0)
    host.supervisor.received(host.consumer, ends, None, message)
    host.supervisor.began(ends)
    state.active_requests.add(ends)
    host.look(0.0)
    here = replace(live, worker=Worker(name="worker", lease=host.lease.id))
    host.store.attempts.change(waiting, lambda _: here)
    host.look()
    assert host.killed == []
    host.store.cancel("job")
    host.look()
    assert host.killed == [77]


def test_death_of_a_process_ends_no_job_that_waits_for_a_workflow(host: Host) -> None:
    request = host.run("job")
    live = host.store.live("job")
    assert live is not None
    host.store.attempts.change(live, lambda it: replace(it, waits=True))
    host.die(request)
    host.look()
    assert host.status("job") is None


def test_job_that_the_store_has_lost_has_no_grace(host: Host) -> None:
    request = host.run("job", grace=60.0)
    host.store.end("job", Status.LOST)
    host.look()
    assert host.killed == [request.worker_pid]


def test_control_command_kills_at_once_and_only_jobs_that_run(host: Host) -> None:
    request = host.run("job")
    host.receive("reserved")
    assert host.supervisor.cancel("job", 0.0)
    assert not host.supervisor.cancel("reserved", 0.0)
    assert not host.supervisor.cancel("unknown", 0.0)
    host.look(1.0)
    assert host.killed == [request.worker_pid]


def test_job_that_has_ended_by_itself_is_not_killed(host: Host) -> None:
    """Its process may have another job by then."""
    request = host.run("job", grace=1.0)
    host.store.cancel("job")
    host.look()
    state.active_requests.discard(request)
    for _ in range(5):
        host.look()
    assert host.killed == []


def test_job_whose_end_was_in_a_process_that_died_is_lost(host: Host) -> None:
    state.active_requests.discard(host.run("job"))
    host.supervisor.died(Request("finish", pid=1), KILLED, "job")
    host.look()
    assert host.status("job") is Status.LOST


def test_job_whose_process_has_died_is_lost(host: Host) -> None:
    host.die(host.run("job"))
    host.look()
    assert host.status("job") is Status.LOST


def test_job_that_was_cancelled_as_its_function_returned_leaves_its_group(
    host: Host,
) -> None:
    request = host.run("job", group="one")
    live = host.store.live("job")
    assert live is not None
    host.store.cancel("job")
    returned = replace(live, record=live.record.end(Status.SUCCEEDED, 2.0))
    host.store.documents.write("job.live", returned.to_text())
    with mock.patch.object(CeleryStore, "leave_group_at_end") as leave:
        host.look()
        leave.assert_not_called()
        host.die(request)
        host.look()
    leave.assert_called_once_with("one", "job")
    assert host.status("job") is Status.CANCELLED


def test_death_is_reported_when_the_backend_is_back(host: Host) -> None:
    host.die(host.run("job"))
    away = StoreUnavailableError()
    with mock.patch.object(Documents, "read_many", side_effect=away):
        host.look()
    assert host.status("job") is None
    host.look()
    assert host.status("job") is Status.LOST


def test_error_in_one_step_does_not_end_the_others(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing would look after the jobs of the worker any more."""
    first, second = host.run("job"), host.run("another")
    for job_id in ("job", "another"):
        host.store.cancel(job_id)
    kill = mock.Mock(side_effect=[PermissionError("its kill"), True, True])
    host.supervisor._kill = kill
    assert host.look() == LEASE / 3
    due = mock.patch.object(CeleryStore, "send_what_is_due", side_effect=OSError("due"))
    with due:
        host.supervisor.send_what_is_due()
    assert {call.args[0] for call in kill.call_args_list} == {
        first.worker_pid,
        second.worker_pid,
    }
    host.die(host.run("odd"))
    host.die(host.run("lost"))
    end = CeleryStore.end_attempt

    def refuse(store: CeleryStore, live: Live, by: End) -> None:
        if live.record.id == "odd":
            raise StoreError("its death")
        end(store, live, by)

    with mock.patch.object(CeleryStore, "end_attempt", refuse):
        host.look()
    assert host.status("lost") is Status.LOST
    logged = [str(each.exc_info[1]) for each in caplog.records if each.exc_info]
    assert logged == ["its kill", "due", "its death"]


@pytest.mark.parametrize("attempt", [1, 2])
def test_job_whose_process_dies_before_it_begins_is_released(
    host: Host, attempt: int
) -> None:
    request = host.receive("job")
    host.supervisor.began(request)
    host.die(request)
    waiting = mock.Mock(record=mock.Mock(status=Status.QUEUED))
    live = None if attempt == 1 else waiting
    with (
        mock.patch.object(CeleryStore, "live", return_value=live),
        mock.patch.object(CeleryStore, "release") as release,
    ):
        host.look()
    release.assert_called_once_with("job", host.lease.id, 0)
    assert host.status("job") is None


def test_death_of_a_second_delivery_ends_nothing(host: Host) -> None:
    host.run("job")
    host.die(Request("job"))
    host.receive("queued")
    host.die(Request("queued"))
    host.look()
    assert host.status("job") is None
    assert host.status("queued") is None


def test_death_ends_the_job_though_celery_has_delivered_it_again(host: Host) -> None:
    request, again = host.run("job"), Request("job")
    host.supervisor.received(host.consumer, again, 0, host.message)
    host.supervisor.began(again)
    state.active_requests.add(again)
    host.die(request)
    host.look()
    assert host.status("job") is Status.LOST


def test_job_of_another_worker_is_not_ended(host: Host) -> None:
    request = host.run("job")
    host.lease.id = "of another worker"
    host.die(request)
    host.look()
    assert host.status("job") is None


def test_attempt_is_killed_once_another_worker_runs_a_later_one(host: Host) -> None:
    request, _other = host.run("job"), host.run("another")
    live = host.store.live("job")
    assert live is not None
    elsewhere = replace(live, worker=Worker(name="other", lease="of another worker"))
    waiting = replace(elsewhere, record=replace(live.record, status=Status.QUEUED))
    host.store.documents.write("job.live", waiting.to_text())
    for _ in range(3):
        host.look()
    assert host.killed == []
    host.store.documents.write("job.live", elsewhere.to_text())
    for _ in range(3):
        host.look()
    assert host.killed == [request.worker_pid]


def test_attempt_is_killed_once_this_worker_runs_a_later_one(host: Host) -> None:
    request = host.run("job")
    live = host.store.live("job")
    assert live is not None
    later = replace(live, run="later", number=1)
    host.store.documents.write("job.live", later.to_text())
    again = Request("job", pid=1)
    host.supervisor.received(host.consumer, again, 1, host.message)
    host.supervisor.began(again)
    state.active_requests.add(again)
    for _ in range(3):
        host.look()
    assert host.killed == [request.worker_pid]


@pytest.mark.parametrize(("stuck", "times"), [(Stuck.DEAF, 0), (Stuck.HANGS, 1)])
def test_job_that_can_not_begin_in_a_main_thread_that_hangs_is_released(
    host: Host, stuck: Stuck, times: int
) -> None:
    host.run("begun")
    host.receive("job")
    watch = mock.Mock(stuck=stuck)
    with (
        mock.patch.object(ConsumerWatch, "current", watch),
        mock.patch.object(CeleryStore, "release") as release,
    ):
        host.look()
        host.look()
    assert release.mock_calls == [mock.call("job", host.lease.id, 0)] * times


def test_job_that_celery_drops_with_its_connection_is_released(host: Host) -> None:
    requests: dict[str, Any] = {}
    with (
        mock.patch.object(state, "requests", requests),
        mock.patch.object(CeleryStore, "release") as release,
    ):
        requests["known"] = host.receive("known")
        host.receive("dropped")
        host.consumer.restart_count += 1
        host.receive("limited")
        host.look()
        # A pool process may have it, and has not said so yet.
        release.assert_not_called()
        for _ in range(3):
            host.look()
    release.assert_called_once_with("dropped", host.lease.id, 0)


def test_job_that_waits_for_its_rate_is_kept_until_it_has_ended(host: Host) -> None:
    """Celery does not say that it has such a job."""
    with mock.patch.object(CeleryStore, "release") as release:
        host.receive("limited")
        for _ in range(3):
            host.look()
        host.store.cancel("limited")
        host.look()
        host.consumer.restart_count += 1
        for _ in range(3):
            host.look()
    release.assert_not_called()

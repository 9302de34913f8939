"""A dispatcher ends jobs in time, and itself when no server wants it."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dash_long_components.core.calls import Call, Limits
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreError, StoreUnavailableError
from dash_long_components.managers import cgroups
from dash_long_components.managers.diskcache.dispatcher import dispatcher as module
from dash_long_components.managers.diskcache.dispatcher.dispatcher import Dispatcher
from dash_long_components.managers.diskcache.dispatcher.wakeup import Wakeup
from dash_long_components.managers.diskcache.dispatcher.workers import Workers
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store import database
from dash_long_components.managers.store.dispatching import Dispatching
from dash_long_components.managers.store.heartbeats import INTERVAL, MISSED
from dash_long_components.managers.store.store import Store
from dash_long_components.managers.store.watchdog import Watchdog
from tests.unit.fakes import id_of
from tests.unit.managers.diskcache.made import settings_of
from tests.waiting import until

ME = Process.current()
DEAD = Process(ME.pid, ME.started - 1)
OTHER = Process.of(1)
ERROR = JobError(type="WorkerDied", message="", task="module.task")


class FakeWorkers(Workers):
    """Workers that are no processes.

    Attributes:
        exit_codes: of each, by its job; None while it runs.
        killed: the jobs whose workers were killed, in their order.
        without_orphans: the jobs whose orphans were killed, in their order.
        cannot_start: why no worker starts.
        worker: the process of all.
    """

    def __init__(self) -> None:
        self.exit_codes: dict[str, int | None] = {}
        self.killed: list[str] = []
        self.without_orphans: list[str] = []
        self.cannot_start: OSError | None = None
        self.worker: Process | None = None

    def jobs(self) -> set[str]:
        return set(self.exit_codes)

    def start(self, job_id: str, attempt: int) -> None:
        if self.cannot_start is not None:
            raise self.cannot_start
        self.exit_codes[job_id] = None

    def keep_spare(self) -> None:
        pass

    def exit_code(self, job_id: str) -> int | None:
        return self.exit_codes[job_id]

    def has(self, job_id: str, worker: Process) -> bool:
        return worker == self.worker

    def kill(self, job_id: str) -> None:
        self.killed.append(job_id)

    def kill_orphans_of(self, job_id: str) -> None:
        self.without_orphans.append(job_id)

    def kill_orphans(self) -> None:
        pass

    def forget(self, job_id: str) -> None:
        del self.exit_codes[job_id]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path), 60)
    yield store
    store.close()


@pytest.fixture
def workers() -> FakeWorkers:
    return FakeWorkers()


@pytest.fixture
def dispatcher(
    tmp_path: Path, store: Store, workers: FakeWorkers
) -> Iterator[Dispatcher]:
    """A dispatcher that looks around only when it is told to."""
    settings = settings_of(tmp_path, 2)
    # It looks at all processes of the machine.
    with mock.patch.object(module, "kill_orphans_of_dead"):
        yield Dispatcher(settings, store, workers, ME)


def submit(store: Store, job_id: str = "job", retries: Retries | None = None) -> None:
    record = Record(
        id=job_id,
        task="module.task",
        code="v1",
        limits=Limits(timeout=600.0),
        retries=retries,
        created=1,
        changed=1,
    )
    call = Call(task="key", fingerprint="f", context={})
    store.submit(record, call, max_concurrency=10, max_queue=10)


def take(store: Store, by: Process) -> None:
    submit(store)
    assert id_of(store.dispatching.take("v1", by, Sizes(10))) == "job"


def test_job_starts_before_the_dispatcher_looks_after_others(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    submit(store)
    started: list[set[str]] = []
    with mock.patch.object(
        workers, "kill_orphans", side_effect=lambda: started.append(workers.jobs())
    ):
        dispatcher.look_around()
    assert started == [{"job"}]


def test_worker_of_a_dead_dispatcher_is_adopted(
    dispatcher: Dispatcher, store: Store
) -> None:
    take(store, DEAD)
    store.slots.register("job", Process.of(1), 1)
    deadline = store.slots.all()["job"].deadline
    assert deadline is not None
    dispatcher.look_around()
    assert store.slots.all()["job"].dispatcher == ME
    # Its time goes on, it does not begin again.
    assert store.slots.all()["job"].deadline == deadline
    assert store.read("job").status is Status.RUNNING


def test_job_whose_worker_died_too_is_lost(
    dispatcher: Dispatcher, store: Store
) -> None:
    take(store, DEAD)
    store.slots.register("job", DEAD, 1)
    dispatcher.look_around()
    assert store.slots.all() == {}
    assert store.read("job").status is Status.LOST


def test_job_whose_worker_never_came_is_lost_and_does_not_begin(
    dispatcher: Dispatcher, store: Store
) -> None:
    take(store, DEAD)
    dispatcher.look_around()
    assert store.read("job").status is Status.LOST
    assert not store.slots.register("job", ME, 1)


def test_worker_that_registers_while_it_is_adopted_keeps_its_job(
    dispatcher: Dispatcher, store: Store
) -> None:
    take(store, DEAD)
    close_slot = Dispatching.close_slot

    def close_late(it: Dispatching, job_id: str, *rest: Any) -> Record | None:
        assert store.slots.register(job_id, Process.of(1), 1)
        return close_slot(it, job_id, *rest)

    with mock.patch.object(Dispatching, "close_slot", close_late):
        dispatcher.look_around()
    assert store.read("job").status is Status.RUNNING
    assert "job" in store.slots.all()


def test_dispatcher_that_was_held_up_leaves_a_job_to_the_next_one(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    submit(store, retries=Retries(times=1, lost=True, backoff=0.001))
    dispatcher.look_around()
    slot = store.slots.get("job")
    assert slot is not None
    # Another one takes it for dead, and runs the second attempt.
    assert store.dispatching.close_slot("job", slot, Status.LOST, ERROR)
    until(lambda: store.dispatching.take("v1", OTHER, Sizes(2)), 5)
    workers.exit_codes["job"] = -signal.SIGKILL
    dispatcher.look_around()
    assert workers.jobs() == set()
    record, slot = store.read("job"), store.slots.get("job")
    assert (record.status, record.attempt) == (Status.RUNNING, 2)
    assert slot is not None
    assert slot.dispatcher == OTHER


@pytest.mark.parametrize(
    ("worker", "killed"), [(ME, []), (OTHER, ["job"]), (None, ["job"])]
)
def test_dispatcher_that_was_held_up_kills_a_worker_that_another_one_has_replaced(
    dispatcher: Dispatcher,
    store: Store,
    workers: FakeWorkers,
    worker: Process | None,
    killed: list[str],
) -> None:
    submit(store)
    dispatcher.look_around()
    workers.worker = ME
    store.slots.assign("job", OTHER, None)
    if worker is not None:
        assert store.slots.register("job", worker, 1)
    dispatcher.look_around()
    assert workers.killed == killed


def test_adopted_worker_at_its_deadline_is_killed_with_its_orphans(
    dispatcher: Dispatcher, store: Store
) -> None:
    take(store, DEAD)
    worker = Process.of(1)
    store.slots.register("job", worker, 1)
    dispatcher.look_around()
    deadline = store.slots.all()["job"].deadline
    assert deadline is not None
    with (
        mock.patch("time.monotonic", return_value=deadline),
        mock.patch.object(module, "kill_tree_of") as kill,
        mock.patch.object(module, "kill_orphans_of_dead") as kill_orphans,
    ):
        dispatcher.look_around()
    kill.assert_called_once_with(worker)
    kill_orphans.assert_called_once_with(worker, "job")
    assert store.read("job").status is Status.TIMED_OUT
    assert store.slots.all() == {}


def test_dispatcher_shows_that_it_lives(dispatcher: Dispatcher, store: Store) -> None:
    """A process of another host has nothing but the heartbeat to go by."""
    assert store.registry.claim("v1", ME, port=1)
    store.registry.add_server("v1", ME)
    seen = set()
    now = time.monotonic()
    for beats in range(3):
        with mock.patch("time.monotonic", return_value=now + beats * INTERVAL):
            dispatcher.look_around()
        found = store.registry.dispatcher("v1")
        assert found is not None
        seen.add(found.heartbeat)
    assert len(seen) == 3


def test_dispatcher_of_other_code_that_hangs_has_no_jobs_any_more(
    dispatcher: Dispatcher, store: Store
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as child:
        hanging = Process.of(child.pid)
        assert store.registry.claim("old", hanging, port=1, tasks={})
        take(store, hanging)
        store.slots.register("job", OTHER, 1)
        now = time.monotonic()
        for beats in range(MISSED + 1):
            with mock.patch("time.monotonic", return_value=now + beats * INTERVAL):
                dispatcher.look_around()
        assert child.wait(20) != 0
    dispatcher.look_around()
    assert store.slots.all()["job"].dispatcher == ME


def test_start_and_end_of_a_job_cost_no_look_at_other_dispatchers(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    now = time.monotonic()
    with (
        mock.patch.object(cgroups, "end_dead") as end_dead,
        mock.patch("time.monotonic", return_value=now) as clock,
    ):
        dispatcher.look_around()
        for job_id in ("first", "second"):
            submit(store, job_id)
            dispatcher.look_around()
            assert store.end(job_id, Status.SUCCEEDED)
            workers.exit_codes[job_id] = 0
            dispatcher.look_around()
        assert end_dead.call_count == 1
        clock.return_value = now + INTERVAL
        dispatcher.look_around()
    assert end_dead.call_count == 2


def test_slot_of_a_job_that_has_ended_is_free_without_another_read_of_the_job(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    submit(store)
    dispatcher.look_around()
    assert store.end("job", Status.SUCCEEDED)
    workers.exit_codes["job"] = 0
    with mock.patch.object(store, "read", side_effect=AssertionError):
        dispatcher.look_around()
    assert store.slots.all() == {}
    assert store.read("job").status is Status.SUCCEEDED


def test_worker_that_does_not_die_at_once_keeps_its_slot(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    submit(store)
    dispatcher.look_around()
    store.change("job", lambda record: record.request_cancel(1))
    dispatcher.look_around()
    assert workers.killed == ["job"]
    assert not store.read("job").status.is_terminal
    assert "job" in store.slots.all()
    assert workers.without_orphans == []
    workers.exit_codes["job"] = -signal.SIGKILL
    dispatcher.look_around()
    assert workers.without_orphans == ["job"]
    assert store.read("job").status is Status.CANCELLED
    assert store.slots.all() == {}


def test_job_whose_worker_can_not_start_is_lost(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    workers.cannot_start = OSError("no more processes")
    submit(store)
    dispatcher.look_around()
    record = store.read("job")
    assert record.status is Status.LOST
    assert record.error is not None
    assert "no more processes" in record.error.message
    assert store.slots.all() == {}


def test_worker_that_the_store_does_not_know_is_killed(
    dispatcher: Dispatcher, workers: FakeWorkers
) -> None:
    """The store was removed, and a server has made a new one."""
    workers.start("job", 1)
    dispatcher.look_around()
    assert workers.killed == ["job"]
    workers.exit_codes["job"] = -signal.SIGKILL
    # No server wants the dispatcher, and no job needs it.
    assert dispatcher.look_around()


def test_dispatcher_goes_on_after_an_outage_of_the_store(
    dispatcher: Dispatcher, workers: FakeWorkers, caplog: pytest.LogCaptureFixture
) -> None:
    wakeup = mock.Mock()
    rounds = [
        sqlite3.OperationalError("database is locked"),
        sqlite3.OperationalError("disk is full"),
        OSError(errno.EMFILE, "Too many open files"),
        True,
    ]
    workers.start("job", 1)
    with mock.patch.object(dispatcher, "look_around", side_effect=rounds):
        dispatcher.work(wakeup)
    assert wakeup.wait.call_count == 3
    assert caplog.text.count("can't be read or written now") == 1
    assert workers.killed == []


def test_dispatcher_goes_on_after_an_outage_that_shuts_readers_out(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    workers.start("job", 1)
    store.close()
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")

    def end_outage(seconds: float) -> None:
        assert seconds == module.TICK
        other.close()
        workers.exit_codes.clear()

    wakeup = mock.Mock()
    wakeup.wait.side_effect = end_outage
    with mock.patch.object(database, "BUSY_TIMEOUT", 0.05):
        dispatcher.work(wakeup)
    wakeup.wait.assert_called_once()
    assert workers.killed == []


def test_dispatcher_without_a_store_ends_and_its_jobs_with_it(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    workers.start("job", 1)
    os.remove(store.path)
    error = sqlite3.OperationalError("disk I/O error")
    with (
        mock.patch.object(dispatcher, "look_around", side_effect=error),
        pytest.raises(StoreError, match="was removed"),
    ):
        dispatcher.work(mock.Mock())
    assert workers.killed == ["job"]


@pytest.mark.parametrize("is_stopped", [True, False])
def test_worker_that_was_stopped_in_a_write_is_killed(
    dispatcher: Dispatcher, store: Store, is_stopped: bool
) -> None:
    take(store, ME)
    worker = Process.of(1)
    store.slots.register("job", worker, 1)
    rounds = [sqlite3.OperationalError("database is locked"), True]
    with (
        mock.patch.object(dispatcher, "look_around", side_effect=rounds),
        mock.patch.object(module, "is_stopped_in_write", return_value=is_stopped),
        mock.patch.object(module, "kill_tree_of") as kill,
    ):
        dispatcher.work(mock.Mock())
    assert kill.call_args_list == ([mock.call(worker)] if is_stopped else [])
    record = store.read("job")
    assert record.status is (Status.LOST if is_stopped else Status.RUNNING)
    assert not is_stopped or "stopped in a write" in str(record.error)


def test_nothing_is_remembered_of_a_job_whose_worker_is_gone(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    submit(store)
    dispatcher.look_around()
    workers.exit_codes["job"] = 0
    with mock.patch.object(Watchdog, "forget") as forget:
        dispatcher.look_around()
    forget.assert_called_once_with("job")
    assert workers.jobs() == set()


def stop(dispatcher: Dispatcher, by: signal.Signals, then: int | None = None) -> None:
    """Run it until a signal, and send it another one while it waits for its jobs."""
    handlers: dict[int, Any] = {}
    waits = iter([None, then])

    def wait(_seconds: float) -> None:
        number = next(waits)
        if number is not None:
            handlers[number](number, None)

    with (
        mock.patch("signal.signal", handlers.__setitem__),
        mock.patch("signal.set_wakeup_fd"),
        mock.patch("signal.pthread_sigmask", create=True),
        mock.patch.object(
            dispatcher, "look_around", side_effect=lambda: handlers[by](by, None)
        ),
        mock.patch.object(Wakeup, "wait", side_effect=wait),
        mock.patch.object(Workers, "prepare"),
        mock.patch.object(cgroups, "enter"),
        mock.patch.object(cgroups, "leave"),
        mock.patch.object(FakeWorkers, "dismiss_spare", create=True),
    ):
        dispatcher.run()


@pytest.mark.parametrize(
    ("by", "status"),
    [(signal.SIGINT, Status.LOST), (signal.SIGTERM, Status.QUEUED)],
)
def test_ctrl_c_ends_the_queue_too_and_a_stop_leaves_it_to_the_next_dispatcher(
    dispatcher: Dispatcher,
    store: Store,
    caplog: pytest.LogCaptureFixture,
    by: signal.Signals,
    status: Status,
) -> None:
    take(store, ME)
    submit(store, "waiting")
    stop(dispatcher, by)
    assert store.read("waiting").status is status
    error = store.read("job").error
    assert error is not None
    assert error.message == f"The server was stopped by {by.name}."
    # The user has stopped it: that is no error.
    assert "is lost" not in caplog.text


def test_ctrl_c_ends_the_queue_while_a_stop_waits_for_a_checkpoint(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    take(store, ME)
    workers.start("job", 1)
    store.save_checkpoint("job", 1, "j1")
    submit(store, "waiting")
    stop(dispatcher, signal.SIGTERM, then=signal.SIGINT)
    assert store.read("job").status is Status.LOST
    assert store.read("waiting").status is Status.LOST


def test_dispatcher_that_stops_in_an_outage_leaves_no_worker(
    dispatcher: Dispatcher, store: Store, workers: FakeWorkers
) -> None:
    take(store, ME)
    workers.start("job", 1)
    store.save_checkpoint("job", 1, "j1")
    error = sqlite3.OperationalError("database is locked")
    with (
        mock.patch.object(module, "HANDOVER", 0.0),
        mock.patch.object(store.slots, "all", side_effect=error),
        pytest.raises(StoreUnavailableError),
    ):
        stop(dispatcher, signal.SIGTERM)
    assert "job" in workers.killed


@pytest.fixture
def signals() -> Iterator[None]:
    """Give the signals that a dispatcher handles back to their handlers."""
    handled = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD]
    before = {each: signal.getsignal(each) for each in handled}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)
    signal.set_wakeup_fd(-1)


@pytest.mark.usefixtures("signals")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGCHLD")
def test_exit_of_a_worker_wakes_the_dispatcher(
    dispatcher: Dispatcher, workers: FakeWorkers
) -> None:
    waited: list[float] = []

    def work(wakeup: Wakeup) -> None:
        os.kill(os.getpid(), signal.SIGCHLD)
        start = time.monotonic()
        wakeup.wait(20.0)
        waited.append(time.monotonic() - start)

    with (
        mock.patch.object(cgroups, "enter"),
        mock.patch.object(cgroups, "leave"),
        mock.patch.object(workers, "prepare"),
        mock.patch.object(workers, "dismiss_spare"),
        mock.patch.object(dispatcher, "work", work),
    ):
        dispatcher.run()
    assert waited[0] < 10.0

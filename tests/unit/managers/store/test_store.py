"""The store: every change is whole, first come is first served, nothing is evicted."""

from __future__ import annotations

import itertools
import pickle
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import diskcache
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dash_long_components.core.jobs import (
    Call,
    JobError,
    Lane,
    Retrigger,
    Status,
    Ticket,
)
from dash_long_components.core.queueing import QueuedJob, Scheduling, Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.requesters import Requester
from dash_long_components.core.retries import Retries
from dash_long_components.core.search import Order, Search
from dash_long_components.exceptions import JobEndedError
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store import schema
from dash_long_components.managers.store.clock import Instant
from dash_long_components.managers.store.slots import Slot
from dash_long_components.managers.store.store import Store
from tests.rows import row_counts
from tests.unit.fakes import id_of

ME = Process.current()
DEAD = Process(ME.pid, ME.started - 1)
ERROR = JobError(type="WorkerDied", message="", task="task")
CALL = Call(task="key", fingerprint="f", context={"cookies": {"a": "secret"}})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path / "jobs"), result_ttl=60)
    yield store
    store.close()


def submit(
    store: Store,
    job_id: str,
    code: str = "v1",
    max_queue: int = 100,
    lane: Lane | None = None,
    slots: int = 0,
) -> bool:
    now = time.time()
    record = Record(id=job_id, task="module.task", code=code, created=now, changed=now)
    ticket = store.submit(
        record, CALL, max_concurrency=slots, max_queue=max_queue, lane=lane
    )
    return ticket is not None


def take(store: Store, slots: int = 100, code: str = "v1") -> str | None:
    return id_of(store.dispatching.take(code, ME, Sizes(slots)))


def status(store: Store, job_id: str) -> Status:
    return store.read(job_id).status


def slot(run: int, by: Process = ME, worker: Process | None = None) -> Slot:
    return Slot(dispatcher=by, worker=worker, deadline=None, run=run)


def cancel(store: Store, job_id: str) -> None:
    """Cancel a job that one has asked for."""
    store.leave(Ticket(job=job_id, requester="0"))


def port_of(store: Store, code: str) -> int | None:
    dispatcher = store.registry.dispatcher(code)
    return dispatcher.port if dispatcher else None


def waiting(store: Store) -> int:
    return store.queue.count()


def succeed(store: Store, job_id: str, result: bytes = b"1") -> None:
    store.change(job_id, lambda job: job.end(Status.SUCCEEDED, 1.0), result)


def test_first_come_is_first_served(store: Store) -> None:
    for number in range(20):
        submit(store, f"job-{number}")
    assert [take(store) for _ in range(21)] == [
        *(f"job-{number}" for number in range(20)),
        None,
    ]


def test_job_that_is_taken_runs_and_has_a_place(store: Store) -> None:
    submit(store, "job")
    assert take(store) == "job"
    assert status(store, "job") is Status.RUNNING
    assert store.slots.all() == {
        "job": Slot(dispatcher=ME, worker=None, deadline=None, run=1)
    }


def test_no_more_are_taken_than_there_are_places(store: Store) -> None:
    for number in range(4):
        submit(store, f"job-{number}")
    submit(store, "other", code="v2")
    assert [take(store, 2) for _ in range(3)] == ["job-0", "job-1", None]
    # Over all versions of the code.
    assert take(store, 2, code="v2") is None
    store.slots.release("job-0")
    assert take(store, 2, code="v2") == "other"
    assert take(store, 2) is None


def test_job_that_was_cancelled_is_not_taken(store: Store) -> None:
    for number in range(3):
        submit(store, f"job-{number}")
    cancel(store, "job-0")
    cancel(store, "job-1")
    assert take(store) == "job-2"
    assert status(store, "job-0") is Status.CANCELLED


def test_queues_of_code_versions_are_apart(store: Store) -> None:
    submit(store, "old", code="v1")
    submit(store, "new", code="v2")
    assert take(store, code="v2") == "new"
    assert take(store, code="v2") is None
    assert take(store, code="v1") == "old"


def test_full_queue_rejects(store: Store) -> None:
    assert submit(store, "job-0", max_queue=1)
    assert submit(store, "job-1", max_queue=1)
    record = store.read("job-1")
    assert record.status is Status.REJECTED
    assert record.error
    assert record.error.type == "QueueFull"
    assert store.call("job-1") is None
    assert take(store) == "job-0"
    submit(store, "job-2", max_queue=1)
    assert take(store) == "job-2"


def test_jobs_that_find_a_free_place_do_not_fill_the_queue(store: Store) -> None:
    for number in range(4):
        submit(store, f"job-{number}", max_queue=1, slots=2)
    assert status(store, "job-2") is Status.QUEUED
    assert status(store, "job-3") is Status.REJECTED
    assert take(store, slots=2) == "job-0"
    assert take(store, slots=2) == "job-1"
    submit(store, "job-4", max_queue=1, slots=2)
    assert status(store, "job-4") is Status.REJECTED


def test_call_is_there_until_the_job_ends(store: Store) -> None:
    submit(store, "job")
    take(store)
    assert store.call("job") == CALL
    succeed(store, "job")
    assert store.call("job") is None


@pytest.mark.parametrize("end", [Status.FAILED, Status.LOST, Status.CANCELLED])
def test_result_is_kept_of_a_success_only(store: Store, end: Status) -> None:
    submit(store, "job")
    take(store)
    store.change("job", lambda job: job.end(end, 1.0), b"1")
    assert store.result("job") is None


def test_result_of_a_job_that_was_cancelled_is_not_kept(store: Store) -> None:
    submit(store, "job")
    take(store)
    cancel(store, "job")
    succeed(store, "job")
    assert status(store, "job") is Status.CANCELLED
    assert store.result("job") is None
    assert store.durations.median("module.task") is None


def test_change_that_fails_changes_nothing(store: Store) -> None:
    submit(store, "job")
    before = store.read("job")

    def fail(_record: Record) -> Record:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.change("job", fail, b"1")
    assert store.read("job") == before
    assert waiting(store) == 1


def test_submit_that_fails_leaves_nothing(store: Store) -> None:
    with (
        mock.patch.object(store.queue, "add", side_effect=RuntimeError("no")),
        pytest.raises(RuntimeError, match="no"),
    ):
        submit(store, "job")
    with pytest.raises(KeyError):
        store.read("job")
    assert waiting(store) == 0
    assert store.call("job") is None


def test_ended_job_stays_as_it_ended(store: Store) -> None:
    submit(store, "job")
    take(store)
    succeed(store, "job", b"the result")
    before = store.read("job")
    store.end("job", Status.LOST)
    cancel(store, "job")
    with pytest.raises(JobEndedError):
        succeed(store, "job", b"another")
    assert store.read("job") == before
    assert store.result("job") == b"the result"


def test_unknown_job_is_no_error_to_end_or_cancel(store: Store) -> None:
    store.end("unknown", Status.LOST)
    cancel(store, "unknown")
    with pytest.raises(KeyError):
        store.read("unknown")


_steps = st.lists(
    st.tuples(
        st.sampled_from(["submit", "take", "cancel", "succeed", "lose", "drop"]),
        st.integers(0, 5),
    ),
    max_size=30,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(_steps)
def test_count_of_those_who_wait_never_drifts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    store = Store(str(tmp_path_factory.mktemp("store")), 60)
    jobs: list[str] = []
    try:
        for number, (step, which) in enumerate(steps):
            job_id = jobs[which % len(jobs)] if jobs else "none"
            match step:
                case "submit":
                    jobs.append(f"job-{number}")
                    submit(store, jobs[-1], max_queue=3)
                case "take":
                    take(store, 2)
                case "cancel":
                    cancel(store, job_id)
                case "succeed":
                    if jobs and status(store, job_id) is Status.RUNNING:
                        succeed(store, job_id)
                        store.slots.release(job_id)
                case "lose":
                    store.end(job_id, Status.LOST)
                    store.slots.release(job_id)
                case "drop":
                    store.dispatching.drop_queue("v1", "gone")
            queued = [j for j in jobs if status(store, j) is Status.QUEUED]
            assert waiting(store) == len(queued)
            assert len(queued) <= 3
            assert len(store.slots.all()) <= 2
            assert {j for j in jobs if store.call(j)} == {
                j for j in jobs if not status(store, j).is_terminal
            }
    finally:
        store.close()


def test_two_threads_never_take_the_same_job(store: Store) -> None:
    for number in range(40):
        submit(store, f"job-{number}")

    def take_all(_: int) -> list[str]:
        taken = list(iter(lambda: take(store), None))
        store.close()
        return [job_id for job_id in taken if job_id is not None]

    with ThreadPoolExecutor(4) as pool:
        taken = [job_id for each in pool.map(take_all, range(4)) for job_id in each]
    assert sorted(taken) == sorted(f"job-{number}" for number in range(40))


def test_no_change_of_many_threads_is_lost(store: Store) -> None:
    submit(store, "job")
    take(store)

    def report(_: int) -> None:
        for _ in range(20):
            store.change("job", lambda job: job.report(1.0, Report()))
        store.close()

    cursor = store.read("job").cursor
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(report, range(4)))
    assert store.read("job").cursor == cursor + 80


@pytest.fixture
def clock() -> Iterator[mock.Mock]:
    with mock.patch("time.monotonic", return_value=1000.0) as clock:
        yield clock


@pytest.fixture
def wall() -> Iterator[mock.Mock]:
    with mock.patch("time.time", return_value=1_000_000.0) as wall:
        yield wall


def test_store_goes_along_to_a_worker_that_is_spawned(store: Store) -> None:
    submit(store, "job")
    with closing(pickle.loads(pickle.dumps(store))) as there:
        assert status(there, "job") is Status.QUEUED


def test_any_number_of_records_go_at_once(store: Store, clock: mock.Mock) -> None:
    for number in range(250):
        submit(store, f"job-{number}", max_queue=1000)
        store.end(f"job-{number}", Status.CANCELLED)
    clock.return_value += 61
    store.sweep()
    assert row_counts(store)["job"] == 0


def test_record_goes_when_its_time_is_over(
    store: Store, clock: mock.Mock, wall: mock.Mock
) -> None:
    for job_id in ("ended", "running", "queued"):
        submit(store, job_id)
    take(store)
    take(store)
    succeed(store, "ended")
    clock.return_value += 59
    store.sweep()
    assert store.result("ended") == b"1"
    assert status(store, "ended") is Status.SUCCEEDED
    # A machine that slept, or whose clock was wrong, has not had that time.
    wall.return_value += 10**9
    store.sweep()
    assert store.result("ended") == b"1"
    clock.return_value += 2
    store.sweep()
    assert row_counts(store)["job"] == 2
    with pytest.raises(KeyError):
        store.read("ended")
    assert store.result("ended") is None
    # Live jobs never expire.
    clock.return_value += 10**9
    store.sweep()
    assert status(store, "running") is Status.RUNNING
    assert status(store, "queued") is Status.QUEUED


def test_record_goes_after_a_restart_of_the_machine(
    store: Store, clock: mock.Mock, wall: mock.Mock
) -> None:
    submit(store, "ended")
    take(store)
    succeed(store, "ended")
    # The monotonic clock starts again, so that the end seems to come later than now.
    clock.return_value = 10.0
    wall.return_value += 59
    store.sweep()
    assert store.result("ended") == b"1"
    wall.return_value += 2
    store.sweep()
    assert store.result("ended") is None


def test_job_that_has_ended_gets_no_worker(store: Store) -> None:
    submit(store, "job")
    take(store)
    store.end("job", Status.LOST)
    assert "job" in store.slots.all()
    assert not store.slots.register("job", ME, 1)


def test_nothing_is_evicted(store: Store) -> None:
    for number in range(50):
        submit(store, f"job-{number}")
        take(store)
        succeed(store, f"job-{number}", b"x" * 10_000)
    assert {len(store.result(f"job-{n}") or b"") for n in range(50)} == {10_000}


def test_every_file_of_a_store_is_used(store: Store, tmp_path: Path) -> None:
    submit(store, "job")
    take(store)
    succeed(store, "job", b"x" * 1_000_000)
    assert {path.name for path in (tmp_path / "jobs").iterdir()} <= {
        *("jobs.cache.db", "jobs.cache.db-wal", "jobs.cache.db-shm")
    }


def test_cache_around_the_store_finds_nothing_wrong(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path)) as cache:
        store = Store(str(tmp_path / "long-jobs"), 60)
        submit(store, "job")
        assert cache.check(fix=True) == []
        cache.clear()
        assert status(store, "job") is Status.QUEUED
        store.close()


def test_secret_is_made_once(store: Store, tmp_path: Path) -> None:
    other = Store(str(tmp_path / "jobs"), 60)
    assert len(store.secret()) >= 32
    assert other.secret() == store.secret()
    other.close()
    third = Store(str(tmp_path / "elsewhere"), 60)
    assert third.secret() != store.secret()
    third.close()


# Dispatchers and clients


def test_one_dispatcher_at_a_time(store: Store) -> None:
    parent = Process.of(1)
    assert store.registry.claim("v1", parent, port=1)
    assert not store.registry.claim("v1", ME, port=2)
    assert store.registry.claim("v1", parent, port=1, tasks={})
    assert port_of(store, "v1") == 1
    assert store.registry.claim("v2", ME, port=3)


def test_dead_dispatcher_is_replaced(store: Store) -> None:
    assert store.registry.claim("v1", DEAD, port=1)
    assert store.registry.claim("v1", ME, port=2)
    assert port_of(store, "v1") == 2


def test_dispatcher_does_not_resign_while_jobs_wait(store: Store) -> None:
    store.registry.claim("v1", ME, port=1)
    submit(store, "job")
    assert not store.dispatching.resign("v1")
    take(store)
    assert store.dispatching.resign("v1")
    assert store.registry.dispatcher("v1") is None


def test_held_jobs_need_no_dispatcher_but_are_found_when_their_code_is_gone(
    store: Store,
) -> None:
    store.registry.claim("v1", DEAD, port=1)
    submit(store, "queued")
    store.change_halts(lambda halts: halts.pause("module.task"))
    submit(store, "held")
    assert store.queue.is_empty("v1")
    assert store.dispatching.resign("v1")
    assert store.registry.abandoned() == ["v1"]
    store.dispatching.drop_queue("v1", "because")
    assert status(store, "queued") is Status.LOST
    assert status(store, "held") is Status.LOST
    assert store.registry.abandoned() == []
    assert store.dispatching.resign("v1")


def test_only_living_clients_count(store: Store) -> None:
    assert not store.registry.has_servers("v1")
    store.registry.add_server("v1", DEAD)
    assert not store.registry.has_servers("v1")
    store.registry.add_server("v1", ME)
    store.registry.add_server("v1", ME)
    assert store.registry.has_servers("v1")
    assert not store.registry.has_servers("v2")
    store.registry.remove_server("v1", ME)
    store.registry.remove_server("v1", ME)
    assert not store.registry.has_servers("v1")


def test_worker_without_a_place_must_not_run(store: Store) -> None:
    submit(store, "job")
    take(store)
    assert store.slots.register("job", ME, 1)
    store.slots.release("job")
    store.slots.release("job")
    assert not store.slots.register("job", ME, 1)


def test_queue_that_is_dropped_ends_its_jobs(store: Store) -> None:
    store.registry.add_server("v1", DEAD)
    submit(store, "running")
    take(store)
    for number in range(3):
        submit(store, f"job-{number}")
    submit(store, "other", code="v2")
    assert store.registry.abandoned() == ["v1"]
    store.dispatching.drop_queue("v1", "because")
    for number in range(3):
        record = store.read(f"job-{number}")
        assert record.status is Status.LOST
        assert record.error
        assert record.error.message == "because"
    assert status(store, "running") is Status.RUNNING
    assert status(store, "other") is Status.QUEUED
    store.slots.release("running")
    store.dispatching.drop_queue("v1", "because")
    assert store.registry.abandoned() == []


# Lanes


def lane(retrigger: Retrigger, seq: int, name: str = "lane") -> Lane:
    return Lane(name=name, seq=seq, retrigger=retrigger)


def test_later_trigger_replaces_the_earlier(store: Store) -> None:
    submit(store, "running", lane=lane(Retrigger.REPLACE, 1))
    take(store)
    submit(store, "second", lane=lane(Retrigger.REPLACE, 2))
    assert store.read("running").cancel_requested
    submit(store, "third", lane=lane(Retrigger.REPLACE, 3))
    assert status(store, "second") is Status.CANCELLED
    assert take(store) == "third"


def test_trigger_that_arrives_late_is_cancelled(store: Store) -> None:
    submit(store, "later", lane=lane(Retrigger.REPLACE, 2))
    submit(store, "earlier", lane=lane(Retrigger.REPLACE, 1))
    assert status(store, "earlier") is Status.CANCELLED
    assert status(store, "later") is Status.QUEUED
    assert store.call("earlier") is None


@pytest.mark.parametrize("retrigger", Retrigger)
def test_lanes_are_apart(store: Store, retrigger: Retrigger) -> None:
    for name in ("left", "right"):
        assert submit(store, name, lane=lane(retrigger, 1, name))
    assert {take(store), take(store)} == {"left", "right"}


def test_queue_lane_runs_one_after_the_other(store: Store) -> None:
    for number in range(4):
        submit(store, f"job-{number}", lane=lane(Retrigger.QUEUE, number))
    assert take(store) == "job-0"
    assert take(store) is None
    cancel(store, "job-1")
    assert take(store) is None
    succeed(store, "job-0")
    assert take(store) == "job-2"
    assert take(store) is None
    store.end("job-2", Status.LOST)
    assert take(store) == "job-3"
    assert waiting(store) == 0


def test_job_that_waits_has_its_turn_whatever_comes_after_it(store: Store) -> None:
    submit(store, "first", lane=lane(Retrigger.QUEUE, 1))
    submit(store, "waits", lane=lane(Retrigger.QUEUE, 2))
    submit(store, "other", lane=lane(Retrigger.PARALLEL, 3))
    assert [take(store), take(store), take(store)] == ["first", "other", None]
    succeed(store, "first")
    assert take(store) == "waits"


def test_parallel_lane_runs_them_all(store: Store) -> None:
    for number in range(3):
        submit(store, f"job-{number}", lane=lane(Retrigger.PARALLEL, number))
    assert [take(store) for _ in range(3)] == ["job-0", "job-1", "job-2"]


def test_ignore_lane_takes_one_at_a_time(store: Store) -> None:
    assert submit(store, "first", lane=lane(Retrigger.IGNORE, 1))
    assert not submit(store, "second", lane=lane(Retrigger.IGNORE, 2))
    with pytest.raises(KeyError):
        store.read("second")
    assert waiting(store) == 1
    take(store)
    assert not submit(store, "third", lane=lane(Retrigger.IGNORE, 3))
    succeed(store, "first")
    assert submit(store, "fourth", lane=lane(Retrigger.IGNORE, 4))
    assert take(store) == "fourth"


@pytest.mark.parametrize("retrigger", Retrigger)
def test_nothing_is_left_of_a_lane_without_jobs(
    store: Store, retrigger: Retrigger
) -> None:
    for number in range(3):
        submit(store, f"job-{number}", lane=lane(retrigger, number))
    for _ in range(3):
        job_id = take(store)
        if job_id is not None:
            succeed(store, job_id)
    assert row_counts(store)["requester"] == 0


def test_new_trigger_replaces_though_the_queue_is_full(store: Store) -> None:
    submit(store, "old", max_queue=1, lane=lane(Retrigger.REPLACE, 1))
    submit(store, "new", max_queue=1, lane=lane(Retrigger.REPLACE, 2))
    assert status(store, "old") is Status.CANCELLED
    assert take(store) == "new"


def test_dropped_queue_ends_those_who_wait_in_a_lane_too(store: Store) -> None:
    for number in range(3):
        submit(store, f"job-{number}", lane=lane(Retrigger.QUEUE, number))
    store.dispatching.drop_queue("v1", "because")
    assert {status(store, f"job-{n}") for n in range(3)} == {Status.LOST}


def test_queue_is_not_forgotten_while_a_job_runs_that_others_wait_for(
    store: Store,
) -> None:
    store.registry.add_server("v1", DEAD)
    for number in range(3):
        submit(store, f"job-{number}", lane=lane(Retrigger.QUEUE, number))
    # Its dispatcher has died since, and one of other code watches over it.
    take(store)
    store.dispatching.drop_queue("v1", "because")
    assert status(store, "job-1") is Status.QUEUED
    succeed(store, "job-0")
    store.slots.release("job-0")
    assert store.registry.abandoned() == ["v1"]
    store.dispatching.drop_queue("v1", "because")
    assert {status(store, f"job-{n}") for n in (1, 2)} == {Status.LOST}
    assert store.registry.abandoned() == []


def test_jobs_are_read_together(store: Store) -> None:
    submit(store, "waits")
    submit(store, "runs")
    store.change("runs", lambda job: job.start(1.0))
    found = store.read_all(["runs", "missing", "waits"])
    assert found == {"runs": store.read("runs"), "waits": store.read("waits")}
    assert store.read_all([]) == {}


def test_job_that_is_read_again_shows_what_has_changed(store: Store) -> None:
    submit(store, "job")
    assert store.read_all(["job"])["job"].status is Status.QUEUED
    store.change("job", lambda job: job.start(1.0))
    assert store.read_all(["job"])["job"].status is Status.RUNNING


def test_queued_jobs_are_listed_in_their_order(store: Store) -> None:
    for number in range(5):
        submit(store, f"job-{number}")
    submit(store, "other", code="v2")
    take(store, 1)
    cancel(store, "job-2")
    waiting = [(job.id, job.task) for job in store.queue.waiting("v1")]
    assert waiting == [(f"job-{number}", "module.task") for number in (1, 3, 4)]
    assert store.queue.waiting("v3") == []
    assert [take(store) for _ in range(3)] == ["job-1", "job-3", "job-4"]


def test_successful_runs_say_how_long_a_task_takes(store: Store) -> None:
    assert store.durations.median("module.task") is None
    for number, status in enumerate(
        [Status.SUCCEEDED, Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED]
    ):
        submit(store, f"job-{number}")
        take(store)
        started = store.read(f"job-{number}").started
        assert started is not None
        ended = store.read(f"job-{number}").end(status, started + 10.0 * (number + 1))
        store.change(f"job-{number}", mock.Mock(return_value=ended))
    assert store.durations.median("module.task") == pytest.approx(20)
    assert store.durations.median("other.task") is None


# Searches


SEARCHES = [
    Search(limit=7),
    Search(owner='"ada"', limit=7),
    Search(task="many", limit=7),
    Search(statuses=frozenset({Status.FAILED, Status.LOST}), limit=7),
    Search(task="many", statuses=frozenset({Status.SUCCEEDED}), limit=7),
    Search(order=Order(by="task"), limit=7, start=3),
    Search(order=Order(by="status", is_descending=True), limit=7, start=3),
]


def add_ended(store: Store, first: int, last: int) -> None:
    """Add jobs that have ended, every second one failed."""
    with store._database.transaction():
        for number in range(first, last):
            status = Status.FAILED if number % 2 else Status.SUCCEEDED
            record = Record(
                id=f"job-{number}",
                task="many",
                code="v1",
                status=status,
                requesters=(Requester(id="0", owner='"ada"'),),
                created=1.0,
                changed=2.0,
            )
            store._add(record, Instant(1.0, 1.0))


def steps(store: Store, search: Search) -> int:
    """Return how many hundred steps a search takes SQLite."""
    count = itertools.count()
    connection = store._database._connection()
    connection.set_progress_handler(lambda: next(count) * 0, 100)
    found = store.searches.find(search)
    store.searches.by_task()
    if search.owner is None:
        assert store.searches.count(search) >= len(found)
    connection.set_progress_handler(None, 0)
    numbers = [int(record.id.removeprefix("job-")) for record in found]
    assert len(numbers) == 7
    assert numbers == sorted(numbers, reverse=True)
    assert all(map(search.finds, found))
    return next(count)


@pytest.mark.parametrize("by", ["created", "task", "status"])
@pytest.mark.parametrize("owner", [None, '"ada"'])
@pytest.mark.parametrize("task", [None, "many"])
def test_no_status_finds_no_job(
    store: Store, by: Any, owner: str | None, task: str | None
) -> None:
    add_ended(store, 0, 2)
    none = Search(statuses=frozenset(), owner=owner, task=task, order=Order(by=by))
    assert store.searches.find(none) == []
    assert store.searches.count(none) == 0


def test_search_costs_the_same_among_many_jobs(store: Store) -> None:
    add_ended(store, 0, 100)
    few = [steps(store, search) for search in SEARCHES]
    add_ended(store, 100, 5000)
    many = [steps(store, search) for search in SEARCHES]
    assert max(many) <= max(few) + 2


def test_counts_follow_every_change_of_a_job(store: Store) -> None:
    def is_right() -> bool:
        rows = store._database.query(
            "SELECT task, status, count(*) FROM job GROUP BY task, status"
        )
        counted = {(task, Status(status)): count for task, status, count in rows}
        return store.searches.by_task() == counted

    add_ended(store, 0, 5)
    submit(store, "a")
    submit(store, "b")
    assert is_right()
    assert store.searches.queued() == {"default": 2}
    assert take(store) == "a"
    assert is_right()
    store.end("a", Status.FAILED)
    store._jobs.delete("job-1")
    assert is_right()
    assert store.searches.by_task()["many", Status.FAILED] == 1


def test_store_of_the_first_version_gets_what_is_new(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    now = time.time()
    record = Record(id="a", task="t", code="v1", created=now, changed=now)
    with (
        mock.patch.object(schema, "MIGRATIONS", schema.MIGRATIONS[:1]),
        mock.patch.object(schema, "VERSION", 1),
    ):
        old = Store(str(folder), result_ttl=60)
        old._database.run(
            "INSERT INTO job (id, code, task, status, turn, submitted, submitted_wall,"
            " record) VALUES ('a', 'v1', 't', 'queued', 7, 1, 1, ?)",
            record.to_json(),
        )
        old.close()
    new = Store(str(folder), result_ttl=60)
    assert [found.id for found in new.searches.find(Search(task="t"))] == ["a"]
    assert new.searches.by_task() == {("t", Status.QUEUED): 1}
    assert new.queue.waiting("v1") == [QueuedJob(id="a", task="t")]
    assert take(new) == "a"
    new.close()


def test_deleted_job_is_no_longer_a_users(store: Store) -> None:
    now = time.time()
    record = Record(id="a", task="t", code="v1", created=now, changed=now)
    store.submit(record, CALL, max_concurrency=1, max_queue=9, owner='"ada"')
    assert [found.id for found in store.searches.find(Search(owner='"ada"'))] == ["a"]
    store._jobs.delete("a")
    assert store._database.value("SELECT count(*) FROM owned") == 0


ONE: dict[str, Any] = {"concurrency": 1, "group": "one"}


def schedule(
    store: Store,
    job_id: str,
    owner: str | None = None,
    max_queue: int = 3,
    **how: Any,
) -> None:
    now = time.time()
    record = Record(id=job_id, task="module.task", code="v1", created=now, changed=now)
    call = replace(CALL, scheduling=Scheduling(**how))
    store.submit(record, call, max_concurrency=0, max_queue=max_queue, owner=owner)


def test_slot_of_a_group_is_free_when_the_worker_is_gone(store: Store) -> None:
    schedule(store, "first", **ONE)
    schedule(store, "second", **ONE)
    assert [take(store), take(store)] == ["first", None]
    succeed(store, "first")
    # Its function may still run.
    assert take(store) is None
    store.slots.release("first")
    assert take(store) == "second"


def test_jobs_start_by_queue_priority_and_round(store: Store) -> None:
    fair: dict[str, Any] = {"max_per_user": 1, "group": "fair"}
    for number in range(2):
        schedule(store, f"ada-{number}", '"ada"', **fair)
    schedule(store, "ben", '"ben"', **fair)
    for number in range(2):
        schedule(store, f"gpu-{number}", queue="gpu")
    schedule(store, "urgent", priority=5, queue="gpu")
    sizes = Sizes(9, {"gpu": 1})
    assert {id_of(store.dispatching.take("v1", ME, sizes)) for _ in range(4)} == {
        *("ada-0", "ben", "urgent"),
        None,
    }
    store.slots.release("ada-0")
    assert id_of(store.dispatching.take("v1", ME, sizes)) == "ada-1"


def test_rounds_of_one_priority_and_queue_are_not_those_of_another(
    store: Store,
) -> None:
    fair: dict[str, Any] = {"max_per_user": 9, "group": "fair", "max_queue": 9}
    others: list[dict[str, Any]] = [{"priority": 5}, {"queue": "gpu"}]
    for number in range(3):
        schedule(store, f"plain-{number}", '"ada"', **fair)
    for number, other in enumerate(others):
        schedule(store, f"ada-{number}", '"ada"', **fair, **other)
        schedule(store, f"ben-{number}", '"ben"', **fair, **other)
    sizes = Sizes(2, {"gpu": 2})
    started = [id_of(store.dispatching.take("v1", ME, sizes)) for _ in range(4)]
    # Each of them is in its first round there, so the first to come starts first.
    assert started == ["ada-0", "ben-0", "ada-1", "ben-1"]


def test_each_queue_is_full_by_itself(store: Store) -> None:
    for number in range(4):
        schedule(store, f"gpu-{number}", queue="gpu")
    schedule(store, "other")
    assert status(store, "gpu-2") is Status.QUEUED
    assert status(store, "gpu-3") is Status.REJECTED
    assert status(store, "other") is Status.QUEUED


def test_attempt_that_comes_too_late_does_not_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    retries = Retries(times=1, lost=True, backoff=60, total_timeout=90)
    record = Record(
        id="job", task="task", code="v1", created=now, changed=now, retries=retries
    )
    store.submit(record, CALL, max_concurrency=1, max_queue=9)
    submit(store, "next")
    assert take(store, 1) == "job"
    store.dispatching.end_attempt("job", slot(1), Status.LOST, ERROR)
    store.slots.release("job")
    assert take(store, 1) == "next"
    # The only slot was taken for long.
    monkeypatch.setattr(time, "time", lambda: now + 100)
    store.slots.release("next")
    assert take(store, 1) is None
    assert status(store, "job") is Status.TIMED_OUT


def test_job_between_attempts_waits_outside_of_slots_for_its_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    retries = Retries(times=1, lost=True, backoff=60)
    record = Record(
        id="job", task="task", code="v1", created=now, changed=now, retries=retries
    )
    store.submit(record, CALL, max_concurrency=1, max_queue=9, queue_timeout=1)
    submit(store, "next")
    assert take(store, 1) == "job"
    assert store.slots.register("job", ME, 1)
    assert (
        store.dispatching.end_attempt("job", slot(1, DEAD), Status.LOST, ERROR) is None
    )
    after = store.dispatching.end_attempt("job", slot(1), Status.LOST, ERROR)
    assert after is not None
    assert after.status is Status.QUEUED
    assert store.dispatching.end_attempt("job", slot(1), Status.LOST, ERROR) is None
    assert take(store, 1) is None  # its worker still has the slot
    store.slots.release("job")
    assert take(store, 1) == "next"
    assert store.end("next", Status.SUCCEEDED)
    store.slots.release("next")
    assert not store.queue.is_empty("v1")
    assert 0 < (store.queue.next_try("v1") or 0) <= 60
    assert store.call("job") == CALL
    # The limit of the queue was for its first start.
    store.dispatching.expire_queue("v1", Instant(time.monotonic() + 99, now + 99))
    assert take(store, 1) is None
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert take(store, 1) == "job"
    assert not store.slots.register("job", ME, 1)  # a worker of the first attempt
    assert store.slots.register("job", ME, 2)
    # A dispatcher that was held up since the first attempt.
    assert store.dispatching.end_attempt("job", slot(1), Status.LOST, ERROR) is None
    assert store.dispatching.close_slot("job", slot(1), Status.LOST, ERROR) is None
    assert store.slots.get("job") == slot(2, worker=ME)
    last = store.dispatching.close_slot("job", slot(2, worker=ME), Status.LOST, ERROR)
    assert last is not None
    assert (last.status, store.call("job")) == (Status.LOST, None)
    assert store.slots.get("job") is None

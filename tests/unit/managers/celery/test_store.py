"""The documents of a job make one job, with one start and one end."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery import Celery
from celery.exceptions import (
    NotRegistered,
    TaskRevokedError,
    TimeLimitExceeded,
    WorkerLostError,
)

from dash_long_components.core import reading
from dash_long_components.core.jobs import (
    Call,
    JobError,
    Lane,
    Limits,
    Retrigger,
    Status,
    Ticket,
)
from dash_long_components.core.lanes import Admission, Answer
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.requesters import Requester
from dash_long_components.core.retries import Retries
from dash_long_components.exceptions import JobEndedError, StoreUnavailableError
from dash_long_components.managers.celery.calls import Calls
from dash_long_components.managers.celery.deliveries import (
    MAX_RESENDS,
    Message,
    Receipt,
)
from dash_long_components.managers.celery.documents import Documents, backend_of
from dash_long_components.managers.celery.job_state import End, Live, Worker
from dash_long_components.managers.celery.keeper import Keeper
from dash_long_components.managers.celery.leases import Leases, Tenure
from dash_long_components.managers.celery.runs import Runs
from dash_long_components.managers.celery.store import CeleryStore
from tests.promises import promised

ANYONE = Requester(id="0")
WORKER = Worker(name="celery@host", lease="lease")
LEASE = 10.0
CALL = Call(task="key", fingerprint="", context={"cookies": {"user": "secret"}})


class Shop:
    """A store in a folder, with one job."""

    def __init__(self, folder: Path, retries: Retries | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.celery = Celery("app", backend=f"file://{folder}")
        self.store = CeleryStore(self.celery)
        self.runs = Runs(self.celery, LEASE)
        now = time.time()
        record = Record(
            id="job",
            task="app.task",
            code="",
            requesters=(Requester(id="0"),),
            key="key",
            created=now,
            changed=now,
            retries=retries,
        )
        self.store.submit(record)
        message = Message(task="task")
        self.message = self.store.prepare(record, message, CALL.to_json().decode())

    def status(self) -> Status:
        return self.store.read("job").status

    def start(self) -> Live:
        live = self.start_again()
        assert live is not None
        return live

    def start_again(self, job_id: str = "job") -> Live | None:
        started = self.runs.start(job_id, WORKER, self.message)
        return None if started is None else started[0]

    def finish(self, live: Live, result: bytes | None = b"{}") -> None:
        self.runs.change(live, live.record.end(Status.SUCCEEDED, 2), result)

    def celery_says(self, error: Exception) -> None:
        self.celery.backend.mark_as_failure("job", error)

    def lease_is(self, monkeypatch: pytest.MonkeyPatch, tenure: Tenure) -> None:
        monkeypatch.setattr(Leases, "tenure", lambda _self, _lease: tenure)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "backend")


def test_job_goes_from_queued_to_its_result(shop: Shop) -> None:
    assert shop.status() is Status.QUEUED
    live = shop.start()
    assert shop.status() is Status.RUNNING
    shop.finish(live, b'{"text":"\xc3\xa4"}')
    assert shop.status() is Status.SUCCEEDED
    assert shop.store.result("job") == b'{"text":"\xc3\xa4"}'


@pytest.mark.parametrize("size", [0, 1, 128 * 1024, 128 * 1024 + 1, 3_000_000])
def test_result_of_any_size_comes_back_whole(shop: Shop, size: int) -> None:
    shop.finish(shop.start(), b"x" * size or None)
    assert shop.store.result("job") == (b"x" * size or None)


def test_result_without_one_of_its_parts_is_missing(shop: Shop) -> None:
    live = shop.start()
    shop.finish(live)
    shop.celery.backend.forget(f"job.result.{live.run}.0")
    with pytest.raises(KeyError):
        shop.store.result("job")


def test_running_job_is_read_by_three_documents(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = shop.store.documents
    asked: list[list[str]] = []

    def read(keys: list[str], job_ids: list[str]) -> Any:
        asked.append(keys)
        return Documents.read_with_failures(documents, keys, job_ids)

    monkeypatch.setattr(documents, "read_with_failures", read)
    assert shop.status() is Status.QUEUED
    live = shop.start()
    assert shop.status() is Status.RUNNING
    assert shop.status() is Status.RUNNING
    shop.finish(live)
    assert shop.status() is Status.SUCCEEDED
    few = ["job.end", "job.live", "job.requesters"]
    assert [len(keys) for keys in asked[:2]] == [7, 7]
    assert asked[2:] == [few, few]


def test_missing_job_is_a_key_error(shop: Shop) -> None:
    with pytest.raises(KeyError):
        shop.store.read("other")
    assert shop.start_again("other") is None
    assert shop.store.are_live([Ticket(job="other", requester="0")]) == [False]


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


def secrets(folder: Path) -> list[str]:
    """Return the documents that hold what the request held."""
    return [path.name for path in folder.iterdir() if b"secret" in path.read_bytes()]


@pytest.mark.parametrize("end", ["success", "cancel", "cancel before the start"])
def test_call_leaves_the_store_when_the_job_ends(
    shop: Shop, tmp_path: Path, end: str
) -> None:
    folder = tmp_path / "backend"
    assert len(secrets(folder)) == 1
    live = None if end == "cancel before the start" else shop.start()
    if live is None or end == "cancel":
        shop.store.cancel("job")
    else:
        shop.finish(live)
    assert secrets(folder) == []


def test_call_of_any_size_reaches_its_worker(shop: Shop) -> None:
    text = "ä" * 1_000_000
    call = Call(task="key", fingerprint="", context={"inputs": [text]})
    record = shop.store.read("job")
    message = shop.store.prepare(record, shop.message, call.to_json().decode())
    started = shop.runs.start("job", WORKER, message)
    assert started is not None
    assert started[1] == call


def test_call_that_is_stored_after_a_cancel_is_deleted_by_the_worker(
    shop: Shop, tmp_path: Path
) -> None:
    record = shop.store.read("job")
    shop.store.cancel("job")
    shop.store.prepare(record, shop.message, CALL.to_json().decode())
    assert shop.start_again() is None
    assert secrets(tmp_path / "backend") == []


def test_cursor_grows_with_every_change(shop: Shop) -> None:
    cursors = [shop.store.read("job").cursor]
    live = shop.start()
    cursors.append(shop.store.read("job").cursor)
    shop.runs.change(live, live.record.report(2, Report(progress=[["a", "b", 1]])))
    cursors.append(shop.store.read("job").cursor)
    shop.store.cancel("job")
    cursors.append(shop.store.read("job").cursor)
    assert cursors == sorted(set(cursors))


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
    error = JobError(type="WorkerDied", message="It was killed.", task="app.task")
    shop.store.end_attempt(live, End(status=Status.LOST, at=2, error=error))
    assert 20 < shop.runs.until_due("job") <= 60
    assert shop.start_again() is None


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


def test_result_stays_as_long_as_its_end(shop: Shop) -> None:
    shop.finish(shop.start())
    for part in ("queued", "live"):
        shop.celery.backend.forget(f"job.{part}")
    assert shop.status() is Status.SUCCEEDED
    assert shop.store.result("job") == b"{}"


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


def test_job_is_live_for_each_requester_until_the_last_has_left(shop: Shop) -> None:
    second = shop.store.join("job", ANYONE)
    assert second is not None
    first = Ticket(job="job", requester="0")
    assert shop.store.are_live([first, second]) == [True, True]
    assert not shop.store.leave(shop.store.read("job"), "0")
    assert not shop.store.leave(shop.store.read("job"), "0")
    assert shop.store.are_live([first, second]) == [False, True]
    assert shop.store.leave(shop.store.read("job"), second.requester)
    assert shop.store.join("job", ANYONE) is None
    assert shop.store.join("other", ANYONE) is None


def test_job_that_has_just_ended_can_not_be_joined(shop: Shop) -> None:
    shop.store.end("job", Status.TIMED_OUT)
    assert shop.store.join("job", ANYONE) is None


def test_requester_that_has_left_reads_cancelled(shop: Shop) -> None:
    shop.store.join("job", ANYONE)
    live = shop.start()
    shop.store.leave(shop.store.read("job"), "0")
    for number in range(5):
        report = Report(progress=[["a", "b", number]])
        live = shop.runs.change(live, live.record.report(2, report))
    shop.finish(live)
    record = shop.store.read("job")
    assert record.status is Status.SUCCEEDED
    snapshot = reading.since(record, record.cursor, "0")
    assert snapshot.status is Status.CANCELLED
    assert snapshot.cursor > record.cursor


def test_joinable_job_of_a_key_is_the_first_live_one(
    shop: Shop,
) -> None:
    joinable = shop.store.joinable
    assert joinable.take_key("key", "job") == "job"
    assert joinable.take_key("key", "next") == "job"
    shop.store.leave(shop.store.read("job"), "0")
    assert joinable.take_key("key", "next") == "next"
    assert joinable.take_key("other key", "next") == "next"


def lane(seq: int, retrigger: Retrigger) -> Lane:
    return Lane(name="lane", seq=seq, retrigger=retrigger)


def enter(shop: Shop, job_id: str, seq: int, retrigger: Retrigger) -> Answer:
    """Submit a job to the lane."""
    now = time.time()
    record = Record(
        id=job_id,
        task="app.task",
        code="",
        requesters=(Requester(id="0"),),
        created=now,
        changed=now,
    )
    shop.store.submit(record)
    ticket = Ticket(job=job_id, requester="0")
    return shop.store.lanes.enter(ticket, lane(seq, retrigger)).answer


def test_jobs_of_a_lane_run_in_the_order_of_the_page(shop: Shop) -> None:
    def turns() -> list[str]:
        return [name for name in "abc" if shop.store.is_turn(name, "lane")]

    assert enter(shop, "a", 1, Retrigger.QUEUE) is Answer.ENTER
    assert enter(shop, "c", 3, Retrigger.QUEUE) is Answer.WAIT
    assert enter(shop, "b", 2, Retrigger.QUEUE) is Answer.WAIT
    assert turns() == ["a"]
    shop.store.cancel("a")
    assert turns() == ["a", "b"]
    shop.store.cancel("b")
    assert turns() == ["a", "b", "c"]


def test_job_that_goes_back_to_the_queue_has_one_message(shop: Shop) -> None:
    assert shop.runs.send_back("job", 0) == 1
    # A second delivery of the first message does not double the job.
    assert shop.runs.send_back("job", 0) is None
    assert shop.runs.send_back("job", 1) == 2


def test_turn_does_not_come_beside_an_equal_job(shop: Shop) -> None:
    now = time.time()
    requester = (Requester(id="0"),)
    for name in ("here", "there"):
        record = Record(
            id=name,
            task="app.task",
            code="",
            requesters=requester,
            key="key",
            created=now,
            changed=now,
        )
        shop.store.submit(record)
    assert shop.store.joinable.take_key("key", "there") == "there"
    assert not shop.store.is_turn("here", "lane")
    shop.store.cancel("there")
    assert shop.store.is_turn("here", "lane")


def test_lane_holds_what_is_live(shop: Shop) -> None:
    assert enter(shop, "a", 1, Retrigger.IGNORE) is Answer.ENTER
    assert enter(shop, "b", 2, Retrigger.IGNORE) is Answer.IGNORE
    shop.store.cancel("a")
    assert enter(shop, "b", 2, Retrigger.IGNORE) is Answer.ENTER


def test_entry_counts_when_the_backend_loses_its_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = backend_of(shop.celery)
    swap = backend.swap

    def swap_and_lose(*args: Any) -> bool:
        assert swap(*args)
        monkeypatch.undo()
        return False

    monkeypatch.setattr(backend, "swap", swap_and_lose)
    assert enter(shop, "a", 1, Retrigger.IGNORE) is Answer.ENTER


def test_cache_hit_replaces_jobs_and_leaves_the_lane(shop: Shop) -> None:
    enter(shop, "a", 1, Retrigger.REPLACE)
    for _ in range(2):
        admission = shop.store.lanes.enter(None, lane(2, Retrigger.REPLACE))
        assert admission == Admission(answer=Answer.ENTER, replaced=("a.0",))
    assert shop.store.lanes.enter(None, None).answer is Answer.ENTER


def test_ticket_is_exchanged_for_that_of_the_joined_job(shop: Shop) -> None:
    enter(shop, "a", 1, Retrigger.IGNORE)
    other = shop.store.join("job", ANYONE)
    assert other is not None
    entered = lane(1, Retrigger.IGNORE)
    shop.store.lanes.exchange(entered, Ticket(job="a", requester="0"), other)
    shop.store.cancel("a")
    assert enter(shop, "b", 2, Retrigger.IGNORE) is Answer.IGNORE
    shop.store.cancel("job")
    assert enter(shop, "b", 2, Retrigger.IGNORE) is Answer.ENTER


def test_secret_is_the_first_proposal(shop: Shop) -> None:
    assert shop.store.common.secret("mine") == "mine"
    assert CeleryStore(shop.celery).common.secret("another") == "mine"


def test_libraries_add_up(shop: Shop) -> None:
    live = shop.start()
    ended = live.record.end(Status.SUCCEEDED, 2, libraries=["late_library"])
    shop.runs.change(live, ended)
    assert shop.store.common.libraries() == {"late_library"}


def test_store_raises_or_waits_while_the_backend_is_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    documents: Any = "dash_long_components.managers.celery.documents.time.sleep"
    monkeypatch.setattr(documents, pauses.append)
    backend: Any = shop.celery.backend
    answer = backend.mget

    def mget(keys: list[bytes]) -> Any:
        if len(pauses) < 3:
            raise ConnectionError("away")
        return answer(keys)

    monkeypatch.setattr(backend, "mget", mget)
    with pytest.raises(StoreUnavailableError, match="does not respond: away"):
        shop.store.read("job")
    assert CeleryStore(shop.celery, patient=True).read("job").status is Status.QUEUED
    assert len(pauses) == 3


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


# Calls that are kept for a retry


@pytest.fixture
def keeping(tmp_path: Path) -> Shop:
    """A shop whose job keeps its call."""
    shop = Shop(tmp_path / "keeping")
    record, message = shop.store.read("job"), Message(task="task")
    shop.message = shop.store.prepare(record, message, CALL.to_json().decode(), True)
    return shop


def test_kept_call_is_given_to_one_retry(keeping: Shop) -> None:
    assert keeping.store.take_kept_call("job") == CALL
    assert keeping.store.take_kept_call("job") is None
    keeping.store.give_kept_call_back("job")
    assert keeping.store.take_kept_call("job") == CALL


def test_kept_call_stays_as_long_as_its_job(keeping: Shop) -> None:
    calls = Calls(keeping.store.documents)
    needed = {"job.message", *calls.kept_keys("job", 1)}
    with mock.patch.object(Documents, "keep") as keep:
        Keeper(keeping.store.documents).keep(["job"])
        assert needed <= {key for call in keep.mock_calls for key in call.args[0]}
        keep.reset_mock()
        keeping.store.ends.decide("job", End(status=Status.LOST, at=time.time()))
        assert needed == {key for call in keep.mock_calls for key in call.args[0]}


@pytest.mark.parametrize("status", [Status.FAILED, Status.SUCCEEDED])
def test_call_goes_though_its_worker_dies_at_the_end(
    keeping: Shop, status: Status
) -> None:
    live, documents = keeping.start(), keeping.store.documents
    ended = replace(live, record=live.record.end(status, time.time()))
    documents.write("job.live", ended.to_text())
    assert keeping.status() is status
    assert documents.read_many(Calls(documents).keys("job", 1)) == [None]
    assert (keeping.store.kept_call("job") is None) is (status is Status.SUCCEEDED)

"""Attempts: nothing of one counts after its end, and no document of its job expires."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.core.calls import Call
from dash_long_components.core.ids import Ticket
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.lanes import Answer, Lane, Retrigger
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.requesters import Requester
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.documents.job_state import End, Live, Worker
from dash_long_components.managers.celery.messages.sending import Sender
from dash_long_components.managers.celery.store import waiting_attempts
from dash_long_components.managers.celery.store.keeper import Keeper
from dash_long_components.managers.celery.store.runs import Runs
from dash_long_components.managers.celery.store.store import CeleryStore

WORKER = Worker(name="celery@host", lease="lease")
ERROR = JobError(type="WorkerDied", message="It was killed.", task="app.task")
LOST = End(status=Status.LOST, at=1, error=ERROR)
RETRIES = Retries(times=3, lost=True, backoff=1e-9)
DAY = 86400.0


class Shop:
    """A store in a folder, with jobs that may be tried again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.celery = Celery("app", backend=f"file://{folder}")
        self.celery.conf.result_expires = DAY
        self.store = CeleryStore(self.celery)
        self.runs = Runs(self.celery, 10.0)

    def submit(self, job_id: str = "job", retries: Retries | None = RETRIES) -> Message:
        now = time.time()
        record = Record(
            id=job_id,
            task="app.task",
            code="",
            requesters=(Requester(id="0", lane="own lane"),),
            key="key",
            created=now,
            changed=now,
            retries=retries,
        )
        self.store.submit(record)
        call = Call(task="key", fingerprint="", context={}, retries=retries)
        message = Message(task="task")
        return self.store.prepare(record, message, call.to_json().decode())

    def start(self, job_id: str = "job", retries: Retries = RETRIES) -> Live:
        message = self.submit(job_id, retries)
        return self.start_again(message, job_id)

    def start_again(self, message: Message, job_id: str = "job") -> Live:
        started = self.runs.start(job_id, WORKER, message)
        assert started is not None
        return started[0]

    def old(self) -> set[str]:
        """Return the documents that the backend is about to drop."""
        limit = time.time() - DAY / 2
        return {it.name for it in self.folder.iterdir() if it.stat().st_mtime < limit}

    def grow_old(self) -> None:
        for path in self.folder.iterdir():
            os.utime(path, (1, time.time() - DAY + 60))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_nothing_of_an_attempt_counts_once_a_later_one_runs(shop: Shop) -> None:
    """The machine of the first one was cut off, and is back."""
    message = shop.submit()
    first = shop.start_again(message)
    shop.runs.save_checkpoint(first, "j1")
    shop.store.end_attempt(first, LOST)
    second = shop.start_again(message)
    assert shop.runs.load_checkpoint(second) == "j1"
    # It has read the state of its job just before.
    with (
        mock.patch.object(Runs, "_is_current", return_value=True),
        pytest.raises(JobEndedError),
    ):
        shop.runs.save_checkpoint(first, "j2")
    report = first.record.report(2, Report(progress=[["a", "b", 1]]))
    with pytest.raises(JobEndedError):
        shop.runs.change(first, report)
    with pytest.raises(JobEndedError):
        shop.runs.change(first, first.record.end(Status.SUCCEEDED, 2), b"1")
    shop.store.end_attempt(second, LOST)
    third = shop.start_again(message)
    assert shop.runs.load_checkpoint(third) == "j1"
    assert third.record.progress is None
    assert shop.store.ends.get("job") is None


def test_checkpoint_is_gone_with_its_job(shop: Shop) -> None:
    live = shop.start()
    shop.store.cancel("job")
    with pytest.raises(JobEndedError):
        shop.runs.save_checkpoint(live, "j1")
    assert shop.store.documents.read("job.checkpoint") is None


def test_documents_of_a_job_are_kept_when_an_attempt_ends(shop: Shop) -> None:
    live = shop.start()
    shop.runs.save_checkpoint(live, "j1")
    shop.grow_old()
    shop.store.end_attempt(live, LOST)
    assert not [name for name in shop.old() if "job." in name]
    live = shop.start_again(Message(task="task", parts=1))
    shop.grow_old()
    shop.runs.change(live, live.record.try_again(time.time(), 5, ERROR))
    assert not [name for name in shop.old() if "job." in name]


def test_documents_of_a_job_that_has_waited_for_long_are_kept_at_its_start(
    shop: Shop,
) -> None:
    """Its worker keeps them a while later, when some would be gone."""
    message = shop.submit(retries=None)
    other = shop.store.join("job", Requester(id="1"))
    assert other is not None
    with mock.patch.object(Documents, "keep") as keep:
        shop.start_again(message)
    keep.assert_not_called()
    shop.store.documents.delete(["job.live"])
    shop.grow_old()
    with mock.patch("time.time", return_value=time.time() + 0.8 * DAY):
        shop.start_again(message)
    assert not [name for name in shop.old() if "job." in name]


def test_lanes_and_keys_of_a_job_that_runs_for_long_are_kept(shop: Shop) -> None:
    shop.submit()
    joined = shop.store.join("job", Requester(id="1", lane="another lane"))
    assert joined is not None
    tickets = {"own lane": Ticket(job="job", requester="0"), "another lane": joined}
    lanes = {
        name: Lane(name=name, seq=1, retrigger=Retrigger.IGNORE) for name in tickets
    }
    for name, ticket in tickets.items():
        shop.store.lanes.enter(ticket, lanes[name])
    shop.store.joinable.take_key("key", "job")
    shop.grow_old()
    Keeper(shop.store.documents).keep(["job"])
    for name in shop.old():
        (shop.folder / name).unlink()
    new = Ticket(job="new", requester="0")
    answers = {shop.store.lanes.enter(new, lane).answer for lane in lanes.values()}
    assert answers == {Answer.IGNORE}
    assert shop.store.joinable.take_key("key", "new") == "job"


@pytest.fixture
def clock() -> Iterator[mock.Mock]:
    with mock.patch("time.monotonic", return_value=time.monotonic()) as clock:
        yield clock


def test_documents_of_jobs_that_wait_for_long_are_kept(
    shop: Shop, clock: mock.Mock
) -> None:
    live = shop.start(retries=Retries(times=1, lost=True, backoff=7 * DAY))
    shop.store.end_attempt(live, LOST)
    shop.store.send_what_is_due()
    shop.grow_old()
    shop.store.send_what_is_due()
    assert shop.old()
    clock.return_value += DAY / 2
    shop.store.send_what_is_due()
    assert not [name for name in shop.old() if "job." in name]


def test_keeper_keeps_a_few_times_and_forgets_other_jobs(
    shop: Shop, clock: mock.Mock
) -> None:
    shop.submit()
    keeper = Keeper(shop.store.documents)
    kept = []
    for _ in range(9):
        kept += keeper.keep_while_live(["job"])
        clock.return_value += DAY / 8
    assert kept == ["job"] * 4
    assert keeper.keep_while_live([]) == []
    assert keeper.keep_while_live(["job"]) == []


def test_many_jobs_that_wait_hide_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_attempts, "_BATCH", 2)
    later = Retries(times=1, lost=True, backoff=DAY)
    for number in range(5):
        live = shop.start(f"job-{number}", later)
        shop.store.end_attempt(live, LOST)
    live = shop.start("now", Retries(times=1, lost=True, backoff=1e-9))
    shop.store.end_attempt(live, LOST)
    with mock.patch.object(Sender, "send", return_value=True) as send:
        shop.store.send_what_is_due()
    assert [call.args[0] for call in send.call_args_list] == ["now"]


def test_workers_read_a_job_once_while_its_next_attempt_is_due(shop: Shop) -> None:
    for job_id, backoff in (("due", 1e-9), ("later", DAY)):
        live = shop.start(job_id, Retries(times=1, lost=True, backoff=backoff))
        shop.store.end_attempt(live, LOST)
    workers = [CeleryStore(shop.celery) for _ in range(3)]
    read: list[str] = []

    def read_all(job_ids: Sequence[str]) -> list[Record | None]:
        read.extend(job_ids)
        return shop.store.read_all(job_ids)

    shop.store.halts.change(lambda halts: halts.drain(time.time() + 60))
    with mock.patch.object(Sender, "send", return_value=True):
        for worker in workers:
            worker._waiting_attempts._read_all = read_all
            worker.send_what_is_due()
        assert read == []
        shop.store.halts.change(lambda halts: halts.resume(None))
        for _ in range(2):
            for worker in workers:
                worker.halts._look_again = 0.0
                worker.send_what_is_due()
        assert read == ["due"]


def test_drain_holds_further_attempts_back(shop: Shop) -> None:
    shop.store.halts.change(lambda halts: halts.drain(time.time() + 60))
    live = shop.start()
    shop.runs.change(live, live.record.hand_over(time.time()))
    with mock.patch.object(Sender, "send", return_value=True) as send:
        shop.store.send_what_is_due()
        send.assert_not_called()
        shop.store.halts.change(lambda halts: halts.resume(None))
        CeleryStore(shop.celery).send_what_is_due()
    send.assert_called_once()
    record = shop.store.read("job")
    assert (record.status, record.attempt, record.run) == (Status.QUEUED, 1, 2)

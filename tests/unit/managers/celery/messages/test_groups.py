"""Jobs of a group reach the broker when they may run, whichever process dies."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.core.job_errors import JobError
from dash_long_components.core.queueing import QueuedJob, Scheduling
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.backends.choice import backend_of
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.documents import (
    Documents,
)
from dash_long_components.managers.celery.documents.job_state import End, Live, Worker
from dash_long_components.managers.celery.messages import groups as groups_module
from dash_long_components.managers.celery.messages import sending
from dash_long_components.managers.celery.messages.groups import Groups
from dash_long_components.managers.celery.messages.sending import broker_priority
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.workers.leases import Leases, Tenure
from dash_long_components.running import tasks
from tests.unit.managers.celery.made import record_of

ONE = Scheduling(concurrency=1, group="one")
WORKER = Worker(name="celery@host", lease="lease")


class Shop:
    """A store in a folder, and what was sent to the broker."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, url: str | None = None
    ) -> None:
        self.sent: list[str] = []
        self.tenure = Tenure.RENEWED
        self.app = Celery("app", backend=url or f"file://{folder}")
        self.store = CeleryStore(self.app)
        monkeypatch.setattr(sending, "send_job", self._send)
        # Every process looks after its groups at once.
        monkeypatch.setattr(groups_module, "_FRESH", -1.0)
        monkeypatch.setattr(Leases, "tenure", lambda _self, _lease: self.tenure)

    def _send(self, _app: object, job_id: str, *_: object, **__: object) -> None:
        self.sent.append(job_id)

    def submit(self, job_id: str, age: float = 0.0, **message: Any) -> bool:
        """Submit a job; return whether the submitter sends it."""
        self.prepare(job_id, age, **message)
        job = QueuedJob(id=job_id, task="task", scheduling=ONE)
        return self.store.groups.enter("one", job)

    def prepare(self, job_id: str, age: float = 0.0, **message: Any) -> None:
        record = record_of(job_id, time.time() - age, task="task")
        self.store.submit(record)
        self.store.prepare(record, Message(task="task", group="one", **message), "{}")

    def begin(self, job_id: str) -> Live:
        record = self.store.read(job_id).start(time.time())
        return self.store.begin(Live(run="run", worker=WORKER, record=record))

    def pause(self, job_id: str) -> None:
        """Let the first attempt of a job be lost: the job waits for the next one."""
        live = self.begin(job_id)
        record = replace(live.record, retries=Retries(times=1, lost=True, backoff=60))
        live = replace(live, record=record)
        self.store.documents.write(f"{job_id}.live", live.to_text())
        error = JobError(type="WorkerDied", message="It was killed.", task="task")
        end = End(status=Status.LOST, at=time.time(), error=error)
        assert self.store.attempts.end(live, end)

    def status(self, job_id: str) -> Status:
        return self.store.read(job_id).status


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path, monkeypatch)


def test_next_job_is_sent_when_the_worker_of_one_says_so(shop: Shop) -> None:
    assert shop.submit("a")
    assert not shop.submit("b")
    shop.store.groups.advance("one")
    assert shop.sent == []
    shop.store.groups.leave("one", "a")
    assert shop.sent == ["b"]


def test_job_that_was_cancelled_before_its_start_leaves(shop: Shop) -> None:
    for name in "abc":
        shop.submit(name)
    for name in "ba":
        shop.store.cancel(name)
        shop.store.leave_group(name)
    assert shop.sent == ["c"]


def test_cancelled_job_counts_while_its_worker_lives(shop: Shop) -> None:
    shop.submit("a")
    shop.begin("a")
    shop.submit("b")
    shop.store.cancel("a")
    shop.store.leave_group("a")
    shop.store.groups.advance("one")
    assert shop.sent == []
    shop.tenure = Tenure.SILENT
    shop.store.groups.look_after_all()
    assert shop.sent == ["b"]


@pytest.mark.parametrize("says_so", [True, False])
def test_job_that_is_cancelled_between_two_attempts_leaves(
    shop: Shop, says_so: bool
) -> None:
    shop.submit("a")
    shop.pause("a")
    shop.submit("b")
    shop.store.groups.advance("one")
    assert shop.sent == []
    shop.store.cancel("a")
    if says_so:
        shop.store.leave_group("a")
    else:
        shop.store.groups.look_after_all()
    assert shop.sent == ["b"]


def test_reader_sends_the_next_job_if_a_worker_died(shop: Shop) -> None:
    shop.submit("a")
    shop.begin("a")
    shop.submit("b")
    shop.tenure = Tenure.SILENT
    assert shop.status("b") is Status.QUEUED
    assert shop.sent == ["b"]
    assert shop.status("a") is Status.LOST


def test_job_of_a_paused_task_lets_others_of_its_group_pass(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.submit("a")
    shop.prepare("b")
    monkeypatch.setattr(shop.store.halts, "is_paused", lambda _task: True)
    assert not shop.submit("b")
    shop.store.groups.leave("one", "a")
    assert shop.sent == []
    monkeypatch.setattr(shop.store.halts, "is_paused", lambda _task: False)
    shop.store.groups.look_after_all()
    assert shop.sent == ["b"]


def test_group_is_written_again_while_its_jobs_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.submit("a")
    written: list[str] = []
    update = Documents.update

    def note(documents: Documents, key: str, change: Any) -> str:
        written.append(key)
        return update(documents, key, change)

    monkeypatch.setattr(Documents, "update", note)
    shop.store.groups.look_after_all()
    shop.store.groups.look_after_all()
    assert len(written) == 1
    monkeypatch.setattr(groups_module, "_KEEP", 0.0)
    shop.store.groups.look_after_all()
    assert len(written) == 2


def test_look_at_a_group_does_not_make_changes_of_others_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database counts each write as a change. A read of a job changes nothing."""
    shop = Shop(tmp_path, monkeypatch, f"db+sqlite:///{tmp_path}/results.sqlite")
    shop.submit("a")
    shop.submit("b")
    monkeypatch.setattr(groups_module, "_FRESH", 0.0)
    backend = backend_of(shop.app)
    _, version = backend.look("dash-long-jobs.group.one")
    shop.store.groups.advance("one")
    shop.status("b")
    assert backend.look("dash-long-jobs.group.one")[1] == version


def test_change_of_a_group_does_not_change_it_within(shop: Shop) -> None:
    shop.submit("a")
    shop.submit("b")
    depth, most = 0, 0
    change = Groups._change

    def count(groups: Groups, name: str, edit: Any) -> list[str]:
        nonlocal depth, most
        depth += 1
        most = max(most, depth)
        try:
            return change(groups, name, edit)
        finally:
            depth -= 1

    with mock.patch.object(Groups, "_change", count):
        shop.store.groups.leave("one", "a")
    assert (shop.sent, most) == (["b"], 1)


def test_held_job_is_not_taken_for_lost(shop: Shop) -> None:
    shop.submit("a")
    shop.submit("b", age=10_000)
    with mock.patch.object(shop.app, "send_task") as probe:
        assert shop.status("b") is Status.QUEUED
    probe.assert_not_called()


def test_job_whose_server_died_before_it_entered_is_lost(shop: Shop) -> None:
    shop.prepare("a", age=30)
    assert shop.status("a") is Status.QUEUED
    shop.prepare("a", age=61)
    assert shop.status("a") is Status.LOST


def test_job_that_was_admitted_and_never_sent_is_looked_for(shop: Shop) -> None:
    """The process died between the two."""
    shop.submit("a")
    now = time.time()
    with (
        mock.patch("time.time", return_value=now + 60),
        mock.patch.object(shop.app, "send_task") as probe,
    ):
        shop.store.groups.advance("one")
        shop.store.groups.advance("one")
    assert probe.called


def test_job_that_has_expired_is_not_sent(shop: Shop) -> None:
    shop.submit("a")
    shop.submit("b", expires=time.time() - 1)
    shop.submit("c")
    shop.store.groups.leave("one", "a")
    assert shop.sent == ["c"]
    assert shop.status("b") is Status.TIMED_OUT


@pytest.mark.parametrize(
    ("broker", "are_used", "priorities"),
    [
        ("redis://", False, [None, 4]),
        ("redis://", True, [9, 4]),
        ("amqp://", True, [None, 5]),
        ("memory://", True, [None, 5]),
    ],
)
def test_priority_is_as_the_broker_counts(
    monkeypatch: pytest.MonkeyPatch,
    broker: str,
    are_used: bool,
    priorities: list[int | None],
) -> None:
    app = Celery("app", broker=broker, set_as_current=False)
    monkeypatch.setattr(tasks, "have_priorities", lambda: are_used)
    assert broker_priority(app, 0) == priorities[0]
    monkeypatch.setattr(tasks, "have_priorities", lambda: True)
    assert broker_priority(app, 5) == priorities[1]

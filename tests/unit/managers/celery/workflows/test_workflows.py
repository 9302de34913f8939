"""All workers watch the tasks that jobs wait for."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import celery
import pytest

from dash_long_components.core.calls import Limits
from dash_long_components.core.status import Status
from dash_long_components.exceptions import (
    JobEndedError,
    StoreError,
    WorkflowError,
)
from dash_long_components.managers.celery.documents.ends import workflow_key
from dash_long_components.managers.celery.documents.job_state import End, Live, Worker
from dash_long_components.managers.celery.messages import sending
from dash_long_components.managers.celery.messages.sending import FINISH
from dash_long_components.managers.celery.store import keeper, turns
from dash_long_components.managers.celery.store.runs import Runs
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.workers.homes import Home
from dash_long_components.managers.celery.workflows import workflows as module
from dash_long_components.managers.celery.workflows.workflow import Workflow
from dash_long_components.managers.celery.workflows.workflows import Workflows
from tests.unit.managers.celery.made import record_of

LEASE = 10.0
DAY = 86400.0


class Deployment:
    """A job that waits for the tasks "a" and "b", two workers, and a clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        self.app = celery.Celery("app", backend=f"file://{folder}")
        self.app.conf.result_expires = DAY
        self.sent, self.revoked = mock.Mock(), mock.Mock()
        monkeypatch.setattr(self.app, "send_task", self.sent)
        monkeypatch.setattr(self.app.control, "revoke", self.revoked)
        self.store = CeleryStore(self.app)
        home = Home(app=self.app, lease=LEASE)
        self.workers = [Workflows(home, self.store) for _ in range(2)]
        self.live = self.wait_for("job", "a", "b")

    def make(self, job_id: str) -> Live:
        """Return a job that runs."""
        record = record_of(job_id, self.now, limits=Limits(timeout=2 * DAY))
        worker = Worker(name="celery@host", lease="lease")
        live = Live(run="run", worker=worker, record=record.start(self.now))
        self.store.documents.write(f"{job_id}.live", live.to_text())
        return live

    def wait_for(self, job_id: str, *tasks: str) -> Live:
        """Return a job that waits for tasks, or for one that is named like it."""
        live = self.make(job_id)
        ids = [*tasks] or [f"task of {job_id}"]
        self.workers[0].begin(live, Workflow(shape=ids, ids=ids))
        return live

    def end(self, task: str, value: object, state: str = "SUCCESS") -> None:
        self.app.backend.store_result(task, value, state)

    def look(self, after: float = 1.0) -> list[Any]:
        """Let time pass and both workers look; return what they have sent."""
        self.now += after
        self.sent.reset_mock()
        self.revoked.reset_mock()
        for worker in self.workers:
            worker.look()
        return [call.args[0] for call in self.sent.mock_calls]

    @property
    def bars(self) -> Any:
        live = self.store.live("job")
        assert live is not None
        assert live.record.bars is not None
        return live.record.bars[1]


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    deployment = Deployment(tmp_path, monkeypatch)
    clock = mock.Mock(wraps=time)
    clock.time = clock.monotonic = lambda: deployment.now
    monkeypatch.setattr(module, "time", clock)
    for other in (keeper, sending, turns):
        monkeypatch.setattr(other, "time", clock)
    return deployment


def test_tasks_are_counted_and_one_worker_is_told_to_end_the_job(
    deployment: Deployment,
) -> None:
    assert deployment.look() == []
    deployment.end("b", 2)
    assert deployment.look() == []
    assert deployment.bars == [[1, 2, None]]
    deployment.end("a", 1)
    assert deployment.look() == [FINISH]
    assert deployment.bars == [[2, 2, None]]
    assert deployment.look() == []
    # The message may be lost, with the worker that has got it.
    assert deployment.look(after=4 * LEASE) == [FINISH]
    assert deployment.look(after=8 * LEASE) == []
    assert deployment.look(after=2 * LEASE) == [FINISH]
    workflow = deployment.workers[0].of("job")
    assert workflow is not None
    assert deployment.workers[0].result(workflow) == [1, 2]


def test_error_of_one_job_hides_no_other(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    documents = deployment.store.documents
    documents.list_in([module._WAITING], "odd", 0.0)
    documents.write(workflow_key("odd"), "not JSON")
    for task in "ab":
        deployment.end(task, 1)
    assert deployment.look() == [FINISH]
    (logged,) = caplog.records
    assert "The look after a workflow has failed" in logged.message


def test_one_worker_takes_the_job(deployment: Deployment) -> None:
    first, second = deployment.workers
    live = first.take("job", "run", lambda it: replace(it, parts=1))
    assert live is not None
    assert (live.waits, live.parts) == (False, 1)
    assert second.take("job", "run", lambda it: it) is None
    assert first.take("job", "earlier", lambda it: it) is None


def test_failed_task_ends_the_job_before_the_others(deployment: Deployment) -> None:
    deployment.end("b", KeyError("x"), "FAILURE")
    assert deployment.look() == [FINISH]
    workflow = deployment.workers[0].of("job")
    assert workflow is not None
    with pytest.raises(KeyError):
        deployment.workers[0].result(workflow)


def test_tasks_of_a_cancelled_job_are_revoked_once(deployment: Deployment) -> None:
    deployment.end("a", 1)
    deployment.look()
    deployment.store.cancel("job")
    deployment.look()
    deployment.revoked.assert_called_once_with(["b"], terminate=True)
    deployment.look()
    deployment.revoked.assert_not_called()


def test_job_times_out_while_it_waits(deployment: Deployment) -> None:
    deployment.end("a", 1)
    deployment.look(after=2 * DAY + 1)
    end = deployment.store.ends.get("job")
    assert end is not None
    assert end.status is Status.TIMED_OUT
    deployment.revoked.assert_called_once()


def test_job_does_not_wait_for_ever_for_a_result_that_is_not_kept(
    deployment: Deployment,
) -> None:
    deployment.end("a", 1)
    assert deployment.look() == []
    assert deployment.look(after=DAY + 1) == [FINISH]
    workflow = deployment.workers[0].of("job")
    assert workflow is not None
    with pytest.raises(WorkflowError, match="known nothing of task b"):
        deployment.workers[0].result(workflow)


@pytest.mark.parametrize("text", ["no JSON", "[]"])
def test_result_that_can_not_be_read_fails_its_job(
    deployment: Deployment, text: str
) -> None:
    backend: Any = deployment.app.backend
    backend.set(backend.get_key_for_task("a"), text.encode())
    assert deployment.look() == [FINISH]
    workflow = deployment.workers[0].of("job")
    assert workflow is not None
    with pytest.raises(StoreError, match="stored of task a can't be read here"):
        deployment.workers[0].result(workflow)


def test_late_report_does_not_hide_the_result(deployment: Deployment) -> None:
    first, second = deployment.workers
    deployment.end("a", 1)
    taken: list[Live | None] = []

    def read_tasks(ids: list[str]) -> Any:
        taken.append(second.take("job", "run", lambda it: it))
        return metas(ids)

    metas = deployment.store.documents.read_tasks
    with mock.patch.object(deployment.store.documents, "read_tasks", read_tasks):
        deployment.now += 1.0
        first.look()
    assert [deployment.store.live("job")] == taken


def test_job_whose_tasks_have_ended_does_not_time_out(deployment: Deployment) -> None:
    deployment.end("a", 1)
    deployment.end("b", 1)
    assert deployment.look() == [FINISH]
    assert deployment.look(after=2 * DAY + 1) == [FINISH]
    assert deployment.store.ends.get("job") is None


def test_tasks_are_revoked_once_the_broker_is_back(deployment: Deployment) -> None:
    deployment.store.cancel("job")
    deployment.revoked.side_effect = ConnectionError
    deployment.look()
    deployment.revoked.assert_called_once()
    deployment.revoked.side_effect = None
    deployment.look()
    deployment.revoked.assert_called_once()
    deployment.look()
    deployment.revoked.assert_not_called()


def test_end_of_an_attempt_leaves_the_workflow_of_the_next(
    deployment: Deployment,
) -> None:
    (worker, _) = deployment.workers
    earlier = worker.of("job")
    assert earlier is not None
    live = replace(deployment.live, run="next")
    deployment.store.documents.write("job.live", live.to_text())
    worker.begin(live, Workflow(shape="c", ids=["c"]))
    worker.end("job", earlier)
    found = worker.of("job")
    assert found is not None
    assert found.run == "next"
    deployment.end("c", 3)
    assert deployment.look() == [FINISH]


def test_workers_look_after_all_jobs_however_many_wait(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    deployment.now += 1.0
    for number in range(4):
        deployment.wait_for(f"more-{number}")
        deployment.end(f"task of more-{number}", number)
    looks = [deployment.look() for _ in range(4)]
    assert [len(sent) for sent in looks] == [1, 2, 1, 0]


def test_documents_of_a_job_that_waits_for_long_are_kept_by_any_worker(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    documents = deployment.store.documents
    monkeypatch.setattr(documents, "keep", kept.extend)
    deployment.look(after=DAY / 8)
    assert kept == []
    deployment.look(after=DAY / 4)
    assert {"job.live", "job.queued"} <= {*kept}
    kept.clear()
    # A worker that has just started knows when that was.
    home = Home(app=deployment.app, lease=LEASE)
    deployment.workers = [Workflows(home, deployment.store)]
    deployment.look(after=DAY / 8)
    assert kept == []
    deployment.look(after=DAY / 4)
    assert kept


def test_tasks_are_revoked_if_the_job_ends_before_it_waits(
    deployment: Deployment,
) -> None:
    live = deployment.make("early")
    (worker, *_) = deployment.workers
    worker.announce(live, Workflow(shape="x", ids=["x", "y"]))
    deployment.look()
    deployment.revoked.assert_not_called()
    deployment.store.cancel("early")
    deployment.look()
    deployment.revoked.assert_called_once_with(["x", "y"], terminate=True)


def test_job_whose_workflow_is_gone_is_lost(deployment: Deployment) -> None:
    deployment.store.documents.delete([workflow_key("job")])
    deployment.look()
    end = deployment.store.ends.get("job")
    assert end is not None
    assert end.status is Status.LOST
    assert end.error is not None
    assert end.error.type == "WorkflowLost"
    assert deployment.store.documents.listed(module._WAITING, 0, 9) == []


@pytest.mark.parametrize("first", ["timeout", "finish"])
def test_timeout_while_a_worker_ends_the_job_is_no_second_end(
    deployment: Deployment, first: str
) -> None:
    """The worker that looks has read the job before the other one takes it."""
    watch, finish = deployment.workers
    documents = deployment.store.documents
    runs = Runs(deployment.app, LEASE)
    read_many = documents.read_many

    def take_and_end() -> Status:
        live = finish.take("job", "run", lambda it: it)
        assert live is not None
        if first == "timeout":
            deployment.store.end_attempt(live, timed_out)
        ended = live.record.end(Status.SUCCEEDED, deployment.now)
        with suppress(JobEndedError):
            runs.change(live, ended, b"{}")
        end = deployment.store.ends.get("job")
        assert end is not None
        return end.status

    timed_out = End(status=Status.TIMED_OUT, at=deployment.now)
    seen: list[Status] = []

    def read(keys: list[str]) -> Any:
        found = read_many(keys)
        if "job.live" in keys and not seen:
            seen.append(Status.QUEUED)
            seen[:] = [take_and_end()]
        return found

    deployment.now += 2 * DAY + 1
    with mock.patch.object(documents, "read_many", read):
        watch.look()
    end = deployment.store.ends.get("job")
    assert end is not None
    expected = Status.TIMED_OUT if first == "timeout" else Status.SUCCEEDED
    assert [*seen, end.status] == [expected, expected]
    assert (end.live is None) == (first == "timeout")

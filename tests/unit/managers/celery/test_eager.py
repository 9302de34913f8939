"""``task_always_eager``: jobs run where they are submitted, without a broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import dash
import flask
import pytest
from celery import Celery, group
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import CeleryLongCallbackManager, current_job
from dash_long_components.managers.celery.documents.checkpoints import StoredCheckpoints
from dash_long_components.managers.celery.documents.job_state import Live
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.testing import Page, wait_for_job

SetProgress = Callable[[Any], None]

PACKAGE = "dash_long_components.managers.celery"

#: A bound, not a wait.
TIMEOUT = 10.0


pytestmark = pytest.mark.usefixtures("no_tasks")


@pytest.fixture
def celery() -> Celery:
    # Nothing listens at this broker.
    celery = Celery("app", broker="redis://127.0.0.1:1/0", set_as_current=False)
    celery.conf.update(task_always_eager=True, result_backend="cache+memory://")
    return celery


@pytest.fixture
def manager(celery: Celery) -> CeleryLongCallbackManager:
    return CeleryLongCallbackManager(celery)


@pytest.fixture
def app(manager: CeleryLongCallbackManager) -> dlc.Dash:
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div()
    return app


def add(app: dlc.Dash, function: Callable[..., Any], **options: Any) -> None:
    app.long_callback(Output("out", "children"), Input("in", "value"), **options)(
        function
    )


@pytest.mark.parametrize("retries", [0, 2])
def test_error_outside_of_the_function_ends_the_job(
    app: dlc.Dash, monkeypatch: pytest.MonkeyPatch, retries: int
) -> None:
    runs = 0

    def fail(*_: object) -> None:
        nonlocal runs
        runs += 1
        raise MemoryError("no room for the result")

    monkeypatch.setattr(f"{PACKAGE}.worker.run_here", fail)
    options = {"retries": retries, "backoff": 0.01} if retries else {}
    add(app, lambda value: value, **options)
    job = Page(app).run("out.children", {"in.value": 3})
    assert job.status == "failed"
    assert job.error is not None
    assert job.error["type"] == "MemoryError"
    assert runs == 1


def test_job_runs_its_parts_and_its_tasks_itself(app: dlc.Dash, celery: Celery) -> None:
    @celery.task
    def double(number: int) -> int:
        return 2 * number

    def function(value: int) -> Any:
        parts = [*current_job().map(double, [value, value + 1])]
        return group(double.s(part) for part in parts)

    add(app, function)
    job = Page(app).run("out.children", {"in.value": 3})
    assert (job.status, job.error) == ("succeeded", None)
    assert job.outputs["out.children"] == [12, 16]


def test_job_that_is_cancelled_between_two_attempts_is_answered(
    app: dlc.Dash, manager: CeleryLongCallbackManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids: list[str] = []

    def fail(_value: int) -> None:
        ids.append(current_job().id)
        raise ValueError("again")

    def cancel(_seconds: float) -> None:
        assert clock.sleep.call_count == 1
        manager.job(ids[0]).cancel()

    clock = mock.Mock(time=time.time, sleep=mock.Mock(side_effect=cancel))
    monkeypatch.setattr(f"{PACKAGE}.eager.time", clock)
    add(app, fail, retries=1, backoff=60)
    job = Page(app).run("out.children", {"in.value": 3})
    assert job.status == "cancelled"
    assert len(ids) == clock.sleep.call_count == 1


def test_attempt_that_comes_too_early_waits_for_its_time(
    app: dlc.Dash,
    manager: CeleryLongCallbackManager,
    celery: Celery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As from a server whose clock is ahead."""
    ids: list[str] = []
    pauses: list[float] = []

    def fail(_value: int) -> None:
        ids.append(current_job().id)
        raise ValueError("again")

    def deliver(_seconds: float) -> None:
        message = CeleryStore(celery).message(ids[0])
        assert message is not None
        celery.tasks[message.task].apply(args=(ids[0], 1, message.to_text()))
        if not pauses:
            manager.job(ids[0]).cancel()

    def cancel(seconds: float) -> None:
        pauses.append(seconds)
        manager.job(ids[0]).cancel()

    for module, sleep in (("eager", deliver), ("worker", cancel)):
        clock = mock.Mock(time=time.time, monotonic=time.monotonic, sleep=sleep)
        monkeypatch.setattr(f"{PACKAGE}.{module}.time", clock)
    add(app, fail, retries=1, backoff=60)
    assert Page(app).run("out.children", {"in.value": 3}).status == "cancelled"
    (pause,) = pauses
    assert 20 < pause <= 60
    assert len(ids) == 1


def test_checkpoint_goes_with_a_job_that_ends_while_it_is_written(
    app: dlc.Dash,
    manager: CeleryLongCallbackManager,
    celery: Celery,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stored = StoredCheckpoints.save
    ids: list[str] = []

    def cancel_after(checkpoints: StoredCheckpoints, live: Live, text: str) -> None:
        stored(checkpoints, live, text)
        ids.append(live.record.id)
        manager.job(live.record.id).cancel()

    def save(_value: int) -> None:
        current_job().save("state")

    monkeypatch.setattr(StoredCheckpoints, "save", cancel_after)
    add(app, save, retries=1)
    assert Page(app).run("out.children", {"in.value": 3}).status == "cancelled"
    assert CeleryStore(celery).documents.read(f"{ids[0]}.checkpoint") is None


def test_job_has_ended_when_its_start_is_answered(app: dlc.Dash) -> None:
    def double(set_progress: SetProgress, value: int) -> int:
        set_progress((1, 2))
        return 2 * value

    add(app, double)
    job = Page(app).start("out.children", {"in.value": 3})
    assert job.busy() == []
    assert job.outputs == {"out.children": 6}
    assert job.bars == [[1, 2, None]]


def test_failure_is_on_the_record(app: dlc.Dash, celery: Celery) -> None:
    def fail(value: int) -> int:
        raise ValueError(f"no {value}")

    celery.conf.task_eager_propagates = True
    add(app, fail)
    job = Page(app).run("out.children", {"in.value": 3})
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error["type"], job.error["message"]) == ("ValueError", "no 3")


def test_job_does_not_see_the_request(app: dlc.Dash) -> None:
    def look(value: int) -> list[Any]:
        assert dash.ctx.triggered_id == "in"
        return [flask.has_request_context(), flask.current_app.name]

    add(app, look)
    job = Page(app).run("out.children", {"in.value": 3})
    assert job.outputs == {"out.children": [False, __name__]}


def test_job_waits_for_the_job_before_it_in_its_lane(app: dlc.Dash) -> None:
    page = Page(app)
    holding, go_on = threading.Event(), threading.Event()
    order = []

    def hold(value: int) -> int:
        if value == 1:
            holding.set()
            assert go_on.wait(TIMEOUT)
        order.append(value)
        return value

    add(app, hold, on_retrigger="queue")
    with ThreadPoolExecutor() as threads:
        first = threads.submit(page.start, "out.children", {"in.value": 1})
        assert holding.wait(TIMEOUT)
        second = threads.submit(page.start, "out.children", {"in.value": 2})
        with pytest.raises(futures.TimeoutError):
            second.result(0.7)  # longer than it waits to look again
        go_on.set()
        jobs = [first.result(TIMEOUT), second.result(TIMEOUT)]
    for job in jobs:
        wait_for_job(job)
    assert order == [1, 2]


def test_memory_of_one_process_is_a_result_backend_for_eager_jobs_only(
    celery: Celery,
) -> None:
    celery.conf.task_always_eager = False
    with pytest.raises(ValueError, match="or set task_always_eager in a test"):
        CeleryLongCallbackManager(celery)


def test_bar_of_a_second_attempt_says_where_it_goes_on(app: dlc.Dash) -> None:
    def function(set_progress: SetProgress, _value: int) -> None:
        done = 6 * (current_job().attempt - 1)
        set_progress((done + 1, 10))
        if not done:
            raise ValueError("again")

    add(app, function, retries=1, backoff=0.01)
    job = Page(app).run("out.children", {"in.value": 3})
    assert job.bars == [[7, 10, None, {"start": 7}]]

"""A pool process whose worker has died ends before its job can go on elsewhere."""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from typing import Any
from unittest import mock

import pytest

from dash_long_components.core.calls import Call
from dash_long_components.core.queueing import Scheduling
from dash_long_components.core.records import Record
from dash_long_components.core.retries import Retries
from dash_long_components.managers.celery.documents.job_state import Live, Worker
from dash_long_components.managers.celery.workers.leases import Lease
from dash_long_components.managers.celery.workers.parent_watchdog import (
    ParentWatchdog,
    parent_watchdog,
)

TIMEOUT = 10.0


def lease(pid: int, seconds: float) -> Any:
    return mock.Mock(spec=Lease, pid=pid, seconds=seconds)


@pytest.mark.parametrize(
    ("pid", "seconds", "is_ended"),
    [(-1, 0.02, True), (-1, 3600.0, False), (os.getppid(), 0.02, False)],
)
def test_process_ends_after_its_main_process_unless_the_function_returns(
    pid: int, seconds: float, is_ended: bool
) -> None:
    ended = threading.Event()
    with ParentWatchdog(lease(pid, seconds), ended.set):
        if is_ended:
            assert ended.wait(TIMEOUT)
    for thread in threading.enumerate():
        if thread.name == "dash-long-jobs-main":
            thread.join(TIMEOUT)
            assert not thread.is_alive()
    assert ended.is_set() == is_ended


@pytest.mark.parametrize(
    ("retries", "group", "is_watched"),
    [(None, None, False), (Retries(times=1), None, True), (None, "group", True)],
)
def test_only_jobs_that_others_follow_take_a_thread(
    retries: Retries | None,
    group: str | None,
    is_watched: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Lease, "current", lease(os.getppid(), 10.0))
    record = Record(
        id="job", task="app.task", code="", created=1, changed=1, retries=retries
    )
    live = Live(run="run", worker=Worker(name="", lease=""), record=record)
    scheduling = Scheduling(concurrency=1, group=group)
    call = Call(task="key", fingerprint="", context={}, scheduling=scheduling)
    watch = parent_watchdog(live, call, print)
    assert isinstance(watch, ParentWatchdog if is_watched else nullcontext)
    assert isinstance(parent_watchdog(live, call, None), nullcontext)

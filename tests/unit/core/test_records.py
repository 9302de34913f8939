"""The life of a record: every job ends once, and versions understand each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.core import reading
from dash_long_components.core.calls import Caching, Call, Limits
from dash_long_components.core.ids import new_job_id
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.lines import MAX_LINES
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status
from dash_long_components.core.updates import PropUpdate, is_patch
from dash_long_components.exceptions import JobEndedError
from tests.unit.core.made import (
    ENDS,
    ERROR,
    TERMINAL,
    any_update,
    record,
    running,
)


def test_all_but_queued_and_running_are_terminal() -> None:
    assert set(Status) - set(TERMINAL) == {Status.QUEUED, Status.RUNNING}


def test_id_is_128_random_bits() -> None:
    ids = {new_job_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(job_id) for job_id in ids} == {22}


def test_id_is_no_option_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = iter(["-a", "--b", "c-"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda _bytes: next(texts))
    assert new_job_id() == "c-"


def test_new_record_is_queued() -> None:
    assert record().status is Status.QUEUED


def test_start_makes_it_running() -> None:
    started = record().start(2.0)
    assert started.status is Status.RUNNING
    assert started.changed == 2.0
    assert started.cursor > record().cursor


def test_only_a_queued_job_starts() -> None:
    with pytest.raises(JobEndedError):
        running().start(3.0)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.REJECTED])
def test_running_job_can_not_end_as_queued_or_rejected(status: Status) -> None:
    with pytest.raises(ValueError, match=status.value):
        running().end(status, 3.0)


def test_queued_job_can_not_succeed() -> None:
    with pytest.raises(ValueError, match="succeeded"):
        record().end(Status.SUCCEEDED, 3.0)


@pytest.mark.parametrize("status", ENDS)
def test_running_job_ends_in_any_other_terminal_status(status: Status) -> None:
    ended = running().end(status, 3.0, ERROR)
    assert ended.status is status
    assert ended.error == ERROR


@pytest.mark.parametrize("status", ENDS)
def test_ended_job_refuses_changes(status: Status) -> None:
    ended = running().end(status, 3.0)
    with pytest.raises(JobEndedError):
        ended.start(4.0)
    with pytest.raises(JobEndedError):
        ended.report(4.0, Report(progress=[["a", "b", 1]]))
    with pytest.raises(JobEndedError):
        ended.request_cancel(4.0)
    for other in TERMINAL:
        with pytest.raises(JobEndedError):
            ended.end(other, 4.0)


def test_cancel_of_a_queued_job_ends_it() -> None:
    assert record().request_cancel(2.0).status is Status.CANCELLED


def test_cancel_of_a_running_job_only_marks_it() -> None:
    asked = running().request_cancel(3.0)
    assert asked.status is Status.RUNNING
    assert asked.cancel_requested


@pytest.mark.parametrize("status", TERMINAL)
def test_cancel_wins_over_a_later_end(status: Status) -> None:
    ended = running().request_cancel(3.0).end(status, 4.0, ERROR)
    assert ended.status is Status.CANCELLED
    assert ended.error is None


@given(st.lists(st.lists(any_update, max_size=4), max_size=20))
def test_values_do_not_pile_up(reports: list[list[PropUpdate]]) -> None:
    job = running()
    for updates in reports:
        job = job.report(3.0, Report(props=[u for u in updates if not is_patch(u[2])]))
    assert len(job.props) <= 4


_operations = st.lists(
    st.sampled_from(["start", "report", "cancel", *TERMINAL]), max_size=12
)


@given(_operations)
def test_job_ends_at_most_once(operations: list[Any]) -> None:
    job, ended, asked = record(), None, False
    for operation in operations:
        before = job
        try:
            match operation:
                case "start":
                    job = job.start(2.0)
                case "report":
                    job = job.report(2.0, Report(progress=[["a", "b", 1]]))
                case "cancel":
                    job = job.request_cancel(2.0)
                    asked = True
                case status:
                    job = job.end(status, 2.0)
        except (JobEndedError, ValueError):
            assert job is before
        else:
            assert ended is None
            assert job.cursor == before.cursor + 1
        if job.status.is_terminal and ended is None:
            ended = job.status
            assert not asked or ended is Status.CANCELLED
    assert ended is None or job.status is ended


@given(st.lists(any_update, max_size=5), st.sampled_from(ENDS), st.text())
def test_record_comes_back_from_its_json(
    updates: list[PropUpdate], status: Status, message: str
) -> None:
    error = JobError(type="E", message=message, task="t", traceback="x")
    report = Report(
        progress=updates,
        props=updates,
        bars=[[1, 2, message]],
        steps=[[message, 0, "done", 1.5, 1]],
        log=[[1, message]],
        title=message,
    )
    job = (
        running(key="key")
        .join(Requester(id="0", lane="l"))
        .join(Requester(id="1", left=2))
    )
    job = job.report(3.0, report)
    for each in (job, job.request_cancel(3.5), job.end(status, 4.0, error)):
        assert Record.from_json(each.to_json()) == each


def test_record_of_another_version_is_read() -> None:
    record = Record(
        id="job",
        task="module.task",
        code="v1",
        requesters=(Requester(id="0"),),
        limits=Limits(timeout=1.0),
        created=1.0,
        changed=1.0,
        error=JobError(type="E", message="m", task="module.task"),
    )
    fields = json.loads(record.to_json())
    for each in (fields, fields["limits"], fields["requesters"][0], fields["error"]):
        each["of_a_newer_version"] = {"any": "value"}
    assert Record.from_json(json.dumps(fields).encode()) == record
    oldest = {name: fields[name] for name in ("id", "task", "code")}
    oldest.update(created=1.0, changed=1.0)
    assert Record.from_json(json.dumps(oldest).encode()) == Record(**oldest)


def test_call_of_another_version_is_read() -> None:
    call = Call(
        task="key",
        fingerprint="f",
        context={},
        limits=Limits(timeout=1.0),
        caching=Caching(key="key"),
    )
    fields = json.loads(call.to_json())
    for each in (fields, fields["limits"], fields["caching"]):
        each["of_a_newer_version"] = True
    assert Call.from_json(json.dumps(fields).encode()) == call
    oldest: dict[str, Any] = {"task": "key", "fingerprint": "f", "context": {}}
    assert Call.from_json(json.dumps(oldest).encode()) == Call(**oldest)


def test_call_comes_back_from_its_json() -> None:
    call = Call(
        task="key",
        fingerprint="f",
        context={"cookies": {"a": "ä"}},
        progress=[[{"type": "bar", "index": 1}, "value"]],
        limits=Limits(timeout=1.5),
        debug=True,
        function="cGlja2xl",
        title="data.csv",
        steps=["Read"],
        caching=Caching(key="key", expire=60.0),
    )
    assert Call.from_json(call.to_json()) == call


def test_record_has_the_last_lines() -> None:
    job = running()
    for number in range(1, 200):
        job = job.report(3.0, Report(log=[[number, "x"]]))
    kept = reading.since(job, 0).log
    assert kept is not None
    assert [line[0] for line in kept] == list(range(200 - MAX_LINES, 200))

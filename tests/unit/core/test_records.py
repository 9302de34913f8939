"""The life of a record: every job ends once, and readers see what is new."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.core import reading
from dash_long_components.core.jobs import (
    Caching,
    Call,
    JobError,
    Limits,
    PropUpdate,
    Status,
    Ticket,
    new_job_id,
)
from dash_long_components.core.lines import MAX_LINES
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.requesters import Requester
from dash_long_components.core.snapshots import Place, Snapshot
from dash_long_components.core.updates import is_patch
from dash_long_components.exceptions import JobEndedError

TERMINAL = [status for status in Status if status.is_terminal]
#: The ends of a running job: it is too late to reject it.
ENDS = [status for status in TERMINAL if status is not Status.REJECTED]
ERROR = JobError(type="KeyError", message="'x'", task="module.task")


def wire(snapshot: Snapshot) -> Any:
    return json.loads(b"".join(snapshot.to_json()))


def record(**fields: Any) -> Record:
    return Record(
        **{
            **{"id": "id", "task": "module.task", "code": "v1"},
            **{"created": 1.0, "changed": 1.0, **fields},
        }
    )


def running(**fields: Any) -> Record:
    return record(**fields).start(2.0)


def patch(number: int) -> dict[str, Any]:
    return {"__dash_patch_update": "__dash_patch_update", "operations": [number]}


def test_all_but_queued_and_running_are_terminal() -> None:
    assert set(Status) - set(TERMINAL) == {Status.QUEUED, Status.RUNNING}


def test_id_is_128_random_bits() -> None:
    ids = {new_job_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(job_id) for job_id in ids} == {22}


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


def test_latest_progress_replaces_the_one_before() -> None:
    job = running().report(3.0, Report(progress=[["bar", "value", 1]]))
    job = job.report(4.0, Report(progress=[["bar", "value", 2]]))
    assert reading.since(job, 0).progress == [["bar", "value", 2]]


def test_reader_gets_only_what_is_newer() -> None:
    job = running().report(3.0, Report(progress=[["bar", "value", 1]]))
    first = reading.since(job, 0)
    assert first.progress
    job = job.report(4.0, Report(props=[["a", "children", "x"]]))
    second = reading.since(job, first.cursor)
    assert second.progress is None
    assert second.props == [["a", "children", "x"]]
    assert reading.since(job, second.cursor).props is None
    assert reading.since(job, second.cursor).cursor == second.cursor


def test_reading_changes_nothing() -> None:
    job = running().report(3.0, Report(props=[["a", "children", "x"]]))
    assert reading.since(job, 0) == reading.since(job, 0)


def test_cursor_beyond_the_record_stays() -> None:
    assert reading.since(record(), 99).cursor == 99


def test_value_replaces_earlier_updates_of_its_property() -> None:
    job = running().report(
        3.0, Report(props=[["a", "x", 1], ["a", "y", 1], ["b", "x", 1]])
    )
    job = job.report(4.0, Report(props=[["a", "x", 2]]))
    assert reading.since(job, 0).props == [["a", "y", 1], ["b", "x", 1], ["a", "x", 2]]


def test_patches_stay_in_order_after_their_value() -> None:
    job = running()
    for number in range(3):
        job = job.report(3.0, Report(props=[["a", "x", patch(number)]]))
    assert [update[2] for update in reading.since(job, 0).props or []] == list(
        map(patch, range(3))
    )
    job = job.report(4.0, Report(props=[["a", "x", "all"], ["a", "x", patch(3)]]))
    assert reading.since(job, 0).props == [["a", "x", "all"], ["a", "x", patch(3)]]


_values = st.one_of(st.integers(0, 3), st.integers(0, 3).map(patch))
_updates: st.SearchStrategy[PropUpdate] = st.tuples(
    st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]), _values
).map(list)


def apply(updates: list[PropUpdate]) -> dict[tuple[str, str], list[Any]]:
    """Do what a page does: a value replaces, a Patch is added to what is there."""
    state: dict[tuple[str, str], list[Any]] = {}
    for component_id, name, value in updates:
        key = (component_id, name)
        state[key] = [*state.get(key, []), value] if is_patch(value) else [value]
    return state


@given(st.lists(st.lists(_updates, max_size=4), max_size=8), st.data())
def test_every_reader_arrives_at_the_same_state(
    reports: list[list[PropUpdate]], data: st.DataObject
) -> None:
    job = running()
    cursor = 0
    seen: list[PropUpdate] = []
    for updates in reports:
        job = job.report(3.0, Report(props=updates))
        if data.draw(st.booleans()):
            snapshot = reading.since(job, cursor)
            cursor, seen = snapshot.cursor, [*seen, *(snapshot.props or [])]
    seen += reading.since(job, cursor).props or []
    expected = apply([update for updates in reports for update in updates])
    assert apply(seen) == expected
    assert apply(reading.since(job, 0).props or []) == expected


@given(st.lists(st.lists(_updates, max_size=4), max_size=20))
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


@given(st.lists(_updates, max_size=5), st.sampled_from(ENDS), st.text())
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


def test_result_goes_into_the_snapshot_as_it_is() -> None:
    # Two blanks and a number no float has: parsed and written again, they were gone.
    result = b'{"response":  {"a": {"b": 1.00000000000000000001}}}'
    job = reading.since(running().end(Status.SUCCEEDED, 3.0), 0)
    snapshot = Snapshot(
        cursor=job.cursor, status=job.status, created=1, changed=1, result=result
    )
    assert any(piece is result for piece in snapshot.to_json())
    assert wire(snapshot)["status"] == "succeeded"
    assert wire(snapshot)["result"] == json.loads(result)


def test_snapshot_leaves_out_what_is_missing() -> None:
    assert wire(reading.since(record(), 0)) == {"cursor": 1, "status": "queued"}
    failed = reading.since(running().end(Status.FAILED, 3.0, ERROR), 0)
    assert wire(failed)["error"] == {
        "type": "KeyError",
        "message": "'x'",
        "task": "module.task",
    }


def test_error_without_a_text_has_an_empty_message_for_the_page() -> None:
    error = JobError(type="AssertionError", message="", task="module.task")
    failed = reading.since(running().end(Status.FAILED, 3.0, error), 0)
    assert wire(failed)["error"] == {
        "type": "AssertionError",
        "message": "",
        "task": "module.task",
    }


def test_reader_gets_bars_when_they_have_changed() -> None:
    job = running().report(3.0, Report(bars=[[1, 2, None]]))
    first = reading.since(job, 0)
    assert first.bars == [[1, 2, None]]
    job = job.report(4.0, Report(progress=[["a", "b", 1]]))
    assert reading.since(job, first.cursor).bars is None
    assert reading.since(job, 0).bars == [[1, 2, None]]
    assert reading.since(job.report(5.0, Report(bars=[])), first.cursor).bars == []


def test_reader_gets_steps_when_they_have_changed() -> None:
    steps = [["Read", 0, "running", 0, 1]]
    job = running().report(3.0, Report(steps=steps))
    first = reading.since(job, 0)
    assert wire(first)["steps"] == steps
    job = job.report(4.0, Report(progress=[["a", "b", 1]]))
    assert reading.since(job, first.cursor).steps is None
    assert reading.since(job.end(Status.LOST, 5.0), 0).steps == steps


def test_elapsed_time_stops_at_the_end() -> None:
    job = Record(id="job", task="module.task", code="v1", created=1.0, changed=1.0)
    assert reading.since(job, 0).at(3.5).waiting == 2.5
    assert reading.since(job, 0).at(3.5).elapsed is None
    job = job.start(4.0)
    assert reading.since(job, 0).at(6.0).elapsed == 2.0
    assert reading.since(job, 0).at(6.0).waiting is None
    # Another machine's clock may be behind.
    assert reading.since(job, 0).at(3.0).elapsed == 0.0
    job = job.end(Status.SUCCEEDED, 9.0)
    assert reading.since(job, 0).at(100.0).elapsed == 5.0
    assert wire(reading.since(job, 0).at(100.0))["elapsed"] == 5.0


def test_job_that_never_ran_has_no_time() -> None:
    job = Record(id="job", task="module.task", code="v1", created=1.0, changed=1.0)
    ended = reading.since(job.end(Status.CANCELLED, 2.0), 0).at(3.0)
    assert (ended.waiting, ended.elapsed) == (None, None)


def test_reader_gets_the_lines_that_are_new() -> None:
    job = running().report(3.0, Report(log=[[1, "a"], [2, "b"]]))
    first = reading.since(job, 0)
    assert first.log == [[1, "a"], [2, "b"]]
    job = job.report(4.0, Report(log=[[3, "c"]]))
    assert reading.since(job, first.cursor).log == [[3, "c"]]
    assert reading.since(job, job.cursor).log is None
    assert reading.since(job, 0).log == [[1, "a"], [2, "b"], [3, "c"]]


def test_reader_gets_a_title_that_is_new() -> None:
    job = running().report(3.0, Report(title="data.csv"))
    first = reading.since(job, 0)
    assert wire(first)["title"] == "data.csv"
    assert reading.since(job.report(4.0, Report()), first.cursor).title is None
    assert wire(reading.since(job.report(4.0, Report(title="")), 0))["title"] == ""


def test_record_has_the_last_lines() -> None:
    job = running()
    for number in range(1, 200):
        job = job.report(3.0, Report(log=[[number, "x"]]))
    kept = reading.since(job, 0).log
    assert kept is not None
    assert [line[0] for line in kept] == list(range(200 - MAX_LINES, 200))


def test_reader_learns_once_that_the_job_has_begun() -> None:
    job = Record(id="job", task="module.task", code="v1", created=1.0, changed=1.0)
    queued = reading.since(job, 0)
    assert not queued.has_begun
    job = job.start(2.0)
    assert reading.since(job, queued.cursor).has_begun
    job = job.report(3.0, Report())
    assert reading.since(job, queued.cursor).has_begun
    assert not reading.since(job, job.cursor).has_begun
    assert not reading.since(job.end(Status.SUCCEEDED, 4.0), 0).has_begun


def test_place_in_the_queue_is_always_news() -> None:
    job = Record(id="job", task="module.task", code="v1", created=1.0, changed=1.0)
    snapshot = replace(
        reading.since(job, job.cursor), place=Place(position=3, wait=12.345)
    )
    assert snapshot.is_news_since(job.cursor)
    assert wire(snapshot)["queue"] == {"position": 3, "wait": 12.3}
    snapshot = replace(snapshot, place=Place(position=1, wait=None))
    assert wire(snapshot)["queue"] == {"position": 1, "wait": None}
    assert not reading.since(job, job.cursor).is_news_since(job.cursor)


# Requesters


def job_of(*requesters: str) -> Record:
    job = record()
    for requester in requesters:
        job = job.join(Requester(id=requester))
    return job


@pytest.mark.parametrize("started", [False, True])
def test_requester_that_leaves_reads_cancelled_and_the_others_go_on(
    started: bool,
) -> None:
    job = job_of("a", "b")
    job = job.start(2.0) if started else job
    cursor = job.cursor
    job = job.leave("a", 3.0)
    assert not job.status.is_terminal
    assert not job.cancel_requested
    gone = reading.since(job, cursor, "a")
    assert gone.status is Status.CANCELLED
    assert gone.cursor > cursor
    assert reading.since(job, 0, "b").status is job.status


def test_requester_that_has_left_gets_no_more_news() -> None:
    job = job_of("a", "b").start(2.0).leave("a", 3.0)
    cursor = reading.since(job, 0, "a").cursor
    job = job.report(4.0, Report(progress=[["bar", "value", 1]]))
    job = job.end(Status.SUCCEEDED, 5.0)
    assert reading.since(job, cursor, "a").cursor == cursor
    assert reading.since(job, 0, "a").status is Status.CANCELLED
    assert reading.since(job, 0, "a").progress is None
    assert reading.since(job, 0, "b").status is Status.SUCCEEDED


def test_last_requester_that_leaves_cancels_the_job() -> None:
    assert job_of("a", "b").leave("b", 2.0).leave("a", 3.0).status is Status.CANCELLED
    job = job_of("a", "b").start(2.0).leave("b", 3.0).leave("a", 4.0)
    assert job.cancel_requested
    # It has not ended yet, and its requester still gets its news.
    assert reading.since(job, 0, "a").status is Status.RUNNING
    assert not job.is_joinable


def test_leave_is_idempotent() -> None:
    job = job_of("a", "b").leave("a", 2.0)
    assert job.leave("a", 3.0) == job


def test_no_requester_leaves_an_ended_job() -> None:
    for job in (job_of("a"), job_of("a", "b")):
        with pytest.raises(JobEndedError):
            job.start(2.0).end(Status.SUCCEEDED, 3.0).leave("a", 4.0)


def test_unknown_requester_can_neither_leave_nor_read() -> None:
    with pytest.raises(KeyError):
        job_of("a").leave("b", 2.0)
    with pytest.raises(KeyError):
        reading.since(job_of("a"), 0, "b")


def test_late_requester_gets_everything() -> None:
    job = job_of("a").start(2.0).report(3.0, Report(progress=[["bar", "value", 1]]))
    assert reading.since(job.join(Requester(id="b")), 0, "b").progress == [
        ["bar", "value", 1]
    ]


def test_others_see_no_change_when_one_joins() -> None:
    job = job_of("a").start(2.0)
    assert (
        reading.since(job.join(Requester(id="b")), job.cursor, "a").cursor == job.cursor
    )


def test_only_a_live_job_without_a_cancel_is_joinable() -> None:
    assert job_of("a").is_joinable
    assert job_of("a").start(2.0).is_joinable
    assert not job_of("a").start(2.0).request_cancel(3.0).is_joinable
    assert not job_of("a").start(2.0).end(Status.SUCCEEDED, 3.0).is_joinable


def test_ticket_comes_back_from_its_text() -> None:
    ticket = Ticket(job=new_job_id(), requester="12")
    assert Ticket.parse(str(ticket)) == ticket


@pytest.mark.parametrize("text", ["", "job", ".", "job."])
def test_other_text_is_a_ticket_of_no_job(text: str) -> None:
    with pytest.raises(KeyError):
        reading.since(job_of("0"), 0, Ticket.parse(text).requester)

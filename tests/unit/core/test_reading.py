"""What readers get: what is new, as their page needs it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.core import reading
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.snapshots import Place, Snapshot
from dash_long_components.core.status import Status
from dash_long_components.core.updates import PropUpdate, is_patch
from tests.unit.core.made import (
    ERROR,
    any_update,
    patch,
    record,
    running,
)


def wire(snapshot: Snapshot) -> Any:
    return json.loads(b"".join(snapshot.to_pieces()))


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


def apply(updates: list[PropUpdate]) -> dict[tuple[str, str], list[Any]]:
    """Do what a page does: a value replaces, a Patch is added to what is there."""
    state: dict[tuple[str, str], list[Any]] = {}
    for component_id, name, value in updates:
        key = (component_id, name)
        state[key] = [*state.get(key, []), value] if is_patch(value) else [value]
    return state


@given(st.lists(st.lists(any_update, max_size=4), max_size=8), st.data())
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


def test_result_goes_into_the_snapshot_as_it_is() -> None:
    # Two blanks and a number no float has: parsed and written again, they were gone.
    result = b'{"response":  {"a": {"b": 1.00000000000000000001}}}'
    job = reading.since(running().end(Status.SUCCEEDED, 3.0), 0)
    snapshot = Snapshot(
        cursor=job.cursor, status=job.status, created=1, changed=1, result=result
    )
    assert any(piece is result for piece in snapshot.to_pieces())
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

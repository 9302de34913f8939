"""The rules of lanes, without a manager."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.core.jobs import Lane, Retrigger
from dash_long_components.core.lanes import NO_LANE, Entry, Line

EMPTY = Line()
LINE = EMPTY.enter("a", 5).enter("b", 7)


def lane(retrigger: Retrigger, seq: int = 9) -> Lane:
    return Lane(name="lane", seq=seq, retrigger=retrigger)


@pytest.mark.parametrize("retrigger", Retrigger)
def test_empty_lane_admits_every_job(retrigger: Retrigger) -> None:
    assert EMPTY.admit(lane(retrigger)) == NO_LANE


@pytest.mark.parametrize(
    ("retrigger", "seq", "entry", "replaced"),
    [
        (Retrigger.REPLACE, 9, Entry.NOW, ("a", "b")),
        (Retrigger.REPLACE, 6, Entry.LATE, ()),
        (Retrigger.QUEUE, 9, Entry.WAIT, ()),
        (Retrigger.PARALLEL, 9, Entry.NOW, ()),
        (Retrigger.IGNORE, 9, Entry.NEVER, ()),
    ],
)
def test_lane_with_live_jobs_answers_by_its_rule(
    retrigger: Retrigger, seq: int, entry: Entry, replaced: tuple[str, ...]
) -> None:
    admission = LINE.admit(lane(retrigger, seq))
    assert (admission.entry, admission.replaced) == (entry, replaced)


@pytest.mark.parametrize(
    ("retrigger", "seq", "is_placed", "may_join", "needs_job", "shows"),
    [
        (Retrigger.REPLACE, 9, True, True, False, True),
        (Retrigger.REPLACE, 6, False, False, False, False),
        (Retrigger.QUEUE, 9, True, False, True, False),
        (Retrigger.IGNORE, 9, False, False, False, False),
    ],
)
def test_admission_says_what_follows(
    retrigger: Retrigger,
    seq: int,
    is_placed: bool,
    may_join: bool,
    needs_job: bool,
    shows: bool,
) -> None:
    admission = LINE.admit(lane(retrigger, seq))
    assert admission.is_placed is is_placed
    assert admission.may_join is may_join
    assert admission.needs_job_for_hit is needs_job
    assert admission.shows_hit is shows


def test_jobs_that_wait_are_ordered_by_their_triggers() -> None:
    line = EMPTY.enter("first", 5).enter("late", 9).enter("early", 1).enter("mid", 6)
    assert line.tickets == ("first", "early", "mid", "late")


def test_entering_twice_is_entering_once() -> None:
    assert LINE.enter("a", 5) == LINE
    assert LINE.enter("b", 8) == LINE


def test_waiting_job_has_its_turn_when_it_is_the_first() -> None:
    assert LINE.next_turn({"b"}) is None
    assert LINE.leave("a").next_turn({"b"}) == "b"
    assert LINE.leave("a").next_turn(set()) is None
    assert LINE.leave("a").leave("b").next_turn({"b"}) is None


def test_job_waits_for_the_jobs_before_it() -> None:
    assert LINE.before("b") == ("a",)
    assert LINE.before("a") == ()
    assert LINE.before("unknown") == ()


def test_leaving_is_idempotent() -> None:
    assert LINE.leave("a").leave("a").tickets == ("b",)


def test_exchanged_ticket_keeps_its_place() -> None:
    assert LINE.exchange("a", "c").places == (("c", 5), ("b", 7))
    assert LINE.exchange("unknown", "c") == LINE


def test_ended_tickets_are_dropped() -> None:
    assert LINE.only({"b", "c"}).tickets == ("b",)


def test_line_comes_back_from_json() -> None:
    assert Line.from_json(LINE.to_json()) == LINE
    assert Line.from_json(None) == EMPTY


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), unique_by=lambda t: t[0])
)
def test_every_ticket_has_its_turn_once(entries: list[tuple[int, int]]) -> None:
    line = EMPTY
    for ticket, seq in entries:
        line = line.enter(str(ticket), seq)
    turns = []
    while line.places:
        turns.append(line.tickets[0])
        line = line.leave(turns[-1])
    assert sorted(turns) == sorted(str(ticket) for ticket, _ in entries)
    assert turns[:1] == [str(ticket) for ticket, _ in entries[:1]]

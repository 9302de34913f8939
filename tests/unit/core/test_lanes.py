"""The rules of lanes, without a manager."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.core.lanes import NO_LANE, Answer, Lane, Retrigger, Turns

EMPTY = Turns()
TURNS = EMPTY.enter("a", 5).enter("b", 7)


def lane(retrigger: Retrigger, seq: int = 9) -> Lane:
    return Lane(name="lane", seq=seq, retrigger=retrigger)


@pytest.mark.parametrize("retrigger", Retrigger)
def test_empty_lane_admits_every_job(retrigger: Retrigger) -> None:
    assert EMPTY.admit(lane(retrigger)) == NO_LANE


@pytest.mark.parametrize(
    ("retrigger", "seq", "answer", "replaced"),
    [
        (Retrigger.REPLACE, 9, Answer.ENTER, ("a", "b")),
        (Retrigger.REPLACE, 7, Answer.ENTER, ("a", "b")),
        (Retrigger.REPLACE, 6, Answer.CANCEL, ()),
        (Retrigger.QUEUE, 9, Answer.WAIT, ()),
        (Retrigger.PARALLEL, 9, Answer.ENTER, ()),
        (Retrigger.IGNORE, 9, Answer.IGNORE, ()),
    ],
)
def test_lane_with_live_jobs_answers_by_its_rule(
    retrigger: Retrigger, seq: int, answer: Answer, replaced: tuple[str, ...]
) -> None:
    admission = TURNS.admit(lane(retrigger, seq))
    assert (admission.answer, admission.replaced) == (answer, replaced)


@pytest.mark.parametrize(
    ("retrigger", "seq", "is_live", "may_join", "waits"),
    [
        (Retrigger.REPLACE, 9, True, True, False),
        (Retrigger.REPLACE, 6, False, False, False),
        (Retrigger.QUEUE, 9, True, False, True),
        (Retrigger.IGNORE, 9, False, False, False),
    ],
)
def test_admission_says_what_follows(
    retrigger: Retrigger, seq: int, is_live: bool, may_join: bool, waits: bool
) -> None:
    admission = TURNS.admit(lane(retrigger, seq))
    assert admission.is_live is is_live
    assert admission.may_join is may_join
    assert admission.waits is waits


def test_jobs_that_wait_are_ordered_by_their_triggers() -> None:
    turns = EMPTY.enter("first", 5).enter("late", 9).enter("early", 1).enter("mid", 6)
    assert turns.tickets == ("first", "early", "mid", "late")


def test_entering_twice_is_entering_once() -> None:
    assert TURNS.enter("a", 5) == TURNS
    assert TURNS.enter("b", 8) == TURNS


def test_waiting_job_has_its_turn_when_it_is_the_first() -> None:
    assert TURNS.next_turn({"b"}) is None
    assert TURNS.leave("a").next_turn({"b"}) == "b"
    assert TURNS.leave("a").next_turn(set()) is None
    assert TURNS.leave("a").leave("b").next_turn({"b"}) is None


def test_job_waits_for_the_jobs_before_it() -> None:
    assert TURNS.before("b") == ("a",)
    assert TURNS.before("a") == ()
    assert TURNS.before("unknown") == ()


def test_leaving_is_idempotent() -> None:
    assert TURNS.leave("a").leave("a").tickets == ("b",)


def test_exchanged_ticket_keeps_its_turn() -> None:
    assert TURNS.exchange("a", "c").order == (("c", 5), ("b", 7))
    assert TURNS.exchange("unknown", "c") == TURNS


def test_ended_tickets_are_dropped() -> None:
    assert TURNS.only({"b", "c"}).tickets == ("b",)


def test_turns_come_back_from_text() -> None:
    assert Turns.from_text(TURNS.to_text()) == TURNS
    assert Turns.from_text(None) == EMPTY


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9)), unique_by=lambda t: t[0])
)
def test_every_ticket_has_its_turn_once(entries: list[tuple[int, int]]) -> None:
    turns = EMPTY
    for ticket, seq in entries:
        turns = turns.enter(str(ticket), seq)
    served = []
    while turns.order:
        served.append(turns.tickets[0])
        turns = turns.leave(served[-1])
    assert sorted(served) == sorted(str(ticket) for ticket, _ in entries)
    assert served[:1] == [str(ticket) for ticket, _ in entries[:1]]

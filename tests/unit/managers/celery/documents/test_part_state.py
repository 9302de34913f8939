"""The state of a part on Celery: who may run it, and what it reports."""

from __future__ import annotations

import pytest

from dash_long_components.managers.celery.documents.part_state import (
    PartMessage,
    PartState,
    PartTakenError,
    changed,
)


def line(text: str) -> list[object]:
    return [text, 20, 0.0]


def test_first_claim_counts() -> None:
    state = PartState().claim("a")
    assert (state.by, state.tries) == ("a", 1)
    with pytest.raises(PartTakenError):
        state.claim("b")


def test_part_of_a_dead_process_can_be_claimed_again() -> None:
    state = PartState().claim("a").release("a").claim("b")
    assert (state.by, state.tries) == ("b", 2)
    with pytest.raises(PartTakenError):
        state.report("a", [], None, outcome=1)


def test_part_that_has_ended_is_not_begun_again() -> None:
    with pytest.raises(PartTakenError):
        PartState().claim("a").report("a", [], None, outcome=1).release("a")
    with pytest.raises(PartTakenError):
        PartState().claim("a").release("b")


def test_late_report_takes_no_outcome_away() -> None:
    state = PartState().claim("a").report("a", [line("1")], None, outcome=2)
    assert state.report("a", [line("2")], "title") == state


def test_lines_are_counted_over_all_tries() -> None:
    first = PartState().claim("a").report("a", [line("1"), line("2")], None)
    state = first.release("a").claim("b").report("b", [line("3")], None)
    assert state.lines_after(first.logged) == [line("3")]


def test_lines_are_read_once() -> None:
    state = PartState().claim("a").report("a", [line("1"), line("2")], None)
    assert state.lines_after(0) == [line("1"), line("2")]
    assert state.lines_after(1) == [line("2")]
    assert state.lines_after(2) == []
    many = state.report("a", [line(str(n)) for n in range(200)], None)
    assert many.lines_after(2) == [line(str(n)) for n in range(100, 200)]


def test_title_stays_until_the_next() -> None:
    state = PartState().claim("a").report("a", [], "one").report("a", [], None)
    assert state.title == "one"


def test_texts_are_read_back() -> None:
    state = PartState().claim("a").report("a", [line("1")], "one", 2)
    assert PartState.from_text(state.to_text()) == state
    claimed = changed(lambda it: it.claim("b"))(PartState().to_text())
    assert claimed == PartState().claim("b").to_text()
    message = PartMessage(job="j", run="r", map="m", setting=1, number=3, item="aQ==")
    assert PartMessage.from_text(message.to_text()) == message

"""Pages that poll stay; those that don't are found, and leave nothing behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dash_long_components.core.ids import Ticket
from dash_long_components.core.lanes import Lane, Retrigger
from dash_long_components.managers.store.database import Database
from dash_long_components.managers.store.requesters import Requesters

A, B = Ticket(job="a", requester="0"), Ticket(job="b", requester="0")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(str(tmp_path))
    yield database
    database.close()


@pytest.fixture
def requesters(database: Database) -> Requesters:
    requesters = Requesters(database)
    requesters.add(A, None, 10.0, waits=False, now=100.0)
    requesters.add(B, None, 30.0, waits=False, now=100.0)
    return requesters


def test_page_that_is_quiet_for_too_long_has_left(requesters: Requesters) -> None:
    assert requesters.left(0.0, 110.0) == []
    assert requesters.left(0.0, 110.1) == [A]
    assert requesters.left(0.0, 130.1) == [A, B]


def test_page_that_polls_stays(requesters: Requesters) -> None:
    for now in range(100, 200, 2):
        requesters.see(A, 10.0, float(now))
    assert requesters.left(0.0, 201.0) == [B]


def test_no_page_leaves_while_pages_could_not_poll(requesters: Requesters) -> None:
    assert requesters.left(195.0, 200.0) == []
    assert requesters.left(195.0, 205.1) == [A]


def test_time_from_before_a_restart_of_the_machine_is_none(
    requesters: Requesters,
) -> None:
    # The clock began again at 0.
    assert requesters.left(2.0, 5.0) == []
    assert requesters.left(2.0, 12.1) == [A]
    requesters.see(A, 10.0, 12.0)
    assert requesters.left(2.0, 13.0) == []


def test_many_polls_are_few_writes(requesters: Requesters, database: Database) -> None:
    with closing(sqlite3.connect(database.path)) as other:
        versions = set()
        for tenth in range(100):
            requesters.see(A, 10.0, 100.0 + tenth / 10)
            versions.update(other.execute("PRAGMA data_version").fetchone())
    assert len(versions) <= 5


def test_removed_requester_leaves_nothing(
    requesters: Requesters, database: Database
) -> None:
    requesters.remove(A, None)
    requesters.remove(A, None)
    requesters.see(A, 10.0, 200.0)
    assert requesters.left(0.0, 1000.0) == [B]
    requesters.remove(B, None)
    assert database.value("SELECT count(*) FROM requester") == 0


def test_cancelled_requester_need_not_poll(requesters: Requesters) -> None:
    requesters.expect_no_poll(A)
    assert requesters.left(0.0, 1000.0) == [B]


def test_jobs_of_a_lane_have_their_turns_in_the_order_of_their_triggers(
    requesters: Requesters,
) -> None:
    tickets = [Ticket(job=f"job-{seq}", requester="0") for seq in range(4)]
    for seq in (0, 3, 1, 2):
        lane = Lane(name="lane", seq=seq, retrigger=Retrigger.QUEUE)
        requesters.add(tickets[seq], lane, None, waits=seq > 0, now=0.0)
    turns = [requesters.remove(ticket, "lane") for ticket in tickets]
    assert turns == [*tickets[1:], None]

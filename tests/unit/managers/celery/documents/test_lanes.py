"""Jobs of a lane run in the order of the page."""

from __future__ import annotations

import time
from typing import Any

import pytest

from dash_long_components.core.ids import Ticket
from dash_long_components.core.lanes import Admission, Answer, Lane, Retrigger
from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.managers.celery.backends.choice import backend_of
from tests.unit.managers.celery.made import ANYONE, Shop, record_of


def lane(seq: int, retrigger: Retrigger) -> Lane:
    return Lane(name="lane", seq=seq, retrigger=retrigger)


def enter(shop: Shop, job_id: str, seq: int, retrigger: Retrigger) -> Answer:
    """Submit a job to the lane."""
    shop.store.submit(record_of(job_id))
    ticket = Ticket(job=job_id, requester="0")
    return shop.store.lanes.enter(ticket, lane(seq, retrigger)).answer


def test_jobs_of_a_lane_run_in_the_order_of_the_page(shop: Shop) -> None:
    def turns() -> list[str]:
        return [name for name in "abc" if shop.store.is_turn(name, "lane")]

    assert enter(shop, "a", 1, Retrigger.QUEUE) is Answer.ENTER
    assert enter(shop, "c", 3, Retrigger.QUEUE) is Answer.WAIT
    assert enter(shop, "b", 2, Retrigger.QUEUE) is Answer.WAIT
    assert turns() == ["a"]
    shop.store.cancel("a")
    assert turns() == ["a", "b"]
    shop.store.cancel("b")
    assert turns() == ["a", "b", "c"]


def test_job_that_goes_back_to_the_queue_has_one_message(shop: Shop) -> None:
    assert shop.runs.send_back("job", 0) == 1
    # A second delivery of the first message does not double the job.
    assert shop.runs.send_back("job", 0) is None
    assert shop.runs.send_back("job", 1) == 2


def test_turn_does_not_come_beside_an_equal_job(shop: Shop) -> None:
    now = time.time()
    requester = (Requester(id="0"),)
    for name in ("here", "there"):
        record = Record(
            id=name,
            task="app.task",
            code="",
            requesters=requester,
            key="key",
            created=now,
            changed=now,
        )
        shop.store.submit(record)
    assert shop.store.joinable.take_key("key", "there") == "there"
    assert not shop.store.is_turn("here", "lane")
    shop.store.cancel("there")
    assert shop.store.is_turn("here", "lane")


def test_lane_holds_what_is_live(shop: Shop) -> None:
    assert enter(shop, "a", 1, Retrigger.IGNORE) is Answer.ENTER
    assert enter(shop, "b", 2, Retrigger.IGNORE) is Answer.IGNORE
    shop.store.cancel("a")
    assert enter(shop, "b", 2, Retrigger.IGNORE) is Answer.ENTER


def test_entry_counts_when_the_backend_loses_its_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = backend_of(shop.celery)
    swap = backend.swap

    def swap_and_lose(*args: Any) -> bool:
        assert swap(*args)
        monkeypatch.undo()
        return False

    monkeypatch.setattr(backend, "swap", swap_and_lose)
    assert enter(shop, "a", 1, Retrigger.IGNORE) is Answer.ENTER


def test_cache_hit_replaces_jobs_and_leaves_the_lane(shop: Shop) -> None:
    enter(shop, "a", 1, Retrigger.REPLACE)
    for _ in range(2):
        admission = shop.store.lanes.enter(None, lane(2, Retrigger.REPLACE))
        assert admission == Admission(answer=Answer.ENTER, replaced=("a.0",))
    assert shop.store.lanes.enter(None, None).answer is Answer.ENTER


def test_ticket_is_exchanged_for_that_of_the_joined_job(shop: Shop) -> None:
    enter(shop, "a", 1, Retrigger.IGNORE)
    other = shop.store.join("job", ANYONE)
    assert other is not None
    entered = lane(1, Retrigger.IGNORE)
    shop.store.lanes.exchange(entered, Ticket(job="a", requester="0"), other)
    shop.store.cancel("a")
    assert enter(shop, "b", 2, Retrigger.IGNORE) is Answer.IGNORE
    shop.store.cancel("job")
    assert enter(shop, "b", 2, Retrigger.IGNORE) is Answer.ENTER

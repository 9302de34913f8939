"""The next step for a job that was sent and has not begun."""

from __future__ import annotations

import pytest

from dash_long_components.managers.celery.documents.deliveries import (
    MAX_RESENDS,
    Delivery,
    Message,
    Receipt,
    Receiver,
    Step,
)
from dash_long_components.managers.celery.documents.job_state import Worker

WORKER = Worker(name="worker@host", lease="lease")
SENT = Delivery(at=100.0)
MARKED = SENT.marked(7, SENT.situation(None))
PROBE_AFTER = 10.0


def step(
    delivery: Delivery,
    receiver: Receiver = Receiver.NONE,
    receipt: Receipt | None = None,
    waited: float = 60.0,
    passed: int = 0,
) -> Step:
    return delivery.step(
        receiver=receiver,
        situation=delivery.situation(receipt),
        waited=waited,
        probe_after=PROBE_AFTER,
        passed=passed,
    )


def test_young_message_is_waited_for() -> None:
    assert step(SENT, waited=9.9) is Step.WAIT
    assert step(MARKED, waited=9.9, passed=7) is Step.WAIT
    assert step(SENT, waited=PROBE_AFTER) is Step.MARK


def test_message_is_lost_when_a_later_probe_has_arrived() -> None:
    assert step(SENT) is Step.MARK
    assert step(MARKED, passed=6) is Step.PROBE
    assert step(MARKED, passed=7) is Step.RESEND
    assert step(MARKED, passed=8) is Step.RESEND


def test_job_on_a_living_worker_waits_for_ever() -> None:
    assert step(MARKED, Receiver.ALIVE, waited=1e9, passed=99) is Step.WAIT


def test_job_of_a_dead_worker_is_sent_again_at_once() -> None:
    assert step(SENT, Receiver.DEAD, waited=0.0) is Step.RESEND


def test_job_that_changes_hands_waits_for_a_probe_of_its_own() -> None:
    receipt = Receipt(worker=WORKER, number=0)
    assert step(MARKED, receipt=receipt, passed=7) is Step.MARK
    given_back = receipt.given_up("lease", 0)
    marked = MARKED.marked(8, MARKED.situation(receipt))
    assert step(marked, receipt=receipt, passed=8) is Step.RESEND
    assert step(marked, receipt=given_back, passed=8) is Step.MARK


def test_receipt_of_an_earlier_message_does_not_count() -> None:
    receipt = Receipt(worker=WORKER, number=0)
    second = SENT.sent_again(200.0, is_lost=True)
    assert second.situation(receipt) == second.situation(None)


@pytest.mark.parametrize("receiver", [Receiver.NONE, Receiver.DEAD])
def test_job_is_lost_after_so_many_messages(receiver: Receiver) -> None:
    delivery, steps = SENT, []
    for _ in range(MAX_RESENDS + 1):
        marked = delivery.marked(1, delivery.situation(None))
        steps.append(step(marked, receiver, passed=1))
        delivery = marked.sent_again(0.0, is_lost=True)
    assert steps == [Step.RESEND] * MAX_RESENDS + [Step.LOSE]
    assert delivery.probe is None


def test_job_that_waits_in_its_lane_may_be_sent_any_number_of_times() -> None:
    delivery = SENT.sent_again(0.0, is_lost=True)
    for _ in range(999):
        delivery = delivery.sent_again(0.0, is_lost=False)
    assert delivery.number == 1000
    assert delivery.resent == 0


def test_only_its_own_worker_gives_a_job_up() -> None:
    receipt = Receipt(worker=WORKER, number=2)
    assert receipt.given_up("another", 2) is receipt
    assert receipt.given_up("lease", 1) is receipt
    assert receipt.given_up("lease", 2).released


def test_documents_come_back_whole() -> None:
    receipt = Receipt(worker=WORKER, number=2, released=True)
    message = Message(task="task", parts=2, lane="lane", timeout=1.5, expires=2.5)
    assert Receipt.from_text(receipt.to_text()) == receipt
    assert Message.from_text(message.to_text()) == message
    assert Delivery.from_text(MARKED.to_text()) == MARKED

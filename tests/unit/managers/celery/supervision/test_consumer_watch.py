"""A consumer is judged by a row of looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dash_long_components.managers.celery.supervision.consumer_watch import (
    Judge,
    Sight,
    Stuck,
)

LIMIT = 30.0


class Consumer:
    """A consumer of a worker with a free process, and a clock."""

    def __init__(self) -> None:
        self.sight = Sight(at=0.0, connection=1, received=0, turns=0, queue="")
        self._judge = Judge(LIMIT)

    def look(self, *, turns: int | None = 1, received: int = 0) -> Stuck | None:
        """Return how it looks ten seconds later.

        Args:
            turns: of its main thread meanwhile; None where no one can ask it.
            received: messages meanwhile.
        """
        self.sight = replace(
            self.sight,
            at=self.sight.at + 10.0,
            turns=None if turns is None else (self.sight.turns or 0) + turns,
            received=self.sight.received + received,
        )
        return self._judge.judge(self.sight)

    def see(self, queue: str) -> None:
        """Have messages wait in a queue; in none if it is ""."""
        self.sight = replace(self.sight, queue=queue)

    def connect(self, number: int | None) -> None:
        self.sight = replace(self.sight, connection=number)


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


def test_idle_worker_is_not_stuck(consumer: Consumer) -> None:
    assert [consumer.look() for _ in range(9)] == [None] * 9


def test_worker_is_deaf_that_takes_no_message_of_a_queue(consumer: Consumer) -> None:
    consumer.look()
    consumer.see("celery")
    looks = [consumer.look() for _ in range(4)]
    assert looks == [None, None, Stuck.DEAF, Stuck.DEAF]
    assert consumer.look(received=1) is None


@pytest.mark.parametrize("turns", [1, None])
def test_worker_that_takes_some_is_not_deaf(
    consumer: Consumer, turns: int | None
) -> None:
    consumer.see("celery")
    looks = [consumer.look(turns=turns, received=n % 3 == 0) for n in range(9)]
    assert looks == [None] * 9


def test_queue_that_was_empty_meanwhile_begins_the_time_again(
    consumer: Consumer,
) -> None:
    for _ in range(3):
        consumer.see("celery")
        assert [consumer.look(), consumer.look()] == [None, None]
        consumer.see("")
        assert consumer.look() is None


def test_worker_hangs_whose_main_thread_does_not_turn(consumer: Consumer) -> None:
    consumer.look()
    looks = [consumer.look(turns=0) for _ in range(4)]
    assert looks == [None, None, Stuck.HANGS, Stuck.HANGS]
    assert consumer.look() is None


def test_time_without_a_connection_does_not_count(consumer: Consumer) -> None:
    consumer.see("celery")
    for number in (2, 3, 4):
        assert [consumer.look(turns=0), consumer.look(turns=0)] == [None, None]
        consumer.connect(None)
        assert consumer.look(turns=0) is None
        consumer.connect(number)


@pytest.mark.parametrize("between", [None, 2])
def test_worker_is_deaf_until_it_takes_a_message(
    consumer: Consumer, between: int | None
) -> None:
    """A connection that was made again is no proof."""
    consumer.see("celery")
    for _ in range(4):
        consumer.look()
    consumer.connect(between)
    assert consumer.look() is Stuck.DEAF
    consumer.connect(2)
    assert [consumer.look(), consumer.look()] == [Stuck.DEAF] * 2
    assert consumer.look(received=1) is None

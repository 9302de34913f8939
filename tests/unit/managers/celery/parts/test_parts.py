"""The parts of a job on Celery, with workers that take messages when a test says."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any
from unittest import mock

import cloudpickle
import pytest

from dash_long_components.exceptions import PartError
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.parts import parts
from dash_long_components.managers.celery.parts.parts import CeleryParts
from dash_long_components.managers.celery.parts.state import PartMessage
from dash_long_components.managers.celery.parts.worker import Claim
from dash_long_components.running.parts import Work, outcome_of, sent
from tests.unit.fakes import job_of
from tests.unit.managers.celery.made import CALL, LEASE, Shop


def square(number: int) -> int:
    return number * number


class Deployment:
    """A job with parts, whose messages wait here for workers."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.documents = Documents(shop.celery)
        self.messages: list[PartMessage] = []
        self.has_workers = True
        self.done = 0
        self._parts = CeleryParts(
            shop.celery,
            self.documents,
            LEASE,
            shop.start(),
            CALL,
            shop.message,
            is_eager=False,
            announce=lambda _workflow: None,
        )
        monkeypatch.setattr(shop.celery, "send_task", self._send)

    def map(self, function: Any, items: Iterable[Any]) -> Iterator[Any]:
        return self._parts.run(
            Work(
                function=function,
                items=items,
                max_workers=None,
                queue=None,
                job=job_of(),
                done=self._count,
            )
        )

    def work(self, message: PartMessage) -> bool:
        """Run a part as a worker does, and return whether it has run."""
        claim = Claim(self.documents, message, LEASE)
        if claim.take() is None:
            return False
        loaded = claim.load()
        assert loaded is not None
        setting, item = loaded
        claim.finish(outcome_of(cloudpickle.loads(setting).function, item))
        return True

    def _send(self, _name: str, args: tuple[str], **_: Any) -> None:
        message = PartMessage.from_text(args[0])
        self.messages.append(message)
        if self.has_workers:
            self.work(message)

    def _count(self) -> None:
        self.done += 1


@pytest.fixture
def deployment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(shop, monkeypatch)


def test_message_that_arrives_after_the_result_does_nothing(
    deployment: Deployment,
) -> None:
    results = deployment.map(square, [2, 3])
    assert next(results) == 4
    assert not deployment.work(deployment.messages[0])
    assert [*results] == [9]
    assert deployment.done == 2


def test_job_that_runs_a_part_itself_leaves_nothing_of_it(
    deployment: Deployment,
) -> None:
    deployment.has_workers = False
    results = deployment.map(square, [2])
    assert next(results) == 4
    (message,) = deployment.messages
    assert deployment.documents.read(message.state_key) is None
    assert not deployment.work(message)
    results.close()  # type: ignore[attr-defined]


def test_part_whose_state_is_gone_is_an_error(deployment: Deployment) -> None:
    deployment.has_workers = False

    def items() -> Iterator[int]:
        yield 2
        deployment.documents.delete([deployment.messages[0].state_key])

    with pytest.raises(PartError, match="The state of part 1: 2 is gone"):
        next(deployment.map(square, items()))


def test_worker_does_not_look_dead_after_an_outage_of_the_backend(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.has_workers = False
    now = time.monotonic()
    clock = mock.Mock(wraps=time, monotonic=lambda: now, sleep=mock.Mock())
    monkeypatch.setattr(parts, "time", clock)
    looks = 0

    def pause(_: float) -> None:
        nonlocal now, looks
        looks += 1
        (message,) = deployment.messages
        if looks == 1:
            claim = Claim(deployment.documents, message, LEASE)
            assert claim.take() is not None
            claims.append(claim)
        elif looks == 2:
            now += 5 * LEASE  # as long as a read may wait
        else:
            claims[0].finish(outcome_of(square, sent("The item", 3)))

    claims: list[Claim] = []
    clock.sleep = pause
    assert [*deployment.map(square, [3])] == [9]
    assert len(deployment.messages) == 1

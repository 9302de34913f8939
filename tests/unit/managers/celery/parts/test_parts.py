"""The parts of a job on Celery, with workers that take messages when a test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import cloudpickle
import pytest

from dash_long_components.core.status import Status
from dash_long_components.exceptions import PartError
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.documents.job_state import End, Live
from dash_long_components.managers.celery.documents.part_state import (
    PartMessage,
    PartState,
)
from dash_long_components.managers.celery.parts import round as part_round
from dash_long_components.managers.celery.parts import worker as part_worker
from dash_long_components.managers.celery.parts.parts import CeleryParts
from dash_long_components.managers.celery.parts.worker import Claim
from dash_long_components.running.part_limits import is_in_part
from dash_long_components.running.parts import Work, outcome_of, sent
from tests.unit.fakes import Reported, job_of
from tests.unit.managers.celery.made import CALL, LEASE, Shop
from tests.waiting import until

#: Seconds after which a part has nothing to say but that it lives.
LONG = 20.0


def square(number: int) -> int:
    return number * number


class Deployment:
    """A job with parts, whose messages wait here for workers."""

    def __init__(self, shop: Shop, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
        self.documents = Documents(shop.celery)
        self.messages: list[PartMessage] = []
        self.has_workers = True
        self.on_message: Callable[[PartMessage], object] = self.work
        self.done = 0
        self.reported = Reported()
        self._parts = CeleryParts(
            shop.celery,
            self.documents,
            LEASE,
            live,
            CALL,
            shop.message,
            is_eager=False,
            announce=lambda _workflow: None,
        )
        monkeypatch.setattr(shop.celery, "send_task", self._send)

    def map(self, function: Any, items: Iterable[Any]) -> Iterator[Any]:
        job = job_of()
        job.report_to(self.reported)
        return self._parts.run(
            Work(
                function=function,
                items=items,
                max_workers=None,
                queue=None,
                job=job,
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
            self.on_message(message)

    def _count(self) -> None:
        self.done += 1


@pytest.fixture
def deployment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(shop, shop.start(), monkeypatch)


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
    deployment.on_message = lambda message: deployment.documents.delete(
        [message.state_key]
    )
    with pytest.raises(PartError, match="The state of part 1: 2 is gone"):
        next(deployment.map(square, [2]))


def test_loop_has_a_result_before_the_next_item_is_made(
    deployment: Deployment,
) -> None:
    events = []

    def items() -> Iterator[int]:
        for item in range(3):
            events.append(f"item {item}")
            yield item

    for result in deployment.map(square, items()):
        events.append(f"result {result}")
    assert events == [
        *("item 0", "result 0"),
        *("item 1", "result 1"),
        *("item 2", "result 4"),
    ]


@pytest.mark.parametrize("has_workers", [True, False])
def test_part_can_not_speak_for_its_job(
    deployment: Deployment, has_workers: bool
) -> None:
    deployment.has_workers = has_workers
    assert [*deployment.map(lambda _: is_in_part(), [1])] == [True]
    assert not is_in_part()


@pytest.mark.parametrize("has_workers", [True, False])
def test_exception_comes_after_the_results_before_it(
    deployment: Deployment, has_workers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.has_workers = has_workers
    monkeypatch.setattr(part_round, "_HELP_AFTER", 0.0)

    def items() -> Iterator[int]:
        yield from (1, 2)
        raise LookupError

    of: list[tuple[Iterable[Any], type[Exception]]] = [
        ([1, 2, "x", "y"], TypeError),  # of a part
        (items(), LookupError),
        ([1, 2, threading.Lock(), 3], PartError),  # it can't be sent
    ]
    for given, error in of:
        results: list[int] = []
        with pytest.raises(error):
            results.extend(deployment.map(square, given))
        assert results == [1, 4]


def test_lines_of_parts_that_end_with_the_loop_are_not_lost(
    deployment: Deployment,
) -> None:
    def begin(message: PartMessage) -> None:
        claim = Claim(deployment.documents, message, LEASE)
        assert claim.take() is not None
        claim.log("begun", 20, 0.0)
        claim._report()

    deployment.on_message = lambda message: (
        begin(message) if message.number == 2 else deployment.work(message)
    )
    with pytest.raises(TypeError):
        next(deployment.map(square, ["x", 2]))
    assert deployment.reported.lines == [("begun", 20, 0.0)]


def test_end_of_a_part_in_the_middle_of_a_report_loses_nothing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = Documents.update

    def end(claim: Claim) -> None:
        monkeypatch.setattr(Documents, "update", update)
        claim.log("second", 20, 1.0)
        claim.finish(outcome_of(square, sent("The item", 3)))

    def work(message: PartMessage) -> None:
        claim = Claim(deployment.documents, message, LEASE)
        assert claim.take() is not None

        def held_up(documents: Documents, *change: Any) -> str:
            end(claim)
            return update(documents, *change)

        claim.log("first", 20, 0.0)
        monkeypatch.setattr(Documents, "update", held_up)
        claim._report()  # as the thread beside the function does

    deployment.on_message = work
    assert [*deployment.map(square, [3])] == [9]
    assert len(deployment.messages) == 1
    assert deployment.reported.lines == [("first", 20, 0.0), ("second", 20, 1.0)]


def test_part_reports_what_it_logs_before_its_next_beat(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part_worker, "_LOOK", LONG)

    def work(message: PartMessage) -> None:
        claim = Claim(deployment.documents, message, lease=6 * LONG)
        assert claim.take() is not None
        with claim.kept(None, grace=0.0):
            claim.log("line", 20, 0.0)

            def is_written() -> bool:
                text = deployment.documents.read(message.state_key)
                return text is not None and PartState.from_text(text).logged == 1

            until(is_written, timeout=LONG / 2)
        claim.finish(outcome_of(square, sent("The item", 3)))

    deployment.on_message = work
    assert [*deployment.map(square, [3])] == [9]
    assert deployment.reported.lines == [("line", 20, 0.0)]


def test_report_whose_answer_is_lost_is_written_once(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap, answers = Documents._swap, [False]

    def lose(*swapped: Any) -> bool:
        return swap(*swapped) and (not answers or answers.pop())

    def work(message: PartMessage) -> None:
        claim = Claim(deployment.documents, message, LEASE)
        assert claim.take() is not None
        claim.log("line", 20, 0.0)
        with monkeypatch.context() as patch:
            patch.setattr(Documents, "_swap", lose)
            claim.finish(outcome_of(square, sent("The item", 3)))

    deployment.on_message = work
    assert [*deployment.map(square, [3])] == [9]
    assert deployment.reported.lines == [("line", 20, 0.0)]


class Killed(BaseException):
    """What ends a process, whose code then does nothing more."""


@pytest.mark.parametrize("then", ["lost", "tried again"])
def test_nothing_is_left_of_the_parts_of_a_killed_job(
    shop: Shop,
    tmp_path: Path,
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    then: str,
) -> None:
    def items() -> Iterator[str]:
        yield "x" * 200_000  # too long for a message
        yield "y"
        raise Killed

    def stored() -> list[str]:
        maps = ("job.parts", *(message.map for message in deployment.messages))
        names = [path.name for path in (tmp_path / "backend").iterdir()]
        return [name for name in names if any(each in name for each in maps)]

    deployment.has_workers = False
    with monkeypatch.context() as patch:
        patch.setattr(Documents, "delete", lambda *_: None)
        with pytest.raises(Killed):
            next(deployment.map(len, items()))
    assert deployment.work(deployment.messages[0])  # a worker has not noticed yet
    assert len(stored()) == 8  # the item has three
    if then == "lost":
        shop.store.ends.decide("job", End(status=Status.LOST, at=1.0))
    else:
        live = Live.from_text(shop.store.documents.read("job.live") or "")
        following = Deployment(shop, live, monkeypatch)
        assert [*following.map(len, ["z"])] == [1]
        deployment.messages += following.messages
    assert stored() == []


def test_worker_does_not_look_dead_after_an_outage_of_the_backend(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.has_workers = False
    now = time.monotonic()
    clock = mock.Mock(wraps=time, monotonic=lambda: now, sleep=mock.Mock())
    monkeypatch.setattr(part_round, "time", clock)
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

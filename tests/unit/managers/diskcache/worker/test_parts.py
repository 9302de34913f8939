"""The parts of a job on Diskcache, with processes that do as a test says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import Pipe
from typing import Any, cast

import cloudpickle
import pytest

from dash_long_components.managers.diskcache.worker.part_process import LINE
from dash_long_components.managers.diskcache.worker.parts import _Processes, _Round
from dash_long_components.running.parts import Work, outcome_of
from tests.unit.fakes import Reported, job_of


class Process:
    """Runs a part at once, and then has sent its outcome."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.part: int | None = None
        self.process = self.connection = self
        self.ours, self.its = Pipe()
        self._end, self._other = Pipe()
        self.sentinel = self._end.fileno()
        self._function = function

    def send_bytes(self, item: bytes) -> None:
        if cloudpickle.loads(item) == "log for ever":
            for number in range(150):
                self.its.send_bytes(LINE + cloudpickle.dumps((f"{number}", 20, 0.0)))
        else:
            self.its.send_bytes(outcome_of(self._function, item))

    def is_alive(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.ours.fileno()

    def poll(self) -> bool:
        return self.ours.poll()

    def recv_bytes(self) -> bytes:
        return self.ours.recv_bytes()

    def close(self) -> None:
        for each in (self.ours, self.its, self._end, self._other):
            each.close()


class Processes:
    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self.all: list[Process] = []

    def start(self) -> Process:
        self.all.append(Process(self._function))
        return self.all[-1]


class Map:
    """A ``map()`` whose parts end at once."""

    def __init__(self) -> None:
        self.reported = Reported()
        self.processes: list[Processes] = []

    def round(
        self, function: Callable[[Any], Any], items: Iterable[Any], workers: int = 3
    ) -> _Round:
        job = job_of()
        job.report_to(self.reported)
        work = Work(
            function=function,
            items=items,
            max_workers=workers,
            queue=None,
            job=job,
            done=lambda: None,
        )
        self.processes.append(Processes(function))
        return _Round(cast(_Processes, self.processes[-1]), work)


@pytest.fixture
def mapped() -> Iterator[Map]:
    mapped = Map()
    yield mapped
    for process in itertools.chain(*(each.all for each in mapped.processes)):
        process.close()


def square(number: int) -> int:
    if number == 3:
        raise KeyError(number)
    return number * number


def test_loop_has_a_result_before_the_next_item_is_made(mapped: Map) -> None:
    events = []

    def items() -> Iterator[int]:
        for item in range(3):
            events.append(f"item {item}")
            yield item

    for result in mapped.round(square, items()).results():
        events.append(f"result {result}")
    assert events == [
        *("item 0", "result 0"),
        *("item 1", "result 1"),
        *("item 2", "result 4"),
    ]


def test_exception_comes_after_the_results_before_it(mapped: Map) -> None:
    def items() -> Iterator[int]:
        yield from (1, 2)
        raise LookupError

    for of, error in ((range(6), KeyError), (items(), LookupError)):
        results: list[int] = []
        with pytest.raises(error):
            results.extend(mapped.round(square, of).results())
        assert results[-2:] == [1, 4]


def test_part_that_logs_for_ever_holds_up_no_other(mapped: Map) -> None:
    running = mapped.round(square, [1, "log for ever"])
    assert next(running.results()) == 1
    first = [line for line, _, _ in mapped.reported.lines]
    assert first == [f"{number}" for number in range(len(first))]
    assert len(first) < 150
    running.take_lines()
    assert len(mapped.reported.lines) > len(first)

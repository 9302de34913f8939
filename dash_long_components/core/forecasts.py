"""Forecasts of when the jobs in the queue will start, from past runs."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Iterable, Sequence

from .records import Record
from .snapshots import Place

#: Seconds until a forecast is made again; the second value is for a job that is not in
#: it.
_FRESH, _FRESH_WITHOUT = 0.5, 0.05

#: The time left of a job that has taken longer than usual, in seconds.
_SOON = 1.0

#: Returns how long a task usually takes, in seconds; None if it is not known.
Median = Callable[[str], float | None]


def forecast(
    slots: int,
    running: Iterable[tuple[str, float]],
    waiting: Sequence[tuple[str, str]],
    median: Median,
) -> dict[str, Place]:
    """Return the place of each waiting job; its wait is 0 if a slot is free for it.

    Args:
        slots: how many jobs may run at once.
        running: task and seconds so far of the jobs that run.
        waiting: id and task of the jobs that wait, in their order.
        median: how long a task usually takes.
    """
    usual: dict[str, float] = {}

    def duration(task: str) -> float:
        if task not in usual:
            found = median(task)
            usual[task] = math.inf if found is None else found
        return usual[task]

    # When each slot becomes free; never if that is not known. A job that takes longer
    # than usual may end at any moment; until then its slot is not free.
    free = [max(_SOON, duration(task) - elapsed) for task, elapsed in running]
    free += [0.0] * (slots - len(free))
    heapq.heapify(free)
    found: dict[str, Place] = {}
    for position, (job_id, task) in enumerate(waiting, 1):
        start = free[0]
        heapq.heapreplace(free, start + duration(task))
        found[job_id] = Place(
            position=position, wait=start if math.isfinite(start) else None
        )
    return found


class Forecasts:
    """Makes forecasts a few times a second at most, however many pages ask.

    Args:
        make: returns the places of the jobs that wait for a version of the code.
    """

    def __init__(self, make: Callable[[str], dict[str, Place]]) -> None:
        self._make = make
        self._made: dict[str, tuple[float, dict[str, Place]]] = {}

    def place(self, record: Record) -> Place | None:
        """Return the place of a job; None if it is not in the queue (yet)."""
        now = time.monotonic()
        at, places = self._made.get(record.code, (-math.inf, {}))
        if now - at > (_FRESH if record.id in places else _FRESH_WITHOUT):
            places = self._make(record.code)
            self._made[record.code] = (now, places)
        return places.get(record.id)

"""Forecasts of when the jobs in the queue will start, from past runs."""

from __future__ import annotations

import heapq
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from .queueing import QueuedJob, Sizes, in_order
from .records import Record
from .snapshots import Place

#: Seconds until a forecast is made again.
FRESH = 0.5

#: Seconds until one is made again for a job that is not in it, where that costs little.
_FRESH_WITHOUT = 0.05

#: A forecast is made again after so many times the time that it took, at the earliest.
#: A long queue must not keep the process from its other work.
_REST = 9

#: The time left of a job that has taken longer than usual, in seconds.
_SOON = 1.0

#: Returns how long a task usually takes, in seconds; None if it is not known.
Median = Callable[[str], float | None]


def forecast(
    sizes: Sizes,
    running: Iterable[tuple[QueuedJob, float]],
    waiting: Sequence[QueuedJob],
    median: Median,
) -> dict[str, Place]:
    """Return the place of each waiting job; its wait is 0 if a slot is free for it.

    Args:
        sizes: of the queues.
        running: the jobs that run, and for how many seconds so far.
        waiting: the jobs that wait, in the order of their places.
        median: how long a task usually takes.
    """
    usual: dict[str, float] = {}

    def duration(task: str) -> float:
        if task not in usual:
            found = median(task)
            usual[task] = math.inf if found is None else found
        return usual[task]

    # When the jobs under each limit end; never if that is not known. A job that takes
    # longer than usual may end at any moment; until then its slot is not free.
    ends: dict[tuple[str, ...], list[float]] = {}
    for job, elapsed in running:
        end = max(_SOON, duration(job.task) - elapsed)
        for name in job.limited_by:
            ends.setdefault(name, []).append(end)
    for each in ends.values():
        heapq.heapify(each)
    found: dict[str, Place] = {}
    position: Counter[str] = Counter()
    for job in in_order(waiting):
        start = 0.0
        for name, size in job.limits(sizes):
            start = max(start, _free_at(ends.setdefault(name, []), size))
        for name in job.limited_by:
            heapq.heappush(ends.setdefault(name, []), start + duration(job.task))
        queue = job.scheduling.queue
        position[queue] += 1
        found[job.id] = Place(
            position=position[queue], wait=start if math.isfinite(start) else None
        )
    return found


def _free_at(ends: list[float], size: int) -> float:
    """Return when a place is free, and forget the jobs that have ended until then."""
    free = 0.0
    while len(ends) >= size:
        free = heapq.heappop(ends)
    return free


class Forecasts:
    """Makes forecasts a few times a second at most, however many pages ask.

    Args:
        make: returns the places of the jobs that wait for a version of the code.
        fresh_without: seconds until it is made again for a job that is not in it.
    """

    def __init__(
        self,
        make: Callable[[str], dict[str, Place]],
        fresh_without: float = _FRESH_WITHOUT,
    ) -> None:
        self._make = make
        self._fresh_without = fresh_without
        #: When each was made, and the seconds that it took.
        self._made: dict[str, tuple[float, float, dict[str, Place]]] = {}

    def place(self, record: Record) -> Place | None:
        """Return the place of a job; None if it is not in the queue (yet)."""
        now = time.monotonic()
        at, took, places = self._made.get(record.code, (-math.inf, 0.0, {}))
        fresh = FRESH if record.id in places else self._fresh_without
        if now - at > max(fresh, _REST * took):
            places = self._make(record.code)
            at = time.monotonic()
            self._made[record.code] = (at, at - now, places)
        return places.get(record.id)

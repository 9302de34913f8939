"""The steps of a job: its named parts, with the time that each takes.

A step on the wire is ``[name, depth, status, seconds, count]``:

- ``name``: of the step; None for earlier steps that had no room.
- ``depth``: 0, or how many steps it is in.
- ``status``: ``to_come``, ``running``, ``done`` or ``failed``.
- ``seconds``: that all its runs took. For a running step, its start: seconds since the
  start of the job, minus what its earlier runs took. So the page can count on.
- ``count``: of its runs; of the steps that had no room.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

#: A step on the wire.
StepJson = list[Any]

#: Steps of one job that a page shows.
MAX_STEPS = 40

#: Maximum depth of nested steps.
MAX_DEPTH = 3


class Step:
    """A step, with all its runs: a step that runs again has no second line.

    Attributes:
        name: of the step.
        is_planned: it was named before the job began.
        is_shown: the page shows it.
        count: of its runs so far.
    """

    def __init__(self, name: str, parent: Step | None = None) -> None:
        self.name = name
        self.parent = parent
        self.depth: int = -1 if parent is None else parent.depth + 1
        self.is_planned = False
        self.is_shown = parent is None
        self.count = 0
        self.children: dict[str, Step] = {}
        self._open = 0
        self._began = 0.0
        self._seconds = 0.0
        self._has_failed = False
        #: Number and seconds of the inner steps that have left.
        self._left = (0, 0.0)

    def begin(self, now: float) -> None:
        """Begin a run. Threads may run a step at the same time."""
        self.count += 1
        self._open += 1
        if self._open == 1:
            self._began = now - self._seconds

    def end(self, now: float, *, has_failed: bool) -> None:
        """End a run."""
        self._open -= 1
        self._has_failed = has_failed
        if self._open == 0:
            self._seconds = now - self._began

    @property
    def is_over(self) -> bool:
        return self.count > 0 and self._open == 0

    def drop(self, step: Step) -> None:
        """Drop an inner step, except for its number and time."""
        del self.children[step.name]
        count, seconds = self._left
        self._left = (count + 1, seconds + step._seconds)

    def walk(self) -> Iterator[Step]:
        """Yield the inner steps, in the order in which people read them."""
        for step in self._in_order():
            yield step
            yield from step.walk()

    def to_wire(self, start: float) -> Iterator[StepJson]:
        """Yield the inner steps; ``start`` is that of the job."""
        count, seconds = self._left
        if count:
            yield [None, self.depth + 1, "done", round(seconds, 2), count]
        for step in self._in_order():
            yield [step.name, step.depth, *step._state(start), step.count]
            yield from step.to_wire(start)

    def _in_order(self) -> list[Step]:
        # Steps that were not planned come before those that are still to come.
        return sorted(self.children.values(), key=lambda each: each.count == 0)

    def _state(self, start: float) -> tuple[str, float]:
        if self._open:
            return "running", round(self._began - start, 2)
        if self.count == 0:
            return "to_come", 0
        return "failed" if self._has_failed else "done", round(self._seconds, 2)


class Steps:
    """The steps of one job. Thread-safe.

    Args:
        touch: called after a change; cheap.
        planned: names of the outermost steps, as far as they are known.
        start: of the job, by the clock of ``now``.
    """

    def __init__(
        self,
        touch: Callable[[], None] = lambda: None,
        planned: Iterable[str] = (),
        start: float = 0.0,
    ) -> None:
        self._touch = touch
        self._start = start
        self._lock = threading.Lock()
        self._root = Step("")
        for name in planned:
            self._add(self._root, name).is_planned = True

    def begin(self, name: str, parent: Step | None, now: float) -> Step:
        """Begin a run of a step.

        Args:
            name: of the step.
            parent: the step that it is in; None for an outermost one.
            now: seconds by any clock that goes on.
        """
        with self._lock:
            parent = parent or self._root
            step = parent.children.get(name) or self._add(parent, name)
            if step.count == 0 and step.is_shown:
                # A planned step that begins comes after those that have begun.
                parent.children[name] = parent.children.pop(name)
            step.begin(now)
        self._touch()
        return step

    def end(self, step: Step, now: float, *, has_failed: bool) -> None:
        """End a run of a step."""
        with self._lock:
            step.end(now, has_failed=has_failed)
        self._touch()

    def to_wire(self) -> list[StepJson]:
        """Return the steps to show, in the order in which people read them."""
        with self._lock:
            return list(self._root.to_wire(self._start))

    def _add(self, parent: Step, name: str) -> Step:
        step = Step(name, parent)
        if parent.is_shown and step.depth < MAX_DEPTH and self._has_room():
            step.is_shown = True
            parent.children[name] = step
        return step

    def _has_room(self) -> bool:
        """Tell whether there is room for one more; drops the first that is over."""
        steps = list(self._root.walk())
        if len(steps) < MAX_STEPS:
            return True
        for step in steps:
            if step.is_over and not step.is_planned and step.parent is not None:
                step.parent.drop(step)
                return True
        return False

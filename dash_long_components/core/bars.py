"""The progress bars of a job: its own, and those of the loops that it runs.

A bar on the wire is ``[value, total, text]``. Without a total the length is unknown,
and the page shows the value as a count. A dict with optional fields may follow:

- ``unit``: of the value, such as ``B``.
- ``base``: 1000 or 1024 if the page writes numbers with prefixes (``3.7 GB``).
- ``rate``: units a second.
- ``start``: the value at which it began, if not at 0: where another attempt goes on.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

from .texts import one_line

T = TypeVar("T")

#: A bar on the wire.
BarJson = list[Any]

#: Bars of one job that a page shows: the outermost ones.
MAX_BARS = 5

_WHAT = (
    "set_progress() takes a number from 0 to 1, (value, total) or "
    "(value, total, text), where total and text may be None, not {!r}. For other "
    "values, name the Outputs that take them in progress=."
)


class Bar:
    """The current state of a bar. After a change, call ``Bars.touch``.

    Attributes:
        value: the progress so far.
        total: the value at the end; None if it is unknown.
        text: a label, or None.
        unit: of the value; None if it counts items.
        base: 1000 or 1024 for numbers with prefixes, else None.
        rate: units a second; None if it is unknown.
        start: its first value, if the work before it was done earlier.
    """

    __slots__ = ("base", "rate", "start", "text", "total", "unit", "value")

    def __init__(
        self, value: float = 0, total: float | None = None, text: str | None = None
    ) -> None:
        self.value = value
        self.total = total
        self.text = text
        self.unit: str | None = None
        self.base: int | None = None
        self.rate: float | None = None
        self.start: float = 0

    @classmethod
    def parse(cls, value: Any) -> Bar:
        """Return the bar for a value of ``set_progress``.

        A value below zero or above its total is a small miscount: the page shows the
        nearest valid value.

        Raises:
            TypeError: the value has the wrong type or shape.
            ValueError: a number in it is out of range.
        """
        match value:
            case [done, total] | [done, total, None]:
                return cls._checked(value, done, total, None)
            case [done, total, str(text)]:
                return cls._checked(value, done, total, text)
        if not is_number(value):
            raise TypeError(_WHAT.format(value))
        # Sums of fractions end a little above one.
        if not value <= 1 + 1e-6:
            raise ValueError(_WHAT.format(value))
        return cls(plain(value), 1)

    @classmethod
    def of_loop(
        cls,
        name: str,
        items: Iterable[object],
        total: float | None,
        text: str | None,
    ) -> Bar:
        """Return the bar for a loop over some items, at its start.

        Args:
            name: of the method that the loop calls, for messages.
            items: of the loop.
            total: number of items; None for their length, if they have one.
            text: label of the bar.

        Raises:
            TypeError: ``total`` is not a number, or ``text`` is not text.
            ValueError: ``total`` is less than zero or not finite.
        """
        if total is None:
            total = operator.length_hint(items, -1)
        try:
            return cls.parse((0, None if total == -1 else total, text))
        except (TypeError, ValueError) as error:
            raise type(error)(
                f"{name}() takes a number of items as its total, and a text, not "
                f"total={total!r} and text={text!r}."
            ) from None

    @classmethod
    def _checked(cls, value: Any, done: Any, total: Any, text: str | None) -> Bar:
        if not is_number(done) or not (total is None or is_number(total)):
            raise TypeError(_WHAT.format(value))
        if not math.isfinite(done) or not (total is None or 0 <= total < math.inf):
            raise ValueError(_WHAT.format(value))
        return cls(plain(done), None if total is None else plain(total), text)

    def to_wire(self) -> BarJson:
        value = max(0, self.value)
        if self.total is not None:
            value = min(value, self.total)
        # Three digits of a rate are enough, and more would change all the time.
        rate = None if self.rate is None else float(f"{self.rate:.3g}")
        extras = {"unit": one_line(self.unit), "base": self.base, "rate": rate}
        extras["start"] = max(0, self.start) or None
        known = {name: value for name, value in extras.items() if value is not None}
        return [value, self.total, one_line(self.text), *([known] if known else [])]


class Bars:
    """The bars of one job.

    Attributes:
        own: the job's own bar, which comes first.
        goes_on: the job has had another attempt, so its own bar may begin above 0.
        touch: call it after a change; cheap.
        check: raises JobCancelled if the job's code must end here.
    """

    def __init__(
        self, touch: Callable[[], None], check: Callable[[], None] = lambda: None
    ) -> None:
        self.own: Bar | None = None
        self.goes_on = False
        self.touch = touch
        self.check = check
        self._open: list[Bar] = []
        self._last: Bar | None = None

    def set_own(self, bar: Bar | None) -> None:
        """Replace the job's own bar, or remove it."""
        if bar is not None and self.goes_on:
            if self.own is None:
                bar.start = bar.value
            elif bar.total == self.own.total and bar.value >= self.own.start:
                bar.start = self.own.start
        self.own = bar

    def open(self, bar: Bar) -> Bar:
        """Add the bar of a loop that begins, after those of the loops around it."""
        self._open.append(bar)
        self.touch()
        return bar

    def advanced(self) -> None:
        """Note that the job's code has made progress. It may end here."""
        self.check()
        self.touch()

    def track(self, items: Iterable[T], bar: Bar, start: int = 0) -> Iterator[T]:
        """Yield the items, with a bar for them.

        Args:
            items: those to come.
            bar: for all of them.
            start: number of items before them.
        """
        bar.value = bar.start = start
        self.open(bar)
        check, touch = self.check, self.touch
        try:
            for done, item in enumerate(items, start + 1):
                yield item
                bar.value = done
                check()
                touch()
        finally:
            self.close(bar)

    def close(self, bar: Bar) -> None:
        """Remove the bar of a loop that has ended. Idempotent.

        The last bar stays on the page until another one opens, rather than nothing.
        """
        if bar in self._open:
            self._open.remove(bar)
            self._last = bar
            self.touch()

    def to_wire(self) -> list[BarJson]:
        """Return the bars to show, the outermost first."""
        bars = [bar for bar in (self.own, *self._open) if bar is not None]
        if not bars and self._last is not None:
            bars = [self._last]
        return [bar.to_wire() for bar in bars[:MAX_BARS]]


def from_outputs(outputs: Sequence[Sequence[Any]], values: Sequence[Any]) -> Bar | None:
    """Return the bar for values of progress Outputs.

    There is one if the Outputs are ``value`` and ``max`` of one component.

    Args:
        outputs: ``[component id, property]`` for each value.
        values: JSON data; ``max`` and ``value`` of ``html.Progress`` are text.
    """
    for component_id, name in outputs:
        if name == "max" and [component_id, "value"] in outputs:
            done = values[outputs.index([component_id, "value"])]
            total = values[outputs.index([component_id, "max"])]
            try:
                return Bar.parse((float(done), float(total)))
            except (TypeError, ValueError):
                return None
    return None


def plain(number: Any) -> int | float:
    """Return a number of any package, such as numpy, as an int or float."""
    return int(number) if isinstance(number, Integral) else float(number)


def is_number(value: Any) -> bool:
    """Return whether a value is a real number, of any package."""
    return isinstance(value, Real) and not isinstance(value, bool)

"""A slice of a list that is in parts, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

P = TypeVar("P")


def slices(
    parts: Iterable[tuple[P, int]], start: int, count: int
) -> Iterator[tuple[P, int, int]]:
    """Return which items of which parts make a slice: ``(part, start, count)``.

    Args:
        parts: each with the number of its items.
        start: of the slice.
        count: of its items, at most.
    """
    for part, length in parts:
        if count <= 0:
            return
        taken = min(count, length - start)
        if taken > 0:
            yield part, start, taken
            count -= taken
        start = max(0, start - length)

"""The items of a ``map()``, and what became of them, each in its turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MappingView, Sequence, Set
from typing import Any

#: Kinds of items that are there already.
_EXIST = (Sequence, Set, Mapping, MappingView)


class Turns:
    """Takes the items of one ``map()``, and has what became of their parts.

    Items are taken in the thread of the job, as they come from its code. So what
    prepares an item, such as a generator, must not wait for long. It may need a result
    first. Therefore no item is taken while the loop can have the next result. An
    exception is the outcome of its part, or of the item that could not be taken, and
    the last one: it comes after the results before it.

    Args:
        items: of the ``map()``.
        ahead: items that are taken before the next result at most.
    """

    def __init__(self, items: Iterable[Any], ahead: int) -> None:
        self._items = iter(items)
        #: Whether the items exist, so that taking one takes no time. What has a length
        #: may still make them, such as a bar of tqdm.
        self._exist = isinstance(items, _EXIST) or hasattr(items, "__array__")
        self._ahead = ahead
        self._taken = 0
        self._over = 0
        self._has_more = True
        self._results: dict[int, Any] = {}
        self._error: BaseException | None = None
        #: Number of the part that ``_error`` is of.
        self._error_of = 0

    def take(self) -> tuple[int, Any] | None:
        """Return the next item and its number, from 1; None if none is wanted now."""
        is_near = self._taken - self._over < self._ahead
        if not (self._has_more and is_near) or (self.has_next and not self._exist):
            return None
        try:
            item = next(self._items)
        except StopIteration:
            self._has_more = False
            return None
        except Exception as error:
            self.fail(self._taken + 1, error)
            return None
        self._taken += 1
        return self._taken, item

    def succeed(self, number: int, result: Any) -> None:
        """Note the result of a part."""
        self._results[number] = result

    def fail(self, number: int, error: BaseException) -> None:
        """Note that a part has none. No further item is taken."""
        self._has_more = False
        if self.wants(number):
            self._error, self._error_of = error, number

    def wants(self, number: int) -> bool:
        """Return whether the loop may come to a part."""
        return self._error is None or number < self._error_of

    @property
    def items_exist(self) -> bool:
        """Whether taking an item takes no time: they are a list, or the like."""
        return self._exist

    @property
    def has_next(self) -> bool:
        """Whether ``next`` has something for the loop."""
        following = self._over + 1
        is_error = self._error is not None and following == self._error_of
        return is_error or following in self._results

    @property
    def are_over(self) -> bool:
        """Whether the loop has had all results."""
        return not self._has_more and self._over == self._taken and not self.has_next

    def next(self) -> Any:
        """Return the next result.

        Raises:
            BaseException: of its part, or of its item.
        """
        self._over += 1
        if self._over in self._results:
            return self._results.pop(self._over)
        error, self._error = self._error, None
        assert error is not None  # noqa: S101
        try:
            raise error
        finally:
            del error  # its traceback has this frame

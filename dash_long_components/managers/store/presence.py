"""Presence: which jobs still have a page that asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import Table

if TYPE_CHECKING:
    import diskcache

#: What part of its time a page may be quiet before its next poll is noted down.
_QUIET = 0.25


class Presence:
    """When jobs that end with their page were last asked for.

    Times are those of the monotonic clock, which all processes of a machine share.

    Args:
        cache: where it is kept: one row for each such job, and one that lists them.
    """

    def __init__(self, cache: diskcache.Cache) -> None:
        self._cache = cache
        self._expected = Table(cache, "presence")

    def expect(self, ticket: str, leave_timeout: float, now: float) -> None:
        """Take note of a job that ends with its page. Call it in a transaction.

        Args:
            ticket: what the page asks for.
            leave_timeout: seconds without a question after which the page is gone.
            now: by the monotonic clock.
        """
        expected = self._expected.read()
        expected[ticket] = leave_timeout
        self._expected.write(expected)
        self._cache.set(_seen(ticket), now)

    def see(self, ticket: str, leave_timeout: float, now: float) -> None:
        """Take note that a page has asked, if it is news. Cheap otherwise."""
        seen = self._cache.get(_seen(ticket))
        # A later time than now is from before the machine was started again.
        if seen is None or not 0 <= now - seen < leave_timeout * _QUIET:
            with self._cache.transact():
                if ticket in self._expected.read():
                    self._cache.set(_seen(ticket), now)

    def forget(self, ticket: str) -> None:
        """Undo ``expect``. Call it in a transaction; idempotent."""
        expected = self._expected.read()
        if expected.pop(ticket, None) is not None:
            self._expected.write(expected)
        self._cache.delete(_seen(ticket))

    def left(self, since: float, now: float) -> list[str]:
        """Return what no page asks for any more.

        Args:
            since: from when on pages could ask without a break.
            now: by the monotonic clock.
        """
        return [
            ticket
            for ticket, leave_timeout in self._expected.read().items()
            if now - max(since, self._last_seen(ticket, now)) > leave_timeout
        ]

    def _last_seen(self, ticket: str, now: float) -> float:
        seen: float = self._cache.get(_seen(ticket), 0.0)
        return seen if seen <= now else 0.0


def _seen(ticket: str) -> str:
    return f"seen:{ticket}"

"""Presence: which jobs still have a page that asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core import limits
from .tables import Table

if TYPE_CHECKING:
    import diskcache


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
        if limits.is_news(seen, leave_timeout, now):
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
            if limits.has_left(
                self._cache.get(_seen(ticket), 0.0),
                leave_timeout,
                now,
                reachable_since=since,
            )
        ]


def _seen(ticket: str) -> str:
    return f"seen:{ticket}"

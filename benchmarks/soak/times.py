"""The times of a soak, held against the bounds of the promise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .accounts import Accounts, Row
from .ledger import Fault


class Times:
    """Notes how long things took, and what took too long.

    Args:
        accounts: where it notes them.
        faults: while one lasts, no time goes by for what it hits.
        stalls: when the machine was held up, and for how many seconds.
        began: when the soak began.
    """

    def __init__(
        self,
        accounts: Accounts,
        faults: Sequence[Fault],
        stalls: Sequence[tuple[float, float]],
        began: float,
    ) -> None:
        self._accounts = accounts
        self._faults = faults
        self._stalls = stalls
        self._began = began

    def note(
        self,
        what: str,
        bound: float,
        since: float,
        until: float,
        text: str,
        pids: Iterable[int] = (),
        is_extended: bool = True,
        begins_again: bool = False,
    ) -> None:
        """Note how long something took, and whether that was too long.

        Args:
            what: happened.
            bound: seconds.
            since: when it happened.
            until: the last sign that it had no effect yet.
            text: which job.
            pids: processes that it takes; while they are stopped no time goes by.
            is_extended: no time goes by while something else is away.
            begins_again: after that the whole bound holds again.
        """
        row = self._accounts.rows.setdefault(what, Row(what, bound))
        row.count += 1
        took = max(0.0, until - since)
        again = bound if begins_again else 0.0
        due = since + bound
        if is_extended:
            due = self._due(since, bound, set(pids), again)
        due += self._stalled_between(since, due)
        if due <= since + bound:
            row.worst = max(row.worst, took)
        if until > due:
            row.over = max(row.over, until - due)
            self._accounts.find(
                "late",
                f"{text}: {what}; after {took:.1f} s, {until - due:.1f} s too late "
                f"(bound {bound:.1f} s), {since - self._began:.1f} s into it",
            )

    def _due(self, since: float, bound: float, pids: set[int], again: float) -> float:
        """Return when a time is over: what is away, or stopped, does not count."""
        due = since + bound
        for fault in self._faults:
            if fault.at > due or fault.until + fault.recovery < since:
                continue
            if fault.recovery:
                due = max(due, fault.until + fault.recovery + again)
            elif pids & set(fault.pids) and not fault.is_lethal:
                due = max(due, fault.until + bound)
        return due

    def _stalled_between(self, since: float, until: float) -> float:
        return sum(late for at, late in self._stalls if since <= at <= until)

"""The causes of what happened in a soak: faults, cancels, later clicks."""

from __future__ import annotations

from collections.abc import Sequence

from . import bounds
from .deployment import LEASE
from .ledger import Click, Fault, Run

_LOST = "message lost"

#: The connections of the workers to the records, and what holds them up.
_RECORDS = "workers to Redis"
_HELD_UP = ("stall", "refuse")


class Causes:
    """Looks for the cause of an answer or of an end.

    Args:
        clicks: all of them.
        faults: what was done to the deployment, in its order.
    """

    def __init__(self, clicks: Sequence[Click], faults: Sequence[Fault]) -> None:
        self._clicks = clicks
        self._faults = faults

    def was_away(self, click: Click) -> bool:
        return any(
            fault.recovery
            and fault.at <= (click.answered or click.clicked)
            and fault.until + fault.recovery >= click.clicked
            for fault in self._faults
        )

    def was_web_hit(self, click: Click) -> bool:
        until = click.answered or click.clicked + 60
        return any(
            fault.kind.startswith(("web", "server"))
            and fault.at <= until
            and fault.until + 15 >= click.clicked
            for fault in self._faults
        )

    def last_words(self, click: Click, run: Run | None) -> str:
        """Say what is known of a job that has no end."""
        lost = [f for f in self._faults if f.kind == _LOST and f.what == click.job]
        if lost:
            return "its message was removed from the queue"
        if run is None:
            return "never run"
        return f"its function ended: {run.ended}" if run.ended else "its run was killed"

    def unexplained(self, click: Click, run: Run | None) -> str:
        """Return what is missing for an end; nothing if it has its cause."""
        if click.error and click.error["type"] == "UnknownJob":
            return "It was forgotten."
        match click.status:
            case "succeeded":
                if run is None or run.ended != "return":
                    return "Its function has not returned."
                return "" if click.result else "It has the result of another."
            case "failed":
                is_asked = run and run.ended == "KeyError"
                return "" if is_asked else "Its function has not raised."
            case "cancelled":
                asked = click.cancelled_at or click.left_at or self._later(click)
                return "" if asked else "No one has cancelled it."
            case "timed_out":
                return "" if click.kind == "brief" else "It had time."
            case "lost":
                if click.value["end"] == "exit" or self._was_killed(click, run):
                    return ""
                if run and self._was_cut_off(click, run):
                    return ""
                return "Nothing was done to what ran it."
        return "No such end was to be expected."

    def _later(self, click: Click) -> list[Click]:
        """Return the clicks that replace one."""
        return [
            other
            for other in self._clicks
            if click.kind == "replace"
            and other.lane == click.lane
            and other.clicked > click.clicked
        ]

    def _was_killed(self, click: Click, run: Run | None) -> bool:
        """Return whether a fault hit what ran a job, or had taken it."""
        since, until = click.clicked, click.ended_at or float("inf")
        for fault in self._faults:
            if not since <= fault.at <= until:
                continue
            if fault.kind == _LOST and fault.what == click.job:
                return True
            if not fault.is_lethal or fault.kind.startswith(("web", "server")):
                continue
            if run is None or {run.pid, run.parent} & set(fault.pids):
                return True
        return False

    def _was_cut_off(self, click: Click, run: Run) -> bool:
        """Return whether the worker of a run could not renew its lease in time."""
        return any(
            fault.kind in _HELD_UP
            and fault.what == _RECORDS
            and fault.until - fault.at > 2 * LEASE
            and fault.at <= (click.ended_at or float("inf"))
            and fault.until >= run.started
            for fault in self._faults
        )

    def killers(self, run: Run) -> list[Fault]:
        """Return the faults that have ended what started the process of a run."""
        until = run.last_sign + bounds.DRAIN
        return [
            fault
            for fault in self._faults
            if fault.is_lethal
            and run.parent in fault.pids
            and run.started <= fault.at <= until
        ]

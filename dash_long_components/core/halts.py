"""What operators keep from starting: jobs of paused tasks, in a drain all new jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Halts:
    """The tasks that are paused, and a drain.

    Attributes:
        paused: names of tasks. Their jobs stay queued.
        draining_until: no job can be started until then, in seconds since the epoch; 0
            if jobs can.
    """

    paused: frozenset[str] = frozenset()
    draining_until: float = 0.0

    def pause(self, *tasks: str) -> Halts:
        return replace(self, paused=self.paused | {*tasks})

    def resume(self, task: str | None) -> Halts:
        """Resume a task; None for all tasks and for the start of jobs."""
        return Halts() if task is None else replace(self, paused=self.paused - {task})

    def drain(self, until: float) -> Halts:
        """Drain until a time; 0 ends a drain. A longer drain goes on."""
        last = max(self.draining_until, until) if until else 0.0
        return replace(self, draining_until=last)

    def is_draining(self, now: float) -> bool:
        """Return whether no job can be started now, in seconds since the epoch."""
        return now < self.draining_until

    def to_text(self) -> str:
        fields = {"paused": sorted(self.paused), "draining_until": self.draining_until}
        return json.dumps(fields)

    @classmethod
    def from_text(cls, text: str | None) -> Halts:
        """Undo ``to_text``; None halts nothing."""
        fields = json.loads(text) if text else {}
        return cls(
            paused=frozenset(fields.get("paused", ())),
            draining_until=fields.get("draining_until", 0.0),
        )

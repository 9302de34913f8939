"""Instants on one machine, which no change of the wall clock moves."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Instant:
    """A moment as all processes of a machine see it.

    Attributes:
        monotonic: seconds since the machine started or so. No change of the clock
            moves it, and all processes have the same.
        wall: seconds since the epoch, for after a restart of the machine.
    """

    monotonic: float
    wall: float

    @classmethod
    def now(cls) -> Instant:
        return cls(time.monotonic(), time.time())

    def since(self, earlier: Instant) -> float:
        """Return the seconds since an earlier instant.

        Too few rather than too many if the machine was restarted in between.
        """
        if self.monotonic >= earlier.monotonic:
            return self.monotonic - earlier.monotonic
        return max(0.0, self.wall - earlier.wall)

"""How processes of jobs end when they should not."""

from __future__ import annotations

import signal
from contextlib import suppress

from ....core.job_errors import SHORT_OF_MEMORY


def describe_exit(exit_code: int | None, who: str = "Its worker") -> str:
    """Return one line that says how a process ended before its function returned."""
    if exit_code is None or exit_code >= 0:
        return f"{who} exited with code {exit_code} before the function returned."
    name = f"signal {-exit_code}"
    with suppress(ValueError):  # a real-time signal has no name
        name = signal.Signals(-exit_code).name
    hint = f" {SHORT_OF_MEMORY}" if name == "SIGKILL" else ""
    return f"{who} was killed by {name}.{hint}"

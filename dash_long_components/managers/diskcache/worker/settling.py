"""What a process of a job does first."""

from __future__ import annotations

import signal
import sys

from .output import Output


def settle() -> None:
    """Leave what is the parent's: its streams, its signals and its random numbers."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None:  # a service may have neither
            setattr(sys, name, Output(stream))
    if sys.platform != "win32":
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        # Python reseeds its own generator in a forked child, numpy does not: every
        # job would draw the same numbers.
        numpy.random.seed()

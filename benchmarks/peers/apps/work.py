"""What the job of every page does, as the environment variable WORK says.

Each text that it returns is new to the page: a benchmark waits for the next one.
"""

import json
import os
import time
import uuid
from pathlib import Path

#: How many jobs run at once, where one can say that.
PLACES = 8

_WORK = json.loads(os.environ["WORK"])


def run(set_progress):
    """Sleep, or call ``set_progress(done, total)``, and return a text for the page."""
    if "pids" in _WORK:
        (Path(_WORK["pids"]) / str(os.getpid())).touch()
    calls = _WORK.get("calls", 0)
    began = time.perf_counter()
    for number in range(calls):
        set_progress(number + 1, calls)
    microseconds = (time.perf_counter() - began) / max(calls, 1) * 1e6
    time.sleep(_WORK.get("seconds", 0))
    return report("done", f"{microseconds:.2f}")


def report(word, figure="0"):
    return f"{word}:{uuid.uuid4().hex[:8]}:{figure}:"

"""``python -m benchmarks.profile``: where the server's time goes while a page polls.

It measures time by the clock, so that waiting for Redis counts.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from .pages import page_of
from .rows import Bench
from .servers import Kind

SECONDS = 10

#: The innermost layer of a stack gets its time.
_LAYERS = {
    "the store": ("read_all (dash_long_components/managers/", "redis/"),
    "the rest of this package": ("dash_long_components/",),
    "Dash": ("dash/dash.py", "dash/backends/"),
    "Flask and Werkzeug": ("flask/", "werkzeug/"),
    "gunicorn": ("gunicorn/",),
}


def layer_of(stack: str) -> str | None:
    """Return the layer that a sampled stack counts for; None if the server waits."""
    if "gthread.py" not in stack or "handle_request" not in stack:
        return None
    for layer, places in _LAYERS.items():
        if any(place in stack for place in places):
            return layer
    return None


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile", description=__doc__
    )
    parser.add_argument("manager", choices=["diskcache", "celery"], nargs="?")
    parser.add_argument("--native", action="store_true", help="of Dash's own callbacks")
    parser.add_argument("--jobs", type=int, default=1, help="that the page follows")
    arguments = parser.parse_args()
    kind = Kind(
        "native" if arguments.native else "ours", arguments.manager or "diskcache"
    )
    with Bench(quick=True).servers() as servers, tempfile.TemporaryDirectory() as path:
        deployment = servers.start(kind, workers=1, celery=("-P", "threads"))
        page = page_of(deployment)
        jobs = [page.start(number, seconds=60) for number in range(arguments.jobs)]
        (pid,) = deployment.web_processes()
        profile = Path(path) / "profile"
        command = ["py-spy", "record", "--pid", str(pid), "--format", "raw"]
        command += ["--duration", str(SECONDS), "--rate", "500", "--output"]
        spy = subprocess.Popen(  # noqa: S603
            [*command, str(profile)], stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            page.poll(*jobs)
        spy.wait()
        shares: Counter[str] = Counter()
        for line in profile.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            if layer := layer_of(stack):
                shares[layer] += int(count)
    print(f"{kind}, a poll of {arguments.jobs}:")
    for name, samples in shares.most_common():
        print(f"{samples / shares.total():6.1%}  {name}")


if __name__ == "__main__":
    main()

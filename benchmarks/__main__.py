"""``python -m benchmarks``: measure, print, and write ``RESULTS.md`` and the plot."""

from __future__ import annotations

import argparse
import gzip
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import dash_long_components

from . import clicks, crowds, held, jobs, operators, polls, report
from .rows import Bench, Row, Sample


def measure_bundle(bench: Bench) -> None:
    path = Path(dash_long_components.__file__).parent / "dash_long_components.min.js"
    size = len(gzip.compress(path.read_bytes(), 9)) / 1000
    row = Row("bundle, gzipped", "", "kB", Sample([size]), digits=2)
    row.expect_at_most(16)
    bench.add(row)


PARTS: dict[str, Callable[[Bench], None]] = {
    "clicks": clicks.measure,
    "first": clicks.measure_first,
    "polls": polls.measure,
    "starts": jobs.measure_starts,
    "progress": jobs.measure_progress,
    "results": jobs.measure_results,
    "memory": jobs.measure_memory,
    "crowd": crowds.measure_jobs,
    "pages": crowds.measure_pages,
    "held": held.measure,
    "operators": operators.measure,
    "bundle": measure_bundle,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of: {', '.join(PARTS)}; else all")
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    arguments = parser.parse_args()
    if wrong := set(arguments.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(wrong))}")
    # So that the servers go, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    bench = Bench(quick=arguments.quick)
    start = time.monotonic()
    failed = []
    for name in arguments.parts or PARTS:
        try:
            PARTS[name](bench)
        except Exception:
            # The others are worth their time nevertheless.
            traceback.print_exc()
            failed.append(name)
        seconds = time.monotonic() - start
        print(f"-- {name}: {seconds:.0f} s so far", flush=True)
        if not (arguments.parts or arguments.quick):
            report.write(bench, seconds)
    if arguments.parts or arguments.quick:
        print(report.table(bench.rows))
        print(bench.noise)
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

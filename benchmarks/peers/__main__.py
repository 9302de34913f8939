"""``python -m benchmarks.peers``: measure all frameworks, and write ``docs/peers.md``.

``make peers`` installs them first.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import ROOT

from ..machine import describe
from .contenders import CONTENDERS
from .measures import MEASURES, Row

PAGE = ROOT / "docs" / "peers.md"

_HEAD = Path(__file__).with_name("head.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("parts", nargs="*", help=f"of: {', '.join(MEASURES)}; else all")
    parts = parser.parse_args().parts
    if wrong := set(parts) - MEASURES.keys():
        parser.error(f"no such part: {', '.join(sorted(wrong))}")
    # So that the servers go, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    rows: list[Row] = []
    for name in parts or MEASURES:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            rows += MEASURES[name](Path(folder))
        print(f"-- {name}: {time.monotonic() - start:.0f} s", flush=True)
    print(table(rows))
    if not parts:
        about = f"{describe()}\n- {time.strftime('%Y-%m-%d', time.gmtime())}\n"
        PAGE.write_text(f"{_HEAD.read_text()}{table(rows)}\n{about}")


def table(rows: list[Row]) -> str:
    """Return the rows as a table of Markdown."""
    names = [contender.name for contender in CONTENDERS]
    versions = [f"{one.name} {one.version()}" for one in CONTENDERS]
    lines = [
        f"| | {' | '.join(versions)} |",
        f"| --- |{' --- |' * len(names)}",
        *(
            f"| {row.what} | {' | '.join(row.cells.get(name, '') for name in names)} |"
            for row in rows
        ),
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()

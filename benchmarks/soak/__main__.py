"""``python -m benchmarks.soak``: run jobs under faults, and account for all of them.

Exits with 1 if anything hangs, ran twice, is mixed up, late, or left over.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from .deployment import MANAGERS
from .report import report
from .soak import Soak


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__
    )
    parser.add_argument("--manager", choices=MANAGERS, required=True)
    parser.add_argument("--seconds", type=float, default=600.0, help="of faults")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    parser.add_argument("--keep", type=Path, help="folder for the ledger and all logs")
    options = parser.parse_args()
    # So that all that it has started goes, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        soak = Soak(options.manager, folder.resolve(), options.seconds, options.seed)
        accounts = soak.run()
        text = report(options.manager, soak.ledger, accounts)
        print(f"\n{text}\n\n{time.monotonic() - began:.0f} s, seed {options.seed}")
        if options.keep:
            (folder / "report.txt").write_text(f"{text}\n")
    return 1 if accounts.findings else 0


if __name__ == "__main__":
    sys.exit(main())

"""The command ``dash-long-jobs``: jobs from a terminal."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command. Exits with 1 where its packages are missing."""
    try:
        from .commands import group
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        print(
            "dash-long-jobs needs packages that are missing: "
            'pip install "dash-long-components[cli]"',
            file=sys.stderr,
        )
        sys.exit(1)
    group(prog_name="dash-long-jobs")

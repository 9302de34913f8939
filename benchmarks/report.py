"""The table and the plot, in files."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .machine import describe
from .rows import Bench, Row, Sample

FOLDER = Path(__file__).parent
PLOT = FOLDER.parent / "docs" / "scaling.svg"

_HEAD = """\
# Results

What `make bench` has measured: this package beside `@callback(background=True)` of
Dash, in one run, A B A B. Each contender is the same page under gunicorn with two
workers of four threads, on Diskcache and on Celery with Redis. A cell is the median,
with the 95th percentile and the number of values. A click is one in Chromium, by its
own clock; for all other rows a client sends what the page would send. Rows of
FastAPI are under one process of uvicorn.

"""


def write(bench: Bench, seconds: float) -> None:
    """Write ``RESULTS.md`` and the plot."""
    load = os.getloadavg()[2]
    about = (
        f"{describe()}\n- {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, "
        f"{seconds / 60:.0f} minutes, load average {load:.1f} over the last 15\n"
        f"- Noise: {bench.noise}\n\n"
    )
    if bench.quick:
        about = f"- A quick run, of few values each: make bench takes more.\n{about}"
    (FOLDER / "RESULTS.md").write_text(_HEAD + about + table(bench.rows))
    from . import plot

    plot.draw(bench.curves, PLOT)


def table(rows: list[Row]) -> str:
    """Return the rows as a table, notes below."""
    lines = [
        "| what | manager | native | ours | better by | target | reached |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    notes: list[str] = []
    for row in rows:
        mark = ""
        if row.note:
            if row.note not in notes:
                notes.append(row.note)
            mark = f" [{notes.index(row.note) + 1}]"
        ratio = f"{row.ratio:.2g}x" if row.ratio and row.ratio < 99.5 else ""
        ratio = f"{row.ratio:,.0f}x" if row.ratio and not ratio else ratio
        targets = "<br>".join(verdict.text for verdict in row.verdicts)
        reached = "<br>".join("yes" if v.is_met else "**no**" for v in row.verdicts)
        cells = [
            row.what + mark,
            row.manager,
            _sample(row, row.native),
            _sample(row, row.ours),
            ratio,
            targets,
            reached,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    numbered = [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join([*lines, "", *numbered, ""])


def _sample(row: Row, sample: Sample | None) -> str:
    if sample is None:
        return ""
    text = f"{sample.median:,.{row.digits}f} {row.unit}".rstrip()
    if len(sample) > 1:
        text += f" (p95 {sample.p95:,.{row.digits}f}, n {len(sample)})"
    return text

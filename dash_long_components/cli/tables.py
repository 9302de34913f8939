"""Tables for people."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..core.health import Health
from ..core.status import Status
from ..managers.base.job import Job

_COLOURS = {
    "queued": "cyan",
    "running": "blue",
    "succeeded": "green",
    "failed": "red",
    "lost": "red",
    "timed_out": "red",
    "rejected": "yellow",
    "cancelled": "yellow",
}

#: Characters that control a terminal: all but line breaks and tabs.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


#: Columns of texts of any length. The others stay on one line.
_LONG = ("task", "user", "problem")

#: Characters of a line that goes to a file or to another program: it is never broken.
_UNBROKEN = 10_000


def console() -> Console:
    """Return where tables go."""
    is_for_people = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if is_for_people else _UNBROKEN
    return Console(highlight=False, emoji=False, width=width)


def show_jobs(jobs: Iterable[Job]) -> None:
    """Print a row for each job."""
    columns = ["id", "task", "status", "progress", "age", "ran", "user"]
    rows = [
        [
            job.id,
            job.task if job.title == job.task else f"{job.title} ({job.task})",
            coloured(job.status.value),
            percent(job.progress),
            span(time.time() - job.created),
            span(_ran(job)),
            "" if job.user is None else json.dumps(job.user),
        ]
        for job in jobs
    ]
    show(columns, rows, "There are no such jobs.")


def show_tasks(tasks: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a row for each task.

    Args:
        tasks: ``usual_duration`` in seconds, and how many ``jobs`` by status.
    """
    statuses = [status.value for status in Status]
    rows = [
        [
            task,
            span(it["usual_duration"]),
            *(str(it["jobs"].get(status, "")) for status in statuses),
        ]
        for task, it in tasks.items()
    ]
    show(["task", "usually", *statuses], rows, "There are no jobs.")


def show_health(managers: Mapping[str, Health]) -> None:
    """Print a row for each manager."""
    rows = [
        [
            name,
            "" if it.queued is None else str(it.queued),
            "" if it.running is None else str(it.running),
            span(it.oldest_wait),
            it.problem or "",
        ]
        for name, it in managers.items()
    ]
    show(["manager", "queued", "running", "oldest waits", "problem"], rows, "")


def show(
    columns: Sequence[str], rows: Sequence[Sequence[object]], nothing: str
) -> None:
    """Print a table of the columns that say something, or what there is to say."""
    if not rows:
        console().print(_plain(nothing))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    used = [at for at in range(len(columns)) if any(str(row[at]) for row in rows)]
    for at in used:
        is_long = columns[at] in _LONG
        table.add_column(columns[at], overflow="fold", no_wrap=not is_long)
    for row in rows:
        table.add_row(*(_plain(row[at]) for at in used))
    console().print(table)


def show_job(job: Job) -> None:
    """Print all that there is to know of a job."""
    fields = job.to_dict()
    table = Table(box=None, show_header=False, pad_edge=False)
    for name in ("created", "started", "ended"):
        fields[name] = moment(fields[name])
    fields["status"] = coloured(fields["status"])
    fields["progress"] = percent(fields["progress"])
    fields["ran"] = span(_ran(job))
    for name, value in fields.items():
        table.add_row(name, "" if value is None else _plain(value))
    console().print(table)
    for line in job.log:
        console().print(_plain(line))


def coloured(status: str) -> Text:
    """Return a status in its colour."""
    return Text(status, _COLOURS.get(status, "white"))


def _plain(value: object) -> Text:
    """Return text of jobs as it is, though it may look like markup.

    Codes that would control the terminal are shown as a sign.
    """
    return (
        value if isinstance(value, Text) else Text(_CONTROL.sub("\ufffd", str(value)))
    )


def percent(progress: float | None) -> str:
    """Return a fraction as people read it."""
    return "" if progress is None else f"{progress:.0%}"


def moment(at: float | None) -> str:
    """Return a time of day."""
    if at is None:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def span(seconds: float | None) -> str:
    """Return a number of seconds as people read it."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)  # the clock may have been set back
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 86400 else f"{seconds / 86400:.1f} d"


def _ran(job: Job) -> float | None:
    started: Any = job.started
    return None if started is None else (job.ended or time.time()) - started

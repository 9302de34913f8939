"""The commands that hold jobs back: pauses of tasks, and drains before a restart."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

import click

from ..core.search import Search
from ..core.status import Status
from ..managers.base import LongCallbackManager
from ..managers.base.job import Job
from .group import PAUSE, Managers, command, print_json

#: Seconds after which all servers know of a drain, and have sent the jobs before it.
_DRAIN_KNOWN = 2.0


@command
@click.argument("tasks", metavar="TASK...", nargs=-1, required=True)
def pause(managers: Managers, as_json: bool, tasks: Sequence[str]) -> None:
    """Let the jobs of tasks wait. Those that run go on."""
    for manager in managers.values():
        manager.pause(*tasks)
    _show_halts(managers, as_json)


@command
@click.argument("tasks", metavar="[TASK...]", nargs=-1)
def resume(managers: Managers, as_json: bool, tasks: Sequence[str]) -> None:
    """Let the jobs of tasks run again. Without a task, of all; and end a drain."""
    for manager in managers.values():
        for task in tasks:
            manager.resume(task)
        if not tasks:
            manager.resume()
    _show_halts(managers, as_json)


def _show_halts(managers: Managers, as_json: bool) -> None:
    paused = sorted({it for each in managers.values() for it in each.halts().paused})
    if as_json:
        print_json({"paused": paused})
    else:
        click.echo(f"Paused: {', '.join(paused) or 'none'}.")


@command
@click.option("--timeout", type=click.FloatRange(0), help="Seconds; by default none.")
@click.option(
    "--hold",
    default=300.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds after the last job for which none can be started.",
)
def drain(
    managers: Managers, as_json: bool, timeout: float | None, hold: float
) -> None:
    """Refuse new jobs, and wait until no job waits or runs.

    Jobs with retries stop at their next checkpoint, and go on after the restart. Jobs
    of paused tasks may go on waiting. Exits with 1 if the timeout is over before,
    and lets jobs start again. After the restart, run `resume`.
    """
    live: list[Job] = []
    is_over = False
    try:
        for live in _live_in_drain(managers, timeout, hold):
            if not as_json:
                one = "1 job waits or runs."
                click.echo(one if len(live) == 1 else f"{len(live)} jobs wait or run.")
        is_over = not live
    finally:
        # Also after Ctrl+C.
        if not is_over:
            for manager in managers.values():
                manager.drain(0)
    if as_json:
        print_json([job.to_dict() for job in live])
    if live:
        sys.exit(1)


def _live_in_drain(
    managers: Managers, timeout: float | None, hold: float
) -> Iterator[list[Job]]:
    """Refuse new jobs until none is live, or the timeout is over.

    Yields the live jobs whenever their number has changed.
    """
    began = time.monotonic()
    last = -1
    while True:
        for manager in managers.values():
            manager.drain(hold)
        live = [job for each in managers.values() for job in _jobs_to_end(each)]
        if len(live) != last:
            yield live
        last = len(live)
        took = time.monotonic() - began
        is_known = took >= _DRAIN_KNOWN
        if (timeout is not None and took >= timeout) or (is_known and not live):
            return
        time.sleep(PAUSE)


def _jobs_to_end(manager: LongCallbackManager) -> list[Job]:
    """Return the jobs for which a drain waits.

    Queued jobs of paused tasks wait for longer, and those that have begun go on after
    the restart.
    """
    paused = manager.halts().paused
    statuses = frozenset({Status.QUEUED, Status.RUNNING})
    return [
        Job(manager, record)
        for record in manager.look_for(Search(statuses=statuses, limit=1000))
        if record.status is Status.RUNNING
        or (record.task not in paused and record.run == 1)
    ]

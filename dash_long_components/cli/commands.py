"""The commands about jobs. Those of ``halting`` hold jobs back."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from ..core.owners import EVERYONE
from ..core.status import Status
from ..exceptions import JobNotFoundError
from ..managers.base.job import Job
from . import doctor as checks
from . import halting, tables
from .group import PAUSE, Managers, command, group, print_json

__all__ = ["group", "halting"]

#: Seconds for which a cancelled job may go on before the command says so.
_CANCEL_TIMEOUT = 10.0

#: For another user's job, a command says what it says of a job that does not exist.
_of_user = click.option("--user", help="Only jobs of this user: JSON, or text.")


def _find(managers: Managers, job_id: str, user: str | None) -> Job:
    for manager in managers.values():
        try:
            return manager.job(job_id, user=_user(user))
        except JobNotFoundError as error:
            missing = error
    raise click.ClickException(str(missing))


@command
@click.option(
    "--status",
    multiple=True,
    type=click.Choice([status.value for status in Status]),
    help="Only jobs with this status; repeat it for several.",
)
@click.option("--task", help="Only jobs of this task, as module.function.")
@_of_user
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1))
def list_(
    managers: Managers,
    as_json: bool,
    status: Sequence[str],
    task: str | None,
    user: str | None,
    limit: int,
) -> None:
    """List the newest jobs."""
    # Two managers of an app may have one job store.
    by_id = {
        job.id: job
        for manager in managers.values()
        for job in manager.jobs(
            status=status or None, task=task, user=_user(user), limit=limit
        )
    }
    found = sorted(by_id.values(), key=lambda job: job.created, reverse=True)[:limit]
    if as_json:
        print_json([job.to_dict() for job in found])
    else:
        tables.show_jobs(found)


def _user(text: str | None) -> Any:
    if text is None:
        return EVERYONE
    try:
        return json.loads(text)
    except ValueError:
        return text


@command
@click.argument("job_id", metavar="ID")
@_of_user
def show(managers: Managers, as_json: bool, job_id: str, user: str | None) -> None:
    """Show a job: its state, times, error and log."""
    job = _find(managers, job_id, user)
    if as_json:
        print_json({**job.to_dict(), "log": job.log})
    else:
        tables.show_job(job)


@command
@click.argument("job_ids", metavar="ID...", nargs=-1, required=True)
@_of_user
def cancel(
    managers: Managers, as_json: bool, job_ids: Sequence[str], user: str | None
) -> None:
    """Cancel jobs for all who wait for them, or for one user."""
    jobs = [_find(managers, job_id, user) for job_id in job_ids]
    for job in jobs:
        job.cancel()
    deadline = time.monotonic() + _CANCEL_TIMEOUT
    statuses = {}
    for job in jobs:
        try:
            statuses[job.id] = job.wait(max(0.0, deadline - time.monotonic())).value
        except TimeoutError:
            statuses[job.id] = job.status.value
    if as_json:
        print_json(statuses)
    else:
        rows = [[job_id, tables.coloured(it)] for job_id, it in statuses.items()]
        tables.show(["id", "status"], rows, "")


@command
@click.argument("job_ids", metavar="ID...", nargs=-1, required=True)
@_of_user
def retry(
    managers: Managers, as_json: bool, job_ids: Sequence[str], user: str | None
) -> None:
    """Start jobs with the arguments of others, which have not succeeded."""
    started = {}
    for job_id in job_ids:
        try:
            started[job_id] = _find(managers, job_id, user).retry().id
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        print_json(started)
    else:
        tables.show(["id", "started"], [[*each] for each in started.items()], "")


@command
@click.argument("job_id", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends.")
@_of_user
def logs(
    managers: Managers, as_json: bool, job_id: str, follow: bool, user: str | None
) -> None:
    """Print the log of a job. With --json, each line is a JSON document."""
    job = _find(managers, job_id, user)
    last = 0
    while True:
        has_ended = job.has_ended or not follow
        for number, text in job.lines(last):
            click.echo(json.dumps({"line": number, "text": text}) if as_json else text)
            last = number
        if has_ended:
            return
        sys.stdout.flush()
        time.sleep(PAUSE)


@command
def stats(managers: Managers, as_json: bool) -> None:
    """Count jobs by task and status, and say how long they take and wait."""
    health = {name: manager.health() for name, manager in managers.items()}
    tasks = _tasks_of(managers)
    if as_json:
        by_name = {name: it.to_dict() for name, it in health.items()}
        print_json({"managers": by_name, "tasks": tasks})
    else:
        tables.show_tasks(tasks)
        tables.show_health(health)


def _tasks_of(managers: Managers) -> dict[str, dict[str, Any]]:
    """Return what there is to know of each task, in the order of their names."""
    found: dict[str, dict[str, Any]] = {}
    for manager in managers.values():
        counted = manager.count_jobs()
        tasks = sorted({task for task, _status in counted})
        for task, usual in manager.usual_durations(tasks).items():
            jobs = {
                status.value: count
                for (name, status), count in counted.items()
                if name == task
            }
            found[task] = {"usual_duration": usual, "jobs": jobs}
    return dict(sorted(found.items()))


@command
def doctor(managers: Managers, as_json: bool) -> None:
    """Look for what goes wrong in practice. Exits with 1 if it finds an error."""
    findings = checks.examine(managers)
    if as_json:
        print_json([finding.to_dict() for finding in findings])
    else:
        marks = {"ok": "green", "warning": "yellow", "error": "red"}
        for finding in findings:
            colour = marks[finding.level]
            tables.console().print(f"[{colour}]{finding.level:>7}[/{colour}]", end=" ")
            tables.console().print(finding.text, markup=False)
            if finding.advice:
                tables.console().print(f"        {finding.advice}", markup=False)
    if any(finding.level == "error" for finding in findings):
        sys.exit(1)

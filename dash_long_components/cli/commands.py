"""The commands."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import click

from ..core.owners import EVERYONE
from ..core.search import Search
from ..core.status import Status
from ..exceptions import JobNotFoundError, StoreError
from ..managers.base import LongCallbackManager
from ..managers.base.job import Job
from . import doctor as checks
from . import tables
from .source import managers_of

#: Seconds between two looks of a command that waits.
_PAUSE = 0.25

#: Seconds for which a cancelled job may go on before the command says so.
_CANCEL_TIMEOUT = 10.0

#: Seconds after which all servers know of a drain, and have sent the jobs before it.
_DRAIN_KNOWN = 2.0

Managers = dict[str, LongCallbackManager]


@click.group()
@click.version_option(package_name="dash-long-components")
def group() -> None:
    """Jobs of long callbacks.

    Each command takes --app module:attribute, --store PATH or --broker URL, which say
    whose jobs it is for.
    """


#: Say whose jobs a command is for, and for whom it prints.
_OPTIONS = [
    click.option(
        "--app",
        envvar="DASH_LONG_JOBS_APP",
        metavar="MODULE:ATTRIBUTE",
        help="A Dash app or a manager.",
    ),
    click.option(
        "--store",
        envvar="DASH_LONG_JOBS_STORE",
        metavar="PATH",
        help="The directory of the cache of a DiskcacheLongCallbackManager.",
    ),
    click.option(
        "--broker",
        envvar="DASH_LONG_JOBS_BROKER",
        metavar="URL",
        help="The broker of a CeleryLongCallbackManager.",
    ),
    click.option(
        "--backend",
        envvar="DASH_LONG_JOBS_BACKEND",
        metavar="URL",
        help="Its result backend, if that is not the broker.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
]


def _command(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command of a function of managers; ``as_json`` says for whom it prints.

    It has the function's name: ``list_`` makes the command ``list``.
    """

    @functools.wraps(function)
    def call(
        app: str | None,
        store: str | None,
        broker: str | None,
        backend: str | None,
        **options: Any,
    ) -> None:
        managers = managers_of(app, store, broker, backend)
        try:
            function(managers, **options)
        except StoreError as error:
            raise click.ClickException(str(error)) from error
        finally:
            for manager in managers.values():
                manager.close()

    for option in reversed(_OPTIONS):
        call = option(call)
    name = function.__name__.removesuffix("_")
    return group.command(name)(call)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


#: For another user's job, a command says what it says of a job that does not exist.
_of_user = click.option("--user", help="Only jobs of this user: JSON, or text.")


def _find(managers: Managers, job_id: str, user: str | None) -> Job:
    for manager in managers.values():
        try:
            return manager.job(job_id, user=_user(user))
        except JobNotFoundError as error:
            missing = error
    raise click.ClickException(str(missing))


@_command
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
        _print_json([job.to_dict() for job in found])
    else:
        tables.show_jobs(found)


def _user(text: str | None) -> Any:
    if text is None:
        return EVERYONE
    try:
        return json.loads(text)
    except ValueError:
        return text


@_command
@click.argument("job_id", metavar="ID")
@_of_user
def show(managers: Managers, as_json: bool, job_id: str, user: str | None) -> None:
    """Show a job: its state, times, error and log."""
    job = _find(managers, job_id, user)
    if as_json:
        _print_json({**job.to_dict(), "log": job.log})
    else:
        tables.show_job(job)


@_command
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
        _print_json(statuses)
    else:
        rows = [[job_id, tables.coloured(it)] for job_id, it in statuses.items()]
        tables.show(["id", "status"], rows, "")


@_command
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
        _print_json(started)
    else:
        tables.show(["id", "started"], [[*each] for each in started.items()], "")


@_command
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
        time.sleep(_PAUSE)


@_command
def stats(managers: Managers, as_json: bool) -> None:
    """Count jobs by task and status, and say how long they take and wait."""
    health = {name: manager.health() for name, manager in managers.items()}
    counts: dict[str, dict[str, int]] = {}
    usual: dict[str, float | None] = {}
    for manager in managers.values():
        counted = manager.count_jobs()
        for (task, status), count in counted.items():
            counts.setdefault(task, {})[status.value] = count
        usual |= manager.usual_durations(sorted({task for task, _ in counted}))
    if as_json:
        _print_json(
            {
                "managers": {name: it.to_dict() for name, it in health.items()},
                "tasks": {
                    task: {"usual_duration": usual[task], "jobs": counts[task]}
                    for task in sorted(counts)
                },
            }
        )
        return
    statuses = [status.value for status in Status]
    tables.show(
        ["task", "usually", *statuses],
        [
            [
                task,
                tables.span(usual[task]),
                *(str(counts[task].get(status, "")) for status in statuses),
            ]
            for task in sorted(counts)
        ],
        "There are no jobs.",
    )
    tables.show(
        ["manager", "queued", "running", "oldest waits", "problem"],
        [
            [
                name,
                "" if it.queued is None else str(it.queued),
                "" if it.running is None else str(it.running),
                tables.span(it.oldest_wait),
                it.problem or "",
            ]
            for name, it in health.items()
        ],
        "",
    )


@_command
def doctor(managers: Managers, as_json: bool) -> None:
    """Look for what goes wrong in practice. Exits with 1 if it finds an error."""
    findings = checks.examine(managers)
    if as_json:
        _print_json([finding.to_dict() for finding in findings])
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


@_command
@click.argument("tasks", metavar="TASK...", nargs=-1, required=True)
def pause(managers: Managers, as_json: bool, tasks: Sequence[str]) -> None:
    """Let the jobs of tasks wait. Those that run go on."""
    for manager in managers.values():
        for task in tasks:
            manager.pause(task)
    _show_halts(managers, as_json)


@_command
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
        _print_json({"paused": paused})
    else:
        click.echo(f"Paused: {', '.join(paused) or 'none'}.")


@_command
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
    began = time.monotonic()
    deadline = None if timeout is None else began + timeout
    last = -1
    while True:
        for manager in managers.values():
            manager.drain(hold)
        live = [job for each in managers.values() for job in _jobs_to_end(each)]
        if len(live) != last and not as_json:
            click.echo(f"{len(live)} jobs wait or run.")
        last = len(live)
        is_over = deadline is not None and time.monotonic() >= deadline
        is_known = time.monotonic() - began >= _DRAIN_KNOWN
        if is_over or (is_known and not live):
            break
        time.sleep(_PAUSE)
    if as_json:
        _print_json([job.to_dict() for job in live])
    if live:
        for manager in managers.values():
            manager.drain(0)
        sys.exit(1)


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

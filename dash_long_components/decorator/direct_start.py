"""Starts of long callbacks from code: ``manager.start`` and ``job.retry``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import telemetry
from ..bridge import direct_call, internals
from ..core.caching import CachedResult
from ..core.calls import Call
from ..core.records import Record
from ..exceptions import MissingManagerError
from ..managers.base import LongCallbackManager
from ..managers.base.hooks import retry_jobs_with
from ..managers.base.job_api import start_jobs_with
from ..running import tasks
from ..running.tasks import Task
from ..web.app_jobs import AppJobs
from .call import call_of, title_of
from .declaration import Declaration

#: The declarations of all long callbacks, by the keys of their tasks.
_declarations: dict[str, Declaration] = {}


def declare(task: Task, declaration: Declaration) -> None:
    """Let code start jobs of a long callback."""
    _declarations[task.key] = declaration


def start(
    manager: LongCallbackManager,
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    owner: str | None,
) -> tuple[str, str | CachedResult]:
    """Start a job of a long callback, as a page would.

    Args:
        manager: runs it.
        function: of the long callback.
        args: of the function, without ``set_progress``.
        kwargs: the same, by keyword.
        owner: the user to whom the job belongs; None for no user.

    Returns:
        The name of its task, and a ticket or the cached result.

    Raises:
        MissingManagerError: no app of this process has the manager.
        TypeError: the function takes other arguments.
        ValueError: the function is not that of one long callback of the manager, or
            only a page knows the ids of its components.
        StoreError: the store can't take the job, or the manager does not have its
            queue.
    """
    task, declaration = _find(manager, function)
    jobs = AppJobs.of_manager(manager) or _jobs_of_process(manager)
    if jobs is None:
        raise MissingManagerError(
            f"start() can't run {task.name}: no app of this process has the manager. "
            "Import the module that makes the app first."
        )
    signature = declaration.signature
    try:
        arguments = direct_call.arguments_of(
            function,
            signature,
            args,
            kwargs,
            takes_set_progress=task.takes_set_progress,
        )
        context = direct_call.describe(signature, arguments)
        progress = direct_call.progress_of(declaration.progress_outputs)
    except (TypeError, ValueError) as error:
        raise type(error)(f"start() can't run {task.name}: {error}.") from None
    positional = [value for name, value in arguments.items() if isinstance(name, int)]
    named = {name: it for name, it in arguments.items() if isinstance(name, str)}
    call = call_of(
        declaration,
        task,
        jobs,
        manager,
        context=context,
        progress=progress,
        title=title_of(declaration, positional, named),
    )
    manager.check_queue(task.queue, task.name)
    manager.check_not_draining()
    answer = manager.submit(
        task.for_app(jobs.on_error, jobs.error_message), _unwatched(call), None, owner
    )
    assert answer is not None  # noqa: S101 - only a lane ignores triggers
    return task.name, answer


def _find(
    manager: LongCallbackManager, function: Callable[..., Any]
) -> tuple[Task, Declaration]:
    """Return the one long callback of a function that the manager may run."""
    declared = [
        (task, _declarations[task.key])
        for task in tasks.of_function(function)
        if task.key in _declarations
    ]
    if not declared:
        raise ValueError(
            "start() takes the function of a long callback, not "
            f"{function!r}. Decorate it with @long_callback()."
        )
    found = [pair for pair in declared if pair[1].manager in (None, manager)]
    if len(found) == 1:
        return found[0]
    name = declared[0][0].name
    if not found:
        raise ValueError(f"Another manager runs {name}. Call its start() instead.")
    raise ValueError(
        f"start() can't tell which long callback to run: {len(found)} of them have the "
        f"function {name}. Give each a function of its own."
    )


def _jobs_of_process(manager: LongCallbackManager) -> AppJobs | None:
    """Return the jobs of this process's app, for a manager that a callback names.

    The app itself learns of that manager with its first request.
    """
    app = internals.current_app()
    jobs = None if app is None else AppJobs.of(app)
    if jobs is not None:
        jobs.add_manager(manager)
    return jobs


def retry(
    manager: LongCallbackManager, record: Record, call: Call, owner: str | None
) -> str | CachedResult | None:
    """Start a job with the kept call of another one.

    Args:
        manager: runs both.
        record: of the other one.
        call: of the other one.
        owner: the user who gets the job, as JSON text; None for none.

    Returns:
        A ticket or the cached result; None if another retry was first.

    Raises:
        MissingManagerError: no app of this process has the manager, or the task.
        StoreError: the store can't take the job.
    """
    task = tasks.find(call.task)
    jobs = AppJobs.of_manager(manager)
    if task is None or jobs is None:
        raise MissingManagerError(
            f"retry() can't run {record.task}: no app of this process has it. Import "
            "the module that makes the app first. If the code of the callback has "
            "changed, start a new job instead."
        )
    # The key of a cached result is that of the code that the call was made for.
    is_same_code = call.fingerprint == task.fingerprint
    call = replace(
        call,
        fingerprint=task.fingerprint,
        caching=call.caching if is_same_code else None,
        function=None,
        trace=telemetry.current_trace(),
    )
    manager.check_not_draining()
    return manager.submit(
        task.for_app(jobs.on_error, jobs.error_message),
        _unwatched(call),
        owner=owner,
        again=record.id,
    )


def _unwatched(call: Call) -> Call:
    """Return a call whose job does not end for want of polls: no page shows it."""
    return replace(call, limits=replace(call.limits, leave_timeout=None))


start_jobs_with(start)
retry_jobs_with(retry)

"""What a worker needs to run a job of a long callback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import telemetry
from ..core import caching
from ..core.calls import Caching, Call, Destination
from ..core.queueing import Scheduling
from ..core.texts import one_line
from ..managers.base import LongCallbackManager
from ..running import context_vars
from ..running.tasks import Task
from ..web.app_jobs import AppJobs
from .declaration import Declaration


def call_of(
    declaration: Declaration,
    task: Task,
    jobs: AppJobs,
    manager: LongCallbackManager,
    *,
    context: dict[str, Any],
    progress: list[list[Any]],
    title: str | None,
    destination: Destination | None = None,
) -> Call:
    """Return the call of a job, with its cache key if its result is cached.

    Args:
        declaration: of the long callback.
        task: runs as the job.
        jobs: of the app.
        manager: runs the job.
        context: the request as ``internals.describe_trigger`` returns it.
        progress: ``[component id, property]`` per progress Output, in flat order.
        title: name of the job for people; None for that of its task.
        destination: the page that gets the result; None for code.
    """
    call = Call(
        task=task.key,
        fingerprint=task.fingerprint,
        context=context,
        progress=progress,
        variables=context_vars.capture(),
        limits=declaration.limits,
        scheduling=_scheduling(declaration, task),
        retries=declaration.retries,
        title=title,
        steps=[*declaration.steps],
        debug=jobs.is_debug,
        app=jobs.app_id,
        error_message=jobs.error_message_name,
        trace=telemetry.current_trace(),
        destination=destination,
    )
    return replace(call, caching=_caching(declaration, manager, call))


def _scheduling(declaration: Declaration, task: Task) -> Scheduling:
    """Return the scheduling of a task, with a group of its own if it names none."""
    scheduling = declaration.scheduling
    if scheduling.group is None and scheduling.is_limited:
        return replace(scheduling, group=f"task {task.key}")
    return scheduling


def _caching(
    declaration: Declaration, manager: LongCallbackManager, call: Call
) -> Caching | None:
    """Return the cache key of a call; None if its result is not cached.

    A callback without Outputs is not cached: all that it does are side effects, and
    users want those every time.
    """
    if manager.cache_by is None or not declaration.signature.outputs:
        return None
    key = caching.key_of(
        call,
        ignored=declaration.ignored,
        ignore_triggered=declaration.ignore_triggered,
        by=caching.call_all(manager.cache_by),
        has_stale=manager.stale_for is not None,
    )
    return Caching(key=key, expire=manager.expire, stale_for=manager.stale_for)


def title_of(
    declaration: Declaration, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str | None:
    """Return the name of a job for people; None for that of its task.

    Args:
        declaration: of the long callback.
        args: of its function, without ``set_progress``.
        kwargs: the same, by keyword.
    """
    title = declaration.title
    if callable(title):
        args, kwargs = declaration.signature.own_arguments(args, kwargs)
        title = title(*args, **kwargs)
    return one_line(title)

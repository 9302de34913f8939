"""The failure of a job: its log record, and what the page gets to know of it."""

from __future__ import annotations

import logging
import traceback
from types import TracebackType
from typing import Any

from ..bridge import app_context, error_messages, internals
from ..bridge.error_messages import ErrorMessage
from ..core.calls import Call
from ..core.job_errors import JobError
from ..core.status import Status
from ..exceptions import JobRetry
from .current import CurrentJob
from .outcome import Outcome

logger = logging.getLogger("dash_long_components")

_Where = tuple[type[BaseException], BaseException, TracebackType | None]


def failure(
    task: str,
    error: BaseException,
    call: Call,
    error_message: ErrorMessage | None = None,
    job: CurrentJob | None = None,
    pause: float | None = None,
) -> Outcome:
    """Log an exception of a task, and return the outcome for it.

    Args:
        task: name of the task.
        error: ended the job.
        call: says whether the page gets the exception.
        error_message: the app's function, if it came with the task.
        job: whose task it is; None if the job did not come to its task.
        pause: seconds until the next attempt; None if there is none.
    """
    if isinstance(error, JobRetry) and not str(error) and error.__context__:
        error = error.__context__
    own = internals.own_traceback(error)
    where = (type(error), error, own)
    _log(task, where, pause, None if job is None else job.fields(Status.FAILED))
    kind, message = type(error).__name__, _text(error)
    if call.error_message is not None:
        chosen = error_message or error_messages.find(call.error_message)
        kind, message = "Error", error_messages.text(error, chosen)
    has_details = call.debug and own is not None
    details = "".join(traceback.format_exception(*where)) if has_details else None
    return Outcome(
        status=Status.FAILED,
        error=JobError(type=kind, message=message, task=task, traceback=details),
        exception=type(error),
        pause=pause,
    )


def _log(
    task: str, where: _Where, pause: float | None, fields: dict[str, Any] | None
) -> None:
    if pause is None:
        logger.error("The long callback %s failed.", task, exc_info=where, extra=fields)
    else:
        logger.warning(
            "The long callback %s failed, and is tried again in %.1f s.",
            task,
            pause,
            exc_info=where,
            extra=fields,
        )


def _text(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"The function called sys.exit({'' if error.code is None else error})."
    try:
        text = app_context.hint(error) or str(error)
        # Code adds them to say where an exception comes from, and so do parts.
        return " ".join([text, *getattr(error, "__notes__", ())])
    except Exception:
        return "The error can't be shown as text."

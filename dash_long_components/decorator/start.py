"""The callback that starts the jobs of a long callback."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash

from ..bridge import callback_request, internals
from ..bridge.trigger import Trigger
from ..core import app_origin
from ..core.caching import CachedResult
from ..core.calls import Caching, Call
from ..core.ids import new_job_id
from ..core.job_errors import JobError
from ..core.lanes import Retrigger
from ..exceptions import MissingManagerError, StoreError
from ..managers.base import LongCallbackManager
from ..running.tasks import Task
from ..web.app_jobs import AppJobs
from ..web.handles import ENGINE_HOST
from ..web.mistakes import Mistakes
from .call import call_of, title_of
from .declaration import Declaration

logger = logging.getLogger("dash_long_components")


def start_job(
    declaration: Declaration,
    task: Task,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Start a job for the request at hand, and send its handle to the page.

    Args:
        declaration: of the long callback.
        task: runs as the job.
        args: of the user's function, without ``set_progress``.
        kwargs: the same, by keyword.

    Returns:
        The value that Dash gets from the callback: the result if it is cached, fresh
        or stale, else nothing new.

    Raises:
        MissingManagerError: neither the callback nor the app has a manager.
        ImportedScriptError: a module sends requests while the dispatcher imports it.
    """
    app_origin.refuse_in_import(task.name)
    jobs = AppJobs.of_request()
    manager = declaration.manager or (jobs.manager if jobs else None)
    if jobs is None and manager is not None:
        raise MissingManagerError(
            f"The app of {task.name} is not set up for long callbacks. Call "
            "manager.init_app(app) where the app is made, with the manager that "
            "long_callback() got."
        )
    if jobs is None or manager is None:
        raise MissingManagerError(
            f"The long callback {task.name} has no manager. Pass "
            "long_callback_manager= to dash_long_components.Dash(), or call "
            "manager.init_app(app) where the app is made."
        )
    trigger = Trigger.current(declaration.signature)
    if jobs.mistakes is not None:
        _check_ids(declaration, task.name, jobs.mistakes)
        jobs.mistakes.check_call(
            task.name, declaration.signature, is_event=not trigger.is_without_event
        )
    return _Start(declaration, task, trigger, jobs, manager, args, kwargs).run()


def _check_ids(declaration: Declaration, task: str, mistakes: Mistakes) -> None:
    view = declaration.view
    for option, dependencies, kind in (
        ("job={}", [view] if view else [], "LongJob"),
        ("progress={}", declaration.progress_outputs, ""),
        ("running={}", [output for output, _on, _off in declaration.running], ""),
        ("cancel={}", declaration.cancel, ""),
    ):
        ids = [dependency.component_id for dependency in dependencies]
        mistakes.check_ids(option, ids, task, kind)


@dataclass(frozen=True)
class _Start:
    """The start of one job."""

    declaration: Declaration
    task: Task
    trigger: Trigger
    jobs: AppJobs
    manager: LongCallbackManager
    args: Sequence[Any]
    kwargs: Mapping[str, Any]

    def run(self) -> Any:
        handle = self._handle()
        is_cancel = any(self.trigger.has_changed(*each) for each in handle["cancel"])
        if is_cancel or self.trigger.is_own_result:
            return self._nothing()
        handle["title"] = title_of(self.declaration, self.args, self.kwargs)
        try:
            return self._submit(handle)
        except StoreError as error:
            return self._fail(handle, error)

    def _submit(self, handle: dict[str, Any]) -> Any:
        handle["inputDigests"] = self.trigger.input_digests(
            lambda text: self.jobs.digest(text, self.manager)
        )
        if self.trigger.is_resumed(handle["callbackKey"], handle["inputDigests"]):
            return self._nothing()
        self.jobs.share_storage()
        # Before there is a job: the app's own function may fail.
        owner = self.jobs.owner()
        call = self._call(handle)
        # Before there is a job, which may refresh it at once.
        stale = self._stale_result(call.caching)
        try:
            answer = self._ask_manager(handle, call, owner)
        except StoreError as error:
            return self._fail(handle, error, stale)
        if answer is None:
            return self._nothing()
        if isinstance(answer, CachedResult):
            self._send({**handle, "token": None, "cached": _describe(answer)})
            return self._replay(answer)
        return self._answer(self._follow(handle, answer, owner), stale)

    def _call(self, handle: Mapping[str, Any]) -> Call:
        return call_of(
            self.declaration,
            self.task,
            self.jobs,
            self.manager,
            context=self.trigger.description,
            progress=[target for *target, _default in handle["progress"]],
            title=handle["title"],
            destination=self.trigger.destination(handle["view"]),
        )

    def _ask_manager(
        self, handle: Mapping[str, Any], call: Call, owner: str | None
    ) -> str | CachedResult | None:
        """Submit a call in the lane of its callback.

        Raises:
            StoreError: the manager takes no job now.
        """
        self.manager.check_queue(self.task.queue, self.task.name)
        self.manager.check_not_draining()
        retrigger = self.declaration.retrigger
        return self.manager.submit(
            self.task.for_app(self.jobs.on_error, self.jobs.error_message),
            call,
            self.trigger.lane(handle["callbackKey"], handle["page"], retrigger, owner),
            owner,
        )

    def _follow(
        self, handle: dict[str, Any], ticket: str, owner: str | None
    ) -> dict[str, Any]:
        """Return the handle with what the page follows a job by, or with its end."""
        handle["token"] = self.jobs.sign(ticket, self.manager, owner)
        request = callback_request.current()
        if request is not None:
            end = self.jobs.short_jobs.end_of(ticket, self.task.name, self.manager)
            if end is not None:
                handle["end"] = request.carry(end)
        return handle

    def _stale_result(self, caching: Caching | None) -> CachedResult | None:
        """Return the stale result that the page shows while a job refreshes it.

        None in a lane that queues: the jobs before may have results to come. None in
        a lane that ignores: Dash drops the answer to a trigger when a later one comes,
        and the later one would be ignored.
        """
        if caching is None or caching.stale_for is None:
            return None
        if self.declaration.retrigger in (Retrigger.QUEUE, Retrigger.IGNORE):
            return None
        return self.manager.stale_result(caching)

    def _answer(self, handle: dict[str, Any], stale: CachedResult | None) -> Any:
        """Send a handle, and return the stale result that the page shows, if any."""
        if stale is None:
            self._send(handle)
            return self._nothing()
        self._send({**handle, "stale": _describe(stale)})
        return self._replay(stale)

    def _fail(
        self,
        handle: dict[str, Any],
        error: StoreError,
        stale: CachedResult | None = None,
    ) -> Any:
        """Tell the page that no job has started. Dash itself would tell it nothing.

        Only the log gets the error itself: it may name hosts and paths.

        Raises:
            StoreError: there is an ``on_error``. Dash then calls it, as for anything
                that a callback raises, and its answer carries the handle to the page.
        """
        logger.error("Could not start %s: %s", self.task.name, error, exc_info=error)
        details = traceback.format_exc() if self.jobs.is_debug else None
        failure = JobError.not_started(self.task.name, error.summary, details)
        handle = {**handle, "token": None, "error": failure.to_dict()}
        if self.declaration.signature.options.get("on_error") or self.jobs.on_error:
            self._send(handle)
            raise error
        return self._answer(handle, stale)

    def _replay(self, result: CachedResult) -> Any:
        """Return what the function returned when it ran."""
        request = callback_request.current()
        if request is not None:
            request.libraries += result.libraries
        return internals.returned_value(
            result.response,
            self.trigger.description["outputs"],
            self.declaration.signature.output_grouping,
        )

    def _nothing(self) -> Any:
        """Return the value that tells Dash to update none of the Outputs."""
        signature = self.declaration.signature
        if not signature.outputs:
            return None
        if signature.has_single_output and self.trigger.has_output_list:
            return [dash.no_update] * len(self.trigger.outputs)
        return dash.no_update

    def _send(self, handle: dict[str, Any]) -> None:
        """Send a handle to the page's engine."""
        handles = dash.Patch()
        handles[new_job_id()] = handle
        # Not by dash.set_props: over a WebSocket, that would not go with the answer.
        dash.ctx.set_props(ENGINE_HOST, {"handles": handles})

    def _handle(self) -> dict[str, Any]:
        """Return all that the engine needs for a job, but for its token and title."""
        declaration, trigger = self.declaration, self.trigger
        retrigger = declaration.retrigger
        callback_key = trigger.callback_key(self.task.key)
        return {
            "name": self.task.name,
            "view": trigger.target(declaration.view)[0] if declaration.view else None,
            "callbackKey": callback_key,
            "seq": trigger.seq,
            "page": trigger.lane_page_id(callback_key, retrigger),
            "retrigger": retrigger.value,
            "interval": declaration.interval,
            "leave": declaration.limits.leave_timeout,
            "steps": [*declaration.steps],
            "outputs": trigger.outputs,
            "running": [
                [*trigger.target(output), on, off]
                for output, on, off in declaration.running
            ],
            "progress": [
                [*trigger.target(output), default]
                for output, default in zip(
                    declaration.progress_outputs,
                    declaration.progress_default,
                    strict=True,
                )
            ],
            "cancel": [trigger.target(item) for item in declaration.cancel],
        }


def _describe(result: CachedResult) -> dict[str, float]:
    """Return the times of a cached result that a page shows, in seconds."""
    age = max(0.0, time.time() - result.written)
    return {"duration": result.duration, "age": round(age, 3)}

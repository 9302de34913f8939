"""The ``long_callback`` decorator, and the callback that starts its jobs."""

from __future__ import annotations

import functools
import inspect
import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import dash
from dash.dependencies import Input, Output
from dash.development.base_component import Component

from ..bridge import internals
from ..bridge.signature import Signature
from ..bridge.trigger import Trigger
from ..core import caching
from ..core.caching import CachedResult
from ..core.jobs import Caching, Call, JobError, Limits, Retrigger, new_job_id
from ..exceptions import MissingManagerError, StoreError
from ..managers.base import LongCallbackManager
from ..running import context_vars, tasks
from ..running.tasks import Task
from ..web.app_jobs import ENGINE_HOST, AppJobs
from . import validation
from .validation import Running

F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger("dash_long_components")

#: Registers a callback: ``dash.callback`` or an app's own ``callback``.
Register = Callable[..., Callable[[Callable[..., Any]], Any]]

#: How many callbacks without Outputs there are with the same Inputs, by Dash's id.
_without_output: Counter[str] = Counter()


def long_callback(
    *dependencies: Any,
    manager: LongCallbackManager | None = None,
    running: Sequence[Running] | Running = (),
    cancel: Input | Sequence[Input] = (),
    progress: Any = None,
    progress_default: Any = None,
    interval: float = 1000,
    on_retrigger: str = "replace",
    job: str | dict[str, Any] | Component | None = None,
    timeout: float | None = None,
    cancel_grace: float | None = None,
    on_leave: str = "keep",
    leave_timeout: float = 30,
    cache_args_to_ignore: int | str | Sequence[int | str] | None = (),
    cache_ignore_triggered: bool = True,
    register: Register = dash.callback,
    **options: Any,
) -> Callable[[F], F]:
    """Decorate a function to run as a job, outside of the server's requests.

    Takes all that ``dash.callback`` takes, and returns the function unchanged.

    Args:
        dependencies: Outputs, Inputs and State as for ``dash.callback``.
        manager: runs the jobs; by default the app's own.
        running: ``(Output, while running, when done)`` or a list of such.
        cancel: an Input or a list of them; any change ends the running job.
        progress: an Output or a grouping of them (list, tuple, dict). The function
            then gets ``set_progress`` as its first argument, which takes one value
            for each Output, in the same grouping. Without ``progress``, a function
            whose first parameter is named ``set_progress`` gets it too; it then takes
            a number from 0 to 1, ``(value, total)`` or ``(value, total, text)``, for
            the bar of ``job``.
        progress_default: the values of ``progress`` while no job runs, in the same
            grouping; None everywhere by default.
        interval: the longest wait between two polls, in milliseconds. The first polls
            of a job come sooner.
        on_retrigger: what a new trigger does while a job of this callback, and of the
            same MATCH instance of it, is live on the page: ``"replace"`` cancels that
            job, ``"queue"`` waits for its end, ``"parallel"`` runs beside it,
            ``"ignore"`` does nothing.
        job: id of the ``LongJob`` that shows the job, which need not be on the page
            all the time; a dict id may have MATCH in it. By default none does.
        timeout: seconds that a job may run; then it is killed, and ends as
            ``timed_out``. Its time in the queue does not count.
        cancel_grace: seconds between the cancel of a running job and its end by force.
            In that time ``current_job().cancelled`` is True, and ``set_progress`` and
            ``set_props`` raise ``JobCancelled``, so that the function may tidy up.
            By default it is killed at once.
        on_leave: what becomes of a job when its page is gone: ``"keep"``, or
            ``"cancel"`` after ``leave_timeout``. A page that is loaded again in time
            goes on with it.
        leave_timeout: seconds without a word from the page, after which it is gone.
        cache_args_to_ignore: where the manager caches results (its ``cache_by``), the
            arguments that don't count: a name where the Inputs are given as a dict,
            else an index, or a list of such.
        cache_ignore_triggered: whether it does not count for the cache which Inputs
            have changed.
        register: what the callback is registered with; an app's own ``callback``, or
            ``dash.callback``.
        options: further keyword arguments of ``dash.callback``.

    Raises:
        TypeError: there is no such option.
        ValueError: an option has a value of the wrong kind.
    """
    validation.options(options, inspect.signature(long_callback).parameters)
    signature = Signature(args=dependencies, options=options)
    spec = LongCallback(
        signature=signature,
        manager=validation.manager(manager),
        running=validation.running(running),
        cancel=validation.cancel(cancel),
        progress=validation.progress(progress),
        progress_default=validation.progress_default(progress, progress_default),
        interval=validation.interval(interval),
        retrigger=validation.retrigger(on_retrigger),
        view=validation.job(job),
        limits=validation.limits(
            timeout=timeout,
            cancel_grace=cancel_grace,
            on_leave=on_leave,
            leave_timeout=leave_timeout,
        ),
        ignored=validation.cache_args_to_ignore(
            cache_args_to_ignore, signature.arguments
        ),
        ignore_triggered=validation.cache_ignore_triggered(cache_ignore_triggered),
    )
    spec.check_wildcards()

    def decorate(function: F) -> F:
        validation.set_progress(function)
        spec.register(function, register)
        return function

    return decorate


@dataclass(frozen=True, kw_only=True)
class LongCallback:
    """A long callback's dependencies and options, checked.

    Attributes:
        signature: its dependencies and further options of ``dash.callback``.
        manager: runs the jobs; None for the app's own.
        running: one entry for each property to switch.
        cancel: Inputs whose change ends the job.
        progress: the grouping of Outputs, or None.
        progress_default: one value for each progress Output, flat.
        interval: milliseconds.
        retrigger: what becomes of a live job.
        view: has the id of the component that shows the job; None if there is none.
        limits: what ends its jobs from outside.
        ignored: positions of the Inputs and State that don't count for the cache.
        ignore_triggered: whether it does not count which Inputs have changed.
    """

    signature: Signature
    manager: LongCallbackManager | None
    running: tuple[Running, ...]
    cancel: tuple[Input, ...]
    progress: Any
    progress_default: tuple[Any, ...]
    interval: float
    retrigger: Retrigger
    view: Output | None
    limits: Limits
    ignored: frozenset[int]
    ignore_triggered: bool

    def check_wildcards(self) -> None:
        """See that there is something to fill in for every wildcard.

        Raises:
            ValueError: there is not.
        """
        progress = [] if self.progress is None else internals.flatten(self.progress)
        self.signature.check_wildcards("running", [item[0] for item in self.running])
        self.signature.check_wildcards("progress", progress)
        self.signature.check_wildcards("cancel", self.cancel)
        self.signature.check_wildcards("job", [self.view] if self.view else [])

    def register(self, function: Callable[..., Any], register: Register) -> None:
        """Make a task of ``function`` and register the callback that starts jobs."""
        signature = self.signature
        if not signature.outputs:
            _without_output[signature.callback_id] += 1
            times = _without_output[signature.callback_id]
            signature = signature.with_inputs_repeated(times)
        task = Task(
            key=tasks.new_key(function, self.signature.callback_id),
            name=tasks.name_of(function),
            function=function,
            signature=self.signature,
            progress=self.progress,
            fingerprint=tasks.fingerprint_of(function),
        )
        tasks.register(task)

        @functools.wraps(function)
        def start(*_args: Any, **_kwargs: Any) -> Any:
            return self._start(task)

        # Dash looks through wrappers to see whether a function is async: this is not.
        del start.__wrapped__
        internals.mark_cancel_inputs(start, self.cancel)
        register(*signature.args, **signature.keywords())(start)

    def _start(self, task: Task) -> Any:
        """Submit a job for the request at hand, and send its handle to the page."""
        jobs = AppJobs.of_request()
        manager = self.manager or (jobs.manager if jobs else None)
        if jobs is None or manager is None:
            raise MissingManagerError(
                f"The long callback {task.name} has no manager. Pass "
                "long_callback_manager= to dash_long_components.Dash(), or call "
                "manager.init_app(app) where the app is made."
            )
        trigger = Trigger.current(self.signature)
        if self.view is not None:
            jobs.look_for_view(self.view.component_id, task.name)
        handle = self._handle(task, trigger)
        is_cancelled = any(trigger.has_changed(*target) for target in handle["cancel"])
        if is_cancelled or trigger.is_own_result:
            return self._nothing(trigger)
        try:
            return self._submit(task, trigger, handle, jobs, manager)
        except StoreError as error:
            return self._give_up(task, trigger, handle, jobs, error)

    def _submit(
        self,
        task: Task,
        trigger: Trigger,
        handle: dict[str, Any],
        jobs: AppJobs,
        manager: LongCallbackManager,
    ) -> Any:
        handle["inputDigests"] = trigger.input_digests(
            lambda text: jobs.digest(text, manager)
        )
        if trigger.is_resumed(handle["callbackKey"], handle["inputDigests"]):
            return self._nothing(trigger)
        # Before there is a job: the app's own function may fail.
        owner = jobs.owner()
        call = Call(
            task=task.key,
            fingerprint=task.fingerprint,
            context=trigger.description,
            progress=[target for *target, _default in handle["progress"]],
            variables=context_vars.capture(),
            limits=self.limits,
            debug=jobs.is_debug,
        )
        answer = manager.submit(
            task.with_on_error(jobs.on_error),
            replace(call, caching=self._caching(call, manager)),
            trigger.lane(handle["callbackKey"], handle["page"], self.retrigger),
        )
        if isinstance(answer, CachedResult):
            self._send({**handle, "token": None, "cached": _describe(answer)})
            return self._replay(answer, trigger, jobs)
        if answer is not None:
            self._send({**handle, "token": jobs.sign(answer, manager, owner)})
        return self._nothing(trigger)

    def _give_up(
        self,
        task: Task,
        trigger: Trigger,
        handle: dict[str, Any],
        jobs: AppJobs,
        error: StoreError,
    ) -> Any:
        """Tell the page that there is no job, of which Dash would tell it nothing.

        The error itself is for the log: it may name hosts and paths.

        Raises:
            StoreError: there is an ``on_error``, which Dash asks then, as for anything
                that a callback raises. What was sent to the page goes with its answer.
        """
        logger.error("%s was not started: %s", task.name, error, exc_info=error)
        details = traceback.format_exc() if jobs.is_debug else None
        failure = JobError.not_started(task.name, details)
        self._send({**handle, "token": None, "error": failure.to_dict()})
        if self.signature.options.get("on_error") or jobs.on_error:
            raise error
        return self._nothing(trigger)

    def _caching(self, call: Call, manager: LongCallbackManager) -> Caching | None:
        """Return how the result of a call is to be kept for others, if it is.

        Of a callback without Outputs it is not: all it does are side effects, and
        those are wanted every time.
        """
        if manager.cache_by is None or not self.signature.outputs:
            return None
        key = caching.key_of(
            call,
            ignored=self.ignored,
            ignore_triggered=self.ignore_triggered,
            by=caching.ask(manager.cache_by),
        )
        return Caching(key=key, expire=manager.expire)

    def _send(self, handle: dict[str, Any]) -> None:
        """Send a handle to the page's engine."""
        handles = dash.Patch()
        handles[new_job_id()] = handle
        dash.set_props(ENGINE_HOST, {"handles": handles})

    def _replay(self, result: CachedResult, trigger: Trigger, jobs: AppJobs) -> Any:
        """Return what the function returned when it ran."""
        if result.libraries:
            jobs.send_libraries(result.libraries)
        return internals.returned_value(
            result.response,
            trigger.description["outputs"],
            self.signature.output_grouping,
        )

    def _nothing(self, trigger: Trigger) -> Any:
        """Return what tells Dash to update none of the Outputs."""
        if not self.signature.outputs:
            return None
        if self.signature.has_single_output and trigger.has_output_list:
            return [dash.no_update] * len(trigger.outputs)
        return dash.no_update

    def _handle(self, task: Task, trigger: Trigger) -> dict[str, Any]:
        """Return what the engine is to know of a job, but for its token."""
        progress = [] if self.progress is None else internals.flatten(self.progress)
        callback_key = trigger.callback_key(task.key)
        return {
            "name": task.name,
            "view": trigger.target(self.view)[0] if self.view else None,
            "callbackKey": callback_key,
            "seq": trigger.seq,
            "page": trigger.lane_page(callback_key, self.retrigger),
            "retrigger": self.retrigger.value,
            "interval": self.interval,
            "leave": self.limits.leave_timeout,
            "outputs": trigger.outputs,
            "running": [
                [*trigger.target(output), on, off] for output, on, off in self.running
            ],
            "progress": [
                [*trigger.target(output), default]
                for output, default in zip(progress, self.progress_default, strict=True)
            ],
            "cancel": [trigger.target(item) for item in self.cancel],
        }


def _describe(result: CachedResult) -> dict[str, float]:
    """Return what a page may say of a result from the cache, in seconds."""
    age = max(0.0, time.time() - result.written)
    return {"duration": result.duration, "age": round(age, 3)}

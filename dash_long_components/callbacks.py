"""The ``long_callback`` decorator, and the callback that starts its jobs."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import dash
from dash.dependencies import Input, Output
from dash.exceptions import InvalidCallbackReturnValue

from . import context_vars, dash_bridge, tasks
from .exceptions import MissingManagerError
from .extension import ENGINE_HOST, LongJobs
from .jobs import Call, Retrigger, new_job_id
from .managers.base import LongCallbackManager
from .signature import Signature
from .tasks import Task
from .trigger import Trigger

F = TypeVar("F", bound=Callable[..., Any])

#: ``(Output, value while running, value when done)``
Running = tuple[Output, Any, Any]

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
            for each Output, in the same grouping.
        progress_default: the values of ``progress`` while no job runs, in the same
            grouping; None everywhere by default.
        interval: the longest wait between two polls, in milliseconds. The first polls
            of a job come sooner.
        on_retrigger: what a new trigger does while a job of this callback, and of the
            same MATCH instance of it, is live on the page: ``"replace"`` cancels that
            job, ``"queue"`` waits for its end, ``"parallel"`` runs beside it,
            ``"ignore"`` does nothing.
        register: what the callback is registered with; an app's own ``callback``, or
            ``dash.callback``.
        options: further keyword arguments of ``dash.callback``.

    Raises:
        TypeError: there is no such option.
        ValueError: an option has a value of the wrong kind.
    """
    _check_options(options)
    signature = Signature(args=dependencies, options=options)
    spec = LongCallback(
        signature=signature,
        manager=_check_manager(manager),
        running=_check_running(running),
        cancel=_check_cancel(cancel),
        progress=_check_progress(progress),
        progress_default=_flat_default(progress, progress_default),
        interval=_check_interval(interval),
        retrigger=_check_retrigger(on_retrigger),
    )
    spec.check_wildcards()

    def decorate(function: F) -> F:
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
    """

    signature: Signature
    manager: LongCallbackManager | None
    running: tuple[Running, ...]
    cancel: tuple[Input, ...]
    progress: Any
    progress_default: tuple[Any, ...]
    interval: float
    retrigger: Retrigger

    def check_wildcards(self) -> None:
        """See that there is something to fill in for every wildcard.

        Raises:
            ValueError: there is not.
        """
        progress = [] if self.progress is None else dash_bridge.flatten(self.progress)
        self.signature.check_wildcards("running", [item[0] for item in self.running])
        self.signature.check_wildcards("progress", progress)
        self.signature.check_wildcards("cancel", self.cancel)

    def register(self, function: Callable[..., Any], register: Register) -> None:
        """Make a task of ``function`` and register the callback that starts jobs."""
        signature = self.signature
        if not signature.outputs:
            _without_output[signature.callback_id] += 1
            times = _without_output[signature.callback_id]
            signature = signature.with_inputs_repeated(times)
        task = Task(
            key=tasks.key_of(function, signature.callback_id),
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
        dash_bridge.mark_cancel_inputs(start, self.cancel)
        register(*signature.args, **signature.keywords())(start)

    def _start(self, task: Task) -> Any:
        """Submit a job for the request at hand, and send its handle to the page."""
        jobs = LongJobs.of_request()
        manager = self.manager or (jobs.manager if jobs else None)
        if jobs is None or manager is None:
            raise MissingManagerError(
                f"The long callback {task.name} has no manager. Pass "
                "long_callback_manager= to dash_long_components.Dash(), or call "
                "manager.init_app(app) where the app is made."
            )
        trigger = Trigger.current(self.signature)
        handle = self._handle(task, trigger)
        is_cancelled = any(trigger.has_changed(*target) for target in handle["cancel"])
        if not is_cancelled and handle["slot"] not in trigger.resumed:
            call = Call(
                task=task.key,
                fingerprint=task.fingerprint,
                context=trigger.description,
                progress=[target for *target, _default in handle["progress"]],
                variables=context_vars.capture(),
                debug=jobs.is_debug,
            )
            job_id = manager.submit(
                task.with_on_error(jobs.on_error),
                call,
                trigger.lane(handle["slot"], self.retrigger),
            )
            if job_id is not None:
                handle["token"] = jobs.sign(job_id, manager)
                handles = dash.Patch()
                handles[new_job_id()] = handle
                dash.set_props(ENGINE_HOST, {"handles": handles})
        return self._nothing(trigger)

    def _nothing(self, trigger: Trigger) -> Any:
        """Return what tells Dash to update none of the Outputs."""
        if not self.signature.outputs:
            return None
        if self.signature.has_single_output and trigger.has_output_list:
            return [dash.no_update] * len(trigger.outputs)
        return dash.no_update

    def _handle(self, task: Task, trigger: Trigger) -> dict[str, Any]:
        """Return what the engine is to know of a job, but for its token."""
        progress = [] if self.progress is None else dash_bridge.flatten(self.progress)
        return {
            "slot": trigger.slot(task.key),
            "seq": trigger.seq,
            "retrigger": self.retrigger.value,
            "interval": self.interval,
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


#: Options of ``dash.callback`` for callbacks that answer their request themselves, or
#: that are Dash's own background callbacks.
_WITHOUT_MEANING = {
    "api_endpoint",
    "cache_args_to_ignore",
    "cache_ignore_triggered",
    "persistent",
    "websocket",
}


def _check_options(options: dict[str, Any]) -> None:
    if "background" in options:
        raise ValueError(
            "long_callback() takes no background=; its function always runs outside "
            "of the request. Leave it out."
        )
    own = inspect.signature(long_callback).parameters
    known = {*own, *dash_bridge.callback_options()}
    known -= {"dependencies", "options", *_WITHOUT_MEANING}
    for name in options.keys() - known:
        similar = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {similar[0]}=?" if similar else ""
        raise TypeError(f"long_callback() takes no {name}=.{hint}")


def _check_manager(manager: Any) -> LongCallbackManager | None:
    if manager is None or isinstance(manager, LongCallbackManager):
        return manager
    raise ValueError(f"manager= takes a long callback manager, not {manager!r}.")


def _check_running(running: Any) -> tuple[Running, ...]:
    entries = running if isinstance(running, list | tuple) else [running]
    if entries and isinstance(entries[0], Output):
        entries = [entries]
    for entry in entries:
        match entry:
            case [Output(), _, _]:
                pass
            case _:
                raise ValueError(
                    "running= takes tuples of (Output, value while running, value when "
                    f"done), not {entry!r}."
                )
    return tuple((output, on, off) for output, on, off in entries)


def _check_cancel(cancel: Any) -> tuple[Input, ...]:
    inputs = cancel if isinstance(cancel, list | tuple) else [cancel]
    for item in inputs:
        if not isinstance(item, Input):
            raise ValueError(f"cancel= takes an Input or a list of them, not {item!r}.")
    return tuple(inputs)


def _check_progress(progress: Any) -> Any:
    if progress is None:
        return None
    for item in dash_bridge.flatten(progress):
        if not isinstance(item, Output):
            raise ValueError(
                f"progress= takes an Output or a grouping of them, not {item!r}."
            )
    return progress


def _flat_default(progress: Any, default: Any) -> tuple[Any, ...]:
    if progress is None:
        if default is not None:
            raise ValueError("progress_default= needs progress=.")
        return ()
    if default is None:
        return (None,) * len(dash_bridge.flatten(progress))
    try:
        return tuple(dash_bridge.flatten(default, progress))
    except InvalidCallbackReturnValue as error:
        raise ValueError(
            "progress_default= takes one value for each Output of progress=, in the "
            f"same grouping, not {default!r}."
        ) from error


def _check_interval(interval: float) -> float:
    is_number = isinstance(interval, int | float) and not isinstance(interval, bool)
    if not (is_number and 0 <= interval < float("inf")):
        raise ValueError(
            f"interval= takes milliseconds, zero or more, not {interval!r}."
        )
    return interval


def _check_retrigger(value: Any) -> Retrigger:
    try:
        return Retrigger(value)
    except ValueError:
        names = ", ".join(repr(item.value) for item in Retrigger)
        raise ValueError(
            f"on_retrigger= takes one of {names}, not {value!r}."
        ) from None

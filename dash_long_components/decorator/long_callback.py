"""The ``long_callback`` decorator."""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import dash
from dash.dependencies import Input
from dash.development.base_component import Component

from ..bridge import internals, marks, transforms
from ..bridge.marks import Mark
from ..bridge.signature import Signature
from ..managers.base import LongCallbackManager
from ..running import tasks
from ..running.tasks import Task
from . import callback_options, direct_start, job_options
from .callback_options import Running, Title
from .declaration import Declaration
from .job_options import RetryOn
from .start import start_job

F = TypeVar("F", bound=Callable[..., Any])

#: Number of callbacks without Outputs that have the same Inputs, by Dash's id.
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
    title: Title = None,
    steps: Sequence[str] = (),
    timeout: float | None = None,
    total_timeout: float | None = None,
    retries: int = 0,
    retry_on: RetryOn = None,
    backoff: float | tuple[float, float] = 1,
    on_new_code: str | None = None,
    cancel_grace: float | None = None,
    on_leave: str = "keep",
    leave_timeout: float = 30,
    queue: str = "default",
    priority: int = 0,
    concurrency: int | None = None,
    concurrency_group: str | None = None,
    max_per_user: int | None = None,
    cache_args_to_ignore: int | str | Sequence[int | str] | None = (),
    cache_ignore_triggered: bool = True,
    allow_duplicate: bool = False,
    **options: Any,
) -> Decorator:
    """Decorate a function to run as a job, outside of the server's requests.

    Takes all that ``dash.callback`` takes, and returns the function unchanged.

    Args:
        dependencies: Outputs, Inputs and State as for ``dash.callback``.
        manager: runs the jobs; by default the app's own.
        running: ``(Output, while running, when done)`` or a list of such. A Patch
            counts once for each job: ``(Output, add_one, take_one)``.
        cancel: an Input or a list of them; any change cancels the running job.
        progress: an Output or a grouping of them (list, tuple, dict). The function
            then gets ``set_progress`` as its first argument, which takes one value
            for each Output, in the same grouping. Without ``progress``, a function
            whose first parameter is named ``set_progress`` gets it too. It then takes
            a number from 0 to 1, ``(value, total)`` or ``(value, total, text)``, for
            the bar of ``job``.
        progress_default: the values of ``progress`` while no job runs, in the same
            grouping. By default None, or ``no_update`` for an Output that the callback
            returns too.
        interval: the longest wait between two polls, in milliseconds. The first polls
            of a job come sooner.
        on_retrigger: what a new trigger does while a job of this callback, and of the
            same MATCH instance of it, is live on the page: ``"replace"`` cancels that
            job, ``"queue"`` waits for its end, ``"parallel"`` runs beside it,
            ``"ignore"`` does nothing.
        job: id of the ``LongJob`` that shows the job, which may come and go with its
            page; a dict id may contain MATCH. By default none shows it.
        title: the name of the job for people, in place of the function's: a text, or a
            function that gets the same arguments, without ``set_progress``, and
            returns one. The job itself may set ``current_job().title``.
        steps: names of the job's steps in their order, so that the page shows those to
            come. The function runs each in ``with current_job().step(name):``.
        timeout: seconds that a job may run. The manager then kills it, and it ends as
            ``timed_out``. Time in the queue does not count. With ``retries``, each
            attempt has so many seconds.
        total_timeout: seconds that all attempts of a job may take, with the pauses
            between them.
        retries: how many times a job is tried again at most. By default a job runs at
            most once. With it, the function may run several times, and may have had a
            part of its effects before.
        retry_on: what it is tried again after: types of exceptions, ``"lost"`` if its
            worker has died, ``"timed_out"`` after its ``timeout``; one of them or a
            sequence. By default any exception.
        backoff: seconds of the pause before the first retry. Each further pause is
            twice as long, up to 10 minutes; ``(first, longest)`` sets that too. A
            random part, up to half, is taken off. A ``Retry-After`` of the exception's
            response takes its place.
        on_new_code: what happens to a job with ``retries`` whose function has changed
            since it was started, by a deployment: ``"fail"``, the default, or
            ``"restart"``: it begins again with the new code, without its checkpoint.
        cancel_grace: seconds between the cancel of a running job and its kill. In
            that time ``current_job().cancelled`` is True, and ``set_progress`` and
            ``set_props`` raise ``JobCancelled``, so that the function can clean up.
            By default the manager kills it at once.
        on_leave: what happens to a job when its page is gone: ``"keep"``, or
            ``"cancel"`` after ``leave_timeout``. A page that reloads in time goes on
            with its job.
        leave_timeout: seconds without a poll after which the page is gone.
        queue: name of the queue in which the jobs wait. On one machine the manager
            gives its size (``queues``); on Celery it is the name of Celery's queue.
        priority: a number from 0 to 9. In a queue, jobs with a higher
            priority start first.
        concurrency: how many jobs of this callback run at once, over all processes. By
            default as many as there are workers.
        concurrency_group: a name. ``concurrency`` and ``max_per_user`` then count the
            jobs of all callbacks with that name.
        max_per_user: how many jobs of this callback run at once for each user. The
            users with such jobs take turns: many jobs of one do not hold up another's.
            Jobs without a user count as those of one user.
        cache_args_to_ignore: arguments that the cache key leaves out, where the
            manager caches results (its ``cache_by``): a name where the Inputs are a
            dict, else an index, or a list of such.
        cache_ignore_triggered: whether the cache key leaves out which Inputs have
            changed.
        allow_duplicate: whether other callbacks may have the same Outputs, as with
            ``Output(..., allow_duplicate=True)`` for each of them. Dash then needs
            ``prevent_initial_call=True``.
        options: further keyword arguments of ``dash.callback``, such as
            ``prevent_initial_call``: whether the load of a page starts no job; and
            ``on_error``: a function of the exception, which the job calls. It may
            return values for the Outputs. Also ``hidden``, ``optional`` and what
            releases of Dash have added. ``api_endpoint``, ``websocket`` and
            ``persistent`` are refused, because a job answers no request.

    Raises:
        TypeError: there is no such option.
        ValueError: an option has a value of the wrong kind.
    """
    callback_options.options(options, inspect.signature(long_callback).parameters)
    signature = Signature(args=dependencies, options=options)
    if allow_duplicate:
        signature = signature.with_duplicates()
    return Decorator(
        Declaration(
            signature=signature,
            manager=callback_options.manager(manager),
            running=callback_options.running(running),
            cancel=callback_options.cancel(cancel),
            progress=callback_options.progress(progress),
            progress_default=callback_options.progress_default(
                progress, progress_default, signature.outputs
            ),
            interval=callback_options.interval(interval),
            retrigger=callback_options.retrigger(on_retrigger),
            view=callback_options.job(job),
            title=callback_options.title(title, signature.arguments),
            steps=callback_options.steps(steps),
            limits=job_options.limits(
                timeout=timeout,
                cancel_grace=cancel_grace,
                on_leave=on_leave,
                leave_timeout=leave_timeout,
            ),
            scheduling=job_options.scheduling(
                queue=queue,
                priority=priority,
                concurrency=concurrency,
                concurrency_group=concurrency_group,
                max_per_user=max_per_user,
            ),
            retries=job_options.retries(
                retries,
                retry_on,
                backoff=backoff,
                total_timeout=total_timeout,
                on_new_code=on_new_code,
            ),
            retry_on=job_options.retry_on(retry_on)[0] if retries else (),
            ignored=callback_options.cache_args_to_ignore(
                cache_args_to_ignore, signature.arguments
            ),
            ignore_triggered=callback_options.cache_ignore_triggered(
                cache_ignore_triggered
            ),
        )
    )


@dataclass(frozen=True)
class Decorator:
    """Makes a long callback of a function.

    Attributes:
        declaration: its dependencies and options.
        register: registers the callback that starts the jobs: ``dash.callback``, or
            an app's own ``callback``.
    """

    declaration: Declaration
    register: Callable[..., Callable[[Callable[..., Any]], Any]] = dash.callback

    def __call__(self, function: F) -> F:
        """Register the function as a task, and the callback that starts its jobs.

        Returns:
            The function, unchanged.

        Raises:
            ValueError: its parameters do not fit the options.
            UnknownQueueError: the manager that is named does not have the queue.
        """
        task = self._task_of(function)
        self._check(task)
        tasks.register(task)
        direct_start.declare(task, self.declaration)
        signature = _distinct(self.declaration.signature)
        options = {**signature.keywords(), **internals.HIDDEN_FROM_AGENTS}
        self.register(*signature.args, **options)(self._starter_of(task))
        return function

    def _task_of(self, function: Callable[..., Any]) -> Task:
        callback_options.set_progress(function)
        declaration, signature = self.declaration, self.declaration.signature
        return Task(
            key=tasks.new_key(
                function,
                signature.callback_id,
                signature.args,
                signature.options,
                declaration.progress,
            ),
            name=tasks.name_of(function),
            function=function,
            signature=signature,
            progress=declaration.progress,
            fingerprint=tasks.fingerprint_of(function),
            transforms=transforms.transforms_of(self.register),
            retry_on=declaration.retry_on,
            queue=declaration.scheduling.queue,
            priority=declaration.scheduling.priority,
        )

    def _check(self, task: Task) -> None:
        if self.declaration.manager is not None:
            self.declaration.manager.check_queue(task.queue, task.name)
        if not task.transforms:
            # One that transforms wrap may get other arguments.
            callback_options.parameters(
                task.function,
                task.signature.arguments,
                progress=task.takes_set_progress,
            )

    def _starter_of(self, task: Task) -> Callable[..., Any]:
        """Return the callback that starts the jobs of a task."""
        declaration = self.declaration

        @functools.wraps(task.function)
        def start(*args: Any, **kwargs: Any) -> Any:
            return start_job(declaration, task, args, kwargs)

        # Dash looks through wrappers to see whether a function is async: this is not.
        del start.__wrapped__
        start.__dict__["__signature__"] = transforms.names_of(task.signature)
        mark = Mark(
            manager=declaration.manager,
            cancel=declaration.cancel,
            view=declaration.view,
            queue=task.queue,
            name=task.name,
            function=task.function,
            takes_set_progress=task.takes_set_progress,
            signature=task.signature,
        )
        marks.mark(start, mark)
        return start


def _distinct(signature: Signature) -> Signature:
    """Return a signature that Dash tells apart from all others without Outputs."""
    if signature.outputs:
        return signature
    _without_output[signature.callback_id] += 1
    times = _without_output[signature.callback_id]
    return signature.with_inputs_repeated(times)

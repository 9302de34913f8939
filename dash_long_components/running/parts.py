"""The parts of a job: ``function(item)`` for each item of ``current_job().map()``."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import reprlib
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..core import quantities
from ..core.bars import Bar, Bars
from ..core.retries import asked_pause, kinds_of
from ..exceptions import PartError
from .part_limits import in_part

T = TypeVar("T")
R = TypeVar("R")

#: The first byte of an outcome.
_RESULT, _ERROR = b"+", b"-"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What ``map()`` was asked for.

    Attributes:
        function: called with each item.
        items: may be endless, so a runner takes a few ahead only.
        max_workers: parts that run at once; None for the runner's default.
        queue: of Celery, for the parts; None for that of the job.
        job: whose parts they are. While a runner waits, it calls ``job.bars.check()``.
        done: a runner calls it after each part that has returned, in any order.
    """

    function: Callable[[Any], Any]
    items: Iterable[Any]
    max_workers: int | None
    queue: str | None
    job: HasParts
    done: Callable[[], None]


class PartRunner(Protocol):
    """Runs the parts of a job, as its manager does that."""

    def run(self, work: Work) -> Iterator[Any]:
        """Yield the results of all parts, in the order of the items.

        An exception of a part or of the items comes from here by its own type, after
        the results before it. No further part begins then. Nothing goes on after this
        has ended or was closed.

        Raises:
            PartError: a part had no end, or can't be sent.
        """

    @property
    def resolve(self) -> Callable[[Any], Any] | None:
        """Returns the value that a function has returned, if it is a result.

        None if any value is. It raises JobWaits for a workflow, and WorkflowError for
        one that can't be waited for.
        """


class InTurn:
    """Runs parts one after the other, where ``map()`` was called."""

    def run(self, work: Work) -> Iterator[Any]:
        for number, item in enumerate(work.items, 1):
            work.job.bars.check()
            with naming(number, item), in_part():
                result = work.function(item)
            work.done()
            yield result

    @property
    def resolve(self) -> None:
        return None


class HasParts(Protocol):
    """A job, as its parts see it.

    Attributes:
        title: the name of the job for people; None for that of its task.
    """

    title: Any

    @property
    def bars(self) -> Bars: ...

    @property
    def parts(self) -> PartRunner: ...

    def log(
        self, text: object, level: int = logging.INFO, created: float | None = None
    ) -> None: ...


def map_items(
    self: HasParts,
    function: Callable[[T], R],
    items: Iterable[T],
    *,
    max_workers: int | None = None,
    queue: str | None = None,
    total: float | None = None,
    text: str | None = None,
) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in their order: the parts of the job.

    They run at the same time: on Diskcache in processes of the job, on Celery in its
    workers, and in this one while no other is free. A progress bar counts them. They
    begin when the loop asks for the first result, and end with the loop.

    Args:
        function: of one argument. It may be of any kind, a lambda too.
        items: of any length. No more than some for each worker are taken ahead.
        max_workers: number of parts that run at once; by default on Diskcache one for
            each CPU, on Celery 16.
        queue: on Celery, the queue of the parts; by default that of the job.
        total: number of items; by default ``len(items)``, if it has a length.
        text: label of the bar.

    Raises:
        TypeError: the function is asynchronous, or ``total`` or ``text`` is none.
        ValueError: ``max_workers`` is not above zero, or ``total`` below.
        PartError: the process of a part has died, or a part can't be sent.
        Exception: a part did, or the items. It comes after the results before it, ends
            the parts after it, and has a note that names the part.
    """
    if inspect.iscoroutinefunction(function):
        raise TypeError(
            f"map() takes an ordinary function, not the asynchronous {function!r}. "
            "Use asyncio.run() in one."
        )
    quantities.count_or_none("max_workers", max_workers)
    bar = Bar.of_loop("map", items, total, text)
    return _map(self, function, items, max_workers, queue, bar)


def _map(
    job: HasParts,
    function: Callable[[T], R],
    items: Iterable[T],
    max_workers: int | None,
    queue: str | None,
    bar: Bar,
) -> Iterator[R]:
    bars = job.bars

    def done() -> None:
        bar.value += 1
        bars.advanced()

    bars.open(bar)
    work = Work(
        function=function,
        items=items,
        max_workers=max_workers,
        queue=queue,
        job=job,
        done=done,
    )
    results = job.parts.run(work)
    try:
        yield from results
    finally:
        bars.close(bar)


class naming:
    """Add a note that names the part to an exception that leaves the block."""

    def __init__(self, number: int, item: object) -> None:
        self._number = number
        self._item = item

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            add_note(error, name_of(self._number, self._item))


def resolving(
    function: Callable[..., Any], resolve: Callable[[Any], Any] | None
) -> Callable[..., Any]:
    """Return a function that returns what ``PartRunner.resolve`` makes of its value."""
    is_stream = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(
        function
    )
    if resolve is None or is_stream:  # what it yields are results
        return function
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def resolved_async(*args: Any, **options: Any) -> Any:
            return resolve(await function(*args, **options))

        return resolved_async

    @functools.wraps(function)
    def resolved(*args: Any, **options: Any) -> Any:
        return resolve(function(*args, **options))

    return resolved


def name_of(number: int, item: object) -> str:
    """Return how messages name a part: by its number, from 1, and its item."""
    # It also catches what a repr raises.
    return f"part {number}: {reprlib.repr(item)}"


def add_note(error: BaseException, name: str) -> None:
    """Note the name of a part on its exception."""
    # add_note() is new in Python 3.11. An exception may have slots.
    with suppress(Exception):
        error.__notes__ = [*getattr(error, "__notes__", ()), f"({name})"]


class RemoteTraceback(Exception):
    """The traceback of a part in its own process, as the cause of its exception."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"


def outcome_of(function: Callable[[Any], Any], item: bytes) -> bytes:
    """Run a part, and return its outcome for another process.

    A process that the function forks, and that returns from it, ends.

    Args:
        function: of the part.
        item: its argument, as ``sent`` has made it.
    """
    import cloudpickle

    pid = os.getpid()
    try:
        with in_part():
            result = function(cloudpickle.loads(item))
    except BaseException as error:
        _leave_fork(pid)
        # Without the frame of this function.
        own = error.__traceback__ and error.__traceback__.tb_next
        return failure_of(error.with_traceback(own))
    _leave_fork(pid)
    try:
        data: bytes = cloudpickle.dumps(result)
    except Exception as error:  # classes raise what they like
        return failure_of(
            PartError(
                f"The result of a part can't be sent to its job: {error}. Return data, "
                "or the name of a file."
            )
        )
    return _RESULT + data


def _leave_fork(pid: int) -> None:
    if os.getpid() != pid:
        os._exit(0)


def failure_of(error: BaseException) -> bytes:
    """Return the outcome of a part that has raised."""
    import cloudpickle

    text = "".join(traceback.format_exception(error))
    try:
        data: bytes = cloudpickle.dumps((error, text))
        # Not every exception can be made again of what it was pickled to.
        cloudpickle.loads(data)
    except Exception:  # classes raise what they like
        data = cloudpickle.dumps((_stand_in(error), text))
    return _ERROR + data


def _stand_in(error: BaseException) -> PartError:
    """Return what says of an exception what it can, where it can't be sent."""
    try:
        message = str(error)
    except Exception:
        message = "The error can't be shown as text."
    found = PartError(f"{type(error).__name__}: {message}")
    found.kinds = kinds_of(error)
    found.retry_after = asked_pause(error, time.time())
    return found


def ended(
    outcome: bytes, number: int, item: object
) -> tuple[Any, BaseException | None]:
    """Return the result of a part, or its exception, with a note that names it.

    Args:
        outcome: as another process has sent it.
        number: of the part, from 1.
        item: of the part.
    """
    import cloudpickle

    try:
        found = cloudpickle.loads(outcome[1:])
    except Exception as problem:  # classes raise what they like
        name = name_of(number, item)
        unread = PartError(
            f"The outcome of {name} can't be read in its job: {problem}."
        )
        unread.__cause__ = problem
        return None, unread
    if outcome[:1] == _RESULT:
        return found, None
    error: BaseException
    error, text = found
    add_note(error, name_of(number, item))
    error.__cause__ = RemoteTraceback(text)
    return None, error


def sent(what: str, value: object) -> bytes:
    """Return a value for another process.

    Args:
        what: it is, for messages.
        value: any object.

    Raises:
        PartError: it can't be sent.
    """
    import cloudpickle

    try:
        data: bytes = cloudpickle.dumps(value)
    except Exception as error:  # classes raise what they like
        raise PartError(
            f"{what} can't be sent to another process: {error}. Pass data or names, "
            "and open connections and files in the function."
        ) from error
    return data

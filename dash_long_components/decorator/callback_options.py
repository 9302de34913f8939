"""Checks of the options of ``long_callback``, by the option's name.

Each raises a ValueError that names the option, the value and what the option takes.
"""

from __future__ import annotations

import difflib
import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dash import Patch, no_update
from dash.dependencies import ALL, ALLSMALLER, Input, Output
from dash.development.base_component import Component

from ..bridge import internals
from ..core.lanes import Retrigger
from ..core.steps import MAX_STEPS
from ..core.texts import one_line
from ..managers.base import LongCallbackManager, checked

#: ``(Output, value while running, value when done)``
Running = tuple[Output, Any, Any]

#: A text, or a function of the user's arguments that returns one.
Title = str | Callable[..., Any] | None

#: Options of ``dash.callback`` that only fit callbacks which answer their request
#: themselves, or Dash's own background callbacks.
_WITHOUT_MEANING = {
    "api_endpoint",
    "persistent",
    "websocket",
}

#: Options of managers that people look for here.
_OF_MANAGERS = {
    *("cache_by", "expire"),
    *("max_concurrency", "max_queue", "queue_timeout", "queues"),
}


def options(names: Iterable[str], own: Iterable[str]) -> None:
    """Check that all options exist, here or in ``dash.callback``.

    Raises:
        TypeError: one does not; the message suggests a similar name.
        ValueError: one makes no sense here.
    """
    if "background" in names:
        raise ValueError(
            "long_callback() takes no background=: its function always runs outside "
            "of the request. Leave it out."
        )
    for name in _OF_MANAGERS & {*names}:
        raise TypeError(
            f"long_callback() takes no {name}=: it is an option of the manager, like "
            f"DiskcacheLongCallbackManager(cache, {name}=...)."
        )
    known = {*own, *internals.callback_options()} - _WITHOUT_MEANING
    for name in set(names) - known:
        similar = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {similar[0]}=?" if similar else ""
        raise TypeError(f"long_callback() takes no {name}=.{hint}")


def manager(value: Any, name: str = "manager=") -> LongCallbackManager | None:
    """Return a manager, or None for the app's own."""
    return None if value is None else checked(value, name)


def running(value: Any) -> tuple[Running, ...]:
    """Return the entries of ``running``, also of a single one without a list."""
    entries = value if isinstance(value, list | tuple) else [value]
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


def cancel(value: Any) -> tuple[Input, ...]:
    """Return the Inputs of ``cancel``, also of a single one without a list."""
    inputs = value if isinstance(value, list | tuple) else [value]
    for item in inputs:
        if not isinstance(item, Input):
            raise ValueError(f"cancel= takes an Input or a list of them, not {item!r}.")
    return tuple(inputs)


def progress(value: Any) -> Any:
    """Return the grouping of progress Outputs, or None."""
    if value is None:
        return None
    for item in internals.flatten(value):
        if not isinstance(item, Output):
            raise ValueError(
                f"progress= takes an Output or a grouping of them, not {item!r}."
            )
    return value


def progress_default(
    progress: Any, default: Any, outputs: Sequence[Output]
) -> tuple[Any, ...]:
    """Return one value for each progress Output, flat.

    Without a default, a property that the callback returns too keeps its value.
    """
    if progress is None:
        if default is not None:
            raise ValueError(
                f"progress_default={default!r} does nothing without progress=. Add "
                "progress=, or leave it out."
            )
        return ()
    if default is None:
        return tuple(
            no_update if item in outputs else None
            for item in internals.flatten(progress)
        )
    try:
        values = tuple(internals.flatten(default, progress))
    except ValueError as error:
        raise ValueError(
            "progress_default= takes one value for each Output of progress=, in the "
            f"same grouping, not {default!r}."
        ) from error
    # An Output with ALL takes a list with one value for each component.
    lists = [value if isinstance(value, list) else [value] for value in values]
    if any(isinstance(value, Patch) for value in itertools.chain(*lists)):
        raise ValueError(
            "progress_default= takes values and no Patch: it is set when a job starts "
            "and again when it ends. A Patch of running= is undone by another one."
        )
    return values


def set_progress(function: Callable[..., Any]) -> None:
    """Check that ``set_progress`` is the first parameter, if the function has it."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some functions of C have no signature
        return
    for parameter in parameters[1:]:
        if parameter.name == "set_progress" and parameter.default is parameter.empty:
            raise ValueError(
                f"{getattr(function, '__qualname__', function)}() has set_progress "
                f"after {parameters[0].name}. Make it the first parameter."
            )


def parameters(
    function: Callable[..., Any],
    arguments: Iterable[int | str],
    *,
    progress: bool,
    what: str = "",
) -> None:
    """Check that a function can take its arguments.

    Args:
        function: the user's.
        arguments: their names if they come by keyword, else their indices.
        progress: whether ``set_progress`` comes before them.
        what: the start of the message, if the function is an option's.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions of C have no signature
        return
    names = [name for name in arguments if isinstance(name, str)]
    count = len([name for name in arguments if isinstance(name, int)]) + progress
    try:
        signature.bind(*[None] * count, **dict.fromkeys(names))
    except TypeError as error:
        given = [
            *(["set_progress"] if progress else []),
            *(
                f"{name}=" if isinstance(name, str) else "one value"
                for name in arguments
            ),
        ]
        name = getattr(function, "__qualname__", function)
        raise ValueError(
            f"{what}{name}{signature} can't take its arguments "
            f"({', '.join(given)}): {error}. Give it "
            f"{'set_progress, then ' if progress else ''}one parameter for each Input "
            "and State."
        ) from error


def job(value: Any) -> Output | None:
    """Return an Output with the id of the job's component, or None."""
    if value is None:
        return None
    is_id = isinstance(value, str | dict | Component) and value not in ("", {})
    values = value.values() if isinstance(value, dict) else ()
    if not is_id or any(item is ALL or item is ALLSMALLER for item in values):
        raise ValueError(
            "job= takes the id of a LongJob in the layout, a dict id with MATCH for "
            f"a callback with MATCH, not {value!r}."
        )
    # Only the id and its wildcards count, not the property.
    return Output(value, "status")


def title(value: Any, arguments: Iterable[int | str]) -> Title:
    """Return the title of jobs, or the function that makes it.

    Args:
        value: what the user gave.
        arguments: what such a function gets, as for ``parameters``.
    """
    if callable(value):
        parameters(value, arguments, progress=False, what="title=: ")
    elif not isinstance(value, str | None):
        raise ValueError(
            "title= takes text, or a function of the callback's arguments that "
            f"returns text, not {value!r}."
        )
    chosen: Title = value
    return chosen


def steps(value: Any) -> tuple[str, ...]:
    """Return the names of steps, each in one line."""
    names = value if isinstance(value, list | tuple) else [value]
    lines = [one_line(name) if isinstance(name, str) else None for name in names]
    if None in lines or len({*lines}) < len(lines):
        raise ValueError(
            f"steps= takes a list of names of steps, each of them once, not {value!r}."
        )
    if len(lines) > MAX_STEPS:
        raise ValueError(
            f"steps= takes at most {MAX_STEPS} steps, not {len(lines)}. Name the "
            "outermost steps only."
        )
    return tuple(line for line in lines if line is not None)


def interval(value: Any) -> float:
    """Return milliseconds."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 <= value < float("inf")):
        raise ValueError(f"interval= takes milliseconds, zero or more, not {value!r}.")
    return float(value)


def retrigger(value: Any) -> Retrigger:
    """Return the effect of a new trigger while a job is live."""
    try:
        return Retrigger(value)
    except ValueError:
        names = ", ".join(repr(item.value) for item in Retrigger)
        raise ValueError(
            f"on_retrigger= takes one of {names}, not {value!r}."
        ) from None


def cache_args_to_ignore(
    value: Any, arguments: Mapping[int | str, Sequence[int]]
) -> frozenset[int]:
    """Return the positions of the Inputs and State that the cache key leaves out.

    Args:
        value: a name of a dict of Inputs, an index, or a list of them.
        arguments: the positions by name or index.
    """
    if value is None:
        return frozenset()
    names = value if isinstance(value, list | tuple | set | frozenset) else [value]
    for name in names:
        is_name = isinstance(name, int | str) and not isinstance(name, bool)
        if not is_name or name not in arguments:
            valid = ", ".join(map(repr, arguments))
            raise ValueError(
                f"cache_args_to_ignore= takes arguments of the function ({valid}) or a "
                f"list of them, not {name!r}."
            )
    return frozenset(position for name in names for position in arguments[name])


def cache_ignore_triggered(value: Any) -> bool:
    """Return whether the cache key leaves out which Inputs have changed."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"cache_ignore_triggered= takes True or False, not {value!r}.")

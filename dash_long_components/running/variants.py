"""A text that tells functions of the same source apart.

A factory that is called for two tenants makes two functions of one source. A factory
that the module calls, and that the server calls again, makes the same one twice.
"""

from __future__ import annotations

import enum
import functools
import inspect
import os
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any

from ..bridge import internals
from ..core import module_names

#: Levels of containers that are looked into, and items that one may have.
_DEPTH, _WIDTH = 8, 1000

#: Not all that has a length: a proxy, such as a Celery task, may have none in truth.
_CONTAINERS = (str, bytes, list, tuple, set, frozenset, dict)

_PACKAGE = __name__.partition(".")[0]


class IndescribableError(Exception):
    """A value can't be told from others of its kind by a text."""


def describe(function: Callable[..., Any], definition: Any, *options: Any) -> str:
    """Return a text of all that a task has beyond the source of its function.

    These are the options, the values that the function closes over, its defaults, and
    what a partial or an object adds. If a value of the closure can't be described as
    text, the arguments of the call that defines the function count instead.

    Args:
        function: what the user decorates.
        definition: what has its source.
        options: with what they decorate it.

    Raises:
        IndescribableError: it may differ in a value that no text describes.
    """
    own = _describe_all([*options, *_additions(function, definition)])
    closure = getattr(definition, "__closure__", None)
    if not closure:
        return own
    try:
        return own + _describe_all(_contents(closure))
    except IndescribableError:
        return own + _describe_call()


def _additions(function: Any, definition: Any) -> Iterable[Any]:
    """Yield what partials, objects and defaults add to a definition."""
    while isinstance(function, functools.partial):
        yield from (function.args, function.keywords)
        function = function.func
    if isinstance(function, types.MethodType):
        yield function.__self__
    elif definition is type(function):
        yield function
    yield getattr(definition, "__defaults__", None)
    yield getattr(definition, "__kwdefaults__", None)


def _contents(closure: Iterable[types.CellType]) -> list[Any]:
    try:
        return [cell.cell_contents for cell in closure]
    except ValueError:  # a variable that gets its value later
        raise IndescribableError from None


def _describe_call() -> str:
    """Describe the arguments of the user's call that runs now."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    if frame is None or not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        raise IndescribableError  # a module or a class, which may loop over its values
    arguments = inspect.getargvalues(frame)
    names = [*arguments.args, arguments.varargs, arguments.keywords]
    names += frame.f_code.co_freevars
    return _describe_all(frame.f_locals.get(name) for name in names if name)


def _is_ours(frame: types.FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE


def _describe_all(values: Iterable[Any]) -> str:
    return "\0" + ",".join(_describe(value, _DEPTH) for value in values)


def _describe(value: Any, depth: int) -> str:
    if depth == 0 or (isinstance(value, _CONTAINERS) and len(value) > _WIDTH):
        raise IndescribableError
    match value:
        case str() | bytes() | None | bool() | int() | float() | complex():
            return repr(value)
        case enum.Enum() | os.PathLike():
            return f"{type(value).__qualname__}:{value}"
        case list() | tuple():
            return f"[{','.join(_describe(item, depth - 1) for item in value)}]"
        case set() | frozenset():
            return f"[{','.join(sorted(_describe(item, depth - 1) for item in value))}]"
        case dict():
            pairs = [_describe(pair, depth - 1) for pair in value.items()]
            return f"{{{','.join(pairs)}}}"
        case types.ModuleType():
            return module_names.importable_name(value.__name__)
        case type() | types.BuiltinFunctionType():
            return value.__qualname__
        case types.FunctionType():
            contents = _contents(value.__closure__ or ())
            return f"{value.__qualname__}{_describe(contents, depth - 1)}"
    text = internals.describe(value)
    if text is None:
        raise IndescribableError
    return text

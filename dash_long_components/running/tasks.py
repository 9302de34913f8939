"""Tasks: decorated functions, with the same key in every process."""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..bridge.error_messages import ErrorMessage
from ..bridge.signature import Signature
from ..core import module_names
from ..core.queueing import DEFAULT
from . import variants


@dataclass(frozen=True, kw_only=True)
class Task:
    """A decorated function, with all that a worker needs to run it.

    Attributes:
        key: the same in every process that imports the same code.
        name: ``module.function``, for people.
        function: the user's function.
        signature: its dependencies and further options of ``dash.callback``.
        progress: the grouping of Outputs given as ``progress``, or None.
        fingerprint: of the function's source.
        error_message: the app's function that gives the page a text for an exception,
            for a process without the app.
        transforms: of the app, if it is a ``DashProxy``.
        retry_on: types of exceptions after which a job is tried again.
        queue: name of the queue of its jobs.
        priority: of its jobs.
    """

    key: str
    name: str
    function: Callable[..., Any]
    signature: Signature
    progress: Any
    fingerprint: str
    error_message: ErrorMessage | None = None
    transforms: tuple[Any, ...] = ()
    retry_on: tuple[type[BaseException], ...] = ()
    queue: str = DEFAULT
    priority: int = 0

    @functools.cached_property
    def takes_set_progress(self) -> bool:
        """Whether the function gets ``set_progress`` as its first argument."""
        return self.progress is not None or _first_parameter(self.function) == (
            "set_progress"
        )

    @property
    def is_importable(self) -> bool:
        """Whether an import of the function's module defines the function."""
        if "<locals>" in _definition(self.function).__qualname__:
            return False
        return getattr(sys.modules.get(self.module), "__file__", None) is not None

    @property
    def module(self) -> str:
        """Name of the module that defines the function."""
        return str(_definition(self.function).__module__)

    def for_app(
        self,
        on_error: Callable[[Exception], Any] | None = None,
        error_message: ErrorMessage | None = None,
    ) -> Task:
        """Return the task with the app's own options, for a process without the app.

        Args:
            on_error: the app's error handler. One of the task comes first.
            error_message: the app's function for the texts of exceptions.
        """
        task = replace(self, error_message=error_message)
        options = self.signature.options
        if on_error is None or options.get("on_error") is not None:
            return task
        signature = replace(self.signature, options={**options, "on_error": on_error})
        return replace(task, signature=signature)


_registry: dict[str, Task] = {}
#: Variants of each definition, by the text of their key, in order. The definition is
#: stored so that its ``id`` is not reused. None marks a variant that equals no other.
_made: dict[int, tuple[Any, dict[str, list[str | None]]]] = {}
_listeners: list[Callable[[Task], None]] = []


def register(task: Task) -> None:
    """Add a task. It replaces an earlier one with the same key.

    That also happens when a module is imported again under another name.
    """
    _registry[task.key] = task
    for listener in _listeners:
        listener(task)


def on_register(listener: Callable[[Task], None]) -> None:
    """Call ``listener`` with every task, registered or yet to come."""
    for task in list(_registry.values()):
        listener(task)
    _listeners.append(listener)


def find(key: str) -> Task | None:
    """Return the task with this key, or None."""
    return _registry.get(key)


def of_function(function: Callable[..., Any]) -> list[Task]:
    """Return the tasks that run a function."""
    return [task for task in list(_registry.values()) if task.function is function]


def of_name(name: str) -> list[Task]:
    """Return the tasks with this name: a factory may make several."""
    return [task for task in list(_registry.values()) if task.name == name]


def names() -> set[str]:
    """Return the names of all registered tasks."""
    return {task.name for task in list(_registry.values())}


def have_priorities() -> bool:
    """Return whether any registered task has a priority."""
    return any(task.priority for task in list(_registry.values()))


def fingerprints() -> dict[str, str]:
    """Return the fingerprint of every registered task by its key."""
    return {key: task.fingerprint for key, task in _registry.items()}


def modules() -> set[str]:
    """Return the names of the modules whose import defines registered tasks."""
    return {task.module for task in _registry.values() if task.is_importable}


def name_of(function: Callable[..., Any]) -> str:
    """Return ``module.function``, the same in every process.

    The main file here may be a module elsewhere: of a Celery worker
    (``celery -A app``), or of gunicorn (``app:server``).
    """
    definition = _wrapped(_definition(function))
    module = module_names.importable_name(definition.__module__)
    return f"{module}.{definition.__qualname__}"


def new_key(function: Callable[..., Any], callback_id: str, *options: Any) -> str:
    """Return the key for a new task.

    ``callback_id`` is Dash's own, made of the Outputs: two callbacks that a factory
    makes from the same source differ in it. The same callback of two apps from a
    factory does not, so its variants are numbered: a module makes its apps in the same
    order everywhere. Equal variants have one number: a server may call the factory that
    the module has called. A module that is executed again makes the same keys again.
    """
    text = f"{name_of(function)}\0{callback_id}"
    definition = _definition(function)
    code = getattr(definition, "__code__", definition)
    _, variants_of = _made.setdefault(id(code), (code, {}))
    known = variants_of.setdefault(text, [])
    try:
        variant = _hash(variants.describe(function, definition, *options))
    except variants.IndescribableError:
        variant = None
    if variant is None or variant not in known:
        known.append(variant)
    number = len(known) if variant is None else known.index(variant) + 1
    return _hash(f"{text}\0{number}" if number > 1 else text)


def fingerprint_of(function: Callable[..., Any]) -> str:
    """Return a hash of the function's source, or of its byte code if it has none."""
    definition = _definition(function)
    try:
        text = inspect.getsource(definition)
    except (OSError, TypeError):
        code = getattr(inspect.unwrap(definition), "__code__", None)
        text = repr(code and _code_parts(code))
    return _hash(text)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _definition(function: Callable[..., Any]) -> Any:
    """Return the object with a name and a source: a partial's function, or a class."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if hasattr(function, "__qualname__") else type(function)


def _wrapped(definition: Any) -> Any:
    """Return what a wrapper wraps, also one without ``functools.wraps``.

    Such a wrapper takes any arguments, and closes over one function.
    """
    cells = getattr(definition, "__closure__", None) or ()
    functions = [value for value in map(_contents, cells) if inspect.isfunction(value)]
    if len(functions) != 1 or hasattr(definition, "__wrapped__"):
        return definition
    kinds = {each.kind for each in inspect.signature(definition).parameters.values()}
    takes_any = kinds == {
        inspect.Parameter.VAR_POSITIONAL,
        inspect.Parameter.VAR_KEYWORD,
    }
    return _wrapped(functions[0]) if takes_any else definition


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a variable that gets its value later
        return None


def _first_parameter(function: Callable[..., Any]) -> str | None:
    """Return the name of the first positional parameter; None if it has none."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions of C have no signature
        return None
    first = next(iter(parameters), None)
    is_positional = first is not None and first.kind in (
        first.POSITIONAL_ONLY,
        first.POSITIONAL_OR_KEYWORD,
    )
    return first.name if first is not None and is_positional else None


def _code_parts(code: types.CodeType) -> tuple[Any, ...]:
    """Return the parts of code that are the same in every process."""
    constants = [
        _code_parts(item)
        if isinstance(item, types.CodeType)
        else sorted(map(repr, item))
        if isinstance(item, frozenset)
        else repr(item)
        for item in code.co_consts
    ]
    return (code.co_code, code.co_names, constants)

"""Tasks: decorated functions, found under the same key in every process."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .signature import Signature

#: The names under which the main file of a program may be imported: by the
#: interpreter, and by our own and multiprocessing's child processes.
_MAIN_NAMES = ("__main__", "__mp_main__")


@dataclass(frozen=True, kw_only=True)
class Task:
    """A decorated function with what it takes to run it.

    Attributes:
        key: the same in every process that imports the same code.
        name: ``module.function``, for people.
        function: the user's function.
        signature: its dependencies and further options of ``dash.callback``.
        progress: the grouping of Outputs given as ``progress``, or None.
        fingerprint: of the function's source.
    """

    key: str
    name: str
    function: Callable[..., Any]
    signature: Signature
    progress: Any
    fingerprint: str

    @property
    def is_importable(self) -> bool:
        """Whether an import of the function's module alone would bring it back."""
        if "<locals>" in self.function.__qualname__:
            return False
        module = sys.modules.get(self.function.__module__)
        return getattr(module, "__file__", None) is not None

    def with_on_error(self, handler: Callable[[Exception], Any] | None) -> Task:
        """Return the task with the app's error handler, unless it has its own.

        For a process in which there is no app to ask.
        """
        options = self.signature.options
        if handler is None or options.get("on_error") is not None:
            return self
        signature = replace(self.signature, options={**options, "on_error": handler})
        return replace(self, signature=signature)


_registry: dict[str, Task] = {}


def register(task: Task) -> None:
    """Add a task. A later one with the same key takes the place of the earlier."""
    _registry[task.key] = task


def find(key: str) -> Task | None:
    """Return the task with this key, or None."""
    return _registry.get(key)


def fingerprints() -> dict[str, str]:
    """Return the fingerprint of every registered task by its key."""
    return {key: task.fingerprint for key, task in _registry.items()}


def modules() -> set[str]:
    """Return the names of the modules that registered tasks were defined in."""
    return {task.function.__module__ for task in _registry.values()}


def name_of(function: Callable[..., Any]) -> str:
    """Return ``module.function``, with one name for the main module everywhere."""
    module = function.__module__
    return f"{'__main__' if module in _MAIN_NAMES else module}.{function.__qualname__}"


def key_of(function: Callable[..., Any], callback_id: str) -> str:
    """Return the key of a task.

    ``callback_id`` is Dash's own, made of the Outputs: two callbacks that a factory
    made from the same source differ in it.
    """
    text = f"{name_of(function)}\0{callback_id}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint_of(function: Callable[..., Any]) -> str:
    """Return a hash of the function's source, or of its byte code without source."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        code = inspect.unwrap(function).__code__
        text = f"{code.co_code!r}{code.co_consts!r}{code.co_names!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]

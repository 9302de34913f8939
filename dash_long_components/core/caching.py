"""Results that are kept for whoever asks the same again: their keys, and what is kept.

Everything here is pure: no clock, no store, no process.
"""

from __future__ import annotations

import datetime
import decimal
import hashlib
import inspect
import json
import pathlib
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .jobs import Caching, Call

#: Another one whenever what keys are made of changes, or what is kept under them.
_FORMAT = 1

#: Types whose ``str`` says all, in every process the same.
_SPELLED = (
    uuid.UUID,
    datetime.date,
    datetime.time,
    decimal.Decimal,
    pathlib.PurePath,
)

#: A function of ``cache_by``.
CacheBy = Callable[[], Any]


def check_cache_by(value: CacheBy | Sequence[CacheBy] | None) -> list[CacheBy] | None:
    """Return the functions of ``cache_by``; None if nothing is to be cached.

    Raises:
        ValueError: one of them is no function without arguments.
    """
    if value is None:
        return None
    functions: list[Any] = [*value] if isinstance(value, list | tuple) else [value]
    for function in functions:
        if not callable(function) or not _takes_nothing(function):
            raise ValueError(
                "cache_by= takes a function without arguments or a list of them, not "
                f"{function!r}."
            )
    return functions


def call_all(functions: Sequence[CacheBy]) -> list[Any]:
    """Call the functions of ``cache_by``, in the request that they may look at.

    Raises:
        TypeError: one returned what has no form that is the same in every process.
    """
    values = []
    for function in functions:
        value = function()
        try:
            _canonical(value)
        except (TypeError, ValueError, RecursionError) as error:
            name = getattr(function, "__qualname__", repr(function))
            raise TypeError(
                f"{name}, a function of cache_by=, returned {value!r}. It is to return "
                "text, numbers, dates or UUIDs, or lists and dicts of such."
            ) from error
        values.append(value)
    return values


def key_of(
    call: Call,
    *,
    ignored: Collection[int] = (),
    ignore_triggered: bool = True,
    by: Sequence[Any] = (),
) -> str:
    """Return the key of a call: who has the same key gets the same result.

    It is made of the callback with its Outputs, its source, its arguments and the
    values of ``cache_by``, and of nothing that depends on the process.

    Args:
        call: what is to run.
        ignored: which Inputs and State do not count, by their position.
        ignore_triggered: whether it does not count which Inputs have changed.
        by: what the functions of ``cache_by`` returned.
    """
    context = call.context
    arguments = [
        None if position in ignored else argument
        for position, argument in enumerate([*context["inputs"], *context["state"]])
    ]
    question = {
        "format": _FORMAT,
        "task": call.task,
        "source": call.fingerprint,
        "outputs": context["outputs"],
        "progress": call.progress,
        "arguments": arguments,
        "triggered": None if ignore_triggered else sorted(context["triggered"]),
        "by": list(by),
    }
    return hashlib.sha256(_canonical(question).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class CachedResult:
    """A result that is kept.

    Attributes:
        response: Dash's own callback response as JSON text.
        libraries: component libraries that it needs.
        duration: seconds that the function ran for.
        written: seconds since the epoch.
    """

    response: bytes
    libraries: tuple[str, ...] = ()
    duration: float
    written: float

    def to_text(self) -> str:
        """Return it as text: a line about it, then the response as it is."""
        head = {
            "libraries": self.libraries,
            "duration": round(self.duration, 3),
            "written": self.written,
        }
        return f"{json.dumps(head)}\n{self.response.decode()}"

    @classmethod
    def from_text(cls, text: str) -> CachedResult:
        """Undo ``to_text``.

        Raises:
            ValueError: this is no such text.
        """
        head, _, response = text.partition("\n")
        try:
            fields = json.loads(head)
            return cls(
                response=response.encode(),
                libraries=tuple(fields["libraries"]),
                duration=fields["duration"],
                written=fields["written"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("This is no cached result.") from error


class Results(Protocol):
    """Where results are kept. It may forget any of them, and fails for no job."""

    def get(self, caching: Caching) -> CachedResult | None:
        """Return what is kept, and keep it for ``expire`` seconds from now on.

        None if there is nothing, or the place can't be read: that is logged.
        """

    def put(self, caching: Caching, result: CachedResult) -> None:
        """Keep a result. A place that does not take it is logged, and no error."""


def _takes_nothing(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # a builtin that does not say what it takes
        return True
    return True


def _canonical(value: Any) -> str:
    """Return the one JSON text that stands for a value and its equals.

    Numbers differ where their JSON does: 1 and 1.0 are two, since a function may tell
    them apart. A page sends 1 for both.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_spell)


def _spell(value: Any) -> Any:
    if isinstance(value, _SPELLED):
        return [type(value).__name__, str(value)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(map(_canonical, value))]
    raise TypeError(f"{type(value).__name__} has no form of its own.")

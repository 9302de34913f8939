"""Cached results: their keys and their form."""

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

from .calls import Caching, Call
from .lanes import Admission, Answer
from .updates import is_patch, values_in

#: Changes with the parts of a key, and with the form of a cached result.
_FORMAT = 1

#: Types whose ``str`` is complete, and the same in every process.
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
    """Return the functions of ``cache_by``; None to cache nothing.

    Raises:
        ValueError: one of them is not a function without arguments.
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
    """Call the functions of ``cache_by`` in the request at hand.

    Raises:
        TypeError: one returned a value that can't be part of a key.
    """
    values = []
    for function in functions:
        value = function()
        try:
            _canonical(value)
        except (TypeError, ValueError, RecursionError) as error:
            name = getattr(function, "__qualname__", repr(function))
            raise TypeError(
                f"{name}, a function of cache_by=, returned {value!r}. Return "
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
    has_stale: bool = False,
) -> str:
    """Return the cache key of a call. Equal calls have the same key.

    The key covers the callback with its Outputs, its source, its arguments and the
    values of ``cache_by``. Nothing in it depends on the process.

    Args:
        call: what to run.
        ignored: positions of the Inputs and State that the key leaves out.
        ignore_triggered: whether the key leaves out which Inputs have changed.
        by: what the functions of ``cache_by`` returned.
        has_stale: whether pages may show an old result. Such results are kept past
            ``expire``, so a process without ``stale_for`` would take them for fresh.
    """
    context = call.context
    arguments = [
        None if position in ignored else _with_value(argument)
        for position, argument in enumerate([*context["inputs"], *context["state"]])
    ]
    parts: dict[str, Any] = {
        "format": _FORMAT,
        "task": call.task,
        "source": call.fingerprint,
        "app": call.app,
        "outputs": _without_mark(context["outputs"]),
        "progress": call.progress,
        "arguments": arguments,
        "triggered": None if ignore_triggered else sorted(context["triggered"]),
        "by": list(by),
    }
    if has_stale:
        parts["stale_for"] = True
    return hashlib.sha256(_canonical(parts).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class CachedResult:
    """A cached result.

    Attributes:
        response: Dash's own callback response as JSON text.
        libraries: component libraries that it needs.
        duration: seconds that the function ran.
        written: seconds since the epoch.
    """

    response: bytes
    libraries: tuple[str, ...] = ()
    duration: float
    written: float

    def age(self, now: float) -> float:
        """Return the seconds since it was made, by the clock of the reader.

        Another machine may have made it, with a clock that is ahead.
        """
        return max(0.0, now - self.written)

    def is_fresh(self, caching: Caching, now: float) -> bool:
        """Return whether it answers a call, so that no job has to run."""
        if caching.expire is None or caching.stale_for is None:
            return True
        return self.age(now) < caching.expire

    def is_stale(self, caching: Caching, now: float) -> bool:
        """Return whether a page may show it while a job refreshes it.

        One with a Patch may not: the page would apply it, and the new one too.
        """
        return (
            not self.is_fresh(caching, now)
            and self.age(now) < (caching.lifetime or 0.0)
            and not self._has_patch
        )

    @property
    def _has_patch(self) -> bool:
        response = json.loads(self.response)["response"]
        return any(map(is_patch, values_in(response).values()))

    def to_text(self) -> str:
        """Return the result as text: a line of metadata, then the response."""
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
            ValueError: the text is something else.
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
            raise ValueError("The text is not a cached result.") from error


class Results(Protocol):
    """A result cache. It may drop any result, and never fails a job."""

    def get(self, caching: Caching) -> CachedResult | None:
        """Return a result, fresh or not.

        If it ``is_renewed``, let it expire ``expire`` seconds from now. None if there
        is none. A failure to read is logged, and returns None too.
        """

    def put(self, caching: Caching, result: CachedResult) -> None:
        """Add a result for its ``lifetime``. A failure is logged, nothing raised."""


def find_fresh(
    results: Results, caching: Caching | None, now: float
) -> CachedResult | None:
    """Return the cached result that answers a call; None if a job has to run."""
    found = results.get(caching) if caching else None
    if caching is None or found is None or not found.is_fresh(caching, now):
        return None
    return found


def find_stale(results: Results, caching: Caching, now: float) -> CachedResult | None:
    """Return the cached result that pages show while a job refreshes it, if any."""
    found = results.get(caching)
    if found is None or not found.is_stale(caching, now):
        return None
    return found


def _with_value(argument: Any) -> Any:
    """Return an argument with its value: a page leaves one out that is not set."""
    if isinstance(argument, list):
        return [_with_value(item) for item in argument]
    return {"value": None, **argument}


def _without_mark(outputs: Any) -> Any:
    """Return Outputs without the mark of those that other callbacks have too."""
    if isinstance(outputs, list):
        return [_without_mark(item) for item in outputs]
    return {**outputs, "property": outputs["property"].partition("@")[0]}


def answer_from(
    results: Results, call: Call, now: float, pass_by: Callable[[], Admission]
) -> tuple[bool, CachedResult | None]:
    """Answer a trigger from the result cache, by the rule of its lane.

    A cached result is a job that ends as soon as it comes to its lane. Where that job
    would have to wait for its turn, the trigger needs a real one.

    Args:
        results: the cache.
        call: of the trigger.
        now: seconds since the epoch.
        pass_by: has a job enter and leave the lane, and returns what follows.

    Returns:
        Whether the trigger needs no job, and the result that the page gets, if any.
    """
    hit = find_fresh(results, call.caching, now)
    if hit is None:
        return False, None
    admission = pass_by()
    if admission.waits:
        return False, None
    return True, hit if admission.answer is Answer.ENTER else None


def _takes_nothing(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature
        return True
    return True


def _canonical(value: Any) -> str:
    """Return the JSON text of a value; the same for equal values.

    1 and 1.0 differ, since a function may tell them apart. A page sends 1 for both.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_spell)


def _spell(value: Any) -> Any:
    if isinstance(value, _SPELLED):
        return [type(value).__name__, str(value)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(map(_canonical, value))]
    raise TypeError(f"{type(value).__name__} can't be part of a key.")

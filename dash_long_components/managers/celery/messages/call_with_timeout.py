"""Call a function that may hang, with a time limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

#: Seconds after which a broker that hangs counts as unavailable. Celery would wait for
#: Redis, for one, without an end.
BROKER_TIMEOUT = 5.0


#: Seconds for which a call that hangs keeps others from being made. A connection whose
#: other end is gone without a word may hang for ever.
PATIENCE = 600.0


def call_with_timeout(seconds: float, action: Callable[[], T]) -> T:
    """Return what ``action`` returns, or raise what it raises.

    It runs in a thread of its own. The thread goes on alone after the time limit.

    Raises:
        TimeoutError: it has not ended in time. It may still end later.
    """
    return _Call(action).wait(seconds)


class SingleCall:
    """Makes such calls one at a time: those that hang keep threads and connections.

    One thread uses it.
    """

    def __init__(self) -> None:
        self._last: _Call[Any] | None = None

    def __call__(self, seconds: float, action: Callable[[], T]) -> T:
        """Do what ``call_with_timeout`` does, unless the last call still hangs.

        Raises:
            TimeoutError: the call has not ended in time, or the last one has not.
        """
        if self._last is not None and self._last.hangs:
            raise TimeoutError("the last call has no answer yet")
        self._last = call = _Call(action)
        return call.wait(seconds)


class _Call(Generic[T]):
    """A call in a thread of its own."""

    def __init__(self, action: Callable[[], T]) -> None:
        self._action = action
        self._answers: list[T] = []
        self._errors: list[BaseException] = []
        self._began = time.monotonic()
        self._thread = threading.Thread(
            target=self._run, name="dash-long-jobs-call", daemon=True
        )
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answers.append(self._action())
        except BaseException as error:
            self._errors.append(error)

    @property
    def hangs(self) -> bool:
        """Whether it has not ended, and may still do so."""
        return self._thread.is_alive() and time.monotonic() - self._began < PATIENCE

    def wait(self, seconds: float) -> T:
        self._thread.join(seconds)
        if self._errors:
            raise self._errors[0]
        if not self._answers:
            raise TimeoutError(f"no answer within {seconds:g} s")
        return self._answers[0]

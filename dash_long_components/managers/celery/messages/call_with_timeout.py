"""Call a function that may hang, with a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Seconds after which a broker that hangs counts as unavailable. Celery would wait for
#: Redis, for one, without an end.
BROKER_TIMEOUT = 5.0


def call_with_timeout(seconds: float, action: Callable[[], T]) -> T:
    """Return what ``action`` returns, or raise what it raises.

    It runs in a thread of its own. The thread goes on alone after the time limit.

    Raises:
        TimeoutError: it has not ended in time. It may still end later.
    """
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(action())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="dash-long-jobs-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return answers[0]

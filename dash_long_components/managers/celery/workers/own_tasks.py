"""The Celery tasks of the package, each of which an app has once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import celery

F = TypeVar("F", bound=Callable[..., Any])

#: The names of those that each app has.
_names: WeakKeyDictionary[celery.Celery, set[str]] = WeakKeyDictionary()


def own_task(app: celery.Celery, name: str, **options: Any) -> Callable[[F], F]:
    """Return a decorator that adds a Celery task to an app, unless the app has it.

    An app may have two managers, and a factory may make a long callback again. Celery
    keeps the first task of a name, and from 5.7 on warns of another one.

    Args:
        app: of the workers.
        name: of the Celery task.
        options: of ``Celery.task``.
    """

    def add(function: F) -> F:
        names = _names.setdefault(app, set())
        if name not in names:
            names.add(name)
            # No other app gets it.
            add_it: Any = app.task(name=name, shared=False, **options)
            add_it(function)
        return function

    return add

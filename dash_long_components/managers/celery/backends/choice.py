"""Which of our backends an app of Celery gets."""

from __future__ import annotations

from functools import lru_cache

import celery

from .base import AnyBackend, Backend
from .database import DatabaseBackend
from .filesystem import FileBackend
from .redis import RedisBackend

#: Celery's modules that hold backends with a compare-and-set, by name.
_BACKENDS: dict[str, type[Backend]] = {
    "celery.backends.redis": RedisBackend,
    "celery.backends.database": DatabaseBackend,
    "celery.backends.filesystem": FileBackend,
}


@lru_cache(maxsize=4)
def backend_of(app: celery.Celery) -> Backend:
    """Return the backend of an app, the same object every time."""
    # By name: importing a kind of backend needs its packages.
    modules = [base.__module__ for base in type(app.backend).__mro__]
    kinds = [_BACKENDS[name] for name in modules if name in _BACKENDS]
    return kinds[0](app) if kinds else AnyBackend(app)

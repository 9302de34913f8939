"""The check of the result backend that a Celery app comes with."""

from __future__ import annotations

from typing import Any

import celery
from celery.app.backends import by_url
from celery.backends.base import DisabledBackend
from celery.backends.rpc import RPCBackend


def check_backend(app: celery.Celery) -> None:
    """Check that other processes can read the result backend of an app.

    Raises:
        ValueError: they can't, or there is none.
    """
    url: Any = app.backend_cls or app.conf.result_backend
    backend: Any = by_url(url, app.loader)
    if issubclass(backend[0], DisabledBackend):
        raise ValueError(
            "Celery instance must be configured with a result backend, like "
            f'celery.Celery(__name__, backend="redis://localhost"), not {url!r}.'
        )
    if issubclass(backend[0], RPCBackend):
        raise ValueError(
            "Only one process can read the result backend rpc://. No other server "
            "process, and no page after a restart, would find its jobs. Use Redis or "
            "a database."
        )
    is_memory = isinstance(url, str) and url.startswith("cache+memory")
    if is_memory and not app.conf.task_always_eager:
        raise ValueError(
            "The result backend cache+memory:// is in the memory of one process. No "
            "other process can read what workers write there. Use Redis or a database, "
            "or set task_always_eager in a test."
        )

"""Which jobs a command is for: those of an app, a directory or a broker."""

from __future__ import annotations

import importlib
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import click
import dash

from ..managers.base import LongCallbackManager
from ..managers.celery.manager import CeleryLongCallbackManager
from ..managers.diskcache.manager import DiskcacheLongCallbackManager
from ..managers.store.database import FILE, FOLDER
from ..web.app_jobs import AppJobs

#: The job store below the directory of a cache.
_STORE = Path(FOLDER, FILE)


def managers_of(
    app: str | None, store: str | None, broker: str | None, backend: str | None
) -> dict[str, LongCallbackManager]:
    """Return the managers that the options name, by a name for people.

    Args:
        app: ``module:attribute`` of a Dash app or a manager.
        store: directory of a cache.
        broker: URL of Celery's broker.
        backend: URL of Celery's result backend; None if it is the broker.

    Raises:
        click.UsageError: they name none, or more than one source.
    """
    given = [option for option in (app, store, broker) if option is not None]
    if len(given) != 1:
        raise click.UsageError(
            "Say whose jobs you mean: --app module:attribute, --store PATH or "
            "--broker URL."
        )
    if app is not None:
        return _of_app(app)
    if store is not None:
        return {"diskcache": _of_store(store)}
    return {"celery": _of_broker(str(broker), backend)}


def _of_app(name: str) -> dict[str, LongCallbackManager]:
    module_name, _, attribute = name.partition(":")
    if module_name.endswith(".py"):
        file = Path(module_name)
        raise click.UsageError(
            f"--app {name} is a file. Name its module: --app "
            f"{file.stem}:{attribute or 'app'}, in the directory of the file."
        )
    # As `python -m` and the command lines of servers do.
    sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise click.UsageError(f"--app {name}: {error}.") from error
    found: Any = module
    for part in (attribute or "app").split("."):
        if not hasattr(found, part):
            raise click.UsageError(f"--app {name}: {module_name} has no {part!r}.")
        found = getattr(found, part)
    if isinstance(found, LongCallbackManager):
        return {"manager": found}
    jobs = AppJobs.of(found) if isinstance(found, dash.Dash) else None
    if jobs is None:
        raise click.UsageError(
            f"--app {name} is neither a manager nor a Dash app with long callbacks, "
            f"but {type(found).__name__}."
        )
    jobs.complete()
    return jobs.managers()


def _of_store(path: str) -> LongCallbackManager:
    try:
        return _open(path)
    except (OSError, sqlite3.Error) as error:
        raise click.UsageError(
            f"--store {path}: {error}. Run this command as the user of the app."
        ) from error


def _open(path: str) -> LongCallbackManager:
    folder = Path(path)
    if (folder / _STORE.name).exists():
        folder = folder.parent
    if not (folder / _STORE).exists():
        raise click.UsageError(
            f"--store {path}: there is no job store. It is {_STORE} in the directory "
            "of the diskcache.Cache."
        )
    import diskcache

    is_fanout = (folder / "000").is_dir()
    cache = (diskcache.FanoutCache if is_fanout else diskcache.Cache)(str(folder))
    return DiskcacheLongCallbackManager(cache)


def _of_broker(broker: str, backend: str | None) -> LongCallbackManager:
    import celery
    from celery.exceptions import ImproperlyConfigured

    app = celery.Celery("dash-long-jobs", broker=broker, backend=backend or broker)
    try:
        return CeleryLongCallbackManager(app)
    except (ImportError, ImproperlyConfigured, ValueError) as error:
        option = "--broker" if backend is None else "--backend"
        raise click.UsageError(
            f"{option} names no result backend: {str(error).partition('.')[0]}. Name "
            "that of the app by --backend."
        ) from error

"""No server starts in a process that imports the app for its tasks."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator, Sequence
from typing import Any
from unittest import mock

import dash
import flask

from ..exceptions import LongCallbackError

#: Replaces the functions that start servers, while none may start.
_replaced: contextlib.ExitStack | None = None


@contextlib.contextmanager
def no_server() -> Iterator[None]:
    """Make a server that starts here fail. This process imports the app for its tasks.

    Yields:
        None. A file that runs its server on import raises a LongCallbackError.
    """
    global _replaced
    with contextlib.ExitStack() as _replaced:
        _refuse_to_serve([(dash.Dash, "run"), (flask.Flask, "run")])
        try:
            yield
        finally:
            _replaced = None


def refuse_asgi() -> None:
    """Make the servers of ASGI fail too, if none may start."""
    _refuse_to_serve(_asgi_servers())


def _refuse_to_serve(functions: Sequence[tuple[Any, str]]) -> None:
    """Replace functions that start a server, if none may start."""
    if _replaced is not None:
        for owner, name in functions:
            _replaced.enter_context(mock.patch.object(owner, name, _refuse))


def _refuse(*_args: Any, **_kwargs: Any) -> None:
    raise LongCallbackError(
        "the file runs its server on import, and the process that runs the jobs "
        'imports it too. Put app.run() under if __name__ == "__main__":'
    )


def _asgi_servers() -> list[tuple[Any, str]]:
    """Return the functions that start a server, of imported packages.

    An import of the others would take a second.
    """
    names = [
        *[("uvicorn", "run"), ("uvicorn.server", "Server.serve")],
        *[("quart", "Quart.run"), ("hypercorn.asyncio", "worker_serve")],
    ]
    found = []
    for module_name, path in names:
        module: Any = sys.modules.get(module_name)
        *outer, name = path.split(".")
        owner = functools.reduce(
            lambda at, part: getattr(at, part, None), outer, module
        )
        if hasattr(owner, name):
            found.append((owner, name))
    return found

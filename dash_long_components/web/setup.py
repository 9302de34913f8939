"""Set up an app for long callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash

from ..managers import base
from ..managers.base import LongCallbackManager
from . import routes
from .app_jobs import AppJobs


def init_app(
    app: dash.Dash,
    manager: LongCallbackManager,
    user: Callable[[], Any] | None = None,
    entry: str | None = None,
) -> None:
    """Give ``app`` long callbacks that ``manager`` runs.

    Adds the endpoints under the app's ``routes_pathname_prefix``, so that the app's
    own guards cover them. Adds the engine host to every layout. Idempotent. A further
    manager serves the callbacks that name it.

    Args:
        app: on a Flask server.
        manager: runs the jobs.
        user: called in every request that starts, reads or cancels jobs. Returns the
            user who sends the request, as a value that is JSON serializable: an id, or
            None for everyone who is not logged in. Only the user who started a job can
            read and cancel it. By default everyone who has the job's token can.
        entry: what makes the app: ``"module"``, ``"module:app"`` or
            ``"module:create_app()"``. Diskcache's dispatcher imports or calls it, so
            that it knows the functions of the jobs. By default the dispatcher does
            what the server did.

    Raises:
        ValueError: the app has no Flask server (yet), ``user`` is not callable, or
            ``entry`` has another form.
    """
    jobs = AppJobs.of(app)
    is_new = jobs is None
    if jobs is None:
        routes.check_server(app.server)
        jobs = AppJobs.set_up(app, entry)
    jobs.add_manager(manager)
    if user is not None:
        jobs.set_user(user)
    if is_new:
        routes.register(app.server, app.config.routes_pathname_prefix, jobs)


base.set_up_apps_with(init_app)

"""Setting up apps: ``init_app``, and the ``Dash`` class that does it by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash

from .decorator import validation
from .decorator.long_callback import F, long_callback
from .exceptions import MissingManagerError
from .managers.base import LongCallbackManager
from .web import routes
from .web.app_jobs import LongJobs


def init_app(
    app: dash.Dash,
    manager: LongCallbackManager,
    user: Callable[[], Any] | None = None,
) -> None:
    """Give ``app`` long callbacks that ``manager`` runs.

    Adds the endpoints under the app's ``routes_pathname_prefix``, so that whatever
    guards the app guards them, and the engine host to every layout served.
    Idempotent; a further manager serves the callbacks that name it.

    Args:
        app: on a Flask server.
        manager: runs the jobs.
        user: called in every request that starts, reads or cancels jobs, it says who
            sends it by a value that has a JSON form: an id, or None for everybody who
            is not logged in. A job can be read and cancelled only by whom it said at
            its start. By default whoever has a job's handle may.

    Raises:
        ValueError: the app has no Flask server (yet), or ``user`` is no function.
    """
    is_new = LongJobs.of(app) is None
    if is_new:
        routes.check_server(app.server)
    jobs = LongJobs.set_up(app)
    jobs.add_manager(manager)
    if user is not None:
        jobs.set_user(user)
    if is_new:
        routes.register(app.server, app.config.routes_pathname_prefix, jobs)


class Dash(dash.Dash):
    """A ``dash.Dash`` with ``long_callback``.

    Args:
        args: as for ``dash.Dash``.
        long_callback_manager: runs the jobs of the app's long callbacks.
        long_callback_user: says whose they are: ``user`` of ``init_app``.
        kwargs: as for ``dash.Dash``.
    """

    def __init__(
        self,
        *args: Any,
        long_callback_manager: LongCallbackManager | None = None,
        long_callback_user: Callable[[], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._long_callback_manager = validation.manager(
            long_callback_manager, "long_callback_manager="
        )
        self._long_callback_user = long_callback_user
        super().__init__(*args, **kwargs)
        self._init_long_callbacks()

    def init_app(self, app: Any = None, **kwargs: Any) -> None:
        """Set up the app on a Flask server, as ``dash.Dash.init_app`` does."""
        super().init_app(app, **kwargs)
        self._init_long_callbacks()

    def _init_long_callbacks(self) -> None:
        # dash.Dash(server=False) has no server before init_app() gives it one, and
        # its constructor calls init_app() itself if it has one.
        if self._long_callback_manager is not None and self.server is not None:
            init_app(self, self._long_callback_manager, self._long_callback_user)

    def long_callback(
        self, *args: Any, manager: LongCallbackManager | None = None, **kwargs: Any
    ) -> Callable[[F], F]:
        """Decorate a function to run as a job: ``long_callback``, for this app.

        Args:
            args: as for ``long_callback``.
            manager: runs the jobs; by default the app's own.
            kwargs: as for ``long_callback``.

        Raises:
            ValueError: there is no manager, or an option has a wrong value.
        """
        manager = manager or self._long_callback_manager
        if manager is None:
            raise MissingManagerError(
                "app.long_callback() has no manager to run its jobs. Pass "
                "long_callback_manager= to Dash(), or manager= to long_callback()."
            )
        decorator = long_callback(
            *args, manager=manager, register=self.callback, **kwargs
        )
        init_app(self, manager, self._long_callback_user)
        return decorator

"""A ``Dash`` class with long callbacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dash

from .decorator import callback_options
from .decorator.long_callback import Decorator, long_callback
from .exceptions import MissingManagerError
from .managers.base import LongCallbackManager
from .web.setup import equip_apps_with, init_app


def _add_long_callback(app: dash.Dash) -> None:
    """Give a plain ``dash.Dash`` a ``long_callback``, as Dash 2 had it.

    Dash itself has a message in its place that names other callbacks.
    """
    if isinstance(app, Dash):
        return

    def decorate(*args: Any, **kwargs: Any) -> Decorator:
        """Decorate a function to run as a job of this app."""
        return replace(long_callback(*args, **kwargs), register=app.callback)

    app.long_callback = decorate  # type: ignore[attr-defined]


equip_apps_with(_add_long_callback)


class Dash(dash.Dash):
    """A ``dash.Dash`` with ``long_callback``.

    Args:
        args: as for ``dash.Dash``.
        long_callback_manager: runs the jobs of the app's long callbacks.
        long_callback_user: returns the current user: ``user`` of ``init_app``.
        long_callback_entry: what makes the app: ``entry`` of ``init_app``.
        long_callback_error_message: what a page gets for an exception of a job:
            ``error_message`` of ``init_app``.
        long_callback_admin: returns whether the current user is an operator:
            ``admin`` of ``init_app``.
        kwargs: as for ``dash.Dash``.
    """

    def __init__(
        self,
        *args: Any,
        long_callback_manager: LongCallbackManager | None = None,
        long_callback_user: Callable[[], Any] | None = None,
        long_callback_entry: str | None = None,
        long_callback_error_message: Callable[[BaseException], str] | str | None = None,
        long_callback_admin: Callable[[], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._long_callback_manager = callback_options.manager(
            long_callback_manager, "long_callback_manager="
        )
        self._long_callback_user = long_callback_user
        self._long_callback_entry = long_callback_entry
        self._long_callback_error_message = long_callback_error_message
        self._long_callback_admin = long_callback_admin
        super().__init__(*args, **kwargs)
        self._init_long_callbacks()

    def init_app(self, app: Any = None, **kwargs: Any) -> None:
        """Set up the app on a server, as ``dash.Dash.init_app`` does.

        For an app that was made with ``server=False``. The app has its long callbacks
        from then on.

        Args:
            app: the server.
            kwargs: as for ``dash.Dash.init_app``.
        """
        super().init_app(app, **kwargs)
        self._init_long_callbacks()

    def _init_long_callbacks(self) -> None:
        # dash.Dash(server=False) gets its server with init_app(). Otherwise the
        # constructor calls init_app() itself.
        if self._long_callback_manager is not None and self.server is not None:
            self._init_app(self._long_callback_manager)

    def _init_app(self, manager: LongCallbackManager) -> None:
        init_app(
            self,
            manager,
            user=self._long_callback_user,
            entry=self._long_callback_entry,
            error_message=self._long_callback_error_message,
            admin=self._long_callback_admin,
        )

    def long_callback(
        self, *args: Any, manager: LongCallbackManager | None = None, **kwargs: Any
    ) -> Decorator:
        """Decorate a function to run as a job of this app.

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
                "long_callback_manager= to Dash(), or manager= to app.long_callback()."
            )
        decorator = long_callback(*args, manager=manager, **kwargs)
        self._init_app(manager)
        return replace(decorator, register=self.callback)

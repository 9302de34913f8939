"""Set up an app for long callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash

from ..bridge import callback_request, internals
from ..bridge.error_messages import ErrorMessage
from ..core.records import Record
from ..core.requesters import Requester
from ..exceptions import MissingManagerError
from ..managers.base import LongCallbackManager, checked
from ..managers.base.hooks import link_jobs_with
from ..managers.base.manager import set_up_apps_with
from . import routes, user_jobs
from .app_jobs import AppJobs
from .engine_host import add_engine_host

#: The attribute of an app that has the arguments it was set up with.
_SET_UPS = "_long_callback_set_ups"


def init_app(
    app: dash.Dash,
    manager: LongCallbackManager,
    user: Callable[[], Any] | None = None,
    entry: str | None = None,
    error_message: ErrorMessage | str | None = None,
    admin: Callable[[], Any] | None = None,
) -> None:
    """Give ``app`` long callbacks that ``manager`` runs.

    Adds the endpoints under the app's ``routes_pathname_prefix``, so that the app's
    own guards cover them. Adds the engine host to every layout. Idempotent. A further
    manager serves the callbacks that name it.

    Args:
        app: on Flask, FastAPI or Quart.
        manager: runs the jobs.
        user: called in every request that starts, reads or cancels jobs; may be
            async. Returns the user who sends the request, as a value that is JSON
            serializable: an id, or None for everyone who is not logged in. Only the
            user who started a job can read and cancel it. By default everyone who has
            the job's token can.
        entry: what makes the app: ``"module"``, ``"module:app"`` or
            ``"module:create_app()"``. Diskcache's dispatcher imports or calls it, so
            that it knows the functions of the jobs. By default the dispatcher does
            what the server did.
        error_message: what a page gets for an exception of a job: a function that
            takes the exception and returns a text, or ``"hide"`` for a text that says
            nothing of it. By default the page gets type and message. The log always
            gets the exception itself.
        admin: called in every request of a ``LongJobAdmin``; may be async. Returns
            whether the user who sends the request may see, cancel and hold back the
            jobs of all users. By default no one may.

    Raises:
        ValueError: the app has no such server (yet), or ``manager``, ``user``,
            ``entry``, ``error_message`` or ``admin`` has a value of the wrong kind.
        ImportError: ``admin`` is given, and the extra ``admin`` is not installed.
    """
    checked(manager, "init_app()")
    _follow_server(app, (manager, user, entry, error_message, admin))
    jobs = AppJobs.of(app)
    is_new = jobs is None
    if jobs is None:
        jobs = AppJobs.set_up(app, entry)
    jobs.add_manager(manager)
    if user is not None:
        jobs.users.set(user)
    if error_message is not None:
        jobs.set_error_message(error_message)
    if admin is not None and jobs.operators.set(admin):
        _serve_admin(app)
    if is_new:
        callback_request.observe(app)
        routes.register(app, jobs)
        if internals.has_agents(app):
            from .agents import Agents

            Agents(app, jobs).serve()
        for equip in _equip:
            equip(app)


def _follow_server(app: dash.Dash, arguments: tuple[Any, ...]) -> None:
    """Set up the app again when it gets the server that serves it. Idempotent.

    ``dash.Dash(server=False)`` gets it by ``app.init_app(server)``. Until then, Dash
    since 4.2 has another one, which serves nothing.

    Args:
        app: which one.
        arguments: of ``init_app`` here.
    """
    known: list[tuple[Any, ...]] | None = getattr(app, _SET_UPS, None)
    if known is not None:
        if arguments not in known:
            known.append(arguments)
        return
    set_ups = [arguments]
    setattr(app, _SET_UPS, set_ups)
    dashs_own = app.init_app

    def set_up_again(*args: Any, **kwargs: Any) -> None:
        dashs_own(*args, **kwargs)
        for each in list(set_ups):
            init_app(app, *each)

    app.init_app = set_up_again  # type: ignore[method-assign]


def _link(
    manager: LongCallbackManager, record: Record, requester: Requester, share: bool
) -> str:
    jobs = AppJobs.of_manager(manager)
    if jobs is None:
        raise MissingManagerError(
            "No app of this process has the manager of the job. Import the app, and "
            "link() knows it."
        )

    def sign(ticket: str) -> str:
        return jobs.link(manager, ticket, requester.owner, share)

    return user_jobs.link_to(sign, record, requester)


link_jobs_with(_link)


_serve_admin: Callable[[dash.Dash], None]


def serve_admin_with(serve: Callable[[dash.Dash], None]) -> None:
    """Call ``serve`` with every app that names its operators.

    The admin's layer calls this on import: the web layer must not import it.
    """
    global _serve_admin
    _serve_admin = serve


#: Functions of layers above this one, which set up every app.
_equip: list[Callable[[dash.Dash], None]] = []


def equip_apps_with(equip: Callable[[dash.Dash], None]) -> None:
    """Call ``equip`` with every app that is set up from now on."""
    _equip.append(equip)


set_up_apps_with(init_app)
dash.hooks.layout()(add_engine_host)

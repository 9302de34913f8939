"""What an app has once long callbacks are set up for it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import dash
from dash.dependencies import ClientsideFunction

from ..bridge import internals
from ..core.jobs import JobError, Status
from ..core.snapshots import Snapshot
from ..exceptions import BadTokenError, StoreUnavailableError
from ..managers.base import LongCallbackManager
from .tokens import TokenSigner

logger = logging.getLogger("dash_long_components")

#: Id of the component that hands new jobs to the engine. It is in every layout.
ENGINE_HOST = "_dash-long-jobs"

#: What a reader is told about a job that can't be found, whatever the reason.
UNKNOWN_JOB = JobError(
    type="UnknownJob",
    message="The server does not know this job. Its record has expired.",
    task="",
)


class AppJobs:
    """The long jobs of one app: its managers, and the handles of their jobs.

    Args:
        app: a ``dash.Dash`` on Flask.
    """

    def __init__(self, app: dash.Dash) -> None:
        self._app = app
        self._managers: list[LongCallbackManager] = []
        self._user: Callable[[], Any] | None = None
        self._cancels_registered = False
        self._looked_for: set[str] = set()
        self._lock = threading.Lock()
        self._signers: dict[bytes | str, TokenSigner] = {}

    @classmethod
    def of(cls, app: dash.Dash) -> AppJobs | None:
        """Return the long jobs of ``app``, or None if it was not set up for them."""
        if app.server is None:
            return None
        return _on_server(app.server).get(app.config.routes_pathname_prefix)

    @classmethod
    def of_request(cls) -> AppJobs | None:
        """Return the long jobs of the app whose callback the request at hand runs."""
        server, prefix = internals.callback_request()
        return _on_server(server).get(prefix)

    @classmethod
    def set_up(cls, app: dash.Dash) -> AppJobs:
        """Return the long jobs of ``app``, which it has from now on."""
        prefix = app.config.routes_pathname_prefix
        return _on_server(app.server).setdefault(prefix, cls(app))

    @property
    def manager(self) -> LongCallbackManager | None:
        """The app's manager: the first one it was set up with."""
        return self._managers[0] if self._managers else None

    @property
    def is_debug(self) -> bool:
        """Whether the app shows Dash's dev tools, and tracebacks in the browser."""
        return internals.is_debug(self._app)

    @property
    def on_error(self) -> Callable[[Exception], Any] | None:
        """The app's own error handler."""
        return internals.app_on_error(self._app)

    def add_manager(self, manager: LongCallbackManager) -> None:
        """Serve the jobs of ``manager`` too. Idempotent."""
        if manager not in self._managers:
            self._managers.append(manager)
            manager.app_modules.add(self._app.config.name)

    def set_user(self, user: Callable[[], Any]) -> None:
        """Have every job belong to what ``user`` returns in the request that starts it.

        Raises:
            ValueError: it can't be called, or there is another one already.
        """
        if not callable(user):
            raise ValueError(f"user= takes a function without arguments, not {user!r}.")
        if self._user not in (None, user):
            raise ValueError(
                "The app's jobs belong to what another function returns already. Pass "
                "user= once."
            )
        self._user = user

    def owner(self) -> str | None:
        """Return who sends the request at hand; None if that makes no difference.

        Raises:
            TypeError: what ``user`` returned has no JSON form.
        """
        if self._user is None:
            return None
        user = self._user()
        try:
            return json.dumps(user, sort_keys=True)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"The function that was given as user= returned a "
                f"{type(user).__name__}, which has no JSON form. Return the user's id."
            ) from error

    def look_for_view(self, component_id: Any, task: str) -> None:
        """Warn in debug mode, and once, if nothing can show the jobs of a task."""
        if not (self.is_debug and isinstance(component_id, str)):
            return
        if component_id in self._looked_for:
            return
        self._looked_for.add(component_id)
        problem = internals.what_is_wrong(self._app, component_id, "LongJob")
        if problem is not None:
            logger.warning(
                "job=%r of %s: %s. Put LongJob(id=%r) where its jobs are to be seen.",
                *(component_id, task, problem, component_id),
            )

    def sign(self, ticket: str, manager: LongCallbackManager, owner: str | None) -> str:
        """Return the token for a ticket of ``manager``, for ``owner`` alone."""
        self.add_manager(manager)
        return self._signer(manager).sign(ticket, owner)

    def digest(self, text: str, manager: LongCallbackManager) -> str:
        """Return what tells a text from others, and says nothing else of it."""
        return self._signer(manager).digest(text)

    def read(self, readings: Sequence[tuple[str, int]]) -> list[Snapshot]:
        """Return what is new about jobs, given by ``(token, cursor)``, by position.

        A token that is not valid or another user's, and a job that is gone, give the
        same answer.
        """
        answers: dict[int, Snapshot] = {}
        owner = self.owner()
        for manager in self._managers:
            asked = self._verify_all(manager, readings, owner)
            known = {at: reading for at, reading in asked.items() if at not in answers}
            found = manager.read_all(list(known.values())) if known else []
            for at, snapshot in zip(known, found, strict=True):
                if snapshot is not None:
                    # Most polls bring no news, and nobody is told the rest.
                    is_news = snapshot.is_news_since(readings[at][1])
                    answers[at] = self._complete(snapshot) if is_news else snapshot
        return [
            answers.get(at) or _unknown(cursor)
            for at, (_, cursor) in enumerate(readings)
        ]

    def _verify_all(
        self,
        manager: LongCallbackManager,
        readings: Sequence[tuple[str, int]],
        owner: str | None,
    ) -> dict[int, tuple[str, int]]:
        """Return the readings whose token is valid for a manager, by position."""
        signer = self._signer(manager)
        valid: dict[int, tuple[str, int]] = {}
        for at, (token, cursor) in enumerate(readings):
            with suppress(BadTokenError):
                valid[at] = (signer.verify(token, owner), cursor)
        return valid

    def _complete(self, snapshot: Snapshot) -> Snapshot:
        """Add what only a server process can say."""
        snapshot = snapshot.at(time.time())
        if not snapshot.libraries:
            return snapshot
        try:
            files = internals.library_files(self._app, snapshot.libraries)
        except ImportError as error:
            # For this job alone: the others of its page are to get their answer.
            logger.error("%s", error)
            return replace(
                snapshot, status=Status.FAILED, result=None, error=_no_library(error)
            )
        return replace(snapshot, files=tuple(files))

    def cancel(self, tokens: Iterable[str]) -> None:
        """Ask for the end of jobs.

        A token that is not valid or another user's changes nothing.
        """
        owner = self.owner()
        for token in tokens:
            for manager in self._managers:
                with suppress(BadTokenError):
                    manager.cancel(self._signer(manager).verify(token, owner))

    def send_libraries(self, packages: Sequence[str]) -> None:
        """Have the page load component libraries before it shows what is returned to
        the request at hand.
        """
        internals.send_libraries(self._app, packages)

    def serve_library(self, package: str) -> None:
        """Get ready to serve a component library that only a job has imported yet."""
        if not internals.serves_library(self._app, package) and any(
            package in manager.libraries() for manager in self._managers
        ):
            internals.library_files(self._app, [package])

    def warm_up(self) -> None:
        """Get the managers ready: a page was just served."""
        for manager in self._managers:
            try:
                manager.warm_up()
            except StoreUnavailableError as error:
                # No reason not to show the page: it may be well when it asks.
                logger.warning("%s", error)

    def register_cancels(self) -> None:
        """Register a clientside callback for each Input that cancels. Idempotent.

        Only at the first request all callbacks of the app are known, those that
        ``dash.callback`` keeps for whichever app comes among them.
        """
        with self._lock:
            if self._cancels_registered:
                return
            self._cancels_registered = True
            for cancel in internals.cancel_inputs(self._app):
                # The Input is named twice so that the callback's id, a hash of its
                # Inputs where there is no Output, is not that of a user's callback.
                self._app.clientside_callback(
                    ClientsideFunction("dash_long_components", "cancel"),
                    cancel,
                    cancel,
                    prevent_initial_call=True,
                    hidden=True,
                )

    def _signer(self, manager: LongCallbackManager) -> TokenSigner:
        secret = self._app.server.secret_key or manager.secret()
        if secret not in self._signers:
            self._signers[secret] = TokenSigner(secret)
        return self._signers[secret]


def _unknown(cursor: int) -> Snapshot:
    return Snapshot(
        cursor=cursor + 1, status=Status.LOST, created=0, changed=0, error=UNKNOWN_JOB
    )


def _no_library(error: ImportError) -> JobError:
    message = (
        f"Its result needs a component library that the server can't import: {error}. "
        "Install it where the server runs, too."
    )
    return JobError(type="LibraryMissing", message=message, task="")


def _on_server(server: Any) -> dict[str, AppJobs]:
    """Return the long jobs of the apps on a Flask server, by the path they are at."""
    jobs: dict[str, AppJobs] = server.extensions.setdefault("dash-long-components", {})
    return jobs


def add_engine_host(layout: Any) -> Any:
    """Add the engine host to a layout that is about to be served."""
    from ..LongJob import LongJob

    jobs = AppJobs.of(dash.get_app())
    if jobs is None:
        return layout
    jobs.warm_up()
    host = LongJob(id=ENGINE_HOST, handles={})
    return [*layout, host] if isinstance(layout, list | tuple) else [layout, host]


dash.hooks.layout()(add_engine_host)

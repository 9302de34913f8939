"""The jobs of one app, for the requests of its pages."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import dash
from dash.dependencies import ClientsideFunction, Input

from ..bridge import (
    app_context,
    callback_request,
    error_messages,
    internals,
    marks,
)
from ..bridge.error_messages import ErrorMessage
from ..bridge.event_loop import Wakeup
from ..core import app_origin, code_version
from ..core.app_origin import AppOrigin
from ..core.health import Health
from ..core.owners import user_of
from ..core.snapshots import Snapshot
from ..managers.base import LongCallbackManager
from . import metrics, user_jobs
from .held_polls import HeldPoll, HeldPolls, Reading
from .libraries import Libraries
from .managers import Managers
from .mistakes import Mistakes
from .operators import Operators
from .queue_check import QueueCheck
from .short_jobs import ShortJobs
from .users import Users

logger = logging.getLogger("dash_long_components")

#: An app has its jobs under this name.
_ATTRIBUTE = "_dash_long_components"

#: The jobs of the apps that each manager serves, in the order of the apps.
_served: weakref.WeakKeyDictionary[LongCallbackManager, list[weakref.ref[AppJobs]]] = (
    weakref.WeakKeyDictionary()
)


class AppJobs:
    """The jobs of one app: its managers, and the tokens of their jobs.

    Attributes:
        error_message: returns the text that a page gets for an exception; None if the
            page gets the exception's own.
        error_message_name: of this function, the same in every process.
        held_polls: the polls that wait for news.
        operators: who may operate the jobs of all users.
        short_jobs: waits for the ends of jobs that are short.
        users: knows the owner of the jobs of each request.

    Args:
        app: has a server.
        origin: how the app came to be.
    """

    def __init__(self, app: dash.Dash, origin: AppOrigin) -> None:
        self._app = app
        self._server = app.server
        self._origin = origin
        self._managers = Managers()
        self._libraries = Libraries(app, self._managers)
        self.users = Users()
        self.error_message: ErrorMessage | None = None
        self.error_message_name: str | None = None
        self.held_polls = HeldPolls()
        self.operators = Operators()
        self.short_jobs = ShortJobs(app, self._complete)
        self._has_shared = False
        self._callbacks = -1
        self._cancel_inputs: set[str] = set()
        self._queues = QueueCheck()
        self._mistakes = Mistakes(app)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, app: dash.Dash) -> AppJobs | None:
        """Return the jobs of ``app``; None if it is not set up for long callbacks.

        An app that has got another server since is not: the endpoints are on its old
        one.
        """
        jobs: AppJobs | None = getattr(app, _ATTRIBUTE, None)
        return jobs if jobs is not None and jobs._server is app.server else None

    @classmethod
    def of_request(cls) -> AppJobs | None:
        """Return the jobs of the app whose callback the current request runs."""
        request = callback_request.current()
        return None if request is None else cls.of(request.app)

    @classmethod
    def of_manager(cls, manager: LongCallbackManager) -> AppJobs | None:
        """Return the jobs of an app that ``manager`` serves; None if there is none.

        The app of the current request, if it is one of them; else the first.
        """
        of_request = cls.of_request()
        if of_request is not None and manager in of_request._managers:
            return of_request
        found = (reference() for reference in _served.get(manager, ()))
        return next((jobs for jobs in found if jobs is not None), None)

    @classmethod
    def set_up(cls, app: dash.Dash, entry: str | None) -> AppJobs:
        """Give ``app`` long jobs, and return them.

        Raises:
            ValueError: ``entry`` can't be what makes the app.
        """
        prefix = app.config.routes_pathname_prefix
        origin = AppOrigin.of_new_app(app.config.name, prefix, entry)
        code_version.unsettle()
        app_context.remember(origin.id, app.server)
        jobs = cls(app, origin)
        setattr(app, _ATTRIBUTE, jobs)
        return jobs

    @property
    def app_id(self) -> str:
        """Tells the app from the others of its process."""
        return self._origin.id

    @property
    def manager(self) -> LongCallbackManager | None:
        """The app's own manager: the first that it was set up with."""
        return next(iter(self._managers), None)

    @property
    def is_debug(self) -> bool:
        """Whether the app shows Dash's dev tools, and tracebacks in the browser."""
        return internals.is_debug(self._app)

    @property
    def on_error(self) -> Callable[[Exception], Any] | None:
        """The app's own error handler."""
        return internals.app_on_error(self._app)

    def add_manager(self, manager: LongCallbackManager) -> None:
        """Serve the jobs of ``manager`` as well. Idempotent."""
        if self._managers.add(manager):
            manager.apps.append(self._origin)
            _served.setdefault(manager, []).append(weakref.ref(self))
            if not app_origin.is_making_again():
                metrics.observe(self._managers.name_of(manager), manager)

    def set_error_message(self, error_message: ErrorMessage | str) -> None:
        """Choose what pages get for exceptions.

        Raises:
            ValueError: it is neither a function nor ``"hide"``.
        """
        if error_message == error_messages.HIDE:
            self.error_message_name = error_messages.HIDE
        elif callable(error_message):
            self.error_message = error_message
            prefix = self._app.config.routes_pathname_prefix
            self.error_message_name = error_messages.add(prefix, error_message)
        else:
            raise ValueError(
                "error_message= takes a function of the exception, or "
                f"{error_messages.HIDE!r}, not {error_message!r}."
            )

    def owner(self) -> str | None:
        """Return the owner of jobs of the current request: see ``Users.owner``."""
        return self.users.owner()

    @property
    def mistakes(self) -> Mistakes | None:
        """Finds mistakes, in debug mode only."""
        return self._mistakes if self.is_debug else None

    def check_layout(self, layout: Any) -> None:
        """Warn of mistakes in a layout that the app serves, in debug mode."""
        if self.mistakes is not None:
            self.mistakes.check_layout(layout, marks.views(self._app))

    def sign(self, ticket: str, manager: LongCallbackManager, owner: str | None) -> str:
        """Return the token for a ticket of ``manager``, for ``owner`` alone."""
        self.add_manager(manager)
        return self._managers.sign(ticket, manager, owner)

    def digest(self, text: str, manager: LongCallbackManager) -> str:
        """Return a digest of a text, which only a server process can make."""
        return self._managers.digest(text, manager)

    def read(
        self, readings: Sequence[tuple[str, int]], room: int = 1
    ) -> list[Snapshot | None]:
        """Return what is new about jobs, given by ``(token, cursor)``, by position.

        A token that is invalid or another user's, and a job that is gone, give the
        same answer. None for a job whose manager is not responding.

        Args:
            readings: of one page.
            room: bytes of results from which no further one is loaded. By default one
                is.

        Raises:
            StoreUnavailableError: none of the managers of these jobs is responding.
        """
        answers = self._managers.read(readings, self.owner(), room)
        return [
            # Most polls bring no news, and need no more than this.
            self._complete(answer)
            if answer is not None and answer.is_news_since(cursor)
            else answer
            for answer, (_, cursor) in zip(answers, readings, strict=True)
        ]

    def _complete(self, snapshot: Snapshot) -> Snapshot:
        """Add the parts that only a server process knows."""
        if snapshot.props and self.mistakes is not None:
            ids = [component_id for component_id, *_ in snapshot.props]
            self.mistakes.check_ids("set_props({})", ids, "a job")
        return self._libraries.with_files(snapshot.at(time.time()))

    def hold(
        self,
        readings: Sequence[tuple[str, int]],
        shown: Sequence[Snapshot | None],
        wakeup: Wakeup,
    ) -> HeldPoll | None:
        """Return a poll to hold until there is news. None if there is some already.

        Args:
            readings: of the poll.
            shown: what ``read`` has returned for them.
            wakeup: of the poll.
        """
        owner = self.owner()
        held: list[Reading] = []
        for (token, cursor), snapshot in zip(readings, shown, strict=True):
            ticket = self._managers.ticket(token, owner)
            if ticket is None or snapshot is None or snapshot.cursor > cursor:
                return None
            held.append(Reading(manager=ticket[0], ticket=ticket[1], shown=snapshot))
        return HeldPoll(held, wakeup)

    def cancel(self, tokens: Iterable[str]) -> None:
        """Cancel jobs. A token that is invalid or another user's changes nothing.

        Raises:
            StoreUnavailableError: a manager is not responding. Jobs of the others are
                cancelled.
        """
        self._managers.cancel(tokens, self.owner())

    def answer(self, token: str, question: str, answer: str) -> None:
        """Answer a question of a job.

        Raises:
            QuestionOverError: the job does not wait for this answer, or the token is
                invalid, another user's, or read-only.
            ValueError: the answer is none to this question.
            StoreError: its manager is not responding.
        """
        self._managers.answer(token, self.owner(), question, answer)

    def listed(self) -> list[dict[str, Any]] | None:
        """Return the newest jobs of the current user on all pages, as JSON data.

        None if the app does not name its users, or the visitor is not logged in: then
        nothing tells one visitor from another.

        Raises:
            StoreError: none of the managers is responding.
        """
        owner = self.owner()
        if owner is None or user_of(owner) is None:
            return None
        return user_jobs.of_user(self._managers, owner)

    def linked(self, token: str) -> dict[str, Any] | None:
        """Return the job of a link, as JSON data.

        None for a token that is invalid or another user's, and for a job that is gone.

        Raises:
            StoreError: its manager is not responding.
        """
        return user_jobs.of_token(self._managers, token, self.owner())

    def link(
        self, manager: LongCallbackManager, ticket: str, owner: str | None, share: bool
    ) -> str:
        """Return the token for a link to a job.

        Args:
            manager: has the job.
            ticket: of the job.
            owner: the user who may open the link; None for everyone.
            share: whether everyone may.
        """
        if share or owner is None:
            return self._managers.sign_view(ticket, manager)
        return self.sign(ticket, manager, owner)

    def managers(self) -> dict[str, LongCallbackManager]:
        """Return the app's managers by their names in tokens."""
        return self._managers.by_name()

    def health(self) -> dict[str, Health]:
        """Return the health of each manager, by its name in tokens."""
        return self._managers.health()

    def serve_library(self, package: str) -> None:
        """Prepare to serve a component library that only jobs have imported so far."""
        self._libraries.serve(package)

    def share_storage(self) -> None:
        """Prepare Dash's shared storage for jobs, once."""
        if self._has_shared:
            return
        self._has_shared = True
        try:
            internals.own_shared_storage(self._app)
        except Exception as error:  # that of any service; a job may not need it
            logger.warning("Dash's shared storage does not start: %s", error)

    def warm_up(self) -> None:
        """Warm up the managers: the app has just served a page."""
        self._managers.warm_up()

    def complete(self) -> None:
        """Add the managers of all callbacks, and the callbacks that cancel. Idempotent.

        Call it before each request. Dash registers global callbacks during the first
        request, and another request may arrive before it finishes. This also settles
        the version of the app's code.
        """
        if self._callbacks == len(self._app.callback_map):
            return
        with self._lock:
            code_version.settle()
            for manager in marks.managers(self._app):
                self.add_manager(manager)
            self._queues.check(self._app, self.manager)
            for name, cancel in marks.cancel_inputs(self._app).items():
                if name not in self._cancel_inputs:
                    self._cancel_inputs.add(name)
                    self._add_cancel(cancel)
            self._callbacks = len(self._app.callback_map)

    def _add_cancel(self, cancel: Input) -> None:
        # Dash hashes the Inputs to an id where there is no Output. With its Input
        # twice, the callback has another id than any of the user's.
        self._app.clientside_callback(
            ClientsideFunction("dash_long_components", "cancel"),
            cancel,
            cancel,
            prevent_initial_call=True,
            hidden=True,
        )

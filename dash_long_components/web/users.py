"""The users of an app, as its ``user=`` names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bridge import event_loop
from ..core.owners import owner_of


class Users:
    """Knows the owner of the jobs of each request."""

    def __init__(self) -> None:
        self._user: Callable[[], Any] | None = None

    def set(self, user: Callable[[], Any]) -> None:
        """Let a function name the user of each request.

        Raises:
            ValueError: it is not callable, or there is another one.
        """
        if not callable(user):
            raise ValueError(f"user= takes a function without arguments, not {user!r}.")
        if self._user not in (None, user):
            raise ValueError(
                "The app already has another function that names the users of its "
                "jobs. Pass user= once."
            )
        self._user = user

    def owner(self) -> str | None:
        """Return the owner of jobs of the current request, as JSON text.

        None if the app does not name its users.

        Raises:
            TypeError: the function returned a value that is not JSON serializable.
        """
        if self._user is None:
            return None
        user = event_loop.resolve(self._user())
        try:
            return owner_of(user)
        except TypeError as error:
            raise TypeError(
                "The function of user= returned an instance of "
                f"{type(user).__name__}, which is not JSON serializable. Return the "
                "user's id."
            ) from error

"""Who may operate the jobs of all users of an app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bridge import event_loop


class Operators:
    """The operators of an app, as its function ``admin=`` tells. At first no one."""

    def __init__(self) -> None:
        self._admin: Callable[[], Any] | None = None

    def set(self, admin: Callable[[], Any]) -> bool:
        """Make ``admin`` tell operators from others. False if it does already.

        Raises:
            ValueError: it is not callable, or the app has another one.
        """
        if not callable(admin):
            raise ValueError(
                f"admin= takes a function without arguments, not {admin!r}."
            )
        if self._admin not in (None, admin):
            raise ValueError(
                "The app already has another function that names its operators. Pass "
                "admin= once."
            )
        is_new = self._admin is None
        self._admin = admin
        return is_new

    def include_sender(self) -> bool:
        """Return whether an operator sends the current request. It may block."""
        if self._admin is None:
            return False
        return bool(event_loop.resolve(self._admin()))

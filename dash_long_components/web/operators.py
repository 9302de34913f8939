"""Who may operate the jobs of all users of an app."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..bridge import event_loop

logger = logging.getLogger("dash_long_components")


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
        """Return whether an operator sends the current request. It may block.

        If the app's function fails, no operator sends it: a visitor who has not logged
        in is often an object without a role.

        Raises:
            HTTPException: that of Werkzeug or Starlette, by which the function answers
                itself.
        """
        if self._admin is None:
            return False
        try:
            return bool(event_loop.resolve(self._admin()))
        except Exception as error:
            if any(each.__name__ == "HTTPException" for each in type(error).__mro__):
                raise
            logger.exception("The function of admin= failed. The answer is a 404.")
            return False

"""The text that a page gets for an exception of a job, by the app's choice."""

from __future__ import annotations

import logging
from collections.abc import Callable

logger = logging.getLogger("dash_long_components")

#: The choice to show no exception.
HIDE = "hide"

#: The text for an exception that is not shown.
HIDDEN = "An error occurred. The log of the server has the details."

#: Returns the text for an exception.
ErrorMessage = Callable[[BaseException], str]

_functions: dict[str, ErrorMessage] = {}


def add(prefix: str, function: ErrorMessage) -> str:
    """Add the function of an app, and return a name for it.

    Every process that imports the app gives the function the same name.

    Args:
        prefix: the ``routes_pathname_prefix`` of the app.
        function: returns the text for an exception.
    """
    name = f"{prefix} {getattr(function, '__qualname__', type(function).__qualname__)}"
    _functions[name] = function
    return name


def find(name: str) -> ErrorMessage:
    """Return the function with this name.

    A process without the app hides all exceptions.
    """
    return _functions.get(name, _hidden)


def text(error: BaseException, message: ErrorMessage) -> str:
    """Return the text for an exception; a function that fails hides it."""
    try:
        return str(message(error))
    except Exception as failure:
        logger.error("error_message= failed: %s", failure, exc_info=failure)
        return HIDDEN


def _hidden(_error: BaseException) -> str:
    return HIDDEN

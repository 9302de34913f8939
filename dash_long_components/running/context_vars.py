"""Copy the app's context variables from the triggering request into the job."""

from __future__ import annotations

import contextvars
import json
import sys
from collections.abc import Mapping
from typing import Any

from ..core import module_names

_Variable = contextvars.ContextVar[Any]

#: Packages whose variables describe the request itself. A job has no request.
_ABOUT_REQUESTS = {"dash", "dash_long_components", "flask", "werkzeug"}

#: The ``module:variable`` of each variable; None if no module has it. A search of all
#: modules takes milliseconds, and requests have the same variables every time.
_names: dict[_Variable, str | None] = {}


def capture() -> dict[str, Any]:
    """Return the context variables that are set here and that a job can have.

    Those are variables at the top level of a module, where another process finds
    them, with a JSON value: the user, the tenant, the language.

    Returns:
        Values by ``module:variable``.
    """
    values: dict[str, Any] = {}
    for variable, value in contextvars.copy_context().items():
        if variable not in _names:
            _names[variable] = _name_of(variable)
        name = _names[variable]
        if name is not None and _is_json(value):
            values[name] = value
    return values


def restore(values: Mapping[str, Any]) -> None:
    """Set context variables of the current context to values from ``capture``.

    Skips variables that this process does not have.
    """
    for dotted, value in values.items():
        module, _, name = dotted.partition(":")
        variable = getattr(module_names.find_module(module), name, None)
        if isinstance(variable, contextvars.ContextVar):
            variable.set(value)


def _name_of(variable: _Variable) -> str | None:
    for module in list(sys.modules.values()):
        if isinstance(getattr(module, "__file__", None), str):
            for name, value in list(vars(module).items()):
                if value is variable:
                    package = module.__name__.partition(".")[0]
                    if package in _ABOUT_REQUESTS:
                        return None
                    return f"{module_names.importable_name(module.__name__)}:{name}"
    return None


def _is_json(value: Any) -> bool:
    """Return whether a value survives the way to JSON and back."""
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError, RecursionError):
        return False

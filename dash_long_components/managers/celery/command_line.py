"""How Celery's command line finds the app that a manager wraps."""

from __future__ import annotations

import functools
import types
from typing import Any


def follow_dots(module: types.ModuleType) -> None:
    """Have ``celery -A module:manager.handle`` find what the dots lead to.

    Celery takes all that stands behind the colon for the name of one attribute, and no
    attribute has a dot in its name: so nothing else ever asks for one. A module with a
    ``__getattr__`` of its own (PEP 562) is left alone. Idempotent.
    """
    if "__getattr__" in vars(module):
        return

    def find(name: str) -> Any:
        first, _, rest = name.partition(".")
        if not rest or first not in vars(module):
            raise AttributeError(
                f"module {module.__name__!r} has no attribute {name!r}",
                name=name,
                obj=module,
            )
        return functools.reduce(getattr, rest.split("."), vars(module)[first])

    vars(module)["__getattr__"] = find

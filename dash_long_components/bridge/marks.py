"""The marks by which an app's long callbacks are found among its callbacks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dash
from dash.dependencies import ALL, ALLSMALLER, MATCH, Input, Output

from .signature import Signature


@dataclass(frozen=True, kw_only=True)
class Mark:
    """The data of a long callback that its app needs.

    Attributes:
        manager: runs its jobs; None for the app's own.
        cancel: the Inputs that cancel its jobs.
        view: has the id of the component that shows its jobs; None if there is none.
        queue: in which its jobs wait.
        name: of its task, for people.
        function: the user's.
        takes_set_progress: whether that is the first argument of the function.
        signature: of the callback.
    """

    manager: Any
    cancel: tuple[Input, ...]
    view: Output | None
    queue: str
    name: str
    function: Callable[..., Any]
    takes_set_progress: bool
    signature: Signature


def mark(start: Callable[..., Any], mark: Mark) -> None:
    """Mark a start callback.

    Dash's wrapper copies the function's attributes. So any app that has the callback
    finds the mark.
    """
    start.long_callback_mark = mark  # type: ignore[attr-defined]


def is_marked(callback: Callable[..., Any]) -> bool:
    """Return whether a callback, as Dash has wrapped it, starts jobs."""
    return hasattr(callback, "long_callback_mark")


def managers(app: dash.Dash) -> list[Any]:
    """Return the managers that long callbacks of the app name."""
    found = marked(app).values()
    return [mark.manager for mark in found if mark.manager is not None]


def views(app: dash.Dash) -> list[Any]:
    """Return the ids of the components that long callbacks of the app name in job=."""
    found = marked(app).values()
    return [mark.view.component_id for mark in found if mark.view is not None]


def cancel_inputs(app: dash.Dash) -> dict[str, Input]:
    """Return the Inputs that cancel jobs of the app, by their text."""
    found: dict[str, Input] = {}
    for mark in marked(app).values():
        for item in mark.cancel:
            anywhere = _match_anything(item)
            found[str(anywhere)] = anywhere
    return found


def marked(app: dash.Dash) -> dict[str, Mark]:
    """Return the marks of all long callbacks of the app, by Dash's id of them."""
    # A copy: the first requests of an app may add callbacks at the same time.
    found = {
        callback_id: getattr(callback.get("callback"), "long_callback_mark", None)
        for callback_id, callback in list(app.callback_map.items())
    }
    return {name: mark for name, mark in found.items() if mark is not None}


def _match_anything(item: Input) -> Input:
    """Return an Input with ALL for other wildcards, which would need an Output."""
    if not isinstance(item.component_id, dict):
        return item
    component_id = {
        key: ALL if value is MATCH or value is ALLSMALLER else value
        for key, value in item.component_id.items()
    }
    anywhere = copy.copy(item)
    anywhere.component_id = component_id
    return anywhere

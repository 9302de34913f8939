"""The marks by which an app's long callbacks are found among its callbacks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import dash
from dash.dependencies import ALL, ALLSMALLER, MATCH, Input


def mark(start: Callable[..., Any], manager: Any, cancel: tuple[Input, ...]) -> None:
    """Mark a start callback with its manager and the Inputs that cancel its jobs.

    Dash's wrapper copies the function's attributes. So any app that has the callback
    finds the mark.
    """
    start.long_callback_mark = (manager, cancel)  # type: ignore[attr-defined]


def is_marked(callback: Callable[..., Any]) -> bool:
    """Tell whether a callback, as Dash has wrapped it, starts jobs."""
    return hasattr(callback, "long_callback_mark")


def managers(app: dash.Dash) -> list[Any]:
    """Return the managers that long callbacks of the app name."""
    return [manager for manager, _cancel in _marks(app) if manager is not None]


def cancel_inputs(app: dash.Dash) -> dict[str, Input]:
    """Return the Inputs that cancel jobs of the app, by their text."""
    found: dict[str, Input] = {}
    for _manager, cancel in _marks(app):
        for item in cancel:
            anywhere = _match_anything(item)
            found[str(anywhere)] = anywhere
    return found


def _marks(app: dash.Dash) -> Iterator[tuple[Any, tuple[Input, ...]]]:
    # A copy: the first requests of an app may add callbacks at the same time.
    for callback in list(app.callback_map.values()):
        found = getattr(callback.get("callback"), "long_callback_mark", None)
        if found is not None:
            yield found


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

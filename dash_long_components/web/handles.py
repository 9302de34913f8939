"""Handles in Dash's answers to the requests that start jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Id of the component that passes new jobs to the engine. It is in every layout.
ENGINE_HOST = "_dash-long-jobs"


def handle_in(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the handle in an answer; None if it has started no job."""
    update = answer.get("sideUpdate", {}).get(ENGINE_HOST, {})
    for operation in update.get("handles", {}).get("operations", ()):
        handle: dict[str, Any] = operation["params"]["value"]
        return handle
    return None

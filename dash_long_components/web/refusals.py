"""Answers to requests that an endpoint refuses, and to those that come in an outage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..bridge.backends import Answer
from ..exceptions import StoreError
from . import metrics

A = TypeVar("A")


def refuse(status: int, reason: str) -> Answer:
    """Return the answer that refuses a request."""
    return Answer(
        status=status,
        pieces=[f"{reason}\n".encode()],
        mimetype="text/plain",
        # By the header, a page tells this refusal from that of a guard.
        headers={"Dash-Long-Jobs": "refused"},
    )


def answer_or_refusal(view: Callable[[], A]) -> A | Answer:
    """Return what a view answers; during an outage of its manager, that."""
    try:
        return view()
    except StoreError as error:
        metrics.count_outage()
        return refuse(503, f"Try again: {error.summary}.")

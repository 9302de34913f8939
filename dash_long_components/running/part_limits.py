"""What only a job itself may do, and none of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_in_part: ContextVar[bool] = ContextVar(
    "dash_long_components.is_in_part", default=False
)


@contextmanager
def in_part() -> Iterator[None]:
    """Run a part in the block, in whatever process."""
    token = _is_in_part.set(True)
    try:
        yield
    finally:
        _is_in_part.reset(token)


def is_in_part() -> bool:
    """Return whether the calling code is a part of a job."""
    return _is_in_part.get()


def check(name: str) -> None:
    """Check that the calling code is the job itself.

    Args:
        name: of what it calls, for the message.

    Raises:
        RuntimeError: it is a part.
    """
    if is_in_part():
        raise RuntimeError(
            f"A part of a job can't call {name}. Call it in the job itself, when "
            "results of the parts arrive."
        )

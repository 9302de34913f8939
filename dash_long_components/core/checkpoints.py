"""Checkpoints: what a job saves for its next attempt."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, Protocol

#: Bytes of a checkpoint at most: it is written while the function waits.
MAX_SIZE = 1_000_000

#: What a text begins with, by how the state was written.
_JSON, _PICKLE = "j", "p"


class Checkpoints(Protocol):
    """Where the checkpoint of a job is stored, as text."""

    def load(self) -> str | None:
        """Return what was saved last; None if nothing was."""

    def save(self, text: str) -> bool:
        """Replace the checkpoint. Return when it is stored.

        Returns:
            Whether the job has to stop here, so that another worker goes on.

        Raises:
            JobEndedError: the attempt has ended.
        """


def dumps(state: Any, pickled: Callable[[Any], bytes] | None = None) -> str:
    """Return a state as text.

    Args:
        state: any JSON data, or any object with ``pickled``.
        pickled: pickles it.

    Raises:
        TypeError: it is not JSON serializable.
        ValueError: it is too large.
    """
    if pickled is not None:
        text = _PICKLE + base64.b64encode(pickled(state)).decode()
    else:
        try:
            data = json.dumps(state, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"save() takes JSON data, and this is not: {error}. Save other objects "
                "with save(state, pickle=True)."
            ) from None
        text = _JSON + data
    if len(text) > MAX_SIZE:
        raise ValueError(
            f"A checkpoint has {MAX_SIZE} bytes at most, and this one has {len(text)}. "
            "Save large data to a file of your own, and its name here."
        )
    return text


def marked(text: str, code: str) -> str:
    """Return a checkpoint with the fingerprint of the code that has saved it."""
    return f"{code}:{text}"


def unmarked(text: str | None, code: str) -> str | None:
    """Undo ``marked``; None if other code has saved the checkpoint."""
    saved_by, _, text = (text or "").partition(":")
    return text if text and saved_by == code else None


def loads(text: str | None, unpickled: Callable[[bytes], Any]) -> Any:
    """Undo ``dumps``; None if there is no text."""
    if text is None:
        return None
    if text[:1] == _PICKLE:
        return unpickled(base64.b64decode(text[1:]))
    return json.loads(text[1:])

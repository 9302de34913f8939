"""The checkpoint of the running job."""

from __future__ import annotations

from typing import Any

from ..core import checkpoints
from ..core.checkpoints import Checkpoints
from ..core.records import Record
from ..exceptions import JobCancelled, JobEndedError


class Checkpoint:
    """What a job has saved last, in this attempt or an earlier one.

    Args:
        record: of the job at the start of the attempt.
        stored: where it is stored for the next attempt; None if it is not.
    """

    def __init__(self, record: Record, stored: Checkpoints | None) -> None:
        self._stored = None if record.retries is None else stored
        self._text: str | None = None
        # The first attempt finds none.
        self._is_loaded = record.attempt == 1

    def load(self) -> Any:
        """Return a copy of it; None if the job has saved nothing."""
        if not self._is_loaded and self._stored is not None:
            self._text = self._stored.load()
        self._is_loaded = True
        return checkpoints.loads(self._text, _unpickled)

    def save(self, state: Any, *, pickle: bool) -> None:
        """Replace it. Return when it is stored.

        Args:
            state: JSON data, or any object with ``pickle``.
            pickle: whether to pickle it.

        Raises:
            TypeError: it is not JSON serializable.
            ValueError: it is too large.
            JobCancelled: the attempt has ended elsewhere.
        """
        text = checkpoints.dumps(state, _pickled if pickle else None)
        if self._stored is not None:
            try:
                self._stored.save(text)
            except JobEndedError:
                raise JobCancelled from None
        self._text, self._is_loaded = text, True


def _pickled(state: Any) -> bytes:
    # Only here: few jobs need it, and its import takes time.
    import cloudpickle

    data: bytes = cloudpickle.dumps(state)
    return data


def _unpickled(data: bytes) -> Any:
    import cloudpickle

    return cloudpickle.loads(data)

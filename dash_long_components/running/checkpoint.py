"""The checkpoint of the running job."""

from __future__ import annotations

from typing import Any

from ..core import checkpoints
from ..core.checkpoints import Checkpoints
from ..core.records import Record
from ..exceptions import JobCancelled, JobEndedError, JobHandedOver


class Checkpoint:
    """What a job has saved last, in this attempt or an earlier one.

    Attributes:
        code: fingerprint of the job's function. What other code has saved is not good.

    Args:
        record: of the job at the start of the attempt.
        stored: where it is stored for the next attempt; None if it is not.
    """

    def __init__(self, record: Record, stored: Checkpoints | None) -> None:
        self._stored = None if record.retries is None else stored
        self.code = ""
        self._text: str | None = None
        # The first run finds none.
        self._is_loaded = record.run == 1

    def load(self) -> Any:
        """Return a copy of it; None if the job has saved nothing."""
        return checkpoints.loads(self._load(), _unpickled)

    @property
    def is_stored(self) -> bool:
        """Whether the next run goes on from what the job has saved."""
        return self._stored is not None and self._load() is not None

    def _load(self) -> str | None:
        if not self._is_loaded and self._stored is not None:
            self._text = checkpoints.unmarked(self._stored.load(), self.code)
        self._is_loaded = True
        return self._text

    def save(self, state: Any, *, pickle: bool) -> None:
        """Replace it. Return when it is stored.

        Args:
            state: JSON data, or any object with ``pickle``.
            pickle: whether to pickle it.

        Raises:
            TypeError: it is not JSON serializable.
            ValueError: it is too large.
            JobCancelled: the attempt has ended elsewhere.
            JobHandedOver: it is stored, and the worker has to stop.
        """
        text = checkpoints.dumps(state, _pickled if pickle else None)
        self._text, self._is_loaded = text, True
        if self._stored is None:
            return
        try:
            must_stop = self._stored.save(checkpoints.marked(text, self.code))
        except JobEndedError:
            raise JobCancelled from None
        if must_stop:
            raise JobHandedOver


def _pickled(state: Any) -> bytes:
    # Only here: few jobs need it, and its import takes time.
    import cloudpickle

    data: bytes = cloudpickle.dumps(state)
    return data


def _unpickled(data: bytes) -> Any:
    import cloudpickle

    return cloudpickle.loads(data)

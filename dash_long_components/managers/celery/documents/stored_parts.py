"""What the result backend stores of the parts of jobs, so that it goes with the job.

A job deletes it all when its ``map()`` ends. If the job is killed, what ends the job
does that, by the document ``<id>.parts``.
"""

from __future__ import annotations

import json
import threading

from .documents import Documents, part_keys
from .part_state import PartState, item_key, outcome_key, setting_key, state_key


class StoredParts:
    """Notes which parts of a job have documents. Thread-safe.

    Args:
        documents: of the job.
        job_id: which job.
    """

    def __init__(self, documents: Documents, job_id: str) -> None:
        self._documents = documents
        self._job_id = job_id
        self._lock = threading.Lock()
        #: By the id of each ``map()``: the number of documents of its setting, and of
        #: the item of each part under way.
        self._maps: dict[str, tuple[int, dict[int, int]]] = {}
        self._is_first = True

    def open(self, map_id: str, setting: int) -> None:
        """Note a ``map()`` that begins, and the number of documents of its setting."""
        with self._lock:
            if self._is_first:
                # Those of an attempt that was killed.
                forget_parts(self._documents, self._job_id)
            self._is_first = False
            self._maps[map_id] = (setting, {})
            self._write()

    def send(self, map_id: str, number: int, item: int = 0) -> None:
        """Note a part before it is sent, and the number of documents of its item."""
        with self._lock:
            self._maps[map_id][1][number] = item
            self._write()

    def end(self, map_id: str, number: int) -> None:
        """Note that a part has no documents any more."""
        with self._lock:
            del self._maps[map_id][1][number]

    def close(self, map_id: str) -> None:
        """Note that nothing is stored of a ``map()`` any more."""
        with self._lock:
            del self._maps[map_id]
            if self._maps:
                self._write()
            else:
                self._documents.delete([parts_key(self._job_id)])

    def _write(self) -> None:
        text = json.dumps(self._maps)
        self._documents.write(parts_key(self._job_id), text)


def forget_parts(documents: Documents, job_id: str) -> None:
    """Delete what is stored of the parts of a job. Idempotent."""
    text = documents.read(parts_key(job_id))
    if text is None:
        return
    keys: list[str] = []
    for map_id, (setting, items) in json.loads(text).items():
        keys += part_keys(setting_key(map_id), setting)
        keys += _keys_of(documents, map_id, items)
    documents.delete([*keys, parts_key(job_id)])


def _keys_of(documents: Documents, map_id: str, items: dict[str, int]) -> list[str]:
    """Return the keys of the parts of a ``map()`` that are under way."""
    keys: list[str] = []
    numbers = [*map(int, items)]
    states = documents.read_many([state_key(map_id, number) for number in numbers])
    for number, count, text in zip(numbers, items.values(), states, strict=True):
        keys += [state_key(map_id, number)]
        keys += part_keys(item_key(map_id, number), count)
        state = PartState.from_text(text) if text else PartState()
        if state.by is not None:
            key = outcome_key(map_id, number, state.by)
            keys += part_keys(key, state.outcome)
    return keys


def parts_key(job_id: str) -> str:
    """Return the key of the document that says which parts have documents."""
    return f"{job_id}.parts"

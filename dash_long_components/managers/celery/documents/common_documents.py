"""Documents that all jobs share: the secret, libraries, durations of tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from ....core.durations import median, with_another
from .documents import Documents

_LIBRARIES = "dash-long-jobs.libraries"
_SECRET = "dash-long-jobs.secret"  # noqa: S105


class CommonDocuments:
    """Documents that belong to no single job.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def secret(self, proposal: str) -> str:
        """Return the secret of all servers: the proposal, if there is none yet.

        Every call renews the time for which the backend stores it.
        """
        return self._documents.update(_SECRET, lambda text: text or proposal)

    def libraries(self) -> frozenset[str]:
        """Return the component libraries that jobs have imported."""
        return frozenset(json.loads(self._documents.read(_LIBRARIES) or "[]"))

    def add_libraries(self, libraries: Iterable[str]) -> None:
        """Note component libraries that a job has imported."""
        self._documents.update(
            _LIBRARIES,
            lambda text: json.dumps(sorted({*json.loads(text or "[]"), *libraries})),
        )

    def durations(self, task: str) -> list[float]:
        """Return how long a task took, in seconds, the oldest run first."""
        kept: list[float] = json.loads(self._documents.read(_durations(task)) or "[]")
        return kept

    def medians(self, tasks: Sequence[str]) -> dict[str, float | None]:
        """Return how long tasks usually take, in seconds; in one round trip."""
        texts = self._documents.read_many([*map(_durations, tasks)])
        return {
            task: median(json.loads(text or "[]"))
            for task, text in zip(tasks, texts, strict=True)
        }

    def add_duration(self, task: str, seconds: float) -> None:
        """Note how long a run of a task took."""
        self._documents.update(
            _durations(task),
            lambda text: json.dumps(with_another(json.loads(text or "[]"), seconds)),
        )


def _durations(task: str) -> str:
    return f"dash-long-jobs.durations.{hashlib.sha256(task.encode()).hexdigest()}"

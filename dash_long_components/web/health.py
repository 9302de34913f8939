"""The endpoint for probes: whether jobs can run, and why not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..bridge.backends import Answer
from ..bridge.event_loop import Wakeup
from .app_jobs import AppJobs


@dataclass(frozen=True)
class HealthEndpoint:
    """Answers 200 if jobs can run, else 503, and says of each manager why.

    The parameter ``max_wait`` of the address is the number of seconds for which the
    oldest queued job may wait.
    """

    jobs: AppJobs

    def refuse(self, length: int | None, mimetype: str) -> Answer | None:
        """Refuse no request: a probe has no body."""
        return None

    def answer(
        self, body: bytes, query: Mapping[str, str], wakeup: Wakeup | None
    ) -> Answer:
        max_wait = _seconds(query["max_wait"]) if "max_wait" in query else None
        if max_wait is not None and not max_wait >= 0:
            return Answer(
                status=400,
                pieces=[b"max_wait takes a number of seconds.\n"],
                mimetype="text/plain",
            )
        found = {
            name: health.with_limit(max_wait)
            for name, health in self.jobs.health().items()
        }
        problems = [
            f"{name}: {health.problem}"
            for name, health in found.items()
            if health.problem
        ]
        body_data = {
            "status": "unavailable" if problems else "ok",
            "reason": "; ".join(problems) or None,
            "managers": {name: health.to_dict() for name, health in found.items()},
        }
        return Answer(
            status=503 if problems else 200,
            pieces=[json.dumps(body_data).encode()],
            mimetype="application/json",
            headers={"Cache-Control": "no-store"},
        )


def _seconds(text: str) -> float:
    """Return a number of seconds; NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan

"""Tokens and polls of a page."""

from __future__ import annotations

from typing import Any

from dash_long_components.web.app_jobs import AppJobs
from tests.unit.fakes import Site

POLL, CANCEL = "_dash-long-jobs/poll", "_dash-long-jobs/cancel"

#: Of the manager, in tokens.
NAME = "recordingmanager"


def token(site: Site, job_id: str) -> str:
    jobs = AppJobs.of(site.app)
    assert jobs is not None
    return jobs.sign(job_id, site.manager, None)


def poll(site: Site, *readings: tuple[str, int]) -> Any:
    response = site.post(POLL, readings)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    answer = response.get_json()
    # Asynchronous servers offer to hold the next poll: see test_held_polls.py.
    answer.pop("hold", None)
    return answer

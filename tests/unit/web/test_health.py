"""The endpoint for probes, on each framework."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dash_long_components.core.health import Health
from dash_long_components.exceptions import StoreFullError
from tests import backends
from tests.unit.fakes import Site

PATH = "_dash-long-jobs/health"


def probe(site: Site, query: str = "") -> tuple[int, Any]:
    answer = backends.send(
        site.app, f"{site.prefix}{PATH}", method="GET", query_string=query
    )
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, json.loads(answer.get_data())


@pytest.mark.parametrize("backend", backends.ALL)
def test_probe_gets_200_or_503_with_the_reason(
    backend: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(backend, url_base_pathname="/app/")
    nothing = {"problem": None, "queued": None, "running": None, "oldest_wait": None}
    assert probe(site) == (
        200,
        {"status": "ok", "reason": None, "managers": {"recordingmanager": nothing}},
    )

    def is_full() -> Health:
        raise StoreFullError("The disk of /srv/secret is full.")

    monkeypatch.setattr(site.manager, "health", is_full)
    status, body = probe(site)
    assert (status, body["status"]) == (503, "unavailable")
    assert body["reason"] == "recordingmanager: the disk of the job store is full"
    assert "secret" not in json.dumps(body)
    assert "The disk of /srv/secret is full." in caplog.messages


def test_probe_says_how_long_a_job_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    waiting = Health(queued=3, running=2, oldest_wait=61.25)
    monkeypatch.setattr(site.manager, "health", lambda: waiting)
    status, body = probe(site, "max_wait=62")
    assert status == 200
    assert body["managers"]["recordingmanager"] == {
        **{"problem": None, "queued": 3, "running": 2, "oldest_wait": 61.2}
    }
    status, body = probe(site, "max_wait=60")
    assert status == 503
    assert (
        body["reason"] == "recordingmanager: the oldest queued job has waited for 61 s"
    )
    assert body["managers"]["recordingmanager"]["queued"] == 3
    for value in ("soon", "", "nan", "-1"):
        wrong = backends.send(
            site.app, f"/{PATH}", method="GET", query_string=f"max_wait={value}"
        )
        assert wrong.status_code == 400

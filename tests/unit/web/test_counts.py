"""Requests and answers have the sizes that the benchmark's targets name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dash import Input, Output, State

from dash_long_components.core.status import Status
from tests.unit.fakes import NOW, Site, handle_of, out, prop

POLL = "_dash-long-jobs/poll"


@pytest.fixture
def site() -> Site:
    site = Site()

    @site.long_callback(
        Output("o", "children"), Input("i", "value"), State("s", "data")
    )
    def work(value: Any, data: Any) -> Any:
        return value, data

    return site


def start(site: Site, data: str = "") -> dict[str, Any]:
    """Return the handle of a job whose page holds some data in a State."""
    response = site.trigger(
        out("o", "children"),
        [prop("i", "value", 1)],
        [prop("s", "data", data)],
        ["i.value"],
    )
    assert response.status_code == 200
    return handle_of(response)


def run(site: Site, count: int) -> list[Any]:
    """Return what a page sends when it knows of jobs that run, and nothing is new."""
    readings = [[start(site)["token"], 0] for _ in range(count)]
    for job_id, record in site.manager.records.items():
        if record.status is Status.QUEUED:
            site.manager.records[job_id] = record.start(NOW)
    answer = site.post(POLL, readings).get_json()["jobs"]
    return [
        [token, answer[str(at)]["cursor"]] for at, (token, _) in enumerate(readings)
    ]


def size(body: Any) -> int:
    """Return the bytes of JSON, as a browser writes it."""
    return len(json.dumps(body, separators=(",", ":")))


def test_poll_without_news_is_150_bytes_up_and_100_down(site: Site) -> None:
    readings = run(site, 1)
    assert size(readings) <= 150
    assert len(site.post(POLL, readings).get_data()) <= 100


def test_jobs_without_news_add_nothing_to_the_answer(site: Site) -> None:
    readings = run(site, 100)
    assert size(readings) <= 100 * 100
    assert len(site.post(POLL, readings).get_data()) <= 100


def test_poll_does_not_grow_with_what_the_page_holds(site: Site) -> None:
    empty, full = start(site), start(site, data="x" * 1_000_000)
    assert len(full["token"]) == len(empty["token"])
    assert size(full) == size(empty)

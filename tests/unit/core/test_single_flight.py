"""The rule of single flight, without a manager."""

from __future__ import annotations

from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.single_flight import holder
from dash_long_components.core.status import Status

LIVE = Record(
    id="live",
    task="module.task",
    code="v1",
    key="key",
    requesters=(Requester(id="0"), Requester(id="1")),
    created=1.0,
    changed=1.0,
)


def test_first_job_holds_its_key() -> None:
    assert holder("new", None) == "new"


def test_live_job_keeps_its_key() -> None:
    assert holder("new", LIVE) == "live"
    assert holder("new", LIVE.leave("0", 2.0)) == "live"
    assert holder("new", LIVE.start(2.0)) == "live"


def test_job_that_ends_gives_its_key_away() -> None:
    running = LIVE.start(2.0)
    assert holder("new", running.end(Status.FAILED, 3.0)) == "new"
    assert holder("new", running.leave("0", 3.0).leave("1", 4.0)) == "new"

"""How long jobs have waited, by the clock of the process that reads them."""

from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest

from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.messages import waits
from dash_long_components.managers.celery.messages.waits import Waits

#: Its wall clock does not matter: it may be that of another machine.
RECORD = Record(id="job", task="task", code="", created=9e9, changed=9e9)


def test_wait_is_measured_from_the_first_read_of_a_job_that_waits() -> None:
    measured, unlimited = Waits(5.0), Waits(None)
    with mock.patch("time.monotonic", return_value=100.0) as clock:
        assert not measured.are_over(RECORD)
        clock.return_value = 104.9
        assert not measured.are_over(RECORD)
        # It has run, and is queued again: as of an attempt that a worker sent back.
        assert not measured.are_over(replace(RECORD, status=Status.RUNNING))
        assert not measured.are_over(RECORD)
        clock.return_value = 105.0
        assert not measured.are_over(RECORD)
        clock.return_value = 109.9
        assert measured.are_over(RECORD)
        # The pause before a further attempt is no wait for a worker.
        assert not measured.are_over(replace(RECORD, attempt=2))
        assert not unlimited.are_over(RECORD)


def test_server_does_not_remember_all_jobs_that_ever_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waits, "WATCHED", 2)
    measured = Waits(5.0)
    with mock.patch("time.monotonic", return_value=100.0) as clock:
        for job_id in ("job", "second"):
            measured.are_over(replace(RECORD, id=job_id))
        clock.return_value = 105.0
        assert measured.are_over(RECORD), "it is one of those that are remembered"
        measured.are_over(replace(RECORD, id="third"))
        # It has forgotten the first job, whose wait begins again.
        assert not measured.are_over(RECORD)

"""An outage is logged twice: when it starts and when it ends."""

from __future__ import annotations

import pytest

from dash_long_components.managers.celery.outages import BackendOutages


def test_outage_is_logged_at_its_start_and_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outages = BackendOutages()
    outages.succeeded()
    for _ in range(2):
        for _ in range(10):
            outages.failed("It is away.")
        for _ in range(10):
            outages.succeeded()
    back = "Celery's result backend responds again."
    assert caplog.messages == ["It is away.", back] * 2

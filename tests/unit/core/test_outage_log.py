"""An outage is logged twice: when it begins and when it is over."""

from __future__ import annotations

import pytest

from dash_long_components.core.outage_log import OutageLog


def test_outage_is_logged_at_its_beginning_and_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = OutageLog("The service")
    log.end()
    for _ in range(2):
        for number in range(10):
            log.begin(f"It is away: {number}.")
        for _ in range(10):
            log.end()
    assert caplog.messages == ["It is away: 0.", "The service can be used again."] * 2

"""The process of a dispatcher exits if it finds no store."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.managers.diskcache.dispatcher import process as module
from dash_long_components.managers.diskcache.dispatcher.dispatcher import TICK
from tests.unit.managers.diskcache.made import settings_of


def test_dispatcher_that_finds_no_store_waits_before_another_one_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    settings = settings_of(tmp_path / "file", 2)
    stdin = mock.Mock(buffer=io.BytesIO(settings.to_json()))
    monkeypatch.setattr(sys, "stdin", stdin)
    with (
        mock.patch.object(time, "sleep") as sleep,
        pytest.raises(SystemExit) as ended,
    ):
        module.main()
    sleep.assert_called_once_with(TICK)
    assert ended.value.code == module.NO_STORE
    assert str(tmp_path / "file") in caplog.text

"""The search for the Python interpreter of a server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import diskcache
import pytest

from dash_long_components import DiskcacheLongCallbackManager
from dash_long_components.managers.diskcache.server import interpreter


def test_python_is_its_own_interpreter() -> None:
    assert interpreter.find() == sys.executable


@pytest.mark.parametrize("executable", ["/usr/sbin/uwsgi", "/sbin/apache2", "", None])
def test_server_that_embeds_python_is_none(
    executable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    monkeypatch.setattr(sys, "_base_executable", executable, raising=False)
    found = interpreter.find()
    assert found is not None
    assert Path(found).parent.parent == Path(sys.prefix)
    assert Path(found).samefile(os.path.realpath(found))


def test_one_that_is_gone_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("executable", "_base_executable"):
        monkeypatch.setattr(sys, name, str(tmp_path / "python3"), raising=False)
    for name in ("prefix", "exec_prefix", "base_prefix"):
        monkeypatch.setattr(sys, name, str(tmp_path))
    assert interpreter.find() is None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to("/bin/true")
    assert interpreter.find() == str(tmp_path / "bin" / "python3")


def test_frozen_program_has_none_and_says_so_before_the_first_job(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert interpreter.find() is None
    with diskcache.Cache(str(tmp_path)) as cache:
        DiskcacheLongCallbackManager(cache)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert repr(sys.executable) in record.message
    assert "Set sys.executable" in record.message

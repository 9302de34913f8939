"""Functions prepare each process once, before its first job."""

from __future__ import annotations

import os

import pytest

from dash_long_components.running import worker_init


@pytest.fixture(autouse=True)
def _none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_init, "_prepared", {})


def test_function_runs_once_in_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    @worker_init.add
    def connect() -> None:
        calls.append(os.getpid())

    worker_init.add(connect)
    worker_init.prepare()
    worker_init.prepare()
    assert calls == [os.getpid()]
    monkeypatch.setattr(os, "getpid", lambda: 1)
    worker_init.prepare()
    assert len(calls) == 2


def test_function_that_fails_is_called_again() -> None:
    calls: list[int] = []

    @worker_init.add
    def connect() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        worker_init.prepare()
    worker_init.prepare()
    assert len(calls) == 2

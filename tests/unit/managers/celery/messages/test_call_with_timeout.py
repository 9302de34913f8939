"""A call returns in time, even if its function hangs."""

from __future__ import annotations

import socket
import threading

import celery
import pytest

from dash_long_components.managers.celery.messages import (
    call_with_timeout as module,
)
from dash_long_components.managers.celery.messages import sending
from dash_long_components.managers.celery.messages.broker import Broker
from dash_long_components.managers.celery.messages.call_with_timeout import (
    SingleCall,
    call_with_timeout,
)
from tests.waiting import until

TIMEOUT = 10.0


def test_function_that_ends_in_time_returns_or_raises() -> None:
    assert call_with_timeout(TIMEOUT, lambda: "done") == "done"
    assert call_with_timeout(TIMEOUT, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        call_with_timeout(TIMEOUT, lambda: 1 / 0)


def test_function_that_hangs_goes_on_in_the_background() -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def hang() -> None:
        goes_on.wait(TIMEOUT)
        ended.set()

    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
        call_with_timeout(0.01, hang)
    assert not ended.is_set()
    goes_on.set()
    assert ended.wait(TIMEOUT)


def test_no_call_is_made_while_the_last_one_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    goes_on = threading.Event()
    call = SingleCall()
    with pytest.raises(TimeoutError, match="no answer within"):
        call(0.01, lambda: goes_on.wait(TIMEOUT))
    with pytest.raises(TimeoutError, match="the last call has no answer yet"):
        call(TIMEOUT, lambda: pytest.fail("It was made."))
    # A connection that hangs for ever is not waited for.
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    assert call(TIMEOUT, lambda: "made") == "made"
    monkeypatch.undo()
    goes_on.set()
    assert call(TIMEOUT, lambda: "made") == "made"


def test_broker_that_never_answers_keeps_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "BROKER_TIMEOUT", 0.1)

    def calls() -> list[threading.Thread]:
        return [it for it in threading.enumerate() if it.name == "dash-long-jobs-call"]

    before = calls()
    with socket.create_server(("127.0.0.1", 0)) as server:
        app = celery.Celery(broker=f"redis://127.0.0.1:{server.getsockname()[1]}/0")
        broker = Broker(app)
        for _ in range(3):
            assert not broker.responds()
        assert len({*calls()} - {*before}) == 1
    until(lambda: not {*calls()} - {*before}, TIMEOUT)

"""Probes are few, and each waits for what was sent before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.messages import probes as module
from dash_long_components.managers.celery.messages.probes import Probes, arrived, hasten
from dash_long_components.managers.celery.messages.sending import PROBE, Sender


class Deployment:
    """Two servers with one backend, and a fake clock."""

    def __init__(self, folder: Path) -> None:
        self.now = 1000.0
        self.documents = Documents(Celery("app", backend=f"file://{folder}"))
        self.sent: list[int] = []
        self.accepts = True
        self.servers = [Probes(self.documents, 10.0, self.send) for _ in range(2)]

    def send(self, _message: Message, number: int) -> bool:
        self.sent.append(number)
        return self.accepts

    def time(self) -> float:
        return self.now

    def ensure(self, number: int) -> None:
        for server in self.servers:
            server.ensure(Message(task="task"), number)

    def times(self, seconds: int) -> list[int]:
        """Ask for a probe each second; return when one is sent."""
        times: list[int] = []
        for second in range(seconds):
            before = len(self.sent)
            self.ensure(1)
            times += [second] * (len(self.sent) - before)
            self.now += 1.0
        return times


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path)
    with mock.patch.object(module, "time", deployment):
        deployment.monotonic = deployment.time  # type: ignore[attr-defined]
        yield deployment


def test_servers_send_one_probe_in_an_interval_that_grows(
    deployment: Deployment,
) -> None:
    assert deployment.times(600) == [0, 10, 30, 70, 150, 310, 470]


def test_interval_grows_by_no_probe_that_the_broker_refuses(
    deployment: Deployment,
) -> None:
    deployment.accepts = False
    assert deployment.times(60) == [0, 10, 20, 30, 40, 50]
    deployment.accepts = True
    assert deployment.times(60) == [0, 10, 30]


def test_interval_is_short_again_when_a_worker_starts(deployment: Deployment) -> None:
    deployment.times(600)
    hasten(deployment.documents, ["unknown", "task"])
    assert deployment.times(60) == [0, 10, 30]


def test_no_probe_is_sent_after_one_has_arrived(deployment: Deployment) -> None:
    deployment.ensure(1)
    arrived(deployment.documents, "task", 1)
    deployment.now += 100.0
    deployment.ensure(1)
    assert deployment.sent == [1]
    assert deployment.servers[0].state("task").passed == 1
    deployment.ensure(2)
    assert deployment.sent == [1, 2]


def test_probe_that_is_overtaken_changes_nothing(deployment: Deployment) -> None:
    arrived(deployment.documents, "task", 5)
    arrived(deployment.documents, "task", 4)
    assert deployment.servers[0].state("task").passed == 5


def test_clock_that_is_set_back_holds_no_probe_up(deployment: Deployment) -> None:
    deployment.ensure(1)
    deployment.now -= 500.0
    deployment.ensure(1)
    assert deployment.sent == [1, 2]


def test_probe_takes_the_route_of_its_task() -> None:
    app = mock.Mock()
    Sender(app).send_probe(Message(task="dash_long_components.app.task"), 3)
    (name,), options = app.send_task.call_args
    assert name == PROBE
    assert options["route_name"] == "dash_long_components.app.task"
    assert options["args"] == ("dash_long_components.app.task", 3)


def test_broker_that_hangs_gets_a_rest(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = mock.Mock()
    now = 0.0

    def hang(*_: object, **__: object) -> None:
        nonlocal now
        now += 5.0
        raise ConnectionError("no answer")

    clock = mock.Mock(monotonic=lambda: now)
    monkeypatch.setattr(
        "dash_long_components.managers.celery.messages.sending.time", clock
    )
    app.send_task.side_effect = hang
    sender = Sender(app)
    for _ in range(100):
        assert not sender.send_probe(Message(task="task"), 3)
    assert app.send_task.call_count == 1
    now += 5.0
    app.send_task.side_effect = None
    assert sender.send_probe(Message(task="task"), 3)
    caplog.clear()


def test_outage_of_the_broker_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = mock.Mock()
    app.send_task.side_effect = ConnectionError("refused")
    assert not Sender(app).send_probe(Message(task="task"), 3)
    assert not Sender(app).send_probe(Message(task="task"), 4)
    app.send_task.side_effect = None
    assert Sender(app).send_probe(Message(task="task"), 5)
    assert caplog.messages == [
        "Celery's broker does not respond: refused",
        "Celery's broker can be used again.",
    ]

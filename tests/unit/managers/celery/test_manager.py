"""The arguments of the Celery manager, its tasks, and what it tells the broker."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery import Celery
from dash import Input, Output

import dash_long_components as dlc
from dash_long_components import CeleryLongCallbackManager
from dash_long_components.core.calls import Caching, Call, Limits
from dash_long_components.core.ids import Ticket
from dash_long_components.core.lanes import Lane, Retrigger
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.managers.celery.backends.choice import backend_of
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.messages.sending import PROBE
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.workers.presence import Presence
from dash_long_components.running import tasks
from dash_long_components.running.tasks import Task
from tests.unit.fakes import Site

pytestmark = pytest.mark.usefixtures("no_tasks")


def celery(backend: str | None = "redis://127.0.0.1:1/0") -> Celery:
    return Celery("app", broker="redis://127.0.0.1:1/0", backend=backend)


def only_task() -> Task:
    """Return the task that the test has defined."""
    (key,) = tasks.fingerprints()
    task = tasks.find(key)
    assert task is not None
    return task


def names(app: Celery) -> list[str]:
    found = [name for name in app.tasks if name.startswith("dash_long_components.")]
    return [name for name in found if name != PROBE]


def test_handle_is_the_celery_app() -> None:
    app = celery()
    assert CeleryLongCallbackManager(app).handle is app


@pytest.mark.parametrize("wrong", [None, 0, "redis://", {}, object(), Celery])
def test_any_other_handle_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="First argument") as caught:
        CeleryLongCallbackManager(wrong)
    assert str(caught.value) == (
        "First argument must be a celery.Celery object, like "
        f"celery.Celery(__name__, broker=..., backend=...), not {wrong!r}."
    )


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (None, "^Celery instance must be configured with a result backend, .* None"),
        ("disabled://", "^Celery instance must be configured .* not 'disabled://'"),
        ("rpc://", "Only one process can read the result backend rpc://"),
        ("cache+memory://", "in the memory of one process"),
    ],
)
def test_backend_of_one_process_is_refused(backend: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        CeleryLongCallbackManager(celery(backend))


@pytest.mark.parametrize(
    "backend",
    [
        "redis://h/0",
        "cache+memcached://h",
        "db+sqlite:///x",
        "file:///tmp",
    ],
)
def test_shared_backend_is_accepted(backend: str) -> None:
    CeleryLongCallbackManager(celery(backend))


@pytest.mark.parametrize("lease", [0, -1, True, "10", None, float("nan")])
def test_wrong_lease_is_refused(lease: Any) -> None:
    with pytest.raises(ValueError, match="lease takes seconds, above zero"):
        CeleryLongCallbackManager(celery(), lease=lease)


def decorate(app: Any) -> None:
    def task(value: int) -> int:
        return value

    app.long_callback(Output("a", "children"), Input("b", "value"))(task)


def test_tasks_are_registered_in_any_order() -> None:
    first, second = celery(), celery()
    manager = CeleryLongCallbackManager(first)
    decorate(dlc.Dash(__name__, long_callback_manager=manager))
    CeleryLongCallbackManager(second)
    (name,) = names(first)
    assert names(second) == [name]
    prefix = "dash_long_components.tests.unit.managers.celery.test_manager."
    assert name.startswith(f"{prefix}decorate.<locals>.task.")


def test_tasks_are_added_once_for_all_managers_of_an_app() -> None:
    """Celery warns of a second one, and warnings are errors here."""
    app = celery()
    for _ in range(2):
        manager = CeleryLongCallbackManager(app)
        decorate(dlc.Dash(__name__, long_callback_manager=manager))
    assert len(names(app)) == 1


def test_missing_celery_names_the_pip_extra(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['celery'] = None; import dash_long_components as dlc\n"
        "try: dlc.CeleryLongCallbackManager(None)\n"
        "except ImportError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert b'pip install "dash-long-components[celery]"' in run.stdout


def test_job_that_the_broker_refuses_is_an_error_and_never_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = celery(f"file://{tmp_path}")
    manager = CeleryLongCallbackManager(app)
    sent: list[str] = []

    def send_task(_name: str, *, task_id: str, **_: Any) -> None:
        sent.append(task_id)
        raise ConnectionError("at redis://:secret@b")

    monkeypatch.setattr(app, "send_task", send_task)
    site = Site()
    decorate(site)
    with pytest.raises(StoreUnavailableError, match="does not accept the job: at redi"):
        manager.submit(only_task(), Call(task="", fingerprint="", context={}))
    # The broker may have it after all.
    snapshot = manager.read(f"{sent[0]}.0", 0)
    assert snapshot.status is Status.LOST
    assert snapshot.error is not None
    assert snapshot.error.message.endswith("See its log.")
    assert "secret" not in str(snapshot)


class Broker:
    """A broker that accepts jobs and cancels, or refuses one of them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app = celery(f"file://{folder}")
        self.manager = CeleryLongCallbackManager(self.app)
        self.send_task = mock.Mock()
        self.revoke = mock.Mock()
        monkeypatch.setattr(self.app, "send_task", self.send_task)
        monkeypatch.setattr(self.app.control, "revoke", self.revoke)
        decorate(Site())
        self.task = only_task()
        self._seq = 0

    def submit(self) -> str:
        """Submit a job that replaces the one before it."""
        self._seq += 1
        lane = Lane(name="lane", seq=self._seq, retrigger=Retrigger.REPLACE)
        call = Call(task="", fingerprint="", context={})
        return str(self.manager.submit(self.task, call, lane))

    def status(self, ticket: str) -> Status:
        return self.manager.read(ticket, 0).status


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broker:
    return Broker(tmp_path, monkeypatch)


def test_job_is_sent_again_while_a_broker_restarts(broker: Broker) -> None:
    broker.submit()
    options = broker.send_task.call_args.kwargs
    assert options["retry"]
    assert options["retry_policy"]["max_retries"] == 3


def test_job_that_the_broker_refuses_replaces_none(broker: Broker) -> None:
    first = broker.submit()
    broker.send_task.side_effect = ConnectionError("refused")
    with pytest.raises(StoreUnavailableError):
        broker.submit()
    assert broker.status(first) is Status.QUEUED
    broker.send_task.side_effect = None
    third = broker.submit()
    assert broker.status(first) is Status.CANCELLED
    assert broker.status(third) is Status.QUEUED


def test_job_starts_when_the_broker_refuses_the_cancel_of_another(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    first = broker.submit()
    broker.revoke.side_effect = ConnectionError("refused")
    second = broker.submit()
    assert broker.status(first) is Status.CANCELLED
    assert broker.status(second) is Status.QUEUED
    assert caplog.messages == ["Celery's broker does not respond: refused"]


def test_broker_that_hangs_is_an_error_in_time(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "dash_long_components.managers.celery.publisher.BROKER_TIMEOUT", 0.05
    )
    goes_on = threading.Event()
    broker.send_task.side_effect = lambda *_args, **_options: goes_on.wait(10)
    with pytest.raises(StoreUnavailableError, match=r"no answer within 0\.05 s"):
        broker.submit()
    goes_on.set()


@pytest.mark.parametrize(
    ("setting", "seconds"),
    [({}, 5.0), ({"redis_socket_timeout": 2}, 2.0), ({"redis_socket_timeout": 60}, 5)],
)
def test_redis_has_five_seconds_to_respond(
    setting: dict[str, int], seconds: float
) -> None:
    app = celery()
    app.conf.update(setting)
    backend: Any = backend_of(app)
    known = backend.client.connection_pool.connection_kwargs
    assert known["socket_timeout"] == seconds
    assert known["socket_connect_timeout"] == 5.0
    unix: Any = backend_of(celery("redis+socket:///nowhere/redis.sock"))
    known = unix.client.connection_pool.connection_kwargs
    assert "socket_connect_timeout" not in known


def test_page_that_joins_a_job_is_seen_before_it_polls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = celery(f"file://{tmp_path}")
    manager = CeleryLongCallbackManager(app)
    monkeypatch.setattr(app, "send_task", mock.Mock())
    see = mock.Mock()
    monkeypatch.setattr(Presence, "see", see)
    decorate(Site())
    task = only_task()
    call = Call(
        task="",
        fingerprint="",
        context={},
        limits=Limits(leave_timeout=9.0),
        caching=Caching(key="key"),
    )
    first = Ticket.parse(str(manager.submit(task, call)))
    see.assert_not_called()
    second = Ticket.parse(str(manager.submit(task, call)))
    assert second.job == first.job
    see.assert_called_once_with(first.job, 9.0)


class Killed(BaseException):
    """What ends a process, whose code then does nothing more."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_retry_that_is_killed_as_it_joins_a_job_does_not_run_beside_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    app = celery(f"file://{tmp_path}")
    manager = CeleryLongCallbackManager(app, keep_calls=True)
    sends = mock.Mock()
    monkeypatch.setattr(app, "send_task", sends)
    decorate(Site())
    task = only_task()
    caching = Caching(key="key")
    call = Call(task="", fingerprint="", context={}, caching=caching)

    def submit() -> str:
        return Ticket.parse(str(manager.submit(task, call))).job

    lost = submit()
    manager._store.end(lost, Status.LOST)
    other = submit()
    join = CeleryStore.join

    def die(store: CeleryStore, job_id: str, requester: Requester) -> None:
        if when == "after":
            join(store, job_id, requester)
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(CeleryStore, "join", die)
        patch.setattr(Documents, "delete", lambda *_: None)
        manager.submit(task, call, again=lost)
    if when == "before":
        again = Ticket.parse(str(manager.submit(task, call, again=lost)))
        assert again.job == other
    manager._store.end(other, Status.LOST)
    assert manager.submit(task, call, again=lost) is None
    assert manager.kept_call(lost) is None
    assert len(manager.look_up(other).requesters) == 2
    assert sends.call_count == 2


def test_job_that_no_worker_takes_expires_by_the_clock_of_the_reader(
    broker: Broker,
) -> None:
    manager = CeleryLongCallbackManager(broker.app, queue_timeout=5)
    ticket = broker.submit()
    with mock.patch("time.monotonic", return_value=100.0) as clock:
        assert manager.read(ticket, 0).status is Status.QUEUED
        clock.return_value += 4.9
        assert manager.read(ticket, 0).status is Status.QUEUED
        clock.return_value += 0.1
        snapshot = manager.read(ticket, 0)
    assert snapshot.status is Status.TIMED_OUT
    assert snapshot.error
    assert snapshot.error.type == "Expired"


@pytest.mark.parametrize("queue_timeout", [0, -1, "5"])
def test_wrong_queue_timeout_is_refused(queue_timeout: Any) -> None:
    with pytest.raises(ValueError, match="queue_timeout takes seconds, above zero"):
        CeleryLongCallbackManager(celery(), queue_timeout=queue_timeout)

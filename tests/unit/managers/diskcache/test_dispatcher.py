"""What becomes of workers, and how their end is told."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.core.jobs import Call, Limits, Status
from dash_long_components.core.records import Record
from dash_long_components.exceptions import StoreError
from dash_long_components.managers.diskcache import dispatcher as module
from dash_long_components.managers.diskcache.app_code import AppCode
from dash_long_components.managers.diskcache.dispatcher import (
    Dispatcher,
    Settings,
    _describe_exit,
)
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "exited with code 0"),
        (3, "exited with code 3"),
        (-signal.SIGKILL, "killed by SIGKILL"),
        (-signal.SIGTERM, "killed by SIGTERM"),
        (-40, "killed by signal 40"),
    ],
)
def test_end_is_told_in_one_line(code: int, said: str) -> None:
    text = _describe_exit(code)
    assert said in text
    assert "\n" not in text


def test_shortage_of_memory_is_guessed_from_sigkill_only() -> None:
    assert "memory" in _describe_exit(-signal.SIGKILL)
    assert "memory" not in _describe_exit(-signal.SIGTERM)


@pytest.fixture
def dispatcher(tmp_path: Path) -> Iterator[Dispatcher]:
    """A dispatcher that looks around only when it is told to."""
    app = AppCode(path=[], argv=[])
    dispatcher = Dispatcher(
        Settings(
            directory=str(tmp_path),
            result_ttl=60,
            code="v1",
            max_concurrency=2,
            start_method="fork",
            results="",
            app=app,
        )
    )
    # It looks at all processes of the machine.
    with mock.patch.object(module, "kill_left_behind"):
        yield dispatcher
    dispatcher._store.close()


ME = Process.current()
DEAD = Process(ME.pid, ME.started - 1)


def take(store: Store, by: Process) -> None:
    record = Record(
        id="job",
        task="module.task",
        code="v1",
        limits=Limits(timeout=600.0),
        created=1,
        changed=1,
    )
    call = Call(task="key", fingerprint="f", context={})
    store.submit(record, call, max_concurrency=10, max_queue=10)
    assert store.take("v1", by, 10) == "job"


def test_worker_of_a_dead_dispatcher_is_adopted(dispatcher: Dispatcher) -> None:
    store = dispatcher._store
    take(store, DEAD)
    store.slots.register("job", Process.of(1))
    deadline = store.slots.all()["job"].deadline
    assert deadline is not None
    dispatcher._watch()
    assert store.slots.all()["job"].dispatcher == ME
    # Its time goes on, it does not begin again.
    assert store.slots.all()["job"].deadline == deadline
    assert store.read("job").status is Status.RUNNING


def test_job_whose_worker_died_too_is_lost(dispatcher: Dispatcher) -> None:
    store = dispatcher._store
    take(store, DEAD)
    store.slots.register("job", DEAD)
    dispatcher._watch()
    assert store.slots.all() == {}
    assert store.read("job").status is Status.LOST


def test_job_whose_worker_never_came_is_lost_and_does_not_begin(
    dispatcher: Dispatcher,
) -> None:
    store = dispatcher._store
    take(store, DEAD)
    dispatcher._watch()
    assert store.read("job").status is Status.LOST
    assert not store.slots.register("job", ME)


def test_worker_that_registers_while_it_is_adopted_keeps_its_job(
    dispatcher: Dispatcher,
) -> None:
    store = dispatcher._store
    take(store, DEAD)
    adopt = store.slots.adopt

    def adopt_late(job_id: str, by: Process) -> Process | None:
        assert store.slots.register(job_id, Process.of(1))
        return adopt(job_id, by)

    with mock.patch.object(store.slots, "adopt", adopt_late):
        dispatcher._watch()
    assert store.read("job").status is Status.RUNNING
    assert "job" in store.slots.all()


def test_worker_that_does_not_die_at_once_is_seen_to_again(
    dispatcher: Dispatcher,
) -> None:
    store = dispatcher._store
    take(store, ME)
    store.change("job", lambda record: record.request_cancel(1))
    child = mock.Mock(pid=2**22 + 1, exitcode=None)
    dispatcher._children["job"] = child
    dispatcher._watch()
    assert not store.read("job").status.is_terminal
    assert "job" in store.slots.all()
    child.exitcode = -signal.SIGKILL
    dispatcher._watch()
    assert store.read("job").status is Status.CANCELLED
    assert store.slots.all() == {}


def test_worker_of_a_store_that_was_removed_and_made_anew_is_ended(
    dispatcher: Dispatcher,
) -> None:
    child = mock.Mock(pid=2**22 + 1, exitcode=None)
    dispatcher._children["job"] = child
    dispatcher._watch()
    child.join.assert_called_once()
    child.exitcode = -signal.SIGKILL
    dispatcher._watch()
    assert dispatcher._is_done()


def test_stray_that_can_not_be_ended_is_told_once(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        mock.patch.object(module, "children", return_value={2**22 + 1}),
        mock.patch.object(module, "end_child", return_value=False) as end,
    ):
        dispatcher._end_orphans()
        dispatcher._end_orphans()
    end.assert_called_once_with(2**22 + 1)
    assert caplog.text.count("can't be killed") == 1


def test_dispatcher_goes_on_after_an_outage_of_the_store(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    wakeup = mock.Mock()
    rounds = [
        sqlite3.OperationalError("database is locked"),
        sqlite3.OperationalError("disk is full"),
        True,
    ]
    with mock.patch.object(dispatcher, "_look_around", side_effect=rounds):
        dispatcher._work(wakeup)
    assert wakeup.wait.call_count == 2
    assert caplog.text.count("can't be read or written now") == 1


def test_dispatcher_without_a_store_ends_and_its_jobs_with_it(
    dispatcher: Dispatcher,
) -> None:
    child = mock.Mock(pid=None, exitcode=None)
    dispatcher._children["job"] = child
    os.remove(dispatcher._store.path)
    error = sqlite3.OperationalError("disk I/O error")
    with (
        mock.patch.object(dispatcher, "_look_around", side_effect=error),
        pytest.raises(StoreError, match="was removed"),
    ):
        dispatcher._work(mock.Mock())
    child.join.assert_called_once()


def test_settings_come_back_from_their_json() -> None:
    settings = Settings(
        directory="/somewhere",
        result_ttl=1.5,
        code="v1",
        max_concurrency=2,
        start_method="fork",
        results="",
        app=AppCode(
            modules=["__main__"],
            main_path="/app.py",
            main_package=None,
            path=["/"],
            argv=["app.py"],
        ),
    )
    assert Settings.from_json(settings.to_json()) == settings

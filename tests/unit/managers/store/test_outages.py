"""A store that is locked or full for a while is no reason for a wrong status."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import diskcache
import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import DiskcacheLongCallbackManager
from dash_long_components.core.calls import Call
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreError, StoreUnavailableError
from dash_long_components.managers.diskcache.server.launcher import Launcher
from dash_long_components.managers.diskcache.worker import worker
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store import database, outages, schema
from dash_long_components.managers.store.outages import access, outlast
from dash_long_components.managers.store.store import Store
from dash_long_components.testing import Page
from tests.unit.fakes import Site, id_of, out, prop

TIMEOUT = 10.0
CALL = Call(task="key", fingerprint="f", context={})


@pytest.fixture(autouse=True)
def _short_waits() -> Iterator[None]:
    with (
        mock.patch.object(database, "BUSY_TIMEOUT", 0.05),
        mock.patch.object(outages, "PAUSE", 0.01),
    ):
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path / "jobs"), result_ttl=60)
    yield store
    store.close()


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Do as a program does that backs the database up, or hangs in the middle."""
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def full(store: Store) -> Iterator[None]:
    """Leave the database no room for another page."""
    connect: Any = sqlite3.connect

    def connect_to_full_disk(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    store.close()
    with mock.patch.object(sqlite3, "connect", connect_to_full_disk):
        yield
    store.close()  # the next connection has all there is


Outage = Callable[[Store], AbstractContextManager[None]]
both = pytest.mark.parametrize("outage", [locked, full])


def submit(store: Store, job_id: str = "job", size: int = 0) -> None:
    record = Record(id=job_id, task="module.task", code="v1", created=1, changed=1)
    call = Call(task="key", fingerprint="x" * size, context={})
    store.submit(record, call, max_concurrency=1, max_queue=100)


@both
def test_outage_is_told_and_changes_nothing(store: Store, outage: Outage) -> None:
    submit(store)
    with (
        outage(store),
        pytest.raises(StoreUnavailableError, match=r"locked|full"),
        access(store),
    ):
        submit(store, "other", size=1_000_000)
    assert store.read("job").status is Status.QUEUED
    with pytest.raises(KeyError):
        store.read("other")
    submit(store, "other", size=1_000_000)
    assert store.read("other").status is Status.QUEUED


def test_locked_store_can_be_read(store: Store) -> None:
    submit(store)
    with locked(store), access(store):
        assert store.read_all(["job"])["job"].status is Status.QUEUED
        assert store.read("job").status is Status.QUEUED


def test_connection_in_a_transaction_is_replaced(store: Store) -> None:
    submit(store)
    commit = sqlite3.OperationalError("disk I/O error")

    def lose(record: Record) -> Record:
        raise commit

    with pytest.raises(StoreUnavailableError), access(store):
        store.change("job", lose)
    assert store.read("job").status is Status.QUEUED
    store.end("job", Status.LOST)
    assert store.read("job").status is Status.LOST


def test_other_errors_stay_what_they_are(store: Store) -> None:
    with pytest.raises(KeyError), access(store):
        store.read("job")
    with pytest.raises(sqlite3.DataError), access(store):
        raise sqlite3.DataError("string or blob too big")


def test_worker_and_dispatcher_wait_for_the_end_of_the_outage(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    submit(store)
    ended = threading.Thread(
        target=outlast, args=(store, lambda: store.end("job", Status.LOST))
    )
    with locked(store):
        ended.start()
        until = time.monotonic() + TIMEOUT
        while not caplog.records:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert store.read("job").status is Status.QUEUED
    ended.join(TIMEOUT)
    assert store.read("job").status is Status.LOST
    assert caplog.records[0].levelno == logging.WARNING
    assert "can't be read or written now: database is locked" in caplog.text


@pytest.mark.parametrize("is_there", [False, True])
def test_store_that_is_gone_is_not_waited_for(store: Store, is_there: bool) -> None:
    submit(store)
    store.close()
    shutil.rmtree(Path(store.path).parent)
    if is_there:
        Path(store.path).parent.mkdir()
    with pytest.raises(StoreError, match="was removed") as caught:
        outlast(store, lambda: store.read("job"))
    assert not isinstance(caught.value, StoreUnavailableError)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[DiskcacheLongCallbackManager]:
    with diskcache.Cache(str(tmp_path / "cache")) as cache:
        manager = DiskcacheLongCallbackManager(cache)
        with mock.patch.object(Launcher, "ensure"):
            yield manager
        manager.close()


@pytest.fixture
def managed(manager: DiskcacheLongCallbackManager) -> Iterator[Store]:
    """The store of the manager."""
    manager.warm_up()
    store = Store(str(Path(manager.handle.directory) / "long-jobs"), result_ttl=60)
    yield store
    store.close()


def test_manager_tells_outages_and_goes_on(
    manager: DiskcacheLongCallbackManager, managed: Store
) -> None:
    site = Site()
    site.long_callback(Output("text", "children"), Input("i", "value"))(lambda v: v)
    task = site.submit(out("text", "children"), [prop("i", "value", 1)]).task
    ticket = manager.submit(task, CALL)
    assert isinstance(ticket, str)
    with locked(managed):
        with pytest.raises(StoreUnavailableError):
            manager.submit(task, CALL)
        with pytest.raises(StoreUnavailableError):
            manager.cancel(ticket)
        assert manager.read(ticket, 0).status is Status.QUEUED
    manager.cancel(ticket)
    assert manager.read(ticket, 0).status is Status.CANCELLED


def no_directory(path: Path) -> None:
    path.write_text("This is a file.")


def newer_store(path: Path) -> None:
    store = Store(str(path), result_ttl=60)
    store.close()
    with closing(sqlite3.connect(store.path)) as newer:
        newer.execute(f"PRAGMA user_version = {schema.VERSION + 1}")


@pytest.mark.parametrize(
    ("make", "reason", "way_out"),
    [
        (no_directory, "the job store can't be used", "give the manager another one"),
        (
            newer_store,
            "the job store is of a newer version of dash-long-components",
            "Install that one again",
        ),
    ],
)
def test_app_with_a_store_that_can_not_be_used_serves_its_page(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    make: Callable[[Path], None],
    reason: str,
    way_out: str,
) -> None:
    with diskcache.Cache(str(tmp_path)) as cache:
        path = tmp_path / "long-jobs"
        make(path)
        manager = DiskcacheLongCallbackManager(cache)
        app = dlc.Dash(__name__, long_callback_manager=manager)
        app.layout = html.Div()
        app.long_callback(Output("text", "children"), Input("i", "value"))(lambda v: v)
        assert app.server.test_client().get("/_dash-layout").status_code == 200
        assert str(path) in caplog.text
        assert way_out in caplog.text
        job = Page(app).start("text.children", {"i.value": 1})
        assert job.error
        assert job.error["message"] == f"Could not start: {reason}."
        manager.close()


def test_server_that_ends_in_an_outage_says_nothing_of_it(
    manager: DiskcacheLongCallbackManager, managed: Store
) -> None:
    with locked(managed):
        manager.close()


def test_store_that_is_locked_is_not_opened_for_long(
    manager: DiskcacheLongCallbackManager, managed: Store
) -> None:
    with locked(managed):
        newcomer = DiskcacheLongCallbackManager(manager.handle)
        with pytest.raises(StoreUnavailableError, match="now: database is locked"):
            newcomer.secret()
    assert newcomer.secret() == manager.secret()
    newcomer.close()


def test_manager_begins_again_where_the_store_is_gone(
    manager: DiskcacheLongCallbackManager, managed: Store
) -> None:
    submit(managed)
    shutil.rmtree(Path(managed.path).parent)
    with pytest.raises(StoreError, match="was removed"):
        manager.read("job", 0)
    with pytest.raises(KeyError):
        manager.read("job", 0)


def take(store: Store, call: Call) -> None:
    record = Record(id="job", task="module.task", code="v1", created=1, changed=1)
    store.submit(record, call, max_concurrency=1, max_queue=1)
    assert id_of(store.dispatching.take("v1", Process.current(), Sizes(1))) == "job"


@pytest.fixture
def call() -> Any:
    site = Site()
    site.long_callback(Output("text", "children"), Input("i", "value"))(lambda v: v)
    return site.submit(out("text", "children"), [prop("i", "value", 1)]).call


def test_worker_brings_its_result_home_after_an_outage(
    store: Store, call: Call
) -> None:
    take(store, call)
    change = store.change
    refusals = map(sqlite3.OperationalError, ["database is locked", "disk is full"])

    def change_later(*args: Any) -> Record:
        for error in refusals:
            raise error
        return change(*args)

    with mock.patch.object(store, "change", change_later):
        worker.work(store, "job", 1, None, {}, "")
    assert store.read("job").status is Status.SUCCEEDED


def test_result_that_no_store_can_keep_is_a_failure(store: Store, call: Call) -> None:
    take(store, call)
    change = store.change
    refusals = iter([sqlite3.DataError("string or blob too big")])

    def change_if_small(*args: Any) -> Record:
        if len(args) > 2 and args[2] is not None:
            for error in refusals:
                raise error
        return change(*args)

    with mock.patch.object(store, "change", change_if_small):
        worker.work(store, "job", 1, None, {}, "")
    record = store.read("job")
    assert record.status is Status.FAILED
    assert record.error
    assert "does not fit" in record.error.message

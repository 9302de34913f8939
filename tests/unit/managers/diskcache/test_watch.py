"""Changes of jobs are noticed, and nothing is read while no one writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.core.calls import Call
from dash_long_components.core.ids import Ticket
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.managers.diskcache.watch import StoreWatch
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store

CALL = Call(task="key", fingerprint="f", context={})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path / "jobs"), result_ttl=60)
    yield store
    store.close()


def elsewhere(action: Callable[[], object]) -> None:
    """Do something on another connection to the store."""
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def submit(store: Store, job_id: str) -> str:
    """Submit a job, and return its ticket."""
    now = time.time()
    record = Record(id=job_id, task="module.task", code="v1", created=now, changed=now)
    ticket = store.submit(record, CALL, max_concurrency=2, max_queue=9)
    assert isinstance(ticket, Ticket)
    return str(ticket)


def test_watch_reads_only_after_a_change(store: Store) -> None:
    tickets = [submit(store, name) for name in ("a", "b")]
    cursors = dict.fromkeys(tickets, 1)
    watch = StoreWatch(lambda: store)
    assert watch.changed(cursors, tickets) == []
    with mock.patch.object(store, "read_all", wraps=store.read_all) as read:
        assert watch.changed(cursors, []) == []
        assert not read.called
        elsewhere(lambda: store.dispatching.take("v1", Process.current(), Sizes(2)))
        assert watch.changed(cursors, []) == tickets[:1]
        elsewhere(
            lambda: store.change(
                "a", lambda job: job.report(time.time(), Report(title="new"))
            )
        )
        assert watch.changed({tickets[0]: 2, tickets[1]: 1}, []) == tickets[:1]
    watch.close()


def test_change_before_a_job_was_watched_is_noticed(store: Store) -> None:
    ticket, other = submit(store, "a"), submit(store, "b")
    watch = StoreWatch(lambda: store)
    assert watch.changed({other: 1}, [other]) == []
    elsewhere(lambda: store.dispatching.take("v1", Process.current(), Sizes(2)))
    assert watch.changed({other: 1}, []) == []
    # No one writes from here on.
    assert watch.changed({ticket: 1, other: 1}, [ticket]) == [ticket]
    assert watch.changed({"gone.0": 1, other: 1}, ["gone.0"]) == ["gone.0"]
    watch.close()

"""A store of version 0.1 is taken over, and its file removed when that is safe."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import diskcache
import pytest

from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store
from tests.rows import row_counts

ME = Process.current()
QUEUED = Record(
    id="queued",
    task="module.task",
    code="v1",
    requesters=(Requester(id="0"),),
    created=1.0,
    changed=1.0,
)
ENDED = replace(QUEUED, id="ended").start(2.0).end(Status.SUCCEEDED, 3.0)
ROWS: dict[str, Any] = {
    "secret": b"s" * 32,
    "waiting": 1,
    "libraries": json.dumps({"dash_x": True}),
    "durations:module.task": json.dumps([1.0, 3.0]),
    "call:queued": b'{"context": {"cookies": "a cookie"}}',
    "job:queued": QUEUED.to_json(),
    "job:ended": ENDED.to_json(),
    "job:strange": b'{"id": "strange"}',
    "job:broken": b"{",
    "result:ended": b'{"the": "result"}',
}


def make(directory: Path, **more: Any) -> Path:
    """Make a store as version 0.1 did, and return its file."""
    settings = {"eviction_policy": "none", "disk_min_file_size": 2**62}
    with diskcache.Cache(str(directory), **settings) as cache:
        for key, value in {**ROWS, **more}.items():
            cache.set(key, value)
    return directory / "cache.db"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "long-jobs"


def test_ended_jobs_and_what_servers_share_are_taken_over(directory: Path) -> None:
    make(directory)
    with closing(Store(str(directory), 60)) as store:
        assert store.secret() == b"s" * 32
        assert store.libraries() == {"dash_x"}
        assert store.durations.median("module.task") == 2.0
        assert store.result("ended") == b'{"the": "result"}'


def test_live_jobs_end_and_leave_nothing_to_run(directory: Path) -> None:
    make(directory)
    with closing(Store(str(directory), 60)) as store:
        record = store.read("queued")
        assert record.status is Status.LOST
        assert record.error is not None
        assert "upgraded" in record.error.message
        assert store.call("queued") is None
        assert store.queue.count() == 0


def test_it_is_taken_over_once(directory: Path) -> None:
    make(directory)
    for _ in range(3):
        with closing(Store(str(directory), 60)) as store:
            assert row_counts(store)["duration"] == 2


def test_record_of_another_form_is_left_out(directory: Path) -> None:
    make(directory)
    with closing(Store(str(directory), 60)) as store:
        for job_id in ("strange", "broken"):
            with pytest.raises(KeyError):
                store.read(job_id)


def test_file_goes_with_what_requests_held(directory: Path) -> None:
    make(directory)
    with closing(Store(str(directory), 60)) as store:
        store.sweep()
        files = sorted(directory.iterdir())
        assert [path.name for path in files if path.name.startswith("cache.db")] == []
        assert store.secret() == b"s" * 32


@pytest.mark.parametrize("kind", ["dispatchers", "clients", "workers"])
def test_file_stays_while_an_old_process_uses_it(directory: Path, kind: str) -> None:
    me = [ME.pid, ME.started]
    rows = {
        "dispatchers": {"v1": {"process": me, "port": 1}},
        "clients": {"v1": [me]},
        "workers": {"job": {"dispatcher": [1, 0], "worker": me, "deadline": None}},
    }
    path = make(directory, **{kind: json.dumps(rows[kind])})
    with closing(Store(str(directory), 60)) as store:
        store.sweep()
        assert path.exists()
        with diskcache.Cache(str(directory)) as cache:
            cache.set(kind, json.dumps({}))
        store.sweep()
        assert not path.exists()


@pytest.mark.parametrize("text", ["", "this is no database" * 100])
def test_file_that_is_no_store_is_no_error(directory: Path, text: str) -> None:
    directory.mkdir()
    path = directory / "cache.db"
    path.write_text(text)
    with closing(Store(str(directory), 60)) as store:
        assert row_counts(store)["job"] == 0
        store.sweep()
    assert not os.path.exists(path)

"""Jobs stay in the lists of every kind of result backend while they are live."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import mock

from celery import Celery

from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.search import Search
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.job_state import Live, Worker
from dash_long_components.managers.celery.store.keeper import Keeper
from dash_long_components.managers.celery.store.store import CeleryStore
from tests.integration.celery.test_documents import app, url

__all__ = ["app", "url"]

#: Seconds, of ``result_expires``.
EXPIRES = 60


def make_old(app: Celery) -> None:
    """Have all that the backend stores expire soon, as far as its cleanup knows."""
    backend: Any = app.backend
    if hasattr(backend, "ResultSession"):
        old = datetime.now(timezone.utc) - timedelta(seconds=EXPIRES - 20)
        session = backend.ResultSession()
        session.query(backend.task_cls).update({"date_done": old.replace(tzinfo=None)})
        session.commit()
        session.close()
    elif hasattr(backend, "path"):
        for path in Path(os.fsdecode(backend.path)).iterdir():
            os.utime(path, (1, time.time() - EXPIRES + 20))


def test_job_that_runs_for_longer_than_result_expires_stays_listed(app: Celery) -> None:
    app.conf.result_expires = EXPIRES
    store = CeleryStore(app)
    now = time.time()
    first = Record(
        id="first",
        task="app.task",
        code="",
        requesters=(Requester(id="0", owner='"ada"'),),
        created=now - 5 * EXPIRES,
        changed=now,
    )

    def list_it(record: Record) -> None:
        store.submit(record)
        store.prepare(record, Message(task="task"), "{}")

    def listed() -> list[list[str]]:
        searches = Search(), Search(task="app.task"), Search(owner='"ada"')
        found = [store.listings.search(search) for search in searches]
        return [[record.id for record in each] for each in found]

    list_it(first)
    running = replace(first, status=Status.RUNNING, started=first.created)
    worker = Worker(name="celery@host", lease="lease")
    store.documents.write(
        "first.live", Live(run="run", worker=worker, record=running).to_text()
    )
    keeper = Keeper(store.documents)
    with (
        mock.patch("time.monotonic", return_value=time.monotonic()) as clock,
        mock.patch.object(store._reader, "_judge", return_value=None),
    ):
        assert keeper.keep_while_live(["first"]) == []
        make_old(app)
        clock.return_value += EXPIRES / 2
        store.listings.keep(keeper.keep_while_live(["first"]))
        list_it(replace(first, id="second", created=now))
        with mock.patch("time.time", return_value=now + 30):
            app.backend.cleanup()
        assert listed() == [["second", "first"]] * 3
        assert [entry.id for entry in store.listings.live(9, {})] == ["first", "second"]

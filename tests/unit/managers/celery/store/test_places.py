"""The places of jobs that wait for Celery's workers."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.core.queueing import QueuedJob, Scheduling
from dash_long_components.core.records import Record
from dash_long_components.core.snapshots import Place
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.messages.queues import Queues
from dash_long_components.managers.celery.messages.sending import task_name
from dash_long_components.managers.celery.store.places import Places
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.workers.homes import Home
from dash_long_components.managers.celery.workers.leases import Lease, Leases, Renewal
from tests.unit.managers.celery.made import record_of
from tests.waiting import until


class Shop:
    def __init__(self, backend: str, **conf: Any) -> None:
        self.app = Celery("app", broker="amqp://", backend=backend)
        self.app.conf.update(conf)
        self.store = CeleryStore(self.app)
        queues = Queues(self.app, self.store.documents)
        self.places = Places(self.app, self.store, queues.of)
        self.number = 0

    def submit(self, job_id: str, **message: Any) -> Record:
        self.number += 1
        now = time.time() - 1 + self.number / 1000
        record = record_of(job_id, now)
        self.store.submit(record)
        sent = Message(task=task_name("key", "app.task"), **message)
        self.store.prepare(record, sent, "{}")
        return record

    def positions(self) -> dict[str, int]:
        return {name: place.position for name, place in self.places.make().items()}

    def waits(self) -> list[float | None]:
        return [place.wait for place in self.places.make().values()]


@pytest.fixture(params=["file", "database"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    is_file = request.param == "file"
    return Shop(f"file://{tmp_path}" if is_file else f"db+sqlite:///{tmp_path}/results")


def test_each_queue_has_places_by_priority(shop: Shop) -> None:
    assert shop.positions() == {}
    first = shop.submit("a")
    shop.submit("b")
    shop.submit("gpu", queue="gpu")
    shop.submit("urgent", priority=5)
    assert shop.positions() == {"urgent": 1, "a": 2, "b": 3, "gpu": 1}
    shop.store.listings.stop_waiting(first)
    assert shop.positions() == {"urgent": 1, "b": 2, "gpu": 1}


def test_new_job_has_no_place_since_a_free_worker_takes_it_at_once(
    shop: Shop,
) -> None:
    first = shop.submit("a")
    assert shop.places.of(replace(first, created=time.time())) is None
    assert shop.places.of(first) == Place(position=1, wait=None)


def test_lowest_number_is_the_highest_priority_on_redis(shop: Shop) -> None:
    shop.app.conf.update(broker_url="redis://")
    for job_id, number in (("a", 9), ("urgent", 4)):
        shop.submit(job_id, priority=number)
    assert shop.positions() == {"urgent": 1, "a": 2}


def test_job_that_has_ended_but_is_listed_holds_no_place(shop: Shop) -> None:
    ended = shop.submit("a")
    shop.submit("b")
    shop.store.cancel(ended.id)
    assert shop.positions() == {"b": 1}


def test_routes_tell_the_queue(shop: Shop) -> None:
    shop.app.conf.task_routes = {"dash_long_components.*": {"queue": "cpu"}}
    shop.submit("a")
    shop.submit("b", queue="gpu")
    assert shop.positions() == {"a": 1, "b": 1}


def test_wait_depends_on_past_runs_and_the_processes_of_workers(shop: Shop) -> None:
    for name in "abcd":
        shop.submit(name)
    assert shop.places.make()["a"] == Place(position=1, wait=None)
    shop.store.common.add_duration("app.task", 10.0)
    assert shop.waits() == [5.0, 15.0, 25.0, 35.0]
    with mock.patch.object(Leases, "slots", return_value=Counter(celery=2)):
        assert shop.waits() == [5.0, 5.0, 15.0, 15.0]


def test_wait_depends_on_the_limits_of_a_group(shop: Shop) -> None:
    scheduling = Scheduling(concurrency=1, group="one")
    for name in "abc":
        shop.submit(name, group="group")
        job = QueuedJob(id=name, task="app.task", scheduling=scheduling)
        assert shop.store.groups.enter("group", job) == (name == "a")
    shop.store.listings.stop_waiting(shop.store.read("a"))
    shop.submit("free")
    shop.store.common.add_duration("app.task", 10.0)
    with mock.patch.object(Leases, "slots", return_value=Counter(celery=3)):
        assert shop.waits() == [5.0, 15.0, 5.0]


def test_processes_of_the_workers_of_a_queue_count_while_they_live(shop: Shop) -> None:
    leases = [Lease(Home(app=shop.app, lease=10.0)) for _ in range(2)]
    for lease, slots in zip(leases, (2, 3), strict=True):
        lease.start(lambda: ["gpu", "cpu"], "worker", slots)
    until(lambda: Leases(shop.store.documents).slots()["gpu"] == 5, timeout=10)
    leases[0].leave()
    assert Leases(shop.store.documents).slots() == {"gpu": 3, "cpu": 3}
    leases[1].leave()
    assert not Leases(shop.store.documents).slots()


def test_lease_of_an_older_worker_has_one_process() -> None:
    assert Renewal.from_text('{"beat": 1, "period": 5}').slots == 1


def test_forecast_takes_no_more_round_trips_for_more_jobs(shop: Shop) -> None:
    def round_trips(jobs: int) -> int:
        while shop.number < jobs:
            shop.submit(f"job-{shop.number}")
        shop.positions()
        # Its own backend: threads of other tests may read from theirs.
        backend = shop.store.documents._backend
        with ExitStack() as stack:
            calls = [
                stack.enter_context(
                    mock.patch.object(backend, name, wraps=getattr(backend, name))
                )
                for name in ("read", "listed")
            ]
            assert len(shop.positions()) == jobs
        return sum(call.call_count for call in calls)

    assert round_trips(30) == round_trips(31) <= 8

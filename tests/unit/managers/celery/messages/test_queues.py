"""A job whose queue has no worker gets a hint, and the log a warning."""

from __future__ import annotations

import itertools
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from dash_long_components.bridge.signature import Signature
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.messages.queues import Queues
from dash_long_components.managers.celery.worker import add_task
from dash_long_components.managers.celery.workers.homes import Home
from dash_long_components.managers.celery.workers.leases import queue_lease
from dash_long_components.running.tasks import Task

NEXT = "No worker takes jobs from the queue {}. Start one: celery -A {} worker{}"


class Site:
    """A server without workers, with a fake clock."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app = Celery("app", backend=f"file://{folder}", set_as_current=False)
        self.app.conf.task_routes = {
            "dash_long_components.app.train.*": {"queue": "gpu"}
        }
        self.now = 0.0
        self.beats = itertools.count(1)
        self.documents = Documents(self.app)
        self.queues = Queues(self.app, self.documents)
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def renew(self, queue: str) -> None:
        """Do what a worker of a queue does from time to time."""
        text = json.dumps({"beat": next(self.beats), "period": 10.0})
        key = f"dash-long-jobs.lease.{queue_lease(queue)}"
        self.documents.write(key, text)

    def hint(self, task: str, after: float = 0.0) -> str:
        self.now += after
        return self.queues.hint(Message(task=f"dash_long_components.{task}.key"))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def test_queue_without_a_worker_gets_the_command_to_start_one(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "celery_app", site.app, raising=False)
    place = f"{__name__}:celery_app"
    with caplog.at_level(logging.WARNING):
        hints = [site.hint("app.count"), site.hint("app.train"), site.hint("app.count")]
    assert hints[:2] == [
        NEXT.format("'celery'", place, ""),
        NEXT.format("'gpu'", place, " -Q gpu"),
    ]
    assert caplog.messages == hints[:2]


def test_celery_app_without_a_name_in_a_module_has_no_place(site: Site) -> None:
    assert "-A <module>:<variable of the Celery app> worker" in site.hint("app.count")


def test_queue_with_a_worker_gets_no_hint(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.renew("celery")
    assert site.hint("app.count") == ""
    assert site.hint("app.train") != ""
    site.hint("app.count", after=5)
    site.renew("celery")
    assert site.hint("app.count", after=6) == ""
    assert site.hint("app.count", after=6) == ""
    # The lease is over now.
    assert site.hint("app.count", after=6) != ""
    site.renew("celery")
    assert site.hint("app.count", after=2) == ""
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(
    ("conf", "found"),
    [
        ({"broker_url": "amqp://"}, ["gpu"]),
        ({"broker_url": "amqp://", "task_queue_max_priority": 9}, []),
        ({"broker_url": "redis://"}, []),
    ],
)
def test_queues_of_rabbitmq_may_lack_priorities(
    site: Site, conf: dict[str, Any], found: list[str]
) -> None:
    site.app.conf.update(conf)
    home = Home(app=site.app, lease=10.0)
    for name, priority in (("app.count", 0), ("app.train", 5)):
        task = Task(
            key="key",
            name=name,
            function=print,
            signature=Signature(args=(), options={}),
            progress=None,
            fingerprint="",
            priority=priority,
        )
        add_task(site.app, task, home)
    assert site.queues.without_priorities() == found

"""Documents hold what they promise in every kind of result backend."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import WorkerLostError

from dash_long_components.exceptions import StoreError
from dash_long_components.managers.celery.backends import base
from dash_long_components.managers.celery.documents import Documents
from tests.integration.brokers import Memcached, Redis

BACKENDS = ["redis", "memcached", "database", "file"]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "redis":
            redis: Redis = request.getfixturevalue("redis")
            return redis.database()
        case "memcached":
            memcached: Memcached = request.getfixturevalue("memcached")
            return memcached.backend()
        case "database":
            return f"db+sqlite:///{tmp_path}/results.sqlite"
    return f"file://{tmp_path}"


@pytest.fixture
def app(url: str) -> Iterator[Celery]:
    with Celery("app", backend=url, set_as_current=False) as app:
        app.conf.result_backend_transport_options = {"global_keyprefix": "ours"}
        yield app
        if "memcached" in url:
            backend: Any = app.backend
            backend.client.close()


@pytest.fixture
def documents(app: Celery) -> Documents:
    documents = Documents(app)
    assert not isinstance(documents._shelf, base.AnyBackend)
    return documents


def test_what_is_written_is_read(documents: Documents) -> None:
    texts = {"one": "1", "two": "ä" * 128 * 1024, "three": ""}
    for key, text in texts.items():
        documents.write(key, "what stood there before")
        documents.write(key, text)
    assert documents.read_many([*texts, "none"]) == [*texts.values(), None]
    assert documents.read_many([]) == []


# Celery sets what Redis holds by a call that redis-py has come to warn of.
@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_fate_is_what_celery_says(app: Celery, documents: Documents) -> None:
    documents.write("job.live", "text")
    keys = ["job.live", "job.end"]
    app.backend.mark_as_failure("job", WorkerLostError("signal 9"))
    texts, (fate, none) = documents.read_with_fates(keys, ["job", "other"])
    assert texts == ["text", None]
    assert fate is not None
    assert (fate.type, fate.message) == ("WorkerLostError", "signal 9")
    assert none is None


def test_no_update_is_lost(documents: Documents) -> None:
    def count() -> None:
        for _ in range(20):
            documents.update("count", lambda text: str(int(text or 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert documents.read("count") == "100"


def test_many_are_written_though_some_stand_there(documents: Documents) -> None:
    texts = {f"part-{number}": str(number) for number in range(50)}
    documents.write("part-7", "from a first try")
    documents.write_many(texts)
    assert documents.read_many([*texts]) == [*texts.values()]


def test_change_that_raises_changes_nothing(documents: Documents) -> None:
    documents.write("key", "before")

    def change(text: str | None) -> str:
        assert text == "before"
        raise KeyError(text)

    with pytest.raises(KeyError, match="before"):
        documents.update("key", change)
    assert documents.read("key") == "before"


def test_forked_process_reads_and_writes_for_itself(documents: Documents) -> None:
    documents.write("key", "parent")

    def child() -> None:
        for number in range(50):
            documents.write("child", str(number))
            assert documents.read("child") == str(number)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    for _ in range(50):
        assert documents.read("key") == "parent"
    process.join()
    assert process.exitcode == 0
    assert documents.read("child") == "49"


@pytest.mark.parametrize("url", ["memcached"], indirect=True)
def test_text_that_the_backend_never_takes_is_no_outage(documents: Documents) -> None:
    with pytest.raises(StoreError, match="takes no value so large") as caught:
        documents.write("key", "x" * 2_000_000)
    assert type(caught.value) is StoreError


def test_other_backends_do_by_celery_s_interface(tmp_path: Path) -> None:
    app = Celery("app", backend=f"file://{tmp_path}", set_as_current=False)
    documents = Documents(app)
    documents._known = base.AnyBackend(app)
    assert documents.update("key", lambda text: f"{text} text") == "None text"
    documents.write("other", "text")
    assert documents.read_many(["key", "other", "none"]) == ["None text", "text", None]
    app.backend.mark_as_failure("job", ValueError("odd"))
    assert documents.read_with_fates(["key"], ["job"])[1] != [None]

"""Documents keep their promises in every kind of result backend."""

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
from dash_long_components.managers.celery.backends.base import AnyBackend
from dash_long_components.managers.celery.backends.choice import backend_of
from dash_long_components.managers.celery.documents.documents import (
    Documents,
)
from tests.integration.brokers import Memcached, Redis
from tests.waiting import until

BACKENDS = ["redis", "database", "file"]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "redis":
            redis: Redis = request.getfixturevalue("redis")
            return redis.database()
        case "database":
            return f"db+sqlite:///{tmp_path}/results.sqlite"
    return f"file://{tmp_path}"


@pytest.fixture
def app(url: str) -> Iterator[Celery]:
    with Celery("app", backend=url, set_as_current=False) as app:
        app.conf.result_backend_transport_options = {"global_keyprefix": "ours"}
        yield app


@pytest.fixture
def documents(app: Celery) -> Documents:
    assert not isinstance(backend_of(app), AnyBackend)
    return Documents(app)


def test_written_texts_are_read(documents: Documents) -> None:
    texts = {"one": "1", "two": "ä" * 128 * 1024, "three": ""}
    for key, text in texts.items():
        documents.write(key, "the text before")
        documents.write(key, text)
    assert documents.read_many([*texts, "none"]) == [*texts.values(), None]
    assert documents.read_many([]) == []


# Celery sets what Redis holds by a call that redis-py has come to warn of.
@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")
def test_fate_is_what_celery_reports(app: Celery, documents: Documents) -> None:
    documents.write("job.live", "text")
    keys = ["job.live", "job.end"]
    app.backend.mark_as_failure("job", WorkerLostError("signal 9"))
    texts, (failure, none) = documents.read_with_failures(keys, ["job", "other"])
    assert texts == ["text", None]
    assert failure is not None
    assert (failure.type, failure.message) == ("WorkerLostError", "signal 9")
    assert none is None


def test_announcements_reach_other_processes(
    documents: Documents, request: pytest.FixtureRequest
) -> None:
    announcements = documents.announcements()
    if announcements is None:
        # The other backends have no such thing, and take no notice.
        documents.announce("job")
        assert "redis" not in request.node.name
        return
    # What was announced before is not known.
    assert documents.taken_from(announcements) is None
    for job in ("one", "two", "one"):
        documents.announce(job)
    found: set[str] = set()

    def take() -> bool:
        found.update(documents.taken_from(announcements) or ())
        return found == {"one", "two"}

    until(take, timeout=5)
    assert documents.taken_from(announcements) == set()
    announcements.close()
    assert documents.taken_from(announcements) is None
    announcements.close()


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


def test_many_texts_are_written_when_some_exist(documents: Documents) -> None:
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


def test_deleted_texts_are_gone(documents: Documents) -> None:
    documents.write_many({"one": "1", "two": "2", "three": "3"})
    documents.delete(["one", "two", "none"])
    documents.delete([])
    assert documents.read_many(["one", "two", "three"]) == [None, None, "3"]


def test_names_of_a_list_can_get_other_places(documents: Documents) -> None:
    documents.move("list", {"a": 10.5, "b": 20.0, "c": 30.0})
    assert documents.listed_until("list", 20.0, 9) == ["a", "b"]
    assert documents.listed_until("list", 30.0, 1) == ["a"]
    documents.move("list", {"a": 40.0, "b": 25.0, "d": 5.0})
    documents.keep_list("list")
    assert documents.listed("list", 0, 9, newest_first=False) == ["d", "b", "c", "a"]
    assert documents.listed_until("list", 4.0, 9) == []
    documents.unlist("list", "a", "d")
    assert documents.listed("list", 0, 9) == ["c", "b"]


@pytest.fixture
def other(memcached: Memcached) -> Iterator[Celery]:
    """An app with a backend that has no module of ours."""
    url = memcached.backend()
    with Celery("app", backend=url, set_as_current=False) as app:
        assert isinstance(backend_of(app), AnyBackend)
        yield app
        backend: Any = app.backend
        backend.client.close()


def test_any_other_backend_works_by_celery_s_interface(other: Celery) -> None:
    documents = Documents(other)
    assert documents.update("key", lambda text: f"{text} text") == "None text"
    documents.write("other", "text")
    documents.write("gone", "text")
    documents.delete(["gone"])
    texts = documents.read_many(["key", "other", "none", "gone"])
    assert texts == ["None text", "text", None, None]
    large = "ä" * 3_000_000
    assert documents.read_parts("large", documents.write_parts("large", large)) == (
        large.encode()
    )
    other.backend.mark_as_failure("job", ValueError("odd"))
    assert documents.read_with_failures(["key"], ["job"])[1] != [None]


def test_text_that_the_backend_never_accepts_is_no_outage(other: Celery) -> None:
    with pytest.raises(StoreError, match="does not accept 2000000 char") as caught:
        Documents(other).write("key", "x" * 2_000_000)
    assert type(caught.value) is StoreError

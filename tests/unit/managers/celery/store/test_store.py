"""The documents of a job make one job, which requesters join and leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dash_long_components.core import reading
from dash_long_components.core.ids import Ticket
from dash_long_components.core.reports import Report
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.store.store import CeleryStore
from tests.unit.managers.celery.made import ANYONE, Shop

ANOTHER = replace(ANYONE, id="1")


def test_job_goes_from_queued_to_its_result(shop: Shop) -> None:
    assert shop.status() is Status.QUEUED
    live = shop.start()
    assert shop.status() is Status.RUNNING
    shop.finish(live, b'{"text":"\xc3\xa4"}')
    assert shop.status() is Status.SUCCEEDED
    assert shop.store.result("job") == b'{"text":"\xc3\xa4"}'


@pytest.mark.parametrize("size", [0, 1, 128 * 1024, 128 * 1024 + 1, 3_000_000])
def test_result_of_any_size_comes_back_whole(shop: Shop, size: int) -> None:
    shop.finish(shop.start(), b"x" * size or None)
    assert shop.store.result("job") == (b"x" * size or None)


def test_result_without_one_of_its_parts_is_missing(shop: Shop) -> None:
    live = shop.start()
    shop.finish(live)
    shop.celery.backend.forget(f"job.result.{live.run}.0")
    with pytest.raises(KeyError):
        shop.store.result("job")


def test_job_is_read_by_the_documents_that_may_change(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = shop.store.documents
    asked: list[tuple[int, int]] = []

    def read(keys: list[str], job_ids: list[str]) -> Any:
        asked.append((len(keys), len(job_ids)))
        return Documents.read_with_failures(documents, keys, job_ids)

    monkeypatch.setattr(documents, "read_with_failures", read)
    assert shop.status() is Status.QUEUED
    live = shop.start()
    assert shop.status() is Status.RUNNING
    assert shop.status() is Status.RUNNING
    shop.finish(live)
    assert shop.status() is Status.SUCCEEDED
    ended = shop.store.read("job")
    assert shop.store.read_all(["job", "other", "job"]) == [ended, None, ended]
    assert asked == [(7, 1), (7, 1), (3, 1), (3, 1), (2, 0), (2 + 7, 1)]

    shop.celery.backend.forget("job.end")
    with pytest.raises(KeyError):
        shop.store.read("job")


def test_missing_job_is_a_key_error(shop: Shop) -> None:
    with pytest.raises(KeyError):
        shop.store.read("other")
    assert shop.start_again("other") is None
    assert shop.store.are_live([Ticket(job="other", requester="0")]) == [False]


def test_cursor_grows_with_every_change(shop: Shop) -> None:
    cursors = [shop.store.read("job").cursor]
    live = shop.start()
    cursors.append(shop.store.read("job").cursor)
    shop.runs.change(live, live.record.report(2, Report(progress=[["a", "b", 1]])))
    cursors.append(shop.store.read("job").cursor)
    shop.store.cancel("job")
    cursors.append(shop.store.read("job").cursor)
    assert cursors == sorted(set(cursors))


def test_result_stays_as_long_as_its_end(shop: Shop) -> None:
    shop.finish(shop.start())
    for part in ("queued", "live"):
        shop.celery.backend.forget(f"job.{part}")
    assert shop.status() is Status.SUCCEEDED
    assert shop.store.result("job") == b"{}"


def test_job_is_live_for_each_requester_until_the_last_has_left(shop: Shop) -> None:
    second = shop.store.join("job", ANOTHER)
    assert second is not None
    first = Ticket(job="job", requester="0")
    assert shop.store.are_live([first, second]) == [True, True]
    assert not shop.store.leave(shop.store.read("job"), "0")
    assert not shop.store.leave(shop.store.read("job"), "0")
    assert shop.store.are_live([first, second]) == [False, True]
    assert shop.store.leave(shop.store.read("job"), second.requester)
    assert shop.store.join("job", ANOTHER) is None
    assert shop.store.join("other", ANOTHER) is None


def test_job_that_has_just_ended_can_not_be_joined(shop: Shop) -> None:
    shop.store.end("job", Status.TIMED_OUT)
    assert shop.store.join("job", ANOTHER) is None


def test_requester_that_has_left_reads_cancelled(shop: Shop) -> None:
    shop.store.join("job", ANOTHER)
    live = shop.start()
    shop.store.leave(shop.store.read("job"), "0")
    for number in range(5):
        report = Report(progress=[["a", "b", number]])
        live = shop.runs.change(live, live.record.report(2, report))
    shop.finish(live)
    record = shop.store.read("job")
    assert record.status is Status.SUCCEEDED
    snapshot = reading.since(record, record.cursor, "0")
    assert snapshot.status is Status.CANCELLED
    assert snapshot.cursor > record.cursor


def test_joinable_job_of_a_key_is_the_first_live_one(
    shop: Shop,
) -> None:
    joinable = shop.store.joinable
    assert joinable.take_key("key", "job") == "job"
    assert joinable.take_key("key", "next") == "job"
    shop.store.leave(shop.store.read("job"), "0")
    assert joinable.take_key("key", "next") == "next"
    assert joinable.take_key("other key", "next") == "next"


def test_secret_is_the_first_proposal(shop: Shop) -> None:
    assert shop.store.common.secret("mine") == "mine"
    assert CeleryStore(shop.celery).common.secret("another") == "mine"


def test_libraries_add_up(shop: Shop) -> None:
    live = shop.start()
    ended = live.record.end(Status.SUCCEEDED, 2, libraries=["late_library"])
    shop.runs.change(live, ended)
    assert shop.store.common.libraries() == {"late_library"}


def test_store_raises_or_waits_while_the_backend_is_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    documents: Any = (
        "dash_long_components.managers.celery.documents.documents.time.sleep"
    )
    monkeypatch.setattr(documents, pauses.append)
    backend: Any = shop.celery.backend
    answer = backend.mget

    def mget(keys: list[bytes]) -> Any:
        if len(pauses) < 3:
            raise ConnectionError("away")
        return answer(keys)

    monkeypatch.setattr(backend, "mget", mget)
    with pytest.raises(StoreUnavailableError, match="does not respond: away"):
        shop.store.read("job")
    assert CeleryStore(shop.celery, patient=True).read("job").status is Status.QUEUED
    assert len(pauses) == 3

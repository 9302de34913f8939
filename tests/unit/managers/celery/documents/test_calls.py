"""The call of a job is stored until the job ends, or is kept for a retry."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dash_long_components.core.calls import Call
from dash_long_components.core.status import Status
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.managers.celery.documents.calls import Calls
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.documents.job_state import End
from dash_long_components.managers.celery.store.keeper import Keeper
from tests.unit.managers.celery.made import CALL, WORKER, Shop


def secrets(folder: Path) -> list[str]:
    """Return the documents that hold what the request held."""
    return [path.name for path in folder.iterdir() if b"secret" in path.read_bytes()]


@pytest.mark.parametrize("end", ["success", "cancel", "cancel before the start"])
def test_call_leaves_the_store_when_the_job_ends(
    shop: Shop, tmp_path: Path, end: str
) -> None:
    folder = tmp_path / "backend"
    assert len(secrets(folder)) == 1
    live = None if end == "cancel before the start" else shop.start()
    if live is None or end == "cancel":
        shop.store.cancel("job")
    else:
        shop.finish(live)
    assert secrets(folder) == []


def test_call_of_any_size_reaches_its_worker(shop: Shop) -> None:
    text = "ä" * 1_000_000
    call = Call(task="key", fingerprint="", context={"inputs": [text]})
    record = shop.store.read("job")
    message = shop.store.prepare(record, shop.message, call.to_json().decode())
    started = shop.runs.start("job", WORKER, message)
    assert started is not None
    assert started[1] == call


def test_call_that_is_stored_after_a_cancel_is_deleted_by_the_worker(
    shop: Shop, tmp_path: Path
) -> None:
    record = shop.store.read("job")
    shop.store.cancel("job")
    shop.store.prepare(record, shop.message, CALL.to_json().decode())
    assert shop.start_again() is None
    assert secrets(tmp_path / "backend") == []


@pytest.fixture
def keeping(tmp_path: Path) -> Shop:
    """A shop whose job keeps its call."""
    shop = Shop(tmp_path / "keeping")
    record, message = shop.store.read("job"), Message(task="task")
    shop.message = shop.store.prepare(record, message, CALL.to_json().decode(), True)
    return shop


def retry(shop: Shop, submit: Callable[[str], Any] = lambda new: new) -> Any:
    return shop.store.kept_calls.retry("job", lambda new, _joins: submit(new))


def submitter(shop: Shop) -> Callable[[str], str]:
    """Return what submits a job as the manager does."""

    def submit(new: str) -> str:
        record = replace(shop.store.read("job"), id=new)
        shop.store.submit(record)
        shop.store.prepare(record, Message(task="task"), CALL.to_json().decode())
        return new

    return submit


class Killed(BaseException):
    """What ends a process, whose code then does nothing more."""


def killed(shop: Shop, monkeypatch: pytest.MonkeyPatch, submit: Any) -> str:
    """Retry in a process that is killed, and return the id of the new job."""
    ids = []

    def submit_and_die(new: str) -> None:
        ids.append(new)
        submit(new)
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Documents, "delete", lambda *_: None)
        retry(shop, submit_and_die)
    return ids[0]


def test_kept_call_is_for_one_retry(keeping: Shop) -> None:
    kept = keeping.store.kept_calls
    assert kept.read("job") == CALL
    assert retry(keeping, submitter(keeping))
    assert kept.read("job") is None
    assert retry(keeping) is None


def test_retry_that_fails_leaves_the_call_to_the_next_one(keeping: Shop) -> None:
    ids = []

    def fail(new: str) -> None:
        submitter(keeping)(new)
        ids.append(new)
        raise StoreUnavailableError

    with pytest.raises(StoreUnavailableError):
        retry(keeping, fail)
    assert retry(keeping, submitter(keeping)) not in [None, *ids]


def test_killed_retry_loses_no_call_and_starts_no_second_job(
    keeping: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die_early(_new: str) -> None:
        raise Killed

    first = killed(keeping, monkeypatch, die_early)
    # The next one goes on, and so does one that comes while that is under way.
    assert killed(keeping, monkeypatch, lambda _: None) == first
    assert killed(keeping, monkeypatch, submitter(keeping)) == first
    assert keeping.store.read(first).status is Status.QUEUED
    assert retry(keeping, lambda _: pytest.fail("a second job")) is None


def test_kept_call_stays_as_long_as_its_job(keeping: Shop) -> None:
    calls = Calls(keeping.store.documents)
    needed = {"job.message", *calls.kept_keys("job", 1)}
    with mock.patch.object(Documents, "keep") as keep:
        Keeper(keeping.store.documents).keep(["job"])
        assert needed <= {key for call in keep.mock_calls for key in call.args[0]}
        keep.reset_mock()
        keeping.store.ends.decide("job", End(status=Status.LOST, at=time.time()))
        assert needed == {key for call in keep.mock_calls for key in call.args[0]}


@pytest.mark.parametrize("status", [Status.FAILED, Status.SUCCEEDED])
def test_call_goes_though_its_worker_dies_at_the_end(
    keeping: Shop, status: Status
) -> None:
    live, documents = keeping.start(), keeping.store.documents
    ended = replace(live, record=live.record.end(status, time.time()))
    documents.write("job.live", ended.to_text())
    assert keeping.status() is status
    assert documents.read_many(Calls(documents).keys("job", 1)) == [None]
    assert (keeping.store.kept_calls.read("job") is None) is (
        status is Status.SUCCEEDED
    )

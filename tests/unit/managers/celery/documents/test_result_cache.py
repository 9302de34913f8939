"""Cached results in a result backend: in parts, and never an error for a job."""

from __future__ import annotations

import logging
from pathlib import Path
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.core.caching import CachedResult
from dash_long_components.core.calls import Caching
from dash_long_components.exceptions import StoreError, StoreUnavailableError
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.documents.result_cache import (
    CeleryResultCache,
)

MINUTE = Caching(key="key", expire=60.0)


def result(text: str = "x") -> CachedResult:
    return CachedResult(response=text.encode(), duration=1.5, written=1000.0)


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    return Documents(Celery("app", backend=f"file://{tmp_path}"))


@pytest.mark.parametrize("text", ["x", "é" * 1_000_000])
def test_result_comes_back_whole(documents: Documents, text: str) -> None:
    CeleryResultCache(documents).put(MINUTE, result(text))
    assert CeleryResultCache(documents).get(MINUTE) == result(text)


def test_result_without_one_of_its_parts_is_none(
    documents: Documents, tmp_path: Path
) -> None:
    CeleryResultCache(documents).put(MINUTE, result("x" * 1_000_000))
    (part,) = tmp_path.glob("*.3")
    part.unlink()
    assert CeleryResultCache(documents).get(MINUTE) is None


def test_result_expires_some_time_after_its_last_use(documents: Documents) -> None:
    cache = CeleryResultCache(documents)
    with mock.patch("time.time") as clock:
        clock.return_value = 1000.0
        cache.put(MINUTE, result())
        clock.return_value = 1059.0
        assert cache.get(MINUTE) == result()
        clock.return_value = 1118.0
        assert cache.get(MINUTE) == result()
        clock.return_value = 1179.0
        assert cache.get(MINUTE) is None


@pytest.mark.parametrize("error", [StoreUnavailableError, StoreError])
def test_failure_to_write_is_logged_and_raises_nothing(
    documents: Documents, error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    cache = CeleryResultCache(documents)
    with mock.patch.object(documents, "write_many", side_effect=error("No room.")):
        cache.put(MINUTE, result())
    assert cache.get(MINUTE) is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "Could not cache a result: No room." in caplog.text

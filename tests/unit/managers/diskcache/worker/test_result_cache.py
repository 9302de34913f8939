"""Results in the user's own cache: whatever kind it is, and whatever happens to it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest import mock

import diskcache
import pytest

from dash_long_components.core.caching import CachedResult
from dash_long_components.core.calls import Caching
from dash_long_components.managers.diskcache.worker.result_cache import TAG, ResultCache

FOREVER = Caching(key="key")
MINUTE = Caching(key="key", expire=60.0)


def result(text: str = "x") -> CachedResult:
    response = f'{{"response": {{"out": {{"children": "{text}"}}}}}}'
    return CachedResult(response=response.encode(), duration=1.5, written=1000.0)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Any]:
    with diskcache.Cache(str(tmp_path / "cache")) as cache:
        yield cache


@pytest.fixture
def clock() -> Iterator[mock.Mock]:
    with mock.patch("time.time") as clock:
        clock.return_value = 1_000_000.0
        yield clock


def make(kind: str, directory: str) -> Any:
    match kind:
        case "fanout":
            return diskcache.FanoutCache(directory, shards=2)
        case "json":
            return diskcache.Cache(directory, disk=diskcache.JSONDisk)
        case "statistics":
            return diskcache.Cache(
                directory, statistics=True, eviction_policy="least-recently-used"
            )
    return diskcache.Cache(directory)


@pytest.mark.parametrize("kind", ["cache", "fanout", "json", "statistics"])
@pytest.mark.parametrize("size", [1, 1_000_000])
def test_another_process_finds_what_was_kept(
    tmp_path: Path, kind: str, size: int
) -> None:
    with make(kind, str(tmp_path)) as cache:
        there = ResultCache.loads(ResultCache(cache).dumps())
        assert there is not None
        with closing(there):
            there.put(FOREVER, result("ä" * size))
            assert ResultCache(cache).get(FOREVER) == result("ä" * size)
            assert there.get(Caching(key="other")) is None


def test_job_may_change_to_another_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with diskcache.Cache("./cache") as cache:
        text = ResultCache(cache).dumps()
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        there = ResultCache.loads(text)
        assert there is not None
        with closing(there):
            there.put(FOREVER, result("x" * 1_000_000))
        assert os.listdir() == []
        monkeypatch.chdir(tmp_path)
        assert ResultCache(cache).get(FOREVER) == result("x" * 1_000_000)


def test_result_goes_some_time_after_its_last_use(cache: Any, clock: mock.Mock) -> None:
    results = ResultCache(cache)
    results.put(MINUTE, result())
    for _ in range(3):
        clock.return_value += 50
        assert results.get(MINUTE) == result()
    clock.return_value += 61
    assert results.get(MINUTE) is None


def test_use_does_not_keep_a_result_that_may_be_stale(
    cache: Any, clock: mock.Mock
) -> None:
    kept = Caching(key="key", expire=60.0, stale_for=60.0)
    results = ResultCache(cache)
    results.put(kept, result())
    for _ in range(2):
        clock.return_value += 59
        assert results.get(kept) == result()
    clock.return_value += 3
    assert results.get(kept) is None


def test_result_stays_without_expire(cache: Any, clock: mock.Mock) -> None:
    results = ResultCache(cache)
    results.put(FOREVER, result())
    clock.return_value += 10**9
    assert results.get(FOREVER) == result()


def test_user_may_evict_them_all(cache: Any) -> None:
    cache["mine"] = 1
    results = ResultCache(cache)
    results.put(FOREVER, result())
    assert cache.evict(TAG) == 1
    assert results.get(FOREVER) is None
    assert cache["mine"] == 1


def test_cache_may_evict_them(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path), size_limit=1000, cull_limit=1000) as cache:
        results = ResultCache(cache)
        results.put(FOREVER, result("x" * 100_000))
        assert results.get(FOREVER) is None


def test_other_value_under_the_key_is_no_result(
    cache: Any, caplog: pytest.LogCaptureFixture
) -> None:
    results = ResultCache(cache)
    results.put(FOREVER, result())
    (key,) = cache
    for other in (b"bytes", "text", 5, {"a": 1}):
        cache[key] = other
        assert results.get(FOREVER) is None
    assert len(caplog.records) == 4


def test_cache_that_is_gone_is_logged_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = diskcache.Cache(str(tmp_path / "cache"))
    results = ResultCache(cache)
    results.put(FOREVER, result())
    cache.close()
    shutil.rmtree(tmp_path / "cache")
    with caplog.at_level(logging.WARNING):
        results.put(FOREVER, result())
        assert results.get(FOREVER) is None
    assert "can't be cached" in caplog.text
    assert "can't be read" in caplog.text


def test_cache_that_is_locked_is_logged_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        diskcache.Cache(str(tmp_path), timeout=0.01) as cache,
        diskcache.Cache(str(tmp_path), timeout=0.01) as other,
    ):
        results = ResultCache(cache)
        with other.transact():
            results.put(FOREVER, result())
        assert "can't be cached: Timeout" in caplog.text
        results.put(FOREVER, result())
        assert results.get(FOREVER) == result()


class Strange(diskcache.Cache):  # type: ignore[misc]
    def __getstate__(self) -> Any:
        raise TypeError("I can't be pickled")


def test_cache_that_can_not_be_taken_along_is_logged_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Strange(str(tmp_path)) as cache:
        assert ResultCache.loads(ResultCache(cache).dumps()) is None
    assert "I can't be pickled" in caplog.text


def test_cache_that_can_not_be_opened_there_is_logged_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert ResultCache.loads("nonsense") is None
    assert "can't be cached" in caplog.text

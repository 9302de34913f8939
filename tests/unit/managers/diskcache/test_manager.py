"""The arguments of the manager."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import diskcache
import pytest

import dash_long_components as dlc
from dash_long_components import DiskcacheLongCallbackManager
from dash_long_components.core.calls import Call
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.diskcache.server import launcher as launcher_module
from dash_long_components.managers.identity import Process

ME = Process.current()
DEAD = Process(ME.pid, ME.started - 1)
CALL = Call(task="key", fingerprint="f", context={})


@pytest.mark.parametrize("kind", [diskcache.Cache, diskcache.FanoutCache])
def test_cache_is_kept_in_handle(tmp_path: Path, kind: Any) -> None:
    with kind(str(tmp_path)) as cache:
        assert DiskcacheLongCallbackManager(cache).handle is cache


@pytest.mark.parametrize("wrong", [0, "", "cache", {}, object(), diskcache.Cache])
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="First argument") as caught:
        DiskcacheLongCallbackManager(wrong)
    assert str(caught.value) == (
        "First argument must be a diskcache.Cache or diskcache.FanoutCache object, "
        f'like diskcache.Cache("./cache"), not {wrong!r}.'
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_concurrency", -1),
        ("max_concurrency", "2"),
        ("max_concurrency", True),
        ("max_concurrency", 0),
        ("result_ttl", float("nan")),
        ("max_queue", 0),
        ("max_queue", None),
        ("result_ttl", 0),
        ("result_ttl", -1),
        ("result_ttl", "1h"),
        ("start_method", "forkserver"),
        ("start_method", "thread"),
        ("start_method", ""),
        ("start_timeout", 0),
    ],
)
def test_wrong_option_is_refused_by_its_name(
    tmp_path: Path, name: str, value: Any
) -> None:
    with (
        diskcache.Cache(str(tmp_path)) as cache,
        pytest.raises(ValueError, match=f"{name} takes"),
    ):
        DiskcacheLongCallbackManager(cache, **{name: value})


def test_missing_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['cloudpickle'] = None\n"
        "import dash_long_components as dlc\n"
        "dlc.DiskcacheLongCallbackManager()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert 'pip install "dash-long-components[diskcache]"' in run.stderr


def test_making_a_manager_starts_nothing(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path)) as cache:
        manager = DiskcacheLongCallbackManager(cache)
        app = dlc.Dash(__name__, long_callback_manager=manager)
        assert app.server
        manager.close()
        manager.close()
        assert not (tmp_path / "long-jobs").exists()


@pytest.fixture
def without_dispatcher(tmp_path: Path) -> Iterator[DiskcacheLongCallbackManager]:
    """A manager on a machine that has no room for another process."""
    with (
        diskcache.Cache(str(tmp_path)) as cache,
        mock.patch.object(subprocess, "Popen", side_effect=OSError("no memory")),
        mock.patch.object(launcher_module, "MAX_FAILURES", 1),
    ):
        manager = DiskcacheLongCallbackManager(cache)
        yield manager
        manager.close()


def test_poll_makes_the_process_one_that_answers_pages(
    without_dispatcher: DiskcacheLongCallbackManager,
) -> None:
    registry = without_dispatcher._connection.launcher().store.registry
    assert not registry.answers_pages()  # a script may have started a job
    with pytest.raises(KeyError):
        without_dispatcher.look_up("unknown")
    assert not registry.answers_pages()
    assert without_dispatcher.read_all([("unknown.0", 0)]) == [None]
    assert registry.answers_pages()


def test_job_goes_on_though_no_dispatcher_can_start_and_others_are_lost(
    without_dispatcher: DiskcacheLongCallbackManager,
) -> None:
    launcher = without_dispatcher._connection.launcher()
    store = launcher.store
    for job_id in ("running", "dead", "waiting"):
        record = Record(
            id=job_id, task="module.task", code=launcher.code, created=1, changed=1
        )
        store.submit(record, CALL, max_concurrency=1, max_queue=9)
    for worker in (ME, DEAD):
        taken = store.dispatching.take(launcher.code, DEAD, Sizes(2))
        assert taken is not None
        assert store.slots.register(taken.id, worker, 1)

    def statuses() -> list[Status]:
        ids = ("running", "dead", "waiting")
        return [without_dispatcher.read(f"{job_id}.0", 0).status for job_id in ids]

    assert statuses() == [Status.RUNNING, Status.LOST, Status.LOST]
    assert launcher.has_failed
    assert statuses() == [Status.RUNNING, Status.LOST, Status.LOST]

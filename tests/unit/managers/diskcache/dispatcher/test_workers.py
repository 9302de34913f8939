"""The workers of a dispatcher, and what it says of their end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.core.queueing import Sizes
from dash_long_components.managers.diskcache.dispatcher import workers as module
from dash_long_components.managers.diskcache.dispatcher.settings import Settings
from dash_long_components.managers.diskcache.dispatcher.workers import Workers
from dash_long_components.managers.diskcache.worker.app_code import AppCode
from dash_long_components.managers.diskcache.worker.exits import describe_exit
from dash_long_components.managers.store.store import Store


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, "exited with code 0"),
        (3, "exited with code 3"),
        (-signal.SIGKILL, "killed by SIGKILL"),
        (-signal.SIGTERM, "killed by SIGTERM"),
        (-40, "killed by signal 40"),
    ],
)
def test_end_is_told_in_one_line(code: int, said: str) -> None:
    text = describe_exit(code)
    assert said in text
    assert "\n" not in text


def test_shortage_of_memory_is_guessed_from_sigkill_only() -> None:
    assert "memory" in describe_exit(-signal.SIGKILL)
    assert "memory" not in describe_exit(-signal.SIGTERM)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    settings = Settings(
        directory=str(tmp_path),
        result_ttl=60,
        code="v1",
        sizes=Sizes(2),
        start_method="fork",
        results="",
        app=AppCode(path=list(sys.path), argv=list(sys.argv)),
    )
    store = Store(str(tmp_path), 60)
    yield Workers(settings, store)
    store.close()


def test_orphan_that_can_not_be_killed_is_logged_once(
    workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        mock.patch.object(module, "children", return_value={2**22 + 1}),
        mock.patch.object(module, "end_child", return_value=False) as end,
    ):
        workers.kill_orphans()
        workers.kill_orphans()
    end.assert_called_once_with(2**22 + 1)
    assert caplog.text.count("can't be killed") == 1


def test_children_of_the_app_are_no_orphans(workers: Workers) -> None:
    """The import of the app may start a program, which belongs to no job."""
    of_app, orphan = 2**22 + 1, 2**22 + 2
    with (
        mock.patch.object(module, "children", return_value={of_app}) as children,
        mock.patch.object(module, "end_child", return_value=True) as end,
        # They would change this process.
        mock.patch.object(module, "adopt_orphans"),
        mock.patch.object(module, "gc"),
    ):
        workers.prepare()
        children.return_value = {of_app, orphan}
        workers.kill_orphans()
    end.assert_called_once_with(orphan)


def test_spare_worker_is_made_only_where_a_slot_is_free(workers: Workers) -> None:
    with mock.patch.object(module, "SpareWorker") as spare:
        spare.return_value.take.return_value = True
        for made, job_id in enumerate(["first", "second"], 1):
            workers.keep_spare()
            workers.keep_spare()
            assert spare.call_count == made
            workers.start(job_id, 1)
        workers.keep_spare()
        assert spare.call_count == 2
        workers.forget("first")
        workers.keep_spare()
        assert spare.call_count == 3

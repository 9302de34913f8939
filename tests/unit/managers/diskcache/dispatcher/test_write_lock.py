"""Which process keeps all others from writing to a store."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import psutil
import pytest

from dash_long_components.managers.diskcache.dispatcher.write_lock import (
    is_stopped_in_write,
)
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no SIGSTOP")

#: Opens a database with a log, writes, and stops.
PROGRAM = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(sys.argv[2])
os.kill(os.getpid(), signal.SIGSTOP)
"""

Stop = Callable[[str], int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE job (id)")
    return path


@pytest.fixture
def stop(path: Path) -> Iterator[Stop]:
    """Return the number of a process that has run a statement, and was stopped."""
    children = []

    def start(statement: str) -> int:
        command = [sys.executable, "-c", PROGRAM, str(path), statement]
        child = subprocess.Popen(command)
        children.append(child)
        process = psutil.Process(child.pid)
        until(lambda: process.status() == psutil.STATUS_STOPPED, 20, poll=0.01)
        return child.pid

    yield start
    for child in children:
        child.kill()
        child.wait(20)


def test_process_that_was_stopped_in_a_write_holds_the_others_up(stop: Stop) -> None:
    assert is_stopped_in_write(stop("BEGIN IMMEDIATE"))


@pytest.mark.skipif(sys.platform != "linux", reason="does not say who writes")
def test_process_that_was_stopped_in_nothing_or_a_read_does_not(stop: Stop) -> None:
    assert not is_stopped_in_write(stop("BEGIN"))
    assert not is_stopped_in_write(stop("SELECT id FROM job"))


def test_process_that_writes_and_runs_does_not(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        assert not is_stopped_in_write(os.getpid())


def test_process_that_is_gone_does_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(20)
    assert not is_stopped_in_write(child.pid)


def test_any_stopped_process_may_where_the_system_does_not_say_who_writes(
    stop: Stop,
) -> None:
    pid = stop("SELECT id FROM job")
    with mock.patch.object(Path, "read_text", side_effect=FileNotFoundError):
        assert is_stopped_in_write(pid)

"""The database file: who may read it, which versions it may have, how it is shared."""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.exceptions import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreNewerError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from dash_long_components.managers.store import database as module
from dash_long_components.managers.store import schema
from dash_long_components.managers.store.database import LOG_SIZE, Database
from dash_long_components.managers.store.errors import as_store_errors
from dash_long_components.managers.store.outages import access
from dash_long_components.managers.store.store import Store
from tests.unit.managers.store.made import submit, succeed, take

TIMEOUT = 20


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(str(tmp_path / "jobs"))
    yield database
    database.close()


def add_library(database: Database, name: str) -> None:
    database.run("INSERT INTO library VALUES (?)", name)


def libraries(database: Database) -> set[str]:
    return {name for (name,) in database.query("SELECT name FROM library")}


# Transactions


def test_transaction_that_fails_changes_nothing(database: Database) -> None:
    def fail() -> None:
        with database.transaction():
            add_library(database, "a")
            with database.transaction():
                add_library(database, "b")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert libraries(database) == set()


def test_inner_transaction_is_part_of_the_outer_one(database: Database) -> None:
    with database.transaction():
        with database.transaction():
            add_library(database, "a")
        other = Database(os.path.dirname(database.path))
        assert libraries(other) == set()
        other.close()
    assert libraries(database) == {"a"}


@pytest.mark.parametrize("directory", [True, False], ids=["file", "memory"])
def test_threads_do_not_see_half_of_a_transaction(
    tmp_path: Path, directory: bool
) -> None:
    database = Database(str(tmp_path) if directory else None)
    seen: list[int] = []

    def look() -> None:
        while len(seen) < 300:
            seen.append(database.value("SELECT count(*) FROM library"))
        database.close()

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(50):
        with database.transaction():
            add_library(database, f"a{number}")
            add_library(database, f"b{number}")
    reader.join(TIMEOUT)
    database.close()
    assert all(count % 2 == 0 for count in seen)


# Connections


def test_connection_ends_with_its_thread(database: Database) -> None:
    def use() -> None:
        libraries(database)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
        for _ in range(20):
            thread = threading.Thread(target=use)
            thread.start()
            thread.join(TIMEOUT)
        gc.collect()
        if sys.platform == "linux":
            assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_process_that_ends_leaves_no_connection_open(tmp_path: Path) -> None:
    code = (
        "import sys, threading\n"
        "from dash_long_components.managers.store.database import Database\n"
        "databases = [Database(sys.argv[1]), Database(None)]\n"
        "read = lambda: databases[0].query('SELECT 1')\n"
        "thread = threading.Thread(target=read); thread.start(); thread.join()\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    # The last connection has emptied and removed the log.
    assert [path.name for path in tmp_path.iterdir()] == [module.FILE]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forked_process_opens_a_connection_of_its_own(database: Database) -> None:
    def use() -> None:
        add_library(database, "child")
        gc.collect()
        database.close()

    child = multiprocessing.get_context("fork").Process(target=use)
    with database.transaction():
        add_library(database, "parent")
    child.start()
    child.join(TIMEOUT)
    assert child.exitcode == 0
    add_library(database, "parent, later")
    assert libraries(database) == {"parent", "child", "parent, later"}
    assert database.value("PRAGMA integrity_check") == "ok"


def test_opening_takes_no_lock_from_another_thread(database: Database) -> None:
    """POSIX takes all locks of a process on a file when it closes one descriptor."""
    directory = os.path.dirname(database.path)
    code = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n"
        "connection.execute('BEGIN IMMEDIATE')\n"
    )
    with database.transaction():
        add_library(database, "a")

        def open_another() -> None:
            Database(directory).close()

        thread = threading.Thread(target=open_another)
        thread.start()
        thread.join(TIMEOUT)
        run = subprocess.run(
            [sys.executable, "-c", code, database.path],
            capture_output=True,
            text=True,
            check=False,
        )
    assert "database is locked" in run.stderr


# Files


@pytest.mark.skipif(sys.platform == "win32", reason="has no modes")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_files_are_for_their_user_only(tmp_path: Path, umask: int) -> None:
    previous = os.umask(umask)
    try:
        database = Database(str(tmp_path / "new" / "jobs"))
        add_library(database, "a")
    finally:
        os.umask(previous)
    directory = tmp_path / "new" / "jobs"
    files = sorted(directory.iterdir())
    assert [path.suffix for path in files] == [".db", ".db-shm", ".db-wal"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    database.close()


@pytest.mark.skipif(sys.platform == "win32", reason="has no modes")
def test_files_of_an_older_release_become_private(database: Database) -> None:
    directory = os.path.dirname(database.path)
    database.close()
    os.chmod(directory, 0o755)
    os.chmod(database.path, 0o644)
    Database(directory).close()
    assert stat.S_IMODE(os.stat(directory).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(database.path).st_mode) == 0o600


def test_store_of_a_newer_version_is_refused(database: Database) -> None:
    database.query(f"PRAGMA user_version = {schema.VERSION + 1}")
    database.close()
    with pytest.raises(StoreUnavailableError, match="newer dash-long-components") as e:
        Database(os.path.dirname(database.path))
    assert database.path in str(e.value)
    assert "another directory" in str(e.value)


def test_process_goes_on_with_a_store_that_newer_code_has_migrated(
    tmp_path: Path,
) -> None:
    store = Store(str(tmp_path), 60)
    for_worker = pickle.dumps(store)  # that the dispatcher of the old code starts
    store._database.query(f"PRAGMA user_version = {schema.VERSION + 1}")
    store.close()
    with pytest.raises(StoreNewerError):
        Store(str(tmp_path), 60)
    for each in (store, pickle.loads(for_worker)):
        submit(each, str(id(each)))
        assert take(each) == str(id(each))
        succeed(each, str(id(each)))
        each.close()
    # Its version stays what it is.
    assert store._database.value("PRAGMA user_version") == schema.VERSION + 1
    store.close()


def test_store_of_an_older_version_is_migrated(database: Database) -> None:
    add_library(database, "kept")
    database.close()
    more = (*schema.MIGRATIONS, "CREATE TABLE later (name TEXT);")
    with (
        mock.patch.object(schema, "MIGRATIONS", more),
        mock.patch.object(schema, "VERSION", len(more)),
    ):
        newer = Database(os.path.dirname(database.path))
        assert newer.query("SELECT * FROM later") == []
        assert libraries(newer) == {"kept"}
        newer.close()


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EMFILE, StoreUnavailableError), (errno.ENOSPC, StoreFullError)],
)
def test_system_that_has_nothing_left_for_a_new_store_is_an_outage(
    tmp_path: Path, number: int, kind: type[Exception]
) -> None:
    with (
        mock.patch.object(tempfile, "mkstemp", side_effect=OSError(number, "none")),
        pytest.raises(kind, match=r"can't be opened now: .*none"),
    ):
        Database(str(tmp_path))
    Database(str(tmp_path)).close()


def test_store_that_may_only_be_read_says_so(database: Database) -> None:
    database.query("PRAGMA query_only = ON")
    with (
        pytest.raises(StoreReadOnlyError, match="readonly") as caught,
        as_store_errors(database.path, "written"),
    ):
        add_library(database, "new")
    assert caught.value.summary == "the job store can't be written"


def test_directory_that_can_not_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        Database(str(tmp_path / "file"))


def test_file_that_is_no_database_is_told_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / module.FILE
    path.write_text("this is no database" * 100)
    with pytest.raises(StoreDamagedError, match="move this file away") as caught:
        Database(str(tmp_path))
    assert str(path) in str(caught.value)
    assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_damage_while_it_is_open_is_told_with_the_way_out(tmp_path: Path) -> None:
    store = Store(str(tmp_path), 60)
    for number in range(200):
        store.durations.add(f"task-{number}", 1.0)
    store.close()
    with open(store.path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (os.path.getsize(store.path) - 4096))

    def use() -> None:
        with access(store):
            for number in range(200):
                store.durations.median(f"task-{number}")

    with pytest.raises(StoreDamagedError, match="move this file away"):
        use()
    store.close()


@pytest.mark.parametrize("is_open", [False, True])
def test_store_that_was_removed_is_not_made_again_by_the_way(
    database: Database, is_open: bool
) -> None:
    libraries(database)
    if not is_open:
        database.close()
    os.remove(database.path)
    for _ in range(2):
        with pytest.raises(StoreError, match="was removed"):
            libraries(database)
    assert not os.path.exists(database.path)


@pytest.mark.parametrize("is_open", [False, True])
def test_store_that_was_replaced_counts_as_removed(
    database: Database, is_open: bool
) -> None:
    libraries(database)
    if not is_open:
        database.close()
    directory = os.path.dirname(database.path)
    # Not removed first: the new file could get the number of the old one.
    os.rename(database.path, os.path.join(directory, "old"))
    other = Database(directory)
    assert libraries(other) == set()
    other.close()
    with pytest.raises(StoreError, match="was removed"):
        libraries(database)


# The log


def test_large_write_is_there_before_the_log_is_emptied(database: Database) -> None:
    with closing(sqlite3.connect(database.path)) as other:
        with database.large_write(LOG_SIZE), database.transaction():
            database.run("INSERT INTO result VALUES ('job', ?)", b"x" * LOG_SIZE)
            size = os.path.getsize(database.path)
        # It was written to the log first, and is in the file now.
        assert size < LOG_SIZE
        assert os.path.getsize(database.path) > LOG_SIZE
        found = other.execute("SELECT length(result) FROM result").fetchone()
    assert found == (LOG_SIZE,)


def test_purge_overwrites_what_was_deleted(database: Database) -> None:
    secret = b"a cookie"
    directory = Path(database.path).parent

    def is_left() -> bool:
        # In another process: to read the file here would take its locks away.
        code = (
            "import pathlib, sys\n"
            "files = pathlib.Path(sys.argv[1]).iterdir()\n"
            "sys.exit(any(b'a cookie' in file.read_bytes() for file in files))\n"
        )
        run = subprocess.run([sys.executable, "-c", code, directory], check=False)
        return run.returncode == 1

    for size in (1, 100, 1000):
        database.run("INSERT INTO call VALUES (?, ?)", str(size), secret * size)
    assert is_left()
    database.run("DELETE FROM call")
    assert is_left()
    assert database.purge()
    assert not is_left()


def test_purge_waits_for_no_reader(database: Database) -> None:
    add_library(database, "a")
    with closing(sqlite3.connect(database.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM library").fetchall()
        assert not database.purge()
        reader.execute("COMMIT")
    assert database.purge()

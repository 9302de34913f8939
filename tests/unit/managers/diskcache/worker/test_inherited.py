"""Connections that a fork would share are seen, and told by name."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import diskcache
import pytest

from dash_long_components.managers.diskcache.worker import inherited


def test_connection_is_named_by_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(inherited.connections(""))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setitem(inherited.SERVICES, port, "PostgreSQL")
        assert set(inherited.connections("")) == before, "it only listens"
        with socket.create_connection(("127.0.0.1", port)):
            new = set(inherited.connections("")) - before
    assert f"127.0.0.1:{port} (PostgreSQL)" in new


def test_socket_of_unix_is_named_by_its_path(tmp_path: Path) -> None:
    before = set(inherited.connections(""))
    folder = tempfile.mkdtemp(dir="/tmp")  # a long path can't be bound to
    path = f"{folder}/.s.PGSQL.5432"
    here, there = socket.socketpair()
    with (
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as client,
        here,
        there,
    ):
        listener.bind(path)
        listener.listen()
        client.connect(path)
        new = set(inherited.connections("")) - before
    shutil.rmtree(folder)
    assert new == {path}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/fd")
def test_look_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no socket")
    with (tmp_path / "text").open(), socket.socket():
        inherited.connections("")  # it may import something
        before = os.listdir("/dev/fd")
        inherited.connections("")
        assert len(os.listdir("/dev/fd")) == len(before)


def test_database_counts_but_a_cache_does_not(tmp_path: Path) -> None:
    before = set(inherited.connections(""))
    path = tmp_path / "cache.db"
    with diskcache.Cache(str(tmp_path / "cache")) as cache:
        cache["a"] = 1
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE sale (id)")
        connection.commit()
        connection.execute("BEGIN IMMEDIATE")
        (tmp_path / "text").write_text("no database")
        with (tmp_path / "text").open():
            new = set(inherited.connections("")) - before
            # SQLite's locks are still there.
            with (
                closing(sqlite3.connect(path, timeout=0)) as other,
                pytest.raises(sqlite3.OperationalError, match="locked"),
            ):
                other.execute("BEGIN IMMEDIATE")
            of_the_store = set(inherited.connections(str(tmp_path))) - before
        connection.close()
    assert new == {f"{path} (SQLite)"}
    assert not of_the_store

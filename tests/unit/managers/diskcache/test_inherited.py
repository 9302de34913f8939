"""Connections that a fork would share are seen, and told by name."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path

import diskcache
import pytest

from dash_long_components.managers.diskcache import inherited


def test_connection_is_named_by_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(inherited.connections(""))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setitem(inherited.SERVICES, port, "PostgreSQL")
        assert set(inherited.connections("")) == before, "it only listens"
        with socket.create_connection(("127.0.0.1", port)):
            new = set(inherited.connections("")) - before
    assert f"127.0.0.1:{port} (PostgreSQL)" in new


def test_database_counts_but_a_cache_does_not(tmp_path: Path) -> None:
    before = set(inherited.connections(""))
    path = tmp_path / "sales.db"
    with diskcache.Cache(str(tmp_path / "cache")) as cache:
        cache["a"] = 1
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE sale (id)")
        connection.commit()
        (tmp_path / "text").write_text("no database")
        with (tmp_path / "text").open():
            new = set(inherited.connections("")) - before
            of_the_store = set(inherited.connections(str(tmp_path))) - before
        connection.close()
    assert new == {f"{path} (SQLite)"}
    assert not of_the_store

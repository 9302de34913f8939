"""Connections that a fork inherits stay as they are, as do those in use at the exit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import gc, os, sqlite3, sys
from dash_long_components.managers.store.connections import Connections

connections = Connections(lambda: sqlite3.connect(sys.argv[1]))
inherited = connections.get()
child = os.fork()
if child == 0:
    own = connections.get()
    assert own is not inherited
    assert connections.get() is own
    gc.collect()
    inherited.total_changes  # an error if it is closed
    connections.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert connections.get() is inherited
inherited.execute("SELECT 1")
connections.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fork_has_connections_of_its_own(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE, str(tmp_path / "database")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("is_shared", [False, True])
def test_exit_closes_no_connection_that_a_thread_uses(is_shared: bool) -> None:
    code = f"""
import atexit, sqlite3, threading

def use():
    global rounds
    connection = shared.connection if shared else connections.get()
    while True:
        connection.execute("SELECT 1").fetchall()
        rounds += 1

def wait_for_more():
    enough = rounds + 100
    while thread.is_alive() and rounds < enough:
        thread.join(0.01)

rounds = 0
thread = threading.Thread(target=use, daemon=True)
atexit.register(wait_for_more)  # runs last
from dash_long_components.managers.store.connections import Connections, SelfClosing

def connect():
    return sqlite3.connect(":memory:", check_same_thread=False)

shared = SelfClosing(connect()) if {is_shared} else None
connections = Connections(connect)
thread.start()
wait_for_more()
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_exit_closes_the_connection_of_its_own_thread(tmp_path: Path) -> None:
    code = """
import atexit, sqlite3, sys, threading

closed = []

class Connection(sqlite3.Connection):
    def close(self):
        closed.append(threading.current_thread().name)
        super().close()

atexit.register(lambda: print(closed))
from dash_long_components.managers.store.connections import Connections

connections = Connections(
    lambda: sqlite3.connect(sys.argv[1], check_same_thread=False, factory=Connection)
)
connections.get()
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path / "database")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.stderr) == ("['MainThread']\n", "")

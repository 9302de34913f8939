"""A forked process neither uses nor closes the connections of its parent."""

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

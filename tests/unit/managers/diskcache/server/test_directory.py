"""The directory that a manager without a cache uses, and one that is private."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import diskcache
import pytest

from dash_long_components import DiskcacheLongCallbackManager
from dash_long_components.exceptions import StoreError


def made_in(folder: Path, script: str, **options: Any) -> str:
    """Return where a manager without a cache keeps its own."""
    path = folder / script
    path.write_text(
        "from dash_long_components import DiskcacheLongCallbackManager\n"
        "manager = DiskcacheLongCallbackManager()\n"
        "print(manager.handle.directory)\n"
    )
    run: subprocess.CompletedProcess[str] = subprocess.run(
        [sys.executable, str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        **{"env": {**os.environ, "TMPDIR": str(folder)}, **options},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_default_directory_is_the_same_after_a_restart(tmp_path: Path) -> None:
    first = made_in(tmp_path, "app.py")
    assert Path(first).is_relative_to(tmp_path)
    assert made_in(tmp_path, "app.py") == first
    assert made_in(tmp_path, "other_app.py") != first


def test_default_directory_is_for_its_user_only(tmp_path: Path) -> None:
    folder = Path(made_in(tmp_path, "app.py")).parent
    assert folder.stat().st_mode & 0o077 == 0


needs_root = pytest.mark.skipif(
    os.name != "posix" or os.getuid() != 0, reason="needs to be root"
)


@needs_root
@pytest.mark.parametrize("kind", ["folder", "link"])
def test_default_directory_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    place = tmp_path / "dash-long-components-0"
    if kind == "folder":
        place.mkdir()
    else:
        (tmp_path / "mine").mkdir()
        place.symlink_to(tmp_path / "mine")
    os.lchown(place, 54321, 54321)
    with pytest.raises(StoreError, match="belongs to another user"):
        DiskcacheLongCallbackManager()


@needs_root
def test_user_without_a_name_gets_a_directory_too() -> None:
    names = ("LOGNAME", "USER", "LNAME", "USERNAME")
    code = (
        "import os, sys, tempfile, cloudpickle, diskcache\n"
        "from dash_long_components import DiskcacheLongCallbackManager\n"
        "from dash_long_components.managers.diskcache.server import launcher\n"
        # As in a container that runs under a user id without a name.
        "tempfile.tempdir = sys.argv[1]\n"
        "os.chown(sys.argv[1], 54321, 54321)\n"
        "os.chdir(sys.argv[1])\n"
        "os.setuid(54321)\n"
        "DiskcacheLongCallbackManager()\n"
    )
    # Not below pytest's own directory, which is the first user's alone.
    with tempfile.TemporaryDirectory() as directory:
        run = subprocess.run(
            [sys.executable, "-c", code, directory],
            env={name: os.environ[name] for name in os.environ if name not in names},
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr


def test_directory_of_one_process_alone_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        diskcache.Cache() as private,
        tempfile.TemporaryDirectory() as temporary,
        diskcache.Cache(temporary) as named,
        diskcache.Cache(str(tmp_path / "diskcache-of-the-app")) as shared,
    ):
        for each in (shared, named, private):
            manager = DiskcacheLongCallbackManager(each)
            manager.secret()
            assert ("for this process" in caplog.text) is (each is private)
            manager.close()
    shutil.rmtree(private.directory)

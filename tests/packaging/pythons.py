"""Print the Pythons of this machine that the package supports, oldest first.

One line for each minor version: the version and the path of its newest release. They
come from pyenv, from uv and from the folders in PATH.
"""

from __future__ import annotations

import glob
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"

_DESCRIBE = """
import ensurepip, sys
if sys.version_info.releaselevel == 'final':
    print(*sys.version_info[:3])
"""


def supported() -> list[tuple[int, int]]:
    """Return the minor versions that the project's classifiers name."""
    names = re.findall(r"Python :: (\d+)\.(\d+)", PROJECT.read_text())
    return sorted((int(major), int(minor)) for major, minor in names)


def candidates() -> Iterator[str]:
    """Give the paths at which a Python may be."""
    home = Path.home()
    pyenv = os.environ.get("PYENV_ROOT", home / ".pyenv")
    data = os.environ.get("XDG_DATA_HOME", home / ".local" / "share")
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR", Path(data) / "uv" / "python")
    for folder in (Path(pyenv) / "versions", Path(uv)):
        yield from glob.glob(f"{folder}/*/bin/python3")
    for folder_in_path in os.get_exec_path():
        for major, minor in supported():
            path = Path(folder_in_path) / f"python{major}.{minor}"
            if path.exists():
                yield str(path)


def release(python: str) -> tuple[int, ...] | None:
    """Return the release of a Python, or None if it can't make an environment."""
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        done = subprocess.run(
            [python, "-c", _DESCRIBE], capture_output=True, check=True, timeout=30
        )
        return tuple(map(int, done.stdout.split())) or None
    return None


def main() -> None:
    found: dict[tuple[int, ...], tuple[tuple[int, ...], str]] = {}
    for python in candidates():
        version = release(python)
        if version and version[:2] in supported():
            found[version[:2]] = max(
                (version, python), found.get(version[:2], ((), ""))
            )
    for minor, (_, python) in sorted(found.items()):
        print(".".join(map(str, minor)), python)


if __name__ == "__main__":
    main()

"""The version of the app's code, the same in all processes that run it.

An app is what its import has loaded. Its callbacks may import more, in one process and
not in another. So a process takes its version before it runs the first callback.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from .module_names import LIBRARIES, file_of, is_project_file

_OWN_FOLDER = Path(__file__).parents[1]

#: The version of this process, once it is settled. Threads may settle it at once.
_settled: dict[str, str] = {}


def settle() -> str:
    """Return the version of this process. The first call settles it."""
    if "version" not in _settled:
        _settled.setdefault("version", of_loaded_files())
    return _settled["version"]


def unsettle() -> None:
    """Have the next call of ``settle`` look again: the import of an app goes on."""
    _settled.clear()


def of_loaded_files() -> str:
    """Return a hash of the project's loaded files: what differs runs other code.

    The hash covers the names and versions of installed packages, and Python's version.
    This package counts as a whole: each process imports its modules when it needs them.
    """
    digest = hashlib.sha256(sys.version.encode())
    digest.update("\0".join(_INSTALLED).encode())
    loaded = {file_of(module) for module in list(sys.modules.values())}
    own = map(str, _OWN_FOLDER.rglob("*.py"))
    for path in sorted(filter(is_project_file, loaded.union(own))):
        digest.update(path.encode())
        with contextlib.suppress(OSError), open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def _installed(folders: Iterable[str]) -> list[str]:
    """Return the names and versions of installed packages, as pip notes them."""
    found: set[str] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            found.update(fnmatch.filter(os.listdir(folder), "*.dist-info"))
    return sorted(found)


# Those that this process has begun with: it goes on with what it has imported.
_INSTALLED = _installed(LIBRARIES)

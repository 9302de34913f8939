"""Names of modules that are the same in every process."""

from __future__ import annotations

import contextlib
import functools
import glob
import os
import site
import sys
import sysconfig
import types
from importlib.machinery import ModuleSpec, all_suffixes

#: The name under which a process imports a main file that it did not start. The
#: standard library's multiprocessing uses it too.
MAIN = "__mp_main__"

_MAIN_NAMES = ("__main__", MAIN)

#: Endings of files that an import finds.
_SOURCES = set(all_suffixes()) | {".pyw"}

#: Folders of installed packages, those of another Python on the path among them.
_SITES = {"site-packages", "dist-packages"}

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")


def importable_name(name: str) -> str:
    """Return the name under which any process can import a loaded module.

    It differs from the module's own name in two cases: the module is the main file,
    or a server loaded it from a file under an invented name (``uwsgi_file_wsgi``,
    ``_mod_wsgi_`` and a hash). A notebook's ``__main__`` has no such name, and stays.
    """
    module = sys.modules.get(name)
    path = file_of(module)
    if not path or (name not in _MAIN_NAMES and is_found(name, path)):
        return "__main__" if name in _MAIN_NAMES else name
    folder, file = os.path.split(path)
    stem, ending = os.path.splitext(file)
    # ``app.wsgi`` is often beside ``app.py``.
    names = [stem if ending in _SOURCES else file.replace(".", "_")]
    package = getattr(module, "__package__", None)
    if name in _MAIN_NAMES and package:  # python -m package.module
        return ".".join([package, *names])
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.insert(0, name)
    return ".".join([*_below_path(folder), *names])


def find_module(name: str) -> types.ModuleType | None:
    """Return the loaded module that ``importable_name`` gives this name, or None."""
    for main in _MAIN_NAMES:
        if main in sys.modules and importable_name(main) == name:
            return sys.modules[main]
    return sys.modules.get(name)


def is_main(name: str) -> bool:
    """Return whether this is a name of the main file."""
    return name in _MAIN_NAMES


def file_of(module: object) -> str:
    """Return the absolute path of a module's file, or an empty string."""
    path = getattr(module, "__file__", None)
    return os.path.abspath(path) if isinstance(path, str) else ""


def is_project_file(path: str) -> bool:
    """Return whether a file is the user's own code, not of an installed package.

    It may have any ending, as mod_wsgi's scripts. Without one it is a program, such as
    ``/usr/bin/gunicorn``.
    """
    return (
        os.path.splitext(path)[1] != ""
        and not path.startswith(LIBRARIES)
        and _SITES.isdisjoint(path.split(os.sep))
        and not any(_has_installed(entry, path) for entry in sys.path)
    )


def is_users_file(path: str) -> bool:
    """Return whether a file is the user's own, even if the project is this package."""
    return is_project_file(path) and not path.startswith(_PACKAGE)


def is_found(name: str, path: str) -> bool:
    """Return whether an import by this name would load this file."""
    spec = _find_spec(name)
    return spec is not None and spec.origin is not None and _is_same(spec.origin, path)


def _find_spec(name: str) -> ModuleSpec | None:
    """Find a module as an import does, without an import of its parents."""
    parent, _, _ = name.rpartition(".")
    places = None
    if parent:
        found = sys.modules.get(parent) or _find_spec(parent)
        places = getattr(found, "__path__", None) or getattr(
            found, "submodule_search_locations", None
        )
        if places is None:
            return None
    for finder in sys.meta_path:
        spec = finder.find_spec(name, places)
        if spec is not None:
            return spec
    return None


def _is_same(left: str, right: str) -> bool:
    return os.path.realpath(left) == os.path.realpath(right)


def _has_installed(entry: str, path: str) -> bool:
    """Return whether ``pip install --target`` has put a file into a folder."""
    folder = os.path.join(os.path.abspath(entry), "")
    if not path.startswith(folder):
        return False
    return path.removeprefix(folder).partition(os.sep)[0] in _installed_names(folder)


@functools.cache
def _installed_names(folder: str) -> frozenset[str]:
    """Return the names at the top of a folder that packages in it list."""
    names: set[str] = set()
    for path in glob.glob(os.path.join(glob.escape(folder), "*.dist-info", "RECORD")):
        with contextlib.suppress(OSError), open(path, encoding="utf-8") as record:
            names.update(line.partition(",")[0].partition("/")[0] for line in record)
    return frozenset(names)


def _below_path(folder: str) -> list[str]:
    """Return the names from the nearest entry of ``sys.path`` down to a folder."""
    names: list[str] = []
    entries = {os.path.abspath(entry) for entry in sys.path}
    while folder not in entries:
        above, name = os.path.split(folder)
        if above == folder or not name.isidentifier():
            return []
        names.insert(0, name)
        folder = above
    return names


def _libraries() -> tuple[str, ...]:
    """Return the directories of the standard library and of installed packages."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    paths |= {sysconfig.get_path(name) for name in ("purelib", "platlib", "scripts")}
    paths |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(os.path.join(os.path.realpath(path), "") for path in paths if path) + (
        tuple(os.path.join(os.path.abspath(path), "") for path in paths if path)
    )


#: Directories of the standard library and of installed packages.
LIBRARIES = _libraries()

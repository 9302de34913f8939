"""The app's code: which modules it is, which version, and its import elsewhere."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import importlib
import importlib.util
import logging
import os
import site
import sys
import sysconfig
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...bridge import internals

logger = logging.getLogger("dash_long_components")

#: The name under which the main file is imported by processes that it did not start,
#: as multiprocessing does it.
MAIN = "__mp_main__"


@dataclass(frozen=True, kw_only=True)
class AppCode:
    """What another process needs to import the app as this one did.

    Attributes:
        modules: names to import, in this order; ``__main__`` for the main file.
        main_path: the main file, or None if there is none (a notebook).
        main_package: the package it was run in (``python -m package.module``).
        path: ``sys.path``.
        argv: ``sys.argv``.
    """

    modules: list[str]
    main_path: str | None
    main_package: str | None
    path: list[str]
    argv: list[str]

    @classmethod
    def current(cls, apps: Iterable[str], tasks: Iterable[str]) -> AppCode:
        """Describe this process.

        Args:
            apps: names of the modules that make the apps; imported first, since a page
                can't be without its app.
            tasks: names of the modules that define the tasks.
        """
        main = sys.modules["__main__"]
        main_path = getattr(main, "__file__", None)
        # An app may be named after anything; mostly it is after its module.
        names = [
            name if name in sys.modules and name != MAIN else "__main__"
            for name in [*sorted(apps), *sorted(tasks)]
        ]
        return cls(
            modules=sorted(dict.fromkeys(names), key=lambda name: name != "__main__"),
            main_path=os.path.abspath(main_path) if main_path else None,
            main_package=getattr(main, "__package__", None),
            path=[os.path.abspath(entry) for entry in sys.path],
            argv=sys.argv,
        )

    def load(self) -> dict[str, str]:
        """Import the modules, so that their tasks register.

        Returns:
            What went wrong, by module name: a module that can't be imported does not
            keep the others from it.
        """
        sys.path[:] = self.path
        sys.argv[:] = self.argv
        failures: dict[str, str] = {}
        with internals.no_server():
            for name in self.modules:
                try:
                    self._import(name)
                except (Exception, SystemExit) as error:
                    logger.warning(
                        "Can't import %s for its long callbacks: %s", name, error
                    )
                    failures[name] = f"{type(error).__name__}: {error}"
        return failures

    def _import(self, name: str) -> None:
        if name != "__main__":
            importlib.import_module(name)
        elif self.main_path and _file_of(sys.modules.get(MAIN)) != self.main_path:
            # Not just whether there is a MAIN: multiprocessing gives this name to the
            # main module of every process.
            self._import_main(self.main_path)

    def _import_main(self, path: str) -> None:
        spec = importlib.util.spec_from_file_location(MAIN, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file.")
        module = importlib.util.module_from_spec(spec)
        # As that of a program's own main module: relative imports go by the package,
        # and multiprocessing by the path.
        module.__spec__ = None
        module.__package__ = self.main_package
        if self.main_package:
            importlib.import_module(self.main_package)
        sys.modules[MAIN] = sys.modules["__main__"] = module
        spec.loader.exec_module(module)


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Keep multiprocessing from importing the main file in a process that it spawns.

    ``AppCode.load`` does that there, as part of its package if it is, and sees to it
    that it starts no second server.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def version() -> str:
    """Return a hash of the project's loaded files: what differs runs other code.

    Of installed packages the names and versions count, of Python its version. This
    package counts as a whole: each process imports its modules when it needs them.
    """
    digest = hashlib.sha256(sys.version.encode())
    digest.update("\0".join(_INSTALLED).encode())
    loaded = {_file_of(module) for module in list(sys.modules.values())}
    own = map(str, _OWN_FOLDER.rglob("*.py"))
    for path in sorted(filter(_is_project_file, loaded.union(own))):
        digest.update(path.encode())
        with contextlib.suppress(OSError), open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def _file_of(module: object) -> str:
    path = getattr(module, "__file__", None)
    return os.path.abspath(path) if isinstance(path, str) else ""


def _is_project_file(path: str) -> bool:
    return (
        path.endswith(".py")
        and not path.startswith(_LIBRARIES)
        # As of a second environment, which PYTHONPATH or a .pth file adds.
        and _PACKAGES.isdisjoint(Path(path).parts)
    )


def _libraries() -> tuple[str, ...]:
    """Return the directories of the standard library and of installed packages."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    paths |= {sysconfig.get_path(name) for name in ("purelib", "platlib", "scripts")}
    paths |= {*site.getsitepackages(), site.getusersitepackages()}
    return tuple(os.path.join(os.path.realpath(path), "") for path in paths if path) + (
        tuple(os.path.join(os.path.abspath(path), "") for path in paths if path)
    )


_LIBRARIES = _libraries()

#: Folders of installed packages have these names, wherever they are.
_PACKAGES = {"site-packages", "dist-packages"}

_OWN_FOLDER = Path(__file__).parents[2]


def _installed(folders: Iterable[str]) -> list[str]:
    """Return the names and versions of installed packages, as pip notes them."""
    found: set[str] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            found.update(fnmatch.filter(os.listdir(folder), "*.dist-info"))
    return sorted(found)


# Those that this process has begun with: it goes on with what it has imported.
_INSTALLED = _installed(_LIBRARIES)

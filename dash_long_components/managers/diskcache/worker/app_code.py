"""Describe how the app is created, and create it in another process."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import logging
import os
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any

from ....bridge.no_server import no_server
from ....core import app_origin
from ....core.app_origin import AppOrigin, Maker
from ....core.module_names import MAIN, file_of, importable_name, is_found, is_main

logger = logging.getLogger("dash_long_components")


@dataclass(frozen=True, kw_only=True)
class AppCode:
    """The code of an app, for another process that makes the app.

    Attributes:
        apps: how each app came to be.
        modules: names of the modules that define tasks; ``__main__`` for the main file.
        main_path: the main file, or None if there is none (a notebook).
        main_package: the package it was run in (``python -m package.module``).
        path: ``sys.path``.
        argv: ``sys.argv``.
    """

    apps: list[AppOrigin] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    main_path: str | None = None
    main_package: str | None = None
    path: list[str]
    argv: list[str]

    @classmethod
    def current(cls, apps: Iterable[AppOrigin], modules: Iterable[str]) -> AppCode:
        """Describe this process.

        Args:
            apps: its apps.
            modules: names of the modules that define the tasks.
        """
        main = sys.modules["__main__"]
        names = {
            "__main__" if is_main(name) else importable_name(name) for name in modules
        }
        return cls(
            apps=[app.runnable() for app in apps],
            modules=sorted(names),
            main_path=file_of(main) or None,
            main_package=getattr(main, "__package__", None),
            path=[os.path.abspath(entry) for entry in sys.path],
            argv=sys.argv,
        )

    @property
    def app(self) -> str:
        """What tells apps apart, the same for all versions of their code."""
        how = repr((self.main_path, self.main_package, self.path, self.argv))
        return hashlib.sha256(how.encode()).hexdigest()[:16]

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> AppCode:
        """Undo ``dataclasses.asdict``."""
        return cls(
            **{**fields, "apps": [AppOrigin.from_dict(app) for app in fields["apps"]]}
        )

    def load(self) -> dict[str, str]:
        """Make the apps, so that their tasks register.

        Returns:
            The reason of each failure, by what failed. A failure does not stop the
            others.
        """
        sys.path[:] = self.path
        sys.argv[:] = self.argv
        failures: dict[str, str] = {}
        with no_server(), app_origin.making_again():
            for app in self.apps:
                self._make(app, failures)
            # Modules that no app has imported may define tasks too.
            for name in self.modules:
                self._try(Maker(module=name), failures)
        return failures

    def _make(self, app: AppOrigin, failures: dict[str, str]) -> None:
        """Make an app by the first of its makers that succeeds."""
        tried: dict[str, str] = {}
        for maker in app.makers:
            before = app_origin.count()
            if app.is_made():
                return
            if maker.obstacle is not None:
                tried[str(maker)] = maker.obstacle
            elif self._try(maker, failures):
                if app_origin.count() > before:
                    return  # an app may have another name each time
                tried[str(maker)] = "it created no app"
        if not app.is_made():
            failures.update(tried)

    def _try(self, maker: Maker, failures: dict[str, str]) -> bool:
        """Run a maker. Return False if it has failed."""
        try:
            maker.make(self._import)
        except (Exception, SystemExit) as error:
            logger.warning("Could not load long callbacks by %s: %s", maker, error)
            failures[str(maker)] = f"{type(error).__name__}: {error}"
            return False
        return True

    def _import(self, name: str, path: str | None) -> types.ModuleType:
        if name == "__main__":
            return self._import_main()
        # A server may load a file from a folder that is not on the path, or one that
        # an import finds by no name.
        if path is None or name in sys.modules or is_found(name, path):
            return importlib.import_module(name)
        return _import_file(name, path)

    def _import_main(self) -> types.ModuleType:
        # Its name alone is not enough: multiprocessing gives it to the main module of
        # every process.
        main = sys.modules.get(MAIN)
        if main is not None and file_of(main) == self.main_path:
            return main
        if self.main_path is None:
            raise ImportError("the main module is not a file (notebook)")
        if self.main_package:
            importlib.import_module(self.main_package)
        return _import_file(MAIN, self.main_path, self.main_package)


def _import_file(name: str, path: str, package: str | None = None) -> types.ModuleType:
    """Import a file under a name of our choice."""
    loader = _Loader(name, path)
    spec = ModuleSpec(name, loader, origin=path)
    spec.has_location = True  # so that the module gets its __file__
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if name == MAIN:
        # A program's main module has none: relative imports use the package, and
        # multiprocessing uses the path.
        module.__spec__ = None
        module.__package__ = package
        sys.modules["__main__"] = module
    loader.exec_module(module)
    return module


class _Loader(SourceFileLoader):
    """Loads a file with any ending.

    It leaves out the cache of byte code, where ``app.wsgi`` and ``app.py`` have one
    name.
    """

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        code: types.CodeType = self.source_to_code(self.get_data(path), path)
        return code


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Keep multiprocessing from importing the main file in a process that it spawns.

    ``AppCode.load`` imports it there instead, within its package, and keeps it from
    starting a second server.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main

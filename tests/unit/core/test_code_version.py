"""Which version of the app's code a process runs."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from dash_long_components.core import code_version, module_names


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to import from; what was imported is forgotten in the end."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_version, "_settled", {})


def test_later_imports_leave_the_version_alone(project: Path, unsettled: None) -> None:
    (project / "late_module.py").write_text("NUMBER = 1")
    before = code_version.settle()
    importlib.import_module("late_module")
    assert code_version.settle() == before
    assert code_version.of_loaded_files() != before
    # Another app is made: its import may have loaded that.
    code_version.unsettle()
    assert code_version.settle() == code_version.of_loaded_files()


def test_version_is_that_of_the_projects_files(project: Path) -> None:
    (project / "some_module.py").write_text("NUMBER = 1")
    before = code_version.of_loaded_files()
    importlib.import_module("some_module")
    loaded = code_version.of_loaded_files()
    assert loaded != before
    assert code_version.of_loaded_files() == loaded
    (project / "some_module.py").write_text("NUMBER = 2")
    assert code_version.of_loaded_files() not in (before, loaded)
    (project / "some_module.py").write_text("NUMBER = 1")
    assert code_version.of_loaded_files() == loaded


def test_modules_of_this_package_count_before_they_are_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    importlib.import_module("dash_long_components.testing")
    before = code_version.of_loaded_files()
    for name in [name for name in sys.modules if name.startswith("dash_long_")]:
        if ".testing" in name:
            monkeypatch.delitem(sys.modules, name)
    assert code_version.of_loaded_files() == before


def test_files_of_libraries_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_version.of_loaded_files()
    for folder in [*module_names.LIBRARIES, "/another/lib/site-packages/some_library"]:
        path = Path(folder) / "some_library.py"
        module = types.ModuleType("some_library")
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, "some_library", module)
        assert code_version.of_loaded_files() == before


def test_version_is_that_of_the_installed_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version_with(*packages: str) -> str:
        folder = tmp_path / "+".join(packages)
        for name in (*packages, "some_library"):
            (folder / name).mkdir(parents=True)
        folders = [str(folder), str(tmp_path / "missing")]
        monkeypatch.setattr(
            code_version, "_INSTALLED", code_version._installed(folders)
        )
        return code_version.of_loaded_files()

    before = version_with("pandas-2.3.0.dist-info", "dash-4.0.0.dist-info")
    assert version_with("pandas-3.0.0.dist-info", "dash-4.0.0.dist-info") != before
    again = ("dash-4.0.0.dist-info", "pandas-2.3.0.dist-info")
    assert version_with(*again) == before


def test_file_that_is_gone_is_no_error(project: Path) -> None:
    (project / "some_module.py").write_text("")
    importlib.import_module("some_module")
    (project / "some_module.py").unlink()
    assert code_version.of_loaded_files()

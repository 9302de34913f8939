"""A module has one name in all processes, whatever its server calls it."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from dash_long_components.core.module_names import (
    find_module,
    importable_name,
    is_project_file,
)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load(name: str, path: Path) -> None:
    """Load a file under a name, as servers do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


@pytest.mark.parametrize("invented", ["uwsgi_file_site_x", "_mod_wsgi_0123456789"])
def test_invented_name_becomes_that_of_the_file(invented: str, tmp_path: Path) -> None:
    load(invented, tmp_path / "site_x.py")
    assert importable_name(invented) == "site_x"


def test_name_of_a_script_is_not_that_of_the_module_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "site_x.wsgi"
    path.touch()
    module = types.ModuleType("_mod_wsgi_0123456789")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    assert importable_name(module.__name__) == "site_x_wsgi"


def test_name_goes_by_the_path_of_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    load("invented", tmp_path / "folder" / "site_x.py")
    assert importable_name("invented") == "folder.site_x"


def test_package_counts_without_the_path(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    load("invented", tmp_path / "shop" / "site_x.py")
    assert importable_name("invented") == "shop.site_x"


def test_name_that_an_import_finds_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    load("site_x", tmp_path / "site_x.py")
    assert importable_name("site_x") == "site_x"
    assert find_module("site_x") is sys.modules["site_x"]
    assert importable_name(__name__) == __name__
    assert importable_name("Sales of the week") == "Sales of the week"


def test_package_that_pip_puts_beside_the_users_code_is_no_project_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``pip install --target`` takes a folder of any name, and so may a project's."""
    note = tmp_path / "some_server-1.0.dist-info"
    note.mkdir()
    lines = ["some_server/__main__.py,sha256=x,1", "one_file.py,,", "../../bin/run,,"]
    (note / "RECORD").write_text("\n".join(lines))
    assert is_project_file(str(tmp_path / "some_server" / "__main__.py"))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not is_project_file(str(tmp_path / "some_server" / "__main__.py"))
    assert not is_project_file(str(tmp_path / "one_file.py"))
    assert is_project_file(str(tmp_path / "app.py"))
    assert is_project_file(str(tmp_path / "some_server_of_the_user" / "app.py"))

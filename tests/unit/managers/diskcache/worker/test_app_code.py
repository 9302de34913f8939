"""The version of the code, and its import in another process."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dash_long_components.core.app_origin import AppOrigin, Maker
from dash_long_components.core.module_names import MAIN
from dash_long_components.managers.diskcache.worker.app_code import AppCode
from tests import backends

# They can't be imported twice, as what a project imports is.
with suppress(ImportError):
    import quart  # noqa: F401
    import uvicorn  # noqa: F401
with suppress(ImportError):
    import dash.backends._fastapi
    import dash.backends._quart  # noqa: F401


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to import from; what was imported is forgotten in the end."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("sys.modules", "sys.path", "sys.argv")
    modules, path, argv = dict(sys.modules), list(sys.path), list(sys.argv)
    yield tmp_path
    assert names
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    sys.modules.update(modules)
    sys.path[:], sys.argv[:] = path, argv
    importlib.invalidate_caches()


def load(project: Path, *modules: str, main: Path | None = None) -> dict[str, str]:
    return AppCode(
        modules=list(modules),
        main_path=str(main) if main else None,
        main_package=None,
        path=sys.path,
        argv=["app.py", "--argument"],
    ).load()


def test_this_process_is_described(project: Path) -> None:
    code = AppCode.current([], {"pytest", MAIN, "json", "__main__"})
    assert code.modules == ["__main__", "json", "pytest"]
    assert all(os.path.isabs(entry) for entry in code.path)
    assert code.argv == sys.argv


def test_modules_are_imported_with_the_path_of_the_app(project: Path) -> None:
    (project / "left.py").write_text("import sys; ARGV = list(sys.argv)")
    assert load(project, "left") == {}
    assert sys.modules["left"].ARGV == ["app.py", "--argument"]


def test_one_that_fails_does_not_keep_the_others_from_it(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (project / "broken.py").write_text("1 / 0")
    (project / "leaving.py").write_text("import sys; sys.exit(3)")
    (project / "whole.py").write_text("")
    failures = load(project, "broken", "leaving", "missing", "whole")
    assert failures == {
        "the import of broken": "ZeroDivisionError: division by zero",
        "the import of leaving": "SystemExit: 3",
        "the import of missing": "ModuleNotFoundError: No module named 'missing'",
    }
    assert "whole" in sys.modules
    assert len(caplog.records) == 3


def test_main_file_is_imported_once_and_not_as_main(project: Path) -> None:
    main = project / "app.py"
    main.write_text("NAMES = globals().get('NAMES', []) + [__name__]")
    assert load(project, "__main__", main=main) == {}
    module = sys.modules[MAIN]
    assert module.NAMES == [MAIN]
    assert sys.modules["__main__"] is module
    assert load(project, "__main__", main=main) == {}
    assert sys.modules[MAIN] is module


def test_script_of_a_server_is_loaded_from_its_file(project: Path) -> None:
    (project / "site_x.py").write_text("NAME = __name__")
    script = project / "site_x.wsgi"
    script.write_text("import site_x, sys; NAMES = [site_x.NAME, __name__]")
    app = AppOrigin(
        name="site",
        prefix="/script",
        number=1,
        makers=(Maker(module="site_x_wsgi", path=str(script)),),
    )
    code = AppCode(apps=[app], path=sys.path, argv=[])
    assert code.load() == {"the import of site_x_wsgi": "it created no app"}
    assert sys.modules["site_x_wsgi"].NAMES == ["site_x", "site_x_wsgi"]
    assert load(project, "site_x_wsgi") == {}


def test_main_file_imports_its_neighbours_relatively(project: Path) -> None:
    package = project / "some_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "other.py").write_text("NUMBER = 5")
    (package / "app.py").write_text("from .other import NUMBER")
    failures = AppCode(
        modules=["__main__"],
        main_path=str(package / "app.py"),
        main_package="some_package",
        path=sys.path,
        argv=[],
    ).load()
    assert failures == {}
    assert sys.modules[MAIN].NUMBER == 5


@pytest.mark.parametrize(
    "how",
    [
        "import dash; dash.Dash('x').run()",
        "import dash_long_components as dash; dash.Dash('x').run(debug=True)",
        "import flask; flask.Flask('x').run()",
    ],
)
def test_main_file_that_runs_its_server_is_told_so(
    project: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    main = project / "app.py"
    main.write_text(how)
    failures = load(project, "__main__", main=main)
    assert 'if __name__ == "__main__":' in failures["the import of __main__"]
    assert caplog.records


SETS_UP_AN_APP = """\
import dash_long_components as dash
from dash_long_components.testing import MemoryLongCallbackManager
from tests import backends
app = dash.Dash("x", backend={!r}, long_callback_manager=MemoryLongCallbackManager())
"""


@pytest.mark.parametrize("backend", backends.ASGI)
@pytest.mark.parametrize(
    "how",
    [
        "app.run()",
        "import uvicorn; uvicorn.run(app.server)",
        "import asyncio, uvicorn\n"
        "asyncio.run(uvicorn.Server(uvicorn.Config(app.server)).serve())",
        "import asyncio, hypercorn.asyncio, hypercorn.config\n"
        "config = hypercorn.config.Config()\n"
        "asyncio.run(hypercorn.asyncio.serve(app.server, config))",
        "getattr(app.server, 'run', app.run)()",
    ],
)
def test_main_file_that_runs_an_asynchronous_server_is_told_so(
    project: Path, backend: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    main = project / "app.py"
    imports = "import hypercorn.asyncio, uvicorn\n"
    main.write_text(imports + SETS_UP_AN_APP.format(backend) + how)
    failures = load(project, "__main__", main=main)
    assert 'if __name__ == "__main__":' in failures["the import of __main__"]
    assert caplog.records


def test_servers_run_again_after_the_import(project: Path) -> None:
    code = (
        "import dash, flask\n"
        "from dash_long_components.bridge.no_server import no_server\n"
        "before = dash.Dash.run, flask.Flask.run\n"
        "with no_server():\n"
        "    assert dash.Dash.run is not before[0]\n"
        "assert (dash.Dash.run, flask.Flask.run) == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

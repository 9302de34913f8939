"""Apps on each asynchronous backend; the tests here are those of Flask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import backends
from tests.browser.deployed import APPS
from tests.browser.test_resume import Site
from tests.conftest import ROOT, AppProcess, StartApp
from tests.integration.servers import serving, with_settings

#: Where a file makes its app.
APP = re.compile(r"dash\.Dash\(\s*__name__")


@pytest.fixture(scope="module", params=backends.ASGI)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def site_of_module(
    request: pytest.FixtureRequest,
    backend: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Serve the app of ``test_resume`` with the ``ENVIRONMENT`` of a module, if any."""
    folder = tmp_path_factory.mktemp(backend)
    environment = getattr(request.module, "ENVIRONMENT", ())
    command = backends.command(backend, "resume:app.server", APPS)
    command = with_settings(["env", f"FOLDER={folder}", *environment, *command])
    (folder / "web").mkdir()
    with serving(command, folder / "web") as server:
        yield Site(server, folder)


@pytest.fixture
def start_app(start_app: StartApp, backend: str, tmp_path: Path) -> StartApp:
    """Start the app of a file by the server of its backend."""

    def start(script: str | Path | list[str], port: int | None = None) -> AppProcess:
        assert not isinstance(script, list)
        name = Path(script).stem
        folder = tmp_path / "code"
        folder.mkdir(exist_ok=True)
        text = (ROOT / script).read_text()
        if "BACKEND" not in text:  # An example: add what its reader would.
            text, count = APP.subn(rf"\g<0>, backend={backend!r}", text)
            assert count == 1
        (folder / f"{name}.py").write_text(text)
        command = backends.command(backend, f"{name}:app.server", folder)
        return start_app(command, port)

    return start

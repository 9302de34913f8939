"""The frameworks of the comparison, as their documentation starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT, AppProcess
from tests.ports import free_port

APPS = Path(__file__).parent / "apps"

#: The Python of an environment with the frameworks: their dependencies exclude ours.
PEERS = ROOT / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True)
class Contender:
    """A framework that runs the job of ``apps/work.py``.

    Attributes:
        name: in the table.
        package: whose version the table tells.
        command: starts the server, with ``{port}``; the first word is a module.
        path: of its page.
        python: runs it.
        is_asgi: ours on FastAPI.
    """

    name: str
    package: str
    command: str
    path: str = "/"
    python: str = sys.executable
    is_asgi: bool = False

    def version(self) -> str:
        code = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        done = subprocess.run(  # noqa: S603
            [self.python, "-c", code], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


_GUNICORN = "gunicorn {app}:server -w 2 --threads 4 -b 127.0.0.1:{{port}}"

CONTENDERS = [
    Contender("ours", "dash-long-components", _GUNICORN.format(app="ours")),
    Contender(
        "ours on FastAPI",
        "dash-long-components",
        "uvicorn ours:server --host 127.0.0.1 --port {port} --no-access-log",
        is_asgi=True,
    ),
    Contender("Dash", "dash", _GUNICORN.format(app="native")),
    Contender("next Dash", "dash", _GUNICORN.format(app="native"), python=str(PEERS)),
    Contender("Gradio", "gradio", "with_gradio", python=str(PEERS)),
    Contender(
        "Streamlit",
        "streamlit",
        "streamlit run with_streamlit.py --server.port {port} --server.headless true "
        "--server.address 127.0.0.1 --browser.gatherUsageStats false",
        python=str(PEERS),
    ),
    Contender(
        "Panel",
        "panel",
        "panel serve with_panel.py --port {port} --address 127.0.0.1 "
        "--allow-websocket-origin 127.0.0.1:{port}",
        path="/with_panel",
        python=str(PEERS),
    ),
]


@dataclass(frozen=True)
class Deployment:
    """A contender that serves."""

    contender: Contender
    server: AppProcess

    @property
    def url(self) -> str:
        return self.server.url + self.contender.path


@contextmanager
def serving(
    contenders: list[Contender], folder: Path, **work: Any
) -> Iterator[list[Deployment]]:
    """Start contenders.

    Args:
        contenders: which.
        folder: for their files.
        work: what the job does; see ``apps/work.py``.
    """
    with ExitStack() as stack:
        deployments = []
        for number, contender in enumerate(contenders):
            home = folder / str(number)
            home.mkdir(parents=True)
            port = free_port()
            server = AppProcess(_command(contender, home, port, work), home, port)
            stack.callback(server.close)
            server.start()
            deployments.append(Deployment(contender, server))
        yield deployments


def _command(
    contender: Contender, home: Path, port: int, work: dict[str, Any]
) -> list[str]:
    environment = [
        f"WORK={json.dumps(work)}",
        f"FOLDER={home / 'cache'}",
        f"PYTHONPATH={APPS}",
        "GRADIO_ANALYTICS_ENABLED=False",
        *(["ASGI=1"] if contender.is_asgi else []),
    ]
    # Streamlit and Panel take a script of the current folder.
    words = [
        str(APPS / word) if word.endswith(".py") else word
        for word in contender.command.format(port=port).split()
    ]
    return ["env", *environment, contender.python, "-m", *words]

"""Every server and every way to make an app: the first job runs, and the first click.

Each deployment has two callbacks: one of the top level of a module, and one in a
function, which uses what can't be sent to another process.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests import backends
from tests.integration.brokers import Redis
from tests.integration.deployment import working
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import APPS, is_alive, serving
from tests.waiting import until

SITES = APPS / "deployed"
PATH = os.pathsep.join([str(SITES), os.environ.get("PYTHONPATH", "")])


@dataclass(frozen=True)
class Deployment:
    """A way to serve an app.

    Attributes:
        command: starts the server.
        worker: what a worker of Celery imports beside ``site_manager``.
        environment: further variables.
    """

    command: list[str]
    worker: str = "site_module"
    environment: dict[str, str] = field(default_factory=dict)

    def web(self, **environment: str) -> list[str]:
        return [*self._env(environment), *self.command]

    def celery(self, **environment: str) -> list[str]:
        return [
            *self._env(environment),
            *(sys.executable, "-m", "celery", "-A", "site_manager:celery_app"),
            *("worker", "-l", "INFO", "-c", "2", "-I", self.worker),
            *("--without-gossip", "--without-mingle"),
        ]

    def _env(self, environment: dict[str, str]) -> list[str]:
        variables = {"PYTHONPATH": PATH, **self.environment, **environment}
        return ["env", *(f"{name}={value}" for name, value in variables.items())]


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def gunicorn(app: str, *options: str) -> list[str]:
    return python(
        *("-m", "gunicorn", app, "-w", "2", "--threads", "4"),
        *("-b", "127.0.0.1:{port}", *options),
    )


def flask(app: str) -> list[str]:
    return python("-m", "flask", "--app", app, "run", "--port", "{port}")


def waitress(*arguments: str) -> list[str]:
    return python("-m", "waitress", "--listen", "127.0.0.1:{port}", *arguments)


def installed(command: str) -> str:
    """Return the path of a command, first that beside this Python."""
    return shutil.which(command, path=os.path.dirname(sys.executable)) or command


#: Compiled when it is installed, and so not with the other tools of the tests.
UWSGI = installed("uwsgi")


def uwsgi(*arguments: str) -> list[str]:
    return [
        *(UWSGI, "--http-socket", "127.0.0.1:{port}", "--master"),
        *("--processes", "2", "--virtualenv", sys.prefix, "--die-on-term"),
        *arguments,
    ]


#: Compiled as well, against Apache's own files.
MOD_WSGI = installed("mod_wsgi-express")


def mod_wsgi(script: str) -> list[str]:
    return [
        *(MOD_WSGI, "start-server", str(SITES / script), "--log-to-terminal"),
        *("--host", "127.0.0.1", "--port", "{port}", "--processes", "2"),
        *("--server-root", "apache", "--working-directory", "."),
    ]


def uvicorn(app: str, *options: str) -> Deployment:
    address = ("--host", "127.0.0.1", "--port", "{port}")
    return Deployment(
        python("-m", "uvicorn", app, *address, *options),
        app.partition(":")[0],
        {"BACKEND": "fastapi"},
    )


def hypercorn(app: str, *options: str) -> Deployment:
    return Deployment(
        python("-m", "hypercorn", app, "-b", "127.0.0.1:{port}", *options),
        app.partition(":")[0],
        {"BACKEND": "quart"},
    )


def granian(app: str, interface: str) -> list[str]:
    return python(
        *("-m", "granian", "--interface", interface, "--workers", "2"),
        *("--host", "127.0.0.1", "--port", "{port}", app),
    )


def called_twice(command: list[str]) -> Deployment:
    """The server calls a factory that the module calls too, so that workers know it."""
    return Deployment(command, "site_factory", {"MAKE_APP": "1"})


#: Servers that few use, by a part of their commands.
FURTHER = {"granian": "granian", "uvicorn_worker.UvicornWorker": "uvicorn_worker"}

#: An app on Flask for servers of ASGI.
WRAPPED = "asgi:create_asgi"

DEPLOYMENTS = {
    "python app.py": Deployment(python(str(SITES / "site_module.py"))),
    "python factory.py": called_twice(python(str(SITES / "site_factory.py"))),
    "python -m": Deployment(python("-m", "shop.app"), "shop.app"),
    "gunicorn module": Deployment(gunicorn("site_module:server")),
    "gunicorn --preload": Deployment(gunicorn("site_module:server", "--preload")),
    "gunicorn factory": Deployment(
        gunicorn("site_factory:create_server('Sale')"), "site_factory"
    ),
    "gunicorn module and factory": called_twice(
        gunicorn("site_factory:create_server()")
    ),
    "gunicorn wsgi": Deployment(gunicorn("wsgi:server"), "wsgi"),
    "waitress module": Deployment(waitress("site_module:server")),
    "waitress factory": called_twice(waitress("--call", "site_factory:create_server")),
    "flask module": Deployment(flask("site_module:server")),
    "flask factory": called_twice(flask("site_factory:create_server()")),
    "flask wsgi": Deployment(flask("wsgi:server"), "wsgi"),
    "uwsgi module": Deployment(uwsgi("--module", "site_module:server")),
    "uwsgi factory": called_twice(uwsgi("--module", "site_factory:create_server()")),
    "uwsgi file": Deployment(uwsgi("--wsgi-file", str(SITES / "wsgi.py")), "wsgi"),
    "uwsgi threads": Deployment(
        uwsgi("--enable-threads", "--threads", "2", "--module", "site_module:server")
    ),
    "mod_wsgi script": Deployment(mod_wsgi("wsgi.py"), "wsgi"),
    "mod_wsgi module": Deployment(mod_wsgi("site_module.py")),
    "uvicorn module": uvicorn("site_module:server"),
    "uvicorn workers": uvicorn("site_module:server", "--workers", "2"),
    "uvicorn factory": uvicorn("site_factory:create_server", "--factory"),
    "uvicorn quart": replace(
        uvicorn("site_module:server"), environment={"BACKEND": "quart"}
    ),
    "gunicorn uvicorn": replace(
        uvicorn("site_module:server"),
        command=gunicorn("site_module:server", "-k", "uvicorn_worker.UvicornWorker"),
    ),
    "granian flask": Deployment(granian("site_module:server", "wsgi")),
    "granian fastapi": replace(
        uvicorn("site_module:server"), command=granian("site_module:server", "asgi")
    ),
    "hypercorn module": hypercorn("site_module:server"),
    "hypercorn workers": hypercorn("site_module:server", "-w", "2"),
    "hypercorn fastapi": replace(
        hypercorn("site_module:server"), environment={"BACKEND": "fastapi"}
    ),
    "uvicorn flask": called_twice(uvicorn(WRAPPED, "--factory").command),
    "hypercorn flask": called_twice(hypercorn(f"{WRAPPED}()").command),
    "uwsgi lazy": Deployment(uwsgi("--lazy-apps", "--module", "site_module:server")),
}

#: A worker has no way to know what a factory makes with the arguments of the server.
#: And how many processes serve the app makes no difference to it.
NOT_ON_CELERY = {
    *("gunicorn factory", "uvicorn factory", "uvicorn workers", "hypercorn workers"),
    *("uvicorn quart", "hypercorn fastapi", "hypercorn flask", "mod_wsgi module"),
}


def check(page: Page) -> None:
    """Load a page, have its callbacks run, and click at once."""
    page.load()
    values = ("first", "click")
    jobs = [page.start(name, value) for value in values for name in ("nested", "top")]
    page.wait_for("succeeded", *jobs)
    assert [job.result for job in jobs] == ["first", "first", "click", "click"]


def skip_without(deployment: Deployment) -> None:
    backend = deployment.environment.get("BACKEND", "flask")
    if reason := backends.missing(backend):
        pytest.skip(reason)
    server = deployment.command[0]
    if server in {UWSGI, MOD_WSGI} and shutil.which(server) is None:
        pytest.skip(f"{server} is not installed")
    if server == MOD_WSGI and os.geteuid() == 0:
        pytest.skip("Apache does not run apps as root")
    for part, package in FURTHER.items():
        if part in deployment.command:
            pytest.importorskip(package)
    if any(part.startswith(WRAPPED) for part in deployment.command):
        pytest.importorskip("asgiref")


@pytest.mark.parametrize("how", DEPLOYMENTS)
def test_jobs_run_from_the_start_on_diskcache(how: str, tmp_path: Path) -> None:
    deployment = DEPLOYMENTS[how]
    skip_without(deployment)
    with serving(deployment.web(), tmp_path) as server:
        check(server.page())


@pytest.mark.parametrize("how", sorted(DEPLOYMENTS.keys() - NOT_ON_CELERY))
def test_jobs_run_from_the_start_on_celery(
    how: str, tmp_path: Path, redis: Redis
) -> None:
    deployment, url = DEPLOYMENTS[how], redis.database()
    skip_without(deployment)
    (tmp_path / "web").mkdir()
    with (
        serving(deployment.web(REDIS=url), tmp_path / "web") as server,
        working(deployment.celery(REDIS=url), tmp_path / "worker"),
    ):
        check(server.page())


def test_jobs_run_where_the_app_is_an_installed_package(tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    shutil.copytree(SITES, installed, ignore=shutil.ignore_patterns("__pycache__"))
    deployment = DEPLOYMENTS["gunicorn factory"]
    with serving(deployment.web(PYTHONPATH=str(installed)), tmp_path) as server:
        check(server.page())


@pytest.mark.parametrize("backend", backends.ASGI)
def test_jobs_run_where_the_app_runs_its_server(backend: str, tmp_path: Path) -> None:
    # On FastAPI, Dash runs uvicorn in a process of its own, which finds the file only
    # in the working directory.
    for name in ("site_module.py", "site_manager.py"):
        shutil.copy(SITES / name, tmp_path)
    command = ["env", f"BACKEND={backend}", *python("site_module.py")]
    with serving(command, tmp_path) as server:
        check(server.page())


def test_click_is_answered_while_the_dispatcher_imports_the_app(tmp_path: Path) -> None:
    deployment = DEPLOYMENTS["python factory.py"]
    with serving(deployment.web(HOLD=str(tmp_path)), tmp_path) as server:
        page = server.page()
        page.load()
        jobs = [page.start(name, "first") for name in ("nested", "top")]
        page.poll(*jobs)
        assert [job.status for job in jobs] == ["queued"] * 2
        (tmp_path / "go").touch()
        page.wait_for("succeeded", *jobs)


def test_entry_of_the_user_is_what_the_dispatcher_calls(tmp_path: Path) -> None:
    deployment = DEPLOYMENTS["python factory.py"]
    environment = {"ENTRY": "site_factory:create_app('Other')", "MAKE_APP": ""}
    with serving(deployment.web(**environment), tmp_path) as server:
        page = server.page()
        job = page.run("title")
        assert job.result == "Other"


def test_app_that_is_not_found_says_what_was_tried(tmp_path: Path) -> None:
    deployment = DEPLOYMENTS["python factory.py"]
    environment = {"ENTRY": "site_manager:no_such_function", "MAKE_APP": ""}
    with serving(deployment.web(**environment), tmp_path) as server:
        job = server.page().run("nested", "first")
        assert job.status == "failed"
        assert job.error["type"] == "TaskNotFoundError"
        for part in (
            "has no attribute 'no_such_function'",
            "cannot pickle",
            'long_callback_entry="module:create_app()"',
        ):
            assert part in job.error["message"]
            assert part in server.log


def test_worker_init_and_flasks_context_prepare_each_process_on_diskcache(
    tmp_path: Path,
) -> None:
    pytest.importorskip("flask_sqlalchemy")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        deployment = DEPLOYMENTS["python app.py"]
        with serving(deployment.web(CONNECT=str(port), ROWS="1"), tmp_path) as server:
            page = server.page()
            assert [page.run("prepared").result for _ in range(3)] == [True] * 3
            assert [page.run("rows").result for _ in range(3)] == [1, 2, 3]
            assert "@manager.worker_init" in server.log
            assert f"opened connections: 127.0.0.1:{port}." in server.log


def test_worker_init_and_flasks_context_prepare_each_process_on_celery(
    tmp_path: Path, redis: Redis
) -> None:
    pytest.importorskip("flask_sqlalchemy")
    deployment = DEPLOYMENTS["python app.py"]
    environment = {"REDIS": redis.database(), "ROWS": "1"}
    (tmp_path / "web").mkdir()
    with (
        serving(deployment.web(**environment), tmp_path / "web") as server,
        working(deployment.celery(**environment), tmp_path / "worker"),
    ):
        page = server.page()
        assert [page.run("prepared").result for _ in range(3)] == [True] * 3
        assert [page.run("rows").result for _ in range(3)] == [1, 2, 3]


def test_dispatcher_that_is_stopped_is_replaced_under_uwsgi(tmp_path: Path) -> None:
    """Its old releases let the threads of an app run only during requests."""
    deployment = DEPLOYMENTS["uwsgi module"]
    skip_without(deployment)
    with serving(deployment.web(), tmp_path) as server:
        page = server.page()
        assert page.run("top", 1).result == 1
        stopped = server.suspend_dispatcher()
        job = page.start("top", 2)
        until(lambda: page.poll(job) and job.has_ended, TIMEOUT, poll=0.25)
        assert job.result == 2
        assert not is_alive(stopped.pid)
        assert "has not responded" in server.log


def test_app_without_connections_gets_no_warning(tmp_path: Path) -> None:
    with serving(DEPLOYMENTS["python app.py"].web(), tmp_path) as server:
        assert server.page().run("top", 1).result == 1
        assert "opened connections" not in server.log

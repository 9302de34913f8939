"""Jobs run in every way in which users start their apps."""

from __future__ import annotations

import os
import sys

import pytest

from tests.integration.conftest import Serve
from tests.integration.servers import (
    APPS,
    command,
    gunicorn,
    sockets_of,
    with_settings,
)

#: Has the tests' apps imported, and the package from where the tests have it.
IMPORTS = f"PYTHONPATH={os.pathsep.join([str(APPS), os.environ.get('PYTHONPATH', '')])}"
MODULE = ["env", IMPORTS, sys.executable, "-m", "package.app"]

COMMANDS = {
    "python": command(),
    "reloader": ["env", "DEBUG=1", *command()],
    "gunicorn -w 2": gunicorn(2),
    "gunicorn -w 4": gunicorn(4),
    "gunicorn --preload": [*gunicorn(2), "--preload"],
    "app factory": command("factory_app.py"),
    "gunicorn with an app factory": gunicorn(2, "factory_app:create_server()"),
    "inside of __main__": command("guarded_app.py"),
    "python -m": MODULE,
    "python -c": with_settings(
        [
            *("env", IMPORTS, sys.executable, "-c"),
            "import os, tasks_app; tasks_app.app.run(port=os.environ['PORT'])",
        ]
    ),
    "spawn under gunicorn": gunicorn(2, start_method="spawn"),
    "spawn under python -m": ["env", "START_METHOD=spawn", *MODULE],
}

#: An app without a file, as in a notebook.
TYPED = """
import json, os, time
import diskcache
from dash import Input, Output, html
import dash_long_components as dash
cache = diskcache.Cache("./cache")
manager = dash.DiskcacheLongCallbackManager(cache)
app = dash.Dash(long_callback_manager=manager)
app.layout = html.Div([html.P(id=name) for name in ("echo", "echo-in", "hold")])
factor = 2
@app.long_callback(Output("echo", "children"), Input("echo-in", "value"))
def echo(value):
    return factor * value // 2
@app.long_callback(Output("hold", "children"), Input("hold-in", "value"))
def hold(name):
    with open(name, "w") as file:
        json.dump(os.getpid(), file)
    time.sleep(600)
app.run(port=os.environ["PORT"])
"""
COMMANDS["typed in"] = [sys.executable, "-c", TYPED]


@pytest.mark.parametrize("how", COMMANDS)
def test_first_job_and_later_ones_run(serve: Serve, how: str) -> None:
    server = serve(COMMANDS[how])
    page = server.page()
    for value in range(6):
        job = page.run("echo", value)
        assert job.status == "succeeded", job.snapshots
        assert job.result == value
    cancelled = page.start("hold", "held")
    server.wait_for_file("held")
    page.cancel(cancelled)
    page.wait_for("cancelled", cancelled)


def test_function_of_the_guarded_part_is_sent_to_a_dispatcher_that_is_up(
    serve: Serve,
) -> None:
    server = serve(command("guarded_app.py"))
    page = server.page()
    page.run("echo")
    server.dispatcher()
    assert page.run("echo", 1).result == 1


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_main_file_that_runs_its_server_unguarded_is_told_so(
    serve: Serve, start_method: str
) -> None:
    server = serve(
        ["env", f"START_METHOD={start_method}", *command("unguarded_app.py")]
    )
    # Functions from before the server started are found too.
    assert server.page().run("echo", 1).result == 1
    assert 'Put app.run() under if __name__ == "__main__":' in server.log


@pytest.mark.parametrize("how", ["python", "reloader", "gunicorn -w 2"])
def test_no_socket_of_the_server_gets_into_a_job(serve: Serve, how: str) -> None:
    server = serve(COMMANDS[how])
    page = server.page()
    job = page.start("hold", "held")
    worker = server.wait_for_file("held")
    dispatcher = server.dispatcher()
    mine = {worker, dispatcher.pid}
    servers = {p.pid for p in server.processes()} - mine
    assert server.pid in servers
    listening = set().union(*(sockets_of(pid, "tcp") for pid in servers))
    assert listening
    for pid in mine:
        assert not sockets_of(pid, "tcp")
    server.release("held")
    page.wait_for("succeeded", job)


def test_job_inherits_no_variable_of_the_reloader(serve: Serve) -> None:
    job = serve(COMMANDS["reloader"]).page().run("ask")
    # WERKZEUG_SERVER_FD names a socket that a program of the job would serve.
    assert not [name for name in job.result["environment"] if "WERKZEUG" in name]


def test_worker_has_one_thread_and_the_users_request(serve: Serve) -> None:
    server = serve(command())
    job = server.page("session=abc; theme=dark").run("ask")
    assert job.result["threads"] == 1
    assert job.result["cookies"] == {"session": "abc", "theme": "dark"}
    assert job.result["triggered"] == {"ask-in.value": "ask-in"}
    assert job.result["ppid"] == server.dispatcher().pid
    assert job.result["ppid"] != os.getpid()


def test_every_server_process_knows_the_token(serve: Serve) -> None:
    server = serve(gunicorn(4))
    page = server.page()
    jobs = [page.run("echo", number) for number in range(8)]
    for _ in range(8):
        copies = [type(job)(job.handle) for job in jobs]
        page.poll(*copies)
        assert [copy.result for copy in copies] == list(range(8))


def test_app_is_imported_once_for_all_its_jobs(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    for number in range(5):
        page.run("echo", number)
    assert server.log.count("imported in") == 2


@pytest.mark.parametrize("name", ["__main__", "named_app", "Sales of the week"])
def test_app_may_have_any_name(serve: Serve, name: str) -> None:
    server = serve(["env", f"NAME={name}", *command("named_app.py")])
    assert server.page().run("echo", 1).result == 1
    # Once in the server and once in the dispatcher.
    assert server.log.count("imported in") == 2
    assert "Can't import" not in server.log

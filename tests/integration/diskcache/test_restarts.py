"""Servers and dispatchers stop, die and start again."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from dash_long_components.core.queueing import Sizes
from dash_long_components.managers.diskcache.dispatcher.settings import Settings
from dash_long_components.managers.diskcache.server.launcher import Launcher
from dash_long_components.managers.diskcache.worker.app_code import AppCode
from dash_long_components.managers.store.store import Store
from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT
from tests.integration.servers import (
    command,
    gunicorn,
    has_control_groups,
    is_alive,
    sockets,
    sockets_of,
    tell_of_control_groups,
    until_gone,
)
from tests.ports import is_free
from tests.promises import promised
from tests.waiting import until

Start = Callable[..., list[str]]

#: A job that starts programs of all kinds, and waits. Only a control group holds a
#: daemon without the environment of its job.
WITH_BARE = {"name": "family", "then": "wait", "bare": has_control_groups()}

both = pytest.mark.parametrize(
    "start",
    [command, lambda **settings: gunicorn(2, **settings)],
    ids=["python", "gunicorn"],
)


@both
def test_job_goes_on_when_the_server_is_started_again(
    serve: Serve, tmp_path: Path, start: Start
) -> None:
    first = serve(start(max_concurrency=1), tmp_path)
    page = first.page()
    running = page.start("hold", "held")
    worker = first.wait_for_file("held")
    waiting = page.start("echo", "waiting")
    first.terminate()
    assert is_free(first.port)
    second = serve(start(max_concurrency=1), tmp_path, first.port)
    page.poll(running, waiting)
    assert (running.status, waiting.status) == ("running", "queued")
    assert is_alive(worker)
    second.release("held")
    page.wait_for("succeeded", running, waiting)
    assert (running.result, waiting.result) == ("held", "waiting")
    second.terminate()
    second.wait_until_gone()
    first.wait_until_gone()


@both
def test_nothing_is_left_when_server_and_jobs_are_done(
    serve: Serve, start: Start
) -> None:
    server = serve(start())
    page = server.page()
    page.load()
    page.run("echo")
    job = page.start("hold", "held")
    worker = server.wait_for_file("held")
    dispatcher = server.dispatcher()
    server.terminate()
    assert is_alive(worker)
    assert is_alive(dispatcher.pid)
    with promised("2 s"):
        server.release("held")
        server.wait_until_gone()
    assert job.status == "queued"


@pytest.mark.parametrize("debug", [False, True])
def test_interrupt_from_the_terminal_ends_all(serve: Serve, debug: bool) -> None:
    server = serve(["env", *(["DEBUG=1"] if debug else []), *command()])
    page = server.page()
    page.start("hold", "held")
    server.wait_for_file("held")
    page.start("family", {"name": "family", "then": "wait"})
    family = server.wait_for_file("family")
    waiting = [page.start("hold", f"waiting-{number}") for number in range(5)]
    with promised("5 s"):
        os.killpg(os.getpgid(server.pid), signal.SIGINT)
        server.wait_until_gone()
    assert not any(map(is_alive, family))
    assert is_free(server.port)
    # The next start begins none of the queued jobs.
    again = serve(command(), server.folder, server.port)
    page.wait_for_end(*waiting)
    assert {job.status for job in waiting} <= {"lost", "cancelled"}
    assert again.page().run("echo", 1).result == 1


@pytest.mark.alone
def test_job_goes_on_when_its_dispatcher_is_killed(serve: Serve) -> None:
    server = serve(command(max_concurrency=1))
    page = server.page()
    running = page.start("hold", "held")
    worker = server.wait_for_file("held")
    waiting = [page.start("echo", number) for number in range(3)]
    first = server.dispatcher()
    with promised("start + 2 s", start=server.start_time):
        kill(first)
        # A poll starts the next dispatcher.
        until(lambda: [page.poll(running), *server.dispatchers()][1:], TIMEOUT)
        assert server.dispatcher() != first
        assert is_alive(worker)
        # The job keeps its place.
        page.poll(*waiting)
        assert {job.status for job in waiting} == {"queued"}
        server.release("held")
        page.wait_for("succeeded", running, *waiting)
    assert running.result == "held"
    assert [job.result for job in waiting] == [0, 1, 2]


def test_cancel_reaches_a_job_whose_dispatcher_was_killed(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    job = page.start("family", {"name": "family", "then": "wait"})
    family = server.wait_for_file("family")
    kill(server.dispatcher())
    page.cancel(job)
    page.wait_for("cancelled", job)
    until_gone(lambda: filter(is_alive, family))


@pytest.mark.alone
def test_job_is_lost_when_its_worker_and_dispatcher_are_killed(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    job = page.start("hold", "held")
    worker = server.wait_for_file("held")
    with promised("start + 2 s", start=server.start_time):
        kill(server.dispatcher(), psutil.Process(worker))
        page.wait_for("lost", job)
    assert job.error["type"] == "WorkerDied"
    assert page.run("echo", 1).result == 1


@pytest.mark.alone
@pytest.mark.parametrize("when", ["at once", "when another has come"])
def test_programs_of_a_job_end_though_its_dispatcher_died(
    serve: Serve, when: str
) -> None:
    server = serve(command())
    page = server.page()
    job = page.start("family", WITH_BARE)
    family = server.wait_for_file("family")
    dispatcher, worker = server.dispatcher(), psutil.Process(family[-1])
    kill(dispatcher)
    if when == "when another has come":
        until(lambda: server.dispatchers() or page.poll(job), TIMEOUT)
    with promised("start + 2 s", start=server.start_time):
        kill(worker)
        page.wait_for("lost", job)
        until_gone(lambda: filter(is_alive, family))
    tell_of_control_groups()


def test_programs_of_a_job_end_with_it_while_no_dispatcher_is_there(
    serve: Serve,
) -> None:
    server = serve(command())
    page = server.page()
    page.start("family", {**WITH_BARE, "then": "hold"})
    family = server.wait_for_file("family")
    dispatcher = server.dispatcher()
    # The server starts no other one meanwhile.
    psutil.Process(server.pid).suspend()
    kill(dispatcher)
    with promised("2 s"):
        server.release("family")
        until_gone(lambda: filter(is_alive, family))
    psutil.Process(server.pid).resume()
    tell_of_control_groups()


def test_programs_end_when_the_dispatcher_is_stopped_after_a_worker(
    serve: Serve,
) -> None:
    server = serve(command())
    page = server.page()
    job = page.start("family", WITH_BARE)
    family = server.wait_for_file("family")
    dispatcher = server.dispatcher()
    with promised("2 s"):
        # It has no time to see that the worker has died.
        dispatcher.suspend()
        psutil.Process(family[-1]).kill()
        dispatcher.terminate()
        dispatcher.resume()
        page.wait_for("lost", job)
        until_gone(lambda: filter(is_alive, family))
    tell_of_control_groups()


def test_dispatcher_that_is_stopped_says_so_of_its_jobs(serve: Serve) -> None:
    server = serve(command(max_concurrency=1))
    page = server.page()
    job = page.start("hold", "held")
    worker = server.wait_for_file("held")
    waiting = page.start("echo", "after")
    with promised("2 s"):
        server.dispatcher().terminate()
        page.wait_for("lost", job)
    assert "SIGTERM" in job.error["message"]
    assert not is_alive(worker)
    page.wait_for("succeeded", waiting)


def test_cancel_ends_a_stopped_worker(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    job = page.start("hold", "held")
    worker = server.wait_for_file("held")
    os.kill(worker, signal.SIGSTOP)
    with promised("2 s"):
        page.cancel(job)
        page.wait_for("cancelled", job)
        until(lambda: not is_alive(worker), TIMEOUT)


def test_no_socket_is_left(serve: Serve) -> None:
    server = serve(command())
    server.page().run("echo")
    opened = sockets_of(server.dispatcher().pid, "udp")
    assert opened
    server.terminate()
    server.wait_until_gone()
    assert not opened & sockets("udp")


def kill(*processes: psutil.Process) -> None:
    for process in processes:
        process.kill()
    until(lambda: not any(is_alive(p.pid) for p in processes), TIMEOUT, poll=0.01)


def test_interrupt_soon_after_the_start_of_a_dispatcher_prints_no_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        directory=str(tmp_path),
        result_ttl=60,
        code="v1",
        sizes=Sizes(1),
        start_method="fork",
        results="",
        app=AppCode(path=sys.path, argv=[]),
    )
    launcher = Launcher(Store(str(tmp_path), 60), settings)
    launcher.ensure()
    dispatcher = launcher._starting
    assert dispatcher is not None
    dispatcher.send_signal(signal.SIGINT)
    until(lambda: dispatcher.poll() is not None, TIMEOUT)
    launcher.close()
    assert dispatcher.returncode == 0
    assert "Traceback" not in capfd.readouterr().err

"""The right process is meant, and with it goes all that came from it.

There is no way to test this without processes: they are children of the test, and
each is ended by its number.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import psutil
import pytest

from dash_long_components.managers import processes
from dash_long_components.managers.celery.workers.orphans import JobOrphans
from dash_long_components.managers.identity import Process, this_host
from dash_long_components.managers.processes import (
    MARK,
    children,
    end_child,
    kill_group,
    kill_orphans_of_dead,
    kill_tree,
    kill_tree_of,
)

TIMEOUT = 20.0
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]

Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> subprocess.Popen[bytes]:
        """Run code that says a line when it is ready, in a group of its own."""
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", code],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(TIMEOUT)
        assert process.stdout is not None
        process.stdout.close()


def said(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the numbers on the first line of a process."""
    assert process.stdout is not None
    return [int(word) for word in process.stdout.readline().split()]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_current_process_lives() -> None:
    assert Process.current().pid == os.getpid()
    assert Process.current().is_alive()
    assert Process.of(os.getpid()) == Process.current()


def test_process_comes_back_from_its_text() -> None:
    me = Process.current()
    assert Process.from_text(str(me)) == me
    assert me.is_here


def test_process_of_another_host_is_never_taken_for_one_of_this() -> None:
    me = Process.current()
    other = Process(me.pid, me.started, "another boot or namespace")
    assert other != me
    assert not other.is_here
    assert not other.is_alive()
    kill_tree_of(other)
    assert me.is_alive()
    assert Process.from_text(str(other)) == other


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="makes a pid namespace"
)
def test_other_pid_namespace_is_another_host() -> None:
    code = "from dash_long_components.managers.identity import *; print(this_host())"
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        pytest.skip(run.stderr)
    assert run.stdout.strip() not in ("", this_host())
    boot, _, _ = this_host().partition("/")
    assert run.stdout.startswith(boot)


def test_later_process_with_the_same_number_is_another(spawn: Spawn) -> None:
    child = spawn("print(1); import time; time.sleep(600)")
    said(child)
    now = Process.of(child.pid)
    before = Process(now.pid, now.started - 1)
    assert before != now
    assert not before.is_alive()
    kill_tree_of(before)
    assert now.is_alive()


def test_number_of_no_process() -> None:
    with pytest.raises(ProcessLookupError):
        Process.of(2**22 + 1)
    assert not Process(2**22 + 1, 0.0).is_alive()
    kill_tree_of(Process(2**22 + 1, 0.0))
    kill_group(2**22 + 1)


def test_zombie_is_not_alive(spawn: Spawn) -> None:
    child = spawn("import time; time.sleep(600)")
    process = Process.of(child.pid)
    assert process.is_alive()
    os.kill(child.pid, signal.SIGKILL)
    wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    assert not process.is_alive()
    with pytest.raises(ProcessLookupError):
        Process.of(child.pid)


def test_name_does_not_confuse_its_start(spawn: Spawn) -> None:
    child = spawn(
        "import ctypes, time\n"
        "ctypes.CDLL(None).prctl(15, b') Z 1 2 3 (', 0, 0, 0)\n"
        "print(1); time.sleep(600)"
    )
    before = Process.of(child.pid)
    said(child)
    assert Process.of(child.pid) == before
    assert before.is_alive()


FAMILY = f"""
import os, subprocess, time
sleep = {SLEEP!r}
child = subprocess.Popen(sleep)
apart = subprocess.Popen(sleep, start_new_session=True)
code = (
    "import subprocess, time; "
    f"print(subprocess.Popen({{sleep!r}}).pid, flush=True); time.sleep(600)"
)
parent = subprocess.Popen(
    [sleep[0], "-c", code], stdout=subprocess.PIPE, start_new_session=True
)
grandchild = int(parent.stdout.readline())
print(child.pid, apart.pid, parent.pid, grandchild)
time.sleep(600)
"""


def test_whole_tree_is_killed(spawn: Spawn) -> None:
    root = spawn(FAMILY)
    family = said(root)
    assert len(family) == 4
    kill_tree(root.pid)
    root.wait(TIMEOUT)
    wait_until(lambda: all(map(is_gone, family)))


@pytest.fixture
def not_ours(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Numbers of processes that belong to another user, as by ``sudo`` in a job."""
    pids: set[int] = set()
    kill = psutil.Process.kill

    def may_kill(process: psutil.Process) -> None:
        if process.pid in pids:
            raise psutil.AccessDenied(process.pid)
        kill(process)

    monkeypatch.setattr(psutil.Process, "kill", may_kill)
    return pids


def test_process_of_another_user_keeps_no_other_from_its_end(
    spawn: Spawn, not_ours: set[int]
) -> None:
    root = spawn(FAMILY)
    _, apart, *others = said(root)
    not_ours.add(apart)
    kill_tree(root.pid)
    root.wait(TIMEOUT)
    wait_until(lambda: all(map(is_gone, others)))
    assert not is_gone(apart)
    os.kill(apart, signal.SIGKILL)


def test_child_that_is_ended_is_collected(spawn: Spawn) -> None:
    child = spawn("print(1); import time; time.sleep(600)")
    said(child)
    assert end_child(child.pid)
    assert child.pid not in children()
    assert end_child(child.pid)


def test_orphans_are_collected_when_they_have_exited(spawn: Spawn) -> None:
    def start() -> int:
        child = spawn("print(1); import time; time.sleep(600)")
        said(child)
        return child.pid

    own, leftovers = start(), JobOrphans()
    assert leftovers.look() == set()
    left = [start(), start()]
    assert leftovers.look() == set(left)
    for pid in (own, left[0]):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(own) and is_gone(left[0]))
    assert leftovers.look() == {left[1]}
    assert {own, left[1]} == children() & {own, *left}


def test_child_that_can_not_be_ended_is_not_waited_for(
    spawn: Spawn, not_ours: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "DYING", 0.01)
    monkeypatch.setattr(processes, "kill_group", not_ours.add)
    child = spawn("print(1); import time; time.sleep(600)")
    said(child)
    not_ours.add(child.pid)
    assert not end_child(child.pid)
    assert not is_gone(child.pid)


def test_orphans_in_the_group_are_killed(spawn: Spawn) -> None:
    root = spawn(
        f"import subprocess; print(subprocess.Popen({SLEEP!r}).pid)",
    )
    (orphan,) = said(root)
    wait_until(lambda: is_gone(root.pid))
    assert not is_gone(orphan)
    kill_group(root.pid)
    wait_until(lambda: is_gone(orphan))


def test_process_that_is_just_going_keeps_no_other_from_its_end(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MARK, job_id := uuid.uuid4().hex)
    child = spawn("print(1); import time; time.sleep(600)")
    said(child)
    environ = psutil.Process.environ

    def environ_unless_gone(process: psutil.Process) -> dict[str, str]:
        if process.pid == os.getpid():
            # The folder is there yet, and its files are not.
            raise FileNotFoundError(process.pid)
        return environ(process)

    monkeypatch.setattr(psutil.Process, "environ", environ_unless_gone)
    kill_orphans_of_dead(Process(2**22 + 1, 0.0), job_id)
    assert child.wait(TIMEOUT) == -signal.SIGKILL


def test_own_group_is_never_killed() -> None:
    kill_group(os.getpgrp())
    kill_group(0)


def test_children_are_those_of_this_process(spawn: Spawn) -> None:
    before = children()
    child = spawn("print(1); import time; time.sleep(600)")
    said(child)
    assert children() - before == {child.pid}
    child.kill()
    wait_until(lambda: is_gone(child.pid))
    assert child.pid in children()
    child.wait(TIMEOUT)
    assert child.pid not in children()

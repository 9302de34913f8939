"""Control groups: what is left in those of dead processes ends, and nothing else."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import psutil
import pytest

from dash_long_components.managers import cgroups
from dash_long_components.managers.identity import Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="has no groups")

OWNER = "a store/with.dots"
SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]

Spawn = Callable[[], "subprocess.Popen[bytes]"]


class Groups:
    """The groups of a machine, in a folder. A process is in exactly one of them.

    Attributes:
        home: the group around those of jobs.
        own: path of the group that this process is in at first.
        is_writable: whether processes can be moved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = "/service"
        self.home = folder / "service"
        self.is_writable = True
        self.home.mkdir()
        (self.home / "cgroup.procs").touch()

    def read(self, path: Path, *_: object) -> str:
        text = {
            "/proc/self/cgroup": f"1:name=old:/\n0::{self.own}\n",
            "/proc/self/mounts": f"proc /proc proc rw\nnone {self.folder} cgroup2 rw\n",
        }.get(str(path))
        if text is not None:
            return text
        with path.open() as file:
            return file.read()

    def write(self, path: Path, pid: str) -> None:
        if not self.is_writable:
            raise PermissionError(errno.EACCES, "no delegation", str(path))
        for other in self.folder.rglob("cgroup.procs"):
            self.put(other.parent, *(self.members(other.parent) - {int(pid)}))
        self.put(path.parent, *self.members(path.parent), int(pid))

    def remove(self, path: Path) -> None:
        if self.members(path):
            raise OSError(errno.EBUSY, "has members", str(path))
        shutil.rmtree(path)

    def members(self, group: Path) -> set[int]:
        file = group / "cgroup.procs"
        return set(map(int, file.read_text().split())) if file.exists() else set()

    def put(self, group: Path, *pids: int) -> None:
        with (group / "cgroup.procs").open("w") as file:
            file.writelines(f"{pid}\n" for pid in pids)

    def of_jobs(self) -> list[Path]:
        """Return the groups that this package has made."""
        return [path for path in self.folder.rglob("dash-long-jobs.*") if path.is_dir()]

    def of(self, process: Process, owner: str, *pids: int) -> Path:
        """Return a group that a process has made, with members."""
        with mock.patch.object(Process, "current", return_value=process):
            cgroups.enter(owner)
        (group,) = [
            path for path in self.of_jobs() if os.getpid() in self.members(path)
        ]
        self.put(self.home, os.getpid())
        self.put(group, *pids)
        return group


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Groups:
    groups = Groups(tmp_path)
    monkeypatch.setattr(Path, "read_text", lambda path, *a: groups.read(path, *a))
    monkeypatch.setattr(Path, "write_text", lambda path, text: groups.write(path, text))
    monkeypatch.setattr(Path, "rmdir", lambda path: groups.remove(path))
    return groups


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start processes that end with the test."""
    children = []

    def start() -> subprocess.Popen[bytes]:
        children.append(subprocess.Popen(SLEEP))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.wait(20)


@pytest.fixture
def dead(spawn: Spawn) -> Process:
    """A process of this machine that is gone."""
    child = spawn()
    process = Process.of(child.pid)
    child.kill()
    child.wait(20)
    return process


def test_process_enters_a_group_of_its_own_and_leaves_none_behind(
    groups: Groups,
) -> None:
    cgroups.enter(OWNER)
    (group,) = groups.of_jobs()
    assert group.parent == groups.home
    assert groups.members(group) == {os.getpid()}
    cgroups.leave(OWNER)
    assert groups.members(groups.home) == {os.getpid()}
    assert groups.of_jobs() == []


def test_group_with_other_members_stays(groups: Groups) -> None:
    cgroups.enter(OWNER)
    (group,) = groups.of_jobs()
    groups.put(group, os.getpid(), 1)
    cgroups.leave(OWNER)
    assert groups.members(group) == {1}


def test_groups_lie_side_by_side(groups: Groups) -> None:
    """A server that was started by a job is in the group of the job."""
    cgroups.enter(OWNER)
    (first,) = groups.of_jobs()
    groups.own = f"/service/{first.name}"
    cgroups.enter("another")
    assert {group.parent for group in groups.of_jobs()} == {groups.home}
    assert len(groups.of_jobs()) == 2


def test_process_that_may_not_move_leaves_no_group(groups: Groups) -> None:
    groups.is_writable = False
    cgroups.enter(OWNER)
    cgroups.leave(OWNER)
    assert groups.of_jobs() == []


@pytest.mark.parametrize("how", ["no files", "no mount", "old groups"])
def test_nothing_happens_where_there_are_no_groups(
    groups: Groups, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def read(path: Path) -> str:
        if how == "no files":
            raise FileNotFoundError(path)
        text = groups.read(path)
        return text.replace("cgroup2" if how == "no mount" else "0::", "other")

    monkeypatch.setattr(Path, "read_text", read)
    cgroups.enter(OWNER)
    cgroups.end_dead(OWNER)
    cgroups.leave(OWNER)
    assert groups.of_jobs() == []


def test_leftovers_of_a_dead_process_are_killed_and_its_group_goes(
    groups: Groups, dead: Process, spawn: Spawn
) -> None:
    left = spawn()
    group = groups.of(dead, OWNER, left.pid)
    cgroups.end_dead(OWNER)
    assert left.wait(20) != 0
    assert group.exists()  # a look never waits
    groups.put(group)
    cgroups.end_dead(OWNER)
    assert not group.exists()


def test_worker_that_goes_on_is_spared_with_its_programs(
    groups: Groups, dead: Process, spawn: Spawn
) -> None:
    worker, left = spawn(), spawn()
    program = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import subprocess, sys, time;"
            "print(subprocess.Popen(sys.argv[1:]).pid, flush=True); time.sleep(600)",
            *SLEEP,
        ],
        stdout=subprocess.PIPE,
    )
    assert program.stdout is not None
    with program.stdout as output:
        grandchild = int(output.readline())
    groups.of(dead, OWNER, worker.pid, program.pid, grandchild, left.pid)
    cgroups.end_dead(OWNER, [Process.of(worker.pid), Process.of(program.pid), dead])
    assert left.wait(20) != 0
    assert worker.poll() is None
    assert Process.of(grandchild).is_alive()
    os.kill(grandchild, 9)
    program.kill()
    program.wait(20)


def test_groups_of_living_processes_and_of_other_hosts_and_owners_stay(
    groups: Groups, dead: Process, spawn: Spawn
) -> None:
    left = spawn()
    mine = groups.of(Process.current(), OWNER, left.pid)
    there = groups.of(replace(dead, host="another container"), OWNER, left.pid)
    foreign = groups.of(dead, "another owner", left.pid)
    other = groups.home / "dash-long-jobs.of-nothing-known"
    other.mkdir()
    with mock.patch.object(psutil.Process, "kill") as kill:
        cgroups.end_dead(OWNER)
    kill.assert_not_called()
    assert all(path.exists() for path in (mine, there, foreign, other))
    # No one else would remove it, if that owner does not come back.
    groups.put(foreign)
    cgroups.end_dead(OWNER)
    assert [path.exists() for path in (mine, there, foreign)] == [True, True, False]

"""Checks of ``dash-long-jobs doctor`` on one machine: the job store on its disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import time
from pathlib import Path

from ..managers.diskcache.manager import DiskcacheLongCallbackManager
from ..managers.store.database import FILE, FOLDER
from ..managers.store.registry import DISPATCHER, SERVER
from ..managers.store.store import Store
from . import findings
from .findings import Findings

#: File systems of other machines: the locks of SQLite do not work there.
_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "fuse.sshfs", "glusterfs", "ceph")

#: Bytes below which a disk is nearly full.
_LITTLE_SPACE = 500_000_000


def _path_of(manager: DiskcacheLongCallbackManager) -> Path:
    return Path(str(manager.handle.directory)).resolve() / FOLDER


def rights(manager: DiskcacheLongCallbackManager) -> Findings:
    folder = _path_of(manager)
    for path in (folder, *folder.glob(f"{FILE}*")):
        status = path.stat()
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) and os.name == "posix":
            yield findings.warning(
                f"Other users can read {path}: what requests hold is in it.",
                f"chmod {'700' if path.is_dir() else '600'} {path}",
            )
        if not os.access(path, os.R_OK | os.W_OK):
            yield findings.error(
                f"This user can't write {path}.",
                "Run all processes of the app, and this command, as one user.",
            )
    yield findings.ok(
        f"The job store is {folder / FILE}, SQLite {sqlite3.sqlite_version}."
    )


def file_system(manager: DiskcacheLongCallbackManager) -> Findings:
    import psutil

    folder = _path_of(manager)
    mounts = [
        part
        for part in psutil.disk_partitions(all=True)
        if folder.is_relative_to(part.mountpoint)
    ]
    kind = max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""
    if kind.lower().startswith(_NETWORK):
        yield findings.error(
            f"{folder} is on a network file system ({kind}): SQLite's locks do not "
            "hold there, and jobs may be lost.",
            "Use a directory of this machine, or CeleryLongCallbackManager for several "
            "machines.",
        )
    else:
        yield findings.ok(f"{folder} is on {kind or 'a local disk'}.")


def disk(manager: DiskcacheLongCallbackManager) -> Findings:
    free = shutil.disk_usage(_path_of(manager)).free
    if free < _LITTLE_SPACE:
        yield findings.error(
            f"The disk of the job store has {free / 1e6:.0f} MB left.",
            "Free space: results and reports would not be stored.",
        )


def dispatchers(manager: DiskcacheLongCallbackManager) -> Findings:
    store = Store(str(_path_of(manager)), result_ttl=1.0)
    found = store.registry.processes()
    store.close()
    dispatchers = [each for each in found if each.role == DISPATCHER]
    servers = [each for each in found if each.role == SERVER]
    hosts = {each.process.host for each in found}
    if len(hosts) > 1:
        yield findings.warning(
            f"{len(hosts)} containers or machines use the store. Each runs jobs of its "
            "own.",
            "Use CeleryLongCallbackManager for more than one machine.",
        )
    for each in dispatchers:
        age = time.time() - each.heartbeat
        is_here = each.process.is_here
        if is_here and not each.process.is_alive():
            yield findings.warning(
                f"The dispatcher {each.process.pid} has died.",
                "The next request of the app starts another one.",
            )
        elif age > findings.LONG:
            yield findings.error(
                f"The dispatcher {each.process.pid} has been silent for {age:.0f} s.",
                "It hangs, or its clock is apart. Load a page of the app: a server "
                "replaces a dispatcher that hangs.",
            )
        else:
            yield findings.ok(f"The dispatcher {each.process.pid} lives.")
    if not dispatchers:
        running = "" if servers else ", and no server of the app runs"
        yield findings.warning(
            f"No dispatcher runs{running}.", "The next job of the app starts one."
        )
    codes = {each.code for each in servers if each.process.is_alive()}
    if len(codes) > 1:
        yield findings.warning(
            f"Servers run {len(codes)} versions of the app's code.",
            "Restart all of them after a deployment.",
        )


ALL = (rights, file_system, disk, dispatchers)

"""The server on one machine, broker and worker on another: two network namespaces."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration import brokers
from tests.integration.deployment import Setting, working
from tests.integration.servers import serving

HERE, THERE = "198.18.0.1", "198.18.0.2"
CLONE_NEWNET = 0x40000000


@pytest.fixture
def elsewhere() -> Iterator[list[str]]:
    """Another machine, as far as the network goes; how to run a command there.

    The test itself is on a machine of its own as well: Chromium drops what it loads
    when an interface comes or goes beside it.
    """
    if shutil.which("ip") is None:
        pytest.skip("no command ip")
    here, there = f"here-{os.getpid()}", f"there-{os.getpid()}"
    commands = [
        f"ip netns add {here}",
        f"ip netns add {there}",
        f"ip -n {here} link add to type veth peer name to netns {there}",
        f"ip -n {here} address add {HERE}/30 dev to",
        f"ip -n {there} address add {THERE}/30 dev to",
        *(f"ip -n {name} link set lo up" for name in (here, there)),
        *(f"ip -n {name} link set to up" for name in (here, there)),
    ]
    try:
        for command in commands:
            subprocess.run(command.split(), check=True, capture_output=True)
        with _within(here):
            yield ["ip", "netns", "exec", there]
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error}")
    finally:
        for name in (here, there):
            subprocess.run(["ip", "netns", "delete", name], check=False)


@contextmanager
def _within(namespace: str) -> Iterator[None]:
    """Take this thread, and with it all that it starts, into the namespace."""
    with (
        open("/proc/thread-self/ns/net") as before,
        open(f"/run/netns/{namespace}") as inside,
    ):
        _enter(inside.fileno())
        try:
            yield
        finally:
            _enter(before.fileno())


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def test_server_and_worker_on_two_machines(
    elsewhere: list[str], tmp_path: Path
) -> None:
    for name in ("redis", "web"):
        (tmp_path / name).mkdir()
    with brokers.redis(tmp_path / "redis", THERE, elsewhere) as redis:
        setting = Setting.celery(redis.database(), redis.database())
        worker = [*elsewhere, *setting.worker("-c", "1")]
        with (
            serving(setting.web(), tmp_path / "web") as web,
            working(worker, tmp_path / "worker"),
        ):
            page = web.page()
            assert page.run("echo", 1).result == 1
            job = page.start("hold", str(tmp_path / "held"))
            page.wait_for("running", job)
            page.cancel(job)
            page.wait_for("cancelled", job)
            assert page.run("end", "raise").status == "failed"

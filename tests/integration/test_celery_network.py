"""The server on one machine, broker and worker on another: two network namespaces."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.integration import brokers
from tests.integration.deployment import Setting, working
from tests.integration.servers import serving

#: Of the range that is kept for tests of networks; another test run has another pair.
NETWORK = int(ip_address("198.18.0.0")) + os.getpid() % 2**14 * 4
HERE, THERE = str(ip_address(NETWORK + 1)), str(ip_address(NETWORK + 2))


@pytest.fixture
def elsewhere() -> Iterator[list[str]]:
    """Another machine, as far as the network goes; how to run a command there."""
    if shutil.which("ip") is None:
        pytest.skip("no command ip")
    name = f"long-{os.getpid()}"
    inside = ["ip", "netns", "exec", name]
    near, far = f"near{os.getpid()}", f"far{os.getpid()}"
    commands = [
        ["ip", "netns", "add", name],
        ["ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name],
        ["ip", "address", "add", f"{HERE}/30", "dev", near],
        ["ip", "link", "set", near, "up"],
        [*inside, "ip", "address", "add", f"{THERE}/30", "dev", far],
        [*inside, "ip", "link", "set", far, "up"],
        [*inside, "ip", "link", "set", "lo", "up"],
    ]
    try:
        for command in commands:
            subprocess.run(command, check=True, capture_output=True)
        yield inside
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error}")
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False)


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

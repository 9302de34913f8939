"""Queues: limits over all processes, and turns of users."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.page import TIMEOUT, Job, Page
from tests.integration.servers import Server, gunicorn, serving
from tests.waiting import until

#: Processes that start jobs.
PROCESSES = 4


@dataclass
class Site:
    """A server with several processes, and with workers where the manager has any."""

    server: Server

    def page(self, user: str) -> Page:
        return self.server.page(f"user={user}")


@pytest.fixture(scope="module", params=["diskcache"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    command = gunicorn(PROCESSES, max_concurrency=2, users="user")
    with serving(command, folder) as server:
        server.wait_until_ready()
        yield Site(server)


def test_one_job_at_once_of_two_hundred_from_four_processes(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "running"
    folder.mkdir()

    def start(number: int) -> tuple[Page, list[Job]]:
        page = site.page(f"user-{number}")
        return page, [page.start("single", str(folder)) for _ in range(50)]

    with ThreadPoolExecutor(PROCESSES) as pool:
        started = list(pool.map(start, range(PROCESSES)))
    for page, jobs in started:
        for job in jobs:
            page.wait_for("succeeded", job)
    assert {job.result for _page, jobs in started for job in jobs} == {1}


def test_hundred_jobs_of_a_user_do_not_hold_up_the_one_of_another(
    site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "started"

    def started() -> list[str]:
        return file.read_text().split() if file.exists() else []

    def ask(name: str) -> dict[str, object]:
        return {"file": str(file), "name": name, "seconds": 0.2}

    ada, ben = site.page("ada"), site.page("ben")
    many = [ada.start("fair", ask("ada")) for _ in range(100)]
    until(started, TIMEOUT)
    one = ben.start("fair", ask("ben"))
    before = len(started())
    ben.wait_for("succeeded", one)
    # Of each slot, one job at most came before.
    assert started().index("ben") - before <= 2
    assert len(started()) < 50
    ada.cancel(*many)
    ada.wait_for_end(*many)

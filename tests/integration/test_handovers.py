"""A deployment: jobs stop at a checkpoint, and go on with the new workers."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from celery import Celery

from dash_long_components.core.halts import Halts
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.store.store import Store
from tests.integration.brokers import Redis
from tests.integration.deployment import Setting, Worker, working
from tests.integration.page import TIMEOUT, Job, Page
from tests.integration.servers import (
    APPS,
    Server,
    is_alive,
    serving,
    with_settings,
)
from tests.waiting import until


class Site:
    """An app with one worker, in a folder where its code may change."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        self.folder = folder
        self.script = folder / "code" / "tasks_app.py"
        self.script.parent.mkdir()
        shutil.copy(APPS / "tasks_app.py", self.script)
        self.setting = setting
        self.count = 0
        self.stack = ExitStack()
        self.server = self.serve()
        self.worker = self.work()

    def serve(self, port: int | None = None) -> Server:
        # A text of the same size in the same second would run as compiled before.
        command = ["env", "PYTHONDONTWRITEBYTECODE=1"]
        command += with_settings(
            [sys.executable, str(self.script)], **self.setting.manager
        )
        folder = self.folder / "web"
        folder.mkdir(exist_ok=True)
        return self.stack.enter_context(serving(command, folder, port))

    def work(self) -> Worker | None:
        if not self.setting.has_workers:
            return None
        self.count += 1
        command = self.setting.worker("-c", "1", path=self.script.parent)
        command.insert(1, "PYTHONDONTWRITEBYTECODE=1")
        name = f"worker-{self.count}"
        return self.stack.enter_context(
            working([*command, "-n", f"{name}@test"], self.folder / name)
        )

    def stop_worker(self) -> Callable[[], bool]:
        """Send SIGTERM to what runs jobs; return what tells whether it has gone."""
        process = self.worker.main() if self.worker else self.server.dispatcher()
        process.terminate()
        return lambda: not is_alive(process.pid)

    def deploy(self, change: tuple[str, str]) -> None:
        """Start the app again, with other code."""
        has_gone = self.stop_worker()
        self.server.terminate()
        until(has_gone, TIMEOUT)
        self.script.write_text(self.script.read_text().replace(*change))
        self.server = self.serve(self.server.port)
        self.worker = self.work()

    def hold(self, change: Callable[[Halts], Halts]) -> None:
        """Do what an operator does."""
        if self.setting.has_workers:
            backend = self.setting.manager["celery"]["result_backend"]
            with Celery("operator", backend=backend, set_as_current=False) as app:
                CeleryStore(app).halts.change(change)
            return
        path = str(self.server.file("cache") / "long-jobs")
        with closing(Store(path, 3600)) as store:
            store.change_halts(change)


@pytest.fixture(params=["diskcache", "redis"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    setting = Setting({"max_concurrency": 1})
    if request.param == "redis":
        redis: Redis = request.getfixturevalue("redis")
        setting = Setting.celery(redis.database(), redis.database(), lease=1.0)
    site = Site(tmp_path, setting)
    with site.stack:
        yield site


class Ledger:
    """The steps of a job, each with the process that has done it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[tuple[int, int]]:
        text = self.path.read_text() if self.path.exists() else ""
        lines = [line.split() for line in text.splitlines()]
        return [(int(step), int(pid)) for step, pid in filter(None, lines)]

    def steps(self) -> list[int]:
        return [step for step, _ in self.lines()]

    def processes(self) -> int:
        return len({pid for _, pid in self.lines()})

    def finish(self) -> None:
        Path(f"{self.path}.done").touch()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def begin(page: Page, ledger: Ledger, name: str = "stepwise") -> Job:
    """Start a job, and return when it has saved a few checkpoints."""
    job = page.start(name, str(ledger.path))
    until_more(page, job, ledger, 3)
    return job


def until_more(page: Page, job: Job, ledger: Ledger, steps: int) -> None:
    """Wait until a job has done more than so many steps."""

    def has_more() -> bool:
        page.poll(job)
        return len(ledger.steps()) > steps

    until(has_more, TIMEOUT, poll=0.02)


def until_another_process(page: Page, job: Job, ledger: Ledger) -> None:
    """Wait until another process does steps. A page that polls is there meanwhile."""

    def is_there() -> bool:
        page.poll(job)
        assert not job.has_ended, job.snapshots[-1]
        return ledger.processes() > 1

    until(is_there, TIMEOUT)


def test_job_goes_on_where_it_is_when_its_worker_is_stopped(
    site: Site, ledger: Ledger
) -> None:
    page = site.server.page()
    job = begin(page, ledger)
    has_gone = site.stop_worker()
    site.worker = site.work()
    until_another_process(page, job, ledger)
    until(has_gone, TIMEOUT)
    ledger.finish()
    page.wait_for("succeeded", job)
    steps = ledger.steps()
    assert steps == [*range(len(steps))]
    assert job.result == [1, len(steps)]


def test_job_that_waits_for_an_answer_asks_again_when_its_worker_is_stopped(
    site: Site,
) -> None:
    page = site.server.page()
    job = page.start("confirm-on")
    old = page.wait_for_question(job, "Question 1")
    assert page.answer(job, old, "one").status == 204
    old = page.wait_for_question(job, "Question 2")
    has_gone = site.stop_worker()
    site.worker = site.work()

    def asks_again() -> bool:
        page.poll(job)
        assert not job.has_ended, job.snapshots[-1]
        return job.question is not None and job.question["id"] != old["id"]

    until(asks_again, TIMEOUT)
    until(has_gone, TIMEOUT)
    question = page.wait_for_question(job, "Question 2")
    # A tab that still shows the old form.
    assert page.answer(job, old, "old").status == 409
    assert page.answer(job, question, "two").status == 204
    page.wait_for("succeeded", job)
    assert job.result == ["one", "two"]


def test_job_stops_in_a_drain_and_goes_on_after_it(site: Site, ledger: Ledger) -> None:
    page = site.server.page()
    job = begin(page, ledger)
    site.hold(lambda halts: halts.drain(time.time() + 3600))
    page.wait_for("queued", job)
    done = len(ledger.steps())
    site.hold(lambda halts: halts.resume(None))
    until_more(page, job, ledger, done)
    ledger.finish()
    page.wait_for("succeeded", job)
    steps = ledger.steps()
    assert steps == [*range(len(steps))]
    assert job.result == [1, len(steps)]


OTHER_CODE = ("VERSION = 1", "VERSION = 2")
NEW_FUNCTION = ("return step_on(name)", "return step_on(name, 1000)")


def test_job_goes_on_with_new_code_if_its_function_is_the_same(
    site: Site, ledger: Ledger
) -> None:
    page = site.server.page()
    job = begin(page, ledger)
    site.deploy(OTHER_CODE)
    until_another_process(page, job, ledger)
    ledger.finish()
    page.wait_for("succeeded", job)
    steps = ledger.steps()
    assert steps == [*range(len(steps))]


def test_job_whose_function_has_changed_fails(site: Site, ledger: Ledger) -> None:
    page = site.server.page()
    job = begin(page, ledger)
    site.deploy(NEW_FUNCTION)
    page.wait_for("failed", job)
    assert job.error["type"] == "CodeChangedError"


def test_job_whose_function_has_changed_begins_again_if_it_may(
    site: Site, ledger: Ledger
) -> None:
    page = site.server.page()
    job = begin(page, ledger, "stepwise-again")
    site.deploy(NEW_FUNCTION)
    until_another_process(page, job, ledger)
    ledger.finish()
    page.wait_for("succeeded", job)
    steps = ledger.steps()
    assert steps.count(0) == 2
    assert job.result == [1, 1000 + steps[-1] + 1]

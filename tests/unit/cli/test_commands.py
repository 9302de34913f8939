"""The command ``dash-long-jobs`` on jobs of an app in this process."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import diskcache
import psutil
import pytest
from click.testing import CliRunner
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import Job, current_job
from dash_long_components.cli import halting, tables
from dash_long_components.cli.commands import group
from dash_long_components.core.calls import Call
from dash_long_components.core.records import Record
from dash_long_components.exceptions import DrainingError, UnknownTaskError
from dash_long_components.managers.store.store import Store
from dash_long_components.testing import MemoryLongCallbackManager
from tests.ports import free_port
from tests.waiting import until

BOUND = 10  # seconds, for what hangs


class Site:
    """A module with an app, as ``--app`` names it."""

    def __init__(self) -> None:
        self.manager = MemoryLongCallbackManager(max_concurrency=1)
        self.app = dlc.Dash(__name__, long_callback_manager=self.manager)
        self.app.layout = html.Div()
        self.go_on = threading.Event()

        @self.app.long_callback(
            Output("out", "children"), Input("in", "value"), title="Work [1]"
        )
        def work(value: Any) -> Any:
            current_job().log(f"works on {value}")
            if isinstance(value, list):
                (current_job().title,) = value
            if value == "bad":
                raise ValueError("a bad value")
            self.go_on.wait(BOUND)
            current_job().log("done")
            return value

        self.start: Callable[..., Job] = lambda *args, **options: self.manager.start(
            work, *args, **options
        )

    def run(self, *args: str, code: int = 0) -> str:
        result = CliRunner().invoke(group, [*args, "--app", "a_site"])
        assert result.exit_code == code, result.output
        return result.output

    def json(self, *args: str, code: int = 0) -> Any:
        return json.loads(self.run(*args, "--json", code=code))


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site()
    module = ModuleType("a_site")
    module.app = site.app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_site", module)
    # A command closes what it has opened, and this manager lives in the process alone.
    close = site.manager.close
    monkeypatch.setattr(site.manager, "close", lambda: None)
    yield site
    site.go_on.set()
    close()


def test_jobs_are_listed_shown_and_cancelled(site: Site) -> None:
    assert "There are no such jobs." in site.run("list")
    failed = site.start("bad", user="ada")
    failed.wait(BOUND)
    running, queued = site.start(1, user="ada"), site.start(2)
    until(lambda: running.log, BOUND, poll=0.01)
    listed = site.json("list")
    assert [job["id"] for job in listed] == [queued.id, running.id, failed.id]
    assert listed[2] == {**failed.to_dict(), "error": "ValueError: a bad value"}
    ids = [
        job["id"] for job in site.json("list", "--user", "ada", "--status", "failed")
    ]
    assert ids == [failed.id]
    assert site.json("list", "--task", "other") == []
    assert len(site.json("list", "--limit", "1")) == 1
    assert failed.id in site.run("list", "--status", "failed", "--status", "queued")
    shown = site.run("show", failed.id)
    assert "ValueError: a bad value" in shown
    assert "Work [1]" in shown
    assert "works on bad" in shown
    assert site.json("show", running.id)["log"] == ["works on 1"]
    assert site.json("cancel", running.id, queued.id) == {
        running.id: "cancelled",
        queued.id: "cancelled",
    }
    assert "cancelled" in site.run("cancel", queued.id)
    for command in ("show", "cancel", "logs"):
        assert "There is no job 'missing'" in site.run(command, "missing", code=1)


@pytest.mark.parametrize(
    "title", ["[/data.csv]", "[draft] x", "[red]y", ":smile:", "a\x1b]0;b\x07"]
)
def test_title_is_shown_as_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch, title: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    job = site.start([title])
    until(lambda: job.title == title, BOUND, poll=0.01)
    visible = title.replace("\x1b", "\ufffd").replace("\x07", "\ufffd")
    assert visible in site.run("list")
    assert visible in site.run("show", job.id)


def test_user_sees_none_of_the_jobs_of_another(site: Site) -> None:
    failed = site.start("bad", user="ada")
    failed.wait(BOUND)
    assert site.json("list", "--user", "eve") == []
    for command in ("show", "cancel", "logs", "retry"):
        of_another, of_none = (
            site.run(command, job_id, "--user", "eve", code=1).replace(job_id, "ID")
            for job_id in (failed.id, "missing")
        )
        assert of_another == of_none
        assert "There is no job 'ID'" in of_another
    assert site.json("show", failed.id, "--user", "ada")["status"] == "failed"


def test_log_is_followed_to_the_end(site: Site) -> None:
    job = site.start(1)
    until(lambda: job.log, BOUND, poll=0.01)
    assert site.run("logs", job.id) == "works on 1\n"
    threading.Timer(0.1, site.go_on.set).start()
    assert site.run("logs", "-f", job.id) == "works on 1\ndone\n"
    assert json.loads(site.run("logs", job.id, "--json").splitlines()[1]) == {
        **{"line": 2, "text": "done"}
    }


def test_stats_count_by_task_and_status(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    failed = site.start("bad")
    failed.wait(BOUND)
    running = site.start(1)
    until(lambda: running.status == "running", BOUND, poll=0.01)
    site.start(2)
    stats = site.json("stats")
    health = stats["managers"]["memory"]
    assert (health["queued"], health["running"], health["problem"]) == (1, 1, None)
    (counts,) = [task["jobs"] for task in stats["tasks"].values()]
    assert counts == {"failed": 1, "running": 1, "queued": 1}
    assert failed.task in site.run("stats")


def test_job_is_one_line_for_other_programs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    job = site.start(["A title that is longer than a line of most terminals. " * 3])
    job.cancel()
    job.wait(BOUND)
    (line,) = [line for line in site.run("list").splitlines() if job.id in line]
    assert "cancelled" in line
    assert job.title in line


def test_narrow_terminal_breaks_no_status_and_has_no_empty_columns(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    job = site.start(["A title that is longer than a line of most terminals. " * 3])
    job.cancel()
    job.wait(BOUND)
    for command in ("list", "stats"):
        printed = site.run(command)
        assert "cancelled" in printed
        assert "progress" not in printed
        assert "rejected" not in printed


def test_time_before_the_clock_was_set_back_is_not_negative() -> None:
    assert tables.span(-7200.0) == "0.0 s"


def test_drain_that_is_interrupted_lets_jobs_start_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        until(lambda: not starts(site), BOUND)
        raise KeyboardInterrupt

    site.start(1)
    clock = SimpleNamespace(sleep=interrupt, monotonic=time.monotonic)
    with monkeypatch.context() as patched:
        patched.setattr(halting, "time", clock)
        assert "Aborted!" in site.run("drain", code=1)
    until(lambda: starts(site), BOUND)


def test_drain_waits_for_all_jobs(site: Site) -> None:
    job = site.start(1)
    assert site.json("drain", "--timeout", "0", code=1)[0]["id"] == job.id
    threading.Timer(0.1, site.go_on.set).start()
    assert "0 jobs wait or run." in site.run("drain")
    assert job.status == "succeeded"
    with pytest.raises(DrainingError):
        site.start(2)
    site.run("resume")
    # Servers look again after a second.
    until(lambda: starts(site), BOUND)


def starts(site: Site) -> bool:
    try:
        site.start(2)
    except DrainingError:
        return False
    return True


def test_jobs_of_a_paused_task_wait_and_go_on_in_their_order(site: Site) -> None:
    running = site.start(1)
    before = site.start(2)
    assert f"Paused: {running.task}." in site.run("pause", running.task)
    after, cancelled = site.start(3), site.start(4)
    cancelled.cancel()
    site.go_on.set()
    assert running.wait(BOUND) == "succeeded"
    assert [before.status, after.status] == ["queued", "queued"]
    assert "0 jobs wait or run." in site.run("drain", "--hold", "0")
    assert site.json("resume") == {"paused": []}
    assert {before.wait(BOUND), after.wait(BOUND)} == {"succeeded"}
    assert before.started is not None
    assert after.started is not None
    assert before.started < after.started
    assert cancelled.status == "cancelled"


def test_task_that_does_not_exist_is_neither_paused_nor_resumed(site: Site) -> None:
    site.go_on.set()
    job = site.start(1)
    wrong = job.task + "k"
    for command in ("pause", "resume"):
        output = " ".join(site.run(command, job.task, wrong, code=1).split())
        # The process may have others with names like that, of other tests.
        assert f"There is no task '{wrong}'. Did you mean {job.task}" in output
    assert "Did you mean" not in site.run("pause", "xyz", code=1)
    assert site.manager.halts().paused == frozenset()
    # Also before its first job, and by the function.
    site.run("pause", job.task)
    assert site.manager.halts().paused == {job.task}
    with pytest.raises(UnknownTaskError):
        site.manager.pause(free_port)


def test_task_is_known_by_its_jobs_where_no_code_is(tmp_path: Path) -> None:
    record = Record(id="a", task="app.work", code="", created=1.0, changed=1.0)
    store = Store(str(tmp_path / "long-jobs"), result_ttl=60)
    store.submit(
        record,
        Call(task="app.work", fingerprint="", context={}),
        max_concurrency=1,
        max_queue=9,
        owner=None,
    )
    store.close()
    runner = CliRunner()
    paused = runner.invoke(group, ["pause", "app.work", "--store", str(tmp_path)])
    assert "Paused: app.work." in paused.output
    wrong = runner.invoke(group, ["pause", "app.wrk", "--store", str(tmp_path)])
    assert wrong.exit_code == 1
    assert "Did you mean app.work?" in wrong.output
    assert "--app module:attribute" in wrong.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Say whose jobs you mean"),
        (["--app", "a", "--store", "b"], "Say whose jobs you mean"),
        (["--app", "no_such_module"], "No module named 'no_such_module'"),
        (["--app", "json:nothing"], "json has no 'nothing'"),
        (["--app", "web/app.py"], "Name its module: --app app:app"),
        (["--app", "json:dumps"], "neither a manager nor a Dash app"),
        (["--store", "/nowhere"], "there is no job store"),
        (["--broker", "amqp://localhost"], "Name that of the app by --backend"),
    ],
)
def test_source_that_is_none_is_refused(options: list[str], message: str) -> None:
    result = CliRunner().invoke(group, ["list", *options])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_option_replaces_the_variables_of_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = site.start(1)
    monkeypatch.setenv("DASH_LONG_JOBS_STORE", str(tmp_path))
    assert [it["id"] for it in site.json("list")] == [job.id]
    monkeypatch.setenv("DASH_LONG_JOBS_APP", "a_site")
    result = CliRunner().invoke(group, ["list"])
    assert "Say whose jobs you mean" in result.output
    monkeypatch.delenv("DASH_LONG_JOBS_STORE")
    result = CliRunner().invoke(group, ["list", "--json"])
    assert [it["id"] for it in json.loads(result.output)] == [job.id]


def test_store_is_named_by_the_directory_of_the_cache(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path)):
        Store(str(tmp_path / "long-jobs"), result_ttl=60).close()
    for path in (tmp_path, tmp_path / "long-jobs"):
        result = CliRunner().invoke(group, ["list", "--json", "--store", str(path)])
        assert json.loads(result.output) == []
    still_open = [Path(file.path) for file in psutil.Process().open_files()]
    assert not [path for path in still_open if path.is_relative_to(tmp_path)]


def test_doctor_says_what_is_wrong_with_a_store(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path)):
        Store(str(tmp_path / "long-jobs"), result_ttl=60).close()
    (tmp_path / "long-jobs").chmod(0o755)
    result = CliRunner().invoke(group, ["doctor", "--json", "--store", str(tmp_path)])
    findings = json.loads(result.output)
    assert result.exit_code == 0
    texts = [finding["text"] for finding in findings]
    assert any(text.startswith("Python ") for text in texts)
    warnings = {f["text"]: f["advice"] for f in findings if f["level"] == "warning"}
    assert f"chmod 700 {tmp_path / 'long-jobs'}" in warnings.values()
    assert "No dispatcher runs, and no server of the app runs." in warnings
    plain = CliRunner().invoke(group, ["doctor", "--store", str(tmp_path)])
    # The store itself has set its rights meanwhile.
    assert "warning No dispatcher runs" in plain.output


def findings_of(*options: str) -> list[dict[str, str]]:
    """Return what the doctor finds, but for what is well."""
    result = CliRunner().invoke(group, ["doctor", "--json", *options])
    assert result.exit_code == 1, result.output
    return [it for it in json.loads(result.stdout) if it["level"] != "ok"]


def test_doctor_tells_once_that_a_store_is_newer(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path)):
        Store(str(tmp_path / "long-jobs"), result_ttl=60).close()
    file = tmp_path / "long-jobs" / "jobs.cache.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 999")
    (newer,) = findings_of("--store", str(tmp_path))
    assert "version 999" in newer["text"]
    assert "give the manager another directory" in newer["text"]


def test_store_that_can_not_be_opened_is_no_traceback(tmp_path: Path) -> None:
    Store(str(tmp_path / "long-jobs"), result_ttl=60).close()
    (tmp_path / "cache.db").mkdir()
    result = CliRunner().invoke(group, ["doctor", "--store", str(tmp_path)])
    assert result.exit_code == 2
    assert "Run this command as the user of the app." in " ".join(result.output.split())


def test_doctor_tells_once_that_broker_and_backend_are_away() -> None:
    found = findings_of("--broker", f"redis://127.0.0.1:{free_port()}")
    kinds = ["Celery's broker", "Celery's result backend"]
    for kind, finding in zip(kinds, found, strict=True):
        assert finding["text"].startswith(f"{kind} does not respond: ")
        assert finding["advice"].startswith("Start it, and check its URL, port")


def test_missing_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['rich'] = None\n"
        "from dash_long_components.cli import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert 'pip install "dash-long-components[cli]"' in run.stderr

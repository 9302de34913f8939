"""The contract of managers: every manager passes it, with every broker and backend."""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from dash_long_components.running.reporter import REPORT_INTERVAL
from tests import backends
from tests.integration import chaos
from tests.integration.brokers import RabbitMQ, Redis
from tests.integration.deployment import (
    WORKER_LOST_WAIT,
    Deployment,
    Setting,
    StampedPage,
    deployed,
)
from tests.integration.page import TIMEOUT, Answer, Job, Page
from tests.integration.servers import is_alive, until_gone, wait_for_json
from tests.promises import promised
from tests.waiting import until

MANAGERS = [
    *("diskcache", "diskcache-fastapi", "diskcache-quart", "memory"),
    *("redis", "rabbitmq-redis", "rabbitmq-database"),
]

_names = (f"job-{number}" for number in itertools.count())


@pytest.fixture(scope="module", params=MANAGERS)
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp(request.param)
    with deployed(setting(request, folder), folder) as deployment:
        if request.param.startswith("diskcache"):
            # Any test may be the first that it sees, also one that measures a bound.
            deployment.web.wait_until_ready()
        yield deployment


def setting(request: pytest.FixtureRequest, folder: Path) -> Setting:
    def redis() -> str:
        server: Redis = request.getfixturevalue("redis")
        return server.database()

    def rabbitmq() -> str:
        server: RabbitMQ = request.getfixturevalue("rabbitmq")
        return server.virtual_host()

    # A queue of its own: another deployment may have left messages in the default one.
    queue = f"queue-{uuid4().hex}"
    match request.param:
        case "redis":
            return Setting.celery(redis(), redis())
        case "rabbitmq-redis":
            late = {"task_acks_late": True, "task_reject_on_worker_lost": True}
            return Setting.celery(rabbitmq(), redis(), task_default_queue=queue, **late)
        case "rabbitmq-database":
            # Writers of SQLite wait for each other.
            database = f"db+sqlite:///{folder}/results.sqlite?timeout={TIMEOUT}"
            return Setting.celery(rabbitmq(), database, task_default_queue=queue)
        case "diskcache-fastapi" | "diskcache-quart":
            backend = request.param.partition("-")[2]
            if reason := backends.missing(backend):
                pytest.skip(reason)
            return Setting({"max_concurrency": 2}, backend)
        case "memory":
            return Setting({"memory": {"max_concurrency": 2}})
        case _:
            return Setting({"max_concurrency": 2})


def caching_setting(request: pytest.FixtureRequest, folder: Path) -> Setting:
    plain = setting(request, folder)
    return dataclasses.replace(plain, manager={**plain.manager, "cache_by": "by"})


@pytest.fixture
def page(deployment: Deployment) -> Page:
    return deployment.page()


@pytest.fixture
def _kills(deployment: Deployment) -> None:
    """Skip managers that run a job in a thread, which can't be killed."""
    if "memory" in deployment.setting.manager:
        pytest.skip("A thread has no process of its own.")


@pytest.fixture
def name(tmp_path: Path) -> str:
    """A path for a job's files that the server and a worker read alike."""
    return str(tmp_path / next(_names))


def release(name: str) -> None:
    Path(f"{name}.go").touch()


def wait_for_file(name: str) -> object:
    return wait_for_json(Path(name))


def test_result_is_what_the_function_returns(page: Page) -> None:
    values: list[object] = [None, 0, "", [], False, {"a": [1.5, None]}, "ä\ud83d"]
    for value in values:
        job = page.run("echo", value)
        assert job.status == "succeeded", job.snapshots
        assert job.result == value


def test_job_has_the_context_variables_of_its_request(
    deployment: Deployment,
) -> None:
    for tenant in ("north", "south"):
        assert deployment.page(f"tenant={tenant}").run("tenant").result == tenant
        # The same process may run the next job.
        assert deployment.page().run("tenant").result == "none"


def test_job_knows_its_own_id(page: Page) -> None:
    jobs = [page.run("myself") for _ in range(2)]
    assert [job.result[1:] for job in jobs] == [
        ["tasks_app.myself", 1, False, True]
    ] * 2
    assert jobs[0].result[0] != jobs[1].result[0]


def test_large_result_arrives_whole(page: Page) -> None:
    size = 11_000_000
    job = page.run("big", size)
    assert job.status == "succeeded", job.snapshots
    assert job.result == "ä" * size


def test_last_progress_is_shown_and_few_are_written(page: Page) -> None:
    start = time.monotonic()
    job = page.run("count", 20_000)
    assert job.status == "succeeded", job.snapshots
    progress = [s["progress"] for s in job.snapshots if "progress" in s]
    assert progress[-1] == [["count", "title", 20_000]]
    # The place in the queue changes without the cursor.
    cursors = [s["cursor"] for s in job.snapshots if "queue" not in s]
    assert cursors == sorted(set(cursors))
    # Each write moves the cursor: the start, the end, and one in each interval.
    assert job.cursor < 10 + (time.monotonic() - start) / REPORT_INTERVAL


def test_set_props_reaches_the_page(page: Page) -> None:
    job = page.run("say", ["one", "two", "three"])
    assert job.status == "succeeded", job.snapshots
    props = [update for s in job.snapshots for update in s.get("props", [])]
    assert props[-1] == ["say-in", "title", "three"]


def test_two_jobs_at_once_show_each_its_own_reports(page: Page, name: str) -> None:
    names = [f"{name}-a", f"{name}-b"]
    jobs = [page.start("loop", each) for each in names]
    for each in names:
        wait_for_file(each)

    def latest(job: Job) -> list[Any]:
        reports = [s["bars"] for s in job.snapshots if "bars" in s]
        return [[bar[:3] for bar in bars] for bars in reports[-1:]]

    def steps(job: Job) -> list[Any]:
        *_, latest = (s["steps"] for s in job.snapshots if "steps" in s)
        return [(name, depth, status, runs) for name, depth, status, _, runs in latest]

    shown = [[[1, 4, each], [1, 2, each], [2, 3, "inner"]] for each in names]

    def are_shown() -> bool:
        page.poll(*jobs)
        return [latest(job) for job in jobs] == [[bars] for bars in shown]

    until(are_shown, TIMEOUT, poll=0.02)
    late = Job(jobs[0].handle)
    page.poll(late)
    assert latest(late) == [shown[0]]
    assert late.snapshots[0]["elapsed"] > 0
    assert late.snapshots[0]["title"] == f"Loop of {names[0]}"
    assert steps(late) == [
        ("Read", 0, "done", 1),
        ("Loop", 0, "running", 1),
        ("Inner", 1, "running", 2),
        ("Write", 0, "to_come", 0),
    ]
    for each in names:
        release(each)
    page.wait_for("succeeded", *jobs)
    for each, job in zip(names, jobs, strict=True):
        assert latest(job) == [[[1, 4, each]]]
        lines = [line for s in job.snapshots for line in s.get("log", [])]
        assert [step[2] for step in steps(job)] == [*["done"] * 3, "to_come"]
        places = [(outer, inner) for outer in range(2) for inner in range(3)]
        assert [(number, text) for number, text, _time, _level in lines] == [
            (number, f"{each}: {outer}, {inner}")
            for number, (outer, inner) in enumerate(places, 1)
        ]
        assert {level for *_, level in lines} == {logging.WARNING}
        assert all(abs(time.time() - at) < TIMEOUT for *_, at, _level in lines)


def test_yields_arrive_once_and_while_the_job_runs(page: Page, name: str) -> None:
    job = page.start("stream", name)
    wait_for_file(name)

    def text(job: Job) -> str:
        text = ""
        for snapshot in job.snapshots:
            for update in snapshot.get("props", []):
                assert update[:2] == ["stream", "children"]
                is_patch = isinstance(update[2], dict)
                for operation in update[2]["operations"] if is_patch else []:
                    text += operation["params"]["value"]
                text = text if is_patch else update[2]
        return text

    def is_shown() -> bool:
        page.poll(job)
        return text(job) == "one two "

    until(is_shown, TIMEOUT, poll=0.02)
    late = Job(job.handle)
    page.poll(late)
    assert text(late) == "one two "
    release(name)
    for reader in (job, late):
        page.wait_for("succeeded", reader)
    assert text(job) == text(late) == "one two three "
    assert job.snapshots[-1]["result"]["response"] == {}


@pytest.mark.parametrize(
    ("how", "status", "kind", "reason"),
    [
        ("raise", "failed", "KeyError", "'the missing key'"),
        ("sys.exit", "failed", "SystemExit", "sys.exit(3)"),
        ("unserialisable", "failed", "InvalidCallback", "not JSON serializable"),
    ],
)
def test_failure_says_why(
    page: Page, how: str, status: str, kind: str, reason: str
) -> None:
    with promised("2 s"):
        job = page.run("end", how)
    check_end(page, job, status, kind, reason)


@pytest.mark.usefixtures("_kills")
@pytest.mark.parametrize(("how", "reason"), [("os._exit", "4"), ("SIGKILL", "SIGKILL")])
def test_job_is_lost_when_its_process_dies_and_says_why(
    deployment: Deployment, page: Page, how: str, reason: str
) -> None:
    is_celery = deployment.setting.has_workers
    bound = promised(
        "worker_lost_wait + 6 s" if is_celery else "2 s",
        worker_lost_wait=WORKER_LOST_WAIT,
    )
    with bound:
        job = page.run("end", how)
    check_end(page, job, "lost", "WorkerDied", reason)


def check_end(page: Page, job: Job, status: str, kind: str, reason: str) -> None:
    assert job.status == status
    assert job.error["type"].startswith(kind)
    assert reason in job.error["message"]
    assert job.error["task"] == "tasks_app.end"
    assert set(job.error) == {"type", "message", "task"}
    assert "tasks_app.py" not in json.dumps(job.snapshots)
    assert page.run("echo", 1).result == 1


def attempts_in(name: str) -> list[int]:
    return [int(line) for line in Path(name).read_text().splitlines()]


def test_job_is_tried_again_as_it_allows(
    deployment: Deployment, page: Page, name: str
) -> None:
    has_thread = "memory" in deployment.setting.manager
    third = "ConnectionError" if has_thread else "SIGKILL"
    ways = ["ConnectionError", "retry", third, "return"]
    job = page.run("attempts", {"name": name, "ways": ways})
    assert job.status == "succeeded", job.snapshots
    assert job.result == [4, 4]
    assert attempts_in(name) == [1, 2, 3, 4]
    log = [line for s in job.snapshots for line in s.get("log", [])]
    assert [number for number, *_ in log] == sorted({number for number, *_ in log})
    texts = [text for _, text, *_ in log]
    failed = [f"Attempt {n} of 4 failed: " for n in (1, 2, 3)]
    for start, reason in zip(
        failed, ["ConnectionError: refused", "JobRetry: not yet", ""], strict=True
    ):
        assert any(text.startswith(start + reason) for text in texts), texts
    assert "in attempt 4" in texts


@pytest.mark.parametrize("how", ["ConnectionError", "SIGKILL"])
def test_job_goes_on_from_its_checkpoint(
    deployment: Deployment, page: Page, name: str, how: str
) -> None:
    if how == "SIGKILL" and "memory" in deployment.setting.manager:
        pytest.skip("A thread has no process of its own.")
    job = page.run("saved", {"name": name, "how": how})
    assert job.status == "succeeded", job.snapshots
    assert job.result == [2, 2, 5]
    # Only the step that was not finished is done twice.
    assert attempts_in(name) == [0, 1, 2, 2, 3, 4]
    bars = [bar[:2] for s in job.snapshots for bar in s.get("bars", [])]
    assert bars[-1] == [5, 5]


def test_job_asks_and_the_first_answer_counts(
    deployment: Deployment, page: Page
) -> None:
    choices = ["yes", "no"]
    job = page.start("confirm", {"choices": choices, "default": "no", "timeout": 600})
    first = page.wait_for_question(job, "a?")
    assert (first["choices"], first["default"]) == (choices, "no")
    assert 0 < first["left"] <= 600
    assert page.answer(job, first, "maybe").status == 400
    assert page.answer(job, first, "yes").status == 204
    assert deployment.page().answer(job, first, "no").status == 409
    second = page.wait_for_question(job, "b?")
    assert page.answer(job, first, "no").status == 409
    assert page.answer(job, second, "no").status == 204
    page.wait_for("succeeded", job)
    assert job.result == ["yes", "no"]
    assert job.question is None
    assert page.answer(job, second, "yes").status == 409


def test_job_goes_on_with_the_default_if_no_one_answers(page: Page) -> None:
    assert page.run("confirm", {"default": "", "timeout": 0.3}).result == ["", ""]
    job = page.run("confirm", {"timeout": 0.3})
    assert (job.status, job.error["type"]) == ("failed", "NoAnswerError")
    assert job.error["message"] == "No one answered in 0.3 s: a?"


def test_cancel_ends_a_job_that_waits_for_an_answer(page: Page, name: str) -> None:
    job = page.start("confirm", {"name": name})
    question = page.wait_for_question(job, "a?")
    page.cancel(job)
    assert page.answer(job, question, "late").status == 409
    page.wait_for("cancelled", job)
    # Long before its ``cancel_grace`` is over.
    wait_for_file(name)


@pytest.mark.usefixtures("_kills")
def test_jobs_with_checkpoints_survive_kills(page: Page, name: str) -> None:
    account = chaos.run(
        page,
        Path(name),
        jobs=4,
        steps=10,
        seconds=0.05,
        interval=0.4,
        timeout=TIMEOUT,
    )
    account.check(4, 10)


@pytest.mark.parametrize(
    ("ways", "kind"),
    [(["KeyError"], "KeyError"), (["ConnectionError"] * 4, "ConnectionError")],
)
def test_other_failures_and_the_last_one_end_the_job(
    page: Page, name: str, ways: list[str], kind: str
) -> None:
    job = page.run("attempts", {"name": name, "ways": ways})
    assert (job.status, job.error["type"]) == ("failed", kind)
    assert attempts_in(name) == [*range(1, len(ways) + 1)]


def test_cancel_ends_a_job_between_attempts(page: Page, name: str) -> None:
    job = page.start("patient", name)

    def waits() -> bool:
        page.poll(job)
        return any("attempt" in s.get("queue", {}) for s in job.snapshots)

    until(waits, TIMEOUT, poll=0.02)
    queue = job.snapshots[-1]["queue"]
    assert (job.status, queue["attempt"]) == ("queued", [2, 2])
    assert 250 < queue["wait"] <= 600
    assert page.run("echo", 1).result == 1  # no worker waits with it
    page.cancel(job)
    page.wait_for("cancelled", job)
    assert attempts_in(name) == [1]


def test_exception_is_in_the_log_with_the_name_of_its_task(
    deployment: Deployment, page: Page
) -> None:
    page.run("end", "raise")
    for text in (
        "The long callback tasks_app.end failed",
        "KeyError: 'the missing key'",
    ):
        until(lambda text=text: text in deployment.log(), TIMEOUT)


def test_snapshot_can_be_read_again_and_by_others(deployment: Deployment) -> None:
    page = deployment.page()
    job = page.run("echo", "again")
    for _ in range(3):
        copy = Job(job.handle)
        deployment.page().poll(copy)
        assert copy.snapshots[-1] == job.snapshots[-1]


def test_function_sees_its_request(deployment: Deployment) -> None:
    jobs = [deployment.page(f"user={user}").run("ask", "same") for user in "ab"]
    assert [job.result["cookies"]["user"] for job in jobs] == ["a", "b"]
    assert jobs[0].result["triggered"] == {"ask-in.value": "ask-in"}


@pytest.mark.usefixtures("_kills")
def test_cancel_kills_a_running_job_and_its_programs(page: Page, name: str) -> None:
    job = page.start("family", {"name": name, "then": "wait"})
    pids = wait_for_file(name)
    assert isinstance(pids, list)
    assert len(pids) == 6
    with promised("2 s"):
        page.cancel(job)
        page.wait_for("cancelled", job)
        until_gone(lambda: filter(is_alive, pids))
    assert not {"error", "result"} & job.snapshots[-1].keys()
    assert page.run("echo", 1).result == 1


@pytest.mark.usefixtures("_kills")
@pytest.mark.parametrize("how", ["progress", "return"])
def test_job_with_cancel_grace_may_tidy_up(page: Page, name: str, how: str) -> None:
    job = page.start("grace", {"name": name, "how": how})
    pids = wait_for_file(name)
    assert isinstance(pids, list)
    with promised("2 s"):
        page.cancel(job)
        wait_for_file(f"{name}.tidy")
        page.wait_for("cancelled", job)
        until_gone(lambda: filter(is_alive, pids[1:]))
    assert page.run("echo", 1).result == 1


def test_cancelled_stream_with_cancel_grace_ends_between_two_yields(
    page: Page, name: str
) -> None:
    job = page.start("endless", name)
    wait_for_file(name)
    page.cancel(job)
    wait_for_file(f"{name}.tidy")
    page.wait_for("cancelled", job)
    assert page.run("echo", 1).result == 1


@pytest.mark.usefixtures("_kills")
def test_job_that_ignores_a_cancel_is_killed_after_cancel_grace(
    page: Page, name: str
) -> None:
    job = page.start("brief-grace", {"name": name, "how": "ignore"})
    pids = wait_for_file(name)
    assert isinstance(pids, list)
    with promised("cancel_grace + 2 s", cancel_grace=2.0):
        page.cancel(job)
        page.wait_for("cancelled", job)
        until_gone(lambda: filter(is_alive, pids))
    assert not Path(f"{name}.tidy").exists()


@pytest.mark.usefixtures("_kills")
def test_job_that_runs_for_too_long_is_killed_with_its_programs(
    page: Page, name: str
) -> None:
    with promised("timeout + 2 s", timeout=2.0):
        job = page.start("brief", {"name": name, "then": "wait"})
        pids = wait_for_file(name)
        page.wait_for("timed_out", job)
        assert isinstance(pids, list)
        until_gone(lambda: filter(is_alive, pids))
    assert job.error["type"] == "TimedOut"
    assert "Timed out after 2 s" in job.error["message"]
    assert page.run("echo", 1).result == 1


@pytest.mark.usefixtures("_kills")
def test_job_ends_when_its_page_is_gone(page: Page, name: str) -> None:
    start = time.monotonic()
    jobs = [page.start("leave", f"{name}-{number}") for number in range(2)]

    def have_begun() -> bool:
        page.poll(*jobs)
        return all(Path(f"{name}-{number}").exists() for number in range(2))

    until(have_begun, TIMEOUT, poll=0.1)
    pid = wait_for_file(f"{name}-0")

    def is_gone() -> bool:
        # The page is gone for one of the two jobs.
        page.poll(jobs[1])
        return not is_alive(int(str(pid)))

    with promised("1.5 × leave_timeout + 2 s", leave_timeout=2.0):
        until(is_gone, TIMEOUT, poll=0.1)
    assert time.monotonic() - start > 2.0
    page.wait_for("cancelled", jobs[0])
    release(f"{name}-1")
    page.wait_for("succeeded", jobs[1])


def test_cancel_keeps_a_queued_job_from_starting(page: Page, name: str) -> None:
    names = [f"{name}-{number}" for number in range(3)]
    jobs = [page.start("hold", each) for each in names]
    for each in names[:2]:
        wait_for_file(each)
    page.poll(*jobs)
    assert jobs[2].status == "queued"
    assert jobs[2].snapshots[-1]["waiting"] >= 0
    page.cancel(jobs[2])
    page.poll(jobs[2])
    assert jobs[2].status == "cancelled"
    for each in names[:2]:
        release(each)
    page.wait_for("succeeded", *jobs[:2])
    # Jobs that came after the cancelled one have run: first come, first served.
    assert [page.run("echo", number).result for number in range(3)] == [0, 1, 2]
    assert not Path(names[2]).exists()


def test_queued_job_knows_its_place(page: Page, name: str) -> None:
    names = [f"{name}-{number}" for number in range(5)]
    jobs = [page.start("hold", each) for each in names[:2]]
    for each in names[:2]:
        wait_for_file(each)
    jobs += [page.start("hold", each) for each in names[2:]]

    def places() -> list[int]:
        page.poll(*jobs[2:])
        return [job.snapshots[-1].get("queue", {}).get("position") for job in jobs[2:]]

    until(lambda: places() == [1, 2, 3], TIMEOUT, poll=0.02)
    page.cancel(jobs[3])
    page.wait_for("cancelled", jobs[3])
    cursor = jobs[4].cursor

    def place() -> int:
        page.poll(jobs[4])
        return int(jobs[4].snapshots[-1]["queue"]["position"])

    # The job itself has not changed.
    until(lambda: place() == 2, TIMEOUT, poll=0.02)
    assert jobs[4].cursor == cursor
    for each in names:
        release(each)
    page.wait_for("succeeded", *jobs[:3], jobs[4])


def test_past_runs_say_how_long_a_job_will_take(page: Page, name: str) -> None:
    release(name)
    assert page.run("until", name).status == "succeeded"

    durations: list[list[float]] = []

    def estimates(number: int) -> list[float]:
        job = page.start("until", f"{name}-{number}")
        page.wait_for("running", job)
        release(f"{name}-{number}")
        page.wait_for("succeeded", job)
        durations.extend(s["durations"] for s in job.snapshots if "durations" in s)
        return [s["estimate"] for s in job.snapshots if "estimate" in s]

    # The manager adds a run just after its end.
    numbers = itertools.count()
    until(lambda: estimates(next(numbers)) != [], TIMEOUT, poll=0.02)
    (estimate,) = estimates(next(numbers))
    assert 0 <= estimate < TIMEOUT
    assert all(0 <= each < TIMEOUT for each in durations[-1])


def test_cancel_of_an_ended_job_changes_nothing(page: Page) -> None:
    job = page.run("echo", "kept")
    page.cancel(job, job)
    again = Job(job.handle)
    page.poll(again)
    assert again.snapshots[-1] == job.snapshots[-1]


def test_cancel_straight_after_the_start_ends_it(page: Page, name: str) -> None:
    jobs = []
    for number in range(5):
        jobs.append(page.start("hold", f"{name}-{number}"))
        page.cancel(jobs[-1])
    page.wait_for("cancelled", *jobs)
    assert page.run("echo", 1).result == 1


def test_replacing_trigger_cancels_the_live_job(
    deployment: Deployment, name: str
) -> None:
    page = StampedPage(deployment.web.url, name)
    first = page.start("replace", f"{name}-1")
    wait_for_file(f"{name}-1")
    second = page.start("replace", f"{name}-2")
    page.wait_for("cancelled", first)
    release(f"{name}-2")
    page.wait_for("succeeded", second)


def test_ignored_trigger_starts_no_job(deployment: Deployment, name: str) -> None:
    page = StampedPage(deployment.web.url, name)
    job = page.start("ignore", name)
    assert "sideUpdate" not in page.call("ignore", f"{name}-2").json
    release(name)
    page.wait_for("succeeded", job)
    release(f"{name}-3")
    assert page.run("ignore", f"{name}-3").status == "succeeded"


def test_one_of_many_triggers_at_once_starts_a_job(
    deployment: Deployment, name: str
) -> None:
    # If one fails, the others must not wait for ever.
    at_once = Barrier(8, timeout=TIMEOUT)

    def trigger(number: int) -> Answer:
        page = deployment.page()
        page.name = f"{name}-{number // 8}"
        at_once.wait()
        return page.call("ignore", page.name, number + 1)

    with ThreadPoolExecutor(8) as pool:
        answers = [*pool.map(trigger, range(32))]
    for number in range(4):
        release(f"{name}-{number}")
    assert sum("sideUpdate" in answer.json for answer in answers) == 4


def test_queued_triggers_have_their_turns_by_the_order_of_the_page(
    page: Page, name: str
) -> None:
    jobs = [page.start("queue", f"{name}-{seq}", seq) for seq in (1, 3, 2)]
    for seq in (1, 2, 3):
        wait_for_file(f"{name}-{seq}")
        assert not Path(f"{name}-{seq + 1}").exists()
        release(f"{name}-{seq}")
    page.wait_for("succeeded", *jobs)


def test_queued_trigger_waits_for_the_live_job(
    deployment: Deployment, name: str
) -> None:
    page = StampedPage(deployment.web.url, name)
    jobs = [page.start("queue", f"{name}-{number}") for number in range(3)]
    wait_for_file(f"{name}-0")
    for number, job in enumerate(jobs):
        assert not Path(f"{name}-{number + 1}").exists()
        release(f"{name}-{number}")
        page.wait_for("succeeded", job)

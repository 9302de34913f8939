"""On every manager: an equal call is a cache hit, or joins the live job."""

from __future__ import annotations

import itertools
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Serve
from tests.integration.deployment import Deployment, StampedPage, deployed
from tests.integration.page import TIMEOUT, Answer, Job, Page
from tests.integration.servers import APPS, gunicorn, serving, with_settings
from tests.integration.test_contract import MANAGERS, caching_setting, release
from tests.waiting import until

_names = (f"tally-{number}" for number in itertools.count())


#: Results are cached in the backend: one broker for each will do.
PLACES = [name for name in MANAGERS if name != "rabbitmq-redis"]


@pytest.fixture(scope="module", params=PLACES)
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp(request.param)
    with deployed(caching_setting(request, folder), folder) as deployment:
        yield deployment


@pytest.fixture
def page(deployment: Deployment) -> Page:
    return deployment.page()


@pytest.fixture
def name(tmp_path: Path) -> str:
    return str(tmp_path / next(_names))


def runs(name: str) -> int:
    """Return how often the function has run."""
    path = Path(f"{name}.runs")
    return len(path.read_text().splitlines()) if path.exists() else 0


def wait_for_run(name: str) -> None:
    until(lambda: runs(name) > 0, TIMEOUT, poll=0.01)


def question(name: str, how: str = "return", result: Any = "result") -> dict[str, Any]:
    return {"name": name, "how": how, "result": result}


def handle_of(answer: Answer) -> dict[str, Any]:
    ((operation),) = answer.json["sideUpdate"]["_dash-long-jobs"]["handles"][
        "operations"
    ]
    handle: dict[str, Any] = operation["params"]["value"]
    return handle


def is_hit(answer: Answer) -> bool:
    """Return whether there is no job to ask for."""
    return handle_of(answer)["token"] is None


def value_of(answer: Answer, name: str = "tally") -> Any:
    return answer.json["response"][name]["children"]


@pytest.mark.parametrize("result", [None, 0, "", [], False, {"a": [1.5]}, "ä\ud83d"])
def test_hit_answers_at_once_with_what_the_function_returned(
    page: Page, name: str, result: Any
) -> None:
    assert page.run("tally", question(name, result=result)).result == result
    answer = page.call("tally", question(name, result=result))
    assert is_hit(answer)
    assert value_of(answer) == result
    assert runs(name) == 1


def test_hit_says_how_old_it_is_and_how_long_it_took(page: Page, name: str) -> None:
    page.run("tally", question(name))
    handle = handle_of(page.call("tally", question(name)))
    assert 0 <= handle["cached"]["duration"] < TIMEOUT
    assert 0 <= handle["cached"]["age"] < TIMEOUT


def test_hit_repeats_nothing_but_the_outputs(page: Page, name: str) -> None:
    page.run("tally", question(name))
    answer = page.call("tally", question(name)).json
    assert answer["sideUpdate"].keys() == {"_dash-long-jobs"}
    assert answer["response"] == {"tally": {"children": "result"}}


def test_hit_of_a_stream_is_what_it_ended_with(page: Page, name: str) -> None:
    assert page.run("steps", name).snapshots[-1]["result"]["response"] == {}
    answer = page.call("steps", name)
    assert is_hit(answer)
    assert value_of(answer, "steps") == name


def test_stream_of_patches_is_not_kept(page: Page, name: str) -> None:
    Path(f"{name}.go").touch()
    page.run("stream", name)
    assert not is_hit(page.call("stream", name))


def test_order_of_a_dict_does_not_matter(page: Page, name: str) -> None:
    asked = question(name)
    page.run("tally", asked)
    assert is_hit(page.call("tally", dict(reversed(asked.items()))))


def test_everything_else_does(deployment: Deployment, page: Page, name: str) -> None:
    page.run("tally", question(name))
    assert not is_hit(page.call("tally", question(name, result="other")))
    other = deployment.page("by=other")
    assert not is_hit(other.call("tally", question(name)))


@pytest.mark.parametrize("how", ["raise", "no_update", "prevent"])
def test_only_results_are_kept(page: Page, name: str, how: str) -> None:
    for number in range(1, 3):
        page.run("tally", question(name, how))
        assert runs(name) == number


def test_cancelled_job_leaves_nothing(page: Page, name: str) -> None:
    job = page.start("tally", question(name, "hold"))
    wait_for_run(name)
    page.cancel(job)
    page.wait_for("cancelled", job)
    release(name)
    assert page.run("tally", question(name, "hold")).result == "result"
    assert runs(name) == 2


def test_large_result_is_kept_whole(page: Page, name: str) -> None:
    # As JSON 12 MB; Quart takes requests of up to 16.
    asked = question(name, result="ä" * 2_000_000)
    page.run("tally", asked)
    assert value_of(page.call("tally", asked)) == asked["result"]


def test_result_goes_some_time_after_its_last_use(
    deployment: Deployment, name: str
) -> None:
    page = deployment.page("expire=1")
    page.run("tally", question(name))
    time.sleep(1.2)
    page.run("tally", question(name))
    assert runs(name) == 2


def test_result_is_there_after_a_restart(deployment: Deployment, name: str) -> None:
    if "memory" in deployment.setting.manager:
        pytest.skip("What is in the memory of a process goes with it.")
    deployment.page().run("tally", question(name))
    deployment.web.terminate()
    deployment.web.start()
    assert is_hit(deployment.page().call("tally", question(name)))
    assert runs(name) == 1


# Single flight


def test_equal_call_joins_the_job(deployment: Deployment, name: str) -> None:
    pages = [deployment.page() for _ in range(3)]
    jobs = [page.start("tally", question(name, "hold")) for page in pages]
    wait_for_run(name)
    late = deployment.page()
    pages.append(late)
    jobs.append(late.start("tally", question(name, "hold")))
    assert len({job.token for job in jobs}) == 4
    for page, job in zip(pages, jobs, strict=True):
        wait_for_progress(page, job)
    release(name)
    for page, job in zip(pages, jobs, strict=True):
        page.wait_for("succeeded", job)
        assert job.result == "result"
    assert runs(name) == 1


def wait_for_progress(page: Page, job: Job) -> None:
    def has_come() -> bool:
        page.poll(job)
        return any("progress" in snapshot for snapshot in job.snapshots)

    until(has_come, TIMEOUT, poll=0.02)


def test_cancel_by_one_takes_only_that_one_out(
    deployment: Deployment, name: str
) -> None:
    page = deployment.page()
    jobs = [page.start("tally", question(name, "hold")) for _ in range(3)]
    wait_for_run(name)
    page.cancel(jobs[0], jobs[0])
    page.wait_for("cancelled", jobs[0])
    page.poll(*jobs[1:])
    assert not any(job.has_ended for job in jobs[1:])
    release(name)
    page.wait_for("succeeded", *jobs[1:])
    again = Job(jobs[0].handle)
    page.poll(again)
    assert again.status == "cancelled"
    assert runs(name) == 1


def test_last_one_to_cancel_ends_the_job(deployment: Deployment, name: str) -> None:
    page = deployment.page()
    jobs = [page.start("tally", question(name, "hold")) for _ in range(3)]
    wait_for_run(name)
    page.cancel(*jobs)
    page.wait_for("cancelled", *jobs)
    # No call joins a job that is about to end.
    job = page.start("tally", question(name, "hold"))
    release(name)
    page.wait_for("succeeded", job)
    assert runs(name) == 2


def test_hundred_equal_calls_at_once_are_one_run(
    deployment: Deployment, name: str
) -> None:
    page = deployment.page()

    def ask(_: int) -> Answer:
        return deployment.page().call("tally", question(name, "hold"))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(100)))
    jobs = [Job(handle_of(answer)) for answer in answers]
    release(name)
    page.wait_for("succeeded", *jobs)
    assert {job.result for job in jobs} == {"result"}
    assert len({job.token for job in jobs}) == 100
    assert runs(name) == 1


# Stale results

#: Results are stale as soon as they are there.
STALE = "expire=0.000001; stale_for=600"


def is_stale(answer: Answer) -> bool:
    """Return whether the answer has a result that its job refreshes."""
    handle = handle_of(answer)
    return handle.get("stale", {}).get("age", 0) > 0 and handle["token"] is not None


@pytest.fixture
def pages(deployment: Deployment) -> Iterator[list[Page]]:
    """Pages of several web processes, as far as these can share jobs."""
    with ExitStack() as stack:
        servers = [deployment.web]
        if deployment.setting.backend == "flask" and "memory" not in (
            deployment.setting.manager
        ):
            start = deployment.setting.gunicorn(2)
            folder = deployment.web.folder
            servers.append(stack.enter_context(serving(start, folder)))
        yield [servers[n % len(servers)].page(STALE) for n in range(20)]


def test_all_who_look_get_the_old_result_and_one_refresh(
    pages: list[Page], name: str
) -> None:
    asked = question(name, "count")
    release(name)
    assert pages[0].run("tally", asked).result == 1
    Path(f"{name}.go").unlink()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda page: page.call("tally", asked), pages))
    assert all(map(is_stale, answers))
    assert {value_of(answer) for answer in answers} == {1}
    jobs = [Job(handle_of(answer)) for answer in answers]
    # A page that leaves takes only its own share along.
    pages[0].cancel(jobs[0])
    release(name)
    for page, job in zip(pages[1:], jobs[1:], strict=True):
        page.wait_for("succeeded", job)
        assert job.result == 2
    assert runs(name) == 2


def test_refresh_that_fails_keeps_the_old_result(
    deployment: Deployment, name: str
) -> None:
    page, asked = deployment.page(STALE), question(name, "count")
    release(name)
    page.run("tally", asked)
    Path(f"{name}.fail").touch()
    for _ in range(2):
        answer = page.call("tally", asked)
        assert is_stale(answer)
        assert value_of(answer) == 1
        job = Job(handle_of(answer))
        page.wait_for("failed", job)
        assert job.error["type"] == "KeyError"
    Path(f"{name}.fail").unlink()
    job = Job(handle_of(page.call("tally", asked)))
    page.wait_for("succeeded", job)
    assert job.result == 4


def test_result_is_not_shown_for_longer_than_it_may_be_stale(
    deployment: Deployment, name: str
) -> None:
    page = deployment.page("expire=0.000001; stale_for=0.000001")
    page.run("tally", question(name))
    answer = page.call("tally", question(name))
    assert "stale" not in handle_of(answer)
    assert not answer.json["response"]


def test_fresh_result_needs_no_refresh(deployment: Deployment, name: str) -> None:
    page = deployment.page("expire=600; stale_for=600")
    page.run("tally", question(name))
    assert is_hit(page.call("tally", question(name)))
    assert runs(name) == 1


# Lanes


def test_hit_replaces_the_live_job(deployment: Deployment, name: str) -> None:
    page = StampedPage(deployment.web.url, name)
    page.run("tally-replace", question(name))
    live = page.start("tally-replace", question(name, "hold"))
    answer = page.call("tally-replace", question(name))
    assert is_hit(answer)
    page.wait_for("cancelled", live)


def test_same_trigger_again_replaces_itself_in_its_job(
    deployment: Deployment, name: str
) -> None:
    page = StampedPage(deployment.web.url, name)
    first = page.start("tally-replace", question(name, "hold"))
    wait_for_run(name)
    second = page.start("tally-replace", question(name, "hold"))
    page.wait_for("cancelled", first)
    release(name)
    page.wait_for("succeeded", second)
    assert runs(name) == 1


def test_hit_is_ignored_like_any_trigger(deployment: Deployment, name: str) -> None:
    page = StampedPage(deployment.web.url, name)
    page.run("tally-ignore", question(name))
    live = page.start("tally-ignore", question(name, "hold"))
    assert "sideUpdate" not in page.call("tally-ignore", question(name)).json
    release(name)
    page.wait_for("succeeded", live)


def test_hit_does_not_overtake_in_a_queue(deployment: Deployment, name: str) -> None:
    page = StampedPage(deployment.web.url, name)
    page.run("tally-queue", question(name))
    live = page.start("tally-queue", question(name, "hold"))
    following = page.start("tally-queue", question(name))
    page.poll(live, following)
    assert following.status == "queued"
    release(name)
    page.wait_for("succeeded", live, following)
    assert following.result == "result"
    # One for each question.
    assert runs(name) == 2


# Code and processes


def test_other_source_is_another_question(
    serve: Serve, tmp_path: Path, name: str
) -> None:
    script = tmp_path / "tasks_app.py"
    shutil.copy(APPS / "tasks_app.py", script)
    start = with_settings([sys.executable, str(script)], cache_by="by")
    server = serve(start, tmp_path)
    assert server.page().run("tally", question(name)).result == "result"
    server.terminate()
    text = script.read_text()
    script.write_text(text.replace('return value["result"]', 'return "other"'))
    server.start()
    assert server.page().run("tally", question(name)).result == "other"
    server.terminate()
    script.write_text(text)
    server.start()
    assert value_of(server.page().call("tally", question(name))) == "result"
    assert runs(name) == 2


def test_server_processes_share_jobs_and_results(serve: Serve, name: str) -> None:
    server = serve(gunicorn(2, cache_by="by"))
    pages = [server.page() for _ in range(10)]
    jobs = [page.start("tally", question(name, "hold")) for page in pages]
    release(name)
    for page, job in zip(pages, jobs, strict=True):
        page.wait_for("succeeded", job)
    assert all(is_hit(page.call("tally", question(name, "hold"))) for page in pages)
    assert runs(name) == 1

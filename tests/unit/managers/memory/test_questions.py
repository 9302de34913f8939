"""A job that asks, from its function to its page and back, without other processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import current_job
from dash_long_components.exceptions import LongCallbackError, QuestionOverError
from dash_long_components.testing import Job, MemoryLongCallbackManager, Page
from tests.waiting import until

TIMEOUT = 20


@pytest.fixture
def make() -> Iterator[Callable[..., Page]]:
    """Make an app with a job that asks; gives a page of it."""
    managers: list[MemoryLongCallbackManager] = []

    def make(retries: int = 0, **options: Any) -> Page:
        manager = MemoryLongCallbackManager(**options)
        managers.append(manager)
        app = dlc.Dash(__name__, long_callback_manager=manager)
        app.layout = html.Div()

        @app.long_callback(
            Output("out", "children"),
            Input("in", "value"),
            on_retrigger="parallel",
            retries=retries,
            backoff=0.01,
        )
        def asks(arguments: dict[str, Any]) -> Any:
            job = current_job()
            if job.checkpoint is not None:
                return job.checkpoint
            answer = job.ask("Overwrite?", **arguments)
            job.save(answer)
            if job.attempt < job.attempts:
                job.retry("It has the answer.")
            return answer

        page = Page(app)
        page.manager = manager  # type: ignore[attr-defined]
        return page

    yield make
    for manager in managers:
        manager.close()


def start(page: Page, **arguments: Any) -> Job:
    return page.start("out.children", {"in.value": arguments})


def asked(page: Page, **arguments: Any) -> Job:
    """Start a job, and wait until its page shows the question."""
    job = start(page, **arguments)

    def is_shown() -> bool:
        page.poll(job)
        assert not job.has_ended, job.error
        return job.question is not None

    until(is_shown, TIMEOUT)
    return job


def wait(job: Job) -> Any:
    until(lambda: not job.busy(), TIMEOUT)
    return job.outputs.get("out.children")


def test_page_answers(make: Callable[..., Page]) -> None:
    page = make()
    job = asked(page, choices=["yes", "no"])
    assert job.status == "running"
    with pytest.raises(LongCallbackError, match="400: The answer 'maybe' is none of"):
        page.answer(job, "maybe")
    page.answer(job, "yes")
    with pytest.raises(LongCallbackError, match="409: No job waits for this answer"):
        page.answer(job, "no")
    assert wait(job) == "yes"
    assert job.question is None
    with pytest.raises(LongCallbackError, match="succeeded, and asks nothing"):
        page.answer(job, "no")


def test_code_answers(make: Callable[..., Page]) -> None:
    page = make()
    page_job = asked(page)
    (job,) = page.manager.jobs()  # type: ignore[attr-defined]
    question = job.question
    assert question is not None
    assert (question.text, question.choices) == ("Overwrite?", ())
    assert job.to_dict()["question"] == "Overwrite?"
    job.answer("Only the first.", question)
    assert wait(page_job) == "Only the first."
    for late in (None, question):
        with pytest.raises(QuestionOverError):
            job.answer("again", late)


def test_time_is_over(make: Callable[..., Page]) -> None:
    page = make()
    assert wait(start(page, default="no", timeout=0.01)) == "no"
    job = start(page, timeout=0.01)
    wait(job)
    assert job.error is not None
    assert job.error["type"] == "NoAnswerError"


def test_cancel_ends_the_wait(make: Callable[..., Page]) -> None:
    page = make()
    job = asked(page)
    page.cancel(job)
    wait(job)
    assert job.status == "cancelled"


def test_equal_calls_share_the_question_and_no_cache_the_result(
    make: Callable[..., Page],
) -> None:
    page = make(cache_by=[])
    first = asked(page)
    second = asked(page)
    page.answer(second, "both")
    assert [wait(first), wait(second)] == ["both", "both"]
    third = asked(page)
    assert not third.is_cached
    page.answer(third, "another one")
    assert wait(third) == "another one"
    # People take as long as they like: no estimate comes of it.
    task = page.manager.jobs()[0].task  # type: ignore[attr-defined]
    assert page.manager.usual_duration(task) is None  # type: ignore[attr-defined]


def test_no_cache_has_what_depends_on_an_answer_to_an_earlier_attempt(
    make: Callable[..., Page],
) -> None:
    page = make(retries=1, cache_by=[])
    for answer in ("one", "another one"):
        job = asked(page)
        assert not job.is_cached
        page.answer(job, answer)
        assert wait(job) == answer


def test_job_within_its_request_gets_the_default(make: Callable[..., Page]) -> None:
    page = make(inline=True)
    assert wait(start(page, default="no")) == "no"

"""The answer to a question is in the record of its job, and counts for one run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dash_long_components.core.calls import Call
from dash_long_components.core.questions import Question
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.retries import Retries
from dash_long_components.exceptions import JobEndedError, QuestionOverError
from dash_long_components.managers.diskcache.worker.job_writer import JobWriter
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store import answers
from dash_long_components.managers.store.store import Store

ME = Process.current()
RETRIES = Retries(times=1, lost=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path), result_ttl=60)
    now = time.time()
    record = Record(
        id="job", task="task", code="v1", created=now, changed=now, retries=RETRIES
    )
    call = Call(task="key", fingerprint="f", context={}, retries=RETRIES)
    store.submit(record, call, max_concurrency=9, max_queue=9)
    yield store
    store.close()


def start(store: Store) -> JobWriter:
    """Start the next run of the job."""
    record = store.dispatching.take("v1", ME, Sizes(9))
    assert record is not None
    return JobWriter(store, "job", "task", record.run)


def ask(writer: JobWriter, question: str) -> None:
    writer.report(
        Report(question=Question.make(question, "Go on?", ["yes", "no"], None, None))
    )


def test_run_gets_its_own_answer_alone(store: Store) -> None:
    first = start(store)
    ask(first, "1.1")
    assert first.look("1.1") == (None, False)
    first.save("j1")
    store.dispatching.ask_for_handover(ME)
    assert first.look("1.1") == (None, True)
    answers.answer(store, "job.0", "1.1", "yes")
    assert first.close("1.1") == "yes"
    store.change("job", lambda record: record.hand_over(time.time()))
    store.slots.release("job")
    store.dispatching.take_over("job", "v1")
    second = start(store)
    ask(second, "2.1")
    assert second.look("2.1") == (None, False)
    for late in ("yes", "no"):
        with pytest.raises(QuestionOverError):
            answers.answer(store, "job.0", "1.1", late)
    for look in (first.look, first.close):
        with pytest.raises(JobEndedError):
            look("1.1")
    answers.answer(store, "job.0", "2.1", "no")
    assert second.look("2.1") == ("no", False)


def test_job_that_is_gone_waits_no_more(store: Store) -> None:
    writer = JobWriter(store, "gone", "task", 1)
    for look in (writer.look, writer.close):
        with pytest.raises(JobEndedError):
            look("1.1")
    with pytest.raises(QuestionOverError):
        answers.answer(store, "gone.0", "1.1", "yes")


def test_drain_stops_a_job_that_waits(store: Store) -> None:
    writer = start(store)
    ask(writer, "1.1")
    store.change_halts(lambda halts: halts.drain(time.time() + 60))
    assert writer.look("1.1").must_stop

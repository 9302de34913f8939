"""The answers to the questions of jobs in a store."""

from __future__ import annotations

import time

from ...core import answers
from ...core.ids import Ticket
from ...core.records import Record
from ...exceptions import JobEndedError
from .store import Store


def given(store: Store, job_id: str, run: int, question: str) -> str | None:
    """Return the answer to a question of a run; None as long as there is none.

    Raises:
        JobEndedError: the job is cancelled, or the run has ended.
    """
    try:
        record = store.read(job_id)
    except KeyError:
        raise JobEndedError(f"Job {job_id} is gone.") from None
    return answers.answer_in(record.of_run(run), question)


def close(store: Store, job_id: str, run: int, question: str) -> str | None:
    """Accept no answer any more. Return the one that was in time, or None. Atomic.

    Raises:
        JobEndedError: the job is cancelled, or the run has ended.
    """

    def change(record: Record) -> Record:
        return answers.closed(record.of_run(run), question, time.time())

    try:
        record = store.change(job_id, change)
    except KeyError:
        raise JobEndedError(f"Job {job_id} is gone.") from None
    return answers.answer_in(record, question)


def answer(store: Store, ticket: str, question: str, text: str) -> None:
    """Answer a question of a job, as ``LongCallbackManager.answer`` says. Atomic."""
    named = Ticket.parse(ticket)
    try:
        store.change(
            named.job,
            lambda record: answers.answered(
                record, named.requester, question, text, time.time()
            ),
        )
    except KeyError:
        raise answers.over(named.job) from None

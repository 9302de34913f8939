"""The answers to the questions of jobs, beside their records in the result backend."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from ....core.answers import check, over
from ....core.ids import Ticket
from ....core.records import Record
from ....exceptions import JobEndedError
from .documents import Documents
from .ends import answer_key
from .job_state import Live


@dataclass(frozen=True)
class _Answer:
    """The last question of a job.

    Attributes:
        question: its id.
        text: the answer; None if it has none.
        is_open: it waits for one.
    """

    question: str
    text: str | None = None
    is_open: bool = True

    @classmethod
    def parse(cls, text: str | None) -> _Answer | None:
        return cls(*json.loads(text)) if text else None

    def __str__(self) -> str:
        return json.dumps(astuple(self))

    def is_after(self, question: str) -> bool:
        return _numbers(self.question) > _numbers(question)


class CeleryAnswers:
    """The answers to the questions of jobs.

    Only its worker writes ``<id>.live``. So the last question of a job has a document
    of its own, which any server may close with an answer. It is open before a page can
    see the question.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def open(self, job_id: str, question: str) -> None:
        """Accept an answer to a question from now on. Idempotent, atomic.

        Raises:
            JobEndedError: the job has ended, or a later run of it has asked.
        """

        def change(text: str | None) -> str:
            found = _Answer.parse(text)
            if found is None:
                return str(_Answer(question))
            if found.is_after(question):
                raise _over(job_id)
            return str(found if found.question == question else _Answer(question))

        self._documents.update(answer_key(job_id), change)
        if self._has_ended(job_id):
            raise _over(job_id)

    def answer(self, record: Record, ticket: Ticket, question: str, text: str) -> None:
        """Answer a question of a job. Idempotent. Atomic where updates are.

        Raises:
            QuestionOverError: the job does not wait for this answer.
            ValueError: the answer is none to this question.
        """
        wanted = _Answer(question, text, is_open=False)
        found = _Answer.parse(self._documents.read(answer_key(record.id)))
        if found == wanted and record.is_awaited_by(ticket.requester):
            return  # the page repeats a request whose response was lost
        check(record, ticket.requester, question, text)
        if self._close(record.id, wanted) != wanted:
            raise over(record.id)

    def given(self, live: Live, question: str) -> str | None:
        """Return the answer to a question of a run; None as long as there is none.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        job_id = live.record.id
        end, text, answer = self._documents.read_many(
            [f"{job_id}.end", f"{job_id}.live", answer_key(job_id)]
        )
        if end or text is None or Live.from_text(text).run != live.run:
            raise _over(job_id)
        found = _Answer.parse(answer)
        return found.text if found and found.question == question else None

    def close(self, job_id: str, question: str) -> str | None:
        """Accept no answer any more. Return the one that was in time, or None. Atomic.

        Raises:
            JobEndedError: the job has ended, or a later run has asked.
        """
        found = self._close(job_id, _Answer(question, is_open=False))
        if found is None or found.question != question:
            raise _over(job_id)
        return found.text

    def _close(self, job_id: str, closed: _Answer) -> _Answer | None:
        """Close a question if it is open, and return the last question of the job."""

        def change(text: str | None) -> str:
            found = _Answer.parse(text)
            if found is None:
                raise _over(job_id)
            is_open = found == _Answer(closed.question)
            return str(closed if is_open else found)

        try:
            text = self._documents.update(answer_key(job_id), change)
        except JobEndedError:
            return None  # the end deletes it
        return None if self._has_ended(job_id) else _Answer.parse(text)

    def _has_ended(self, job_id: str) -> bool:
        """Return whether a job has ended, and leave nothing then.

        Call it after a write: the end of the job may have deleted the answer before.
        """
        if self._documents.read(f"{job_id}.end") is None:
            return False
        self._documents.delete([answer_key(job_id)])
        return True


def _numbers(question: str) -> list[int]:
    return [int(number) for number in question.split(".")]


def _over(job_id: str) -> JobEndedError:
    return JobEndedError(f"Job {job_id} waits for no answer any more.")

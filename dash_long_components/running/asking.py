"""Ask people from a running job, and wait for the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from ..core import quantities
from ..core.answers import Answers
from ..core.questions import Question
from ..core.records import Record
from ..exceptions import JobCancelled, JobEndedError, JobHandedOver, NoAnswerError
from .checkpoint import Checkpoint
from .reports import Reports

#: Seconds between two looks for an answer: at first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5


class Asking:
    """The questions of a job in one of its runs, one at a time.

    Attributes:
        has_asked: whether the job has asked people, in this run or an earlier one.

    Args:
        record: of the job at the start of the run.
        checkpoint: of the job.
        answers: where the answers are stored; None if no one can answer.
    """

    def __init__(
        self, record: Record, checkpoint: Checkpoint, answers: Answers | None
    ) -> None:
        self.has_asked = record.asked is not None
        self._run = record.run
        self._checkpoint = checkpoint
        self._answers = answers
        self._count = 0
        self._lock = threading.Lock()

    def ask(
        self,
        reports: Reports,
        text: object,
        choices: Iterable[str] | None,
        default: str | None,
        timeout: float | None,
    ) -> str:
        """Do what ``CurrentJob.ask`` says."""
        seconds = quantities.seconds_or_none("ask(timeout=...)", timeout)
        with self._lock:
            until = None if seconds is None else time.time() + seconds
            # After a handover, an answer to a question of the run before is too late.
            question_id = f"{self._run}.{self._count + 1}"
            question = Question.make(question_id, text, choices, default, until)
            self._count += 1
            self.has_asked = True
            if self._answers is None:
                return _default_of(question, "No one can answer a job that runs inline")
            reports.set_question(question)
            try:
                answer = self._wait(self._answers, reports, question.id, seconds)
            except JobEndedError:
                raise JobCancelled from None
            finally:
                reports.set_question(None)
        if answer is not None:
            return answer
        return _default_of(question, f"No one answered in {seconds or 0:g} s")

    def _wait(
        self, answers: Answers, reports: Reports, question: str, seconds: float | None
    ) -> str | None:
        """Return the answer; None if the time is over before one comes.

        Raises:
            JobHandedOver: the worker has to stop, and another one can ask again.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        pause = _FIRST_PAUSE
        while True:
            reports.check()
            answer, must_stop = answers.look(question)
            if answer is not None:
                return answer
            if must_stop and self._checkpoint.is_stored:
                answer = answers.close(question)
                if answer is None:
                    raise JobHandedOver
                return answer
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return answers.close(question)
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)


def _default_of(question: Question, reason: str) -> str:
    if question.default is None:
        raise NoAnswerError(f"{reason}: {question.text}")
    return question.default

"""Questions: what a running job asks people.

Everything here is pure: no clock, no store, no process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from .texts import check_unicode
from .versions import from_fields

#: Characters of a question that a page shows.
MAX_TEXT = 500

#: Choices of a question at most, and characters of each.
MAX_CHOICES, MAX_CHOICE = 20, 100

#: Characters of an answer at most.
MAX_ANSWER = 1000


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question of a running job.

    Attributes:
        id: number of the run that asks, a dot, and number of the question in the run.
        text: for people.
        choices: the answers that count. Without any, every text counts.
        default: the answer when its time is over; None for none.
        until: when its time is over, in seconds since the epoch; None for no limit.
        left: seconds until then, in a snapshot.
    """

    id: str
    text: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    until: float | None = None
    left: float | None = None

    @classmethod
    def make(
        cls,
        question_id: str,
        text: object,
        choices: Iterable[str] | None,
        default: str | None,
        until: float | None,
    ) -> Question:
        """Return the question that ``current_job().ask`` asks for.

        Raises:
            ValueError: an argument is not what ``ask`` takes.
        """
        shown = str(text).strip()
        check_unicode("The question of ask()", shown)
        if not shown:
            raise ValueError(f"ask() takes the text of a question, not {text!r}.")
        if len(shown) > MAX_TEXT:
            raise ValueError(
                f"ask() takes a question of {MAX_TEXT} characters at most, not "
                f"{len(shown)}. Show details with current_job().log()."
            )
        question = cls(
            id=question_id,
            text=shown,
            choices=() if choices is None else _checked(choices),
            default=default,
            until=until,
        )
        if default is not None:
            try:
                question.check(default)
            except ValueError as error:
                raise ValueError(f"ask(default=...): {error}") from None
        return question

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Question:
        """Return the question of JSON data, of other versions of this package too."""
        return from_fields(cls, {**fields, "choices": tuple(fields["choices"])})

    def check(self, answer: object) -> None:
        """Check that an answer is one to this question.

        Raises:
            ValueError: it is not.
        """
        if not isinstance(answer, str):
            raise ValueError(f"An answer is text, not {answer!r}.")
        check_unicode("An answer", answer)
        if self.choices and answer not in self.choices:
            known = ", ".join(map(repr, self.choices))
            raise ValueError(f"The answer {answer[:100]!r} is none of {known}.")
        if len(answer) > MAX_ANSWER:
            raise ValueError(
                f"An answer has {MAX_ANSWER} characters at most, not {len(answer)}."
            )
        if not answer.strip() and answer != self.default:
            raise ValueError("An answer is not empty.")

    def at(self, now: float) -> Question:
        """Return the question with the time that is left for an answer."""
        if self.until is None:
            return self
        return replace(self, left=round(max(0.0, self.until - now), 1))

    def to_dict(self) -> dict[str, Any]:
        """Return what a page gets."""
        return {
            "id": self.id,
            "text": self.text,
            "choices": self.choices,
            "default": self.default,
            "left": self.left,
        }


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a job has asked people, in any of its runs.

    Attributes:
        question: that waits for an answer; None if none does.
        answer: id of the question that was closed last, and its answer. The answer is
            None if none came in time.
    """

    question: Question | None = None
    answer: tuple[str, str | None] | None = None

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Asked:
        """Return it from JSON data, of other versions of this package too."""
        question, answer = fields.get("question"), fields.get("answer")
        return cls(
            question=Question.read(question) if question else None,
            answer=(answer[0], answer[1]) if answer else None,
        )


def _checked(choices: Iterable[str]) -> tuple[str, ...]:
    found = () if isinstance(choices, str) else tuple(choices)
    are_texts = all(isinstance(each, str) and each.strip() for each in found)
    if not (found and are_texts and len(set(found)) == len(found)):
        raise ValueError(
            f"ask() takes choices as a list of different texts, not {choices!r}."
        )
    for each in found:
        check_unicode("A choice of ask()", each)
    if len(found) > MAX_CHOICES or max(map(len, found)) > MAX_CHOICE:
        raise ValueError(
            f"ask() takes {MAX_CHOICES} choices of {MAX_CHOICE} characters at most. "
            "Ask for a text, and check it."
        )
    return found

"""Where the reports of a job go."""

from __future__ import annotations

from typing import Protocol

from ..core.bars import Bars
from ..core.questions import Question
from ..core.steps import Steps


class Reports(Protocol):
    """Where the reports of a job go.

    Attributes:
        bars: its progress bars.
        steps: its steps.
    """

    bars: Bars
    steps: Steps

    def log(self, text: str, level: int, time: float) -> None:
        """Report lines for the log, of a level, at a time."""

    def set_title(self, title: str) -> None:
        """Report the job's new title; "" for none."""

    def set_question(self, question: Question | None) -> None:
        """Report a question that people should answer; None for none any more.

        A question is written when this returns.
        """

    def check(self) -> None:
        """Raise what prevents the job from reporting."""


class Unasked:
    """Takes the questions of code that can't ask."""

    def set_question(self, question: Question | None) -> None:
        pass

    def check(self) -> None:
        pass


class Unread(Unasked):
    """Takes reports that no one reads: the job has not begun to run."""

    def __init__(self) -> None:
        self.bars = Bars(lambda: None)
        self.steps = Steps()

    def log(self, text: str, level: int, time: float) -> None:
        pass

    def set_title(self, title: str) -> None:
        pass

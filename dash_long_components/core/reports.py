"""Reports: the news of a running function."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .bars import BarJson
from .lines import Line
from .questions import Question
from .steps import StepJson
from .updates import PropUpdate


@dataclass(frozen=True, kw_only=True)
class Report:
    """The news of a running function since its last report.

    Attributes:
        progress: updates of the progress Outputs; None if nothing is new.
        props: updates by ``dash.set_props``, in order.
        bars: all bars of the job; None if nothing is new.
        steps: all its steps; None if nothing is new.
        log: new lines of its log, numbered.
        title: its new name for people; None if nothing is new.
        question: what it asks; False if it asks nothing any more, None if nothing is
            new.
    """

    progress: list[PropUpdate] | None = None
    props: list[PropUpdate] = field(default_factory=list)
    bars: list[BarJson] | None = None
    steps: list[StepJson] | None = None
    log: list[Line] = field(default_factory=list)
    title: str | None = None
    question: Question | Literal[False] | None = None

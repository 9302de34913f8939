"""A long callback as its app declares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dash.dependencies import Input, Output

from ..bridge import internals
from ..bridge.signature import Signature
from ..core.calls import Limits
from ..core.lanes import Retrigger
from ..core.queueing import Scheduling
from ..core.retries import Retries
from ..managers.base import LongCallbackManager
from .callback_options import Running, Title


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """The dependencies and options of a long callback, checked.

    Attributes:
        signature: its dependencies and further options of ``dash.callback``.
        manager: runs the jobs; None for the app's own.
        running: one entry for each property to switch.
        cancel: Inputs that cancel the job when they change.
        progress: the grouping of Outputs, or None.
        progress_default: one value for each progress Output, flat.
        interval: the longest wait between two polls, in milliseconds.
        retrigger: what a new trigger does while a job of the lane is live.
        view: has the id of the component that shows the job; None if there is none.
        title: the name of its jobs for people, or a function of the arguments that
            returns it; None for the name of the task.
        steps: names of the steps of its jobs, as far as they are known.
        limits: what ends its jobs from outside.
        scheduling: how its jobs share workers with others.
        retries: the attempts that its jobs may have; None for one.
        retry_on: types of exceptions after which a job is tried again.
        ignored: positions of the Inputs and State that the cache key leaves out.
        ignore_triggered: whether the cache key leaves out which Inputs have changed.
    """

    signature: Signature
    manager: LongCallbackManager | None
    running: tuple[Running, ...]
    cancel: tuple[Input, ...]
    progress: Any
    progress_default: tuple[Any, ...]
    interval: float
    retrigger: Retrigger
    view: Output | None
    title: Title
    steps: tuple[str, ...]
    limits: Limits
    scheduling: Scheduling
    retries: Retries | None
    retry_on: tuple[type[BaseException], ...]
    ignored: frozenset[int]
    ignore_triggered: bool

    def __post_init__(self) -> None:
        """Check that the signature fits the options.

        Raises:
            ValueError: a wildcard of an option has no value in the signature, or every
                Input cancels the job.
        """
        check = self.signature.check_wildcards
        check("running", [output for output, _on, _off in self.running])
        check("progress", self.progress_outputs)
        check("cancel", self.cancel)
        check("job", [self.view] if self.view else [])
        if self.cancel and {*self.signature.inputs} <= {*self.cancel}:
            raise ValueError(
                "cancel= has every Input of the callback, so that no job would ever "
                f"start: {list(self.cancel)!r}. Use another Input to cancel."
            )

    @property
    def progress_outputs(self) -> list[Output]:
        """The progress Outputs, flat."""
        return [] if self.progress is None else internals.flatten(self.progress)

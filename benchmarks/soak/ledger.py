"""The ledger: clicks, faults, and what functions have noted of their runs."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dash_long_components.exceptions import JobHandedOver


@dataclass
class Click:
    """One click, and what its page came to know. Times are those of ``time.monotonic``.

    Attributes:
        name: unique; the result has to bear it.
        kind: which callback.
        value: what the function is asked to do.
        clicked: when the page sent the click.
        answered: when an answer came; None if the connection broke.
        answer: ``job``, ``ignored``, ``refused`` or ``none``.
        token: names the job. It begins with the manager's id of the job.
        live_at: when the page sent the last poll whose answer said that it is live.
        watched_since: since when the page has polled without a break.
        status: as of the last answer.
        ended_at: when the answer came that told its end.
        result: whether it was the right one; None while there is none.
        error: why it ended.
        cancelled_at: when the server had accepted a cancel.
        replaced_at: when a later click had replaced it.
        left_at: when the page was closed, and nothing polled any more.
        contradictions: answers that can't both be true, or that no page should get.
        lane: the page, if its clicks are in a lane.
        user: of the page; nothing if it has none.
    """

    name: str
    kind: str
    value: dict[str, Any]
    clicked: float
    answered: float | None = None
    answer: str = "none"
    token: str | None = None
    live_at: float = 0.0
    watched_since: float = 0.0
    status: str = "queued"
    ended_at: float | None = None
    result: bool | None = None
    error: dict[str, str] | None = None
    cancelled_at: float | None = None
    replaced_at: float | None = None
    left_at: float | None = None
    contradictions: list[str] = field(default_factory=list)
    lane: str = ""
    user: str = ""

    @property
    def has_job(self) -> bool:
        return self.answer == "job"

    @property
    def job(self) -> str:
        """The manager's id of the job."""
        return (self.token or "").partition(".")[0]

    def describe(self) -> str:
        reason = f" ({self.error['type']})" if self.error else ""
        return f"{self.name} ({self.kind}) {self.status}{reason}"


@dataclass
class Run:
    """One run of a function, by what it noted itself.

    Attributes:
        name: of the click.
        job: the manager's id of the job.
        pid: of its process.
        parent: the process that started that one: a dispatcher, or a worker's main.
        started: when it began.
        last_sign: its last sign of life.
        ended: how the function ended; None if its process was killed before.
        programs: those that it started, as pid and shape.
        attempt: of the job, from 1.
        steps: those that it began, by their numbers.
    """

    name: str
    job: str
    pid: int
    parent: int
    started: float
    last_sign: float
    ended: str | None = None
    programs: list[tuple[int, str]] = field(default_factory=list)
    attempt: int = 1
    steps: list[int] = field(default_factory=list)

    @property
    def was_handed_over(self) -> bool:
        """Whether it has stopped at a checkpoint, as its worker had to end."""
        return self.ended == JobHandedOver.__name__


@dataclass
class Fault:
    """A fault: something that the soak did to the deployment.

    Attributes:
        kind: for the figures.
        at: when it began.
        until: when it was over; equal to ``at`` for a signal that kills.
        pids: the processes that it hit.
        signals: how many signals it took.
        is_lethal: whether those processes end by it.
        recovery: seconds after it within which everything has to go on again; 0 if
            it concerns these processes only.
        what: more about it; the id of a job whose message is lost, the kind of jobs
            that an operator pauses.
    """

    kind: str
    at: float
    until: float = 0.0
    pids: tuple[int, ...] = ()
    signals: int = 1
    is_lethal: bool = False
    recovery: float = 0.0
    what: str = ""

    def __post_init__(self) -> None:
        self.until = max(self.at, self.until)


class Ledger:
    """All that happened in one soak.

    Args:
        folder: where jobs leave their notes too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.began = time.monotonic()
        self.clicks: list[Click] = []
        self.faults: list[Fault] = []
        self._lock = threading.Lock()
        for name in ("runs", "programs"):
            (folder / name).mkdir(parents=True)

    @property
    def programs(self) -> Path:
        """A folder that the command line of each program of a job names."""
        return self.folder / "programs"

    def click(self, kind: str, **value: Any) -> Click:
        """Note a click that is about to be made, under a new name."""
        with self._lock:
            name = f"click-{len(self.clicks)}"
            click = Click(name, kind, {**value, "name": name}, time.monotonic())
            self.clicks.append(click)
        return click

    def fault(self, fault: Fault) -> None:
        with self._lock:
            self.faults.append(fault)

    def runs(self) -> list[Run]:
        """Return the runs of functions so far, by their beginnings."""
        found = map(_read_run, (self.folder / "runs").iterdir())
        return sorted(
            (run for run in found if run is not None), key=lambda run: run.started
        )

    def save(self) -> Path:
        """Write it beside the notes of the jobs, one line each, and return where."""
        path = self.folder / "ledger.jsonl"
        entries: list[Click | Fault | Run]
        entries = [*self.clicks, *self.faults, *self.runs()]
        with path.open("w") as file:
            for entry in entries:
                fields = {"is": type(entry).__name__, **asdict(entry)}
                file.write(json.dumps(fields) + "\n")
        return path


def _read_run(path: Path) -> Run | None:
    """Return what a file says; None if its process was killed at once."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    if not lines:
        return None
    _, started, pid, parent, job, attempt = lines[0]
    run = Run(path.name.rpartition(".")[0], job, pid, parent, started, started)
    run.attempt = attempt
    for event, at, *about in lines[1:]:
        if event == "program":
            run.programs.append((about[0], about[1]))
            continue
        run.last_sign = max(run.last_sign, at)
        if event == "step":
            run.steps.append(about[0])
        if event == "end":
            run.ended = about[0]
    return run

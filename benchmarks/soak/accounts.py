"""The accounts: what the ledger shows, held against the promise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from . import bounds
from .census import TICK, Program
from .ledger import Click, Fault, Ledger, Run

#: Of ``soak_app.py``: the options of its callbacks, in seconds.
TIMEOUT, GRACE, LEAVE_TIMEOUT = 1.5, 1.0, 4.0

#: Seconds between two signs of life of a function, and as much again to write one.
BEAT = 0.2


_LOST = "message lost"


@dataclass(frozen=True)
class Finding:
    """Something that the promise does not allow.

    Attributes:
        kind: for the figures.
        text: which job or process, and what of it.
    """

    kind: str
    text: str


@dataclass
class Row:
    """One bound of the promise, and what was measured.

    Attributes:
        what: happens.
        bound: seconds.
        count: how often it was measured.
        worst: the longest time, in seconds, while nothing else was away.
        over: the longest time over its bound, in seconds; 0 if there is none.
    """

    what: str
    bound: float
    count: int = 0
    worst: float = 0.0
    over: float = 0.0


@dataclass
class Accounts:
    """The result of a soak.

    Attributes:
        findings: what is wrong.
        allowed: what looks wrong, and is documented as not promised.
        rows: the bounds, by what happens.
        statuses: how many jobs ended how.
        answers: how many clicks were answered how.
    """

    findings: list[Finding] = field(default_factory=list)
    allowed: list[Finding] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def worst_over(self) -> float:
        return max((row.over for row in self.rows.values()), default=0.0)

    def find(self, kind: str, text: str) -> None:
        self.findings.append(Finding(kind, text))

    def allow(self, kind: str, text: str) -> None:
        self.allowed.append(Finding(kind, text))


class Auditor:
    """Goes through a ledger after the soak.

    Args:
        manager: whose bounds hold.
        ledger: all that happened.
        programs: those that jobs started, as the census saw them.
        left: those that are still there.
        held_up: when the machine was held up, and for how many seconds.
    """

    def __init__(
        self,
        manager: str,
        ledger: Ledger,
        programs: Iterable[Program],
        left: Sequence[Program],
        held_up: Sequence[tuple[float, float]],
    ) -> None:
        self._manager = manager
        self._ledger = ledger
        self._programs = programs
        self._left = left
        self._held_up = held_up
        self._faults = sorted(ledger.faults, key=lambda fault: fault.at)
        self._runs: dict[str, list[Run]] = defaultdict(list)
        for run in ledger.runs():
            self._runs[run.name].append(run)
        self._clicks = {click.name: click for click in ledger.clicks}
        self._accounts = Accounts()

    def audit(self) -> Accounts:
        for click in self._ledger.clicks:
            runs = self._runs[click.name]
            self._check_answer(click)
            self._check_runs(click, runs)
            if click.has_job:
                self._check_job(click, runs[0] if runs else None)
        self._check_queues()
        self._check_overtaken()
        for program in self._programs:
            self._check_program(program)
        return self._accounts

    # Clicks

    def _check_answer(self, click: Click) -> None:
        accounts = self._accounts
        accounts.answers[click.answer] += 1
        for text in click.contradictions:
            accounts.find("contradiction", f"{click.describe()}: {text}")
        if click.answer == "refused" and not self._was_away(click):
            accounts.find(
                "refused without a cause", f"{click.describe()}: {click.error}"
            )
        if click.answer == "none" and not click.contradictions:
            if not self._was_web_hit(click):
                accounts.find("not answered, without a cause", click.describe())
            return
        if click.answered is not None and not self._was_web_hit(click):
            self._measure(
                "a click is answered",
                bounds.ANSWER[self._manager],
                click.clicked,
                click.answered,
                click.describe(),
                is_extended=False,
            )

    def _was_away(self, click: Click) -> bool:
        return any(
            fault.recovery
            and fault.at <= (click.answered or click.clicked)
            and fault.until + fault.recovery >= click.clicked
            for fault in self._faults
        )

    def _was_web_hit(self, click: Click) -> bool:
        until = click.answered or click.clicked + 60
        return any(
            fault.kind.startswith(("web", "server"))
            and fault.at <= until
            and fault.until + 15 >= click.clicked
            for fault in self._faults
        )

    # Runs

    def _check_runs(self, click: Click, runs: Sequence[Run]) -> None:
        accounts = self._accounts
        if len(runs) > 1:
            accounts.find("run twice", f"{click.describe()}: {runs}")
        if runs and click.answer == "ignored":
            accounts.find("run though ignored", click.describe())
        if runs and click.answer in ("refused", "none"):
            accounts.allow("run, though its page had no answer", click.describe())

    def _check_queues(self) -> None:
        """See that what waits in a lane has its turn, and none runs beside another."""
        lanes: dict[str, list[Click]] = defaultdict(list)
        for click in self._ledger.clicks:
            if click.kind == "queue":
                lanes[click.lane].append(click)
        for clicks in lanes.values():
            ran = [(c, self._runs[c.name][0]) for c in clicks if self._runs[c.name]]
            for (earlier, before), (later, after) in pairwise(ran):
                if after.started < before.last_sign:
                    text = f"{later.describe()} began before {earlier.describe()} ended"
                    # A function may outlive its worker, for a while.
                    is_allowed = earlier.status == "lost" or not earlier.has_job
                    note = self._accounts.allow if is_allowed else self._accounts.find
                    note("out of turn", text)

    # Jobs

    def _check_job(self, click: Click, run: Run | None) -> None:
        accounts = self._accounts
        accounts.statuses[click.status if click.ended_at else "hung"] += 1
        if click.ended_at is None:
            accounts.find("hung", f"{click.describe()}: {self._last_words(click, run)}")
        elif reason := self._unexplained(click, run):
            message = (click.error or {}).get("message", "")
            accounts.find(
                f"{click.status} without a cause",
                f"{click.describe()}: {reason} {message}",
            )
        if run is not None:
            self._check_times(click, run)

    def _last_words(self, click: Click, run: Run | None) -> str:
        """Say what is known of a job that has no end."""
        lost = [f for f in self._faults if f.kind == _LOST and f.what == click.job]
        if lost:
            return "its message was removed from the queue"
        if run is None:
            return "never run"
        return f"its function ended: {run.ended}" if run.ended else "its run was killed"

    def _unexplained(self, click: Click, run: Run | None) -> str:
        """Return what is missing for an end; nothing if it has its cause."""
        if click.error and click.error["type"] == "UnknownJob":
            return "It was forgotten."
        match click.status:
            case "succeeded":
                if run is None or run.ended != "return":
                    return "Its function has not returned."
                return "" if click.result else "It has the result of another."
            case "failed":
                is_asked = run and run.ended == "KeyError"
                return "" if is_asked else "Its function has not raised."
            case "cancelled":
                asked = click.cancelled_at or click.left_at or self._later(click)
                return "" if asked else "No one has cancelled it."
            case "timed_out":
                return "" if click.kind == "brief" else "It had time."
            case "lost":
                if click.value["end"] == "exit" or self._was_killed(click, run):
                    return ""
                return "Nothing was done to what ran it."
        return "No such end was to be expected."

    def _later(self, click: Click) -> list[Click]:
        """Return the clicks that replace one."""
        return [
            other
            for other in self._ledger.clicks
            if click.kind == "replace"
            and other.lane == click.lane
            and other.clicked > click.clicked
        ]

    def _was_killed(self, click: Click, run: Run | None) -> bool:
        """Tell whether a fault hit what ran a job, or had taken it."""
        since, until = click.clicked, click.ended_at or float("inf")
        for fault in self._faults:
            if not since <= fault.at <= until:
                continue
            if fault.kind == _LOST and fault.what == click.job:
                return True
            if not fault.is_lethal or fault.kind.startswith(("web", "server")):
                continue
            if run is None or {run.pid, run.parent} & set(fault.pids):
                return True
        return False

    def _check_times(self, click: Click, run: Run) -> None:
        """Hold what a job did after it had to end against the bounds."""
        pids = {run.pid, run.parent}
        text = click.describe()
        if click.live_at > run.last_sign:
            row, bound = self._end_row(click, run)
            # On Celery it is the reader who notices that a worker is gone.
            since = max(run.last_sign, click.watched_since)
            self._measure(row, bound, since, click.live_at, text, pids)
        if click.kind == "brief":
            due, row = run.started + TIMEOUT, "the time of a job is over"
            # Where what keeps its time was killed, another bound holds.
            is_kept = not self._killers(run)
            last = max(run.last_sign, click.live_at if is_kept else 0.0)
            self._measure(row, bounds.TIMEOUT + BEAT, due, last, text, pids)
        asked = [at for at in (click.cancelled_at, click.replaced_at) if at is not None]
        if asked:
            grace = GRACE if click.kind == "polite" else 0.0
            row = "a cancelled function ends" + (", with grace" if grace else "")
            bound = bounds.CANCEL + grace + BEAT
            self._measure(row, bound, min(asked), run.last_sign, text, pids)
            row = row.replace("function ends", "job is over")
            self._measure(row, bound, min(asked), click.live_at, text, pids)
        if click.left_at is not None:
            row, bound = "the page of a job is gone", 1.5 * LEAVE_TIMEOUT + bounds.LEAVE
            # Where no server can be reached, its time begins again after that.
            self._measure(
                *(row, bound + BEAT, click.left_at, run.last_sign, text, pids),
                begins_again=True,
            )

    def _end_row(self, click: Click, run: Run) -> tuple[str, float]:
        """Return which bound holds from the last sign of life of a function on."""
        if run.ended is not None:
            return "the function has returned or raised", bounds.RETURN + BEAT
        of_parent = any(fault.at <= click.live_at for fault in self._killers(run))
        what = "with what started it" if of_parent else "alone"
        bound = bounds.death(self._manager, of_parent=of_parent)
        return f"the process of a job is killed, {what}", bound + BEAT

    def _check_overtaken(self) -> None:
        """Hold jobs that have not begun against those that came later and have."""
        plain = [
            (click, self._runs[click.name])
            for click in self._ledger.clicks
            if click.has_job and click.kind not in ("queue", "replace", "ignore")
        ]
        began: list[tuple[float, float]] = [
            (click.clicked, runs[0].started) for click, runs in plain if runs
        ]
        for click, runs in plain:
            later = [
                started for clicked, started in began if clicked > click.clicked + 5
            ]
            if not later or click.ended_at is None:  # that one hangs
                continue
            waited_until = runs[0].started if runs else click.live_at
            row = "a job that came later has begun"
            text = click.describe()
            self._measure(
                row, bounds.OVERTAKEN[self._manager], min(later), waited_until, text
            )

    # Programs

    def _check_program(self, program: Program) -> None:
        click, runs = self._clicks[program.name], self._runs[program.name]
        ends = [run.last_sign for run in runs]
        if click.ended_at is not None:
            ends.append(click.ended_at)
        if not ends:
            return
        row = self._program_row(click, runs[0] if runs else None)
        text = f"{program.shape} ({program.pid}) of {click.describe()}"
        if program in self._left:
            self._accounts.find("program left", f"{text}: {row}")
            return
        pids = {pid for run in runs for pid in (run.pid, run.parent)}
        bound = bounds.PROGRAMS[self._manager] + TICK + BEAT
        self._measure(row, bound, max(ends), program.last, text, pids)

    def _program_row(self, click: Click, run: Run | None) -> str:
        """Say how a job ended that has started programs."""
        if run and run.ended:
            how = "has returned or raised"
        elif click.status in ("cancelled", "timed_out"):
            how = f"was {click.status.replace('_', ' ')}"
        elif run and self._killers(run):
            how = "was killed, with what started it"
        else:
            how = "was killed"
        return f"a job that has started programs {how}"

    def _killers(self, run: Run) -> list[Fault]:
        """Return the faults that have ended what started the process of a run."""
        until = run.last_sign + bounds.DRAIN
        return [
            fault
            for fault in self._faults
            if fault.is_lethal
            and run.parent in fault.pids
            and run.started <= fault.at <= until
        ]

    # Bounds

    def _measure(
        self,
        what: str,
        bound: float,
        since: float,
        until: float,
        text: str,
        pids: Iterable[int] = (),
        is_extended: bool = True,
        begins_again: bool = False,
    ) -> None:
        """Note how long something took, and whether that was too long.

        Args:
            what: happened.
            bound: seconds.
            since: when it happened.
            until: the last sign that it had no effect yet.
            text: which job.
            pids: processes that it takes; while they are stopped no time goes by.
            is_extended: no time goes by while something else is away.
            begins_again: after that the whole bound holds again.
        """
        row = self._accounts.rows.setdefault(what, Row(what, bound))
        row.count += 1
        took = max(0.0, until - since)
        again = bound if begins_again else 0.0
        due = since + bound
        if is_extended:
            due = self._due(since, bound, set(pids), again)
        due += self._held_up_between(since, due)
        if due <= since + bound:
            row.worst = max(row.worst, took)
        if until > due:
            row.over = max(row.over, until - due)
            self._accounts.find(
                "late",
                f"{text}: {what}; after {took:.1f} s, {until - due:.1f} s too late "
                f"(bound {bound:.1f} s), {since - self._ledger.began:.1f} s into it",
            )

    def _due(self, since: float, bound: float, pids: set[int], again: float) -> float:
        """Return when a time is over: what is away, or stopped, does not count."""
        due = since + bound
        for fault in self._faults:
            if fault.at > due or fault.until + fault.recovery < since:
                continue
            if fault.recovery:
                due = max(due, fault.until + fault.recovery + again)
            elif pids & set(fault.pids) and not fault.is_lethal:
                due = max(due, fault.until + bound)
        return due

    def _held_up_between(self, since: float, until: float) -> float:
        return sum(late for at, late in self._held_up if since <= at <= until)


def by_kind(findings: Iterable[Finding]) -> Iterator[tuple[str, list[str]]]:
    """Yield the texts of findings, by their kinds."""
    found: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        found[finding.kind].append(finding.text)
    yield from sorted(found.items())


def signals(faults: Iterable[Fault]) -> Counter[str]:
    """Count faults by their kinds."""
    return Counter(fault.kind for fault in faults)

"""The auditor: holds what the ledger shows against the promise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from . import bounds
from .accounts import Accounts
from .causes import Causes
from .census import TICK, Program
from .ledger import Click, Ledger, Run
from .times import Times

#: Of ``soak_app.py``: the options of its callbacks, in seconds.
TIMEOUT, GRACE, LEAVE_TIMEOUT = 1.5, 1.0, 4.0

#: Its callbacks with ``retries``, and how many attempts each allows.
ATTEMPTS = {"again": 4, "steps": 21}

#: Its callbacks whose jobs the manager or an operator holds back.
HELD_BACK = ("alone", "fair", "paused")

#: Seconds until all processes know that a task is paused.
PAUSED_AFTER = 2.0

#: Seconds between two signs of life of a function, and as much again to write one.
BEAT = 0.2


class Auditor:
    """Goes through a ledger after the soak.

    Args:
        manager: whose bounds hold.
        ledger: all that happened.
        programs: those that jobs started, as the census saw them.
        left: those that are still there.
        stalls: when the machine was held up, and for how many seconds.
    """

    def __init__(
        self,
        manager: str,
        ledger: Ledger,
        programs: Iterable[Program],
        left: Sequence[Program],
        stalls: Sequence[tuple[float, float]],
    ) -> None:
        self._manager = manager
        self._ledger = ledger
        self._programs = programs
        self._left = left
        self._runs: dict[str, list[Run]] = defaultdict(list)
        for run in ledger.runs():
            self._runs[run.name].append(run)
        self._clicks = {click.name: click for click in ledger.clicks}
        self._accounts = Accounts()
        faults = sorted(ledger.faults, key=lambda fault: fault.at)
        self._causes = Causes(ledger.clicks, faults)
        self._times = Times(self._accounts, faults, stalls, ledger.began)

    def audit(self) -> Accounts:
        for click in self._ledger.clicks:
            runs = self._runs[click.name]
            self._check_answer(click)
            self._check_runs(click, runs)
            if click.has_job:
                self._check_job(click, runs[-1] if runs else None)
        self._check_queues()
        self._check_groups()
        self._check_pauses()
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
        if click.answer == "refused" and not self._causes.was_away(click):
            accounts.find(
                "refused without a cause", f"{click.describe()}: {click.error}"
            )
        if click.answer == "none" and not click.contradictions:
            if not self._causes.was_web_hit(click):
                accounts.find("not answered, without a cause", click.describe())
            return
        if click.answered is not None and not self._causes.was_web_hit(click):
            self._times.note(
                "a click is answered",
                bounds.answer(self._manager),
                click.clicked,
                click.answered,
                click.describe(),
                is_extended=False,
            )

    # Runs

    def _check_runs(self, click: Click, runs: Sequence[Run]) -> None:
        accounts = self._accounts
        if click.kind in ATTEMPTS:
            self._check_attempts(click, runs)
        elif len(runs) > 1:
            accounts.find("run twice", f"{click.describe()}: {runs}")
        if runs and click.answer == "ignored":
            accounts.find("run though ignored", click.describe())
        if runs and click.answer in ("refused", "none"):
            accounts.allow("run, though its page had no answer", click.describe())

    def _check_attempts(self, click: Click, runs: Sequence[Run]) -> None:
        """See that each attempt goes on where the one before it has ended."""
        find, text = self._accounts.find, click.describe()
        attempts = [run for run in runs if not run.was_handed_over]
        if len(attempts) > ATTEMPTS[click.kind]:
            find("run twice", f"{text}: {len(attempts)} attempts")
        for before, after in pairwise(runs):
            # The next worker goes on with an attempt that was handed over.
            if after.attempt < before.attempt + (not before.was_handed_over):
                find("run twice", f"{text}: two runs of attempt {after.attempt}")
            if after.started < before.last_sign:
                find("run twice", f"{text}: attempt {after.attempt} came too early")
        if click.kind == "steps":
            self._check_steps(click, runs)

    def _check_steps(self, click: Click, runs: Sequence[Run]) -> None:
        """See that no step is missing, and none but the last of an attempt done again.

        A handover repeats none.
        """
        due = again = 0
        for run in runs:
            if run.steps and run.steps[0] not in (again, due):
                text = f"{click.describe()}: from step {run.steps[0]}, and not {due}"
                self._accounts.find("checkpoint lost", text)
            due = run.steps[-1] + 1 if run.steps else due
            again = due if run.was_handed_over else due - 1
        if click.status == "succeeded" and due != click.value["steps"]:
            text = f"{click.describe()}: {due} steps of {click.value['steps']}"
            self._accounts.find("checkpoint lost", text)

    def _check_groups(self) -> None:
        """See that ``concurrency`` and ``max_per_user`` hold."""
        groups: dict[str, list[tuple[Click, Run]]] = defaultdict(list)
        for click in self._ledger.clicks:
            if click.kind in ("alone", "fair"):
                user = click.user if click.kind == "fair" else ""
                groups[f"{click.kind} {user}"] += [
                    (click, run) for run in self._runs[click.name]
                ]
        for runs in groups.values():
            runs.sort(key=lambda each: each[1].started)
            for (click, run), (later, after) in pairwise(runs):
                if after.started < run.last_sign:
                    text = f"{later.describe()} began before {click.describe()} ended"
                    # A function may outlive its worker, for a while.
                    is_allowed = click.status == "lost" or not click.has_job
                    note = self._accounts.allow if is_allowed else self._accounts.find
                    note("beside another", text)

    def _check_pauses(self) -> None:
        """See that no job of a paused task begins."""
        for pause in self._ledger.faults:
            if pause.kind != "pause":
                continue
            for click in self._ledger.clicks:
                for run in self._runs[click.name]:
                    is_paused = pause.at + PAUSED_AFTER < run.started < pause.until
                    if click.kind == pause.what and is_paused:
                        waited = run.started - pause.at
                        text = f"{click.describe()}: {waited:.1f} s after its begin"
                        self._accounts.find("run in a pause", text)

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
            accounts.find(
                "hung", f"{click.describe()}: {self._causes.last_words(click, run)}"
            )
        elif reason := self._causes.unexplained(click, run):
            message = (click.error or {}).get("message", "")
            accounts.find(
                f"{click.status} without a cause",
                f"{click.describe()}: {reason} {message}",
            )
        if run is not None:
            self._check_times(click, run)

    def _check_times(self, click: Click, run: Run) -> None:
        """Hold what a job did after it had to end against the bounds."""
        pids = {run.pid, run.parent}
        text = click.describe()
        # Where more attempts may follow, the end of one says nothing of the job's.
        is_last = click.kind not in ATTEMPTS or run.ended in ("return", "KeyError")
        if click.live_at > run.last_sign and is_last:
            row, bound = self._end_row(click, run)
            # On Celery it is the reader who notices that a worker is gone.
            since = max(run.last_sign, click.watched_since)
            self._times.note(row, bound, since, click.live_at, text, pids)
        if click.kind == "brief":
            due, row = run.started + TIMEOUT, "the time of a job is over"
            # Where what keeps its time was killed, another bound holds.
            is_kept = not self._causes.killers(run)
            last = max(run.last_sign, click.live_at if is_kept else 0.0)
            self._times.note(
                row, bounds.timeout(self._manager) + BEAT, due, last, text, pids
            )
        asked = [at for at in (click.cancelled_at, click.replaced_at) if at is not None]
        if asked:
            grace = GRACE if click.kind == "polite" else 0.0
            row = "a cancelled function ends" + (", with grace" if grace else "")
            bound = bounds.cancel(self._manager) + grace + BEAT
            self._times.note(row, bound, min(asked), run.last_sign, text, pids)
            row = row.replace("function ends", "job is over")
            self._times.note(row, bound, min(asked), click.live_at, text, pids)
        if click.left_at is not None:
            row, bound = "the page of a job is gone", bounds.leave(LEAVE_TIMEOUT)
            # A job in the queue has its time from its start on. Where no server can be
            # reached, its time begins again after that.
            since = max(click.left_at, run.started)
            self._times.note(
                *(row, bound + BEAT, since, run.last_sign, text, pids),
                begins_again=True,
            )

    def _end_row(self, click: Click, run: Run) -> tuple[str, float]:
        """Return which bound holds from the last sign of life of a function on."""
        if run.ended is not None:
            return "the function has returned or raised", bounds.RETURN + BEAT
        of_parent = any(
            fault.at <= click.live_at for fault in self._causes.killers(run)
        )
        what = "with what started it" if of_parent else "alone"
        bound = bounds.death(self._manager, of_parent=of_parent)
        return f"the process of a job is killed, {what}", bound + BEAT

    def _check_overtaken(self) -> None:
        """Hold jobs that have not begun against those that came later and have."""
        plain = [
            (click, self._runs[click.name])
            for click in self._ledger.clicks
            if click.has_job and not click.lane and click.kind not in HELD_BACK
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
            self._times.note(
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
        bound = bounds.programs(self._manager) + TICK + BEAT
        self._times.note(row, bound, max(ends), program.last, text, pids)

    def _program_row(self, click: Click, run: Run | None) -> str:
        """Say how a job ended that has started programs."""
        if run and run.ended:
            how = "has returned or raised"
        elif click.status in ("cancelled", "timed_out"):
            how = f"was {click.status.replace('_', ' ')}"
        elif run and self._causes.killers(run):
            how = "was killed, with what started it"
        else:
            how = "was killed"
        return f"a job that has started programs {how}"

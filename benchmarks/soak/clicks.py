"""Pages without a browser: they click, poll, cancel, go away and come back."""

from __future__ import annotations

import json
import random
import threading
import time
from http.client import HTTPException
from typing import Any

from tests.integration.page import Answer, Job, Page

from .ledger import Click, Ledger

#: Errors of a request to a server that is being killed.
UNREACHABLE = (OSError, HTTPException)

#: Seconds after which a page asks again that has got no answer.
AGAIN = 0.5

#: Seconds without a poll after which a page has been away.
AWAY = 3.0

#: Seconds for which a page stays away that its jobs of ``on_leave="cancel"`` notice.
LEFT = 12.0

_SECONDS = (0.0, 0.2, 1.0, 3.0)
_ENDS = ("return",) * 16 + ("large",) * 2 + ("raise", "exit")
_SHAPES = ("child", "session", "bare", "fork")
_USERS = ("", "ada", "ben")

#: Kinds of jobs that a page waits for, cancels, or comes back to.
_WAITED = ("plain", "brief", "polite", "again", "steps", "alone", "fair", "paused")
_CANCELLED = ("plain", "polite", "again", "steps", "alone", "fair", "paused")
_RESUMED = ("plain", "steps", "fair")

#: Steps of a job with checkpoints that takes a second.
_STEPS = 10


class Visit:
    """One page, from its first click to the end of its last job.

    Args:
        url: of the server.
        ledger: where clicks are noted.
        seed: of what is random.
        over: set when no page waits any more.
    """

    def __init__(
        self, url: str, ledger: Ledger, seed: int, over: threading.Event
    ) -> None:
        self._ledger = ledger
        self._random = random.Random(seed)  # noqa: S311
        self._over = over
        self._user = self._random.choice(_USERS)
        self._page = self._open(url)
        self._jobs: dict[str, Job] = {}

    def run(self) -> None:
        """Do one of the things that users do."""
        visits = {
            self.wait: 45,
            self._cancel: 20,
            self._reload: 15,
            self._leave: 8,
            self._retrigger: 12,
        }
        (visit,) = self._random.choices(list(visits), list(visits.values()))
        visit()

    def wait(self) -> None:
        """Click, and wait for the end of the job."""
        self._follow(self._click(self._random.choice(_WAITED)))

    def _cancel(self) -> None:
        """Cancel a job, often before it has begun or when it is about to end."""
        click = self._click(self._random.choice(_CANCELLED))
        self._follow(click, self._random.choice((0.0, 0.3, 1.0, 2.0)))
        while self._is_live(click):
            try:
                answer = self._page.cancel_tokens([click.token or ""])
            except UNREACHABLE:
                time.sleep(AGAIN)
                continue
            if answer.status == 204:
                click.cancelled_at = time.monotonic()
                break
            self._check(click, "cancel", answer)
            time.sleep(AGAIN)
        self._follow(click)

    def _reload(self) -> None:
        """Go away, while the job goes on, and come back as another page."""
        click = self._click(self._random.choice(_RESUMED))
        self._follow(click, self._random.uniform(0.0, 1.0))
        self._over.wait(self._random.uniform(1.0, 8.0))
        self._page = self._open(self._page.url)
        if self._is_live(click):
            self._jobs[click.name] = Job(self._jobs[click.name].handle)
        self._follow(click)

    def _leave(self) -> None:
        """Close the page of a job that is then to end, and look whether it has."""
        click = self._click("leaving")
        self._follow(click, self._random.uniform(0.0, 1.0))
        click.left_at = time.monotonic()
        self._over.wait(LEFT)
        self._follow(click)

    def _retrigger(self) -> None:
        """Click several times, before the first job has ended."""
        kind = self._random.choice(("replace", "queue", "ignore"))
        clicks: list[Click] = []
        for seq in range(1, 4):
            click = self._click(kind, seq)
            if kind == "replace" and click.has_job:
                for earlier in clicks:
                    earlier.replaced_at = earlier.replaced_at or click.answered
            clicks.append(click)
            self._follow(click, self._random.choice((0.0, 0.3, 0.6)))
        for click in clicks:
            self._follow(click)

    def _open(self, url: str) -> Page:
        """Open a page of the user."""
        return Page(url, f"user={self._user}" if self._user else "")

    def _click(self, kind: str, seq: int = 0) -> Click:
        """Trigger a long callback, and note what came of it."""
        seconds = self._random.choice(_SECONDS)
        shapes = self._random.sample(_SHAPES, self._random.choice((0, 0, 0, 0, 1, 2)))
        click = self._ledger.click(
            kind,
            seconds=seconds,
            steps=round(seconds * _STEPS),
            refusals=self._random.choice((0, 1, 2)) if kind == "again" else 0,
            programs=shapes,
            reports=self._random.random() < 0.7,
            end="return" if kind == "steps" else self._random.choice(_ENDS),
        )
        click.lane, click.user = (self._page.name if seq else ""), self._user
        try:
            answer = self._page.call(kind, click.value, seq)
        except UNREACHABLE:
            return click
        click.answered = time.monotonic()
        if handle := _handle(answer):
            self._take_handle(click, handle)
        elif answer.status in (200, 204):
            click.answer = "ignored"
        else:
            self._check(click, "click", answer)
        return click

    def _take_handle(self, click: Click, handle: dict[str, Any]) -> None:
        if "error" in handle:
            click.answer, click.error = "refused", handle["error"]
            return
        click.answer, click.token = "job", handle["token"]
        click.live_at = click.clicked
        self._jobs[click.name] = Job(handle)

    def _is_live(self, click: Click) -> bool:
        return click.has_job and click.ended_at is None and not self._over.is_set()

    def _follow(self, click: Click, seconds: float = float("inf")) -> None:
        """Poll until a job has ended, as a page does; for some seconds at most."""
        until = time.monotonic() + seconds
        while self._is_live(click) and time.monotonic() < until:
            pause = self._poll(click)
            time.sleep(max(0.0, min(pause, until - time.monotonic())))
        if click.ended_at is not None:
            self._look_again(click)

    def _poll(self, click: Click) -> float:
        """Ask for news of a job. Return after how many seconds to ask again."""
        job, sent = self._jobs[click.name], time.monotonic()
        if sent - click.live_at > AWAY:
            click.watched_since = sent
        try:
            answer = self._page.post("_dash-long-jobs/poll", [[job.token, job.cursor]])
        except UNREACHABLE:
            return AGAIN
        if answer.status != 200:
            self._check(click, "poll", answer)
            return AGAIN
        told = answer.json
        for snapshot in told.get("jobs", {}).values():
            try:
                job.take(snapshot)
            except AssertionError as error:
                click.contradictions.append(f"An answer goes back: {error}")
        if not job.has_ended:
            click.live_at, click.status = sent, job.status
            return min(float(told["next"]), 1000.0) / 1000
        click.ended_at, click.status = time.monotonic(), job.status
        click.error = job.snapshots[-1].get("error")
        if job.status == "succeeded":
            click.result = _bears(job.result, click)
        return 0.0

    def _look_again(self, click: Click) -> None:
        """Read the end of a job as another page does: it must not have changed."""
        again = Job(self._jobs[click.name].handle)
        try:
            answer = self._open(self._page.url).post(
                "_dash-long-jobs/poll", [[again.token, 0]]
            )
        except UNREACHABLE:
            return
        if answer.status != 200:
            self._check(click, "poll", answer)
            return
        for snapshot in answer.json.get("jobs", {}).values():
            again.take(snapshot)
        if again.status != click.status:
            click.contradictions.append(f"It was {click.status}, then {again.status}.")
        elif again.status == "succeeded" and not _bears(again.result, click):
            click.contradictions.append("Its result has changed.")

    def _check(self, click: Click, what: str, answer: Answer) -> None:
        """Note an answer that no fault explains."""
        if answer.status not in (502, 503, 504):
            text = answer.body[:200].decode(errors="replace")
            click.contradictions.append(f"A {what} is answered {answer.status}: {text}")


def _handle(answer: Answer) -> dict[str, Any] | None:
    """Return the handle of the job that an answer to a click has started."""
    if answer.status != 200:
        return None
    host = json.loads(answer.body).get("sideUpdate", {}).get("_dash-long-jobs", {})
    operations = host.get("handles", {}).get("operations", [])
    return operations[0]["params"]["value"] if operations else None


def _bears(result: object, click: Click) -> bool:
    """Return whether a result is that of its own click."""
    padding = "x" * 300_000 if click.value["end"] == "large" else ""
    return result == f"{click.name}{padding}"

"""One soak: it starts a deployment, lets pages and faults loose, and accounts."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from . import bounds
from .accounts import Accounts
from .auditor import Auditor
from .census import Census
from .clicks import Visit
from .deployment import Deployment, deployed
from .faults import Faults
from .ledger import Ledger
from .leftovers import grown, look, processes_left, rows, rows_left

#: Pages at once, at most.
PAGES = 96

#: How many pages come at the same moment: now and then so many that a queue forms.
AT_ONCE = (1, 1, 1, 1, 1, 1, 1, 8)

#: Seconds from one such moment to the next.
GAP = (0.8, 2.4)

#: Seconds between two lines that say how far it is.
SAMPLE = 10.0


class Soak:
    """One run.

    Attributes:
        ledger: all that happened.

    Args:
        manager: which one.
        folder: for all files.
        seconds: for how long faults go on.
        seed: of all that is random.
    """

    def __init__(self, manager: str, folder: Path, seconds: float, seed: int) -> None:
        self.ledger = Ledger(folder / "ledger")
        self._manager = manager
        self._folder = folder
        self._seconds = seconds
        self._random = random.Random(seed)  # noqa: S311
        self._over = threading.Event()
        self._quiet = threading.Event()

    def run(self) -> Accounts:
        """Do it, and return the accounts."""
        with (
            deployed(self._manager, self._folder) as deployment,
            Census(self.ledger.programs) as census,
        ):
            self._warm_up(deployment)
            before, rows_before = look(deployment), rows(deployment)
            self._disturb(deployment)
            # A program that outlived its job by a little is late, and not left.
            time.sleep(3 * bounds.programs(self._manager))
            left = census.look()
            auditor = Auditor(
                self._manager,
                self.ledger,
                census.programs.values(),
                left,
                census.stalls,
            )
            accounts = auditor.audit()
            known = {program.pid for program in left}
            for text in grown(deployment, before, known):
                accounts.find("more than at the beginning", text)
            for text in rows_left(deployment, rows_before):
                accounts.find("rows left", text)
            deployment.stop()
            for text in processes_left(deployment, known):
                accounts.find("process left", text)
        self.ledger.save()
        return accounts

    def _warm_up(self, deployment: Deployment) -> None:
        """Run some jobs, so that all processes are there."""
        for _ in range(4):
            Visit(deployment.url, self.ledger, self._seed(), self._over).wait()

    def _disturb(self, deployment: Deployment) -> None:
        """Let pages and faults loose; return when all pages are through."""
        faults = Faults(deployment, self.ledger, self._seed())
        with ThreadPoolExecutor(PAGES + 1) as pool:
            try:
                fault = pool.submit(faults.run, self._quiet)
                pages = self._open_pages(deployment, pool)
                self._quiet.set()
                fault.result()
                self._drain(pages)
            finally:
                # The pool waits for its threads, whatever happens here.
                self._quiet.set()
                self._over.set()
            for page in pages:
                page.result()
        self._say(deployment)

    def _open_pages(
        self, deployment: Deployment, pool: ThreadPoolExecutor
    ) -> list[Future[None]]:
        """Open one page after the other, for as long as there are faults."""
        pages: list[Future[None]] = []
        end, sample_at = time.monotonic() + self._seconds, 0.0
        while (now := time.monotonic()) < end:
            if now >= sample_at:
                sample_at = now + SAMPLE
                self._say(deployment)
            for _ in range(self._random.choice(AT_ONCE)):
                visit = Visit(deployment.url, self.ledger, self._seed(), self._over)
                pages.append(pool.submit(visit.run))
            time.sleep(self._random.uniform(*GAP))
        return pages

    def _drain(self, pages: list[Future[None]]) -> None:
        """Wait until all pages are through, or have waited for too long."""
        until = time.monotonic() + bounds.DRAIN
        while time.monotonic() < until and not all(page.done() for page in pages):
            time.sleep(0.2)

    def _say(self, deployment: Deployment) -> None:
        ended = sum(click.ended_at is not None for click in self.ledger.clicks)
        seconds = time.monotonic() - self.ledger.began
        print(
            f"{seconds:5.0f} s  {len(self.ledger.clicks):5} clicks  {ended:5} ended  "
            f"{len(self.ledger.faults):4} faults  {look(deployment)}",
            flush=True,
        )

    def _seed(self) -> int:
        return self._random.getrandbits(32)

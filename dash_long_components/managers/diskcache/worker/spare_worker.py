"""A worker that the dispatcher forks before there is a job for it.

A fork takes longer the more memory the process has. The dispatcher forks the worker of
the next job in advance, while no page waits for it.
"""

from __future__ import annotations

from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ...processes import end_children
from ...store.store import Store
from .worker import PROCESS_NAME, enter, work


class SpareWorker:
    """A forked worker that waits for a job. It exits when its dispatcher has died.

    Args:
        context: of ``multiprocessing``, that forks.
        store: where the jobs are; not connected.
        failures: why modules could not be imported, by name.
        results: the cache of results, as ``ResultCache.dumps``.

    Raises:
        OSError: the process can't be forked.
    """

    def __init__(
        self, context: Any, store: Store, failures: dict[str, str], results: str
    ) -> None:
        receiver, self._sender = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(
            target=_wait,
            args=(receiver, self._sender, store, failures, results),
            name=PROCESS_NAME,
        )
        try:
            self.process.start()
        except OSError:
            self._sender.close()
            raise
        finally:
            receiver.close()

    def take(self, job_id: str, run: int) -> bool:
        """Do a run of a job in this worker. False if the worker has died."""
        if self.process.exitcode is not None:
            return False
        with self._sender:
            try:
                self._sender.send((job_id, run))
            except OSError:
                return False
        return True

    def dismiss(self) -> None:
        """Kill this worker, which has no job. Idempotent."""
        self._sender.close()
        self.process.kill()
        self.process.join()


def _wait(
    receiver: Connection,
    sender: Connection,
    store: Store,
    failures: dict[str, str],
    results: str,
) -> None:
    # With this end open, recv() would go on waiting after the dispatcher has died.
    sender.close()
    enter()
    store.libraries()  # connects
    with suppress(EOFError):
        job_id, run = receiver.recv()
        work(store, job_id, run, None, failures, results)
    # As after ``enter_and_work``.
    end_children()

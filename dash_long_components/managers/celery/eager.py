"""Runs a job where it is submitted, as Celery's ``task_always_eager`` asks for."""

from __future__ import annotations

import contextvars
import functools
import socket
import time

from .documents.deliveries import Message, Receipt
from .documents.job_state import Worker
from .store.store import CeleryStore
from .workers.homes import Home
from .workers.leases import Lease


def run_job(home: Home, store: CeleryStore, job_id: str, message: Message) -> None:
    """Run a job in this thread, and return when it has ended, however it did.

    Args:
        home: of the manager, whose app knows the task.
        store: of the job.
        job_id: which job.
        message: what a worker would get.
    """
    # Other processes may read the job.
    worker = Worker(name=socket.gethostname(), lease=Lease.of_process(home).id)
    store.note_receipt(job_id, Receipt(worker=worker, number=0))
    run = functools.partial(
        home.app.tasks[message.task].apply,
        args=(job_id, 0, message.to_text()),
        task_id=job_id,
        # Its record has the error.
        throw=False,
    )
    while True:
        # A job sees nothing of the request, as in a worker.
        contextvars.Context().run(run)
        live = store.live(job_id)
        if live is None or live.record.next_try is None:
            return
        if store.ends.get(job_id) is not None:
            return  # another thread has cancelled it
        time.sleep(max(0.0, live.record.next_try - time.time()))

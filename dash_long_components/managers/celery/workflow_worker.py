"""Ends jobs whose workflow has ended: a Celery task for all of them."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import celery

from ...exceptions import WorkflowError
from .documents.documents import Documents
from .documents.job_state import Worker
from .documents.result_cache import CeleryResultCache
from .execution import Execution
from .messages.sending import FINISH
from .store.runs import Runs
from .supervision import pool_jobs
from .supervision.job_request import FinishRequest, this_worker
from .worker import end_after, run_here
from .workers.homes import Home
from .workers.own_tasks import own_task
from .workflows.workflows import Workflows


def add_finish(app: celery.Celery, home: Home) -> None:
    """Add that Celery task.

    Args:
        app: of the workers.
        home: where their jobs belong.
    """
    runs = Runs(home.app, home.lease)
    results = CeleryResultCache(Documents(home.app, patient=True))
    workflows = Workflows(home, runs.store)

    @own_task(
        app,
        FINISH,
        bind=True,
        ignore_result=True,
        # A second message does nothing, and the watch sends one if the first is lost.
        acks_late=False,
        max_retries=0,
        Request=FinishRequest,
    )
    def finish(self: Any, job_id: str, run: str, _text: str) -> None:
        with pool_jobs.having(job_id):
            end(this_worker(self.request.hostname), job_id, run)

    def end(worker: Worker, job_id: str, run: str) -> None:
        workflow = workflows.of(job_id)
        if workflow is None:
            return
        live = workflows.take(job_id, run, lambda it: replace(it, worker=worker))
        if live is None:
            return
        returned = functools.partial(workflows.result, workflow)
        execution = Execution(runs, results, live, returned=returned)
        try:
            call = runs.call(live)
            if call is None:
                raise WorkflowError("The call of the job is gone (result_expires).")
            run_here(home.app, runs, execution, live, call)
        except Exception as failure:
            end_after(failure, runs, live)
            raise
        finally:
            workflows.end(job_id, workflow)

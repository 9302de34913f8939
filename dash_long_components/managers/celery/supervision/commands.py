"""The control commands of a worker, which its main process carries out."""

from __future__ import annotations

import contextlib
import time
from importlib.metadata import version
from typing import Any

from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.worker import state as worker_state
from celery.worker.control import control_command, inspect_command

from .supervisor import Supervisor

#: Control command that ends a running job.
END_JOB = "end_dash_long_job"

#: Control command that a worker answers with its clock and versions.
DESCRIBE = "describe_dash_long_jobs"


@inspect_command(name=DESCRIBE)
def describe(state: Any) -> dict[str, Any]:
    """Return what ``dash-long-jobs doctor`` compares between workers."""
    packages = {name: version(name) for name in ("dash-long-components", "dash")}
    return {"time": time.time(), "versions": packages}


@control_command(name=END_JOB, args=[("job_id", str), ("grace", float)])
def end_job(state: Any, job_id: str, grace: float = 0.0) -> None:
    """End a running job and all its processes, ``grace`` seconds from now.

    Runs in the worker's main process. Celery's own ``revoke`` ends one process, and
    leaves the programs that it has started. Where a pool can't end a function, the
    function ends at its next ``set_progress``.
    """
    pool = state.consumer.pool
    supervisor = Supervisor.current
    if isinstance(pool, PreforkPool) and supervisor is not None:
        if not supervisor.cancel(job_id, grace):
            worker_state.revoked.add(job_id)
        return
    request: Any = worker_state.requests.get(job_id)
    if request is None:
        worker_state.revoked.add(job_id)
    elif grace > 0:
        state.consumer.timer.call_after(grace, _terminate, (pool, job_id, request))
    else:
        _terminate(pool, job_id, request)


def _terminate(pool: Any, job_id: str, request: Any) -> None:
    is_current = worker_state.requests.get(job_id) is request
    if is_current:
        with contextlib.suppress(NotImplementedError):
            request.terminate(pool, signal="KILL")

"""The step that the running code is in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..core.steps import Step, Steps
from ..exceptions import JobCancelled, JobHandedOver

#: The step that the running code is in, and the steps of its job.
_step: ContextVar[tuple[Steps | None, Step | None]] = ContextVar(
    "dash_long_components.step", default=(None, None)
)

_now = time.monotonic


@contextmanager
def step_in(steps: Steps, name: str) -> Iterator[None]:
    """Run the block as a step of a job, in the step that it is in.

    Args:
        steps: of the job.
        name: of the step, one line.
    """
    # A copy of the context may have a step of another job.
    its, parent = outer = _step.get()
    step = steps.begin(name, parent if its is steps else None, _now())
    _step.set((steps, step))
    try:
        yield
    except (JobCancelled, JobHandedOver):
        # The page shows a step without an end as its job.
        raise
    except GeneratorExit:
        steps.end(step, _now(), has_failed=False)
        raise
    except BaseException:
        steps.end(step, _now(), has_failed=True)
        raise
    else:
        steps.end(step, _now(), has_failed=False)
    finally:
        # Not by a token: a generator may be closed in another context.
        _step.set(outer)

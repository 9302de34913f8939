"""Records, and updates of properties, for tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from dash_long_components.core.job_errors import JobError
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.core.updates import PropUpdate

TERMINAL = [status for status in Status if status.is_terminal]

#: The ends of a running job: it is too late to reject it.
ENDS = [status for status in TERMINAL if status is not Status.REJECTED]

ERROR = JobError(type="KeyError", message="'x'", task="module.task")


def record(**fields: Any) -> Record:
    return Record(
        **{
            **{"id": "id", "task": "module.task", "code": "v1"},
            **{"created": 1.0, "changed": 1.0, **fields},
        }
    )


def running(**fields: Any) -> Record:
    return record(**fields).start(2.0)


def patch(number: int) -> dict[str, Any]:
    return {"__dash_patch_update": "__dash_patch_update", "operations": [number]}


_values = st.one_of(st.integers(0, 3), st.integers(0, 3).map(patch))

any_update: st.SearchStrategy[PropUpdate] = st.tuples(
    st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]), _values
).map(list)

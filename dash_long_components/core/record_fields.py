"""How the fields of a record come back from JSON, of other versions too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .calls import Limits
from .job_errors import JobError
from .questions import Asked
from .requesters import Requester
from .retries import Retries
from .status import Status
from .versions import from_fields


def read(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record, as JSON holds them, with their types."""
    text = fields.get("status", Status.QUEUED.value)
    status = Status.read(text)
    newer = None if status.value == text else text
    found = {**fields, "status": status, "newer_status": newer}
    for name, read_field in _FIELDS.items():
        if found.get(name) is not None:
            found[name] = read_field(found[name])
    return found


def _pairs(values: list[Any]) -> tuple[Any, ...]:
    return tuple((at, value) for at, value in values)


#: The fields that are no JSON data.
_FIELDS: dict[str, Callable[[Any], Any]] = {
    "requesters": lambda them: tuple(from_fields(Requester, each) for each in them),
    "limits": partial(from_fields, Limits),
    "progress": tuple,
    "props": _pairs,
    "bars": tuple,
    "steps": tuple,
    "title": tuple,
    "log": _pairs,
    "asked": Asked.read,
    "libraries": tuple,
    "error": partial(from_fields, JobError),
    "retries": partial(from_fields, Retries),
}

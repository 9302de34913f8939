"""The value that a job's function returned."""

from __future__ import annotations

import json
from typing import Any

from ..bridge import direct_call, internals
from ..core.updates import values_in
from . import tasks


def value_of(response: bytes | None, task: str) -> Any:
    """Return what a function returned, as JSON data.

    One value if it has one Output, and the grouping of its Outputs if it has several;
    ``no_update`` where it returned that. Where this process does not know the task, or
    ids have wildcards, a dict of values by ``id.property``.

    Args:
        response: Dash's own, as JSON text; None if the function updated nothing.
        task: name of the task.
    """
    if response is None:
        return None
    found = tasks.of_name(task)
    if len(found) == 1:
        signature = found[0].signature
        try:
            outputs = direct_call.outputs_of(signature)
        except ValueError:
            pass  # only the page knew the ids
        else:
            grouping = signature.output_grouping
            return internals.returned_value(
                response, outputs, grouping, is_complete=False
            )
    return values_in(json.loads(response)["response"])

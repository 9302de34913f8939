"""A call of a long callback from code: what a page would send for the same arguments.

So the job is the same, and so is the key under which its result is cached.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash.dependencies import ALL, ALLSMALLER, MATCH, DashDependency, Output

from ..core.quantities import MAX_JS_INTEGER
from . import internals
from .signature import Signature


def describe(
    signature: Signature, arguments: Mapping[int | str, Any]
) -> dict[str, Any]:
    """Return a call as ``internals.describe_trigger`` returns a request.

    No Input has triggered it, and there are no cookies, headers or path.

    Args:
        signature: of the long callback.
        arguments: from ``arguments_of``.

    Raises:
        TypeError: an argument is not JSON serializable.
        ValueError: an id has a wildcard, or an argument another grouping than its
            Inputs.
    """
    values = signature.flat_values(arguments)
    dependencies = [*signature.inputs, *signature.states]
    items = [
        {**_item(dependency), "value": _as_page_sends(internals.to_json_data(value))}
        for dependency, value in zip(dependencies, values, strict=True)
    ]
    count = len(signature.inputs)
    return {
        **{"cookies": {}, "headers": {}, "custom_data": {}, "args": {}},
        **{"path": "", "remote": "", "origin": ""},
        "outputs": outputs_of(signature),
        "inputs": items[:count],
        "state": items[count:],
        "triggered": [],
    }


def outputs_of(signature: Signature) -> Any:
    """Return the Outputs of a callback as a page sends them.

    Raises:
        ValueError: an id has a wildcard.
    """
    outputs = [_item(output) for output in signature.outputs]
    return outputs[0] if signature.has_single_output else outputs


def progress_of(outputs: Sequence[Output]) -> list[list[Any]]:
    """Return ``[component id, property]`` of progress Outputs.

    Raises:
        ValueError: an id has a wildcard.
    """
    items = map(_item, outputs)
    return [[item["id"], item["property"]] for item in items]


def arguments_of(
    function: Callable[..., Any],
    signature: Signature,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    takes_set_progress: bool,
) -> dict[int | str, Any]:
    """Return the arguments of a call, as ``Signature.arguments`` names them.

    Args:
        function: the user's.
        signature: of its long callback.
        args: of the call, without ``set_progress``.
        kwargs: of the call.
        takes_set_progress: whether ``set_progress`` comes first.

    Raises:
        TypeError: the function takes other arguments.
    """
    first = (None,) if takes_set_progress else ()
    bound = inspect.signature(function).bind(*first, *args, **kwargs)
    bound.apply_defaults()
    names = [*signature.arguments]
    if any(isinstance(name, str) for name in names):
        known = {**bound.arguments, **bound.kwargs}
        missing = [name for name in names if name not in known]
        given: dict[int | str, Any] = {name: known.get(str(name)) for name in names}
    else:
        values = bound.args[len(first) :]
        missing = [] if len(values) == len(names) else names[len(values) :] or [*values]
        given = dict(zip(names, values, strict=False))
    if missing:
        raise TypeError(
            f"it takes {len(names)} arguments, one for each Input and State, and got "
            f"{len(args) + len(kwargs)}"
        )
    return given


def _item(dependency: DashDependency) -> dict[str, Any]:
    component_id = dependency.component_id
    is_pattern = isinstance(component_id, dict) and any(
        value is wildcard
        for value in component_id.values()
        for wildcard in (ALL, ALLSMALLER, MATCH)
    )
    if is_pattern:
        raise ValueError(
            f"{dependency!r} has a wildcard, and only a page knows which components "
            "match it"
        )
    return {"id": component_id, "property": dependency.component_property}


def _as_page_sends(value: Any) -> Any:
    """Return JSON data as JavaScript writes it: 1 for 1.0."""
    match value:
        case float() if value.is_integer() and abs(value) <= MAX_JS_INTEGER:
            return int(value)
        case list():
            return [_as_page_sends(item) for item in value]
        case dict():
            return {name: _as_page_sends(item) for name, item in value.items()}
    return value

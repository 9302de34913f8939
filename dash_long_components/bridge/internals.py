"""Dash's internals (3.3 to 4.x) that server processes need.

Turns a triggering request into JSON data. ``callback_runner`` rebuilds the context of
the callback from it.
"""

from __future__ import annotations

import importlib
import inspect
import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import dash
from dash._callback_context import context_value
from dash._grouping import (
    flatten_grouping,
    make_grouping_by_index,
)
from dash._utils import (
    clean_property_name,
    create_callback_id,
    stringify_id,
    to_json,
)
from dash.dependencies import (
    DashDependency,
    Input,
    Output,
    handle_grouped_callback_args,
)
from dash.development.base_component import Component
from dash.exceptions import InvalidCallbackReturnValue

from ..core import module_names
from . import backends

#: Functions of ours that call it in between, in ``running.parts``.
_OURS = ("resolved", "resolved_async")

#: Dash's functions that call the function of a callback.
_CALLERS = ("_invoke_callback", "_async_invoke_callback")

#: Attributes of a callback's context that describe its request.
REQUEST_ATTRIBUTES = ("cookies", "headers", "path", "remote", "origin", "custom_data")


#: ``dash.no_update`` as JSON data.
NO_UPDATE: dict[str, Any] = dash.no_update.to_plotly_json()


def to_json_data(value: Any) -> Any:
    """Return ``value`` as plain JSON data, encoded as Dash encodes it for the page.

    Raises:
        TypeError: it is not JSON serializable.
    """
    return json.loads(to_json(value))


def split_dependencies(
    args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, list[Input], list[DashDependency], Any]:
    """Split a callback's dependencies.

    Returns:
        The grouping of its Outputs, its Inputs, its State, and the grouping of their
        positions that makes the arguments of the function.
    """
    outputs, inputs, states, indices, _ = handle_grouped_callback_args(args, options)
    return outputs, inputs, states, indices


def callback_options() -> set[str]:
    """Return the names of the keyword arguments that ``dash.callback`` knows."""
    named = {
        name
        for name, parameter in inspect.signature(dash.callback).parameters.items()
        if parameter.kind is not parameter.VAR_POSITIONAL
        and parameter.kind is not parameter.VAR_KEYWORD
    }
    return named | {
        "output",
        "inputs",
        "state",
        "prevent_initial_call",
        "_allow_dynamic_callbacks",
    }


#: Options of a callback that is no tool of Dash's own for agents, where Dash has such.
HIDDEN_FROM_AGENTS = {
    name: False for name in ("mcp_enabled",) if name in callback_options()
}


def callback_id(outputs: Output | list[Output], inputs: list[Input]) -> str:
    """Return Dash's id of a callback, which is made of its Outputs."""
    return str(create_callback_id(outputs, inputs, no_output=not outputs))


def prop_id(component_id: Any, component_property: str) -> str:
    """Return how a page names a property: ``button.n_clicks``."""
    return f"{stringify_id(component_id)}.{component_property}"


def is_debug(app: dash.Dash) -> bool:
    """Return whether the app shows Dash's dev tools, and tracebacks in the browser."""
    return bool(app._dev_tools.get("ui"))


def has_agents(app: dash.Dash) -> bool:
    """Tell whether the app serves agents by MCP (since Dash 4.3)."""
    return bool(getattr(app, "_enable_mcp", False))


def current_app() -> dash.Dash | None:
    """Return the app of this process; None if it has only a task's function."""
    try:
        app: dash.Dash = dash.get_app()
    except Exception:  # Dash 3 has no type for this error.
        return None
    return app


def app_on_error(app: dash.Dash | None) -> Callable[[Exception], Any] | None:
    """Return the ``on_error`` of the app."""
    return None if app is None else app._on_error


def describe(value: Any) -> str | None:
    """Return what tells an object of Dash or its server from others of its kind.

    None for an object that does not say it by a text of its own.
    """
    if isinstance(value, DashDependency):
        return repr(value)
    if isinstance(value, dash.Dash):
        name = module_names.importable_name(value.config.name)
        return f"Dash:{name}:{value.config.routes_pathname_prefix}"
    return backends.describe(value)


def flatten(grouping: Any, schema: Any = None) -> list[Any]:
    """Return the values of a grouping as a flat list, in the order of ``schema``.

    Raises:
        ValueError: the grouping differs from ``schema``.
    """
    try:
        values: list[Any] = flatten_grouping(grouping, schema)
    except InvalidCallbackReturnValue as error:
        raise ValueError(f"{grouping!r} is not grouped like {schema!r}.") from error
    return values


def describe_trigger() -> dict[str, Any]:
    """Return the running callback's request as JSON data.

    It has all that ``CallbackRunner`` needs to rebuild ``dash.ctx``.

    Raises:
        TypeError: a part of it is not JSON serializable.
    """
    context = context_value.get()
    description = {name: context.get(name) for name in REQUEST_ATTRIBUTES}
    description["args"] = _values_by_name(context.get("args") or {})
    description["outputs"] = context["outputs_list"]
    description["inputs"] = context["inputs_list"]
    description["state"] = context["states_list"]
    description["triggered"] = [item["prop_id"] for item in context["triggered_inputs"]]
    try:
        data: dict[str, Any] = to_json_data(description)
    except TypeError as error:
        raise TypeError(
            f"The context of a long callback must be JSON serializable: {error}. "
            "Check the values that the app's custom_data hooks return."
        ) from error
    return data


def _values_by_name(query: Any) -> dict[str, list[str]]:
    """Return the values of a request's query: Werkzeug's or Starlette's."""
    if hasattr(query, "multi_items"):
        pairs = query.multi_items()
    else:
        pairs = query.items(multi=True) if query else ()
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def returned_value(
    response: bytes, outputs: Any, grouping: Any, *, is_complete: bool = True
) -> Any:
    """Return the value that a function returned, from Dash's response.

    Args:
        response: JSON text.
        outputs: the concrete Outputs, as the page sent them.
        grouping: of the Outputs.
        is_complete: whether it has to have a value for each Output. Otherwise the value
            of an Output may be ``no_update``.

    Raises:
        KeyError: one of the Outputs has no value.
    """
    found = json.loads(response)["response"]

    def value(output: Any) -> Any:
        if isinstance(output, list):
            return [value(item) for item in output]
        component_id = stringify_id(output["id"])
        name = clean_property_name(output["property"])
        if not is_complete and name not in found.get(component_id, {}):
            return dash.no_update
        return found[component_id][name]

    if not grouping:
        return None
    values = value(outputs)
    is_single = isinstance(grouping, Output)
    return values if is_single else make_grouping_by_index(grouping, values)


def own_traceback(error: BaseException) -> types.TracebackType | None:
    """Return the part of a traceback in a callback's function, without Dash's frames.

    All of it, if the error does not come from the function. None, if Dash refuses what
    the function has returned.
    """
    if isinstance(error, InvalidCallbackReturnValue):
        return None
    found = error.__traceback__
    while found is not None:
        name = found.tb_frame.f_code.co_name
        if name in _CALLERS and found.tb_next is not None:
            inner = found.tb_next
            is_ours = inner.tb_frame.f_code.co_name in _OURS
            return inner.tb_next if is_ours and inner.tb_next else inner
        found = found.tb_next
    return error.__traceback__


def what_is_wrong(app: dash.Dash, component_id: str, kind: str) -> str | None:
    """Return why an id is not that of a component of this kind; None if it may be.

    An empty kind matches any. Searches the layout that Dash itself checks ids in, if
    Dash checks any.
    """
    layout = app.validation_layout
    if layout is None:  # not "or": a component without children is false
        layout = app.layout
    if callable(layout) or adds_components(app):
        return None
    for component in components(layout):
        if getattr(component, "id", None) == component_id:
            name = type(component).__name__
            return None if kind in ("", name) else f"it is the id of a {name}"
    return "no component of the layout has this id"


def adds_components(app: dash.Dash) -> bool:
    """Return whether the app says that its callbacks add components to the layout."""
    return bool(app.config.suppress_callback_exceptions)


def page_layouts(app: dash.Dash) -> list[Any]:
    """Return the layout of each page of ``dash.pages``, once Dash knows them all."""
    validated = app.validation_layout
    if not app.use_pages or validated is None:
        return []
    # Dash adds the layout around them.
    return list(validated.children[: len(dash.page_registry)])


def components(layout: Any) -> Iterator[Component]:
    """Yield all components of a layout, which may be a list of components."""
    if isinstance(layout, list | tuple):
        for item in layout:
            yield from components(item)
    elif isinstance(layout, Component):
        yield layout
        for item in layout._traverse():
            if isinstance(item, Component):
                yield item
            # Dash does not look into a list in a list, such as the layout of a page.
            elif isinstance(item, list | tuple):
                yield from components(item)


def prevents_initial_call(app: dash.Dash, options: Mapping[str, Any]) -> bool:
    """Tell whether Dash is told not to call a callback when its page is loaded."""
    default = app.config.prevent_initial_callbacks
    chosen = options.get("prevent_initial_call")
    return (default if chosen is None else chosen) is True


def library_files(app: dash.Dash, packages: Iterable[str]) -> list[dict[str, str]]:
    """Import component libraries, and let the app serve their files.

    Returns:
        ``{"type": ..., "url": ...}`` for each file that a page must load.

    Raises:
        ImportError: a library is not installed.
    """
    for package in packages:
        importlib.import_module(package)
    files: list[dict[str, str]] = app.get_dist(list(packages))
    return files


def serves_library(app: dash.Dash, package: str) -> bool:
    """Return whether the app serves the files of a component library."""
    return package in app.registered_paths


def own_shared_storage(app: dash.Dash) -> None:
    """Start Dash's shared storage (since 4.5) in this process, if the app has one.

    The first process that uses the local one owns it. If that is the process of a job,
    the data goes with it.
    """
    if getattr(app, "shared_storage_enabled", False):
        _ = app.shared_storage

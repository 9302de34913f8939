"""The one module that knows Dash's internals (3.3 to 4.x).

It turns a triggering request into JSON data, and such data back into the context of a
callback, so that Dash's own callback machinery can run the user's function in a worker
as it would have run it in the request.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from unittest import mock

import dash
import flask
from dash._callback_context import context_value
from dash._grouping import (
    flatten_grouping,
    make_grouping_by_index,
    map_grouping,
    update_args_group,
)
from dash._utils import (
    AttributeDict,
    clean_property_name,
    convert_to_AttributeDict,
    create_callback_id,
    inputs_to_dict,
    inputs_to_vals,
    stringify_id,
    to_json,
)
from dash.dependencies import (
    ALL,
    ALLSMALLER,
    MATCH,
    DashDependency,
    Input,
    Output,
    handle_grouped_callback_args,
)
from werkzeug.datastructures import MultiDict

from . import streaming
from .exceptions import LongCallbackError

_REQUEST_ATTRIBUTES = ("cookies", "headers", "path", "remote", "origin", "custom_data")


def to_json_data(value: Any) -> Any:
    """Return ``value`` as plain JSON data, encoded as Dash encodes it for the page.

    Raises:
        TypeError: something in it has no JSON form.
    """
    return json.loads(to_json(value))


def split_dependencies(
    args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, list[Input], list[DashDependency], Any]:
    """Return a callback's Outputs as they are grouped, its Inputs and its State, and
    how their positions are grouped into the arguments of the function.
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


def callback_id(outputs: Output | list[Output], inputs: list[Input]) -> str:
    """Return Dash's id of a callback, which tells callbacks apart by their Outputs."""
    return str(create_callback_id(outputs, inputs, no_output=not outputs))


def is_debug(app: dash.Dash) -> bool:
    """Tell whether the app shows Dash's dev tools, and tracebacks in the browser."""
    return bool(app._dev_tools.get("ui"))


def callback_request() -> tuple[flask.Flask, str]:
    """Return the server that answers the request of the running callback, and the path
    of the app on it.

    ``dash.get_app()`` can't say it: it returns the app that was made last.
    """
    return flask.current_app, flask.request.path.removesuffix("_dash-update-component")


def current_app() -> dash.Dash | None:
    """Return the app of this process, or None where a function came without one."""
    try:
        app: dash.Dash = dash.get_app()
    except Exception:  # Dash 3 has no type of its own for it.
        return None
    return app


def app_on_error(app: dash.Dash | None) -> Callable[[Exception], Any] | None:
    """Return what the app was given as ``on_error``."""
    return None if app is None else app._on_error


def flatten(grouping: Any, schema: Any = None) -> list[Any]:
    """Return the values of a grouping as a flat list, in the order of ``schema``."""
    values: list[Any] = flatten_grouping(grouping, schema)
    return values


def describe_trigger() -> dict[str, Any]:
    """Return the running callback's request as JSON data.

    It holds what ``rebuild_context`` needs to make ``dash.ctx`` what it is here.
    """
    context = context_value.get()
    description = {name: context.get(name) for name in _REQUEST_ATTRIBUTES}
    query = context.get("args")
    description["args"] = query.to_dict(flat=False) if query else {}
    description["outputs"] = context["outputs_list"]
    description["inputs"] = context["inputs_list"]
    description["state"] = context["states_list"]
    description["triggered"] = [item["prop_id"] for item in context["triggered_inputs"]]
    try:
        data: dict[str, Any] = to_json_data(description)
    except TypeError as error:
        raise TypeError(
            f"A long callback's context must have a JSON form: {error}. Look at what "
            "the app's custom_data hooks return."
        ) from error
    return data


def returned_value(response: bytes, outputs: Any, grouping: Any) -> Any:
    """Return what a function returned, from the response that Dash has made of it.

    Args:
        response: JSON text.
        outputs: the concrete Outputs, as the page sent them.
        grouping: the Outputs as they are grouped.

    Raises:
        KeyError: one of the Outputs has no value.
    """
    found = json.loads(response)["response"]

    def value(output: Any) -> Any:
        if isinstance(output, list):
            return [value(item) for item in output]
        return found[stringify_id(output["id"])][
            clean_property_name(output["property"])
        ]

    values = value(outputs)
    is_single = isinstance(grouping, Output)
    return values if is_single else make_grouping_by_index(grouping, values)


def send_libraries(app: dash.Dash, packages: Iterable[str]) -> None:
    """Have the page load component libraries before it shows what is answered now."""

    @flask.after_this_request  # Dash does not let a callback itself import one.
    def add(response: flask.Response) -> flask.Response:
        if response.is_json and response.status_code == 200:
            answer = {**response.get_json(), "dist": library_files(app, packages)}
            response.set_data(json.dumps(answer))
        return response


def request_body() -> dict[str, Any]:
    """Return the body of the request that runs this callback, as the page sent it."""
    body = flask.request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def mark_cancel_inputs(start: Callable[..., Any], inputs: tuple[Input, ...]) -> None:
    """Note on a start callback which Inputs cancel its jobs.

    Dash's wrapper of the function takes the note over with the function's attributes,
    so that ``cancel_inputs`` finds it wherever the callback was registered.
    """
    start.long_callback_cancel = inputs  # type: ignore[attr-defined]


def cancel_inputs(app: dash.Dash) -> list[Input]:
    """Return the distinct Inputs that cancel jobs of the app's callbacks."""
    found: dict[str, Input] = {}
    for callback in app.callback_map.values():
        for item in getattr(callback.get("callback"), "long_callback_cancel", ()):
            anywhere = _match_anything(item)
            found[str(anywhere)] = anywhere
    return list(found.values())


@contextlib.contextmanager
def no_server() -> Iterator[None]:
    """Make whatever starts a server here fail: the app is only imported for its tasks.

    Yields:
        None. A file that runs its server on import raises a LongCallbackError.
    """

    def run(*_args: Any, **_kwargs: Any) -> None:
        raise LongCallbackError(
            "the file runs its server when it is imported, and the process that runs "
            'the jobs imports it too. Put app.run() under if __name__ == "__main__":'
        )

    with (
        mock.patch.object(dash.Dash, "run", run),
        mock.patch.object(flask.Flask, "run", run),
    ):
        yield


def _match_anything(item: Input) -> Input:
    """Return an Input with ALL for other wildcards, which need an Output beside it."""
    if not isinstance(item.component_id, dict):
        return item
    component_id = {
        key: ALL if value is MATCH or value is ALLSMALLER else value
        for key, value in item.component_id.items()
    }
    return Input(component_id, item.component_property)


class LiveProps(dict):  # type: ignore[type-arg]
    """Stands in for ``ctx.updated_props`` and hands every ``set_props`` on at once.

    It stays empty: Dash must neither merge a property with an earlier value, which
    would lose a Patch, nor send it a second time with the response.
    """

    def __init__(self, send: Callable[[Any, dict[str, Any]], None]) -> None:
        super().__init__()
        self._send = send

    def __setitem__(self, component_id: str, props: dict[str, Any]) -> None:
        is_dict_id = component_id.startswith("{")
        self._send(json.loads(component_id) if is_dict_id else component_id, props)


class CallbackRunner:
    """Runs a function as Dash runs the function of an ordinary callback.

    What a generator function yields is sent by ``set_props`` while it runs, as what it
    would be if it were returned: in the grouping of the Outputs, with all checks.

    Args:
        function: takes what the user's function takes, less ``set_progress``.
        args: positional arguments of ``dash.callback``.
        options: keyword arguments of ``dash.callback``.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        options: Mapping[str, Any],
    ) -> None:
        options = dict(options)
        self._on_error = options.pop("on_error", None)
        self.has_handled_error = False  #: instead of returning what the function did
        if streaming.is_stream(function):
            self._echo = _register(
                lambda *_args, **_kwargs: self._yielded, args, options
            )
            has_outputs = self._echo["outputs_indices"] != []
            nothing = dash.no_update if has_outputs else None
            function = streaming.drained(function, self._send, nothing)
        self._callback = _register(function, args, options)

    def run(
        self,
        trigger: Mapping[str, Any],
        set_props: Callable[[Any, dict[str, Any]], None],
        check: Callable[[], None] = lambda: None,
    ) -> tuple[str | None, list[str]]:
        """Run the callback.

        Whatever the function raises, and Dash's own complaints about what it
        returned, are raised here.

        Args:
            trigger: what ``describe_trigger`` returned.
            set_props: takes every ``dash.set_props`` at once.
            check: called between two yields; may raise to end the function.

        Returns:
            Its response as JSON text, None for ``PreventUpdate``; and the component
            libraries that the function imported.
        """
        self._context = self._rebuild_context(trigger)
        self._context.updated_props = LiveProps(set_props)
        self._check = check
        libraries = _Libraries()
        try:
            response = self._call(self._callback, libraries, self._handle_error)
            if inspect.iscoroutine(response):
                response = asyncio.run(response)
        except dash.exceptions.PreventUpdate:
            return None, []
        return str(response), libraries.packages

    def _call(
        self, callback: Mapping[str, Any], libraries: _Libraries, on_error: Any = None
    ) -> Any:
        context = self._context
        return callback["callback"](
            *inputs_to_vals(context.inputs_list + context.states_list),
            outputs_list=context.outputs_list,
            callback_context=context,
            background_callback_manager=None,
            app=libraries,
            app_on_error=on_error,
        )

    def _send(self, value: Any) -> None:
        """Send what a generator yields, as Dash sends what a function returns."""
        self._check()
        self._yielded = value
        try:
            response = self._call(self._echo, _Libraries())
        except dash.exceptions.PreventUpdate:
            return
        for component_id, props in json.loads(response)["response"].items():
            self._context.updated_props[component_id] = props

    def _handle_error(self, error: Exception) -> Any:
        handler = self._on_error or app_on_error(current_app())
        if handler is None:
            raise error
        self.has_handled_error = True
        return handler(error)

    def _rebuild_context(self, trigger: Mapping[str, Any]) -> Any:
        """Rebuild what ``dash.ctx`` reads, as ``Dash._prepare_callback`` builds it."""
        triggered = trigger["triggered"]
        context = AttributeDict({name: trigger[name] for name in _REQUEST_ATTRIBUTES})
        context.custom_data = AttributeDict(trigger["custom_data"] or {})
        context.args = MultiDict(trigger["args"])
        context.ignore_register_page = False
        context.inputs_list = trigger["inputs"]
        context.states_list = trigger["state"]
        context.outputs_list = trigger["outputs"]
        context.input_values = inputs_to_dict(trigger["inputs"])
        context.state_values = inputs_to_dict(trigger["state"])
        context.triggered_inputs = [
            {"prop_id": name, "value": context.input_values.get(name)}
            for name in triggered
        ]
        arguments = convert_to_AttributeDict(trigger["inputs"] + trigger["state"])
        for argument in arguments:
            for item in argument if isinstance(argument, list) else [argument]:
                update_args_group(item, triggered)
        context.args_grouping, context.using_args_grouping = _group(
            arguments, self._callback["inputs_state_indices"]
        )
        outputs = trigger["outputs"]
        context.outputs_grouping, context.using_outputs_grouping = _group(
            outputs if isinstance(outputs, list) else [outputs],
            self._callback["outputs_indices"],
        )
        return context


def _register(
    function: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any]
) -> dict[str, Any]:
    """Register a callback with nobody but the caller, and return Dash's entry of it."""
    callbacks: dict[str, Any] = {}
    settings: dict[str, Any] = {
        # Dash changes dicts that it is given.
        **{k: dict(v) if isinstance(v, dict) else v for k, v in options.items()},
        "callback_map": callbacks,
        "callback_list": [],
        "_allow_dynamic_callbacks": True,
    }
    if not (args and isinstance(args[-1], bool)):
        # Nothing is called initially here, and Dash wants that said where an Output
        # allows duplicates.
        settings["prevent_initial_call"] = True
    dash.callback(*args, **settings)(function)
    (callback,) = callbacks.values()
    entry: dict[str, Any] = callback
    return entry


class _Libraries:
    """Stands in for the app where Dash asks it for the files of new libraries.

    Only a server process can say under which URLs it will serve them.
    """

    def __init__(self) -> None:
        self.packages: list[str] = []

    def get_dist(self, packages: list[str]) -> list[Any]:
        self.packages = sorted(packages)
        return []


def library_files(app: dash.Dash, packages: Iterable[str]) -> list[dict[str, str]]:
    """Import component libraries and have the app serve their files.

    Returns:
        ``{"type": ..., "url": ...}`` for each file that a page has to load.
    """
    for package in packages:
        importlib.import_module(package)
    files: list[dict[str, str]] = app.get_dist(list(packages))
    return files


def serves_library(app: dash.Dash, package: str) -> bool:
    """Tell whether the app serves the files of a component library."""
    return package in app.registered_paths


def _group(flat: list[Any], indices: Any) -> tuple[Any, bool]:
    """Arrange a flat list like the grouping that ``indices`` was made from."""
    if not flat:
        return [], False
    in_order = list(range(len(flat)))
    is_grouped = not isinstance(indices, int) and indices != in_order
    return map_grouping(lambda index: flat[index], indices), is_grouped

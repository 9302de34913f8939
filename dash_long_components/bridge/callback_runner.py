"""Run a function as a Dash callback, by Dash's own machinery.

Knows Dash's internals (3.3 to 4.x), as ``internals`` does.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

import dash
from dash._grouping import map_grouping, update_args_group
from dash._utils import (
    AttributeDict,
    convert_to_AttributeDict,
    inputs_to_dict,
    inputs_to_vals,
)
from werkzeug.datastructures import MultiDict

from ..core.updates import is_patch
from . import streaming
from .internals import REQUEST_ATTRIBUTES, app_on_error, current_app
from .return_values import explained


class LiveProps(dict):  # type: ignore[type-arg]
    """Replaces ``ctx.updated_props``, and sends every ``set_props`` at once.

    It stays empty: otherwise Dash would merge a property with its earlier value, which
    loses Patches, and send it again with the response.
    """

    def __init__(self, send: Callable[[Any, dict[str, Any]], None]) -> None:
        super().__init__()
        self._send = send

    def __setitem__(self, component_id: str, props: dict[str, Any]) -> None:
        is_dict_id = component_id.startswith("{")
        self._send(json.loads(component_id) if is_dict_id else component_id, props)


class CallbackRunner:
    """Runs a function as Dash runs the function of an ordinary callback.

    Sends each value that a generator function yields while it runs. A yielded value
    has the grouping of the Outputs and passes all of Dash's checks, as a returned one.

    Attributes:
        has_handled_error: the function raised, and an error handler gave the result.

    Args:
        function: takes the arguments of the user's function, without ``set_progress``.
        args: positional arguments of ``dash.callback``.
        options: keyword arguments of ``dash.callback``.
        is_final: whether an exception ends the job. Error handlers get no other ones.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        options: Mapping[str, Any],
        is_final: Callable[[Exception], bool] = lambda _error: True,
    ) -> None:
        options = dict(options)
        self._is_final = is_final
        self._on_error = options.pop("on_error", None)
        self.has_handled_error = False
        self._streamed: dict[str, dict[str, Any]] = {}
        self._patches: list[dash.Patch] = []
        if streaming.is_stream(function):
            self._yielding = _register(
                lambda *_args, **_kwargs: self._yielded, args, options
            )
            has_outputs = self._yielding["outputs_indices"] != []
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

        Args:
            trigger: from ``describe_trigger``.
            set_props: gets every ``dash.set_props`` at once.
            check: called at every yield; may raise to end the function.

        Returns:
            Its response as JSON text, None for ``PreventUpdate``; and the component
            libraries that the function imported.

        Raises:
            BaseException: the function raised it, or Dash did, because it can't use
                the value that the function returned.
        """
        self._context = self._rebuild_context(trigger)
        self._context.updated_props = LiveProps(set_props)
        self._check = check
        libraries = _NewLibraries()
        try:
            with explained("returned"):
                response = self._call(self._callback, libraries, self._handle_error)
                if inspect.iscoroutine(response):
                    response = asyncio.run(response)
        except dash.exceptions.PreventUpdate:
            return None, []
        return str(response), libraries.packages

    def _call(
        self,
        callback: Mapping[str, Any],
        libraries: _NewLibraries,
        on_error: Any = None,
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
        """Send a yielded value as Dash sends a returned one."""
        self._check()
        before, self._patches = self._patches, _patches(value)
        if any(patch is other for patch in self._patches for other in before):
            raise ValueError(
                "The function yielded the same Patch twice, so the page would apply "
                "it twice. Make a new Patch for every yield."
            )
        self._yielded = value
        try:
            with explained("yielded"):
                response = self._call(self._yielding, _NewLibraries())
        except dash.exceptions.PreventUpdate:
            return
        for component_id, props in json.loads(response)["response"].items():
            self._context.updated_props[component_id] = props
            self._streamed.setdefault(component_id, {}).update(props)

    def replay(self, response: str) -> str | None:
        """Return the response with all values that were streamed before it.

        None if one of them is a Patch: the value that it changes may be another then.

        Args:
            response: from ``run``.
        """
        if not self._streamed:
            return response
        for component_id, props in json.loads(response)["response"].items():
            self._streamed.setdefault(component_id, {}).update(props)
        values = (
            value for props in self._streamed.values() for value in props.values()
        )
        if any(map(is_patch, values)):
            return None
        return json.dumps({"multi": True, "response": self._streamed})

    def _handle_error(self, error: Exception) -> Any:
        handler = self._on_error or app_on_error(current_app())
        if handler is None or not self._is_final(error):
            raise error
        self.has_handled_error = True
        return handler(error)

    def _rebuild_context(self, trigger: Mapping[str, Any]) -> Any:
        """Rebuild the context of ``dash.ctx``, as ``Dash._prepare_callback`` does."""
        triggered = trigger["triggered"]
        context = AttributeDict({name: trigger[name] for name in REQUEST_ATTRIBUTES})
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
    """Register a callback with no app, and return Dash's entry for it."""
    callbacks: dict[str, Any] = {}
    settings: dict[str, Any] = {
        **options,
        "callback_map": callbacks,
        "callback_list": [],
        "_allow_dynamic_callbacks": True,
    }
    if not (args and isinstance(args[-1], bool)):
        # Dash requires this where an Output allows duplicates. There is no initial
        # call here.
        settings["prevent_initial_call"] = True
    dash.callback(*args, **settings)(function)
    (callback,) = callbacks.values()
    entry: dict[str, Any] = callback
    return entry


def _patches(value: Any) -> list[dash.Patch]:
    """Return the Patches in a yielded value, if its grouping is flat."""
    match value:
        case dict():
            values = [*value.values()]
        case list() | tuple():
            values = [*value]
        case _:
            values = [value]
    return [item for item in values if isinstance(item, dash.Patch)]


class _NewLibraries:
    """Replaces the app when Dash looks up the files of new component libraries.

    Only a server process knows the URLs of these files.
    """

    def __init__(self) -> None:
        self.packages: list[str] = []

    def get_dist(self, packages: list[str]) -> list[Any]:
        self.packages = sorted(packages)
        return []


def _group(flat: list[Any], indices: Any) -> tuple[Any, bool]:
    """Group a flat list as ``indices`` says."""
    if not flat:
        return [], False
    in_order = list(range(len(flat)))
    is_grouped = not isinstance(indices, int) and indices != in_order
    return map_grouping(lambda index: flat[index], indices), is_grouped

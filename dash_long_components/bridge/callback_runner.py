"""Running a function as the function of a callback, by Dash's own machinery.

With ``internals`` it is what knows Dash's internals (3.3 to 4.x).
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
        self._streamed: dict[str, dict[str, Any]] = {}
        self._patches: list[dash.Patch] = []
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
        before, self._patches = self._patches, _patches(value)
        if any(patch is other for patch in self._patches for other in before):
            raise ValueError(
                "The same Patch was yielded again: what it did before would be done "
                "twice. Make a new one for every yield."
            )
        self._yielded = value
        try:
            response = self._call(self._echo, _Libraries())
        except dash.exceptions.PreventUpdate:
            return
        for component_id, props in json.loads(response)["response"].items():
            self._context.updated_props[component_id] = props
            self._streamed.setdefault(component_id, {}).update(props)

    def replay(self, response: str) -> str | None:
        """Return the response that has in it what was streamed, too.

        None if there is a Patch in that: it would come without what it was for.

        Args:
            response: what ``run`` returned.
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
        if handler is None:
            raise error
        self.has_handled_error = True
        return handler(error)

    def _rebuild_context(self, trigger: Mapping[str, Any]) -> Any:
        """Rebuild what ``dash.ctx`` reads, as ``Dash._prepare_callback`` builds it."""
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
    """Register a callback with nobody but the caller, and return Dash's entry of it."""
    callbacks: dict[str, Any] = {}
    settings: dict[str, Any] = {
        **options,
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


def _patches(value: Any) -> list[dash.Patch]:
    """Return the Patches in what a function yields, as far as groupings are flat."""
    match value:
        case dict():
            values = [*value.values()]
        case list() | tuple():
            values = [*value]
        case _:
            values = [value]
    return [item for item in values if isinstance(item, dash.Patch)]


class _Libraries:
    """Stands in for the app where Dash asks it for the files of new libraries.

    Only a server process can say under which URLs it will serve them.
    """

    def __init__(self) -> None:
        self.packages: list[str] = []

    def get_dist(self, packages: list[str]) -> list[Any]:
        self.packages = sorted(packages)
        return []


def _group(flat: list[Any], indices: Any) -> tuple[Any, bool]:
    """Arrange a flat list like the grouping that ``indices`` was made from."""
    if not flat:
        return [], False
    in_order = list(range(len(flat)))
    is_grouped = not isinstance(indices, int) and indices != in_order
    return map_grouping(lambda index: flat[index], indices), is_grouped

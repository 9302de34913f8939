"""One long callback as a tool of agents: its parameters, and how to run it."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import dash
from dash._layout_utils import (
    extract_text,
    find_component,
    find_matching_components,
    parse_wildcard_id,
    traverse,
)
from dash.mcp.primitives.tools import input_schemas
from dash.mcp.primitives.tools.callback_adapter import CallbackAdapter
from dash.mcp.primitives.tools.callback_utils import run_callback
from dash.mcp.types import is_nullable

from . import internals
from .marks import Mark

#: Properties of a component that its description includes beside the label.
_FACTS = ("options", "min", "max", "step", "placeholder")

#: The longest description of a value, in characters.
_MAX_FACT = 300


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a tool.

    Attributes:
        name: of the function's own.
        positions: of the Inputs and State that it is made of.
        schema: of its values, in the JSON Schema of MCP.
        default: for a call without it.
        is_required: whether a call must have it.
    """

    name: str
    positions: list[int]
    schema: dict[str, Any]
    default: Any
    is_required: bool

    def spread(self, value: Any) -> dict[int, Any]:
        """Return the value of each Input and State.

        Raises:
            ValueError: there are several, and the value is no list of as many.
        """
        if len(self.positions) == 1:
            return {self.positions[0]: value}
        if not isinstance(value, list) or len(value) != len(self.positions):
            raise ValueError(
                f"{self.name} takes a list of {len(self.positions)} values, not "
                f"{value!r}."
            )
        return dict(zip(self.positions, value, strict=True))


class CallbackTool:
    """A long callback as a tool.

    Args:
        name: of the tool.
        callback_id: Dash's id of the callback.
        mark: of the callback.
    """

    def __init__(self, name: str, callback_id: str, mark: Mark) -> None:
        self.name = name
        self._callback_id = callback_id
        self._mark = mark

    @cached_property
    def _places(self) -> list[int]:
        """The place of each Input and State among those that Dash has registered.

        A callback without Outputs may have its first Input several times.
        """
        spec = dash.get_app().callback_map[self._callback_id]
        inputs = len(self._mark.signature.inputs)
        added = len(spec["inputs"]) - inputs
        return [
            *range(inputs),
            *(inputs + added + at for at in range(len(spec["state"]))),
        ]

    @cached_property
    def _dependencies(self) -> list[_Dependency]:
        spec = dash.get_app().callback_map[self._callback_id]
        registered = [*spec["inputs"], *spec["state"]]
        return [_Dependency(registered[place]) for place in self._places]

    def describe(self) -> dict[str, Any]:
        """Return the tool as MCP describes it, without the schema of its answer."""
        parameters = self._parameters()
        return {
            "name": self.name,
            "description": self._description(),
            "inputSchema": {
                "type": "object",
                "properties": {each.name: each.schema for each in parameters},
                "required": [each.name for each in parameters if each.is_required],
                "additionalProperties": False,
            },
        }

    def run(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run the callback as a page does, and return Dash's answer to it.

        Raises:
            ValueError: the arguments are not those of the tool.
            MCPError: the callback raised an error.
        """
        parameters = {each.name: each for each in self._parameters()}
        if unknown := [name for name in arguments if name not in parameters]:
            raise ValueError(
                f"{self.name} takes no {', '.join(unknown)}. It takes "
                f"{', '.join(parameters) or 'nothing'}."
            )
        values: dict[int, Any] = {}
        unchanged: set[str] = set()
        for name, each in parameters.items():
            if name in arguments:
                values |= each.spread(arguments[name])
            elif each.is_required:
                raise ValueError(f"{self.name} needs {name}.")
            else:
                values |= each.spread(each.default)
                parts = [self._dependencies[at] for at in each.positions]
                unchanged |= {part.prop_id for part in parts if not part.is_counter}
        adapter = _Adapter(self._callback_id, unchanged)
        by_place = {str(self._places[at]): value for at, value in values.items()}
        return dict(run_callback(adapter, by_place))

    def _description(self) -> str:
        lines = []
        if self._mark.signature.options.get("mcp_expose_docstring") is not False:
            lines.append(inspect.getdoc(self._mark.function) or "")
        outputs = [str(output) for output in self._mark.signature.outputs]
        if outputs:
            lines.append(f"Sets {', '.join(outputs)} of the app's page.")
        return "\n\n".join(filter(None, lines))

    def _parameters(self) -> list[Parameter]:
        own = _parameters_of(self._mark.function)[self._mark.takes_set_progress :]
        by_key: dict[int | str, inspect.Parameter] = dict(enumerate(own))
        by_key.update((each.name, each) for each in own)
        hints = _hints(self._mark.function)
        return [
            self._parameter(positions, by_key.get(key), hints)
            for key, positions in self._mark.signature.arguments.items()
        ]

    def _parameter(
        self,
        positions: list[int],
        own: inspect.Parameter | None,
        hints: Mapping[str, Any],
    ) -> Parameter:
        """Return a parameter of the tool.

        Args:
            positions: of the Inputs and State that it is made of.
            own: that of the function; None if it takes ``*args`` or ``**kwargs``.
            hints: the types of the function's parameters.
        """
        parts = [self._dependencies[at] for at in positions]
        name = parts[0].name if own is None else own.name
        hint = hints.get(name)
        if len(parts) == 1:
            schema, default = parts[0].schema(hint), parts[0].default
        else:
            items = [part.schema(None) for part in parts]
            schema = {"type": "array", "prefixItems": items}
            default = [part.default for part in parts]
        has_default = all(part.default is not None for part in parts)
        if own is not None and own.default is not own.empty:
            default, has_default = own.default, True
        with suppress(TypeError):
            schema["default"] = internals.to_json_data(default)
        is_match = any(part.is_match for part in parts)
        may_be_none = (hint is None or is_nullable(hint)) and not is_match
        return Parameter(
            name=name,
            positions=positions,
            schema=schema,
            default=default,
            is_required=not has_default and not may_be_none,
        )


class _Dependency:
    """An Input or State.

    Args:
        spec: as Dash has registered it.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._id: str = spec["id"]
        self._property: str = spec["property"]
        self._pattern = parse_wildcard_id(self._id)
        self.prop_id = f"{self._id}.{self._property}"
        self.name = re.sub(r"\W+", "_", self.prop_id).strip("_")
        self.is_counter = self._property == "n_clicks"
        self.is_match = ["MATCH"] in (self._pattern or {}).values()

    @cached_property
    def _components(self) -> list[Any]:
        if self._pattern is not None:
            return find_matching_components(self._pattern)
        component = find_component(self._id)
        return [] if component is None else [component]

    @cached_property
    def default(self) -> Any:
        """What a page that has just been loaded sends; a button counts as clicked."""
        if self.is_match:
            return None
        if self._pattern is not None:
            return [
                {
                    "id": component.id,
                    "property": self._property,
                    "value": getattr(component, self._property, None),
                }
                for component in self._components
            ]
        if not self._components:
            return None
        value = getattr(self._components[0], self._property, None)
        return value or 1 if self.is_counter else value

    def schema(self, hint: Any) -> dict[str, Any]:
        """Return the schema of its value: of its type hint, or of the component."""
        component = self._components[0] if self._components else None
        parameter: Any = {
            "name": self._property,
            "id_and_prop": self.prop_id,
            "component_id": self._id,
            "property": self._property,
            "annotation": hint,
            "component_type": getattr(component, "_type", None),
            "component": component,
            "required": True,
            "initial_value": None,
            "upstream_output": None,
        }
        # Dash's own schemas of patterns run the callbacks that set their components.
        found = (source.get_schema(parameter) for source in input_schemas._SOURCES)
        known = (each for each in found if each is not None)
        schema = self._schema_of_pattern() if self._pattern else next(known, {})
        description = [schema["description"]] if "description" in schema else []
        description.append(f"{self._property} of {self._id}.")
        if label := _label_of(self._id):
            description.append(f"Labelled {label}.")
        for fact in _FACTS:
            value = getattr(component, fact, None)
            if value is not None:
                description.append(f"{fact}: {str(value)[:_MAX_FACT]}.")
        return {**schema, "description": " ".join(description)}

    def _schema_of_pattern(self) -> dict[str, Any]:
        """Return the schema of what a page sends for components that match."""
        item = {
            "type": "object",
            "properties": {
                "id": {"type": "object"},
                "property": {"const": self._property},
                "value": {},
            },
            "required": ["id", "property", "value"],
        }
        return item if self.is_match else {"type": "array", "items": item}


class _Adapter(CallbackAdapter):  # type: ignore[misc, unused-ignore]
    """Makes the request of a page. It takes the values by their places.

    Args:
        callback_id: Dash's id of the callback.
        unchanged: the Inputs that have not changed, as ``id.property``.
    """

    def __init__(self, callback_id: str, unchanged: set[str]) -> None:
        super().__init__(callback_id)
        self._unchanged = unchanged

    @cached_property
    def _dep_param_map(self) -> list[tuple[str, str]]:
        spec = dash.get_app().callback_map[self.output_id]
        count = len(spec["inputs"]) + len(spec["state"])
        return [(str(at), str(at)) for at in range(count)]

    def as_callback_body(self, kwargs: dict[str, Any]) -> Any:
        """Return the body of the request."""
        body: Any = super().as_callback_body(kwargs)
        changed = body["changedPropIds"]
        body["changedPropIds"] = [x for x in changed if x not in self._unchanged]
        return body


def _label_of(component_id: str) -> str:
    """Return the text of the label of a component; "" if it has none."""
    for component, ancestors in traverse():
        around = [each for each in ancestors if _is_label(each)]
        if getattr(component, "id", None) == component_id and around:
            return str(extract_text(around[-1]))
        if _is_label(component) and getattr(component, "htmlFor", None) == component_id:
            return str(extract_text(component))
    return ""


def _is_label(component: Any) -> bool:
    return getattr(component, "_type", None) == "Label"


def _parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some functions of C have no signature
        return []
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [each for each in parameters if each.kind not in variadic]


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the type hints of a function, or none if one can't be resolved."""
    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except Exception:  # whatever a hint raises when it is evaluated
        return {}

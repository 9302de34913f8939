"""The signature of a callback: its Outputs, Inputs and State, in any notation."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from dash.dependencies import ALLSMALLER, MATCH, DashDependency, Input, Output

from . import internals


@dataclass(frozen=True, kw_only=True)
class Signature:
    """The arguments of ``dash.callback``.

    Attributes:
        args: the positional arguments.
        options: the keyword arguments.
    """

    args: tuple[Any, ...]
    options: Mapping[str, Any]

    @cached_property
    def _parts(self) -> tuple[Any, list[Input], list[DashDependency], Any]:
        return internals.split_dependencies(self.args, self.keywords())

    def keywords(self) -> dict[str, Any]:
        """Return the keyword arguments for a call of Dash, with copies of dicts.

        Dash changes those: it adds named Inputs to the State.
        """
        return {
            name: dict(value) if isinstance(value, dict) else value
            for name, value in self.options.items()
        }

    def check_wildcards(
        self, option: str, dependencies: Iterable[DashDependency]
    ) -> None:
        """Check that the signature gives a value for each wildcard of an option.

        Raises:
            ValueError: it does not, or a wildcard is in a partial pattern; the message
                names the option.
        """
        own = [*self.outputs, *self.inputs, *self.states]
        known = {key for item in own for key in _keys_of(item, MATCH)}
        for item in dependencies:
            if getattr(item, "partial_pattern", False):  # since Dash 4.5
                raise ValueError(
                    f"{option}= takes no partial_pattern, as in {item!r}. Name all "
                    "keys of the id."
                )
            for key in {*_keys_of(item, MATCH), *_keys_of(item, ALLSMALLER)} - known:
                raise ValueError(
                    f"{option}= has a wildcard for {key!r} in {item!r}, but no Output, "
                    "Input or State has MATCH for it."
                )

    def with_duplicates(self) -> Signature:
        """Return it with Outputs that other callbacks may have too."""
        return Signature(args=_duplicated(self.args), options=_duplicated(self.options))

    @property
    def has_single_output(self) -> bool:
        """Whether the function returns one value rather than a collection."""
        return isinstance(self.output_grouping, Output)

    @property
    def output_grouping(self) -> Any:
        """The grouping of the Outputs, or the only one."""
        return self._parts[0]

    @property
    def arguments(self) -> dict[int | str, list[int]]:
        """The arguments of the function, by keyword or by index.

        Each has the positions of the Inputs and State that it is made of.
        """
        return {name: internals.flatten(at) for name, at in self._grouped.items()}

    @property
    def _grouped(self) -> dict[int | str, Any]:
        """The grouping of positions that makes each argument."""
        indices = self._parts[3]
        if isinstance(indices, int):
            indices = [indices]
        if not isinstance(indices, dict):
            indices = dict(enumerate(indices))
        return indices

    def flat_values(self, arguments: Mapping[int | str, Any]) -> list[Any]:
        """Return the values of all Inputs and State, in their order.

        Args:
            arguments: one for each of ``arguments``.

        Raises:
            ValueError: one has another grouping than its Inputs.
        """
        found: dict[int, Any] = {}
        for name, positions in self._grouped.items():
            values = internals.flatten(arguments[name], positions)
            found.update(zip(internals.flatten(positions), values, strict=True))
        return [found[position] for position in sorted(found)]

    def own_arguments(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """Return what the user's function gets, without ``with_inputs_repeated``."""
        names = [name for name in self.arguments if isinstance(name, str)]
        count = len(self.arguments) - len(names)
        return args[:count], {name: kwargs[name] for name in names}

    @property
    def outputs(self) -> list[Output]:
        """The Outputs, flat."""
        return internals.flatten(self.output_grouping)

    @property
    def inputs(self) -> list[Input]:
        """The Inputs, flat."""
        return self._parts[1]

    @property
    def states(self) -> list[DashDependency]:
        """The State, flat."""
        return self._parts[2]

    @cached_property
    def callback_id(self) -> str:
        """Dash's id of the callback, which is made of its Outputs."""
        outputs = self.output_grouping if self.has_single_output else self.outputs
        return internals.callback_id(outputs, self.inputs)

    def with_inputs_repeated(self, times: int) -> Signature:
        """Return a signature with the first Input added again at the end.

        Dash makes the id of a callback without Outputs of its Inputs alone. Of several
        with the same Inputs, it would run only one.
        """
        again = tuple(self.inputs[:1]) * times
        inputs = self.options.get("inputs")
        if isinstance(inputs, dict):
            named = {f"again_{number}": item for number, item in enumerate(again)}
            return self._with_inputs({**inputs, **named})
        if isinstance(inputs, list | tuple):
            return self._with_inputs([*inputs, *again])
        if inputs is not None:
            return self._with_inputs([inputs, *again])
        flags = tuple(item for item in self.args[-1:] if isinstance(item, bool))
        dependencies = self.args[: len(self.args) - len(flags)]
        return replace(self, args=(*dependencies, *again, *flags))

    def _with_inputs(self, inputs: Any) -> Signature:
        return replace(self, options={**self.options, "inputs": inputs})


def _keys_of(dependency: DashDependency, wildcard: object) -> set[str]:
    """Return the keys of an id that have this wildcard as their value."""
    component_id = dependency.component_id
    if not isinstance(component_id, dict):
        return set()
    return {key for key, value in component_id.items() if value is wildcard}


def _duplicated(value: Any) -> Any:
    """Return a grouping of dependencies with allow_duplicate for every Output."""
    match value:
        case Output():
            output = copy.copy(value)
            output.allow_duplicate = True
            return output
        case list() | tuple():
            return type(value)(map(_duplicated, value))
        case dict():
            return {name: _duplicated(item) for name, item in value.items()}
    return value

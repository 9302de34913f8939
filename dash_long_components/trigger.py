"""A trigger: the request that starts a job, and what it says of ids and order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dash.dependencies import ALL, ALLSMALLER, MATCH, DashDependency

from . import dash_bridge
from .jobs import Lane, Retrigger
from .signature import Signature

#: Component id and property. In a dict id, ``["ALL"]`` stands for any value and
#: ``["ALLSMALLER", value]`` for any smaller one, for the page to fill in.
Target = list[Any]


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A request that runs a start callback.

    Attributes:
        description: the request as JSON data.
        match: what MATCH stands for in it, by the key it stands at.
        page: which page sent it, since it was loaded; "" if it does not say.
        seq: when the page sent it: the larger, the later; 0 if it does not say.
        resumed: slots of live jobs that the page, just loaded, has taken up again.
        is_echo: whether it says nothing but what the callback's last result has set.
    """

    description: dict[str, Any]
    match: dict[str, Any]
    page: str
    seq: int
    resumed: frozenset[str]
    is_echo: bool

    @classmethod
    def current(cls, signature: Signature) -> Trigger:
        """Return the trigger of the callback with this signature, which runs now."""
        description = dash_bridge.describe_trigger()
        # Inputs that were repeated only to tell the callback from others.
        del description["inputs"][len(signature.inputs) :]
        page, seq = "", 0
        resumed: list[Any] = []
        stamp = dash_bridge.request_body().get("longJob")
        match stamp:
            case {"page": str(page), "seq": int(seq), "resumed": list(resumed)}:
                pass
            case {"page": str(page), "seq": int(seq)}:
                pass
        return cls(
            description=description,
            match=_match_values(signature, description),
            page=page,
            seq=seq,
            resumed=frozenset(item for item in resumed if isinstance(item, str)),
            is_echo=isinstance(stamp, dict) and stamp.get("echo") is True,
        )

    @property
    def outputs(self) -> list[Target]:
        """The concrete Outputs."""
        return [
            [item["id"], item["property"].split("@")[0]]
            for item in _flat(self.description["outputs"])
        ]

    @property
    def has_output_list(self) -> bool:
        """Whether there are several Outputs, or one that stands for several."""
        return isinstance(self.description["outputs"], list)

    def target(self, dependency: DashDependency) -> Target:
        """Return what a dependency refers to in this trigger."""
        component_id = dependency.component_id
        if isinstance(component_id, dict):
            component_id = {
                key: self._value(key, value) for key, value in component_id.items()
            }
        return [component_id, dependency.component_property]

    def has_changed(self, component_id: Any, component_property: str) -> bool:
        """Tell whether a property (of an id that may be a pattern) is a trigger."""
        for prop_id in self.description["triggered"]:
            text, _, name = prop_id.rpartition(".")
            if name == component_property and _fits(component_id, text):
                return True
        return False

    def slot(self, task: str) -> str:
        """Return the name of the callback and of its MATCH instance."""
        return f"{task}{json.dumps(self.match, sort_keys=True) if self.match else ''}"

    def lane(self, slot: str, retrigger: Retrigger) -> Lane | None:
        """Return the lane for a job of this trigger; none if its page is not known."""
        if not self.page:
            return None
        # What a page calls itself may be any text, of any length.
        name = f"{self.page}:{slot}".encode(errors="surrogatepass")
        return Lane(
            name=hashlib.sha256(name).hexdigest(), seq=self.seq, retrigger=retrigger
        )

    def _value(self, key: str, value: Any) -> Any:
        if value is MATCH:
            return self.match[key]
        if value is ALLSMALLER:
            return ["ALLSMALLER", self.match[key]]
        return ["ALL"] if value is ALL else value


def _match_values(
    signature: Signature, description: Mapping[str, Any]
) -> dict[str, Any]:
    """Compare the declared ids of a callback with the concrete ones of a request."""
    declared = [*signature.outputs, *signature.inputs, *signature.states]
    outputs = description["outputs"]
    found = [
        *([outputs] if signature.has_single_output else outputs or []),
        *description["inputs"],
        *description["state"],
    ]
    values: dict[str, Any] = {}
    for dependency, item in zip(declared, found, strict=False):
        concrete = _flat(item)
        if concrete and isinstance(dependency.component_id, dict):
            for key, value in dependency.component_id.items():
                if value is MATCH:
                    values[key] = concrete[0]["id"][key]
    return values


def _flat(items: Any) -> list[Any]:
    """Return the dependencies in what Dash sends for one or for several of them."""
    if not items:
        return []
    if not isinstance(items, list):
        return [items]
    return [part for item in items for part in _flat(item)]


def _fits(component_id: Any, text: str) -> bool:
    """Tell whether the id that Dash spells as ``text`` is one or fits a pattern."""
    if not isinstance(component_id, dict):
        return bool(component_id == text)
    concrete = json.loads(text) if text.startswith("{") else {}
    return concrete.keys() == component_id.keys() and all(
        _fits_value(value, concrete[key]) for key, value in component_id.items()
    )


def _fits_value(pattern: Any, value: Any) -> bool:
    match pattern:
        case ["ALL"]:
            return True
        case ["ALLSMALLER", bound]:
            return bool(value < bound)
    return bool(pattern == value)

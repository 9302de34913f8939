"""A trigger: the request that starts a job, and what it says of ids and order."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dash.dependencies import ALL, ALLSMALLER, MATCH, DashDependency

from ..core.jobs import Lane, Retrigger
from . import internals
from .signature import Signature

#: Properties that count or time what people do, such as ``n_clicks``.
_COUNTER = re.compile(r"n_\w+|\w+_timestamp")

#: What a ``dcc.Location`` sets as soon as it is on the page.
_ADDRESS = frozenset({"pathname", "search", "hash", "href"})

#: Component id and property. In a dict id, ``["ALL"]`` stands for any value and
#: ``["ALLSMALLER", value]`` for any smaller one, for the page to fill in.
Target = list[Any]


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """A live job from before a page was loaded, which the page has taken up again.

    Attributes:
        callback_key: of its callback.
        page: in whose lane it is.
        input_digests: digests of the values of its Inputs.
    """

    callback_key: str
    page: str
    input_digests: list[Any]

    @classmethod
    def parse(cls, item: Any) -> Resumed | None:
        """Return what a page says of a job, or None if that makes no sense."""
        match item:
            case [str(callback_key), str(page), list(input_digests)]:
                return cls(
                    callback_key=callback_key, page=page, input_digests=input_digests
                )
        return None


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A request that runs a start callback.

    Attributes:
        description: the request as JSON data.
        match: what MATCH stands for in it, by the key it stands at.
        page: which page sent it, since it was loaded; "" if it does not say.
        seq: when the page sent it: the larger, the later; 0 if it does not say.
        resumed: live jobs that the page has taken up again since it was loaded, and
            those that came to their lanes since.
        is_own_result: whether it reports only what the callback's last result has set.
        is_untouched: whether nobody has done anything on the page since it was loaded.
    """

    description: dict[str, Any]
    match: dict[str, Any]
    page: str
    seq: int
    resumed: tuple[Resumed, ...]
    is_own_result: bool
    is_untouched: bool

    @classmethod
    def current(cls, signature: Signature) -> Trigger:
        """Return the trigger of the callback with this signature, which runs now."""
        description = internals.describe_trigger()
        # Inputs that were repeated only to tell the callback from others.
        del description["inputs"][len(signature.inputs) :]
        page, seq = "", 0
        resumed: list[Any] = []
        stamp = internals.request_body().get("longJob")
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
            resumed=tuple(filter(None, map(Resumed.parse, resumed))),
            is_own_result=isinstance(stamp, dict) and stamp.get("ownResult") is True,
            is_untouched=isinstance(stamp, dict) and stamp.get("untouched") is True,
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

    def callback_key(self, task: str) -> str:
        """Return the name of the callback and of its MATCH instance."""
        return f"{task}{json.dumps(self.match, sort_keys=True) if self.match else ''}"

    def input_digests(self, digest: Callable[[str], str]) -> list[str]:
        """Return a digest of the value of every Input, which says nothing else of it.

        Args:
            digest: makes one of a text.
        """
        return [
            digest(json.dumps(_values(item), sort_keys=True))
            for item in self.description["inputs"]
        ]

    def is_resumed(self, callback_key: str, input_digests: list[str]) -> bool:
        """Tell whether a job that the page has taken up again is the one to have.

        Args:
            callback_key: of the callback.
            input_digests: what ``input_digests`` returned.
        """
        return self._is_at_load and any(
            self._is_same(job.input_digests, input_digests)
            for job in self._resumed_in(callback_key)
        )

    @property
    def _is_at_load(self) -> bool:
        """Whether it comes of the load of a page; so does what a Location sets then.

        A Store that the browser keeps has its data later, and other callbacks set
        what they make of the page. Nobody has done anything by then.
        """
        names = [name.rpartition(".")[2] for name in self.description["triggered"]]
        return all(
            name in _ADDRESS or (self.is_untouched and not _COUNTER.fullmatch(name))
            for name in names
        )

    def _resumed_in(self, callback_key: str) -> list[Resumed]:
        return [job for job in self.resumed if job.callback_key == callback_key]

    def _is_same(self, before: list[Any], now: list[str]) -> bool:
        """Tell whether a page that was loaded anew asks what a job was asked.

        What counts events begins anew with the page, and None is no question.
        """
        return len(before) == len(now) and all(
            old == new or all(map(_is_unset, _flat(item)))
            for old, new, item in zip(
                before, now, self.description["inputs"], strict=True
            )
        )

    def lane_page(self, callback_key: str, retrigger: Retrigger) -> str:
        """Return the page in whose lane a job of this trigger is: what comes after a
        live job from before a reload waits for it, or is ignored for it.

        A page replaces such a job itself, as it does one in another lane.
        """
        if retrigger in (Retrigger.QUEUE, Retrigger.IGNORE):
            for job in self._resumed_in(callback_key):
                return job.page
        return self.page

    def lane(self, callback_key: str, page: str, retrigger: Retrigger) -> Lane | None:
        """Return the lane for a job of this trigger; none if its page is not known."""
        if not page:
            return None
        # What a page calls itself may be any text, of any length.
        name = f"{page}:{callback_key}".encode(errors="surrogatepass")
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


def _values(item: Any) -> Any:
    """Return the values of an Input, each with the id that a pattern has found."""
    if isinstance(item, list):
        return [[part["id"], part.get("value")] for part in item]
    return item.get("value")


def _is_unset(item: dict[str, Any]) -> bool:
    return item.get("value") is None or _COUNTER.fullmatch(item["property"]) is not None


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

"""A trigger: the request that starts a job, with its concrete ids and its order."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dash.dependencies import ALL, ALLSMALLER, MATCH, DashDependency
from dash.exceptions import PreventUpdate

from ..core.calls import Destination
from ..core.lanes import Lane, Retrigger
from ..core.quantities import MAX_JS_INTEGER
from . import callback_request, internals
from .signature import Signature

logger = logging.getLogger("dash_long_components")

#: Properties that count or time the actions of users, such as ``n_clicks``.
_COUNTER = re.compile(r"n_\w+|\w+_timestamp")

#: Properties that a ``dcc.Location`` sets as soon as it is on the page.
_ADDRESS = frozenset({"pathname", "search", "hash", "href"})

#: A path of this site. Browsers take ``//host`` and ``/\\host`` for those of another.
_PATH = re.compile(r"/(?![/\\])[!-~]*\Z")

#: Outputs that a job keeps the ids of. A page scrolls to the first.
MAX_OUTPUTS = 20

#: The longest path and query that a job keeps, in characters.
MAX_LOCATION = 2000

#: The info of a trigger that comes from no page.
_NO_PAGE: dict[str, Any] = {"page": "", "seq": 0}

#: Component id and property. In a dict id, ``["ALL"]`` matches any value and
#: ``["ALLSMALLER", value]`` any smaller one. The page fills these in.
Target = list[Any]


def _is_counter(item: dict[str, Any]) -> bool:
    return _COUNTER.fullmatch(item["property"]) is not None


def _is_unset(item: dict[str, Any]) -> bool:
    return item.get("value") is None or _is_counter(item)


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """A live job from before the page was loaded, which the page has resumed.

    Attributes:
        callback_key: of its callback.
        page_id: of the page load whose lane it is in.
        input_digests: digests of the values of its Inputs.
        refreshes: it refreshes an old result, which the page does not show any more.
    """

    callback_key: str
    page_id: str
    input_digests: list[Any]
    refreshes: bool = False

    @classmethod
    def parse_all(cls, items: Any) -> tuple[Resumed, ...]:
        """Return the jobs that a page describes, but for those of the wrong shape."""
        found: list[Resumed] = []
        for item in items if isinstance(items, list) else []:
            match item:
                # A page of an older version sends no mark.
                case [str(key), str(page_id), list(digests), *rest]:
                    job = cls(
                        callback_key=key,
                        page_id=page_id,
                        input_digests=digests,
                        refreshes=rest == [True],
                    )
                    found.append(job)
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A request that runs a start callback.

    Attributes:
        description: the request as JSON data.
        match: the values of MATCH, by their keys in ids.
        page_id: random id of the page load that sent it; "" if it has none.
        seq: the page numbers its triggers in order; 0 if it has no number.
        resumed: live jobs that the page has resumed after a reload, and later jobs of
            their lanes.
        is_own_result: only the callback's last result has changed its Inputs.
        is_untouched: the user has done nothing on the page since it was loaded.
        location: path and query of the page; None if the page does not tell.
    """

    description: dict[str, Any]
    match: dict[str, Any]
    page_id: str
    seq: int
    resumed: tuple[Resumed, ...]
    is_own_result: bool
    is_untouched: bool
    location: str | None

    @classmethod
    def current(cls, signature: Signature) -> Trigger:
        """Return the trigger of the running callback, which has this signature.

        Raises:
            PreventUpdate: the page's info has the wrong shape, as no page sends it.
                Without a lane, the job would run beside those that it replaces.
        """
        description = internals.describe_trigger()
        # Inputs that are there only to give the callback an id of its own.
        del description["inputs"][len(signature.inputs) :]
        request = callback_request.current()
        origin = None if request is None else request.body.get("longJob")
        if origin is None:
            origin = _NO_PAGE
        elif not _is_origin(origin):
            logger.warning("A trigger is refused: its longJob has the wrong shape.")
            raise PreventUpdate
        return cls(
            description=description,
            match=_match_values(signature, description),
            page_id=origin["page"],
            seq=origin["seq"],
            resumed=Resumed.parse_all(origin.get("resumed")),
            is_own_result=origin.get("ownResult") is True,
            is_untouched=origin.get("untouched") is True,
            location=_location(origin.get("location")),
        )

    @property
    def outputs(self) -> list[Target]:
        """The concrete Outputs."""
        return [
            [item["id"], item["property"].split("@")[0]]
            for item in _flat(self.description["outputs"])
        ]

    def destination(self, view: Any) -> Destination | None:
        """Return the page that gets the result; None if it does not tell its path.

        Args:
            view: id of the component that shows the job.
        """
        if self.location is None:
            return None
        outputs = self.outputs[:MAX_OUTPUTS]
        return Destination(location=self.location, view=view, outputs=outputs)

    @property
    def has_output_list(self) -> bool:
        """Whether there are several Outputs, or one with a wildcard."""
        return isinstance(self.description["outputs"], list)

    def target(self, dependency: DashDependency) -> Target:
        """Return the component id and property of a dependency in this trigger."""
        component_id = dependency.component_id
        if isinstance(component_id, dict):
            component_id = {
                key: self._value(key, value) for key, value in component_id.items()
            }
        return [component_id, dependency.component_property]

    def has_changed(self, component_id: Any, component_property: str) -> bool:
        """Return whether a property has changed. The id may be a pattern."""
        for prop_id in self.description["triggered"]:
            text, _, name = prop_id.rpartition(".")
            if name == component_property and _fits(component_id, text):
                return True
        return False

    def callback_key(self, task: str) -> str:
        """Return the key of the callback's MATCH instance."""
        return f"{task}{json.dumps(self.match, sort_keys=True) if self.match else ''}"

    def input_digests(self, digest: Callable[[str], str]) -> list[str]:
        """Return a digest of the value of every Input, which does not reveal it.

        Args:
            digest: returns the digest of a text.
        """
        return [
            digest(json.dumps(_values(item), sort_keys=True))
            for item in self.description["inputs"]
        ]

    def is_resumed(self, callback_key: str, input_digests: list[str]) -> bool:
        """Return whether the page has resumed a job with the same inputs.

        Args:
            callback_key: of the callback.
            input_digests: from ``input_digests``.
        """
        return self._is_at_load and any(
            self._has_the_inputs_of(job, input_digests)
            for job in self._resumed_in(callback_key)
        )

    @property
    def is_without_event(self) -> bool:
        """Whether only counters have caused it, such as clicks, which count nothing."""
        changed = {*self.description["triggered"]}
        return bool(changed) and all(
            _COUNTER.fullmatch(item["property"]) and not item.get("value")
            for item in _flat(self.description["inputs"])
            if internals.prop_id(item["id"], item["property"]) in changed
        )

    @property
    def _is_at_load(self) -> bool:
        """Whether the load of the page has caused it, and not the user.

        A ``dcc.Location`` sets its properties at load. A ``dcc.Store`` gets the
        browser's data a little later, and other callbacks then set their Outputs.
        """
        names = {name.rpartition(".")[2] for name in self.description["triggered"]}
        by_others = names - _ADDRESS
        return not by_others or (
            self.is_untouched and not any(map(_COUNTER.fullmatch, by_others))
        )

    def _resumed_in(self, callback_key: str) -> list[Resumed]:
        return [job for job in self.resumed if job.callback_key == callback_key]

    def _has_the_inputs_of(self, job: Resumed, now: list[str]) -> bool:
        """Return whether a resumed job has the result that this trigger asks for.

        Counters of events start again with the page, and None is not an input. If only
        counters differ, the page gets an old result again: a job that refreshes that
        one does not count.
        """
        if job.refreshes and self._differs_only(job.input_digests, now, _is_counter):
            return False
        return self._differs_only(job.input_digests, now, _is_unset)

    def _differs_only(
        self,
        before: list[Any],
        now: list[str],
        may_differ: Callable[[dict[str, Any]], bool],
    ) -> bool:
        """Return whether all inputs are as before, except for some that do not matter.

        Args:
            before: digests of those of a job.
            now: digests of those of the page.
            may_differ: whether an input does not matter.
        """
        return len(before) == len(now) and all(
            old == new or all(map(may_differ, _flat(item)))
            for old, new, item in zip(
                before, now, self.description["inputs"], strict=True
            )
        )

    def lane_page_id(self, callback_key: str, retrigger: Retrigger) -> str:
        """Return the id of the page load whose lane the new job enters.

        After a reload, a job that queues behind a resumed one, or that is ignored for
        it, enters the lane of that one. A page replaces a resumed job itself.
        """
        if retrigger in (Retrigger.QUEUE, Retrigger.IGNORE):
            for job in self._resumed_in(callback_key):
                return job.page_id
        return self.page_id

    def lane(
        self,
        callback_key: str,
        page_id: str,
        retrigger: Retrigger,
        owner: str | None = None,
    ) -> Lane | None:
        """Return the lane of a job of this trigger; None if its page is unknown.

        The owner is part of it: a client may send another user's page id.
        """
        if not page_id:
            return None
        # The id may be any text, of any length. JSON escapes what UTF-8 can't encode.
        name = json.dumps([owner, page_id, callback_key]).encode()
        return Lane(
            name=hashlib.sha256(name).hexdigest(), seq=self.seq, retrigger=retrigger
        )

    def _value(self, key: str, value: Any) -> Any:
        if value is MATCH:
            return self.match[key]
        if value is ALLSMALLER:
            return ["ALLSMALLER", self.match[key]]
        return ["ALL"] if value is ALL else value


def _location(value: Any) -> str | None:
    """Return path and query of a page; None for anything else: a link goes there."""
    is_path = isinstance(value, str) and _PATH.match(value)
    return value if is_path and len(value) <= MAX_LOCATION else None


def _is_origin(item: Any) -> bool:
    match item:
        case {"page": str(), "seq": int(seq)}:
            return not isinstance(seq, bool) and 0 <= seq <= MAX_JS_INTEGER
    return False


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
    """Return the value of an Input; for a pattern, each value with its id."""
    if isinstance(item, list):
        return [[part["id"], part.get("value")] for part in item]
    return item.get("value")


def _flat(items: Any) -> list[Any]:
    """Return dependencies as a flat list. Dash sends a single one without a list."""
    if not items:
        return []
    if not isinstance(items, list):
        return [items]
    return [part for item in items for part in _flat(item)]


def _fits(component_id: Any, text: str) -> bool:
    """Return whether an id, as Dash's text, equals ``component_id`` or matches it."""
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

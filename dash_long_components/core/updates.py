"""Updates of properties, and how to merge them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

#: A property value for the page: ``[component id, property, value]``, JSON data only.
PropUpdate = list[Any]


def prop_id(component_id: Any, name: str) -> str:
    """Return ``id.property``, as Dash writes it."""
    if isinstance(component_id, dict):
        component_id = json.dumps(component_id, sort_keys=True, separators=(",", ":"))
    return f"{component_id}.{name}"


def values_of(updates: Iterable[PropUpdate]) -> dict[str, Any]:
    """Return the values of updates, by ``id.property``."""
    return {prop_id(component_id, name): value for component_id, name, value in updates}


def values_in(response: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values in a response of Dash, by ``id.property``."""
    return {
        prop_id(component_id, name): value
        for component_id, properties in response.items()
        for name, value in properties.items()
    }


def is_patch(value: Any) -> bool:
    """Return whether a JSON value is what ``dash.Patch`` becomes on the wire."""
    return isinstance(value, dict) and {"__dash_patch_update", "operations"} <= {*value}


def is_change(component_id: Any, value: Any) -> bool:
    """Tell whether a value changes the one before it, so that none may be skipped.

    For a component id with ALL, a list has one value for each component: perhaps
    Patches.
    """
    if isinstance(value, list) and isinstance(component_id, dict):
        has_all = any(isinstance(part, list) for part in component_id.values())
        return has_all and any(map(is_patch, value))
    return is_patch(value)


def merge(
    old: tuple[tuple[int, PropUpdate], ...], cursor: int, new: list[PropUpdate]
) -> tuple[tuple[int, PropUpdate], ...]:
    """Add updates. A plain value replaces earlier updates of its property.

    A Patch comes after them. Patches of one report for one property become one, so
    that text which is streamed word by word takes little more room than the text.
    """
    merged: dict[int, tuple[int, PropUpdate]] = dict(enumerate(old))
    positions: dict[tuple[str, str], list[int]] = {}
    for position, (_, update) in merged.items():
        positions.setdefault(_target(update), []).append(position)
    for position, update in enumerate(new, len(old)):
        before = positions.setdefault(_target(update), [])
        if not is_change(update[0], update[2]):
            for each in before:
                del merged[each]
            before.clear()
        elif before and merged[before[-1]][0] == cursor:
            joined = _join(merged[before[-1]][1], update)
            if joined is not None:
                merged[before[-1]] = (cursor, joined)
                continue
        merged[position] = (cursor, update)
        before.append(position)
    return tuple(merged.values())


def compact(updates: list[PropUpdate]) -> list[PropUpdate]:
    """Return fewer updates with the same effect."""
    return [update for _, update in merge((), 0, updates)]


def _target(update: PropUpdate) -> tuple[str, str]:
    component_id, name = update[:2]
    is_text = isinstance(component_id, str)
    return component_id if is_text else json.dumps(component_id, sort_keys=True), name


def _join(first: PropUpdate, second: PropUpdate) -> PropUpdate | None:
    """Return one update for two Patches that add text; None for all others.

    Text neither adds components nor removes them. So the second Patch may come before
    the updates between the two.
    """
    texts: list[Any] = []
    for operation in (*_operations(first[2]), *_operations(second[2])):
        match operation:
            case {"operation": "Add", "params": {"value": str(text)}}:
                location = operation["location"]
                if texts and texts[-1]["location"] == location:
                    text = texts.pop()["params"]["value"] + text
                texts.append({**operation, "params": {"value": text}})
            case _:
                return None
    return [*second[:2], {**second[2], "operations": texts}]


def _operations(value: Any) -> list[Any]:
    return value["operations"] if is_patch(value) else [None]

"""The error for a value that Dash can't send, in words for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from dash.exceptions import InvalidCallbackReturnValue

#: How Python's json and orjson name the type of what they can't serialize.
_TYPE = re.compile(
    r"Object of type (\S+) is not JSON|Type is not JSON serializable: (\S+)"
)

#: Where Dash's text says in which components the value is.
_PLACE = re.compile(r"located at\s*\n(.*?),\s*\n\s*and has string", re.DOTALL)

#: What to return instead, by the name of the type.
_INSTEAD = {"DataFrame": 'frame.to_dict("records")', "Series": "series.to_list()"}


@contextmanager
def explained(verb: str) -> Iterator[None]:
    """Say what is not JSON serializable in a value, and in which components it is.

    Dash's own text has the indentation of its code, and names a dict for what the dict
    holds.

    Args:
        verb: what the function did with the value: "returned".

    Raises:
        InvalidCallbackReturnValue: Dash can't send the value.
    """
    try:
        yield
    except InvalidCallbackReturnValue as error:
        if not isinstance(error.__context__, TypeError):
            raise
        text = _text(verb, str(error.__context__), str(error))
        raise InvalidCallbackReturnValue(text) from None


def _text(verb: str, reason: str, text: str) -> str:
    found = _TYPE.search(reason)
    kind = (found[1] or found[2]) if found else ""
    what = f"an object of type {kind}, which" if found else "a value that"
    why = "" if found else f": {reason}"
    place = _PLACE.search(text)
    where = _path(place[1]) if place else ""
    instead = _INSTEAD.get(
        kind, "components, figures, numbers, text, or lists and dicts of these"
    )
    return (
        f"The function {verb} {what} is not JSON serializable{why}."
        + (f" It is in {where}." if where else "")
        + f" {verb.removesuffix('ed').capitalize()} {instead}."
    )


def _path(place: str) -> str:
    """Return the components around a value, from Dash's lines for each."""
    *components, _ = [line.strip().removeprefix("[*] ") for line in place.split("\n")]
    return " > ".join(components)

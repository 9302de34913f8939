"""The owners of jobs: users, as JSON text."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any


class Everyone(Enum):
    """The users of an app, without a choice of one of them."""

    EVERYONE = "everyone"

    def __repr__(self) -> str:
        return "EVERYONE"


#: In place of a user: jobs of any user, or a job that belongs to no user.
EVERYONE = Everyone.EVERYONE


def owner_of(user: Any) -> str | None:
    """Return a user as JSON text; None for ``EVERYONE``.

    A user of None is one: a visitor who is not logged in.

    Raises:
        TypeError: the value is not JSON serializable.
    """
    if user is EVERYONE:
        return None
    try:
        return json.dumps(user, sort_keys=True)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"A user is JSON data, like an id, not an instance of "
            f"{type(user).__name__}."
        ) from error


def user_of(owner: str | None) -> Any:
    """Return the user whom a text of ``owner_of`` names; None if it names none."""
    return None if owner is None else json.loads(owner)

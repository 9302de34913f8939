"""Short texts for people: labels of bars, titles of jobs."""

from __future__ import annotations

#: Characters of such a text that a page shows.
MAX_TEXT = 200


def one_line(value: object) -> str | None:
    """Return a value as one line of text; None if there is nothing to show."""
    text = "" if value is None else " ".join(str(value).split())
    return text[:MAX_TEXT] or None

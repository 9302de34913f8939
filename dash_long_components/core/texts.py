"""Short texts for people: labels of bars, titles of jobs."""

from __future__ import annotations

#: Characters of such a text that a page shows.
MAX_TEXT = 200


def check_unicode(what: str, text: str) -> None:
    """Check that a text can be stored and sent.

    Args:
        what: it is, for the message.
        text: of any characters.

    Raises:
        ValueError: it has a lone surrogate, half of a character.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{what} can't be encoded in UTF-8, because of {text[error.start]!a} at "
            f"position {error.start}: {text[:100]!a}."
        ) from None


def one_line(value: object) -> str | None:
    """Return a value as one line of text; None if there is nothing to show."""
    text = "" if value is None else " ".join(str(value).split())
    return text[:MAX_TEXT] or None

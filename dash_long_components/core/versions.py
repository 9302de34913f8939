"""Documents that another version of this package has written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def from_fields(kind: type[T], fields: Mapping[str, Any]) -> T:
    """Make a dataclass of fields that were read.

    Fields that it does not have come from a newer version and are left out. Missing
    ones come from an older version and get their defaults.

    Raises:
        TypeError: a field without a default is missing.
    """
    known = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return kind(**{name: value for name, value in fields.items() if name in known})

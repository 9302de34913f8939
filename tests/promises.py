"""The bounds of docs/promise.md: what they say, and how a test measures one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PROMISE = Path(__file__).parent.parent / "docs" / "promise.md"

_TERM = re.compile(
    r"(?:(?P<factor>\d+(?:\.\d+)?) × )?(?P<name>[a-z_]+)|(?P<seconds>\d+) s"
)


class Row(NamedTuple):
    """One row of the tables: what happens, the time that it may take, its tests.

    Attributes:
        section: the heading of its table.
    """

    section: str
    event: str
    bound: str
    tests: list[str]


def rows() -> Iterator[Row]:
    """Return the rows of the tables that say what happens."""
    section, is_promise = "", False
    for line in PROMISE.read_text().splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if line.startswith("| what happens"):
            is_promise = True
        elif not line.startswith("|"):
            is_promise = False
        elif is_promise and not line.startswith("| ---"):
            event, outcome, within, tests = line.strip("| ").split(" | ")
            assert outcome
            bound = within.replace("`", "").partition(",")[0]
            yield Row(section, event, bound, re.findall(r"`(test_\w+)`", tests))


def bound_of(test: str, section: str) -> str:
    """Return the bound that a test measures in a section.

    Raises:
        KeyError: no row names it.
    """
    for row in rows():
        if test in row.tests and row.section == section:
            return row.bound
    raise KeyError(f"{test} in {section}")


def seconds_of(bound: str, **values: float) -> float:
    """Return a bound in seconds.

    Args:
        bound: as the page says it, such as ``"2 × timeout + 1 s"``.
        values: the seconds that each of its names is.

    Raises:
        ValueError: it is no bound.
        KeyError: one of its names has no value.
    """
    total = 0.0
    for text in bound.split(" + "):
        term = _TERM.fullmatch(text)
        if term is None:
            raise ValueError(f"{text!r} in {bound!r} is neither seconds nor a name.")
        if term["seconds"]:
            total += float(term["seconds"])
        else:
            total += float(term["factor"] or 1) * values[term["name"]]
    return total


@contextmanager
def promised(
    bound: str, clock: Callable[[], float] = time.monotonic, **values: float
) -> Iterator[None]:
    """Fail if the block takes longer than docs/promise.md says.

    ``test_promise.py`` compares the bound with the row that names the test.

    Args:
        bound: as the page says it, such as ``"2 × timeout + 1 s"``.
        clock: what measures it; a unit test gives its own.
        values: the seconds that each name in the bound is in this test.
    """
    limit = seconds_of(bound, **values)
    start = clock()
    yield
    took = clock() - start
    assert took <= limit, f"It took {took:.2f} s, and {bound} is {limit:.2f} s."

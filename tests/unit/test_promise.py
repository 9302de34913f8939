"""Each row of the promise says a bound and has its test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROMISE = ROOT / "docs" / "promise.md"


def rows() -> list[list[str]]:
    """Return the cells of each row in the tables."""
    if not PROMISE.exists():  # the tests run on a wheel, away from the checkout
        return []
    lines = PROMISE.read_text().splitlines()
    tables = [line for line in lines if line.startswith("| ") and "---" not in line]
    cells = [
        [cell.strip() for cell in line.strip("| ").split(" | ")] for line in tables
    ]
    return [row for row in cells if row[-1] != "test"]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_row_of_the_promise_is_tested(row: list[str]) -> None:
    assert len(row) == 4
    _what, sees, within, tests = row
    assert sees
    assert within
    names = re.findall(r"`(test_\w+)`", tests)
    assert names
    sources = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    for name in names:
        assert any(f"def {name}(" in source for source in sources), name

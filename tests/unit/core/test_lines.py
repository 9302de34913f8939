"""The log of a job has its last lines, and cuts long ones."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from dash_long_components.core.lines import MAX_LENGTH, MAX_LINES, Lines


def test_lines_are_numbered_from_one() -> None:
    lines = Lines()
    lines.add("a", 1.23)
    lines.add("b", 2.0, logging.ERROR)
    assert lines.take() == [[1, "a", 1.2], [2, "b", 2.0, 40]]
    lines.add("c", 3.0)
    assert lines.take() == [[3, "c", 3.0]]
    assert lines.take() == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("one\ntwo\r\nthree\n", ["one", "two", "three"]),
        ("", [""]),
        ("\n", [""]),
        ("a\n\nb", ["a", "", "b"]),
        ("x" * MAX_LENGTH, ["x" * MAX_LENGTH]),
        ("x" * (MAX_LENGTH + 1), ["x" * (MAX_LENGTH - 1) + "…"]),
    ],
)
def test_text_is_split_into_short_lines(text: str, kept: list[str]) -> None:
    lines = Lines()
    lines.add(text, 1.0)
    assert [line[1] for line in lines.take()] == kept


def test_dropped_lines_count() -> None:
    lines = Lines()
    lines.add("\n".join(map(str, range(1000))), 1.0)
    taken = lines.take()
    assert len(taken) == MAX_LINES
    assert taken[-1] == [1000, "999", 1.0]


def test_lines_of_all_threads_are_numbered() -> None:
    lines = Lines()

    def add() -> None:
        for _ in range(20):
            lines.add("x", 1.0)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line[0] for line in lines.take()] == list(range(1, 81))


def test_page_has_as_many_lines_as_the_record() -> None:
    state = Path(__file__).parents[3] / "src" / "engine" / "state" / "runChanges.ts"
    assert f"LOG_LINES = {MAX_LINES};" in state.read_text()

"""The log of a job has its last lines, and cuts long ones."""

from __future__ import annotations

import threading

import pytest

from dash_long_components.core.lines import MAX_LENGTH, MAX_LINES, Lines


def test_lines_are_numbered_from_one() -> None:
    lines = Lines()
    lines.add("a")
    lines.add("b")
    assert lines.take() == [[1, "a"], [2, "b"]]
    lines.add("c")
    assert lines.take() == [[3, "c"]]
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
    lines.add(text)
    assert [line[1] for line in lines.take()] == kept


def test_dropped_lines_count() -> None:
    lines = Lines()
    lines.add("\n".join(map(str, range(1000))))
    taken = lines.take()
    assert len(taken) == MAX_LINES
    assert taken[-1] == [1000, "999"]


def test_lines_of_all_threads_are_numbered() -> None:
    lines = Lines()

    def add() -> None:
        for _ in range(20):
            lines.add("x")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line[0] for line in lines.take()] == list(range(1, 81))

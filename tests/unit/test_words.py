"""Words that are no longer in use stay away, so that each idea has one word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dash_long_components

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(dash_long_components.__file__).parent

#: Retired names, and the words of docs/architecture.md that took their place.
RETIRED = {
    "asker": "requester",
    "attendance": "presence",
    "crew": "worker slots",
    "doorbell": "wakeup",
    "echoes": "own results",
    "flights": "single flight",
    "overseer": "limits",
    "patience": "probe_after, hint_after or full_timeout",
    "promptly": "call_with_timeout",
    "roster": "process registry",
    "shelf": "backend",
    "shelves": "backends",
    "stray": "orphan",
    "weather": "network",
}

#: Words that people rarely say: plain English has others.
NOT_PLAIN = {"anew", "nobody", "somebody", "stands", "whoever"}
#: A test name that begins so is a clause, not a sentence.
NOT_IN_TEST_NAMES = re.compile(r"def test_(?:who|what|whatever|whoever|those)_")

MORE = ("benchmarks", "examples", "gallery")
DOCUMENTS = [
    *(ROOT / "benchmarks").glob("*.md"),
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs").glob("*.yaml"),
]
#: Built by npm, from src.
GENERATED_NAMES = ("LongJob", "LongJobButton", "LongJobTray", "_imports_")
GENERATED = {PACKAGE / f"{name}.py" for name in GENERATED_NAMES}
CODE = [
    *{*PACKAGE.rglob("*.py")} - GENERATED,
    *PACKAGE.glob("*.css"),
    *ROOT.glob("*.py"),
    *(ROOT / "docs").rglob("*.py"),
    *(ROOT / "src").rglob("*.ts*"),
    *{*(ROOT / "tests").rglob("*.py")} - {Path(__file__)},
    *(path for name in MORE for path in (ROOT / name).rglob("*.py")),
]


def uses(word: str, paths: list[Path]) -> list[str]:
    """Return the files that have a word, also as a part of a name."""
    name = rf"(?<![a-z]){word}|(?<=[a-z]){word.title()}|\b{word.title()}"
    pattern = re.compile(rf"(?:{name})(?:e?s)?(?![a-z])")
    return [path.name for path in paths if pattern.search(text_of(path))]


def text_of(path: Path) -> str:
    """Return a file's text, of a document without code: a test has its own name."""
    text = path.read_text()
    return re.sub(r"`[^`]*`", "", text) if path.suffix == ".md" else text


@pytest.mark.parametrize("word", RETIRED)
def test_retired_word_is_not_used(word: str) -> None:
    assert not uses(word, [*CODE, *DOCUMENTS]), f"the word is {RETIRED[word]}"


@pytest.mark.parametrize("word", sorted(NOT_PLAIN))
def test_everything_is_in_plain_english(word: str) -> None:
    assert not uses(word, [*CODE, *DOCUMENTS])


def test_all_texts_are_looked_at() -> None:
    looked_at = {path.name for path in [*CODE, *DOCUMENTS]}
    texts = {"endpoints.yaml", "SECURITY.md", "usage.py", "conf.py", "frame.py"}
    assert looked_at > {*texts, "dash_long_components.css", "store.py", "engine.ts"}


def test_test_names_are_sentences() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        assert not NOT_IN_TEST_NAMES.search(path.read_text()), path


@pytest.mark.parametrize("text", ["crews = 1", "class Crew:", "taskCrew", "the_crew"])
def test_words_are_found_in_names(text: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(text)
    assert uses("crew", [path])
    path.write_text("screw = 1")
    assert not uses("crew", [path])

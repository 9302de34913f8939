"""The architecture page has the layers, words and statuses of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dash_long_components
from dash_long_components.core.status import Status
from tests.unit.test_import_rules import MAY_IMPORT

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PACKAGE = Path(dash_long_components.__file__).parent
CODE = [*PACKAGE.rglob("*.py"), *(ROOT / "src").rglob("*.ts*")]

#: Every layer may import these.
COMMON = {"exceptions"}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def path_of(link: str) -> Path:
    """Return the file of a link. The package may be installed elsewhere."""
    inside = link.removeprefix("../dash_long_components/")
    return PACKAGE / inside if inside != link else ROOT / "docs" / link


WORDS = [word.strip("`") for row in rows("Words") for word in row[0].split(", ")]


@pytest.mark.parametrize("row", rows("Layers"), ids=lambda row: row[0])
def test_layer_may_import_what_the_rules_say(row: list[str]) -> None:
    layer, _, imports = row
    (name,) = names(layer)
    modules = {imported for imported in MAY_IMPORT[name] if imported.islower()}
    assert names(imports) == modules - COMMON


def test_layers_are_those_of_the_rules() -> None:
    layers = {name for row in rows("Layers") for name in names(row[0])}
    assert layers == MAY_IMPORT.keys() - COMMON - {"managers"}


def test_statuses_are_those_of_the_code() -> None:
    (meaning,) = (row[1] for row in rows("Words") if row[0] == "status")
    assert names(meaning) == {status.value for status in Status}


@pytest.mark.parametrize("word", WORDS)
def test_word_is_used_in_the_code(word: str) -> None:
    pattern = re.compile(word.replace(" ", "[ _\n]*"), re.IGNORECASE)
    assert any(pattern.search(path.read_text()) for path in CODE)


def test_words_are_listed_once() -> None:
    assert len(set(WORDS)) == len(WORDS)


@pytest.mark.parametrize("row", rows("Where to change what"), ids=lambda row: row[0])
def test_name_of_a_change_is_in_a_file_of_its_row(row: list[str]) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", row[1])
    paths = [path_of(link) for link in links]
    assert paths
    assert all(path.exists() for path in paths)
    texts = [path.read_text() for path in paths if path.is_file()]
    # A link in backticks is the name of its file.
    for name in names(re.sub(r"\[`[^]]*`\]", "", row[1])):
        word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        assert any(map(word.search, texts)), name


def test_functions_that_go_down_a_layer_are_listed() -> None:
    called = {
        (name, ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
        for path in PACKAGE.rglob("*.py")
        for name in re.findall(r"^(\w+_with)\(", path.read_text(), re.MULTILINE)
    }
    table = PAGE.split("passes a function down on import:\n\n", 1)[1].split("\n\n")[0]
    listed = {
        (name, names(cells[1]).pop())
        for cells in (line.strip("| ").split(" | ") for line in table.splitlines()[2:])
        for name in names(cells[0])
    }
    assert listed == called

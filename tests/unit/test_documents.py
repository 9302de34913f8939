"""The documents link to files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dash_long_components

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(dash_long_components.__file__).parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def links(document: Path) -> list[str]:
    """Return the relative links of a document, without their anchors."""
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text())
    return [target for target in targets if "://" not in target]


def exists(path: Path) -> bool:
    """Return whether a file is there. A wheel has the package in another place."""
    inside = path.resolve().relative_to(ROOT)
    if inside.parts[:1] == (PACKAGE.name,):
        return PACKAGE.joinpath(*inside.parts[1:]).exists()
    return path.exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    missing = [name for name in links(document) if not exists(document.parent / name)]
    assert not missing

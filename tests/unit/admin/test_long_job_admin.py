"""The component of operators: its texts, and what it needs."""

from __future__ import annotations

import re
import sys

import pytest

from dash_long_components import LongJobAdmin
from dash_long_components.admin.words import WORDS, words_of
from dash_long_components.core.status import Status
from dash_long_components.web.labels import LANGUAGES
from tests.conftest import ROOT

TEXTS = ROOT / "src" / "views" / "texts"
ENGLISH = (TEXTS / "labels.ts").read_text()
TRANSLATIONS = (TEXTS / "translations.ts").read_text()


def placeholders(text: str) -> list[str]:
    return re.findall(r"\{\w+\}", text)


def test_texts_are_in_all_languages_of_the_components() -> None:
    assert tuple(WORDS) == LANGUAGES
    for words in WORDS.values():
        assert {name: placeholders(text) for name, text in words.items()} == {
            name: placeholders(text) for name, text in WORDS["en"].items()
        }


def texts_of_the_other_components(language: str) -> str:
    if language == "en":
        return ENGLISH
    return TRANSLATIONS.split(f"\n    {language}: {{\n", 1)[1].split("\n    },", 1)[0]


@pytest.mark.parametrize("language", WORDS)
def test_statuses_are_called_as_in_the_other_components(language: str) -> None:
    block = texts_of_the_other_components(language)
    for status in Status:
        assert f" {status.value}: '{WORDS[language][status.value]}'" in block


def test_app_chooses_language_and_texts() -> None:
    assert words_of("de-AT")["cancel"] == "Abbrechen"
    own = words_of({"locale": "fr", "jobs": "Calculs"})
    assert (own["jobs"], own["cancel"]) == ("Calculs", "Annuler")
    with pytest.raises(ValueError, match="no language 'it': it takes en, de"):
        words_of("it")
    with pytest.raises(ValueError, match="no text 'job_s'"):
        words_of({"job_s": "x"})


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dash_ag_grid", None)
    with pytest.raises(ImportError, match=r'pip install "dash-long-components\[admin'):
        LongJobAdmin()

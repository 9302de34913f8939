"""The unit tests that a change touches."""

from __future__ import annotations

from tests.packaging.touched import ROOT, touched


def names(*paths: str) -> set[str]:
    return {str(path.relative_to(ROOT)) for path in touched(set(paths))}


def test_change_touches_the_tests_of_its_folder_and_of_what_imports_it() -> None:
    found = names("dash_long_components/managers/store/slots.py")
    assert "tests/unit/managers/store/test_database.py" in found
    assert "tests/unit/managers/diskcache/dispatcher/test_dispatcher.py" in found
    assert "tests/unit/web/test_routes.py" not in found


def test_changed_test_is_touched() -> None:
    assert "tests/unit/core/test_lanes.py" in names("tests/unit/core/test_lanes.py")


def test_every_change_touches_what_looks_at_the_whole_package() -> None:
    found = names("docs/caching.md")
    assert "tests/unit/test_words.py" in found
    assert all(path.count("/") == 2 for path in found)


def test_change_of_what_all_share_touches_all() -> None:
    assert names("tests/conftest.py") > names("dash_long_components/core/lanes.py")

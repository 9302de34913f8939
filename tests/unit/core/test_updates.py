"""Merged updates lead to the same page as all of them."""

from __future__ import annotations

from typing import Any

from dash import Patch
from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.bridge.internals import to_json_data
from dash_long_components.core.updates import PropUpdate, compact, is_patch, merge


def adding(text: str) -> Any:
    patch = Patch()
    patch += text
    return to_json_data(patch)


def setting(key: str, value: Any) -> Any:
    patch = Patch()
    patch[key] = value
    return to_json_data(patch)


def applied(updates: list[PropUpdate], page: dict[str, Any]) -> dict[str, Any]:
    """Return the text on a page after updates, as the page itself comes to it."""
    page = dict(page)
    for component_id, name, value in updates:
        key = f"{component_id}.{name}"
        if not is_patch(value):
            page[key] = value
            continue
        for operation in value["operations"]:
            match operation["operation"]:
                case "Add":
                    page[key] += operation["params"]["value"]
                case "Assign":
                    page[key] += f"[{operation['location']}]"
    return page


def test_words_of_one_report_become_one_text() -> None:
    words = [["text", "children", adding(f"{n} ")] for n in range(100)]
    merged = merge((), 1, [["text", "children", ""], *words])
    assert len(merged) == 2
    text = "".join(f"{n} " for n in range(100))
    assert merged[1] == (1, ["text", "children", adding(text)])


def test_words_of_two_texts_become_two() -> None:
    merged = merge((), 1, [[{"i": n % 2}, "children", adding("x")] for n in range(100)])
    assert [update[2] for _, update in merged] == [adding("x" * 50)] * 2


def test_words_of_another_report_stay_apart() -> None:
    merged = merge((), 1, [["a", "b", adding("x")]])
    merged = merge(merged, 2, [["a", "b", adding("y")]])
    assert [cursor for cursor, _ in merged] == [1, 2]


def test_other_patches_stay_in_their_order() -> None:
    updates = [["a", "b", setting("k", n)] for n in range(3)]
    assert [update for _, update in merge((), 1, updates)] == updates


def test_dict_that_resembles_a_patch_is_a_value() -> None:
    value = {"__dash_patch_update": "no operations"}
    assert merge((), 1, [["a", "b", adding("x")], ["a", "b", value]]) == (
        (1, ["a", "b", value]),
    )


IDS = st.sampled_from(["a", "b"])
VALUES = st.one_of(
    st.text("xyz", max_size=2),
    st.builds(adding, st.text("xyz", max_size=2)),
    st.builds(setting, st.sampled_from("kl"), st.integers(0, 3)),
)
UPDATES = st.lists(st.tuples(IDS, st.sampled_from("pq"), VALUES).map(list), max_size=8)
PAGE = {f"{name}.{prop}": "" for name in "ab" for prop in "pq"}


@given(updates=UPDATES, more=UPDATES)
def test_compact_updates_lead_to_the_same_page(
    updates: list[PropUpdate], more: list[PropUpdate]
) -> None:
    fewer = compact([*compact(updates), *more])
    assert len(fewer) <= len(updates) + len(more)
    assert applied(fewer, PAGE) == applied([*updates, *more], PAGE)


@given(reports=st.lists(UPDATES, max_size=5), since=st.integers(0, 5))
def test_every_reader_gets_the_same_page(
    reports: list[list[PropUpdate]], since: int
) -> None:
    merged: tuple[tuple[int, PropUpdate], ...] = ()
    page = PAGE
    for cursor, updates in enumerate(reports, 1):
        merged = merge(merged, cursor, updates)
        page = applied(updates, page)
    assert applied([update for _, update in merged], PAGE) == page
    # A reader that was there before gets what came after.
    seen = PAGE
    for updates in reports[:since]:
        seen = applied(updates, seen)
    later = [update for at, update in merged if at > since]
    assert applied(later, seen) == page


def test_list_with_patches_for_the_components_of_a_pattern_is_never_skipped() -> None:
    everything, one = {"i": ["ALL"]}, {"i": 1}
    lists: list[PropUpdate] = [
        [everything, "children", [adding(text), None]] for text in "ab"
    ]
    assert compact(lists) == lists
    # The list itself is the value of one component.
    values: list[PropUpdate] = [
        [one, "children", [adding(text), None]] for text in "ab"
    ]
    assert compact(values) == values[1:]
    plain: list[PropUpdate] = [[everything, "children", [text, text]] for text in "ab"]
    assert compact(plain) == plain[1:]

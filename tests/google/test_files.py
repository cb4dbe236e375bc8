"""Queries and properties, before they reach Drive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheets_catalog.errors import InputError
from sheets_catalog.google.files import check_properties, property_changes, query, text_in_query


def test_a_query_of_every_condition() -> None:
    assert query(
        app_properties={"op": "a'b", "j": "1"}, parent="0123456789ab", mime_type="text/plain", name="O'Neill \\ co"
    ) == (
        "appProperties has { key='op' and value='a\\'b' } and appProperties has { key='j' and value='1' } "
        "and '0123456789ab' in parents and mimeType = 'text/plain' and name = 'O\\'Neill \\\\ co' and trashed = false"
    )
    assert query(trashed=None) == ""
    assert query(parent="root", trashed=True) == "'root' in parents and trashed = true"


@settings(deadline=None)
@given(st.text())
def test_no_text_can_leave_its_quotes(text) -> None:
    inside = text_in_query(text)[1:-1]
    plain, at = "", 0
    while at < len(inside):
        assert inside[at] != "'"
        at += inside[at] == "\\"
        plain += inside[at]
        at += 1
    assert plain == text


@pytest.mark.parametrize("file_id", ["", "short", "a/../b0123456789", "x' or trashed=true or '", "0123456789\n"])
def test_what_cannot_be_an_id_gets_into_no_query(file_id) -> None:
    with pytest.raises(InputError):
        query(parent=file_id or "'")


def test_property_limits_count_bytes_of_key_and_value() -> None:
    check_properties({"k0": "x" * 122, "k1": "ä" * 61, "k2": None})
    for changes in ({"k0": "x" * 123}, {"k1": "ä" * 62}, {"": "x"}, {"x" * 125: None}):
        with pytest.raises(InputError, match="124"):
            check_properties(changes)
    with pytest.raises(InputError, match="at most 30"):
        check_properties({f"k{n}": "1" for n in range(31)})


def test_removing_is_null() -> None:
    assert property_changes({"a": "1", "b": None}) == [
        {"key": "a", "value": "1", "visibility": "PRIVATE"},
        {"key": "b", "value": None, "visibility": "PRIVATE"},
    ]

"""Range names: A1, R1C1, open ends, titles and named ranges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.sandbox.sheets.ranges import (
    Area,
    UnknownRange,
    a1,
    column_index,
    column_name,
    quoted_title,
    resolve,
)

TITLES = {"sheet1": 0, "my sheet": 7, "it's": 8, "a1": 9, "🌵 stock": 10}
NAMED = {"prices": Area(7, 1, 5, 2, 3), "sheet1": Area(7, 0, 1, 0, 1)}


def read(text, named=None):
    return resolve(text, lambda title: TITLES.get(title.lower()), lambda name: (named or {}).get(name.lower()), 0)


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("A1", Area(0, 0, 1, 0, 1)),
        ("$B$3", Area(0, 2, 3, 1, 2)),
        ("Sheet1!A1:B2", Area(0, 0, 2, 0, 2)),
        ("sheet1!b2:a1", Area(0, 0, 2, 0, 2)),
        ("Sheet1!A:C", Area(0, 0, None, 0, 3)),
        ("Sheet1!2:3", Area(0, 1, 3, 0, None)),
        ("Sheet1!A5:A", Area(0, 4, None, 0, 1)),
        ("Sheet1!A1:1", Area(0, 0, 1, 0, None)),
        ("'My Sheet'!C4", Area(7, 3, 4, 2, 3)),
        ("'It''s'!A1", Area(8, 0, 1, 0, 1)),
        ("🌵 stock!A1", Area(10, 0, 1, 0, 1)),
        ("'a1'", Area(9)),
        ("A1!B2", Area(9, 1, 2, 1, 2)),
        ("My Sheet", Area(7)),
        ("Sheet1!R2C3:R4C5", Area(0, 1, 4, 2, 5)),
        ("R1C1", Area(0, 0, 1, 0, 1)),
        ("R[1]C[2]", Area(0, 1, 2, 2, 3)),
    ],
)
def test_range_texts_mean_what_the_guide_says(text, area):
    assert read(text) == area


def test_a_named_range_wins_over_a_sheet_of_that_name_unless_quoted():
    assert read("Sheet1", NAMED) == NAMED["sheet1"]
    assert read("'Sheet1'", NAMED) == Area(0)
    assert read("prices", NAMED) == NAMED["prices"]
    assert read("'My Sheet'!prices", NAMED) == NAMED["prices"]
    with pytest.raises(UnknownRange):
        read("Sheet1!prices", NAMED)


@pytest.mark.parametrize(
    "text", ["", "Nowhere!A1", "A0", "A", "A1:B2:C3", "Sheet1!", "'Sheet1", "Sheet1!A1:", "AAAA1", "R0C1"]
)
def test_everything_else_is_refused(text):
    with pytest.raises(UnknownRange):
        read(text)


@pytest.mark.parametrize(
    ("title", "quoted"),
    [("Sales", "Sales"), ("Sheet_1", "Sheet_1"), ("x.y", "x.y"), ("TRUE", "TRUE"), ("Probe Tab", "'Probe Tab'"),
     ("A1", "'A1'"), ("ABC1234", "'ABC1234'"), ("R1C1", "'R1C1'"), ("2026", "'2026'"), ("Ünï", "'Ünï'"), ("It's", "'It''s'")],
)  # fmt: skip
def test_titles_are_quoted_where_google_quotes_them(title, quoted):
    assert quoted_title(title) == quoted


def test_column_names_at_the_borders():
    assert [column_name(index) for index in (0, 25, 26, 701, 702, 18_277)] == ["A", "Z", "AA", "ZZ", "AAA", "ZZZ"]


@given(st.integers(0, 18_277))
def test_column_names_round_trip(index):
    assert column_index(column_name(index)) == index


@given(
    st.sampled_from(["Sheet1", "My sheet", "It's", "A1", "🌵 stock"]),
    st.integers(0, 10**6),
    st.integers(1, 10**5),
    st.integers(0, 18_000),
    st.integers(1, 200),
)
def test_names_of_areas_round_trip(title, top, height, left, width):
    area = Area(TITLES[title.lower()], top, top + height, left, left + width)
    assert read(a1(title, area)) == area


@given(st.integers(0, 1000), st.integers(0, 50))
def test_open_areas_round_trip(top, left):
    for area in (Area(0, top, None, left, left + 2), Area(0, top, top + 2, left, None)):
        assert read(a1("Sheet1", area)) == area

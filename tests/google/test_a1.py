from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheets_catalog.errors import InputError
from sheets_catalog.google.a1 import LAST_COLUMN, Area, a1, area_of, column_letters, column_number


@pytest.mark.parametrize(
    ("number", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (702, "ZZ"), (703, "AAA"), (18278, "ZZZ")]
)
def test_columns(number, letters) -> None:
    assert column_letters(number) == letters
    assert column_number(letters) == number
    assert column_number(letters.lower()) == number


def test_every_column_has_its_own_letters() -> None:
    assert [column_number(column_letters(n)) for n in range(1, LAST_COLUMN + 1)] == [*range(1, LAST_COLUMN + 1)]


@pytest.mark.parametrize("number", [0, -1, LAST_COLUMN + 1])
def test_no_such_column(number) -> None:
    with pytest.raises(InputError, match="column"):
        column_letters(number)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("Products", 2, 1, 9, 3), "'Products'!A2:C9"),
        (("Products", 2, 1), "'Products'!A2"),
        (("Products",), "'Products'"),
        (("Products", 2, 1, None, 3), "'Products'!A2:C"),
        (("Products", None, 1, None, 3), "'Products'!A:C"),
        (("Products", 2, None, 9), "'Products'!2:9"),
        (("It's", 1, 1), "'It''s'!A1"),
        (("A1", 1, 1), "'A1'!A1"),
        (("a!b", 1, 1), "'a!b'!A1"),
        (("", 2, 1, 9, 3), "A2:C9"),
    ],
)
def test_ranges(arguments, text) -> None:
    assert a1(*arguments) == text


def test_a_row_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="row 0"):
        a1("Products", 0, 1)


@pytest.mark.parametrize(
    "text", ["", "!A1", "'Open!A1", "A0", "AAAA1", "A1:B2:C3", "Products!", "R1C1x", "'T'!", "A 1"]
)
def test_what_is_no_range_is_refused(text) -> None:
    with pytest.raises(InputError, match="range"):
        area_of(text)


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("A1", Area("", 1, 1, 1, 1)),
        ("$A$1:$B2", Area("", 1, 1, 2, 2)),
        ("Sheet1!A:C", Area("Sheet1", None, 1, None, 3)),
        ("Sheet 1!2:3", Area("Sheet 1", 2, None, 3, None)),
        ("'a!''b'!A2:C", Area("a!'b", 2, 1, None, 3)),
        ("'only tab'", Area("only tab")),
    ],
)
def test_reading_a_range(text, area) -> None:
    assert area_of(text) == area


titles = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@settings(deadline=None)
@given(titles, st.integers(1, 9999), st.integers(1, 700), st.integers(0, 99), st.integers(0, 99))
def test_a_range_says_what_it_was_made_of(tab, row, column, rows, columns) -> None:
    area = area_of(a1(tab, row, column, row + rows, column + columns))
    assert area == Area(tab, row, column, row + rows, column + columns)
    assert (area.height, area.width) == (rows + 1, columns + 1)
    assert area_of(a1(tab)) == Area(tab)

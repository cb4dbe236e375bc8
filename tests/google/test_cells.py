"""Cells on the way out and in: nothing is lost, nothing is guessed."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheets_catalog.errors import InputError
from sheets_catalog.google.a1 import Area, area_of
from sheets_catalog.google.cells import LARGEST_BODY, cell_data, padded, write_bodies


def test_decimals_are_written_digit_for_digit_and_blank_is_not_skipped() -> None:
    (body,) = write_bodies([("'T'!A1:F1", [[Decimal("19.90"), Decimal("0.1"), None, "", True, "=1+1"]])])
    assert body == (
        b'{"valueInputOption":"RAW","data":[{"range":"\'T\'!A1:F1","majorDimension":"ROWS",'
        b'"values":[[19.90,0.1,null,"",true,"=1+1"]]}]}'
    )


@pytest.mark.parametrize(
    "cell",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("-Infinity"),
        2**53 + 1,
        -(2**60),
        date(2026, 1, 1),
        ["x"],
        b"x",
    ],
)
def test_what_a_sheet_cannot_keep_is_refused_by_its_place(cell) -> None:
    with pytest.raises(InputError, match=r"'T'!C6"):
        list(write_bodies([("'T'!B5:D9", [["fine"], ["fine", cell]])]))


def test_a_text_longer_than_a_cell_is_refused() -> None:
    assert list(write_bodies([("A1", [["x" * 50_000]])]))
    with pytest.raises(InputError, match="50,001 characters"):
        list(write_bodies([("A1", [["x" * 50_001]])]))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InputError, match="Unicode"):
        list(write_bodies([("A1", [["\ud800"]])]))


def test_nothing_to_write_sends_nothing() -> None:
    assert list(write_bodies([])) == []


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 50), st.integers(1, 5), st.lists(st.text("äx'\"\\", max_size=60), min_size=1, max_size=30)
        ),
        max_size=12,
    ),
    st.integers(400, 3000),
)
def test_cut_into_requests_each_value_stays_in_its_cell(writes, largest) -> None:
    expected = {}
    asked = []
    for number, (row, column, values) in enumerate(writes):
        area = Area(f"t{number}", row, column, row + len(values) - 1, column)
        asked.append(
            (f"'t{number}'!{chr(64 + column)}{row}:{chr(64 + column)}{row + len(values) - 1}", [[v] for v in values])
        )
        expected |= {(area.tab, row + n, column): value for n, value in enumerate(values)}
    found = {}
    for body in write_bodies(asked, largest=largest):
        data = json.loads(body)["data"]
        assert len(body) <= largest or (len(data) == 1 and len(data[0]["values"]) == 1)
        for each in data:
            area = area_of(each["range"])
            assert area.height == len(each["values"])
            found |= {(area.tab, area.row + n, area.column): row[0] for n, row in enumerate(each["values"])}
    assert found == expected


def test_a_large_range_is_cut_between_rows() -> None:
    rows = [[f"{n:06}" + "x" * 500, n] for n in range(10_000)]
    bodies = list(write_bodies([("'Products'!A2:B10001", rows)]))
    assert len(bodies) > 2
    assert all(len(body) <= LARGEST_BODY for body in bodies)
    ranges = [area_of(each["range"]) for body in bodies for each in json.loads(body)["data"]]
    assert ranges[0].row == 2
    assert ranges[-1].row2 == 10_001
    assert [area.row for area in ranges[1:]] == [area.row2 + 1 for area in ranges[:-1]]
    assert [row for body in bodies for each in json.loads(body)["data"] for row in each["values"]] == rows


def test_cells_to_append_are_typed_and_never_parsed() -> None:
    assert [cell_data(each) for each in ("=1", 1.5, True, "", None, Decimal("2.50"))] == [
        {"userEnteredValue": {"stringValue": "=1"}},
        {"userEnteredValue": {"numberValue": 1.5}},
        {"userEnteredValue": {"boolValue": True}},
        {},
        {},
        {"userEnteredValue": {"numberValue": Decimal("2.50")}},
    ]


@pytest.mark.parametrize(
    ("text", "by_columns", "lines", "full"),
    [
        ("A1:C2", False, [[1]], [[1, "", ""], ["", "", ""]]),
        ("A1:C2", True, [[1]], [[1, ""], ["", ""], ["", ""]]),
        ("A1:C", False, [[1], [], [2, 3, 4]], [[1, "", ""], ["", "", ""], [2, 3, 4]]),
        ("A2:3", False, [["x", "y"]], [["x", "y"], []]),
        ("'T'", False, [["x"], ["y", "z"]], [["x"], ["y", "z"]]),
        ("B2", False, [], [[""]]),
    ],
)
def test_ragged_rows_become_rectangles(text, by_columns, lines, full) -> None:
    assert padded(lines, area_of(text), by_columns=by_columns) == full

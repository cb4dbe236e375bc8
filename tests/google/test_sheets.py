"""Spreadsheets over real HTTP: rectangles out, absolute values in."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sheets_catalog import errors
from sheets_catalog.google.a1 import Area, a1
from sheets_catalog.google.sheets import InspectedCell, Spreadsheets


@pytest.fixture
def sheets(transport) -> Spreadsheets:
    return Spreadsheets(transport)


@pytest.fixture
def sheet(sheets) -> str:
    return sheets.create("catalogue", ["Products", "It's \u201cquoted\u201d!"])


def test_info_tells_the_tabs(sheets, sheet) -> None:
    info = sheets.info(sheet)
    assert (info.id, info.title) == (sheet, "catalogue")
    assert info.locale
    assert info.time_zone
    assert list(info.tabs) == ["Products", "It's \u201cquoted\u201d!"]
    tab = info.tab("Products")
    assert (tab.index, tab.row_count, tab.column_count, tab.kind) == (0, 1000, 26, "GRID")
    assert (tab.hidden, tab.filtered, tab.merges, tab.protections) == (False, False, (), ())
    with pytest.raises(errors.InputError, match="Products"):
        info.tab("products")


def test_info_tells_merges_protection_and_filters(sheets, sheet) -> None:
    tab = sheets.info(sheet).tab("Products")
    area = {"sheetId": tab.sheet_id, "startRowIndex": 1, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 2}
    head = {"sheetId": tab.sheet_id, "startRowIndex": 0, "endRowIndex": 1}
    sheets.batch_update(
        sheet,
        [
            {"mergeCells": {"range": area, "mergeType": "MERGE_ALL"}},
            {"addProtectedRange": {"protectedRange": {"range": head, "description": "head", "warningOnly": True}}},
            {"setBasicFilter": {"filter": {"range": {"sheetId": tab.sheet_id}}}},
            {
                "updateSheetProperties": {
                    "properties": {"sheetId": tab.sheet_id, "gridProperties": {"frozenRowCount": 1}},
                    "fields": "gridProperties.frozenRowCount",
                }
            },
        ],
        safety="once",
    )
    tab = sheets.info(sheet).tab("Products")
    assert tab.merges == (Area("Products", 2, 1, 3, 2),)
    assert [(each.area, each.description, each.warning_only) for each in tab.protections] == [
        (Area("Products", 1, None, 1, None), "head", True)
    ]
    assert tab.filtered
    assert tab.frozen_rows == 1


def test_values_come_back_as_they_were_written(sheets, sheet) -> None:
    tab = "It's \u201cquoted\u201d!"
    rows = [
        ["00123", "1E5", "=1+1", "'quote", "1,5"],
        [1299.5, Decimal("19.90"), True, False, -3],
        ["\u00e4\n\u5b57", "", "x", "2026-01-01", "TRUE"],
    ]
    assert sheets.write_ranges(sheet, [(a1(tab, 2, 1, 4, 5), rows)]) == 15
    (found,) = sheets.read_ranges(sheet, [a1(tab, 2, 1, 4, 5)])
    assert found == [
        ["00123", "1E5", "=1+1", "'quote", "1,5"],
        [1299.5, 19.9, True, False, -3],
        ["\u00e4\n\u5b57", "", "x", "2026-01-01", "TRUE"],
    ]


def test_none_leaves_alone_and_blank_empties(sheets, sheet) -> None:
    sheets.write_ranges(sheet, [("'Products'!A1:C1", [["a", "b", "c"]])])
    sheets.write_ranges(sheet, [("'Products'!A1:C1", [[None, "", "new"]])])
    assert sheets.read_ranges(sheet, ["'Products'!A1:C1"]) == [[["a", "", "new"]]]


def test_a_thousand_ranges_in_one_call_each_full_to_the_right(sheets, sheet, control) -> None:
    sheets.write_ranges(
        sheet, [("'Products'!A1:C1000", [[f"r{n}", n if n % 2 else None, None] for n in range(1, 1001)])]
    )
    control.forget()
    ranges = [a1("Products", n, 1, n, 3) for n in range(1, 1001)]
    found = sheets.read_ranges(sheet, ranges)
    assert found == [[[f"r{n}", n if n % 2 else "", ""]] for n in range(1, 1001)]
    (call,) = control.requests()
    assert call["method"] == "POST"  # the address would be far longer than 2,048 characters
    found = sheets.read_ranges(sheet, ranges + ranges[:5])
    assert len(found) == 1005
    assert len(control.requests()) == 3


def test_ranges_by_columns_and_as_formulas(sheets, sheet) -> None:
    cell = {"userEnteredValue": {"formulaValue": "=1+1"}}
    tab = sheets.info(sheet).tab("Products")
    where = {"sheetId": tab.sheet_id, "rowIndex": 0, "columnIndex": 0}
    sheets.batch_update(
        sheet,
        [{"updateCells": {"rows": [{"values": [cell]}], "fields": "userEnteredValue", "start": where}}],
        safety="repeatable",
    )
    sheets.write_ranges(sheet, [("'Products'!A2:B2", [["x", "y"]])])
    assert sheets.read_ranges(sheet, ["'Products'!A1:C2"], major="COLUMNS") == [[[2, "x"], ["", "y"], ["", ""]]]
    assert sheets.read_ranges(sheet, ["'Products'!A1:B1"], render="FORMULA") == [[["=1+1", ""]]]
    assert sheets.read_ranges(sheet, ["'Products'!A1:B1"], render="FORMATTED_VALUE") == [[["2", ""]]]


def test_rows_are_read_in_chunks_without_holes(sheets, sheet, control) -> None:
    tab = sheets.info(sheet).tab("Products")
    rows = {1: ["head", "of"], 3: ["three"], 25: ["after", "a", "gap"], 26: [7]}
    sheets.write_ranges(sheet, [(a1("Products", n, 1, n, len(row)), [row]) for n, row in rows.items()])
    control.forget()
    chunks = list(sheets.read_rows(sheet, tab, chunk=10))
    assert all(len(chunk) <= 10 for chunk in chunks)
    together = [row for chunk in chunks for row in chunk]
    assert together == [rows.get(n, []) for n in range(1, 27)]
    assert len(control.requests()) == tab.row_count / 10
    assert [row for chunk in sheets.read_rows(sheet, "Products", first_row=25) for row in chunk] == [rows[25], rows[26]]
    assert next(sheets.read_rows(sheet, tab, columns=(2, 2), chunk=1000))[0] == ["of"]
    assert list(sheets.read_rows(sheet, sheets.info(sheet).tabs["It's \u201cquoted\u201d!"])) == []


def test_only_rows_that_exist_are_asked_for(sheets, sheet, control) -> None:
    tab = sheets.add_tab(sheet, "small", sheet_id=12, rows=12, columns=2)
    sheets.write_ranges(sheet, [("'small'!A1:B12", [[n, n] for n in range(12)])])
    control.forget()
    chunks = list(sheets.read_rows(sheet, tab, chunk=10))
    assert [len(chunk) for chunk in chunks] == [10, 2]
    assert list(sheets.read_rows(sheet, tab, first_row=13)) == []
    assert len(control.requests()) == 2


def test_a_large_write_goes_in_several_requests(sheets, sheet, control) -> None:
    rows = [["x" * 4_000, n] for n in range(1000)]
    control.forget()
    assert sheets.write_ranges(sheet, [("'Products'!A1:B1000", rows)]) == 2000
    calls = control.requests("sheets.values.batchUpdate")
    assert len(calls) > 1
    assert all(each["bytes"] <= 2 * 1024 * 1024 for each in calls)
    (found,) = sheets.read_ranges(sheet, ["'Products'!A1:B1000"])
    assert found == rows


def test_a_value_no_sheet_can_keep_stops_the_write_before_it_starts(sheets, sheet, control) -> None:
    control.forget()
    with pytest.raises(errors.InputError, match="'Products'!B2"):
        sheets.write_ranges(sheet, [("'Products'!A1", [["fine"]]), ("'Products'!B2", [[float("nan")]])])
    assert control.requests() == []


def test_inspecting_cells(sheets, sheet) -> None:
    tab = sheets.info(sheet).tab("Products")
    values = [
        {"userEnteredValue": {"formulaValue": "=1/0"}},
        {"userEnteredValue": {"formulaValue": "=2*3"}},
        {
            "userEnteredValue": {"numberValue": 1.5},
            "userEnteredFormat": {"numberFormat": {"type": "CURRENCY", "pattern": "0.00"}},
        },
    ]
    where = {"sheetId": tab.sheet_id, "rowIndex": 0, "columnIndex": 0}
    request = {
        "updateCells": {"rows": [{"values": values}], "fields": "userEnteredValue,userEnteredFormat", "start": where}
    }
    sheets.batch_update(sheet, [request], safety="repeatable")
    sheets.write_ranges(sheet, [(a1("It's \u201cquoted\u201d!", 5, 2), [["text"]])])
    first, other, second = sheets.inspect(
        sheet, ["'Products'!A1:B2", a1("It's \u201cquoted\u201d!", 5, 2), "'Products'!C1:C1"]
    )
    blank = InspectedCell()
    assert first[1] == [blank, blank]
    assert (first[0][0].formula, first[0][0].error, first[0][0].effective) == ("=1/0", "DIVIDE_BY_ZERO", None)
    assert (first[0][1].formula, first[0][1].error, first[0][1].effective, first[0][1].formatted) == (
        "=2*3",
        "",
        6,
        "6",
    )
    assert (second[0][0].effective, second[0][0].number_format, second[0][0].formatted) == (1.5, "CURRENCY", "1.50")
    assert (other[0][0].effective, other[0][0].formatted, other[0][0].formula) == ("text", "text", "")


def test_hidden_rows(sheets, sheet) -> None:
    tab = sheets.info(sheet).tab("Products")
    where = {"sheetId": tab.sheet_id, "dimension": "ROWS", "startIndex": 4, "endIndex": 6}
    request = {
        "updateDimensionProperties": {"range": where, "properties": {"hiddenByUser": True}, "fields": "hiddenByUser"}
    }
    sheets.batch_update(sheet, [request], safety="repeatable")
    assert sheets.hidden_rows(sheet, tab) == {5, 6}
    assert sheets.hidden_rows(sheet, sheets.info(sheet).tab("It's \u201cquoted\u201d!")) == set()


def test_clearing(sheets, sheet) -> None:
    sheets.write_ranges(sheet, [("'Products'!A1:B2", [[1, 2], [3, 4]])])
    sheets.clear_ranges(sheet, ["'Products'!A1", "'Products'!B2:B2"])
    assert sheets.read_ranges(sheet, ["'Products'!A1:B2"]) == [[["", 2], [3, ""]]]


def test_adding_a_tab_twice_is_a_duplicate(sheets, sheet) -> None:
    tab = sheets.add_tab(sheet, "Conflicts", rows=5, columns=3, sheet_id=4711)
    assert (tab.sheet_id, tab.title, tab.row_count, tab.column_count) == (4711, "Conflicts", 5, 3)
    for title, sheet_id in (("Conflicts", 4712), ("Others", 4711)):
        with pytest.raises(errors.Refused) as caught:
            sheets.add_tab(sheet, title, sheet_id=sheet_id)
        assert caught.value.reason == "duplicate"
    assert list(sheets.info(sheet).tabs)[-1] == "Conflicts"


def test_a_tab_comes_filled_or_not_at_all(sheets, sheet) -> None:
    def header(sheet_id):
        cells = {"values": [{"userEnteredValue": {"stringValue": "Title"}}]}
        start = {"sheetId": sheet_id, "rowIndex": 0, "columnIndex": 0}
        return {"updateCells": {"start": start, "rows": [cells], "fields": "userEnteredValue"}}

    with pytest.raises(errors.Refused):
        sheets.add_tab(sheet, "half", sheet_id=5, filled=[header(6)])
    assert "half" not in sheets.info(sheet).tabs
    assert sheets.add_tab(sheet, "whole", sheet_id=5, frozen_rows=1, filled=[header(5)]).frozen_rows == 1
    assert sheets.read_ranges(sheet, ["'whole'!A1:B1"]) == [[["Title", ""]]]


def test_appending_after_the_last_row(sheets, sheet) -> None:
    tab = sheets.info(sheet).tab("Products")
    sheets.write_ranges(sheet, [("'Products'!C7", [["last"]])])
    header = sheets.read_ranges(sheet, ["'Products'!1:1"])[0][0]
    found = sheets.append_rows_at_end(sheet, tab, [["=1+1", Decimal("2.50"), True], ["", None, "z"]])
    assert list(found)[: len(header)] == header
    assert set(found[len(header) :]) <= {""}
    assert sheets.read_ranges(sheet, ["'Products'!A7:C10"]) == [
        [["", "", "last"], ["=1+1", 2.5, True], ["", "", "z"], ["", "", ""]]
    ]


def test_a_batch_is_applied_as_a_whole(sheets, sheet, control) -> None:
    before = len(control.effects())
    with pytest.raises(errors.Refused):
        sheets.batch_update(
            sheet,
            [{"addSheet": {"properties": {"title": "new"}}}, {"deleteSheet": {"sheetId": 999_999}}],
            safety="once",
        )
    assert "new" not in sheets.info(sheet).tabs
    assert len(control.effects()) == before


def test_refusals_are_named(sheets, sheet) -> None:
    with pytest.raises(errors.Refused, match="range"):
        sheets.read_ranges(sheet, ["'no such tab'!A1"])
    with pytest.raises(errors.InputError, match="A1 notation"):
        sheets.read_ranges(sheet, ["not a range!"])
    with pytest.raises(errors.NotFound):
        sheets.info("1NoSuchSpreadsheetInAnyDrive000000000000000000")
    with pytest.raises(errors.InputError, match="spreadsheet id"):
        sheets.info("https://docs.google.com/spreadsheets/d/x")


@pytest.mark.parametrize("kind", ["fin", "reset", "half-body", "garbled-body", "blank-status-line"])
def test_a_write_whose_answer_is_lost_can_be_repeated(sheets, sheet, control, kind) -> None:
    control.fault("sheets.values.batchUpdate", kind, "after")
    with pytest.raises(errors.Unavailable) as caught:
        sheets.write_ranges(sheet, [("'Products'!A1", [["v"]])])
    assert caught.value.applied is None
    assert sheets.write_ranges(sheet, [("'Products'!A1", [["v"]])]) == 1
    assert sheets.read_ranges(sheet, ["'Products'!A1"]) == [[["v"]]]


def test_throttling_says_when_to_come_back(sheets, sheet, control) -> None:
    control.fault("sheets.values.batchGet", "rate-limit", retry_after="30")
    with pytest.raises(errors.Throttled) as caught:
        sheets.read_ranges(sheet, ["'Products'!A1"])
    assert caught.value.retry_after == 30.0
    assert "Read requests" in caught.value.message


def test_an_answer_with_too_few_ranges_is_no_answer(sheets, sheet, transport, monkeypatch) -> None:
    plain = transport.send

    def send(built, **named):
        answer = plain(built, **named)
        return type(answer)(answer.status, answer.headers, b'{"valueRanges":[{}]}', answer.operation)

    monkeypatch.setattr(transport, "send", send)
    with pytest.raises(errors.Unavailable, match="1 of 2"):
        sheets.read_ranges(sheet, ["'Products'!A1", "'Products'!A2"])


def test_every_call_is_wrapped_once_and_says_what_it_is(transport) -> None:
    calls = []

    def around(safety, service, operation, send):
        calls.append((safety, service, operation))
        return send()

    sheets = Spreadsheets(transport, around)
    sheet = sheets.create("wrapped")
    tab = next(iter(sheets.info(sheet).tabs.values()))
    list(sheets.read_rows(sheet, tab))
    sheets.read_ranges(sheet, ["A1"])
    sheets.inspect(sheet, ["A1"])
    sheets.write_ranges(sheet, [("A1", [["x"]])])
    sheets.clear_ranges(sheet, ["A1"])
    sheets.append_rows_at_end(sheet, tab, [["x"]])
    sheets.add_tab(sheet, "another", sheet_id=8)
    assert calls == [
        ("once", "google", "sheets.create"),
        ("read", "google", "sheets.get"),
        ("read", "google", "sheets.values.get"),
        ("read", "google", "sheets.values.batchGet"),
        ("read", "google", "sheets.get"),
        ("repeatable", "google", "sheets.values.batchUpdate"),
        ("repeatable", "google", "sheets.values.batchClear"),
        ("once", "google", "sheets.batchUpdate"),
        ("repeatable", "google", "sheets.batchUpdate"),
    ]

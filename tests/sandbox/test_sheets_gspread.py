"""Ordinary gspread scripts run against the sandbox as they run against Google."""

from __future__ import annotations

import gspread
import pytest
from gspread.utils import DateTimeOption, MergeType, ValidationConditionType, ValueInputOption, ValueRenderOption

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.clients import gspread_client, ledger


@pytest.fixture(scope="module")
def running():
    with Sandbox.start("empty", speed=100_000.0, latency="none") as sandbox:
        yield sandbox
        assert not sandbox.gateway.crashes


@pytest.fixture
def client(running):
    return gspread_client(running.url)


@pytest.fixture
def book(client):
    return client.create("Catalogue")


@pytest.fixture
def sheet(book):
    return book.sheet1


def test_a_created_spreadsheet_is_opened_by_key_url_and_name(client, running):
    made = client.create("Only one of this name")
    assert client.open_by_key(made.id).title == "Only one of this name"
    assert client.open_by_url(made.url).id == made.id
    assert client.open("Only one of this name").id == made.id
    with pytest.raises(gspread.SpreadsheetNotFound):
        client.open_by_key("no-such-file")


def test_worksheets_are_added_renamed_moved_duplicated_and_deleted(book):
    first = book.sheet1
    stock = book.add_worksheet("Stock", rows=20, cols=4)
    assert (stock.row_count, stock.col_count, stock.index) == (20, 4, 1)
    stock.update_title("Lager")
    copy = stock.duplicate(new_sheet_name="Lager 2")
    book.reorder_worksheets([copy, stock, first])
    assert [one.title for one in book.worksheets()] == ["Lager 2", "Lager", "Sheet1"]
    book.del_worksheet(copy)
    assert [one.title for one in book.worksheets()] == ["Lager", "Sheet1"]
    with pytest.raises(gspread.WorksheetNotFound):
        book.worksheet("Lager 2")
    with pytest.raises(gspread.exceptions.APIError, match="already exists"):
        book.add_worksheet("Lager", rows=1, cols=1)


def test_update_and_batch_update_and_every_way_of_reading(sheet):
    sheet.update([["sku", "title", "price"], ["00123", "Mug", 9.5], ["1E5", "Cup", 3]], "A1")
    sheet.batch_update([{"range": "B2", "values": [["Big mug"]]}, {"range": "C3:C3", "values": [[4.25]]}])
    assert sheet.get_all_values() == [["sku", "title", "price"], ["00123", "Big mug", "9.5"], ["1E5", "Cup", "4.25"]]
    assert sheet.get("A2:C", value_render_option=ValueRenderOption.unformatted) == [
        ["00123", "Big mug", 9.5],
        ["1E5", "Cup", 4.25],
    ]
    assert sheet.batch_get(["A1:A", "C1:C"]) == [[["sku"], ["00123"], ["1E5"]], [["price"], ["9.5"], ["4.25"]]]
    assert sheet.row_values(2) == ["00123", "Big mug", "9.5"]
    assert sheet.col_values(3) == ["price", "9.5", "4.25"]
    assert sheet.acell("B2").value == "Big mug"
    assert sheet.cell(3, 3, value_render_option=ValueRenderOption.unformatted).value == 4.25


def test_get_all_records_reads_what_append_rows_wrote(sheet):
    sheet.append_row(["id", "name", "qty"])
    sheet.append_rows([["1", "Äpfel", "10"], ["2", "林檎", ""]], value_input_option=ValueInputOption.user_entered)
    assert sheet.get_all_records() == [{"id": 1, "name": "Äpfel", "qty": 10}, {"id": 2, "name": "林檎", "qty": ""}]
    answer = sheet.append_row(["3", "", "7"], table_range="A1")
    assert answer["tableRange"] == "Sheet1!A1:C3"
    assert answer["updates"]["updatedRange"] == "Sheet1!A4:C4"


def test_rows_and_columns_are_inserted_and_deleted(sheet):
    sheet.update([["a", "b"], ["c", "d"]], "A1")
    sheet.insert_row(["new", "row"], index=2)
    sheet.insert_rows([["x"], ["y"]], row=4)
    assert sheet.get_all_values() == [["a", "b"], ["new", "row"], ["c", "d"], ["x", ""], ["y", ""]]
    sheet.delete_rows(4, 5)
    sheet.insert_cols([["in", "between"]], col=2)
    assert sheet.get_all_values() == [["a", "in", "b"], ["new", "between", "row"], ["c", "", "d"]]
    sheet.delete_columns(2)
    assert sheet.get_all_values() == [["a", "b"], ["new", "row"], ["c", "d"]]
    sheet.add_rows(5)
    sheet.add_cols(2)
    assert (sheet.row_count, sheet.col_count) == (1000 + 1 + 2 - 2 + 5, 26 + 1 - 1 + 2)


def test_sort_find_and_replace_cells(sheet):
    sheet.resize(4, 2)
    sheet.update([["pear", 3], ["apple", 1], ["fig", 2]], "A1")
    sheet.sort((2, "asc"), range="A1:B3")
    assert sheet.col_values(1) == ["apple", "fig", "pear"]
    found = sheet.find("fig")
    assert (found.row, found.col) == (2, 1)
    assert sheet.find("nothing like that") is None
    cells = sheet.range("A1:A3")
    for cell in cells:
        cell.value = cell.value.upper()
    sheet.update_cells(cells)
    assert sheet.col_values(1) == ["APPLE", "FIG", "PEAR"]


def test_batch_clear_clears_values_only(sheet):
    sheet.update([["a", "b", "c"]], "A1")
    sheet.format("A1", {"textFormat": {"bold": True}})
    sheet.batch_clear(["A1", "C1:C5"])
    assert sheet.get_all_values() == [["", "b"]]
    metadata = sheet.spreadsheet.fetch_sheet_metadata({"includeGridData": "true", "ranges": "Sheet1!A1"})
    cell = metadata["sheets"][0]["data"][0]["rowData"][0]["values"][0]
    assert cell["userEnteredFormat"] == {"textFormat": {"bold": True}}
    sheet.clear()
    assert sheet.get_all_values() == [[]]


def test_format_freeze_hide_colour_and_notes(sheet):
    sheet.update([["Header"]], "A1")
    sheet.format("A1:C1", {"backgroundColor": {"red": 1.0, "green": 0.5}, "horizontalAlignment": "CENTER"})
    sheet.freeze(rows=1, cols=2)
    sheet.hide_columns(3, 4)
    sheet.update_tab_color("#ff0080")
    sheet.insert_note("A1", "look here")
    assert sheet.get_note("A1") == "look here"
    sheet.clear_note("A1")
    assert sheet.get_note("A1") == ""
    picture = sheet.spreadsheet.fetch_sheet_metadata({"includeGridData": "true", "ranges": "Sheet1!A1:E2"})["sheets"][0]
    assert picture["properties"]["gridProperties"] == {
        "rowCount": 1000,
        "columnCount": 26,
        "frozenRowCount": 1,
        "frozenColumnCount": 2,
    }
    assert picture["properties"]["tabColor"] == {"red": 1, "blue": 0.5019608}
    own = picture["data"][0]["rowData"][0]["values"][0]["userEnteredFormat"]
    assert own["backgroundColorStyle"] == {"rgbColor": {"red": 1, "green": 0.5}}
    assert [one.get("hiddenByUser", False) for one in picture["data"][0]["columnMetadata"]] == [
        False,
        False,
        False,
        True,
        False,
    ]


def test_merge_and_unmerge(sheet):
    sheet.update([["keep", "lost", 1], ["lost", "lost", 2]], "A1")
    sheet.merge_cells("A1:B2", merge_type=MergeType.merge_all)
    assert sheet.get_all_values() == [["keep", "", "1"], ["", "", "2"]]
    assert sheet.get_values("A1:C2", combine_merged_cells=True) == [["keep", "keep", "1"], ["keep", "keep", "2"]]
    with pytest.raises(gspread.exceptions.APIError, match="You must select all cells in a merged range"):
        sheet.unmerge_cells("A1:A1")
    sheet.unmerge_cells("A1:B2")
    assert "merges" not in sheet.spreadsheet.fetch_sheet_metadata()["sheets"][0]


def test_named_ranges_protection_and_validation(sheet):
    sheet.update([["x", "y"], ["1", "2"]], "A1")
    answer = sheet.define_named_range("A1:B2", "Everything")
    name_id = answer["replies"][0]["addNamedRange"]["namedRange"]["namedRangeId"]
    assert sheet.get("Everything") == [["x", "y"], ["1", "2"]]
    sheet.delete_named_range(name_id)
    with pytest.raises(gspread.exceptions.APIError, match="Unable to parse range"):
        sheet.get("Everything")
    sheet.add_protected_range("A1:B1", description="head")
    kept = sheet.spreadsheet.list_protected_ranges(sheet.id)
    assert kept[0]["description"] == "head"
    sheet.delete_protected_range(kept[0]["protectedRangeId"])
    sheet.add_validation("C1:C9", ValidationConditionType.one_of_list, ["yes", "no"], strict=True, showCustomUi=True)
    picture = sheet.spreadsheet.fetch_sheet_metadata({"includeGridData": "true", "ranges": "Sheet1!C1"})
    rule = picture["sheets"][0]["data"][0]["rowData"][0]["values"][0]["dataValidation"]
    assert rule == {
        "condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "yes"}, {"userEnteredValue": "no"}]},
        "strict": True,
        "showCustomUi": True,
    }


def test_groups_filter_and_copy_range(sheet):
    sheet.update([["a", "b"], [1, 2], [3, 4]], "A1")
    sheet.add_dimension_group_rows(1, 3)
    assert sheet.list_dimension_group_rows() == [
        {"range": {"dimension": "ROWS", "startIndex": 1, "endIndex": 3}, "depth": 1}
    ]
    sheet.delete_dimension_group_rows(1, 3)
    sheet.set_basic_filter("A1:B3")
    assert sheet.spreadsheet.fetch_sheet_metadata()["sheets"][0]["basicFilter"]["range"]["endRowIndex"] == 3
    sheet.clear_basic_filter()
    sheet.copy_range("A1:B3", "D1:E3")
    assert sheet.get("D1:E3") == [["a", "b"], ["1", "2"], ["3", "4"]]
    sheet.cut_range("D1:E1", "G1")
    assert sheet.get("D1:H1") == [["", "", "", "a", "b"]]


def test_typed_values_dates_and_formulas(sheet):
    sheet.update(
        [["=4/2", "2020-01-01", "12%", "TRUE", "'007", "$1,234.50"]],
        "A1",
        value_input_option=ValueInputOption.user_entered,
    )
    assert sheet.get("A1:F1") == [["2", "2020-01-01", "12%", "TRUE", "007", "$1,234.50"]]
    assert sheet.get("A1:F1", value_render_option=ValueRenderOption.unformatted) == [
        [2, 43831, 0.12, True, "007", 1234.5]
    ]
    assert sheet.get("A1:B1", value_render_option=ValueRenderOption.formula) == [["=4/2", 43831]]
    shown = sheet.get(
        "B1", value_render_option=ValueRenderOption.unformatted, date_time_render_option=DateTimeOption.formatted_string
    )
    assert shown == [["2020-01-01"]]


def test_copy_import_export_and_rename(client, book):
    book.sheet1.update([["a", "b"], ["1", ""]], "A1")
    assert book.export(gspread.utils.ExportFormat.CSV) == b"a,b\r\n1,"
    twin = client.copy(book.id, title="Twin")
    assert twin.sheet1.get_all_values() == [["a", "b"], ["1", ""]]
    twin.update_title("Renamed")
    assert client.open_by_key(twin.id).title == "Renamed"
    assert client.list_spreadsheet_files("Renamed")[0]["id"] == twin.id
    client.import_csv(twin.id, b"p,q\n5,6")
    assert client.open_by_key(twin.id).sheet1.get_all_values() == [["p", "q"], ["5", "6"]]
    moved = book.sheet1.copy_to(twin.id)
    assert moved["title"] == "Copy of Sheet1"
    client.del_spreadsheet(twin.id)
    with pytest.raises(gspread.SpreadsheetNotFound):
        client.open_by_key(twin.id)


def test_rows_are_found_again_by_their_developer_metadata(book, sheet):
    sheet.update([["k"], ["one"], ["two"]], "A1")
    place = {"dimensionRange": {"sheetId": sheet.id, "dimension": "ROWS", "startIndex": 2, "endIndex": 3}}
    create = {"metadataKey": "row", "metadataValue": "two", "location": place, "visibility": "DOCUMENT"}
    book.batch_update({"requests": [{"createDeveloperMetadata": {"developerMetadata": create}}]})
    sheet.insert_row(["zero"], index=2)
    lookup = {"developerMetadataLookup": {"metadataKey": "row", "metadataValue": "two"}}
    url = f"https://sheets.googleapis.com/v4/spreadsheets/{book.id}/values:batchGetByDataFilter"
    body = {"dataFilters": [lookup], "majorDimension": "ROWS"}
    answer = book.client.request("post", url, json=body).json()
    assert answer["valueRanges"][0]["valueRange"]["range"] == "Sheet1!A4:Z4"
    assert answer["valueRanges"][0]["valueRange"]["values"] == [["two"]]


def test_the_ledger_has_one_line_for_each_applied_write(running, sheet):
    before = len(ledger(running.url))
    sheet.update([["a"]], "B7")
    sheet.get_all_values()
    with pytest.raises(gspread.exceptions.APIError):
        sheet.update([["a"]], "ZZZ1")
    sheet.batch_clear(["B7"])
    lines = ledger(running.url)[before:]
    assert [line["operation"] for line in lines] == ["sheets.values.update", "sheets.values.batchClear"]
    assert lines[0]["effect"] == {"ranges": ["Sheet1!B7"], "cells": 1}
    assert lines[0]["actor"] == "owner@example.com"

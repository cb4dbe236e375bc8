"""spreadsheets.batchUpdate: what each kind of request does, and that a batch is done whole or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.sheets.batch.registry import KINDS
from sheets_catalog.sandbox.sheets.schema import fields_of
from tests.sandbox.clients import ledger, plain_session
from tests.sandbox.sheets_api import Api, rng, rows

PROTECTED = (
    "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if "
    "you need to edit."
)


@pytest.fixture(scope="module")
def running():
    with Sandbox.start("empty", speed=100_000.0, latency="none") as sandbox:
        yield sandbox
        assert not sandbox.gateway.crashes


@pytest.fixture
def api(running):
    return Api(running, plain_session())


@pytest.fixture
def table(api):
    api.put("A1", [["name", "n"], ["pear", 3], ["Apple", 1], ["fig", 2]])
    return api


def test_a_batch_is_done_whole_or_not_at_all(table, running):
    before = len(ledger(running.url))
    status, message = table.batch_error(
        {"addSheet": {"properties": {"title": "New"}}},
        {"deleteDimension": {"range": rows(0, 2)}},
        {"mergeCells": {"range": rng("A1:B2", sheet_id=99), "mergeType": "MERGE_ALL"}},
    )
    assert (status, message) == (400, "Invalid requests[2].mergeCells: No grid with id: 99")
    assert [one["properties"]["title"] for one in table.call("GET", f"/{table.id}")["sheets"]] == ["Sheet1"]
    assert table.values("A1:B2") == [["name", "n"], ["pear", "3"]]
    assert len(ledger(running.url)) == before


def test_replies_mirror_requests_and_one_ledger_line_tells_what_was_done(table, running):
    replies = table.batch(
        {"sortRange": {"range": rng("A2:B4"), "sortSpecs": [{"dimensionIndex": 1}]}},
        {"addSheet": {"properties": {"title": "New"}}},
    )
    assert replies[0] == {}
    assert replies[1]["addSheet"]["properties"]["title"] == "New"
    line = ledger(running.url)[-1]
    assert line["operation"] == "sheets.spreadsheets.batchUpdate"
    assert [one["request"] for one in line["effect"]["requests"]] == ["sortRange", "addSheet"]


def test_every_unsupported_kind_is_refused_by_name(api):
    unsupported = sorted(set(fields_of("Request")) - set(KINDS))
    assert "addChart" in unsupported
    for kind in unsupported:
        assert api.batch_error({kind: {}}) == (
            400,
            f"Invalid requests[0].{kind}: This kind of request is not supported by the sandbox.",
        )


def test_the_list_of_unsupported_kinds_in_the_documentation_is_complete():
    page = Path(__file__).parents[2].joinpath("docs", "sandbox.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`(\w+)`", page[page.index("- batchUpdate:") : page.index("- Inside supported kinds")]))
    assert listed == set(fields_of("Request")) - set(KINDS)


def test_malformed_batches_are_refused_before_anything_else(api):
    assert api.batch_error() == (400, "Must specify at least one request.")
    assert (
        api.batch_error({"frobnicate": {}})[1]
        == "Invalid JSON payload received. Unknown name \"frobnicate\" at 'requests[0]': Cannot find field."
    )
    assert (
        api.batch_error({"addSheet": {"properties": {"title": 5}}})[1]
        == "Invalid value at 'requests[0].add_sheet.properties.title' (TYPE_STRING), 5"
    )
    assert "oneof field 'kind' is already set" in api.batch_error({"addSheet": {}, "deleteSheet": {}})[1]
    assert api.batch_error({})[0] == 400


class TestSheets:
    def test_add_with_everything(self, api):
        properties = {
            "sheetId": 7,
            "title": "T",
            "index": 0,
            "gridProperties": {"rowCount": 5, "columnCount": 3, "frozenRowCount": 1},
            "tabColor": {"red": 1},
        }
        reply = api.batch({"addSheet": {"properties": properties}})[0]["addSheet"]["properties"]
        assert reply == properties | {"sheetType": "GRID", "tabColorStyle": {"rgbColor": {"red": 1}}}

    def test_add_without_anything_takes_the_next_free_name(self, api):
        reply = api.batch({"addSheet": {}})[0]["addSheet"]["properties"]
        assert (reply["title"], reply["index"], reply["gridProperties"]) == (
            "Sheet2",
            1,
            {"rowCount": 1000, "columnCount": 26},
        )

    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            ({"title": "sheet1"}, 'A sheet with the name "sheet1" already exists. Please enter another name.'),
            ({"title": "x" * 101}, "The sheet name cannot be greater than 100 characters."),
            ({"sheetId": 0}, "Sheet with id 0 already exists."),
            ({"sheetId": -1}, "Sheet id must be non-negative."),
            ({"gridProperties": {"rowCount": 1_000_000, "columnCount": 20}}, "This action would increase the number of cells in the workbook above the limit of 10000000 cells."),
        ],
    )  # fmt: skip
    def test_bad_sheets_are_refused(self, api, properties, message):
        assert api.batch_error({"addSheet": {"properties": properties}}) == (
            400,
            f"Invalid requests[0].addSheet: {message}",
        )

    def test_the_last_visible_sheet_stays(self, api):
        assert (
            api.batch_error({"deleteSheet": {"sheetId": 0}})[1]
            == "Invalid requests[0].deleteSheet: You can't remove all the visible sheets in a document."
        )
        assert (
            api.batch_error({"deleteSheet": {"sheetId": 9}})[1]
            == "Invalid requests[0].deleteSheet: No sheet with id: 9"
        )
        hide = {"updateSheetProperties": {"properties": {"sheetId": 0, "hidden": True}, "fields": "hidden"}}
        assert (
            api.batch_error(hide)[1]
            == "Invalid requests[0].updateSheetProperties: You can't hide all the sheets in a document."
        )

    def test_renaming_is_followed_by_formulas(self, api):
        api.batch({"addSheet": {"properties": {"title": "Data", "sheetId": 5}}})
        api.put("A1", [["=Data!A1"]], option="USER_ENTERED")
        api.batch({"updateSheetProperties": {"properties": {"sheetId": 5, "title": "My data"}, "fields": "title"}})
        assert api.values("A1", valueRenderOption="FORMULA") == [["='My data'!A1"]]
        api.batch({"deleteSheet": {"sheetId": 5}})
        assert api.values("A1") == [["#REF!"]]

    def test_duplicate_copies_cells_and_objects_under_new_ids(self, table):
        table.batch(
            {"mergeCells": {"range": rng("C1:D1"), "mergeType": "MERGE_ALL"}},
            {"addProtectedRange": {"protectedRange": {"range": rng("A1:B1")}}},
        )
        reply = table.batch({"duplicateSheet": {"sourceSheetId": 0, "newSheetName": "Twin", "insertSheetIndex": 1}})[0][
            "duplicateSheet"
        ]["properties"]
        assert (reply["title"], reply["index"]) == ("Twin", 1)
        assert table.values("Twin!A1:B2") == [["name", "n"], ["pear", "3"]]
        twin, first = table.sheet(title="Twin"), table.sheet()
        assert twin["merges"][0]["sheetId"] == reply["sheetId"]
        assert twin["protectedRanges"][0]["protectedRangeId"] != first["protectedRanges"][0]["protectedRangeId"]

    def test_copy_to_another_spreadsheet(self, table, running):
        other = Api(running, plain_session())
        answer = table.call("POST", f"/{table.id}/sheets/0:copyTo", json={"destinationSpreadsheetId": other.id})
        assert (answer["title"], answer["index"]) == ("Copy of Sheet1", 1)
        assert other.values("'Copy of Sheet1'!A2:B2") == [["pear", "3"]]
        assert table.error("POST", "/sheets/77:copyTo", json={"destinationSpreadsheetId": other.id})[0] == 404

    def test_shrinking_cuts_cells_and_growing_brings_blank_ones(self, table):
        size = {
            "properties": {"sheetId": 0, "gridProperties": {"rowCount": 2, "columnCount": 1}},
            "fields": "gridProperties.rowCount,gridProperties.columnCount",
        }
        table.batch({"updateSheetProperties": size})
        table.batch(
            {"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 3}},
            {"appendDimension": {"sheetId": 0, "dimension": "COLUMNS", "length": 1}},
        )
        assert table.get("Sheet1") == {
            "range": "Sheet1!A1:B5",
            "majorDimension": "ROWS",
            "values": [["name"], ["pear"]],
        }

    def test_the_spreadsheets_title_is_the_files_name(self, api, running):
        api.batch({"updateSpreadsheetProperties": {"properties": {"title": "Renamed"}, "fields": "title"}})
        assert plain_session().get(f"{running.url}/drive/v3/files/{api.id}", timeout=5).json()["name"] == "Renamed"
        assert api.call("GET", f"/{api.id}", params={"fields": "properties.title"}) == {
            "properties": {"title": "Renamed"}
        }


class TestDimensions:
    @pytest.mark.parametrize(
        ("request_", "message"),
        [
            ({"insertDimension": {"range": rows(1001, 1002)}}, "insertDimension: range.startIndex is larger than current grid size (1000)"),
            ({"insertDimension": {"range": rows(1000, 1001)}}, "insertDimension: range.startIndex must be less than the grid size (1000) if inheritFromBefore is false."),
            ({"deleteDimension": {"range": rows(1000, 1001)}}, "deleteDimension: Cannot delete a row that doesn't exist. Tried to delete row index 1000 but there are only 1000 rows."),
            ({"deleteDimension": {"range": rows(26, 27, "COLUMNS")}}, "deleteDimension: Cannot delete a column that doesn't exist. Tried to delete column index 26 but there are only 26 columns."),
            ({"deleteDimension": {"range": rows(0, 1000)}}, "deleteDimension: You can't delete all the rows on the sheet."),
            ({"appendDimension": {"sheetId": 0, "dimension": "COLUMNS", "length": 18_300}}, "appendDimension: This action would exceed the maximum of 18278 columns."),
            ({"moveDimension": {"source": rows(0, 1), "destinationIndex": 1001}}, "moveDimension: destinationIndex[1001] is not within the grid (1000 rows)."),
        ],
    )  # fmt: skip
    def test_impossible_edits_are_refused(self, api, request_, message):
        assert api.batch_error(request_) == (400, f"Invalid requests[0].{message}")

    def test_all_non_frozen_rows_cannot_be_deleted(self, api):
        api.batch(
            {
                "updateSheetProperties": {
                    "properties": {"sheetId": 0, "gridProperties": {"frozenRowCount": 1}},
                    "fields": "gridProperties.frozenRowCount",
                }
            }
        )
        assert (
            "not possible to delete all non-frozen rows"
            in api.batch_error({"deleteDimension": {"range": rows(1, 1000)}})[1]
        )
        api.batch({"insertDimension": {"range": rows(0, 2)}})
        assert api.sheet()["properties"]["gridProperties"]["frozenRowCount"] == 3

    def test_everything_on_rows_follows_inserted_deleted_and_moved_rows(self, table):
        marker = {"metadataKey": "row", "location": {"dimensionRange": rows(2, 3)}, "visibility": "DOCUMENT"}
        table.batch(
            {"createDeveloperMetadata": {"developerMetadata": marker}},
            {"mergeCells": {"range": rng("D3:E4"), "mergeType": "MERGE_ALL"}},
            {"addNamedRange": {"namedRange": {"name": "fruit", "range": rng("A2:A4")}}},
            {"addProtectedRange": {"protectedRange": {"range": rng("A3:B3"), "warningOnly": True}}},
            {
                "updateDimensionProperties": {
                    "range": rows(2, 3),
                    "properties": {"hiddenByUser": True},
                    "fields": "hiddenByUser",
                }
            },
            {"setBasicFilter": {"filter": {"range": rng("A1:B4")}}},
            {
                "addConditionalFormatRule": {
                    "rule": {
                        "ranges": [rng("B2:B4")],
                        "booleanRule": {"condition": {"type": "NOT_BLANK"}, "format": {}},
                    }
                }
            },
        )
        table.batch({"insertDimension": {"range": rows(1, 2)}}, {"deleteDimension": {"range": rows(2, 3)}})
        sheet = table.sheet(includeGridData="true")
        assert sheet["merges"][0]["startRowIndex"] == 2
        assert sheet["protectedRanges"][0]["range"]["startRowIndex"] == 2
        assert sheet["basicFilter"]["range"]["endRowIndex"] == 4
        assert sheet["conditionalFormats"][0]["ranges"][0] == {
            "startRowIndex": 2,
            "endRowIndex": 4,
            "startColumnIndex": 1,
            "endColumnIndex": 2,
        }
        assert [row.get("hiddenByUser", False) for row in sheet["data"][0]["rowMetadata"][:4]] == [
            False,
            False,
            True,
            False,
        ]
        assert sheet["data"][0]["rowMetadata"][2]["developerMetadata"][0]["metadataKey"] == "row"
        assert table.values("fruit") == [["Apple"], ["fig"]]
        table.batch(
            {"unmergeCells": {"range": rng("D3:E4")}}, {"moveDimension": {"source": rows(2, 3), "destinationIndex": 4}}
        )
        assert table.values("A1:A4") == [["name"], [], ["fig"], ["Apple"]]
        found = table.call(
            "POST",
            f"/{table.id}/developerMetadata:search",
            json={"dataFilters": [{"developerMetadataLookup": {"metadataKey": "row"}}]},
        )
        assert (
            found["matchedDeveloperMetadata"][0]["developerMetadata"]["location"]["dimensionRange"]["startIndex"] == 3
        )

    def test_a_move_through_a_merge_is_refused(self, api):
        api.batch({"mergeCells": {"range": rng("A3:A5"), "mergeType": "MERGE_ALL"}})
        for request in ({"source": rows(3, 4), "destinationIndex": 0}, {"source": rows(0, 1), "destinationIndex": 4}):
            assert "crosses a merged cell" in api.batch_error({"moveDimension": request})[1]

    def test_hidden_sized_and_auto_sized(self, table):
        table.batch(
            {
                "updateDimensionProperties": {
                    "range": rows(1, 3, "COLUMNS"),
                    "properties": {"pixelSize": 42},
                    "fields": "pixelSize",
                }
            },
            {"autoResizeDimensions": {"dimensions": rows(0, 1, "COLUMNS")}},
        )
        sizes = [one["pixelSize"] for one in table.sheet("data.columnMetadata")["data"][0]["columnMetadata"][:4]]
        assert sizes[1:] == [42, 42, 100]
        assert 21 <= sizes[0] < 100

    def test_groups_nest_and_collapse(self, api):
        api.batch({"addDimensionGroup": {"range": rows(1, 6)}}, {"addDimensionGroup": {"range": rows(2, 4)}})
        assert api.sheet()["rowGroups"] == [
            {"range": {"dimension": "ROWS", "startIndex": 1, "endIndex": 6}, "depth": 1},
            {"range": {"dimension": "ROWS", "startIndex": 2, "endIndex": 4}, "depth": 2},
        ]
        group = {"range": rows(2, 4), "depth": 2, "collapsed": True}
        api.batch({"updateDimensionGroup": {"dimensionGroup": group, "fields": "collapsed"}})
        data = api.sheet("data.rowMetadata")["data"][0]["rowMetadata"]
        assert [one.get("hiddenByUser", False) for one in data[1:5]] == [False, True, True, False]
        assert (
            api.batch({"deleteDimensionGroup": {"range": rows(1, 6)}})[0]["deleteDimensionGroup"]["dimensionGroups"][0][
                "depth"
            ]
            == 1
        )

    def test_ranges_can_be_inserted_and_deleted_inside_the_grid(self, table):
        table.batch({"insertRange": {"range": rng("A2:A2"), "shiftDimension": "ROWS"}})
        assert table.values("A1:B5") == [["name", "n"], ["", "3"], ["pear", "1"], ["Apple", "2"], ["fig"]]
        table.batch(
            {"deleteRange": {"range": rng("A2:A2"), "shiftDimension": "ROWS"}},
            {"insertRange": {"range": rng("A1:A1"), "shiftDimension": "COLUMNS"}},
        )
        assert table.values("A1:C2") == [["", "name", "n"], ["pear", "3"]]


class TestCells:
    def test_update_cells_sets_masked_fields_only(self, api):
        cell = {
            "userEnteredValue": {"numberValue": 5},
            "note": "hello",
            "userEnteredFormat": {"textFormat": {"bold": True}},
        }
        api.batch(
            {
                "updateCells": {
                    "start": {"sheetId": 0, "rowIndex": 1, "columnIndex": 1},
                    "rows": [{"values": [cell]}],
                    "fields": "*",
                }
            }
        )
        api.batch(
            {
                "updateCells": {
                    "range": rng("B2"),
                    "rows": [{"values": [{"userEnteredValue": {"stringValue": "=1"}}]}],
                    "fields": "userEnteredValue",
                }
            }
        )
        found = api.cell("B2")
        assert (found["userEnteredValue"], found["note"]) == ({"stringValue": "=1"}, "hello")
        assert found["userEnteredFormat"] == {"textFormat": {"bold": True}}
        assert found["effectiveFormat"]["textFormat"]["bold"] is True
        assert found["effectiveFormat"]["textFormat"]["fontSize"] == 10

    def test_update_cells_clears_what_the_range_covers_and_the_rows_do_not(self, table):
        table.batch(
            {
                "updateCells": {
                    "range": rng("A1:B4"),
                    "rows": [{"values": [{"userEnteredValue": {"boolValue": True}}]}],
                    "fields": "userEnteredValue",
                }
            }
        )
        assert table.values("Sheet1") == [["TRUE"]]

    @pytest.mark.parametrize(
        ("request_", "message"),
        [
            ({"rows": [], "fields": ""}, "At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)"),
            ({"start": {"sheetId": 0, "rowIndex": 1000}, "rows": [{}], "fields": "*"}, "GridCoordinate.rowIndex[1000] is after last row in grid[999]"),
            ({"range": rng("A1:B1"), "rows": [{"values": [{}, {}, {}]}], "fields": "note"}, "Attempting to write column: 2, beyond the last requested column of: 1"),
            ({"range": rng("A1:B1"), "rows": [], "fields": "nope"}, "Invalid field: nope"),
            ({"range": rng("A1:B1"), "rows": [], "fields": "pivotTable"}, "Writing pivotTable is not supported by the sandbox."),
        ],
    )  # fmt: skip
    def test_bad_updates_are_refused(self, api, request_, message):
        assert api.batch_error({"updateCells": request_}) == (400, f"Invalid requests[0].updateCells: {message}")

    def test_repeat_cell_moves_formulas_along(self, table):
        table.batch(
            {
                "repeatCell": {
                    "range": rng("C2:D3"),
                    "cell": {"userEnteredValue": {"formulaValue": "=B2*$B2"}},
                    "fields": "userEnteredValue",
                }
            }
        )
        assert table.values("C2:D3", valueRenderOption="FORMULA") == [["=B2*$B2", "=C2*$B2"], ["=B3*$B3", "=C3*$B3"]]
        assert table.values("C2:D3") == [["9", "27"], ["1", "1"]]

    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ({"sheetId": 0, "startRowIndex": 1000}, "Sheet1!A1001"),
            ({"sheetId": 0, "startRowIndex": 1000, "startColumnIndex": 0, "endColumnIndex": 2}, "Sheet1!A1001:B"),
            ({"sheetId": 0, "startRowIndex": 1000, "endRowIndex": 1001, "startColumnIndex": 0, "endColumnIndex": 2}, "Sheet1!A1001:B1001"),
            ({"sheetId": 0, "startRowIndex": 0, "endRowIndex": 2, "startColumnIndex": 26}, "Sheet1!AA1:2"),
        ],
    )  # fmt: skip
    def test_a_range_that_begins_past_the_grid_is_named(self, api, given, name):
        request = {"repeatCell": {"range": given, "cell": {}, "fields": "note"}}
        assert (
            api.batch_error(request)[1]
            == f"Invalid requests[0].repeatCell: Range ({name}) exceeds grid limits. Max rows: 1000, max columns: 26"
        )
        inside = {"sheetId": 0, "startRowIndex": 999, "endRowIndex": 1003}
        assert api.batch({"repeatCell": {"range": inside, "cell": {"note": "n"}, "fields": "note"}}) == [{}]
        assert api.sheet()["properties"]["gridProperties"]["rowCount"] == 1000

    def test_append_cells_goes_below_the_last_row_with_data(self, table):
        row = {"values": [{"userEnteredValue": {"stringValue": "kiwi"}}, {"userEnteredValue": {"numberValue": 9}}]}
        table.batch({"appendCells": {"sheetId": 0, "rows": [row], "fields": "userEnteredValue"}})
        assert table.values("A5:B5") == [["kiwi", "9"]]

    def test_merged_cells_keep_the_first_value_and_take_no_other(self, table):
        table.batch({"mergeCells": {"range": rng("A1:B2"), "mergeType": "MERGE_ROWS"}})
        table.put("A1", [["a", "lost"], ["b", "lost"]])
        assert table.values("A1:B2") == [["a"], ["b"]]
        partial = {"mergeCells": {"range": rng("B1:C1"), "mergeType": "MERGE_ALL"}}
        assert (
            table.batch_error(partial)[1]
            == "Invalid requests[0].mergeCells: You must select all cells in a merged range to merge or unmerge them."
        )

    def test_borders_on_edges_and_between(self, api):
        solid = {"style": "SOLID", "color": {"red": 1}}
        api.batch({"updateBorders": {"range": rng("A1:B2"), "top": solid, "innerVertical": solid}})
        assert set(api.cell("A1")["userEnteredFormat"]["borders"]) == {"top", "right"}
        assert set(api.cell("B2")["userEnteredFormat"]["borders"]) == {"left"}
        api.batch(
            {"updateBorders": {"range": rng("A1:B2"), "top": {"style": "NONE"}, "innerVertical": {"style": "NONE"}}}
        )
        assert "userEnteredFormat" not in api.cell("A1")

    def test_validation_rules_are_set_and_cleared(self, api):
        rule = {"condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "y"}]}, "strict": True}
        api.batch({"setDataValidation": {"range": rng("A1:A3"), "rule": rule}})
        assert api.cell("A2")["dataValidation"] == rule
        api.batch({"setDataValidation": {"range": rng("A1:A3")}})
        assert api.cell("A2") == {}


class TestMoving:
    def test_sort_by_several_columns_with_blanks_last_either_way(self, api):
        api.put("A1", [["b", 2], ["a", 2], ["", ""], [True, 1], [5, 1]])
        api.batch(
            {
                "sortRange": {
                    "range": rng("A1:B5"),
                    "sortSpecs": [{"dimensionIndex": 1}, {"dimensionIndex": 0, "sortOrder": "DESCENDING"}],
                }
            }
        )
        assert api.values("A1:B5") == [["TRUE", "1"], ["5", "1"], ["b", "2"], ["a", "2"]]

    def test_sort_moves_formats_and_formulas_with_their_cells_and_leaves_hidden_rows(self, api):
        api.put("A1", [[3, "=A1*10"], [2, "=A2*10"], [1, "=A3*10"], [0, "=A4*10"]], option="USER_ENTERED")
        api.batch(
            {"repeatCell": {"range": rng("A1"), "cell": {"note": "three"}, "fields": "note"}},
            {
                "updateDimensionProperties": {
                    "range": rows(3, 4),
                    "properties": {"hiddenByUser": True},
                    "fields": "hiddenByUser",
                }
            },
            {"sortRange": {"range": rng("A1:B4"), "sortSpecs": [{"dimensionIndex": 0}]}},
        )
        assert api.values("A1:B4", valueRenderOption="FORMULA") == [
            [1, "=A1*10"],
            [2, "=A2*10"],
            [3, "=A3*10"],
            [0, "=A4*10"],
        ]
        assert api.cell("A3")["note"] == "three"

    def test_sorting_over_a_vertical_merge_is_refused(self, api):
        api.batch({"mergeCells": {"range": rng("A2:A3"), "mergeType": "MERGE_ALL"}})
        message = api.batch_error({"sortRange": {"range": rng("A1:B4"), "sortSpecs": [{"dimensionIndex": 0}]}})[1]
        assert (
            message
            == "Invalid requests[0].sortRange: You can't sort a range containing vertical merges. There is a vertical merge at A2:A3"
        )

    def test_copy_paste_repeats_transposes_and_picks(self, api):
        api.put("A1", [["x", "=1+1"]], option="USER_ENTERED")
        api.batch(
            {
                "repeatCell": {
                    "range": rng("A1"),
                    "cell": {"userEnteredFormat": {"textFormat": {"italic": True}}},
                    "fields": "userEnteredFormat",
                }
            }
        )
        api.batch(
            {"copyPaste": {"source": rng("A1:B1"), "destination": rng("A3:D4")}},
            {
                "copyPaste": {
                    "source": rng("A1:B1"),
                    "destination": rng("F1"),
                    "pasteOrientation": "TRANSPOSE",
                    "pasteType": "PASTE_VALUES",
                }
            },
            {"copyPaste": {"source": rng("A1"), "destination": rng("H1"), "pasteType": "PASTE_FORMAT"}},
        )
        assert api.values("A3:D4", valueRenderOption="FORMULA") == [["x", "=1+1", "x", "=1+1"]] * 2
        assert api.values("F1:F2", valueRenderOption="FORMULA") == [["x"], [2]]
        assert api.cell("H1")["userEnteredFormat"] == {"textFormat": {"italic": True}}
        assert "userEnteredFormat" not in api.cell("F1")

    def test_cut_paste_moves_and_paste_data_reads_text(self, api):
        api.put("A1", [["x", "y"]])
        api.batch(
            {"cutPaste": {"source": rng("A1:B1"), "destination": {"sheetId": 0, "rowIndex": 4, "columnIndex": 2}}}
        )
        assert api.values("C5:D5") == [["x", "y"]]
        assert api.values("A1:B1") == []
        api.batch({"pasteData": {"coordinate": {"sheetId": 0}, "data": '1,"a,b"\n50%,', "delimiter": ","}})
        assert api.values("A1:B2", valueRenderOption="UNFORMATTED_VALUE") == [[1, "a,b"], [0.5]]

    def test_find_and_replace_counts(self, api):
        api.put("A1", [["cat", "Cat sat"], ["dog", '="cat"']], option="USER_ENTERED")
        reply = api.batch({"findReplace": {"find": "cat", "replacement": "cow", "allSheets": True}})[0]["findReplace"]
        assert reply == {"valuesChanged": 2, "rowsChanged": 1, "sheetsChanged": 1, "occurrencesChanged": 2}
        assert api.values("A1:B1") == [["cow", "cow sat"]]
        reply = api.batch(
            {
                "findReplace": {
                    "find": r"(\w+) sat",
                    "replacement": "$1 ran",
                    "searchByRegex": True,
                    "range": rng("B1:B2"),
                }
            }
        )[0]
        assert reply["findReplace"]["occurrencesChanged"] == 1
        assert api.values("B1") == [["cow ran"]]

    def test_trim_split_and_remove_duplicates(self, api):
        api.put("A1", [["  a  b "], ["x,1"], ["k"], ["K"], ["k"]])
        replies = api.batch(
            {"trimWhitespace": {"range": rng("A1:A1")}},
            {"textToColumns": {"source": rng("A2:A2"), "delimiterType": "COMMA"}},
            {"deleteDuplicates": {"range": rng("A3:A5")}},
        )
        assert replies == [
            {"trimWhitespace": {"cellsChangedCount": 1}},
            {},
            {"deleteDuplicates": {"duplicatesRemovedCount": 2}},
        ]
        assert api.values("A1:B5", valueRenderOption="UNFORMATTED_VALUE") == [["a b"], ["x", 1], ["k"]]

    def test_a_shuffle_keeps_every_row(self, table):
        table.batch({"randomizeRange": {"range": rng("A1:B4")}})
        assert sorted(table.values("A1:B4")) == sorted([["name", "n"], ["pear", "3"], ["Apple", "1"], ["fig", "2"]])


class TestObjects:
    def test_named_ranges(self, table):
        reply = table.batch({"addNamedRange": {"namedRange": {"name": "All", "range": rng("A1:B4")}}})[0][
            "addNamedRange"
        ]["namedRange"]
        assert reply["range"] == {"startRowIndex": 0, "endRowIndex": 4, "startColumnIndex": 0, "endColumnIndex": 2}
        again = table.batch_error({"addNamedRange": {"namedRange": {"name": "all", "range": rng("A1")}}})[1]
        assert (
            again
            == "Invalid requests[0].addNamedRange: Cannot add named range with name all, a named range with that name already exists."
        )
        assert table.batch_error({"addNamedRange": {"namedRange": {"name": "A1", "range": rng("A1")}}})[0] == 400
        table.batch(
            {
                "updateNamedRange": {
                    "namedRange": {"namedRangeId": reply["namedRangeId"], "range": rng("B1:B2")},
                    "fields": "range",
                }
            }
        )
        assert table.values("All") == [["n"], ["3"]]
        assert (
            table.batch_error({"deleteNamedRange": {"namedRangeId": "x"}})[1]
            == "Invalid requests[0].deleteNamedRange: No named range with id: x"
        )

    def test_filter_hides_rows_once_and_clearing_shows_them(self, table):
        criteria = {"1": {"condition": {"type": "NUMBER_GREATER", "values": [{"userEnteredValue": "1"}]}}}
        table.batch({"setBasicFilter": {"filter": {"range": rng("A1:B4"), "criteria": criteria}}})
        hidden = [
            one.get("hiddenByFilter", False) for one in table.sheet("data.rowMetadata")["data"][0]["rowMetadata"][:5]
        ]
        assert hidden == [False, False, True, False, False]
        table.batch({"clearBasicFilter": {"sheetId": 0}})
        assert not any("hiddenByFilter" in one for one in table.sheet("data.rowMetadata")["data"][0]["rowMetadata"])

    def test_filter_views(self, table):
        view = table.batch({"addFilterView": {"filter": {"title": "mine", "range": rng("A1:B4")}}})[0]["addFilterView"][
            "filter"
        ]
        twin = table.batch({"duplicateFilterView": {"filterId": view["filterViewId"]}})[0]["duplicateFilterView"][
            "filter"
        ]
        assert twin["title"] == "Copy of mine"
        table.batch(
            {
                "updateFilterView": {
                    "filter": {"filterViewId": view["filterViewId"], "title": "ours"},
                    "fields": "title",
                }
            },
            {"deleteFilterView": {"filterId": twin["filterViewId"]}},
        )
        assert [one["title"] for one in table.sheet()["filterViews"]] == ["ours"]

    def test_conditional_formats(self, api):
        def rule(kind):
            return {
                "ranges": [rng("A1:A5")],
                "booleanRule": {"condition": {"type": kind}, "format": {"textFormat": {"bold": True}}},
            }

        api.batch(
            {"addConditionalFormatRule": {"rule": rule("BLANK"), "index": 0}},
            {"addConditionalFormatRule": {"rule": rule("NOT_BLANK"), "index": 0}},
        )
        reply = api.batch({"updateConditionalFormatRule": {"sheetId": 0, "index": 0, "newIndex": 1}})[0][
            "updateConditionalFormatRule"
        ]
        assert (reply["oldIndex"], reply["newIndex"]) == (0, 1)
        gone = api.batch({"deleteConditionalFormatRule": {"sheetId": 0, "index": 0}})[0]["deleteConditionalFormatRule"][
            "rule"
        ]
        assert gone["booleanRule"]["condition"]["type"] == "BLANK"
        assert api.batch_error({"deleteConditionalFormatRule": {"sheetId": 0, "index": 5}})[1].endswith(
            "No conditional format on sheet: 0 at index: 5"
        )

    def test_banding_and_tables(self, table):
        band = {"range": rng("A1:B4"), "rowProperties": {"firstBandColor": {"red": 1}, "secondBandColor": {"blue": 1}}}
        own_id = table.batch({"addBanding": {"bandedRange": band}})[0]["addBanding"]["bandedRange"]["bandedRangeId"]
        assert table.batch_error({"addBanding": {"bandedRange": band}})[0] == 400
        table.batch({"deleteBanding": {"bandedRangeId": own_id}})
        made = table.batch({"addTable": {"table": {"name": "Fruit", "range": rng("A1:B4")}}})[0]["addTable"]["table"]
        assert [one["columnName"] for one in made["columnProperties"]] == ["name", "n"]
        assert table.sheet()["tables"][0]["name"] == "Fruit"
        table.batch({"deleteTable": {"tableId": made["tableId"]}})
        assert "tables" not in table.sheet()
        assert table.values("Sheet1") == []

    def test_developer_metadata(self, api):
        where = {"spreadsheet": True}
        made = api.batch(
            {
                "createDeveloperMetadata": {
                    "developerMetadata": {
                        "metadataId": 42,
                        "metadataKey": "k",
                        "location": where,
                        "visibility": "DOCUMENT",
                    }
                }
            }
        )[0]
        assert made["createDeveloperMetadata"]["developerMetadata"]["location"] == {
            "locationType": "SPREADSHEET",
            "spreadsheet": True,
        }
        again = {
            "createDeveloperMetadata": {
                "developerMetadata": {"metadataId": 42, "metadataKey": "k", "location": where, "visibility": "DOCUMENT"}
            }
        }
        assert (
            api.batch_error(again)[1]
            == "Invalid requests[0].createDeveloperMetadata: Cannot add developer metadata with ID [42] because developer metadata with that ID already exists."
        )
        lookup = {"developerMetadataLookup": {"metadataId": 42}}
        api.batch(
            {
                "updateDeveloperMetadata": {
                    "dataFilters": [lookup],
                    "developerMetadata": {"metadataValue": "v"},
                    "fields": "metadataValue",
                }
            }
        )
        assert api.call("GET", f"/{api.id}/developerMetadata/42")["metadataValue"] == "v"
        assert api.call("GET", f"/{api.id}")["developerMetadata"][0]["metadataId"] == 42
        gone = api.batch({"deleteDeveloperMetadata": {"dataFilter": lookup}})[0]["deleteDeveloperMetadata"][
            "deletedDeveloperMetadata"
        ]
        assert gone[0]["metadataValue"] == "v"
        assert api.error("GET", "/developerMetadata/42")[0] == 404


class TestProtection:
    @pytest.fixture
    def colleague(self, table, running):
        """Another user who may write to the file."""
        body = {"type": "user", "role": "writer", "emailAddress": "colleague@example.com"}
        answer = plain_session().post(f"{running.url}/drive/v3/files/{table.id}/permissions", json=body, timeout=5)
        assert answer.status_code == 200, answer.text
        return Api(running, plain_session(token=running.identity.mint("colleague@example.com").value), table.id)

    def test_protected_cells_are_for_their_editors_and_the_owner(self, table, colleague):
        table.batch({"addProtectedRange": {"protectedRange": {"range": rng("B1:B4"), "description": "numbers"}}})
        assert colleague.refused("A1:B1", [["x", "y"]]) == (400, PROTECTED)
        assert colleague.error("POST", "/values/B2:clear", json={}) == (400, PROTECTED)
        delete = {"deleteDimension": {"range": rows(1, 2)}}
        assert colleague.batch_error(delete) == (400, f"Invalid requests[0].deleteDimension: {PROTECTED}")
        sort = {"sortRange": {"range": rng("A2:B4"), "sortSpecs": [{"dimensionIndex": 0}]}}
        assert colleague.batch_error(sort)[1].endswith(PROTECTED)
        colleague.put("A1", [["fine"]])
        table.put("B1", [["owner"]])
        seen = colleague.sheet()["protectedRanges"][0]
        assert "requestingUserCanEdit" not in seen
        assert "editors" not in seen
        own = table.sheet()["protectedRanges"][0]
        assert own["requestingUserCanEdit"] is True
        assert own["editors"] == {"users": ["owner@example.com"]}

    def test_named_editors_may_and_warnings_only_warn(self, table, colleague):
        protect = {"range": rng("B1:B4"), "editors": {"users": ["colleague@example.com"]}}
        own_id = table.batch({"addProtectedRange": {"protectedRange": protect}})[0]["addProtectedRange"][
            "protectedRange"
        ]["protectedRangeId"]
        colleague.put("B2", [["mine"]])
        table.batch(
            {
                "updateProtectedRange": {
                    "protectedRange": {"protectedRangeId": own_id, "editors": {"users": ["owner@example.com"]}},
                    "fields": "editors",
                }
            }
        )
        assert colleague.refused("B2", [["x"]]) == (400, PROTECTED)
        assert colleague.batch_error({"deleteProtectedRange": {"protectedRangeId": own_id}})[1].endswith(PROTECTED)
        table.batch(
            {"deleteProtectedRange": {"protectedRangeId": own_id}},
            {"addProtectedRange": {"protectedRange": {"range": rng("B1:B4"), "warningOnly": True}}},
        )
        colleague.put("B2", [["x"]])

    def test_a_protected_sheet_may_have_free_ranges(self, table, colleague):
        protect = {"range": {"sheetId": 0}, "unprotectedRanges": [rng("A2:A4")]}
        table.batch({"addProtectedRange": {"protectedRange": protect}})
        colleague.put("A2", [["free"]])
        assert colleague.refused("A1", [["x"]]) == (400, PROTECTED)
        assert colleague.batch_error({"deleteSheet": {"sheetId": 0}})[1].endswith(PROTECTED)

    def test_editors_of_a_warning_are_refused(self, table):
        protect = {"range": rng("A1"), "warningOnly": True, "editors": {"users": ["a@b.c"]}}
        message = table.batch_error({"addProtectedRange": {"protectedRange": protect}})[1]
        assert (
            message
            == "Invalid requests[0].addProtectedRange: ProtectedRange is warningOnly. Editors cannot be set on it."
        )


def test_the_answer_can_carry_the_whole_spreadsheet(table):
    body = {
        "requests": [{"addSheet": {"properties": {"title": "New"}}}],
        "includeSpreadsheetInResponse": True,
        "responseRanges": ["A1:A2"],
        "responseIncludeGridData": True,
    }
    answer = table.call("POST", f"/{table.id}:batchUpdate", json=body)
    sheets = answer["updatedSpreadsheet"]["sheets"]
    assert [one["properties"]["title"] for one in sheets] == ["Sheet1"]
    assert len(sheets[0]["data"][0]["rowData"]) == 2


def test_a_described_spreadsheet_is_created_as_described(running):
    session = plain_session()
    cell = {"userEnteredValue": {"stringValue": "h"}, "userEnteredFormat": {"textFormat": {"bold": True}}}
    body = {
        "properties": {"title": "Made", "locale": "de_DE"},
        "sheets": [
            {
                "properties": {"title": "Eins", "gridProperties": {"rowCount": 5}},
                "data": [{"startRow": 1, "rowData": [{"values": [cell]}]}],
            },
            {},
        ],
    }
    made = session.post(f"{running.url}/v4/spreadsheets", json=body, timeout=5).json()
    api = Api(running, session, made["spreadsheetId"])
    assert made["properties"]["locale"] == "de_DE"
    assert [one["properties"]["title"] for one in made["sheets"]] == ["Eins", "Sheet2"]
    assert api.values("Eins!A1:A2") == [[], ["h"]]
    assert api.cell("A2", "Eins")["userEnteredFormat"] == {"textFormat": {"bold": True}}


def test_a_saved_state_comes_back_exactly(table, running):
    table.put("D1", [["=B2*2", "=1/0", "2026-01-02"]], option="USER_ENTERED")
    table.batch(
        {"mergeCells": {"range": rng("A6:B6"), "mergeType": "MERGE_ALL"}},
        {"addProtectedRange": {"protectedRange": {"range": rng("A1:A2")}}},
        {"addDimensionGroup": {"range": rows(1, 3)}},
    )
    before = table.call("GET", f"/{table.id}", params={"includeGridData": "true"})
    sheets = running.gateway.services["sheets"]
    state = json.loads(json.dumps(sheets.dump()))
    table.put("A1", [["changed"]])
    sheets.load(state)
    assert sheets.dump() == state
    assert table.call("GET", f"/{table.id}", params={"includeGridData": "true"}) == before

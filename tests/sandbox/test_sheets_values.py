"""spreadsheets.values on the wire: what is written, what is read back, what is refused and in which words."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.clients import BearerHttp, ledger, plain_session
from tests.sandbox.sheets_api import Api


@pytest.fixture(scope="module")
def running():
    with Sandbox.start("empty", speed=100_000.0, latency="none") as sandbox:
        yield sandbox
        assert not sandbox.gateway.crashes


@pytest.fixture
def api(running):
    return Api(running, plain_session())


def test_raw_keeps_what_typing_would_change(api):
    values = [
        "00123",
        "1E5",
        "3-4",
        "=SUM(A1)",
        "  both  ",
        "'quoted",
        "TRUE",
        "🙂",
        "שלום",
        "<b>&</b>",
        "123456789012345678",
    ]
    api.put("A1", [values])
    assert api.values("1:1") == [values]
    assert api.values("1:1", valueRenderOption="UNFORMATTED_VALUE") == [values]
    assert api.values("1:1", valueRenderOption="FORMULA") == [values]


def test_raw_numbers_and_booleans_keep_their_type(api):
    api.put("A1", [[1, 2.5, True, False, 1e20]])
    assert api.values("A1:E1", valueRenderOption="UNFORMATTED_VALUE") == [[1, 2.5, True, False, 1e20]]
    assert api.values("A1:E1") == [["1", "2.5", "TRUE", "FALSE", "1E+20"]]


def test_null_skips_a_cell_and_empty_text_blanks_it(api):
    api.put("A1:C1", [["a", "b", "c"]])
    answer = api.put("A1:C1", [[None, "", "z"]])
    assert answer["updatedCells"] == 2
    assert api.values("A1:C1") == [["a", "", "z"]]


def test_trailing_blanks_are_trimmed_and_rows_are_ragged(api):
    api.put("A1", [["a", "", ""], ["", "", ""], ["", "b"], ["", ""]])
    assert api.get("A1:C10") == {"range": "Sheet1!A1:C10", "majorDimension": "ROWS", "values": [["a"], [], ["", "b"]]}
    assert api.get("A1:C10", majorDimension="COLUMNS")["values"] == [["a"], ["", "", "b"]]
    assert "values" not in api.get("D1:E5")


def test_columns_can_be_written_as_columns(api):
    answer = api.put("B2", [["a", "b"], ["c"]], majorDimension="COLUMNS")
    assert answer["updatedRange"] == "Sheet1!B2:C3"
    assert answer["updatedCells"] == 3
    assert api.values("B2:C3") == [["a", "c"], ["b"]]


def test_ranges_are_answered_in_their_canonical_name_and_cut_at_the_grid(api):
    assert api.get("a1:b")["range"] == "Sheet1!A1:B1000"
    assert api.get("Sheet1")["range"] == "Sheet1!A1:Z1000"
    assert api.get("'sheet1'!Z999:ZZ5000")["range"] == "Sheet1!Z999:Z1000"
    assert api.get("Sheet1!R2C2:R3C3")["range"] == "Sheet1!B2:C3"


def test_a_formula_result_of_empty_text_is_not_blank(api):
    api.put("A1", [['=""', '="x"&""']], option="USER_ENTERED")
    assert api.values("A1:C1") == [["", "x"]]
    assert api.values("A1:C1", valueRenderOption="FORMULA") == [['=""', '="x"&""']]


def test_formulas_see_later_changes_and_follow_inserted_rows(api):
    api.put("A1", [[1], [2], ["=SUM(A1:A2)"]], option="USER_ENTERED")
    api.batch({"insertDimension": {"range": {"sheetId": 0, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}}})
    api.put("A2", [[10]])
    assert api.values("A4", valueRenderOption="FORMULA") == [["=SUM(A1:A3)"]]
    assert api.values("A4", valueRenderOption="UNFORMATTED_VALUE") == [[13]]


def test_a_formula_looks_like_what_it_is_made_of(api):
    rows = [
        ["$5", "2026-01-31", "50%", "7"],
        ["=A1*2", "=B1+1", "=C1", "=D1"],
        ["=SUM(A1:A2)", "=B2-B1", "=TODAY()-B1", "=A3"],
    ]
    api.put("A1", rows, option="USER_ENTERED")
    assert api.values("A2:D3")[0] == ["$10", "2026-02-01", "50%", "7"]
    assert api.values("A3:B3") == [["$15", "1"]]
    assert api.values("D3") == [["$15"]]
    assert (
        "userEnteredFormat"
        not in api.call("GET", f"/{api.id}", params={"ranges": "A2", "includeGridData": "true"})["sheets"][0]["data"][
            0
        ]["rowData"][0]["values"][0]
    )


def test_errors_show_as_their_text(api):
    api.put("A1", [["=1/0", "=FOO()"]], option="USER_ENTERED")
    assert api.values("A1:B1") == [["#DIV/0!", "#NAME?"]]
    cells = api.call(
        "GET", f"/{api.id}", params={"ranges": "A1:B1", "fields": "sheets.data.rowData.values.effectiveValue"}
    )
    assert cells["sheets"][0]["data"][0]["rowData"][0]["values"][1] == {
        "effectiveValue": {"errorValue": {"type": "NAME", "message": "Unknown function: 'FOO'."}}
    }


def test_raw_over_a_formula_removes_it_and_keeps_the_format(api):
    api.put("A1", [["$5"], ["=A1*2"]], option="USER_ENTERED")
    api.put("A1", [[7], [8]])
    assert api.values("A1:A2") == [["$7"], ["8"]]
    assert api.values("A2", valueRenderOption="FORMULA") == [[8]]


def test_a_text_formatted_cell_keeps_typed_text(api):
    text = {"numberFormat": {"type": "TEXT"}}
    api.batch(
        {
            "repeatCell": {
                "range": {"sheetId": 0, "startColumnIndex": 0, "endColumnIndex": 1},
                "cell": {"userEnteredFormat": text},
                "fields": "userEnteredFormat.numberFormat",
            }
        }
    )
    api.put("A1", [["007", "007"]], option="USER_ENTERED")
    assert api.values("A1:B1", valueRenderOption="UNFORMATTED_VALUE") == [["007", 7]]


def test_the_locale_decides_how_typing_is_read(api):
    api.batch({"updateSpreadsheetProperties": {"properties": {"locale": "de_DE"}, "fields": "locale"}})
    api.put("A1", [["1,5", "31.12.2026", "1.5"]], option="USER_ENTERED")
    assert api.values("A1:C1", valueRenderOption="UNFORMATTED_VALUE") == [[1.5, 46387, "1.5"]]
    assert api.values("A1:B1") == [["1,5", "31.12.2026"]]


def test_batch_update_counts_and_is_checked_whole_before_anything_is_written(api):
    body = {
        "valueInputOption": "RAW",
        "data": [{"range": "A1:B1", "values": [["a", "b"]]}, {"range": "A3", "values": [["c"]]}],
    }
    answer = api.call("POST", f"/{api.id}/values:batchUpdate", json=body)
    assert (
        answer["totalUpdatedRows"],
        answer["totalUpdatedColumns"],
        answer["totalUpdatedCells"],
        answer["totalUpdatedSheets"],
    ) == (2, 2, 3, 1)
    body["data"][0]["values"] = [["x", "y"]]
    body["data"][1]["range"] = "Nowhere!A1"
    assert api.error("POST", "/values:batchUpdate", json=body) == (
        400,
        "Invalid data[1]: Unable to parse range: Nowhere!A1",
    )
    assert api.values("A1:B1") == [["a", "b"]]


def test_batch_get_and_batch_clear(api):
    api.put("A1", [["a", "b"], ["c", "d"]])
    answer = api.call(
        "GET", f"/{api.id}/values:batchGet", params={"ranges": ["A1", "B:B"], "majorDimension": "COLUMNS"}
    )
    assert [one.get("values") for one in answer["valueRanges"]] == [[["a"]], [["b", "d"]]]
    cleared = api.call("POST", f"/{api.id}/values:batchClear", json={"ranges": ["A1:A2", "B2"]})
    assert cleared["clearedRanges"] == ["Sheet1!A1:A2", "Sheet1!B2"]
    assert api.values("A1:B2") == [["", "b"]]
    status, message = api.error("POST", "/values:batchClear", json={"ranges": ["B1", "A1001:ZZ"]})
    assert (status, message) == (
        400,
        "Invalid range[1]: Range (Sheet1!A1001:ZZ) exceeds grid limits. Max rows: 1000, max columns: 26",
    )
    assert api.values("B1") == [["b"]]


def test_values_can_be_shown_in_the_answer_to_a_write(api):
    answer = api.call(
        "PUT",
        f"/{api.id}/values/A1",
        params={
            "valueInputOption": "USER_ENTERED",
            "includeValuesInResponse": "true",
            "responseValueRenderOption": "UNFORMATTED_VALUE",
        },
        json={"values": [["=1+1", "50%"]]},
    )
    assert answer["updatedData"] == {"range": "Sheet1!A1:B1", "majorDimension": "ROWS", "values": [[2, 0.5]]}


@pytest.mark.parametrize(
    ("start", "expected"),
    [("A1", "Sheet1!A3:B3"), ("C5:D5", "Sheet1!B7:C7"), ("Sheet1", "Sheet1!B7:C7"), ("A3:G10", "Sheet1!B7:C7"), ("B2:D4", "Sheet1!B7:C7"), ("E4", "Sheet1!E4:F4"), ("A4", "Sheet1!A4:B4")],
)  # fmt: skip
def test_append_finds_the_table_as_the_guide_describes(api, start, expected):
    api.put("A1", [["x", "x", "x"], ["x", "x", "x"]])
    api.put("B4", [["y", "y", "y"], ["y", "y", "y"], ["y", "y", "y"]])
    path = f"/{api.id}/values/{quote(start, safe='')}:append"
    answer = api.call("POST", path, params={"valueInputOption": "RAW"}, json={"values": [["new", "row"]]})
    assert answer["updates"]["updatedRange"] == expected


def test_append_grows_the_grid_and_can_insert_rows(api):
    api.batch(
        {
            "updateSheetProperties": {
                "properties": {"sheetId": 0, "gridProperties": {"rowCount": 4, "columnCount": 2}},
                "fields": "gridProperties(rowCount,columnCount)",
            }
        }
    )
    api.put("A1", [["h"], ["1"]])
    api.put("B4", [["below"]])
    params = {"valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS"}
    api.call("POST", f"/{api.id}/values/A1%3AA2:append", params=params, json={"values": [["2"], ["3"]]})
    assert api.values("Sheet1") == [["h"], ["1"], ["2"], ["3"], [], ["", "below"]]
    grown = api.call(
        "POST",
        f"/{api.id}/values/Sheet1:append",
        params={"valueInputOption": "RAW"},
        json={"values": [["more", "wide"]]},
    )
    assert grown["updates"]["updatedRange"] == "Sheet1!B7:C7"
    picture = api.call("GET", f"/{api.id}", params={"fields": "sheets.properties.gridProperties"})
    assert picture["sheets"][0]["properties"]["gridProperties"] == {"rowCount": 7, "columnCount": 3}


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("Nowhere!A1", [["x"]], "Unable to parse range: Nowhere!A1"),
        ("A1001", [["x"]], "Range (Sheet1!A1001) exceeds grid limits. Max rows: 1000, max columns: 26"),
        ("Sheet1!AA1:AB2", [["x"]], "Range (Sheet1!AA1:AB2) exceeds grid limits. Max rows: 1000, max columns: 26"),
        ("Sheet1!A1:B1", [["a", "b", "c"]], "Requested writing within range [Sheet1!A1:B1], but tried writing to column [C]"),
        ("Sheet1!A1:B1", [["a"], ["b"]], "Requested writing within range [Sheet1!A1:B1], but tried writing to row [2]"),
        ("A999", [["a"], ["b"], ["c"]], "Requested writing within range [A999], but tried writing to row [1001]"),
        ("A1", [["x" * 50_001]], "Your input contains more than the maximum of 50000 characters in a single cell."),
        ("A1", [["a", ["b"]]], 'Invalid values[0][1]: list_value {\n  values {\n    string_value: "b"\n  }\n}\n'),
        ("A1", ["x"], "Invalid value at 'data.values[0]' (type.googleapis.com/google.protobuf.ListValue), \"x\""),
    ],
)  # fmt: skip
def test_bad_writes_are_refused_in_googles_words_and_write_nothing(api, running, name, values, message):
    before = len(ledger(running.url))
    assert api.refused(name, values) == (400, message)
    assert api.values("Sheet1") == []
    assert len(ledger(running.url)) == before


def test_bad_parameters_are_refused(api):
    assert api.refused("A1", [["x"]], option=None) == (400, "'valueInputOption' is required but not specified")
    status, message = api.refused("A1", [["x"]], option="TYPED")
    assert (status, message) == (
        400,
        "Invalid value at 'value_input_option' (type.googleapis.com/google.apps.sheets.v4.ValueInputOption), \"TYPED\"",
    )
    assert api.error("GET", "/values/A1", params={"majorDimension": "DIAGONAL"})[0] == 400
    assert api.error("GET", "/values/A1001:B", params={})[1].startswith("Range (Sheet1!A1001:B) exceeds grid limits.")
    status, message = api.error(
        "PUT", "/values/A1", params={"valueInputOption": "RAW"}, json={"range": "A2", "values": [["x"]]}
    )
    assert (status, message) == (400, "Request range[A1] does not match value's range[A2]")
    assert api.error("PUT", "/values/A1", params={"valueInputOption": "RAW"}, data="{")[0] == 400
    assert (
        api.error("POST", "/values:batchUpdate", json={"valueInputOption": "RAW", "foo": 1})[1]
        == 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'
    )


def test_a_spreadsheet_that_is_not_there_is_not_found(running):
    answer = plain_session().get(running.url + "/v4/spreadsheets/nothing/values/A1", timeout=5)
    assert answer.status_code == 404
    assert answer.json()["error"] == {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}


def test_answers_can_be_cut_by_a_field_mask(api):
    api.put("A1", [["a"]])
    assert api.get("A1", fields="values") == {"values": [["a"]]}
    answer = api.send("GET", f"/{api.id}/values/A1", params={"fields": "rows"})
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == (400, "Request contains an invalid argument.")
    assert error["details"][0]["fieldViolations"][0] == {
        "field": "rows", "description": "Error expanding 'fields' parameter. Cannot find matching fields for path 'rows'."
    }  # fmt: skip


def test_a_bad_field_mask_is_refused_before_a_write_is_applied(api):
    params = {"valueInputOption": "RAW", "fields": "nope"}
    assert api.error("PUT", "/values/A1", params=params, json={"values": [["x"]]})[0] == 400
    assert api.values("A1") == []


def test_a_file_of_another_kind_is_no_spreadsheet(running):
    session = plain_session()
    made = session.post(
        running.url + "/drive/v3/files", json={"name": "notes.txt", "mimeType": "text/plain"}, timeout=5
    )
    answer = session.get(f"{running.url}/v4/spreadsheets/{made.json()['id']}", timeout=5)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "FAILED_PRECONDITION")


def test_the_generated_google_client_works_too(api, running):
    document = json.loads(get_static_doc("sheets", "v4"))
    document["rootUrl"] = document["baseUrl"] = running.url + "/"
    document.pop("mtlsRootUrl", None)
    sheets = build_from_document(document, http=BearerHttp()).spreadsheets()
    body = {"values": [["sku", "title"], ["00123", "Ä"]]}
    sheets.values().update(spreadsheetId=api.id, range="Sheet1!A1:B2", valueInputOption="RAW", body=body).execute()
    read = sheets.values().batchGet(spreadsheetId=api.id, ranges=["A1:A2", "'Sheet1'!B:B"]).execute()
    assert [one["values"] for one in read["valueRanges"]] == [[["sku"], ["00123"]], [["title"], ["Ä"]]]
    found = sheets.get(spreadsheetId=api.id, fields="sheets(properties(title,sheetId))").execute()
    assert found == {"sheets": [{"properties": {"sheetId": 0, "title": "Sheet1"}}]}
    with pytest.raises(HttpError) as caught:
        sheets.values().get(spreadsheetId=api.id, range="Nowhere!A1").execute()
    assert (caught.value.status_code, caught.value.reason) == (400, "Unable to parse range: Nowhere!A1")


def test_a_long_get_may_come_as_a_post(api):
    api.put("A1", [["a"]])
    answer = api.send(
        "POST",
        f"/{api.id}/values:batchGet",
        headers={"X-HTTP-Method-Override": "GET", "Content-Type": "application/x-www-form-urlencoded"},
        data="ranges=A1&ranges=B1",
    )
    assert [one["range"] for one in answer.json()["valueRanges"]] == ["Sheet1!A1", "Sheet1!B1"]


def test_a_sheet_with_an_odd_title_is_reached_through_an_encoded_path(api):
    title = "a/b: 100% 'q'!"
    api.batch({"addSheet": {"properties": {"title": title}}})
    answer = api.put("'a/b: 100% ''q''!'!A1:B1", [["x", "y"]])
    assert answer["updatedRange"] == "'a/b: 100% ''q''!'!A1:B1"
    assert api.values("'a/b: 100% ''q''!'!A:B") == [["x", "y"]]


class TestDataFilters:
    @pytest.fixture
    def marked(self, api):
        """Rows 2 and 3 carry metadata; row 2 is then pushed down by an inserted row."""
        api.put("A1", [["h"], ["one"], ["two"]])
        for row, value in ((1, "one"), (2, "two")):
            place = {"dimensionRange": {"sheetId": 0, "dimension": "ROWS", "startIndex": row, "endIndex": row + 1}}
            item = {"metadataKey": "k", "metadataValue": value, "location": place, "visibility": "PROJECT"}
            api.batch({"createDeveloperMetadata": {"developerMetadata": item}})
        api.batch({"insertDimension": {"range": {"sheetId": 0, "dimension": "ROWS", "startIndex": 1, "endIndex": 2}}})
        return api

    def lookup(self, value):
        return {"developerMetadataLookup": {"metadataKey": "k", "metadataValue": value}}

    def test_rows_are_read_by_their_metadata(self, marked):
        filters = [
            self.lookup("one"),
            self.lookup("two"),
            {"gridRange": {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1}},
        ]
        answer = marked.call("POST", f"/{marked.id}/values:batchGetByDataFilter", json={"dataFilters": filters})
        found = {
            one["valueRange"]["range"]: (one["valueRange"].get("values"), one["dataFilters"])
            for one in answer["valueRanges"]
        }
        assert found == {
            "Sheet1!A3:Z3": ([["one"]], [filters[0]]),
            "Sheet1!A4:Z4": ([["two"]], [filters[1]]),
            "Sheet1!A1:Z1": ([["h"]], [{"gridRange": {"endRowIndex": 1}}]),
        }

    def test_rows_are_written_and_cleared_by_their_metadata(self, marked):
        data = [{"dataFilter": self.lookup("two"), "majorDimension": "ROWS", "values": [["TWO", "more"]]}]
        answer = marked.call(
            "POST", f"/{marked.id}/values:batchUpdateByDataFilter", json={"valueInputOption": "RAW", "data": data}
        )
        assert answer["responses"][0]["updatedRange"] == "Sheet1!A4:B4"
        assert answer["responses"][0]["dataFilter"] == self.lookup("two")
        cleared = marked.call(
            "POST", f"/{marked.id}/values:batchClearByDataFilter", json={"dataFilters": [self.lookup("one")]}
        )
        assert cleared["clearedRanges"] == ["Sheet1!A3:Z3"]
        assert marked.values("A1:B9") == [["h"], [], [], ["TWO", "more"]]

    def test_metadata_dies_with_its_row_and_is_not_moved_by_sorting(self, marked):
        marked.batch(
            {
                "sortRange": {
                    "range": {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 4},
                    "sortSpecs": [{"dimensionIndex": 0, "sortOrder": "DESCENDING"}],
                }
            }
        )
        body = {"dataFilters": [self.lookup("one")]}
        found = marked.call("POST", f"/{marked.id}/developerMetadata:search", json=body)["matchedDeveloperMetadata"][0]
        assert found["developerMetadata"]["location"]["dimensionRange"] == {
            "dimension": "ROWS",
            "startIndex": 2,
            "endIndex": 3,
        }
        marked.batch(
            {"deleteDimension": {"range": {"sheetId": 0, "dimension": "ROWS", "startIndex": 2, "endIndex": 3}}}
        )
        assert marked.call("POST", f"/{marked.id}/developerMetadata:search", json=body) == {}

    def test_project_metadata_is_private_to_its_app(self, marked, running):
        stranger = running.identity.mint("owner@example.com", app="another-app")
        other = Api(running, plain_session(token=stranger.value), marked.id)
        body = {"dataFilters": [{"developerMetadataLookup": {"metadataKey": "k"}}]}
        assert other.call("POST", f"/{marked.id}/developerMetadata:search", json=body) == {}
        assert (
            len(marked.call("POST", f"/{marked.id}/developerMetadata:search", json=body)["matchedDeveloperMetadata"])
            == 2
        )

    def test_filters_without_a_condition_are_refused(self, api):
        assert api.error("POST", "/values:batchGetByDataFilter", json={})[1] == "Must specify at least one dataFilter."
        assert (
            api.error("POST", "/values:batchGetByDataFilter", json={"dataFilters": [{}]})[1]
            == "dataFilter.filter must be specified."
        )


class TestAccess:
    def test_a_reader_may_not_write_and_a_stranger_may_not_read(self, api, running):
        stranger = Api(running, plain_session(token=running.identity.mint("stranger@example.com").value), api.id)
        assert stranger.error("GET", "/values/A1") == (403, "The caller does not have permission")

    def test_a_readonly_scope_does_not_write(self, api, running):
        scope = "https://www.googleapis.com/auth/spreadsheets.readonly"
        reader = Api(
            running, plain_session(token=running.identity.mint("owner@example.com", scopes=[scope]).value), api.id
        )
        assert reader.get("A1")["range"] == "Sheet1!A1"
        assert reader.refused("A1", [["x"]]) == (403, "Request had insufficient authentication scopes.")

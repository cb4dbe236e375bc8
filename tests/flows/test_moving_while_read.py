"""People insert columns and sort rows while a sheet is read: it is read as of one moment, or not at all."""

from __future__ import annotations

import pytest
import requests
from sandboxed import desk as shop_desk

from sheets_catalog.errors import Unavailable
from sheets_catalog.flows.exporting import plan_export
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.tasks import keeping
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.flows.verification import verify
from sheets_catalog.google import sheets as adapter
from sheets_catalog.sandbox import state as states
from tests.flows.exports import desk as task_desk

READS = 12
"""Calls of Sheets during which something is moved: more than any of these flows makes."""


@pytest.fixture(scope="module")
def imported():
    with shop_desk() as at:
        import_catalogue(at.systems, at.audit)
        yield at, states.dump(at.sandbox.world, at.sandbox.services)


@pytest.fixture
def shop(imported):
    at, saved = imported
    with at.sandbox.world.lock:
        states.load(at.sandbox.world, at.sandbox.services, saved)
    requests.delete(f"{at.sandbox.url}/_sandbox/faults", timeout=5)
    return at


def tabs(at):
    return at.systems.sheets.info(at.spreadsheet_id).tabs


def column_inserted(tab, at=0, count=1):
    area = {"sheetId": tab.sheet_id, "dimension": "COLUMNS", "startIndex": at, "endIndex": at + count}
    return {"insertDimension": {"range": area, "inheritFromBefore": False}}


def meanwhile(url, spreadsheet_id, edits, nth, when="before", operation=""):
    """A person makes these edits before the n-th call of Sheets, or after it."""
    path = f"/v4/spreadsheets/{spreadsheet_id}:batchUpdate"
    play = {"method": "POST", "path": path, "body": {"requests": edits}, "email": "owner@example.com"}
    fault = {"kind": "hook:collaborator", "service": "sheets", "nth": nth, "when": when, "requests": [play]}
    fault |= {"operation": operation} if operation else {}
    assert requests.post(f"{url}/_sandbox/faults", json=fault, timeout=5).ok


@pytest.mark.parametrize("nth", range(1, READS))
def test_a_column_inserted_during_planning_changes_nothing(shop, nth):
    edits = [column_inserted(tab, at) for tab in tabs(shop).values() for at in (1, 3)]
    meanwhile(shop.sandbox.url, shop.spreadsheet_id, edits, nth)
    plan = plan_export(shop.fresh())
    assert not plan.changes
    assert not plan.conflicts
    assert not [finding for finding in plan.findings if finding.severity == "error"]


@pytest.mark.parametrize("nth", range(1, READS))
def test_a_column_inserted_during_verification_changes_nothing(shop, nth):
    edits = [column_inserted(tab, at) for tab in tabs(shop).values() for at in (1, 3)]
    meanwhile(shop.sandbox.url, shop.spreadsheet_id, edits, nth)
    assert verify(shop.fresh()).clean


@pytest.mark.parametrize("nth", range(1, READS))
def test_a_column_inserted_during_an_import_moves_no_value_into_another(shop, nth):
    edits = [column_inserted(tab, at) for tab in tabs(shop).values() for at in (1, 3)]
    first = next(iter(shop.systems.catalogue.products())).records[0].key
    shop.sandbox.services["shopify"].edit_product(first, vendor="Acme")
    meanwhile(shop.sandbox.url, shop.spreadsheet_id, edits, nth)
    result = import_catalogue(shop.fresh(), shop.audit)
    assert result.books.balanced
    assert verify(shop.fresh()).clean


def test_rows_inserted_after_the_size_was_asked_for_are_read_too(shop):
    with_rows = tabs(shop)["Products"]
    used = len(shop.person().worksheet("Products").col_values(1))
    spare = {"sheetId": with_rows.sheet_id, "dimension": "ROWS", "startIndex": used, "endIndex": with_rows.row_count}
    shop.systems.sheets.batch_update(shop.spreadsheet_id, [{"deleteDimension": {"range": spare}}], safety="once")
    area = {"sheetId": with_rows.sheet_id, "dimension": "ROWS", "startIndex": 1, "endIndex": 4}
    edits = [{"insertDimension": {"range": area, "inheritFromBefore": False}}]
    meanwhile(shop.sandbox.url, shop.spreadsheet_id, edits, 1, "after", "sheets.spreadsheets.get")
    plan = plan_export(shop.fresh())
    assert not plan.changes
    assert "missing_rows" not in {finding.rule for finding in plan.findings}


def test_a_long_tab_whose_rows_are_sorted_between_two_calls_is_not_read_by_halves(shop, monkeypatch):
    monkeypatch.setattr(adapter, "BLOCK", 10)
    products = tabs(shop)["Products"]
    area = {"sheetId": products.sheet_id, "startRowIndex": 1, "endRowIndex": 40}
    sort = {"sortRange": {"range": area, "sortSpecs": [{"dimensionIndex": 0, "sortOrder": "DESCENDING"}]}}
    assert not plan_export(shop.fresh()).changes  # nobody moves anything: all blocks together are the tab
    meanwhile(shop.sandbox.url, shop.spreadsheet_id, [sort], 2, "before", "sheets.values.batchGet")
    with pytest.raises(Unavailable, match=r"rows of “Products” were moved while they were read\.$"):
        plan_export(shop.fresh())
    assert not plan_export(shop.fresh()).changes


def test_a_long_tab_whose_columns_move_between_two_calls_is_not_read_by_halves(shop, monkeypatch):
    monkeypatch.setattr(adapter, "BLOCK", 10)
    edits = [column_inserted(tabs(shop)["Products"])]
    meanwhile(shop.sandbox.url, shop.spreadsheet_id, edits, 2, "before", "sheets.values.batchGet")
    with pytest.raises(Unavailable, match=r"columns of “Products” were moved while they were read\.$"):
        plan_export(shop.fresh())


def test_a_row_appended_to_a_long_tab_meanwhile_does_not_stop_it(shop, monkeypatch):
    monkeypatch.setattr(adapter, "BLOCK", 10)
    new = {"values": [{"userEnteredValue": {"stringValue": text}} for text in ("", "late-one", "Late one")]}
    append = {"appendCells": {"sheetId": tabs(shop)["Products"].sheet_id, "rows": [new], "fields": "userEnteredValue"}}
    meanwhile(shop.sandbox.url, shop.spreadsheet_id, [append], 4, "after", "sheets.values.batchGet")
    plan = plan_export(shop.fresh())
    assert {change.action for change in plan.changes} <= {"create"}


# --- columns of ours that are missing ---


@pytest.mark.parametrize("nth", range(1, READS))
def test_missing_columns_of_the_catalogue_overwrite_nobodys_header(shop, nth):
    sheet = shop.person().worksheet("Products")
    header = sheet.row_values(1)
    sheet.delete_columns(header.index("Vendor") + 1)
    sheet.delete_columns(header.index("Tags"))
    edits = [column_inserted(tab, 2) for tab in tabs(shop).values()]
    meanwhile(shop.sandbox.url, shop.spreadsheet_id, edits, nth)
    import_catalogue(shop.fresh(), shop.audit)
    now = [cell for cell in sheet.row_values(1) if cell]
    assert sorted(now) == sorted(header)
    assert verify(shop.fresh()).clean


@pytest.mark.parametrize("kind", ["reset", "half-body"])
def test_missing_columns_are_inserted_once_although_the_answer_is_lost(shop, kind):
    sheet = shop.person().worksheet("Products")
    header = sheet.row_values(1)
    sheet.delete_columns(header.index("Vendor") + 1)
    fault = {"service": "sheets", "operation": "sheets.spreadsheets.batchUpdate", "kind": kind, "when": "after"}
    assert requests.post(f"{shop.sandbox.url}/_sandbox/faults", json=fault, timeout=5).ok
    import_catalogue(shop.fresh(), shop.audit)
    assert requests.get(f"{shop.sandbox.url}/_sandbox/faults", timeout=5).json()["faults"][0]["consumed"]
    assert sorted(sheet.row_values(1)) == sorted(header)
    assert verify(shop.fresh()).clean


OURS = ("Export Batch ID", "Export Status", "Staged Count")


def unmigrated(here):
    """The tasks tab as it was before exporting was ever heard of."""
    opened = open_tasks(here.systems, "Tasks")
    columns = sorted((opened.header.index(header) for header in OURS), reverse=True)
    area = {"sheetId": opened.tab.sheet_id, "dimension": "COLUMNS"}
    gone = [{"deleteDimension": {"range": area | {"startIndex": at, "endIndex": at + 1}}} for at in columns]
    here.systems.sheets.batch_update(here.connection.spreadsheet_id, gone, safety="once")
    return open_tasks(here.systems, "Tasks", migrated=False)


@pytest.mark.parametrize("nth", range(1, 6))
def test_migration_overwrites_nobodys_header_when_a_column_is_inserted_meanwhile(tmp_path, nth):
    with task_desk(tmp_path, 1, files=6) as here:
        opened = unmigrated(here)
        edits = [column_inserted(opened.tab, 1)]
        meanwhile(here.sandbox.url, here.connection.spreadsheet_id, edits, nth)
        keeping.migrate(here.systems, here.audit, "me")
        now = [cell for cell in open_tasks(here.systems, "Tasks").header if cell]
        assert sorted(now) == sorted([*filter(None, opened.header), *OURS])


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 5, 6, 8, 11])
def test_staging_writes_under_the_right_headers_when_a_column_is_inserted(tmp_path, nth):
    with task_desk(tmp_path, 1, files=6) as here:
        before = [row.values for row in open_tasks(here.systems, "Tasks").rows()]
        edits = [column_inserted(open_tasks(here.systems, "Tasks").tab, at) for at in (1, 4)]
        meanwhile(here.sandbox.url, here.connection.spreadsheet_id, edits, nth)
        here.stage()
        opened = open_tasks(here.systems, "Tasks")
        rows = [row.values for row in opened.rows()]
        ours = {"export_status", "export_batch_id", "staged_count"}
        assert [{name: row[name] for name in row.keys() - ours} for row in rows] == [
            {name: row[name] for name in row.keys() - ours} for row in before
        ]
        assert {row["export_status"] for row in rows} == {"staged"}
        cells = here.systems.sheets.read_ranges(here.connection.spreadsheet_id, ["Tasks!A1:AZ"])[0]
        blank = [at for at, cell in enumerate(cells[0]) if cell == ""]
        assert not [row for row in cells for at in blank if at < len(row) and row[at] != ""]

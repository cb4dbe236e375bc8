"""Columns of ours that a tab lacks: inserted blank, so that nothing is overwritten, whatever people move meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.errors import Unavailable
from sheets_catalog.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sheets_catalog.google.sheets import Spreadsheets, Tab
    from sheets_catalog.records import Field

_TEXTS = {Kind.TEXT, Kind.MULTILINE, Kind.ID, Kind.TAGS, Kind.WORD}


def insert_columns(
    sheets: Spreadsheets,
    spreadsheet_id: str,
    tab: Tab,
    at: int,
    fields: Sequence[Field],
    missing: Callable[[], Sequence[Field]],
) -> None:
    """Insert columns for `fields` before column `at` (from 0), with their headers, in one atomic request.

    When the answer is lost it is repeated for what is `missing` then. Raises `Unavailable` when that does not help.
    """
    if not fields:
        return
    try:
        _insert(sheets, spreadsheet_id, tab, at, fields)
    except Unavailable:
        still = missing()
        if still:
            _insert(sheets, spreadsheet_id, tab, at, still)


def _insert(sheets: Spreadsheets, spreadsheet_id: str, tab: Tab, at: int, fields: Sequence[Field]) -> None:
    end = {"sheetId": tab.sheet_id, "dimension": "COLUMNS", "length": 1}
    area = {"sheetId": tab.sheet_id, "dimension": "COLUMNS", "startIndex": at, "endIndex": at + len(fields)}
    headers = {"values": [{"userEnteredValue": {"stringValue": each.header}} for each in fields]}
    start = {"sheetId": tab.sheet_id, "rowIndex": 0, "columnIndex": at}
    requests: list[dict[str, object]] = [
        {"insertDimension": {"range": area, "inheritFromBefore": False}},
        {"updateCells": {"start": start, "rows": [headers], "fields": "userEnteredValue"}},
        *texts(tab.sheet_id, fields, at),
    ]
    if at >= tab.column_count:  # columns can only be inserted before one that is there
        requests.insert(0, {"appendDimension": end})
    sheets.batch_update(spreadsheet_id, requests, safety="once")


def texts(sheet_id: int, fields: Sequence[Field], at: int = 0) -> list[dict[str, object]]:
    """Requests that format columns of ids and texts, from `at` on, as plain text: Sheets makes no numbers of them."""
    return [_as_text(sheet_id, at + number) for number, each in enumerate(fields) if each.kind in _TEXTS]


def _as_text(sheet_id: int, column: int) -> dict[str, object]:
    where = {"sheetId": sheet_id, "startRowIndex": 1, "startColumnIndex": column, "endColumnIndex": column + 1}
    cell = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    return {"repeatCell": {"range": where, "cell": cell, "fields": "userEnteredFormat.numberFormat"}}

"""Tabs and columns an import needs: missing ones are made, what people have is left where it is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.errors import PlanError, Refused
from sheets_catalog.flows.new_columns import insert_columns, texts
from sheets_catalog.flows.tabs import lay_out, letter
from sheets_catalog.google.a1 import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.sheets import SpreadsheetInfo, Tab
    from sheets_catalog.records import Cell, Field, Table

SPARE_ROWS = 200
"""Empty rows kept at the end of a tab, so that people have room to type."""

LARGEST_SHEET_ID = 2**31 - 1
"""Ids of tabs are signed 32-bit integers that are not negative
(https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/sheets#SheetProperties)."""


@dataclass(frozen=True, slots=True)
class Addition:
    """Columns of ours that a tab lacks, and the column (from 0) they go to."""

    tab: Tab
    table: Table
    fields: tuple[Field, ...]
    at: int


def lacking(systems: Systems, info: SpreadsheetInfo, table: Table) -> Addition:
    """What is missing in a table's tab. A tab that is not there is made, and lacks nothing then."""
    if table.title not in info.tabs:
        try:
            return Addition(_make_tab(systems, info.id, table), table, (), 0)
        except Refused as error:
            if error.reason != "duplicate":  # somebody made it meanwhile, or we did and the answer was lost
                raise
            info = systems.sheets.info(info.id)
    return missing_columns(systems, info.id, info.tab(table.title), table)


def _make_tab(systems: Systems, spreadsheet_id: str, table: Table) -> Tab:
    """A new tab with all columns of `table`, in one request. Raises `Refused` (``duplicate``) when it is there.

    The header is bold and frozen; ids and texts are plain text, so that Sheets makes no numbers of them.
    """
    sheet_id = secrets.randbelow(LARGEST_SHEET_ID) + 1
    columns = max(len(table.fields), 12)
    headers = [
        {"userEnteredValue": {"stringValue": each.header}, "userEnteredFormat": {"textFormat": {"bold": True}}}
        for each in table.fields
    ]
    start = {"sheetId": sheet_id, "rowIndex": 0, "columnIndex": 0}
    fields = "userEnteredValue,userEnteredFormat.textFormat.bold"
    filled: list[dict[str, object]] = [
        {"updateCells": {"start": start, "rows": [{"values": headers}], "fields": fields}},
        *texts(sheet_id, table.fields),
    ]
    return systems.sheets.add_tab(
        spreadsheet_id,
        table.title,
        sheet_id=sheet_id,
        rows=SPARE_ROWS,
        columns=columns,
        frozen_rows=1,
        filled=filled,
    )


def missing_columns(systems: Systems, spreadsheet_id: str, tab: Tab, table: Table) -> Addition:
    """What is missing in a tab's header; an empty tab lacks everything."""
    found = systems.sheets.read_ranges(spreadsheet_id, [f"{quoted(tab.title)}!1:1"])[0]
    header: list[Cell] = found[0] if found else []
    layout = lay_out(table, header, tab.title)
    for finding in layout.findings:
        if finding.rule == "duplicate_column" or (finding.rule == "missing_column" and layout.columns):
            raise PlanError(f"The tab “{tab.title}” cannot be used: {finding.message}", advice=finding.advice)
    used = max((at + 1 for at, cell in enumerate(header) if cell not in {None, ""}), default=0)
    return Addition(tab, table, tuple(each for each in table.fields if each.name not in layout.columns), used)


def add_columns(systems: Systems, spreadsheet_id: str, addition: Addition) -> None:
    """Missing columns, inserted after the last one that has a header; into a tab without any, the whole header."""
    sheets, tab, fields = systems.sheets, addition.tab, addition.fields
    if addition.at:

        def missing() -> Sequence[Field]:
            return missing_columns(systems, spreadsheet_id, tab, addition.table).fields

        insert_columns(sheets, spreadsheet_id, tab, addition.at, fields, missing)
    elif fields:
        if len(fields) > tab.column_count:
            more = {"sheetId": tab.sheet_id, "dimension": "COLUMNS", "length": len(fields) - tab.column_count}
            sheets.batch_update(spreadsheet_id, [{"appendDimension": more}], safety="repeatable")
        where = f"{quoted(tab.title)}!A1:{letter(len(fields) - 1)}1"
        sheets.write_ranges(spreadsheet_id, [(where, [[each.header for each in fields]])])

"""Tabs and columns an import needs: missing ones are made, what people have is left where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.errors import PlanError, Refused
from sheets_catalog.flows.tabs import lay_out, letter
from sheets_catalog.google.a1 import quoted
from sheets_catalog.records import Kind

if TYPE_CHECKING:
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.sheets import Tab
    from sheets_catalog.records import Cell, Field, Table

SPARE_ROWS = 200
"""Empty rows kept at the end of a tab, so that people have room to type."""


def make_tab(systems: Systems, spreadsheet_id: str, table: Table) -> Tab:
    """A new tab: header in bold and frozen, ids and texts as plain text, so that Sheets turns nothing into numbers."""
    try:
        tab = systems.sheets.add_tab(spreadsheet_id, table.title, rows=SPARE_ROWS, columns=max(len(table.fields), 12))
    except Refused as error:
        if error.reason != "duplicate":
            raise
        return systems.sheets.info(spreadsheet_id).tab(table.title)
    texts = [_as_text(tab, at) for at, each in enumerate(table.fields) if each.kind in _TEXTS]
    frozen = {"properties": {"sheetId": tab.sheet_id, "gridProperties": {"frozenRowCount": 1}}}
    bold = {
        "range": {"sheetId": tab.sheet_id, "startRowIndex": 0, "endRowIndex": 1},
        "cell": {"userEnteredFormat": {"textFormat": {"bold": True}}},
        "fields": "userEnteredFormat.textFormat.bold",
    }
    requests: list[dict[str, object]] = [
        {"updateSheetProperties": {**frozen, "fields": "gridProperties.frozenRowCount"}},
        {"repeatCell": bold},
        *texts,
    ]
    systems.sheets.batch_update(spreadsheet_id, requests, safety="repeatable")
    return tab


_TEXTS = {Kind.TEXT, Kind.MULTILINE, Kind.ID, Kind.TAGS}


def _as_text(tab: Tab, column: int) -> dict[str, object]:
    where = {"sheetId": tab.sheet_id, "startRowIndex": 1, "startColumnIndex": column, "endColumnIndex": column + 1}
    cell = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    return {"repeatCell": {"range": where, "cell": cell, "fields": "userEnteredFormat.numberFormat"}}


@dataclass(frozen=True, slots=True)
class Addition:
    """Columns of ours that a tab lacks, and the column (from 0) they go to."""

    tab: Tab
    fields: tuple[Field, ...]
    at: int


def missing_columns(systems: Systems, spreadsheet_id: str, tab: Tab, table: Table) -> Addition:
    """What is missing in a tab's header; an empty tab lacks everything."""
    found = systems.sheets.read_ranges(spreadsheet_id, [f"{quoted(tab.title)}!1:1"])[0]
    header: list[Cell] = found[0] if found else []
    layout = lay_out(table, header, tab.title)
    for finding in layout.findings:
        if finding.rule == "duplicate_column" or (finding.rule == "missing_column" and layout.columns):
            raise PlanError(f"The tab “{tab.title}” cannot be used: {finding.message}", advice=finding.advice)
    used = max((at + 1 for at, cell in enumerate(header) if cell not in {None, ""}), default=0)
    return Addition(tab, tuple(each for each in table.fields if each.name not in layout.columns), used)


def add_columns(systems: Systems, spreadsheet_id: str, addition: Addition) -> None:
    """Write the missing headers after the last used column."""
    tab, missing = addition.tab, [each.header for each in addition.fields]
    if not missing:
        return
    wanted = addition.at + len(missing)
    if wanted > tab.column_count:
        more = {"sheetId": tab.sheet_id, "dimension": "COLUMNS", "length": wanted - tab.column_count}
        systems.sheets.batch_update(spreadsheet_id, [{"appendDimension": more}], safety="repeatable")
    where = f"{quoted(tab.title)}!{letter(addition.at)}1:{letter(wanted - 1)}1"
    systems.sheets.write_ranges(spreadsheet_id, [(where, [missing])])

"""The tab of open conflicts: written by apply, answered by people, read by the next plan (BK-5, policy ``ask``).

The tab is ours as a whole. Everything in it is text; the last column takes a person's choice, ``sheet`` or ``shop``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import clipped
from sheets_catalog.errors import Refused
from sheets_catalog.flows.exporting.comparing import Resolution
from sheets_catalog.records import TABLES, metafield

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sheets_catalog.changes.plan import Conflict
    from sheets_catalog.google.sheets import SpreadsheetInfo, Spreadsheets
    from sheets_catalog.records import Cell, Table

TITLE = "Conflicts"
HEADER = ("Tab", "Row key", "Record", "Field", "Last agreed", "In the sheet", "In the shop", "Choose (sheet or shop)")
CHOICES = ("sheet", "shop")
SHEET_ID = 1_914_207_531
"""A sheet id of our own choosing, so that two runs cannot add the tab twice."""

Spot = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the tab shows, by (table, key, field name). `there`: whether the spreadsheet has the tab."""

    there: bool
    entries: Mapping[Spot, Resolution]

    @property
    def choices(self) -> dict[Spot, Resolution]:
        """The choices people have made. Rows without a valid choice are still open."""
        return {spot: made for spot, made in self.entries.items() if made.choice in CHOICES}

    def lists(self, conflicts: Collection[Conflict], tables: Collection[str]) -> bool:
        """Whether `write` would show nothing new: exactly these conflicts of `tables`, about the same values."""
        listed = {spot for spot in self.entries if spot[0] in tables}
        wanted = {(each.table, each.key, each.field): each for each in conflicts}
        return listed == set(wanted) and all(
            self.entries[spot].about(each.sheet, each.shop) for spot, each in wanted.items()
        )


def read(sheets: Spreadsheets, info: SpreadsheetInfo) -> Shown:
    """Read the tab."""
    return Shown(TITLE in info.tabs, {spot: made for spot, made, _ in _rows(sheets, info)})


def _rows(sheets: Spreadsheets, info: SpreadsheetInfo) -> list[tuple[Spot, Resolution, list[Cell]]]:
    if TITLE not in info.tabs:
        return []
    found: list[tuple[Spot, Resolution, list[Cell]]] = []
    for rows in sheets.read_rows(info.id, info.tabs[TITLE], first_row=2, columns=(1, len(HEADER))):
        for row in rows:
            cells = [str(cell or "") for cell in [*row, *[""] * (len(HEADER) - len(row))]]
            spot = _spot(cells)
            if spot:
                made = Resolution(cells[7].strip().casefold(), cells[5] or None, cells[6] or None)
                found.append((spot, made, [*cells]))
    return found


def _spot(cells: Sequence[str]) -> Spot | None:
    table = next((table for table in TABLES.values() if table.title == cells[0]), None)
    if table is None or not cells[1]:
        return None
    known = next((each for each in table.fields if each.header == cells[3]), None) or metafield(cells[3])
    name = known.name if known else cells[3]
    return (table.name, cells[1], name)


def write(
    sheets: Spreadsheets, info: SpreadsheetInfo, conflicts: Iterable[Conflict], tables: Mapping[str, Table]
) -> None:
    """Make the tab show exactly these conflicts of `tables`, keeping choices made about the same values. Repeatable.

    The new rows and the blanks after them go in one request: the tab is never empty in between.
    """
    open_ones = list(conflicts)
    if TITLE not in info.tabs and not open_ones:
        return
    before = _rows(sheets, info)
    made = {spot: choice for spot, choice, _ in before}
    others = [cells for spot, _, cells in before if spot[0] not in tables]
    rows: list[list[Cell]] = [list(HEADER), *others, *(_row(conflict, tables, made) for conflict in open_ones)]
    rows += [[""] * len(HEADER) for _ in range(len(before) + 1 - len(rows))]
    _ensure_tab(sheets, info, len(rows))
    sheets.write_ranges(info.id, [(f"'{TITLE}'!A1:H{len(rows)}", rows)])


def _row(conflict: Conflict, tables: Mapping[str, Table], made: Mapping[Spot, Resolution]) -> list[Cell]:
    table = tables[conflict.table]
    each = table.by_name.get(conflict.field)
    chosen = made.get((conflict.table, conflict.key, conflict.field))
    kept = chosen.choice if chosen and chosen.about(conflict.sheet, conflict.shop) else ""
    base = clipped(conflict.base) if conflict.base_known else "(not known)"
    return [
        table.title,
        conflict.key,
        conflict.label,
        each.header if each else conflict.field,
        base,
        clipped(conflict.sheet),
        clipped(conflict.shop),
        kept,
    ]


def _ensure_tab(sheets: Spreadsheets, info: SpreadsheetInfo, rows: int) -> None:
    """Add the tab, or rows to it, as far as needed."""
    tab = info.tabs.get(TITLE)
    if tab is None:
        try:
            sheets.batch_update(info.id, _new_tab(max(rows, 100)), safety="repeatable")
        except Refused as error:
            if "already exists" not in error.message:
                raise
    elif tab.row_count < rows:
        wider = {"sheetId": tab.sheet_id, "gridProperties": {"rowCount": rows}}
        request = {"updateSheetProperties": {"properties": wider, "fields": "gridProperties.rowCount"}}
        sheets.batch_update(info.id, [request], safety="repeatable")


def _new_tab(rows: int) -> list[dict[str, object]]:
    whole = {"sheetId": SHEET_ID, "startRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": len(HEADER)}
    choose = whole | {"startColumnIndex": len(HEADER) - 1}
    grid = {"rowCount": rows, "columnCount": len(HEADER), "frozenRowCount": 1}
    text = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    bold = {"userEnteredFormat": {"textFormat": {"bold": True}}}
    condition = {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": choice} for choice in CHOICES]}
    return [
        {"addSheet": {"properties": {"sheetId": SHEET_ID, "title": TITLE, "gridProperties": grid}}},
        {"repeatCell": {"range": whole, "cell": text, "fields": "userEnteredFormat.numberFormat"}},
        {
            "repeatCell": {
                "range": {"sheetId": SHEET_ID, "startRowIndex": 0, "endRowIndex": 1},
                "cell": bold,
                "fields": "userEnteredFormat.textFormat.bold",
            }
        },
        {"setDataValidation": {"range": choose, "rule": {"condition": condition, "showCustomUi": True}}},
    ]

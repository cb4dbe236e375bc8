"""Columns of one tab, for the keyed writer, over the Sheets adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.flows.keyed_writing import Shot
from sheets_catalog.flows.tabs import letter
from sheets_catalog.google.a1 import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from sheets_catalog.google.sheets import Render, Spreadsheets
    from sheets_catalog.records import Cell

GAP = 4
"""Rows that are read although nobody asked, to ask for one range where there were two."""


@dataclass(frozen=True, slots=True)
class SheetColumns:
    """The columns of one tab (a `keyed_writing.Columns`)."""

    sheets: Spreadsheets
    spreadsheet_id: str
    title: str
    sheet_id: int

    def read(self, columns: Sequence[int], *, formulas: bool) -> list[list[Cell]]:
        """The cells of each column, from row 2 on, in one call."""
        ranges = [f"{self._tab}{letter(column)}2:{letter(column)}" for column in columns]
        render = "FORMULA" if formulas else "UNFORMATTED_VALUE"
        found = self.sheets.read_ranges(self.spreadsheet_id, ranges, render, "COLUMNS")  # type: ignore[arg-type]
        return [block[0] if block else [] for block in found]

    def look(self, columns: Sequence[int], rows: Sequence[int], *, formulas: bool) -> Shot:
        """The header, columns from row 2 on, and whole rows by number: all of one moment, in one call."""
        spans = _spans(rows)
        ranges = [
            f"{self._tab}1:1",
            *(f"{self._tab}{letter(column)}2:{letter(column)}" for column in columns),
            *(f"{self._tab}{first}:{last}" for first, last in spans),
        ]
        render: Render = "FORMULA" if formulas else "UNFORMATTED_VALUE"
        header, *found = self.sheets.read_ranges(self.spreadsheet_id, ranges, render, "COLUMNS")
        blocks, areas = found[: len(columns)], found[len(columns) :]
        whole = {
            first + at: [column[at] if at < len(column) else "" for column in area]
            for (first, last), area in zip(spans, areas, strict=True)
            for at in range(last - first + 1)
        }
        cells = [block[0] if block else [] for block in blocks]
        return Shot([column[0] if column else "" for column in header], cells, whole)

    def write(self, cells: Mapping[tuple[int, int], Cell | Decimal]) -> None:
        """Write single cells, RAW, in one call."""
        self.sheets.write_ranges(
            self.spreadsheet_id,
            [(f"{self._tab}{letter(column)}{row}", [[cell]]) for (row, column), cell in cells.items()],
        )

    def restore(self, formulas: Mapping[tuple[int, int], str]) -> None:
        """Put back formulas that people had typed."""
        requests = [
            {
                "updateCells": {
                    "start": {"sheetId": self.sheet_id, "rowIndex": row - 1, "columnIndex": column},
                    "rows": [{"values": [{"userEnteredValue": {"formulaValue": formula}}]}],
                    "fields": "userEnteredValue",
                }
            }
            for (row, column), formula in formulas.items()
        ]
        self.sheets.batch_update(self.spreadsheet_id, requests, safety="repeatable")

    @property
    def _tab(self) -> str:
        return f"{quoted(self.title)}!"


def _spans(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Row numbers as ranges; small gaps are read along, because a range costs more than some cells."""
    spans: list[tuple[int, int]] = []
    for row in sorted(set(rows)):
        if spans and row - spans[-1][1] <= GAP:
            spans[-1] = (spans[-1][0], row)
        else:
            spans.append((row, row))
    return spans

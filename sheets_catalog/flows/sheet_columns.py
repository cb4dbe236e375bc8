"""Columns of one tab, for the keyed writer, over the Sheets adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.flows.tabs import letter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from sheets_catalog.google.sheets import Spreadsheets
    from sheets_catalog.records import Cell


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
        return "'" + self.title.replace("'", "''") + "'!"

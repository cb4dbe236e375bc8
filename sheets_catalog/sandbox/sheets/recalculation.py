"""Keeping formula results up to date. Formulas are computed when someone reads, not at every write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sheets_catalog.sandbox.sheets.formulas.evaluation import (
    REF,
    Block,
    Cell,
    Failed,
    Pending,
    Scope,
    compute_all,
    computed,
)
from sheets_catalog.sandbox.sheets.formulas.formats import implied_format
from sheets_catalog.sandbox.sheets.grid import Extra, padded
from sheets_catalog.sandbox.sheets.reading import number_format

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sheets_catalog.sandbox.sheets.document import Book
    from sheets_catalog.sandbox.sheets.formulas.text import Reference
    from sheets_catalog.sandbox.sheets.grid import Grid, Value
    from sheets_catalog.sandbox.sheets.ranges import Area


@dataclass(frozen=True, slots=True)
class _Cells:
    """The spreadsheet as formulas see it; `waiting` are formula cells whose value is not computed yet."""

    book: Book
    waiting: set[Cell]

    def sheet_of(self, title: str) -> int | None:
        return self.book.sheet_id(title)

    def named(self, name: str) -> Area | None:
        return self.book.named(name)

    def block(self, area: Area) -> Block:
        sheet = self.book.find(area.sheet)
        if sheet is None or area.top >= sheet.grid.row_count or area.left >= sheet.grid.column_count:
            raise Failed(REF)
        area = sheet.clip(area)
        missing = self._missing(area)
        if missing:
            raise Pending(missing)
        left, right = area.left, area.end_column
        rows = [padded(sheet.grid.row(row)[left:right], right - left) for row in range(area.top, area.end_row)]
        return Block(rows, area)

    def _missing(self, area: Area) -> list[Cell]:
        if area.height * area.width <= len(self.waiting):
            cells = (
                (area.sheet, row, column)
                for row in range(area.top, area.end_row)
                for column in range(area.left, area.end_column)
            )
            return [cell for cell in cells if cell in self.waiting]
        return [
            cell
            for cell in self.waiting
            if cell[0] == area.sheet and area.top <= cell[1] < area.end_row and area.left <= cell[2] < area.end_column
        ]


def refresh(book: Book, now: datetime) -> None:
    """Compute every formula of a book that changed since the last time; `now` is an aware time."""
    if not book.stale:
        return
    book.stale = False
    formulas: dict[Cell, str] = {
        (sheet.id, row, column): formula for sheet in book.sheets for row, column, formula in sheet.grid.formulas()
    }
    if not formulas:
        return
    local = local_time(book, now)
    cells = _Cells(book, set(formulas))
    grids = {sheet.id: sheet.grid for sheet in book.sheets}

    def compute(cell: Cell) -> Value:
        return computed(formulas[cell], Scope(cells, *cell, book.locale, local))

    def store(cell: Cell, value: Value) -> None:
        cells.waiting.discard(cell)
        grids[cell[0]].write(cell[1], cell[2], (value,))
        _set_implied(book, grids[cell[0]], cell)

    compute_all(list(formulas), compute, store)


def _set_implied(book: Book, grid: Grid, cell: Cell) -> None:
    """Note the number format that a formula takes from the cells it uses."""
    sheet, row, column = cell
    extra = grid.extra_at(row, column)

    def format_of(reference: Reference) -> Mapping[str, str] | None:
        own = sheet if reference.title is None else book.sheet_id(reference.title)
        found = None if own is None else book.find(own)
        if found is None:
            return None
        area = reference.area(found.id)
        used = number_format(found.grid.extra_at(area.top, area.left))
        return None if used and used.get("type") == "TEXT" else used

    implied = implied_format(extra.formula, format_of)
    if implied != extra.implied:
        grid.write_extras(row, column, (Extra(extra.formula, extra.data, implied),))


def local_time(book: Book, now: datetime) -> datetime:
    """The time on the spreadsheet's own clock."""
    try:
        return now.astimezone(ZoneInfo(str(book.properties.get("timeZone", "Etc/GMT"))))
    except (ZoneInfoNotFoundError, ValueError):
        return now

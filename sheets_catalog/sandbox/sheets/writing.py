"""Values into a sheet: RAW and USER_ENTERED, `null` skips, "" blanks, and the checks before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox.sheets.document import MAX_CELL_LENGTH, MAX_CELLS, Book, Sheet
from sheets_catalog.sandbox.sheets.entry import Entered, raw, typed
from sheets_catalog.sandbox.sheets.formulas.text import canonical
from sheets_catalog.sandbox.sheets.grid import SKIP, Extra, Skip, Value
from sheets_catalog.sandbox.sheets.ranges import Area, column_name
from sheets_catalog.sandbox.sheets.refusals import TOO_LONG, TOO_MANY_CELLS, Refused, outside

if TYPE_CHECKING:
    from datetime import date

    from sheets_catalog.sandbox.sheets.locales import Locale
    from sheets_catalog.sandbox.wire import JSON

Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write touched: counts are of cells that were not skipped."""

    area: Area
    rows: int
    columns: int
    cells: int


@dataclass(frozen=True, slots=True)
class Input:
    """How values are to be read: `typed_in` is USER_ENTERED, otherwise RAW."""

    typed_in: bool
    locale: Locale
    today: date


def as_rows(values: Rows, major: str | None) -> Rows:
    """The values by row; what a shorter column lacks is skipped."""
    if major != "COLUMNS":
        return values
    height = max((len(column) for column in values), default=0)
    return [[column[row] if row < len(column) else None for column in values] for row in range(height)]


def check_values(values: Rows) -> None:
    """Refuse anything but text, numbers, booleans and null, and too long texts.

    Raises:
        Refused: in Google's words; the first bad cell.
    """
    for row, cells in enumerate(values):
        for column, value in enumerate(cells):
            if isinstance(value, str):
                if len(value) > MAX_CELL_LENGTH:
                    raise Refused(TOO_LONG)
            elif isinstance(value, dict | list):
                kind = "struct_value" if isinstance(value, dict) else "list_value"
                raise Refused(f"Invalid values[{row}][{column}]: {kind} {_proto_text(value)}")


def _proto_text(value: JSON) -> str:
    """A list or struct as protocol buffers print it, which is how Google names it."""
    if isinstance(value, list):
        return "{\n" + "".join(f"  values {{\n{_proto_scalar(item)}  }}\n" for item in value) + "}\n"
    fields = (
        f'  fields {{\n    key: "{key}"\n    value {{\n{_proto_scalar(item)}    }}\n  }}\n'
        for key, item in value.items()
    )
    return "{\n" + "".join(fields) + "}\n"


def _proto_scalar(value: JSON) -> str:
    if isinstance(value, bool):
        return f"    bool_value: {str(value).lower()}\n"
    if isinstance(value, int | float):
        return f"    number_value: {float(value)}\n"
    return f'    string_value: "{value}"\n' if isinstance(value, str) else "    null_value: NULL_VALUE\n"


def target(book: Book, area: Area, text: str, rows: Rows) -> tuple[Sheet, Area]:
    """The sheet and the area, from its start to the last given cell, that a write to range `text` fills.

    A single cell as range only says where to begin; any other range holds its data within its ends.

    Raises:
        Refused: the range begins outside the grid, or the values do not fit.
    """
    sheet = book.find(area.sheet)
    assert sheet is not None, "resolved ranges are on sheets that exist"
    grid = sheet.grid
    if area.top >= grid.row_count or area.left >= grid.column_count:
        raise outside(sheet, area)
    single = area.bottom == area.top + 1 and area.right == area.left + 1
    limit = sheet.clip(Area(sheet.id, area.top, None, area.left, None) if single else area)
    height = max((place for place, row in enumerate(rows, 1) if row), default=0)
    width = max((len(row) for row in rows), default=0)
    if area.top + height > limit.end_row:
        raise Refused(f"Requested writing within range [{text}], but tried writing to row [{limit.end_row + 1}]")
    if area.left + width > limit.end_column:
        column = column_name(limit.end_column)
        raise Refused(f"Requested writing within range [{text}], but tried writing to column [{column}]")
    return sheet, Area(sheet.id, area.top, area.top + max(height, 1), area.left, area.left + max(width, 1))


def write(book: Book, sheet: Sheet, area: Area, rows: Rows, how: Input) -> Written:
    """Write values from the area's corner on. The caller has checked values, bounds and protection."""
    covered = _covered(sheet, area)
    touched_columns: set[int] = set()
    touched_rows = cells = 0
    for index, row in enumerate(rows, area.top):
        places = [place for place, value in enumerate(row) if value is not None]
        if not places:
            continue
        _write_row(book, sheet, index, area.left, row, how, covered)
        touched_rows += 1
        cells += len(places)
        touched_columns.update(places)
    book.stale = True
    return Written(area, touched_rows, len(touched_columns), cells)


def _covered(sheet: Sheet, area: Area) -> set[tuple[int, int]]:
    """Cells under a merge but its first: values written to them are dropped."""
    return {
        (row, column)
        for merge in sheet.merges
        if merge.overlaps(area)
        for row in range(merge.top, merge.end_row)
        for column in range(merge.left, merge.end_column)
        if (row, column) != (merge.top, merge.left)
    }


def _write_row(
    book: Book, sheet: Sheet, row: int, left: int, cells: Sequence[Any], how: Input, covered: set[tuple[int, int]]
) -> None:
    grid = sheet.grid
    extras = grid.extra_row(row)[left : left + len(cells)]
    if not how.typed_in and not covered and not any(extras):
        grid.write(row, left, [SKIP if value is None else raw(value) for value in cells])
        return
    values: list[Value | Skip] = []
    new_extras: list[Extra | Skip | None] = []
    changed = False
    for place, value in enumerate(cells):
        old = extras[place] if place < len(extras) else None
        if value is None or (row, left + place) in covered:
            values.append(SKIP)
            new_extras.append(SKIP)
            continue
        entered, extra = entered_cell(book, value, old or Extra(), how)
        values.append(entered)
        new_extras.append(extra)
        changed = changed or bool(extra) or old is not None
    grid.write(row, left, values)
    if changed:
        grid.write_extras(row, left, new_extras)


def entered_cell(book: Book, value: Any, old: Extra, how: Input) -> tuple[Value, Extra]:
    """The value and the extra of a cell after `value` was written to it."""
    if not how.typed_in:
        return raw(value), Extra("", old.data) if old.formula else old
    current = old.data.get("userEnteredFormat", {}).get("numberFormat", {})
    entered = typed(value, how.locale, how.today, as_text=current.get("type") == "TEXT")
    return entered.value, Extra(_stored(book, entered), _with_format(old.data, entered, current))


def _stored(book: Book, entered: Entered) -> str:
    if not entered.formula:
        return ""
    return canonical(entered.formula, lambda title: found.title if (found := book.titled(title)) else None)


def _with_format(data: Any, entered: Entered, current: Any) -> Any:
    """What was typed brings its number format along, unless the cell has one of its own."""
    if entered.number_format is None or current:
        return data
    own = data.get("userEnteredFormat", {})
    return {**data, "userEnteredFormat": {**own, "numberFormat": dict(entered.number_format)}}


def clear(book: Book, sheet: Sheet, area: Area) -> None:
    """Blank the values and formulas of a clipped area; formats, notes and rules stay."""
    grid = sheet.grid
    width = area.width
    blanks: list[Value | Skip] = [None] * width
    for row in range(area.top, min(area.end_row, len(grid.values))):
        if grid.row(row):
            grid.write(row, area.left, blanks)
    for row in range(area.top, min(area.end_row, len(grid.extras))):
        extras = grid.extra_row(row)[area.left : area.end_column]
        if any(extra and extra.formula for extra in extras):
            grid.write_extras(row, area.left, [Extra("", extra.data) if extra else None for extra in extras])
    book.stale = True


def grow(book: Book, sheet: Sheet, rows: int, columns: int) -> None:
    """Make the grid at least this big.

    Raises:
        Refused: more than ten million cells in the spreadsheet.
    """
    rows, columns = max(rows, sheet.grid.row_count), max(columns, sheet.grid.column_count)
    added = rows * columns - sheet.grid.row_count * sheet.grid.column_count
    if added and book.cells() + added > MAX_CELLS:
        raise Refused(TOO_MANY_CELLS)
    sheet.grid.row_count, sheet.grid.column_count = rows, columns


def last_table(sheet: Sheet, area: Area) -> Area | None:
    """The last table that an append to this (clipped) range finds: a block of filled cells with blank ones around it.

    https://developers.google.com/workspace/sheets/api/guides/values#append_values. Last means lowest, then rightmost.
    """
    for row in range(min(area.end_row, sheet.grid.last_used_row()) - 1, area.top - 1, -1):
        filled = [
            column
            for column, value in enumerate(sheet.grid.row(row)[area.left : area.end_column], area.left)
            if value is not None
        ]
        if filled:
            return _block_around(sheet, row, filled[-1])
    return _block_containing(sheet, area.top, area.left)


def _block_around(sheet: Sheet, row: int, column: int) -> Area:
    """The block of connected filled cells that this cell is in, as a rectangle."""
    grid = sheet.grid
    top, bottom, left, right = row, row + 1, column, column + 1
    while True:
        size = (top, bottom, left, right)
        while top and grid.filled(top - 1, max(left - 1, 0), right + 1):
            top -= 1
        while bottom < grid.row_count and grid.filled(bottom, max(left - 1, 0), right + 1):
            bottom += 1
        rows = range(max(top - 1, 0), min(bottom + 1, len(grid.values)))
        while left and any(grid.value(index, left - 1) is not None for index in rows):
            left -= 1
        while right < grid.column_count and any(grid.value(index, right) is not None for index in rows):
            right += 1
        if size == (top, bottom, left, right):
            return Area(sheet.id, top, bottom, left, right)


def _block_containing(sheet: Sheet, row: int, column: int) -> Area | None:
    """The block around a blank cell: only when a filled neighbour's block spans it."""
    for near_row, near_column in ((row, column - 1), (row - 1, column), (row, column + 1), (row + 1, column)):
        if near_row >= 0 and near_column >= 0 and sheet.grid.value(near_row, near_column) is not None:
            block = _block_around(sheet, near_row, near_column)
            if block.top <= row < block.end_row and block.left <= column < block.end_column:
                return block
    return None

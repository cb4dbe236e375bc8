"""The cells of one sheet, kept small: rows are tuples of plain values, everything else lies beside them.

A cell value is `None` (blank), `str`, `float`/`int`, `bool` or a `CellError`. What only few cells have (formula,
format, note, validation rule) is an `Extra` in a parallel list of rows. Rows are immutable and shared, so a fork of
500,000 rows costs two list copies; trailing blank cells and rows are not stored at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.sandbox.sheets.edits import Dimension, Edit


@dataclass(frozen=True, slots=True)
class CellError:
    """An error value. `kind` is the API's ErrorType, `text` what the cell shows."""

    kind: str
    text: str
    message: str = ""


Scalar: TypeAlias = str | float | int | bool | CellError
Value: TypeAlias = Scalar | None


@dataclass(frozen=True, slots=True)
class Extra:
    """What few cells have: the formula as entered, and CellData fields such as `userEnteredFormat` and `note`."""

    formula: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    implied: Mapping[str, str] | None = None
    """The number format that a formula's result takes where the cell has none; set when it is computed."""

    def __bool__(self) -> bool:
        return bool(self.formula or self.data)


Row: TypeAlias = tuple[Value, ...]
ExtraRow: TypeAlias = tuple[Extra | None, ...]

EMPTY_ROW: Row = ()
NO_EXTRAS: ExtraRow = ()


class Skip:
    """A cell of a write that leaves what is there."""


SKIP: Final = Skip()


def _trimmed(row: list[Any]) -> tuple[Any, ...]:
    end = len(row)
    while end and row[end - 1] is None:
        end -= 1
    return tuple(row[:end])


def _spliced(row: tuple[Any, ...], left: int, cells: Sequence[Any]) -> tuple[Any, ...]:
    """The row with `cells` written from column `left` on; SKIP keeps a cell."""
    new = list(row)
    new.extend([None] * (left + len(cells) - len(new)))
    for column, cell in enumerate(cells, left):
        if cell is not SKIP:
            new[column] = cell
    return _trimmed(new)


class Grid:
    """A sheet's cells. Mutable; `fork` gives an independent copy cheaply."""

    __slots__ = ("column_count", "extras", "row_count", "values")

    def __init__(self, row_count: int, column_count: int) -> None:
        self.row_count = row_count
        self.column_count = column_count
        self.values: list[Row] = []
        self.extras: list[ExtraRow] = []

    def fork(self) -> Grid:
        """An independent copy that shares the (immutable) rows."""
        copy = Grid(self.row_count, self.column_count)
        copy.values = list(self.values)
        copy.extras = list(self.extras)
        return copy

    def row(self, index: int) -> Row:
        """The values of a row up to its last non-blank cell."""
        return self.values[index] if index < len(self.values) else EMPTY_ROW

    def extra_row(self, index: int) -> ExtraRow:
        """The extras of a row up to the last cell that has one."""
        return self.extras[index] if index < len(self.extras) else NO_EXTRAS

    def value(self, row: int, column: int) -> Value:
        """The effective value of a cell: for a formula, its result."""
        cells = self.row(row)
        return cells[column] if column < len(cells) else None

    def extra_at(self, row: int, column: int) -> Extra:
        """What the cell has beside its value; an empty Extra when nothing."""
        cells = self.extra_row(row)
        return (cells[column] if column < len(cells) else None) or NO_EXTRA

    def write(self, row: int, left: int, cells: Sequence[Value | Skip]) -> None:
        """Set effective values from (row, left) to the right; `SKIP` leaves a cell alone, None blanks it."""
        self._reach(self.values, row, EMPTY_ROW)
        self.values[row] = _spliced(self.values[row], left, cells)

    def write_extras(self, row: int, left: int, extras: Sequence[Extra | Skip | None]) -> None:
        """Set extras from (row, left) to the right; `SKIP` leaves a cell alone, None or an empty one removes."""
        if row >= len(self.extras) and not any(extras):
            return
        self._reach(self.extras, row, NO_EXTRAS)
        self.extras[row] = _spliced(self.extras[row], left, [extra or None for extra in extras])

    def put(self, row: int, column: int, value: Value, extra: Extra | Skip | None = SKIP) -> None:
        """Set one cell."""
        self.write(row, column, (value,))
        if not isinstance(extra, Skip):
            self.write_extras(row, column, (extra,))

    @staticmethod
    def _reach(rows: list[Any], row: int, blank: tuple[Any, ...]) -> None:
        if row >= len(rows):
            rows.extend([blank] * (row + 1 - len(rows)))

    def edit(self, dimension: Dimension, edit: Edit) -> None:
        """Insert, delete or move rows or columns. The counts are the caller's to change."""
        if dimension == "ROWS":
            edit.apply(self.values, EMPTY_ROW)
            edit.apply(self.extras, NO_EXTRAS)
            return
        self.values = [self._edited(row, edit) for row in self.values]
        self.extras = [self._edited(row, edit) for row in self.extras]

    @staticmethod
    def _edited(row: tuple[Any, ...], edit: Edit) -> tuple[Any, ...]:
        if not row:
            return row
        cells = list(row)
        edit.apply(cells, None)
        return _trimmed(cells)

    def resize(self, rows: int, columns: int) -> None:
        """Grow, or cut off rows from the bottom and columns from the right."""
        del self.values[rows:], self.extras[rows:]
        if columns < self.column_count:
            self.values = [row if len(row) <= columns else _trimmed(list(row[:columns])) for row in self.values]
            self.extras = [row if len(row) <= columns else _trimmed(list(row[:columns])) for row in self.extras]
        self.row_count, self.column_count = rows, columns

    def last_used_row(self) -> int:
        """One past the last row with a value; 0 for an empty sheet."""
        end = len(self.values)
        while end and not self.values[end - 1]:
            end -= 1
        return end

    def last_row_with_anything(self) -> int:
        """One past the last row with a value or an extra."""
        end = len(self.extras)
        while end and not self.extras[end - 1]:
            end -= 1
        return max(end, self.last_used_row())

    def formulas(self) -> Iterator[tuple[int, int, str]]:
        """(row, column, formula) of every formula cell, row by row."""
        for index, row in enumerate(self.extras):
            for column, extra in enumerate(row):
                if extra is not None and extra.formula:
                    yield index, column, extra.formula

    def filled(self, row: int, left: int, right: int) -> bool:
        """Whether any cell of the row between both columns has a value."""
        return any(value is not None for value in self.row(row)[left:right])


NO_EXTRA: Final = Extra()


def padded(row: Iterable[Any], width: int) -> list[Any]:
    """The row as a list of exactly `width` cells."""
    cells = list(row)[:width]
    cells.extend([None] * (width - len(cells)))
    return cells

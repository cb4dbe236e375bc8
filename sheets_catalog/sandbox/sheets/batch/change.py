"""What every request of a batchUpdate works with: the draft, the caller's rights, and the common checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sheets_catalog.sandbox.sheets import masks, protection
from sheets_catalog.sandbox.sheets.document import MAX_CELLS, Book, Sheet
from sheets_catalog.sandbox.sheets.grid import Extra, Grid
from sheets_catalog.sandbox.sheets.picture import View
from sheets_catalog.sandbox.sheets.ranges import Area, area_of
from sheets_catalog.sandbox.sheets.recalculation import local_time, refresh
from sheets_catalog.sandbox.sheets.refusals import NO_FIELDS, TOO_MANY_CELLS, Refused, no_grid, no_sheet, outside
from sheets_catalog.sandbox.sheets.writing import Input

if TYPE_CHECKING:
    from datetime import datetime

    from sheets_catalog.sandbox.sheets.edits import Dimension

Json: TypeAlias = dict[str, Any]
Reply: TypeAlias = Json | None
Request: TypeAlias = Mapping[str, Any]


@dataclass
class Change:
    """One batchUpdate under way on a fork of the book."""

    book: Book
    email: str
    role: str
    app: str
    now: datetime
    new_id: Callable[[], int]
    """A random positive 31-bit number."""
    new_title: str | None = None
    """The spreadsheet's title, if a request changed it."""
    effects: list[Json] = field(default_factory=list)

    _metadata_ids: set[int] | None = None

    def metadata_ids(self) -> set[int]:
        """The ids of all developer metadata, kept current by whoever adds some."""
        if self._metadata_ids is None:
            self._metadata_ids = {item["metadataId"] for item in self.book.metadata}
        return self._metadata_ids

    def has_metadata(self, own_id: int) -> bool:
        """Whether developer metadata with this id exists; one that died with its row in this batch does not."""
        if own_id in self.metadata_ids():
            self._metadata_ids = None
        return own_id in self.metadata_ids()

    @property
    def view(self) -> View:
        return View(self.email, self.role, self.app)

    @property
    def typed_in(self) -> Input:
        """Values as a person would type them."""
        return Input(typed_in=True, locale=self.book.locale, today=local_time(self.book, self.now).date())

    def fresh(self) -> None:
        """Compute formulas: for requests that look at values."""
        refresh(self.book, self.now)

    def sheet(self, sheet_id: int) -> Sheet:
        """The sheet with this id. Raises Refused."""
        found = self.book.find(sheet_id)
        if found is None:
            raise no_sheet(sheet_id)
        return found

    def grid_sheet(self, sheet_id: int) -> Sheet:
        """The same, in the words that ranges are refused with."""
        found = self.book.find(sheet_id)
        if found is None:
            raise no_grid(sheet_id)
        return found

    def area(self, grid_range: Request | None, *, write: bool = True) -> tuple[Sheet, Area]:
        """The sheet and clipped area of a GridRange; `write` checks protection.

        Raises:
            Refused: no such sheet, it begins past the grid, or it is protected.
        """
        if grid_range is None:
            raise Refused("Must specify a range.")
        area = area_of(grid_range)
        sheet = self.grid_sheet(area.sheet)
        _check_indexes(grid_range)
        if area.top >= sheet.grid.row_count or area.left >= sheet.grid.column_count:
            raise outside(sheet, area)
        clipped = sheet.clip(area)
        if write:
            self.guard(sheet, clipped)
        return sheet, clipped

    def corner(self, coordinate: Request) -> tuple[Sheet, int, int]:
        """The sheet, row and column of a GridCoordinate. Raises Refused."""
        sheet = self.grid_sheet(coordinate.get("sheetId", 0))
        row, column = coordinate.get("rowIndex", 0), coordinate.get("columnIndex", 0)
        if row >= sheet.grid.row_count:
            raise Refused(f"GridCoordinate.rowIndex[{row}] is after last row in grid[{sheet.grid.row_count - 1}]")
        if column >= sheet.grid.column_count:
            last = sheet.grid.column_count - 1
            raise Refused(f"GridCoordinate.columnIndex[{column}] is after last column in grid[{last}]")
        return sheet, row, column

    def guard(self, sheet: Sheet, area: Area) -> None:
        """Refuse an edit of protected cells."""
        protection.check(sheet, area, self.email, self.role)

    def span(self, dimension_range: Request | None) -> tuple[Sheet, Dimension, int, int]:
        """The sheet, dimension and closed span of a DimensionRange. Raises Refused."""
        given = dimension_range or {}
        sheet = self.grid_sheet(given.get("sheetId", 0))
        dimension = given.get("dimension")
        if dimension not in {"ROWS", "COLUMNS"}:
            raise Refused("No dimension specified.")
        start = given.get("startIndex", 0)
        end = given.get("endIndex", sheet.count(dimension))
        if start < 0:
            raise Refused(f"range.startIndex[{start}] is less than zero")
        if end <= start:
            raise Refused(f"range.endIndex[{end}] must be greater than range.startIndex[{start}]")
        return sheet, dimension, start, end

    def guard_span(self, sheet: Sheet, dimension: Dimension, start: int, end: int) -> None:
        """Refuse an edit of whole rows or columns that reaches protected cells."""
        area = Area(sheet.id, start, end) if dimension == "ROWS" else Area(sheet.id, left=start, right=end)
        self.guard(sheet, sheet.clip(area))

    def room(self, added: int) -> None:
        """Refuse more than ten million cells."""
        if added > 0 and self.book.cells() + added > MAX_CELLS:
            raise Refused(TOO_MANY_CELLS)

    def log(self, kind: str, sheet: Sheet | None = None, **effect: Any) -> None:
        """Note one line of what this batch does, for the ledger."""
        place = {} if sheet is None else {"sheet": sheet.title}
        self.effects.append({"request": kind, **place, **effect})


def _check_indexes(grid_range: Request) -> None:
    for start, end in (("startRowIndex", "endRowIndex"), ("startColumnIndex", "endColumnIndex")):
        first, last = grid_range.get(start, 0), grid_range.get(end)
        if first < 0:
            raise Refused(f"{start}[{first}] is less than zero.")
        if last is not None and last < first:
            raise Refused(f"{end}[{last}] is before {start}[{first}].")


def mask_of(text: str, message: str) -> masks.Mask:
    """The mask of an update request. Raises Refused when it is empty, malformed or names unknown fields."""
    if not text.strip():
        raise Refused(NO_FIELDS)
    try:
        mask = masks.parse(text)
        masks.check(mask, message)
    except masks.MaskError as error:
        from sheets_catalog.sandbox.sheets.schema import snake

        raise Refused(f"Invalid field: {snake(str(error.args[0]))}") from error
    return mask


def without_defaults(item: Mapping[str, Any]) -> Json:
    """A message as answers show it: false, zero, empty text and empty lists are left out."""
    return {key: value for key, value in item.items() if value or isinstance(value, dict)}


def map_extras(grid: Grid, area: Area, change: Callable[[Extra], Extra]) -> None:
    """Replace the extra of every cell of a clipped area; equal ones stay shared."""
    known: dict[int, tuple[Extra | None, Extra]] = {}

    def changed(old: Extra | None) -> Extra:
        if id(old) not in known:
            known[id(old)] = (old, change(old or Extra()))
        return known[id(old)][1]

    blank = [changed(None)] * area.width
    for row in range(area.top, area.end_row):
        old = grid.extra_row(row)[area.left : area.end_column]
        new = blank if not any(old) else [changed(extra) for extra in old] + blank[len(old) :]
        grid.write_extras(row, area.left, new)

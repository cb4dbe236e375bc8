"""Rectangles of cells and their A1 and R1C1 names.

All indexes are zero-based and half-open, as in the API's GridRange; `None` as an end means "to the edge of the grid".
Names follow https://developers.google.com/workspace/sheets/api/guides/concepts#cell and the ranges that recorded
answers echo: a title is quoted unless it is a plain word that cannot be read as a cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_COLUMNS = 18_278
"""ZZZ: the last column that Sheets has."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle on one sheet. `bottom` and `right` are exclusive; None is open."""

    sheet: int
    top: int = 0
    bottom: int | None = None
    left: int = 0
    right: int | None = None

    def clipped(self, rows: int, columns: int) -> Area:
        """The part of it on a grid of this size; never open."""
        bottom = rows if self.bottom is None else min(self.bottom, rows)
        right = columns if self.right is None else min(self.right, columns)
        return replace(self, bottom=max(bottom, self.top), right=max(right, self.left))

    @property
    def height(self) -> int:
        assert self.bottom is not None, "clip first"
        return self.bottom - self.top

    @property
    def width(self) -> int:
        assert self.right is not None, "clip first"
        return self.right - self.left

    @property
    def end_row(self) -> int:
        assert self.bottom is not None, "clip first"
        return self.bottom

    @property
    def end_column(self) -> int:
        assert self.right is not None, "clip first"
        return self.right

    def overlaps(self, other: Area) -> bool:
        """Whether both share at least one cell."""
        return (
            self.sheet == other.sheet
            and _overlap(self.top, self.bottom, other.top, other.bottom)
            and _overlap(self.left, self.right, other.left, other.right)
        )

    def contains(self, other: Area) -> bool:
        """Whether every cell of `other` is in it."""
        return (
            self.sheet == other.sheet
            and _inside(self.top, self.bottom, other.top, other.bottom)
            and _inside(self.left, self.right, other.left, other.right)
        )

    def json(self) -> dict[str, int]:
        """The GridRange of a closed rectangle, with its sheet id even when that is 0."""
        assert self.bottom is not None
        assert self.right is not None
        return {
            "sheetId": self.sheet,
            "startRowIndex": self.top,
            "endRowIndex": self.bottom,
            "startColumnIndex": self.left,
            "endColumnIndex": self.right,
        }


def _overlap(start: int, end: int | None, other_start: int, other_end: int | None) -> bool:
    return (other_end is None or start < other_end) and (end is None or other_start < end)


def _inside(start: int, end: int | None, other_start: int, other_end: int | None) -> bool:
    return start <= other_start and (end is None or (other_end is not None and other_end <= end))


def area_of(grid_range: Mapping[str, Any]) -> Area:
    """The Area of a GridRange in JSON; missing indexes are open."""
    return Area(
        sheet=grid_range.get("sheetId", 0),
        top=grid_range.get("startRowIndex", 0),
        bottom=grid_range.get("endRowIndex"),
        left=grid_range.get("startColumnIndex", 0),
        right=grid_range.get("endColumnIndex"),
    )


def shown(grid_range: Mapping[str, Any]) -> dict[str, Any]:
    """A GridRange, DimensionRange or GridCoordinate as answers show it: a sheet id of 0 is left out (recorded)."""
    return {key: value for key, value in grid_range.items() if key != "sheetId" or value}


def column_name(index: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA."""
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, 26)
        name = chr(65 + letter) + name
    return name


def column_index(name: str) -> int:
    """A -> 0, AA -> 26; letters in any case."""
    index = 0
    for letter in name.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


_PLAIN_TITLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_LOOKS_LIKE_CELL = re.compile(r"(?:[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*[Cc][0-9]*)\Z")


def quoted_title(title: str) -> str:
    """A title as it stands before `!`: quoted unless it is a plain word that no one could take for a cell."""
    if _PLAIN_TITLE.match(title) and not _LOOKS_LIKE_CELL.match(title):
        return title
    return "'" + title.replace("'", "''") + "'"


def cell_name(row: int, column: int) -> str:
    """0, 0 -> A1."""
    return f"{column_name(column)}{row + 1}"


def a1(title: str, area: Area) -> str:
    """The canonical name of a range, such as `Sheet1!A1:B2`, `Sheet1!D4` or, for open ends, `Sheet1!A5:B`."""
    return f"{quoted_title(title)}!{corners(area)}"


def corners(area: Area) -> str:
    """The part after `!`."""
    if area.bottom == area.top + 1 and area.right == area.left + 1:
        return cell_name(area.top, area.left)
    end = ("" if area.right is None else column_name(area.right - 1)) + (
        "" if area.bottom is None else str(area.bottom)
    )
    return f"{cell_name(area.top, area.left)}:{end}" if end else cell_name(area.top, area.left)


class UnknownRange(ValueError):  # noqa: N818 - an answer, worded by the caller
    """The text names no range of this spreadsheet. `args[0]` is the text."""


@dataclass(frozen=True, slots=True)
class Corner:
    """One end of an A1 range: either part may be missing (`A`, `5`)."""

    row: int | None
    column: int | None


_A1_CORNER = re.compile(r"\$?([A-Za-z]{1,3})?\$?([0-9]+)?\Z")
_R1C1_CORNER = re.compile(r"[Rr](?:([0-9]+)|\[(-?[0-9]+)\])?[Cc](?:([0-9]+)|\[(-?[0-9]+)\])?\Z")


def _corner(text: str) -> Corner | None:
    match = _A1_CORNER.match(text)
    if match and text.strip("$"):
        column, row = match.groups()
        if row is not None and int(row) == 0:
            return None
        return Corner(None if row is None else int(row) - 1, None if column is None else column_index(column))
    match = _R1C1_CORNER.match(text)
    if match is None:
        return None
    # A relative part counts from A1: a request has no "current cell".
    rows = match[1] or str(int(match[2] or 0) + 1)
    columns = match[3] or str(int(match[4] or 0) + 1)
    if int(rows) < 1 or int(columns) < 1:
        return None
    return Corner(int(rows) - 1, int(columns) - 1)


def parse_cells(text: str, sheet: int) -> Area | None:
    """The Area of `A1`, `A1:B2`, `A:A`, `1:2`, `A5:A`, `A1:1`, `R1C1:R2C2`; None when it is no such thing."""
    first, colon, second = text.strip().partition(":")
    start = _corner(first.strip())
    if start is None:
        return None
    if not colon:
        if start.row is None or start.column is None:
            return None
        return Area(sheet, start.row, start.row + 1, start.column, start.column + 1)
    end = _corner(second.strip())
    if end is None:
        return None
    top, bottom = _extent(start.row, end.row)
    left, right = _extent(start.column, end.column)
    return Area(sheet, top, bottom, left, right)


def _extent(start: int | None, end: int | None) -> tuple[int, int | None]:
    if start is None and end is None:
        return 0, None
    if start is None or end is None:
        return (start if start is not None else end) or 0, None
    return min(start, end), max(start, end) + 1


def split_title(text: str) -> tuple[str | None, str, bool]:
    """(title or None, the rest, whether the title was quoted) of `Sheet1!A1`, `'My sheet'!A:A`, `A1`, `'Sheet1'`."""
    if text.startswith("'"):
        match = re.match(r"'((?:[^']|'')*)'(?:!(.*))?\Z", text, re.DOTALL)
        if match is None:
            return None, text, False
        return match[1].replace("''", "'"), match[2] or "", True
    title, bang, rest = text.rpartition("!")
    return (title, rest, False) if bang else (None, text, False)


def resolve(
    text: str,
    sheet_id: Callable[[str], int | None],
    named: Callable[[str], Area | None],
    first_sheet: int,
) -> Area:
    """The Area that a range text of a request means.

    `sheet_id` finds a sheet by title (any case), `named` a named range. Without a title, cells are on the first
    visible sheet; a named range wins over a sheet of the same unquoted name.

    Raises:
        UnknownRange: neither cells, nor a sheet, nor a named range.
    """
    title, rest, quoted = split_title(text)
    if title is None:
        area = parse_cells(rest, first_sheet) or named(rest)
        if area is not None:
            return area
        sheet = sheet_id(rest)
    else:
        sheet = sheet_id(title)
        if sheet is not None and rest:
            area = parse_cells(rest, sheet) or named(rest)
            if area is not None and area.sheet == sheet:
                return area
            raise UnknownRange(text)
        if not rest and not quoted:
            raise UnknownRange(text)
    if sheet is None:
        raise UnknownRange(text)
    return Area(sheet)

"""References inside formula text: finding, canonical spelling, and following edits and copies."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sheets_catalog.sandbox.sheets.ranges import Area, column_index, column_name, quoted_title

if TYPE_CHECKING:
    from collections.abc import Callable

    from sheets_catalog.sandbox.sheets.edits import Dimension, Edit

REF_ERROR = "#REF!"


@dataclass(frozen=True, slots=True)
class Place:
    """One corner of a reference; a missing row or column leaves that side open. `$` pins a part."""

    row: int | None
    column: int | None
    row_pinned: bool = False
    column_pinned: bool = False

    def __str__(self) -> str:
        column = "" if self.column is None else ("$" if self.column_pinned else "") + column_name(self.column)
        row = "" if self.row is None else ("$" if self.row_pinned else "") + str(self.row + 1)
        return column + row


@dataclass(frozen=True, slots=True)
class Reference:
    """`Sheet1!A1` or `A1:B2` in a formula; `title` is None when it means the formula's own sheet."""

    title: str | None
    start: Place
    end: Place | None

    def __str__(self) -> str:
        prefix = "" if self.title is None else quoted_title(self.title) + "!"
        if self.end is None or (
            self.end == self.start and self.start.row is not None and self.start.column is not None
        ):
            return f"{prefix}{self.start}"
        return f"{prefix}{self.start}:{self.end}"

    def area(self, sheet: int) -> Area:
        """The cells it means."""
        end = self.end or self.start
        top, bottom = _side(self.start.row, end.row)
        left, right = _side(self.start.column, end.column)
        return Area(sheet, top, bottom, left, right)

    def ordered(self) -> Reference:
        """Top left to bottom right, as Sheets stores it (`B3:A2` becomes `A2:B3`)."""
        if self.end is None:
            return self
        one, two = self.start, self.end
        if one.row is not None and two.row is not None and one.row > two.row:
            one, two = _swap_rows(one, two)
        if one.column is not None and two.column is not None and one.column > two.column:
            one, two = _swap_columns(one, two)
        return replace(self, start=one, end=two)


def _side(start: int | None, end: int | None) -> tuple[int, int | None]:
    if start is None and end is None:
        return 0, None
    if start is None or end is None:
        return (start if start is not None else end) or 0, None
    return min(start, end), max(start, end) + 1


def _swap_rows(one: Place, two: Place) -> tuple[Place, Place]:
    return (
        replace(one, row=two.row, row_pinned=two.row_pinned),
        replace(two, row=one.row, row_pinned=one.row_pinned),
    )


def _swap_columns(one: Place, two: Place) -> tuple[Place, Place]:
    return (
        replace(one, column=two.column, column_pinned=two.column_pinned),
        replace(two, column=one.column, column_pinned=one.column_pinned),
    )


_CELL = r"(?:\$?[A-Za-z]{1,3}\$?[0-9]+)"
_OPEN = r"(?:\$?[A-Za-z]{1,3}\$?[0-9]*|\$?[0-9]+)"
TITLE = r"(?:'(?:[^']|'')+'|[^\W\d][\w.]*)!"
REFERENCE = re.compile(
    rf"(?P<title>{TITLE})?(?P<cells>{_CELL}:{_OPEN}|{_OPEN}:{_CELL}|\$?[A-Za-z]{{1,3}}:\$?[A-Za-z]{{1,3}}"
    rf"|\$?[0-9]+:\$?[0-9]+|{_CELL})(?![\w(.!])"
)
_PART = re.compile(r'"(?:[^"]|"")*"' + rf"|(?<![\w.$'])(?P<ref>{REFERENCE.pattern})")
_PLACE = re.compile(r"(\$?)([A-Za-z]{1,3})?(\$?)([0-9]+)?\Z")


def parse_reference(text: str) -> Reference | None:
    """The Reference of a text that matches `REFERENCE`; None when a row number is 0."""
    match = REFERENCE.fullmatch(text)
    assert match is not None
    title = match["title"]
    if title is not None:
        title = title[:-1]
        title = title[1:-1].replace("''", "'") if title.startswith("'") else title
    first, _, second = match["cells"].partition(":")
    start, end = _place(first), _place(second) if second else None
    if start is None or (second and end is None):
        return None
    return Reference(title, start, end)


def _place(text: str) -> Place | None:
    match = _PLACE.match(text)
    assert match is not None
    pin, column, row_pin, row = match.groups()
    if row is not None and int(row) == 0:
        return None
    if column is None:
        return Place(int(row) - 1, None, row_pinned=bool(pin or row_pin))
    return Place(
        None if row is None else int(row) - 1, column_index(column), row_pinned=bool(row_pin), column_pinned=bool(pin)
    )


def rewritten(formula: str, change: Callable[[Reference], Reference | None]) -> str:
    """The formula with every reference replaced by what `change` answers; None becomes `#REF!`."""

    def replaced(match: re.Match[str]) -> str:
        if match["ref"] is None:
            return match[0]
        reference = parse_reference(match["ref"])
        if reference is None:
            return match[0]
        new = change(reference)
        return REF_ERROR if new is None else str(new)

    return _PART.sub(replaced, formula)


def canonical(formula: str, title_of: Callable[[str], str | None]) -> str:
    """The spelling that Sheets stores: references in capitals, ordered, titles as the sheets have them."""

    def change(reference: Reference) -> Reference:
        title = reference.title if reference.title is None else (title_of(reference.title) or reference.title)
        return replace(reference.ordered(), title=title)

    return rewritten(formula, change)


def following(
    formula: str,
    own_sheet: int,
    sheet_of: Callable[[str], int | None],
    edited: int,
    dimension: Dimension,
    edit: Edit,
) -> str:
    """The formula after rows or columns of sheet `edited` were inserted, deleted or moved."""

    def change(reference: Reference) -> Reference | None:
        sheet = own_sheet if reference.title is None else sheet_of(reference.title)
        return _edited(reference, dimension, edit) if sheet == edited else reference

    return rewritten(formula, change)


def _edited(reference: Reference, dimension: Dimension, edit: Edit) -> Reference | None:
    area = reference.area(0)
    rows = dimension == "ROWS"
    last = reference.end or reference.start
    first_index, last_index = (reference.start.row, last.row) if rows else (reference.start.column, last.column)
    if first_index is None and last_index is None:
        return reference
    span = edit.span(area.top, area.bottom) if rows else edit.span(area.left, area.right)
    if span is None:
        return None
    start_at, end_at = span[0], None if span[1] is None else span[1] - 1
    start = _with(reference.start, start_at if first_index is not None else None, rows=rows)
    if reference.end is None:
        return replace(reference, start=start)
    return replace(
        reference, start=start, end=_with(reference.end, end_at if last_index is not None else None, rows=rows)
    )


def _with(place: Place, index: int | None, *, rows: bool) -> Place:
    if index is None:
        return place
    return replace(place, row=index) if rows else replace(place, column=index)


def copied(formula: str, rows: int, columns: int) -> str:
    """The formula as it reads after copying its cell by so many rows and columns."""

    def change(reference: Reference) -> Reference | None:
        start = _shifted(reference.start, rows, columns)
        end = None if reference.end is None else _shifted(reference.end, rows, columns)
        if start is None or (reference.end is not None and end is None):
            return None
        return replace(reference, start=start, end=end)

    return rewritten(formula, change)


def _shifted(place: Place, rows: int, columns: int) -> Place | None:
    row = place.row if place.row is None or place.row_pinned else place.row + rows
    column = place.column if place.column is None or place.column_pinned else place.column + columns
    if (row is not None and row < 0) or (column is not None and column < 0):
        return None
    return replace(place, row=row, column=column)


def retitled(formula: str, old: str, new: str) -> str:
    """The formula after a sheet was renamed."""
    lowered = old.lower()
    return rewritten(
        formula, lambda ref: replace(ref, title=new) if ref.title is not None and ref.title.lower() == lowered else ref
    )

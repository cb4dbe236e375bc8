"""The spreadsheets.values methods, as functions of a book and a checked request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox.sheets import metadata, protection, writing
from sheets_catalog.sandbox.sheets.edits import Insert
from sheets_catalog.sandbox.sheets.ranges import Area, a1
from sheets_catalog.sandbox.sheets.reading import Rendering, by_columns, by_rows, read
from sheets_catalog.sandbox.sheets.refusals import Refused, outside
from sheets_catalog.sandbox.sheets.writing import Input, Written

if TYPE_CHECKING:
    from sheets_catalog.sandbox.sheets.document import Book, Sheet
    from sheets_catalog.sandbox.wire import JSON

Json = dict[str, Any]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """Who reads or writes."""

    email: str
    role: str
    app: str


def _sheet(book: Book, area: Area) -> Sheet:
    sheet = book.find(area.sheet)
    if sheet is None:
        raise Refused(f"No grid with id: {area.sheet}")
    return sheet


def range_to_read(book: Book, text: str) -> tuple[Sheet, Area]:
    """The clipped area of a range text. Raises Refused when it is unreadable or begins past the grid."""
    area = metadata.range_area(book, text)
    sheet = _sheet(book, area)
    if area.top >= sheet.grid.row_count or area.left >= sheet.grid.column_count:
        raise outside(sheet, area)
    return sheet, sheet.clip(area)


def value_range(book: Book, sheet: Sheet, area: Area, how: Rendering, major: str = "ROWS") -> Json:
    """A ValueRange: `values` is missing when there are none (recorded)."""
    rows = read(sheet, area, how, book.locale)
    answer: Json = {"range": a1(sheet.title, area), "majorDimension": major}
    if rows:
        answer["values"] = by_columns(rows) if major == "COLUMNS" else by_rows(rows)
    return answer


def get(book: Book, text: str, how: Rendering, major: str) -> Json:
    """values.get and one part of values.batchGet."""
    sheet, area = range_to_read(book, text)
    return value_range(book, sheet, area, how, major)


def get_by_filters(book: Book, filters: Sequence[Body], how: Rendering, major: str, access: Access) -> list[Json]:
    """Matched value ranges, each with the filters that selected it. Not in the order asked for, as with Google."""
    found: dict[Area, list[Body]] = {}
    for data_filter in filters:
        for area in metadata.filter_areas(book, data_filter, access.app):
            found.setdefault(area, []).append(data_filter)
    return [
        {
            "valueRange": value_range(book, _sheet(book, area), area, how, major),
            "dataFilters": [metadata.echoed(one) for one in chosen],
        }
        for area, chosen in reversed(found.items())
    ]


@dataclass(frozen=True, slots=True)
class Write:
    """One planned write: everything about it has been checked."""

    sheet: Sheet
    area: Area
    rows: Sequence[Sequence[Any]]


def plan(book: Book, area: Area, text: str, body: Body, access: Access) -> Write:
    """Check one write completely, without writing. Raises Refused."""
    values = body.get("values", [])
    writing.check_values(values)
    rows = writing.as_rows(values, body.get("majorDimension"))
    sheet, target = writing.target(book, area, text, rows)
    if rows and any(rows):
        protection.check(sheet, target, access.email, access.role)
    return Write(sheet, target, rows)


def plan_at(book: Book, text: str, body: Body, access: Access) -> Write:
    """The same for a range text."""
    return plan(book, metadata.range_area(book, text), text, body, access)


def carry_out(book: Book, write: Write, how: Input) -> Written:
    """Do a planned write."""
    return writing.write(book, write.sheet, write.area, write.rows, how)


def update_answer(book: Book, written: Written, extra: JSON = None) -> Json:
    """UpdateValuesResponse; counts of zero are left out."""
    sheet = _sheet(book, written.area)
    counts = {"updatedRows": written.rows, "updatedColumns": written.columns, "updatedCells": written.cells}
    answer: Json = {"spreadsheetId": book.id, "updatedRange": a1(sheet.title, written.area)}
    answer |= {key: count for key, count in counts.items() if count}
    return answer | (extra or {})


def totals(answers: Sequence[Body], sheets: set[int]) -> Json:
    """The totals of a BatchUpdateValuesResponse; columns are the most of one range, not a sum."""
    counts = {
        "totalUpdatedRows": sum(one.get("updatedRows", 0) for one in answers),
        "totalUpdatedColumns": _total_columns(answers),
        "totalUpdatedCells": sum(one.get("updatedCells", 0) for one in answers),
        "totalUpdatedSheets": len(sheets),
    }
    return {key: count for key, count in counts.items() if count}


def _total_columns(answers: Sequence[Body]) -> int:
    return max((one.get("updatedColumns", 0) for one in answers), default=0)


def append(book: Book, text: str, body: Body, how: Input, access: Access, *, insert_rows: bool) -> tuple[Written, str]:
    """Write below the last table in the range, growing the grid; also answers the table's name, or "".

    Raises:
        Refused: bad range or values, protection, ten million cells.
    """
    area = metadata.range_area(book, text)
    sheet = _sheet(book, area)
    if area.top >= sheet.grid.row_count or area.left >= sheet.grid.column_count:
        raise outside(sheet, area)
    values = body.get("values", [])
    writing.check_values(values)
    rows = writing.as_rows(values, body.get("majorDimension"))
    table = writing.last_table(sheet, sheet.clip(area))
    top, left = (table.end_row, table.left) if table else (area.top, area.left)
    height, width = len(rows), max((len(row) for row in rows), default=0)
    target = Area(sheet.id, top, top + max(height, 1), left, left + max(width, 1))
    name = a1(sheet.title, table) if table else ""
    if not height or not width:
        return Written(target, 0, 0, 0), name
    if insert_rows and table is not None and top < sheet.grid.row_count:
        book.edit_dimension(sheet, "ROWS", Insert(top, height))
    writing.grow(book, sheet, target.end_row, target.end_column)
    protection.check(sheet, target, access.email, access.role)
    return writing.write(book, sheet, target, rows, how), name

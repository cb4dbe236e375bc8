"""Books as JSON, as described by a create request, as exported and imported files."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox.sheets import masks
from sheets_catalog.sandbox.sheets.batch.cells import put_rows
from sheets_catalog.sandbox.sheets.batch.change import Change, without_defaults
from sheets_catalog.sandbox.sheets.batch.sheets import check_title, with_colors
from sheets_catalog.sandbox.sheets.document import DEFAULT_COLUMNS, DEFAULT_ROWS, Book, Group, Sheet, new_properties
from sheets_catalog.sandbox.sheets.grid import CellError, Extra, Grid
from sheets_catalog.sandbox.sheets.ranges import Area, area_of
from sheets_catalog.sandbox.sheets.reading import Rendering, by_rows, read
from sheets_catalog.sandbox.sheets.refusals import Refused, invalid
from sheets_catalog.sandbox.sheets.writing import Input, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from sheets_catalog.sandbox.wire import JSON

CSV_TYPE = "text/csv"
TSV_TYPE = "text/tab-separated-values"


def dumped(book: Book) -> JSON:
    """The whole book as JSON."""
    return {
        "id": book.id,
        "title": book.title,
        "properties": book.properties,
        "namedRanges": book.named_ranges,
        "metadata": book.metadata,
        "sheets": [_dumped_sheet(sheet) for sheet in book.sheets],
    }


def _dumped_sheet(sheet: Sheet) -> JSON:
    grid = sheet.grid
    return {
        "id": sheet.id,
        "title": sheet.title,
        "properties": sheet.properties,
        "rowCount": grid.row_count,
        "columnCount": grid.column_count,
        "values": [[_dumped_value(value) for value in row] for row in grid.values[: grid.last_used_row()]],
        "extras": {
            str(index): [None if extra is None else [extra.formula, extra.data] for extra in row]
            for index, row in enumerate(grid.extras)
            if row
        },
        "merges": [area.json() for area in sheet.merges],
        "protectedRanges": sheet.protected_ranges,
        "filterViews": sheet.filter_views,
        "basicFilter": sheet.basic_filter,
        "conditionalFormats": sheet.conditional_formats,
        "bandedRanges": sheet.banded_ranges,
        "tables": sheet.tables,
        "rows": {str(index): item for index, item in sorted(sheet.row_properties.items())},
        "columns": {str(index): item for index, item in sorted(sheet.column_properties.items())},
        "rowGroups": [asdict(group) for group in sheet.row_groups],
        "columnGroups": [asdict(group) for group in sheet.column_groups],
    }


def _dumped_value(value: Any) -> JSON:
    return {"error": [value.kind, value.text, value.message]} if isinstance(value, CellError) else value


def _loaded_value(value: JSON) -> Any:
    return CellError(*value["error"]) if isinstance(value, dict) else value


def loaded(state: Mapping[str, Any]) -> Book:
    """The book of a dump."""
    return Book(
        id=state["id"],
        title=state["title"],
        sheets=[_loaded_sheet(item) for item in state["sheets"]],
        properties=state["properties"],
        named_ranges=list(state["namedRanges"]),
        metadata_items=list(state["metadata"]),
        stale=True,
    )


def _loaded_sheet(state: Mapping[str, Any]) -> Sheet:
    grid = Grid(state["rowCount"], state["columnCount"])
    for index, row in enumerate(state["values"]):
        if row:
            grid.write(index, 0, [_loaded_value(value) for value in row])
    for text, row in state["extras"].items():
        grid.write_extras(int(text), 0, [None if extra is None else Extra(*extra) for extra in row])
    return Sheet(
        id=state["id"],
        title=state["title"],
        grid=grid,
        properties=state["properties"],
        merges=[area_of(item) for item in state["merges"]],
        protected_ranges=list(state["protectedRanges"]),
        filter_views=list(state["filterViews"]),
        basic_filter=state["basicFilter"],
        conditional_formats=list(state["conditionalFormats"]),
        banded_ranges=list(state["bandedRanges"]),
        tables=list(state["tables"]),
        row_properties={int(index): item for index, item in state["rows"].items()},
        column_properties={int(index): item for index, item in state["columns"].items()},
        row_groups=[Group(**item) for item in state["rowGroups"]],
        column_groups=[Group(**item) for item in state["columnGroups"]],
    )


def described(body: Mapping[str, Any], title: str, new_id: Callable[[], int]) -> Book:
    """The book that a spreadsheets.create request describes; its id is set by the caller.

    Raises:
        GoogleError: two sheets with one title or id, or something in the description that is not supported.
    """
    given = {key: value for key, value in body.get("properties", {}).items() if key != "title"}
    book = Book("", title, [], new_properties() | given)
    try:
        for place, item in enumerate(body.get("sheets", []) or [{}]):
            _add_described(book, item, place, new_id)
        for item in body.get("namedRanges", []):
            book.named_ranges.append({"namedRangeId": str(new_id()), **item})
    except Refused as refused:
        raise refused.at() from refused
    return book


_DESCRIBABLE = frozenset({"properties", "data", "merges"})


def _add_described(book: Book, item: Mapping[str, Any], place: int, new_id: Callable[[], int]) -> None:
    refused = set(item) - _DESCRIBABLE
    if refused:
        raise Refused(f"Creating a sheet with {min(refused)} is not supported by the sandbox.")
    properties = dict(item.get("properties", {}))
    size = dict(properties.pop("gridProperties", {}))
    title = properties.pop("title", None) or f"Sheet{place + 1}"
    check_title(book, title)
    own_id = properties.pop("sheetId", 0 if not place else None)
    if own_id is None:
        own_id = new_id()
    if book.find(own_id) is not None:
        raise Refused(f"Sheet with id {own_id} already exists.")
    grid = Grid(size.pop("rowCount", 0) or DEFAULT_ROWS, size.pop("columnCount", 0) or DEFAULT_COLUMNS)
    rest = {key: value for key, value in properties.items() if key not in {"index", "sheetType"}}
    rest = with_colors(without_defaults(rest)) | ({"gridProperties": without_defaults(size)} if size else {})
    sheet = Sheet(own_id, title, grid, rest)
    sheet.merges = [replace(area_of(merge), sheet=own_id) for merge in item.get("merges", [])]
    book.sheets.append(sheet)
    _fill(book, sheet, item, new_id)


def _fill(book: Book, sheet: Sheet, item: Mapping[str, Any], new_id: Callable[[], int]) -> None:
    from datetime import UTC, datetime

    change = Change(book, "", "owner", "", datetime(2000, 1, 1, tzinfo=UTC), new_id)
    for data in item.get("data", []):
        top, left, rows = data.get("startRow", 0), data.get("startColumn", 0), data.get("rowData", [])
        width = max((len(row.get("values", ())) for row in rows), default=0)
        sheet.grid.row_count = max(sheet.grid.row_count, top + len(rows))
        sheet.grid.column_count = max(sheet.grid.column_count, left + width)
        put_rows(change, sheet, top, left, rows, masks.ALL)
        for start, key, places in (
            (top, "rowMetadata", sheet.row_properties),
            (left, "columnMetadata", sheet.column_properties),
        ):
            places |= {start + place: known for place, known in enumerate(data.get(key, [])) if known}


def exported(book: Book, mime_type: str) -> bytes | None:
    """The first sheet as CSV or TSV; None for types that the sandbox does not write."""
    if mime_type not in {CSV_TYPE, TSV_TYPE}:
        return None
    sheet = book.first_visible()
    rows = by_rows(read(sheet, sheet.whole(), Rendering(), book.locale))
    width = max((len(row) for row in rows), default=0)
    text = io.StringIO()
    if mime_type == TSV_TYPE:
        flat = [[str(cell).replace("\t", " ").replace("\n", " ") for cell in row] for row in rows]
        text.write("\r\n".join("\t".join(row + [""] * (width - len(row))) for row in flat))
    else:
        csv.writer(text, lineterminator="\r\n").writerows(row + [""] * (width - len(row)) for row in rows)
    # The last row has no line end (recorded).
    return text.getvalue().removesuffix("\r\n").encode()


def imported(old: Book, content: bytes, content_type: str, sheet_id: int, today: date) -> Book:
    """The book after an upload was converted into it: one sheet named like the file, values as if typed.

    Raises:
        GoogleError: 400 for a type that the sandbox does not convert.
    """
    kind = content_type.partition(";")[0].strip()
    if kind not in {CSV_TYPE, TSV_TYPE, "text/plain", "application/octet-stream", ""}:
        raise invalid(f"The sandbox does not convert {kind} to a spreadsheet.")
    text = content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter="\t" if kind == TSV_TYPE else ","))
    width = max((len(row) for row in rows), default=0)
    grid = Grid(max(DEFAULT_ROWS, len(rows)), max(DEFAULT_COLUMNS, width))
    sheet = Sheet(sheet_id, old.title, grid)
    # An import resets the time zone to Google's own (recorded).
    book = Book(old.id, old.title, [sheet], {**old.properties, "timeZone": "America/Los_Angeles"})
    if rows:
        area = Area(sheet_id, 0, len(rows), 0, max(width, 1))
        write(book, sheet, area, rows, Input(typed_in=True, locale=book.locale, today=today))
    return book

"""Requests about the spreadsheet and its sheets as wholes."""

from __future__ import annotations

from typing import Any

from sheets_catalog.sandbox.sheets import masks, picture, protection
from sheets_catalog.sandbox.sheets.batch.change import Change, Json, Reply, Request, mask_of, without_defaults
from sheets_catalog.sandbox.sheets.document import DEFAULT_COLUMNS, DEFAULT_ROWS, Book, Object, Sheet
from sheets_catalog.sandbox.sheets.edits import Delete, Dimension
from sheets_catalog.sandbox.sheets.formulas.text import retitled
from sheets_catalog.sandbox.sheets.grid import Grid
from sheets_catalog.sandbox.sheets.ranges import MAX_COLUMNS
from sheets_catalog.sandbox.sheets.refusals import Refused

MAX_TITLE = 100


def check_title(book: Book, title: str, own: Sheet | None = None) -> None:
    """Refuse an empty, too long or taken sheet title."""
    if not title:
        raise Refused("The sheet name cannot be empty.")
    if len(title) > MAX_TITLE:
        raise Refused("The sheet name cannot be greater than 100 characters.")
    other = book.titled(title)
    if other is not None and other is not own:
        raise Refused(f'A sheet with the name "{title}" already exists. Please enter another name.')


def free_id(change: Change, wanted: int | None) -> int:
    """The wanted sheet id, or a random free one. Raises Refused when it is taken or negative."""
    if wanted is None:
        fresh = change.new_id()
        while change.book.find(fresh) is not None:
            fresh = change.new_id()
        return fresh
    if wanted < 0:
        raise Refused("Sheet id must be non-negative.")
    if change.book.find(wanted) is not None:
        raise Refused(f"Sheet with id {wanted} already exists.")
    return wanted


def free_title(book: Book) -> str:
    """`Sheet7`, the next number that is free."""
    number = len(book.sheets) + 1
    while book.titled(f"Sheet{number}") is not None:
        number += 1
    return f"Sheet{number}"


def add_sheet(change: Change, request: Request) -> Reply:
    """A new sheet; id, title, place and size are chosen where they are not given."""
    given = dict(request.get("properties", {}))
    title = given.pop("title", None) or free_title(change.book)
    check_title(change.book, title)
    if given.pop("sheetType", "GRID") != "GRID":
        raise Refused("Only sheets of type GRID are supported by the sandbox.")
    sheet_id, index = free_id(change, given.pop("sheetId", None)), given.pop("index", len(change.book.sheets))
    size = dict(given.pop("gridProperties", {}))
    rows, columns = size.pop("rowCount", 0) or DEFAULT_ROWS, size.pop("columnCount", 0) or DEFAULT_COLUMNS
    _check_size(rows, columns)
    change.room(rows * columns)
    if index > len(change.book.sheets):
        raise Refused(f"Sheet index ({index}) is larger than the number of sheets ({len(change.book.sheets)}).")
    rest = with_colors(without_defaults(given)) | ({"gridProperties": without_defaults(size)} if size else {})
    sheet = Sheet(sheet_id, title, Grid(rows, columns), rest)
    change.book.sheets.insert(index, sheet)
    change.log("addSheet", sheet, sheetId=sheet_id)
    return {"properties": picture.sheet_properties(change.book, sheet)}


def _check_size(rows: int, columns: int) -> None:
    if rows < 0 or columns < 0:
        raise Refused("Grid dimensions must be positive.")
    if columns > MAX_COLUMNS:
        raise Refused(f"This action would exceed the maximum of {MAX_COLUMNS} columns.")


def with_colors(properties: Object) -> Json:
    """Properties with the tab colour under both of its names, as answers have it."""
    result = dict(properties)
    if "tabColorStyle" in result:
        if "rgbColor" in result["tabColorStyle"]:
            result["tabColor"] = result["tabColorStyle"]["rgbColor"]
        else:
            result.pop("tabColor", None)
            if not result["tabColorStyle"]:
                del result["tabColorStyle"]
    elif "tabColor" in result:
        result["tabColorStyle"] = {"rgbColor": result["tabColor"]}
    return result


def delete_sheet(change: Change, request: Request) -> Reply:
    """Remove a sheet with everything on it; at least one visible sheet must stay."""
    sheet = change.sheet(request.get("sheetId", 0))
    protection.check_sheet(sheet, change.email, change.role)
    rest = [other for other in change.book.sheets if other is not sheet]
    if not any(not other.properties.get("hidden") for other in rest):
        raise Refused("You can't remove all the visible sheets in a document.")
    change.book.sheets = rest
    change.book.named_ranges = [item for item in change.book.named_ranges if item["range"]["sheetId"] != sheet.id]
    change.book.metadata = [item for item in change.book.metadata if _sheet_of(item) != sheet.id]
    change.book.stale = True
    change.log("deleteSheet", sheet, sheetId=sheet.id)
    return None


def _sheet_of(item: Object) -> int | None:
    location = item["location"]
    found: int | None = location.get("dimensionRange", location).get("sheetId")
    return found


def duplicate_sheet(change: Change, request: Request) -> Reply:
    """A copy of a sheet in the same spreadsheet."""
    source = change.sheet(request.get("sourceSheetId", 0))
    title = request.get("newSheetName") or copy_title(change.book, source.title)
    check_title(change.book, title)
    change.room(source.grid.row_count * source.grid.column_count)
    copy = copied_sheet(change, source, free_id(change, request.get("newSheetId")), title)
    change.book.sheets.insert(min(request.get("insertSheetIndex", 0), len(change.book.sheets)), copy)
    change.book.metadata += _copied_metadata(change, source.id, copy.id)
    change.book.stale = True
    change.log("duplicateSheet", source, sheetId=copy.id)
    return {"properties": picture.sheet_properties(change.book, copy)}


def copy_title(book: Book, title: str) -> str:
    """`Copy of X`, with a number when that is taken."""
    name, number = f"Copy of {title}", 2
    while book.titled(name) is not None:
        name, number = f"Copy of {title} {number}", number + 1
    return name


def copied_sheet(change: Change, source: Sheet, sheet_id: int, title: str) -> Sheet:
    """A copy with new ids everywhere; protections of the copy belong to the one who copies."""
    copy = source.fork()
    copy.id, copy.title = sheet_id, title
    for items, keys in copy.objects():
        items[:] = [_moved_to(item, keys, sheet_id, change) for item in items]
    if copy.basic_filter is not None:
        copy.basic_filter = _moved_to(copy.basic_filter, ("range",), sheet_id, change)
    copy.merges = [type(area)(sheet_id, area.top, area.bottom, area.left, area.right) for area in copy.merges]
    return copy


_IDS = ("protectedRangeId", "filterViewId", "bandedRangeId")


def _moved_to(item: Object, keys: tuple[str, ...], sheet_id: int, change: Change) -> Json:
    moved: Json = dict(item)
    for key in keys:
        name = key.removesuffix("[]")
        if name in moved:
            here: Any = moved[name]
            many = (
                [{**one, "sheetId": sheet_id} for one in here] if key.endswith("[]") else {**here, "sheetId": sheet_id}
            )
            moved[name] = many
    return moved | {key: change.new_id() for key in _IDS if key in moved}


def _copied_metadata(change: Change, source: int, target: int) -> list[Object]:
    copies: list[Object] = []
    for item in change.book.metadata:
        if _sheet_of(item) != source:
            continue
        location = dict(item["location"])
        if "dimensionRange" in location:
            location["dimensionRange"] = {**location["dimensionRange"], "sheetId": target}
        else:
            location["sheetId"] = target
        copies.append({**item, "metadataId": change.new_id(), "location": location})
    return copies


def update_sheet_properties(change: Change, request: Request) -> Reply:
    """Change title, place, size, visibility or colour of a sheet."""
    given = dict(request.get("properties", {}))
    mask = mask_of(request.get("fields", ""), "SheetProperties")
    sheet = change.sheet(given.get("sheetId", 0))
    if "*" in mask:
        mask = {key: masks.ALL for key in given if key not in {"sheetId", "sheetType"}}
    if {"gridProperties", "title"} & set(mask):
        protection.check_sheet(sheet, change.email, change.role)
    if "title" in mask:
        rename(change, sheet, given.get("title", ""))
    if "gridProperties" in mask:
        _update_grid(change, sheet, given.get("gridProperties", {}), mask["gridProperties"])
    rest = {key: inner for key, inner in mask.items() if key not in {"title", "gridProperties", "index", "sheetId"}}
    if rest:
        _update_rest(change, sheet, given, rest)
    if "index" in mask:
        _move_sheet(change.book, sheet, given.get("index", 0))
    change.log("updateSheetProperties", sheet, fields=request.get("fields"))
    return None


def _update_rest(change: Change, sheet: Sheet, given: Request, mask: masks.Mask) -> None:
    new = without_defaults(masks.updated(sheet.properties, given, mask))
    if "tabColorStyle" in mask and "tabColor" not in mask:
        new.pop("tabColor", None)
    if "tabColor" in mask and "tabColorStyle" not in mask:
        new.pop("tabColorStyle", None)
    others = [other for other in change.book.sheets if other is not sheet and not other.properties.get("hidden")]
    if new.get("hidden") and not others:
        raise Refused("You can't hide all the sheets in a document.")
    sheet.properties = with_colors(new)


def rename(change: Change, sheet: Sheet, title: str) -> None:
    """Give a sheet a new title; formulas follow."""
    check_title(change.book, title, own=sheet)
    old, sheet.title = sheet.title, title
    if old != title:
        change.book.rewrite_formulas(lambda _, formula: retitled(formula, old, title))


def _move_sheet(book: Book, sheet: Sheet, index: int) -> None:
    """Indexes count before the move (reference page of SheetProperties.index)."""
    if index > len(book.sheets):
        raise Refused(f"Sheet index ({index}) is larger than the number of sheets ({len(book.sheets)}).")
    current = book.sheets.index(sheet)
    book.sheets.remove(sheet)
    book.sheets.insert(index - 1 if index > current else index, sheet)


def _update_grid(change: Change, sheet: Sheet, given: Request, mask: masks.Mask) -> None:
    rows = _wanted("rowCount", given, mask, sheet.grid.row_count)
    columns = _wanted("columnCount", given, mask, sheet.grid.column_count)
    old = dict(sheet.properties.get("gridProperties", {}))
    rest = {key: inner for key, inner in mask.items() if key not in _SIZE}
    others = {key: value for key, value in given.items() if key not in _SIZE}
    new = old if mask and not rest else without_defaults(masks.updated(old, others, rest))
    _check_grid(rows, columns, new)
    sheet.properties = {**sheet.properties, "gridProperties": new}
    resize(change, sheet, rows, columns)


_SIZE = ("rowCount", "columnCount")


def _wanted(key: str, given: Request, mask: masks.Mask, current: int) -> int:
    """The new row or column count: a mask of the whole keeps what is not given."""
    if key in mask:
        return int(given.get(key, 0))
    return current if mask else int(given.get(key, current))


def _check_grid(rows: int, columns: int, properties: Object) -> None:
    if rows < 1 or columns < 1:
        raise Refused("Grid must have at least one row and one column.")
    _check_size(rows, columns)
    for key, count, what in (("frozenRowCount", rows, "rows"), ("frozenColumnCount", columns, "columns")):
        if properties.get(key, 0) >= count and properties.get(key, 0):
            raise Refused(f"You can't freeze all visible {what} on the sheet.")


def resize(change: Change, sheet: Sheet, rows: int, columns: int) -> None:
    """Cut off or add rows at the bottom and columns at the right."""
    change.room(rows * columns - sheet.grid.row_count * sheet.grid.column_count)
    sizes: tuple[tuple[Dimension, int], ...] = (("ROWS", rows), ("COLUMNS", columns))
    for dimension, size in sizes:
        current = sheet.count(dimension)
        if size < current:
            change.guard_span(sheet, dimension, size, current)
            change.book.edit_dimension(sheet, dimension, Delete(size, current))
    sheet.grid.resize(rows, columns)


def update_spreadsheet_properties(change: Change, request: Request) -> Reply:
    """Change title, locale, time zone and the like of the spreadsheet."""
    given = dict(request.get("properties", {}))
    mask = dict(mask_of(request.get("fields", ""), "SpreadsheetProperties"))
    if "*" in mask:
        mask = dict.fromkeys(given, masks.ALL)
    if "title" in mask:
        title = given.get("title", "")
        if not title:
            raise Refused("The spreadsheet title cannot be empty.")
        change.book.title = change.new_title = title
        del mask["title"]
    for key in ("defaultFormat", "spreadsheetTheme"):
        if key in mask:
            raise Refused(f"Changing {key} is not supported by the sandbox.")
    if mask:
        change.book.properties = masks.updated(change.book.properties, given, mask)
        change.book.stale = True
    change.log("updateSpreadsheetProperties", fields=request.get("fields"))
    return None

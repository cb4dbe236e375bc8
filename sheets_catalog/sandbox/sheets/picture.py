"""The Spreadsheet resource: what spreadsheets.get answers, built only as far as the field mask asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox.sheets import metadata, numberformat
from sheets_catalog.sandbox.sheets.entry import plain_number
from sheets_catalog.sandbox.sheets.grid import NO_EXTRA, CellError, Extra, Value
from sheets_catalog.sandbox.sheets.masks import Mask, wants
from sheets_catalog.sandbox.sheets.protection import may_edit
from sheets_catalog.sandbox.sheets.ranges import Area, shown
from sheets_catalog.sandbox.sheets.reading import number_format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sheets_catalog.sandbox.sheets.document import Book, Group, Object, Sheet
    from sheets_catalog.sandbox.sheets.edits import Dimension
    from sheets_catalog.sandbox.wire import JSON

DEFAULT_ROW_HEIGHT = 21
DEFAULT_COLUMN_WIDTH = 100


@dataclass(frozen=True, slots=True)
class View:
    """Who looks, and at what: `areas` cuts grid data to these; `grid_data` asks for any at all."""

    email: str
    role: str
    app: str
    mask: Mask | None = None
    areas: Sequence[Area] | None = None
    grid_data: bool = False


def spreadsheet(book: Book, view: View) -> dict[str, JSON]:
    """The Spreadsheet of a book, before the field mask cuts it."""
    sheets = [
        sheet for sheet in book.sheets if view.areas is None or any(area.sheet == sheet.id for area in view.areas)
    ]
    answer: dict[str, JSON] = {
        "spreadsheetId": book.id,
        "properties": {"title": book.title, **book.properties},
        "sheets": [sheet_picture(book, sheet, view) for sheet in sheets] if wants(view.mask, "sheets") else [],
    }
    if book.named_ranges:
        answer["namedRanges"] = [named_range(item) for item in book.named_ranges]
    answer["spreadsheetUrl"] = f"https://docs.google.com/spreadsheets/d/{book.id}/edit"
    own = [item for item in metadata.visible(book, view.app) if item["location"]["locationType"] == "SPREADSHEET"]
    if own:
        answer["developerMetadata"] = [metadata.displayed(item) for item in own]
    return answer


def sheet_properties(book: Book, sheet: Sheet) -> dict[str, JSON]:
    """SheetProperties in the order of recorded answers."""
    grid = {"rowCount": sheet.grid.row_count, "columnCount": sheet.grid.column_count}
    rest = {key: value for key, value in sheet.properties.items() if key != "gridProperties"}
    return {
        "sheetId": sheet.id,
        "title": sheet.title,
        "index": book.sheets.index(sheet),
        "sheetType": "GRID",
        "gridProperties": grid | dict(sheet.properties.get("gridProperties", {})),
        **rest,
    }


def named_range(item: Object) -> dict[str, JSON]:
    """A NamedRange as answers show it."""
    return {**item, "range": shown(item["range"])}


def protected_range(item: Object, view: View) -> dict[str, JSON]:
    """A ProtectedRange as this user sees it: the editors only if the user is one of them."""
    picture = dict(item)
    editable = may_edit(item, view.email, view.role)
    for key in ("range",):
        if key in picture:
            picture[key] = shown(picture[key])
    if "unprotectedRanges" in picture:
        picture["unprotectedRanges"] = [shown(one) for one in picture["unprotectedRanges"]]
    editors = picture.pop("editors", None)
    if editable:
        picture["requestingUserCanEdit"] = True
        if editors is not None:
            picture["editors"] = editors
    return picture


def ranged(item: Object) -> dict[str, JSON]:
    """Any object with a GridRange under `range` (or several under `ranges`)."""
    picture = dict(item)
    if "range" in picture:
        picture["range"] = shown(picture["range"])
    if "ranges" in picture:
        picture["ranges"] = [shown(one) for one in picture["ranges"]]
    return picture


def dimension_group(sheet: Sheet, dimension: Dimension, group: Group) -> dict[str, JSON]:
    """A DimensionGroup as answers show it."""
    span = {"sheetId": sheet.id, "dimension": dimension, "startIndex": group.start, "endIndex": group.end}
    return {"range": shown(span), "depth": group.depth} | ({"collapsed": True} if group.collapsed else {})


def sheet_picture(book: Book, sheet: Sheet, view: View) -> dict[str, JSON]:
    """One Sheet."""
    picture: dict[str, JSON] = {"properties": sheet_properties(book, sheet)}
    if _wants_data(view):
        picture["data"] = [grid_data(book, sheet, area, view) for area in _areas(sheet, view)]
    lists: dict[str, list[JSON]] = {
        "merges": [shown(area.json()) for area in sheet.merges],
        "conditionalFormats": [ranged(item) for item in sheet.conditional_formats],
        "filterViews": [ranged(item) for item in sheet.filter_views],
        "protectedRanges": [protected_range(item, view) for item in sheet.protected_ranges],
        "basicFilter": [],
        "bandedRanges": [ranged(item) for item in sheet.banded_ranges],
        "developerMetadata": _sheet_metadata(book, sheet, view),
        "rowGroups": [dimension_group(sheet, "ROWS", group) for group in sheet.row_groups],
        "columnGroups": [dimension_group(sheet, "COLUMNS", group) for group in sheet.column_groups],
        "tables": [ranged(item) for item in sheet.tables],
    }
    for key, items in lists.items():
        if key == "basicFilter" and sheet.basic_filter is not None:
            picture[key] = ranged(sheet.basic_filter)
        elif items:
            picture[key] = items
    return picture


def _sheet_metadata(book: Book, sheet: Sheet, view: View) -> list[JSON]:
    return [
        metadata.displayed(item)
        for item in metadata.visible(book, view.app)
        if item["location"]["locationType"] == "SHEET" and item["location"]["sheetId"] == sheet.id
    ]


def _wants_data(view: View) -> bool:
    """Grid data comes when asked for, or when a field mask names some of it (recorded)."""
    if view.mask is None:
        return view.grid_data
    return "sheets" in view.mask and "data" in view.mask["sheets"]


def _areas(sheet: Sheet, view: View) -> list[Area]:
    if view.areas is None:
        return [sheet.whole()]
    return [sheet.clip(area) for area in view.areas if area.sheet == sheet.id]


def grid_data(book: Book, sheet: Sheet, area: Area, view: View) -> dict[str, JSON]:
    """GridData of a clipped area: rows up to the last with anything, metadata of every row and column."""
    data: dict[str, JSON] = {}
    if area.top:
        data["startRow"] = area.top
    if area.left:
        data["startColumn"] = area.left
    if wants(view.mask, "sheets", "data", "rowData"):
        rows = _row_data(book, sheet, area, view.mask)
        if rows:
            data["rowData"] = rows
    if wants(view.mask, "sheets", "data", "rowMetadata"):
        data["rowMetadata"] = _dimension_data(book, sheet, "ROWS", (area.top, area.end_row), view)
    if wants(view.mask, "sheets", "data", "columnMetadata"):
        data["columnMetadata"] = _dimension_data(book, sheet, "COLUMNS", (area.left, area.end_column), view)
    return data


def _dimension_data(
    book: Book, sheet: Sheet, dimension: Dimension, span: tuple[int, int], view: View
) -> list[dict[str, JSON]]:
    size = DEFAULT_ROW_HEIGHT if dimension == "ROWS" else DEFAULT_COLUMN_WIDTH
    places = sheet.places(dimension)
    pictures: list[dict[str, JSON]] = [{"pixelSize": size} | dict(places.get(index, {})) for index in range(*span)]
    for item in metadata.visible(book, view.app):
        place = item["location"].get("dimensionRange")
        if place and place.get("sheetId", 0) == sheet.id and place["dimension"] == dimension:
            index = place["startIndex"] - span[0]
            if 0 <= index < len(pictures):
                pictures[index].setdefault("developerMetadata", []).append(metadata.displayed(item))
    return pictures


def _row_data(book: Book, sheet: Sheet, area: Area, mask: Mask | None) -> list[dict[str, JSON]]:
    last = min(area.end_row, sheet.grid.last_row_with_anything())
    painter = Painter(book)
    rows = [_row(painter, sheet, row, area, mask) for row in range(area.top, last)]
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _row(painter: Painter, sheet: Sheet, row: int, area: Area, mask: Mask | None) -> dict[str, JSON]:
    values = sheet.grid.row(row)[area.left : area.end_column]
    extras = sheet.grid.extra_row(row)[area.left : area.end_column]
    cells = [
        painter.cell(
            values[place] if place < len(values) else None,
            (extras[place] if place < len(extras) else None) or NO_EXTRA,
        )
        for place in range(max(len(values), len(extras)))
    ]
    if mask is not None:
        cells = [_kept(one, mask) for one in cells]
    while cells and not cells[-1]:
        cells.pop()
    return {"values": cells} if cells else {}


def _kept(picture: dict[str, JSON], mask: Mask) -> dict[str, JSON]:
    """What the mask leaves of a cell: a cell with nothing left counts as empty (recorded)."""
    for name in ("sheets", "data", "rowData", "values"):
        if not mask or "*" in mask:
            return picture
        mask = mask.get(name, {"": {}})
    return {key: value for key, value in picture.items() if not mask or "*" in mask or key in mask}


@dataclass(frozen=True, slots=True)
class Painter:
    """Makes CellData. Cells that share their extra share their effective format, so that is worked out once."""

    book: Book
    formats: dict[tuple[int, str], dict[str, JSON]] = field(default_factory=dict)

    def cell(self, value: Value, extra: Extra) -> dict[str, JSON]:
        """CellData of one cell; empty for a cell with nothing."""
        picture: dict[str, JSON] = {}
        if extra.formula:
            picture["userEnteredValue"] = {"formulaValue": extra.formula}
        elif value is not None:
            picture["userEnteredValue"] = extended(value)
        if value is not None:
            picture["effectiveValue"] = extended(value)
            picture["formattedValue"] = numberformat.shown(value, number_format(extra), self.book.locale)
        own = extra.data.get("userEnteredFormat")
        if own:
            picture["userEnteredFormat"] = own
        if own or value is not None:
            picture["effectiveFormat"] = self.effective_format(value, extra)
        picture |= {key: item for key, item in extra.data.items() if key != "userEnteredFormat"}
        link = hyperlink(extra)
        if link:
            picture["hyperlink"] = link
        return picture

    def effective_format(self, value: Value, extra: Extra) -> dict[str, JSON]:
        """The default format of the spreadsheet with the cell's own laid over it."""
        alignment = "" if value is None else _alignment(value)
        key = (id(extra), alignment)
        if key not in self.formats:
            self.formats[key] = _effective_format(self.book, alignment, extra)
        return self.formats[key]


def extended(value: Value) -> dict[str, JSON]:
    """ExtendedValue of a value."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, CellError):
        return {"errorValue": {"type": value.kind} | ({"message": value.message} if value.message else {})}
    if isinstance(value, str):
        return {"stringValue": value}
    assert value is not None
    return {"numberValue": plain_number(value)}


def _effective_format(book: Book, alignment: str, extra: Extra) -> dict[str, JSON]:
    base: dict[str, Any] = {**book.properties["defaultFormat"], "hyperlinkDisplayType": "PLAIN_TEXT"}
    if alignment:
        base["horizontalAlignment"] = alignment
    own = dict(extra.data.get("userEnteredFormat", {}))
    shown_format = number_format(extra)
    if shown_format:
        own["numberFormat"] = dict(shown_format) | {"pattern": numberformat.pattern_of(shown_format, book.locale)}
    return _laid_over(base, own)


def _alignment(value: Value) -> str:
    if isinstance(value, bool | CellError):
        return "CENTER"
    return "LEFT" if isinstance(value, str) else "RIGHT"


def _laid_over(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        old = result.get(key)
        nested = isinstance(value, dict) and isinstance(old, dict) and not key.lower().endswith(("color", "colorstyle"))
        result[key] = _laid_over(old, value) if nested and isinstance(old, dict) else value
    return result


def hyperlink(extra: Extra) -> str:
    """The link of a cell as a whole: from its text format or a HYPERLINK formula with a literal address."""
    link: str = extra.data.get("userEnteredFormat", {}).get("textFormat", {}).get("link", {}).get("uri", "")
    if not link and extra.formula.upper().startswith('=HYPERLINK("'):
        link = extra.formula[12:].partition('"')[0]
    return link

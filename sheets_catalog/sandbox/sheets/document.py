"""A spreadsheet: its sheets, and everything on them that is not a cell.

Objects with a place (protections, filters, named ranges ...) are kept in the JSON shape of the API, with `sheetId`
always present, and are replaced, never changed in place: so `Book.fork` may share them, and a batch that fails leaves
nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.sheets.edits import (
    Delete,
    Dimension,
    Edit,
    Insert,
    Move,
    moved_area,
    moved_places,
    moved_range,
)
from sheets_catalog.sandbox.sheets.formulas import text as formula_text
from sheets_catalog.sandbox.sheets.grid import Extra, Grid
from sheets_catalog.sandbox.sheets.locales import Locale, locale_of
from sheets_catalog.sandbox.sheets.ranges import Area, area_of

if TYPE_CHECKING:
    from sheets_catalog.sandbox.wire import JSON

MAX_CELLS: Final = 10_000_000
MAX_CELL_LENGTH: Final = 50_000
DEFAULT_ROWS: Final = 1000
DEFAULT_COLUMNS: Final = 26

Object = Mapping[str, Any]


@dataclass
class Group:
    """A row or column group."""

    start: int
    end: int
    depth: int
    collapsed: bool = False


@dataclass(eq=False)
class Sheet:
    """One sheet. `properties` is SheetProperties without sheetId, title, index and the grid's size."""

    id: int
    title: str
    grid: Grid
    properties: Object = field(default_factory=dict)
    merges: list[Area] = field(default_factory=list)
    protected_ranges: list[Object] = field(default_factory=list)
    filter_views: list[Object] = field(default_factory=list)
    basic_filter: Object | None = None
    conditional_formats: list[Object] = field(default_factory=list)
    banded_ranges: list[Object] = field(default_factory=list)
    tables: list[Object] = field(default_factory=list)
    row_properties: dict[int, Object] = field(default_factory=dict)
    column_properties: dict[int, Object] = field(default_factory=dict)
    row_groups: list[Group] = field(default_factory=list)
    column_groups: list[Group] = field(default_factory=list)

    def fork(self) -> Sheet:
        """An independent copy."""
        return replace(
            self,
            grid=self.grid.fork(),
            merges=list(self.merges),
            protected_ranges=list(self.protected_ranges),
            filter_views=list(self.filter_views),
            conditional_formats=list(self.conditional_formats),
            banded_ranges=list(self.banded_ranges),
            tables=list(self.tables),
            row_properties=dict(self.row_properties),
            column_properties=dict(self.column_properties),
            row_groups=[replace(group) for group in self.row_groups],
            column_groups=[replace(group) for group in self.column_groups],
        )

    def count(self, dimension: Dimension) -> int:
        """How many rows or columns it has."""
        return self.grid.row_count if dimension == "ROWS" else self.grid.column_count

    def clip(self, area: Area) -> Area:
        """The part of an area that is on the grid."""
        return area.clipped(self.grid.row_count, self.grid.column_count)

    def whole(self) -> Area:
        """Every cell."""
        return self.clip(Area(self.id))

    def places(self, dimension: Dimension) -> dict[int, Object]:
        """Sparse properties of rows or columns: hiddenByUser, hiddenByFilter, pixelSize."""
        return self.row_properties if dimension == "ROWS" else self.column_properties

    def groups(self, dimension: Dimension) -> list[Group]:
        """Groups of rows or of columns."""
        return self.row_groups if dimension == "ROWS" else self.column_groups

    def hidden(self, dimension: Dimension, index: int) -> bool:
        """Whether a person does not see the row or column."""
        shown = self.places(dimension).get(index, {})
        return bool(shown.get("hiddenByUser") or shown.get("hiddenByFilter"))

    def objects(self) -> Iterator[tuple[list[Object], tuple[str, ...]]]:
        """(list, keys) of everything that has a GridRange under one of the keys; a key ending in `[]` holds several."""
        yield self.protected_ranges, ("range", "unprotectedRanges[]")
        yield self.filter_views, ("range",)
        yield self.conditional_formats, ("ranges[]",)
        yield self.banded_ranges, ("range",)
        yield self.tables, ("range",)


@dataclass(eq=False)
class Book:
    """One spreadsheet. `properties` is SpreadsheetProperties without the title."""

    id: str
    title: str
    sheets: list[Sheet]
    properties: Object = field(default_factory=dict)
    named_ranges: list[Object] = field(default_factory=list)
    metadata_items: list[Object] = field(default_factory=list)
    """Developer metadata as of the last settling; read `metadata` instead."""
    metadata_index: object = field(default=None, repr=False)
    """Kept and understood by the metadata module; never saved."""
    stale: bool = False
    """Whether formulas have to be computed before the next read."""
    _marks: dict[tuple[int, Dimension], list[tuple[int, ...]]] = field(default_factory=dict, init=False, repr=False)
    """Metadata ids by row or column of what was edited since: lists move much quicker than thousands of items."""

    @property
    def metadata(self) -> list[Object]:
        """Developer metadata, oldest first, each where it is now."""
        if self._marks:
            self.metadata_items = list(self._settled())
            self._marks.clear()
        return self.metadata_items

    @metadata.setter
    def metadata(self, items: list[Object]) -> None:
        self._marks.clear()
        self.metadata_items = items

    def _settled(self) -> Iterator[Object]:
        places = {own_id: index for marks in self._marks.values() for index, ids in enumerate(marks) for own_id in ids}
        for item in self.metadata_items:
            key = _line_of(item)
            if key is None or key not in self._marks:
                yield item
            elif item["metadataId"] in places:
                yield _at(item, places[item["metadataId"]])

    def _mark(self, sheet: int, dimension: Dimension) -> list[tuple[int, ...]] | None:
        """Metadata ids by row (or column) of a sheet, edited like the rows themselves; None when there are none."""
        key = (sheet, dimension)
        if key not in self._marks:
            items = [item for item in self.metadata_items if _line_of(item) == key]
            if not items:
                return None
            marks: list[tuple[int, ...]] = [()] * (1 + max(_index(item) for item in items))
            for item in items:
                marks[_index(item)] += (item["metadataId"],)
            self._marks[key] = marks
        return self._marks[key]

    def fork(self) -> Book:
        """An independent copy to work on."""
        return replace(
            self,
            sheets=[sheet.fork() for sheet in self.sheets],
            named_ranges=list(self.named_ranges),
            metadata_items=list(self.metadata),
        )

    @property
    def locale(self) -> Locale:
        return locale_of(str(self.properties.get("locale", "en_US")))

    def find(self, sheet_id: int) -> Sheet | None:
        """The sheet with this id."""
        return next((sheet for sheet in self.sheets if sheet.id == sheet_id), None)

    def titled(self, title: str) -> Sheet | None:
        """The sheet with this title: exactly, else in any case."""
        lowered = title.lower()
        same = [sheet for sheet in self.sheets if sheet.title.lower() == lowered]
        return next((sheet for sheet in same if sheet.title == title), same[0] if same else None)

    def sheet_id(self, title: str) -> int | None:
        """The id of the sheet with this title."""
        sheet = self.titled(title)
        return None if sheet is None else sheet.id

    def named(self, name: str) -> Area | None:
        """The cells of a named range, in any case."""
        lowered = name.lower()
        found = next((item for item in self.named_ranges if item["name"].lower() == lowered), None)
        return None if found is None else area_of(found["range"])

    def first_visible(self) -> Sheet:
        """The sheet that a range without a title means."""
        return next((sheet for sheet in self.sheets if not sheet.properties.get("hidden")), self.sheets[0])

    def cells(self) -> int:
        """The size of all grids together, which is what the 10 million limit counts."""
        return sum(sheet.grid.row_count * sheet.grid.column_count for sheet in self.sheets)

    def edit_dimension(self, sheet: Sheet, dimension: Dimension, edit: Edit) -> None:
        """Insert, delete or move rows or columns, and let everything that points at them follow."""
        _edit_size(sheet, dimension, edit)
        sheet.grid.edit(dimension, edit)
        _edit_objects(sheet, dimension, edit)
        self.named_ranges = _moved_objects(self.named_ranges, ("range",), sheet.id, dimension, edit)
        marks = self._mark(sheet.id, dimension)
        if marks is not None:
            edit.apply(marks, ())
        titles = self.sheet_id
        self.rewrite_formulas(
            lambda own, formula: formula_text.following(formula, own, titles, sheet.id, dimension, edit)
        )
        self.stale = True

    def rewrite_formulas(self, change: Callable[[int, str], str]) -> None:
        """Replace every formula by `change(own sheet id, formula)`."""
        for sheet in self.sheets:
            for row, column, formula in list(sheet.grid.formulas()):
                new = change(sheet.id, formula)
                if new != formula:
                    extra = sheet.grid.extra_at(row, column)
                    sheet.grid.write_extras(row, column, (Extra(new, extra.data),))


def _edit_size(sheet: Sheet, dimension: Dimension, edit: Edit) -> None:
    match edit:
        case Insert(_, count):
            change = count
        case Delete(start, end):
            change = start - end
        case Move():
            return
    if dimension == "ROWS":
        sheet.grid.row_count += change
    else:
        sheet.grid.column_count += change


def _edit_objects(sheet: Sheet, dimension: Dimension, edit: Edit) -> None:
    merges = (moved_area(area, dimension, edit) for area in sheet.merges)
    sheet.merges = [area for area in merges if area is not None and area.height * area.width > 1]
    for items, keys in list(sheet.objects()):
        items[:] = _moved_objects(items, keys, sheet.id, dimension, edit)
    if sheet.basic_filter is not None:
        kept = _moved_objects([sheet.basic_filter], ("range",), sheet.id, dimension, edit)
        sheet.basic_filter = kept[0] if kept else None
    if dimension == "ROWS":
        sheet.row_properties = moved_places(sheet.row_properties, edit)
    else:
        sheet.column_properties = moved_places(sheet.column_properties, edit)
    groups = sheet.groups(dimension)
    groups[:] = [
        replace(group, start=span[0], end=span[1])
        for group in groups
        if (span := edit.span(group.start, group.end)) is not None and span[1] is not None
    ]


def _moved_objects(
    items: list[Object], keys: tuple[str, ...], sheet: int, dimension: Dimension, edit: Edit
) -> list[Object]:
    moved = (_moved_object(item, keys, sheet, dimension, edit) for item in items)
    return [item for item in moved if item is not None]


def _moved_object(item: Object, keys: tuple[str, ...], sheet: int, dimension: Dimension, edit: Edit) -> Object | None:
    """The object afterwards; None when its own range (or the last of its ranges) is gone."""
    result = dict(item)
    for place, key in enumerate(keys):
        name = key.removesuffix("[]")
        if name not in item:
            continue
        ranges = item[name] if key.endswith("[]") else [item[name]]
        moved = [moved_range(one, dimension, edit) if one.get("sheetId", 0) == sheet else one for one in ranges]
        kept = [one for one in moved if one is not None]
        if not kept and place == 0:
            return None
        result[name] = kept if key.endswith("[]") else kept[0]
    return result


def _line_of(item: Object) -> tuple[int, Dimension] | None:
    """(sheet id, dimension) of metadata on a row or column."""
    place = item["location"].get("dimensionRange")
    return None if place is None else (place["sheetId"], place["dimension"])


def _index(item: Object) -> int:
    index: int = item["location"]["dimensionRange"]["startIndex"]
    return index


def _at(item: Object, index: int) -> Object:
    """The metadata of a row or column, at another index."""
    if index == _index(item):
        return item
    place = {**item["location"]["dimensionRange"], "startIndex": index, "endIndex": index + 1}
    return {**item, "location": {**item["location"], "dimensionRange": place}}


def new_properties(locale: str = "en_US", time_zone: str = "Etc/GMT") -> dict[str, Any]:
    """SpreadsheetProperties of a new spreadsheet, as recorded answers have them."""
    return {
        "locale": locale,
        "autoRecalc": "ON_CHANGE",
        "timeZone": time_zone,
        "defaultFormat": DEFAULT_FORMAT,
        "spreadsheetTheme": DEFAULT_THEME,
    }


_WHITE: JSON = {"red": 1, "green": 1, "blue": 1}

DEFAULT_FORMAT: Final[JSON] = {
    "backgroundColor": _WHITE,
    "padding": {"top": 2, "right": 3, "bottom": 2, "left": 3},
    "verticalAlignment": "BOTTOM",
    "wrapStrategy": "OVERFLOW_CELL",
    "textFormat": {
        "foregroundColor": {},
        "fontFamily": "arial,sans,sans-serif",
        "fontSize": 10,
        "bold": False,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "foregroundColorStyle": {"rgbColor": {}},
    },
    "backgroundColorStyle": {"rgbColor": _WHITE},
}

DEFAULT_THEME: Final[JSON] = {
    "primaryFontFamily": "Arial",
    "themeColors": [
        {"colorType": kind, "color": {"rgbColor": color}}
        for kind, color in (
            ("TEXT", {}),
            ("BACKGROUND", _WHITE),
            ("ACCENT1", {"red": 0.25882354, "green": 0.52156866, "blue": 0.95686275}),
            ("ACCENT2", {"red": 0.91764706, "green": 0.2627451, "blue": 0.20784314}),
            ("ACCENT3", {"red": 0.9843137, "green": 0.7372549, "blue": 0.015686275}),
            ("ACCENT4", {"red": 0.20392157, "green": 0.65882355, "blue": 0.3254902}),
            ("ACCENT5", {"red": 1, "green": 0.42745098, "blue": 0.003921569}),
            ("ACCENT6", {"red": 0.27450982, "green": 0.7411765, "blue": 0.7764706}),
            ("LINK", {"red": 0.06666667, "green": 0.33333334, "blue": 0.8}),
        )
    ],
}


def new_book(book_id: str, title: str) -> Book:
    """A spreadsheet as Drive or the UI makes it: one sheet `Sheet1` with id 0, 1000 by 26."""
    sheet = Sheet(0, "Sheet1", Grid(DEFAULT_ROWS, DEFAULT_COLUMNS))
    return Book(book_id, title, [sheet], new_properties())

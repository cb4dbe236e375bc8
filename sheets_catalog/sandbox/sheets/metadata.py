"""Developer metadata and data filters.

https://developers.google.com/workspace/sheets/api/guides/metadata. Metadata of visibility PROJECT exists only for the
app (cloud project) that made it; the stored form keeps that app under `app`, which answers never show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sheets_catalog.sandbox.sheets.ranges import Area, UnknownRange, area_of, resolve, shown
from sheets_catalog.sandbox.sheets.refusals import Refused, no_grid, unparsable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.sandbox.sheets.document import Book, Object

Json: TypeAlias = dict[str, Any]


def visible(book: Book, app: str) -> list[Object]:
    """The metadata that an app may see."""
    return [item for item in book.metadata if _seen(item, app)]


def _seen(item: Object, app: str) -> bool:
    return item["visibility"] != "PROJECT" or item.get("app") == app


def displayed(item: Object) -> Json:
    """DeveloperMetadata as answers show it."""
    result = {key: value for key, value in item.items() if key != "app"}
    location = dict(item["location"])
    if "dimensionRange" in location:
        location["dimensionRange"] = shown(location["dimensionRange"])
    result["location"] = location
    return result


def location_kind(location: Mapping[str, Any]) -> str:
    """SPREADSHEET, SHEET, ROW or COLUMN, from the field that is set."""
    if "dimensionRange" in location:
        return "ROW" if location["dimensionRange"].get("dimension") == "ROWS" else "COLUMN"
    return "SHEET" if "sheetId" in location else "SPREADSHEET"


def place_of(item: Object) -> Area | None:
    """The cells that metadata stands on; None for the whole spreadsheet."""
    return _place(item["location"])


def _place(location: Mapping[str, Any]) -> Area | None:
    if "dimensionRange" in location:
        span = location["dimensionRange"]
        if span.get("dimension") == "ROWS":
            return Area(span.get("sheetId", 0), span.get("startIndex", 0), span.get("endIndex"))
        return Area(span.get("sheetId", 0), left=span.get("startIndex", 0), right=span.get("endIndex"))
    return Area(location["sheetId"]) if "sheetId" in location else None


def found(book: Book, data_filter: Mapping[str, Any], app: str) -> list[Object]:
    """The metadata that a data filter selects, oldest first."""
    if "developerMetadataLookup" in data_filter:
        lookup = data_filter["developerMetadataLookup"]
        return [item for item in index_of(book).candidates(lookup) if _seen(item, app) and looked_up(item, lookup)]
    area = filter_areas(book, data_filter, app)[0]
    return [item for item in visible(book, app) if (place := place_of(item)) is not None and area.contains(place)]


class Index:
    """Metadata by id and by key, so that a request with thousands of look-ups stays quick."""

    def __init__(self, items: list[Object]) -> None:
        self.source, self.size = items, len(items)
        self.by_id = {item["metadataId"]: item for item in items}
        self.by_key: dict[str, list[Object]] = {}
        self.by_value: dict[tuple[str, str | None], list[Object]] = {}
        for item in items:
            self.by_key.setdefault(item["metadataKey"], []).append(item)
            self.by_value.setdefault((item["metadataKey"], item.get("metadataValue")), []).append(item)

    def candidates(self, lookup: Mapping[str, Any]) -> list[Object]:
        """Everything that may fit a look-up, oldest first."""
        if "metadataId" in lookup:
            item = self.by_id.get(lookup["metadataId"])
            return [] if item is None else [item]
        if "metadataKey" not in lookup:
            return self.source
        if "metadataValue" in lookup:
            return self.by_value.get((lookup["metadataKey"], lookup["metadataValue"]), [])
        return self.by_key.get(lookup["metadataKey"], [])


def index_of(book: Book) -> Index:
    """The index of a book's metadata; made again whenever the list was replaced or has grown."""
    index = book.metadata_index
    if not isinstance(index, Index) or index.source is not book.metadata or index.size != len(book.metadata):
        index = book.metadata_index = Index(book.metadata)
    return index


def looked_up(item: Object, lookup: Mapping[str, Any]) -> bool:
    """Whether metadata fits every condition of a DeveloperMetadataLookup."""
    same = all(
        item.get(own) == lookup[asked]
        for own, asked in (
            ("metadataId", "metadataId"),
            ("metadataKey", "metadataKey"),
            ("metadataValue", "metadataValue"),
            ("visibility", "visibility"),
        )
        if asked in lookup
    )
    kind = lookup.get("locationType")
    if not same or (kind is not None and item["location"]["locationType"] != kind):
        return False
    return "metadataLocation" not in lookup or _located(item, lookup)


def _located(item: Object, lookup: Mapping[str, Any]) -> bool:
    wanted = lookup["metadataLocation"]
    kind = location_kind(wanted)
    exact = kind == item["location"]["locationType"] and _place(wanted) == place_of(item)
    if lookup.get("locationMatchingStrategy") != "INTERSECTING_LOCATION":
        return exact
    if kind == "SPREADSHEET":
        return True
    area, own = _place(wanted), place_of(item)
    return own is None or (area is not None and area.overlaps(own))


def filter_areas(book: Book, data_filter: Mapping[str, Any], app: str) -> list[Area]:
    """The clipped areas that a data filter means.

    Raises:
        Refused: no condition, an unreadable range, or a grid range on a sheet that does not exist.
    """
    if "a1Range" in data_filter:
        return [_clipped(book, range_area(book, data_filter["a1Range"]))]
    if "gridRange" in data_filter:
        return [_clipped(book, area_of(data_filter["gridRange"]))]
    if "developerMetadataLookup" not in data_filter:
        raise Refused("dataFilter.filter must be specified.")
    areas: list[Area] = []
    for item in found(book, data_filter, app):
        place = place_of(item)
        places = [place] if place is not None else [Area(sheet.id) for sheet in book.sheets]
        areas += [clipped for one in places if (clipped := _clipped(book, one)) not in areas]
    return areas


def _clipped(book: Book, area: Area) -> Area:
    sheet = book.find(area.sheet)
    if sheet is None:
        raise no_grid(area.sheet)
    return sheet.clip(area)


def range_area(book: Book, text: str) -> Area:
    """The area that a range text means in this spreadsheet, not clipped.

    Raises:
        Refused: Unable to parse range.
    """
    try:
        return resolve(text, book.sheet_id, book.named, book.first_visible().id)
    except UnknownRange as error:
        raise unparsable(text) from error


def echoed(data_filter: Mapping[str, Any]) -> Json:
    """A data filter as answers repeat it: zero numbers of a grid range are left out."""
    if "gridRange" not in data_filter:
        return dict(data_filter)
    return {"gridRange": {key: value for key, value in data_filter["gridRange"].items() if value}}

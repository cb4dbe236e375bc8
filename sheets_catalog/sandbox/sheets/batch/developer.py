"""Requests about developer metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.sandbox.sheets import masks, metadata
from sheets_catalog.sandbox.sheets.batch.change import Change, Json, Reply, Request, mask_of
from sheets_catalog.sandbox.sheets.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sheets_catalog.sandbox.sheets.document import Object


def _location(change: Change, given: Request | None) -> Json:
    """A checked DeveloperMetadataLocation with its type. Raises Refused."""
    location = {key: value for key, value in (given or {}).items() if key != "locationType"}
    if location.get("spreadsheet") is False:
        del location["spreadsheet"]
    if len(location) != 1:
        raise Refused("Exactly one location must be specified for developer metadata.")
    if "sheetId" in location:
        change.grid_sheet(location["sheetId"])
    elif "dimensionRange" in location:
        sheet, dimension, start, end = change.span(location["dimensionRange"])
        if end != start + 1:
            raise Refused("DeveloperMetadata can only be associated with a single row or column.")
        if start >= sheet.count(dimension):
            raise Refused(f"range.startIndex is larger than current grid size ({sheet.count(dimension)})")
        location["dimensionRange"] = {
            "sheetId": sheet.id, "dimension": dimension, "startIndex": start, "endIndex": end
        }  # fmt: skip
    return {"locationType": metadata.location_kind(location), **location}


def create_developer_metadata(change: Change, request: Request) -> Reply:
    """Attach metadata to the spreadsheet, a sheet, a row or a column."""
    given = request.get("developerMetadata", {})
    if not given.get("metadataKey"):
        raise Refused("DeveloperMetadata must have a key.")
    if given.get("visibility", "") not in {"DOCUMENT", "PROJECT"}:
        raise Refused("DeveloperMetadata must have a visibility.")
    own_id = given.get("metadataId") or change.new_id()
    if own_id < 0:
        raise Refused(f"Developer metadata ID [{own_id}] must be positive.")
    if change.has_metadata(own_id):
        raise Refused(
            f"Cannot add developer metadata with ID [{own_id}] because developer metadata with that ID already exists."
        )
    item: Json = {"metadataId": own_id, "metadataKey": given["metadataKey"]}
    if "metadataValue" in given:
        item["metadataValue"] = given["metadataValue"]
    item |= {"location": _location(change, given.get("location")), "visibility": given["visibility"], "app": change.app}
    change.book.metadata.append(item)
    change.metadata_ids().add(own_id)
    change.log("createDeveloperMetadata", metadataId=own_id, metadataKey=item["metadataKey"])
    return {"developerMetadata": metadata.displayed(item)}


def _selected(change: Change, filters: Iterable[Request]) -> list[Object]:
    chosen: dict[int, Object] = {}
    for data_filter in filters:
        chosen |= {item["metadataId"]: item for item in metadata.found(change.book, data_filter, change.app)}
    return list(chosen.values())


def update_developer_metadata(change: Change, request: Request) -> Reply:
    """Change the metadata that filters select."""
    if not request.get("dataFilters"):
        raise Refused("Must specify at least one dataFilter.")
    mask = mask_of(request.get("fields", ""), "DeveloperMetadata")
    given = request.get("developerMetadata", {})
    chosen = _selected(change, request["dataFilters"])
    new = {old["metadataId"]: _updated(change, old, given, mask) for old in chosen}
    change.book.metadata = [new.get(item["metadataId"], item) for item in change.book.metadata]
    change.log("updateDeveloperMetadata", metadataIds=[item["metadataId"] for item in chosen])
    return {"developerMetadata": [metadata.displayed(item) for item in new.values()]} if new else {}


def _updated(change: Change, old: Object, given: Request, mask: masks.Mask) -> Object:
    item = masks.updated(old, given, mask) | {"metadataId": old["metadataId"], "app": old["app"]}
    if not item.get("metadataKey"):
        raise Refused("DeveloperMetadata must have a key.")
    if "location" in mask:
        item["location"] = _location(change, given.get("location"))
    return item


def delete_developer_metadata(change: Change, request: Request) -> Reply:
    """Remove the metadata that a filter selects."""
    if "dataFilter" not in request:
        raise Refused("dataFilter must be specified.")
    chosen = _selected(change, [request["dataFilter"]])
    gone = {item["metadataId"] for item in chosen}
    change.book.metadata = [item for item in change.book.metadata if item["metadataId"] not in gone]
    change.metadata_ids().difference_update(gone)
    change.log("deleteDeveloperMetadata", metadataIds=[item["metadataId"] for item in chosen])
    return {"deletedDeveloperMetadata": [metadata.displayed(item) for item in chosen]} if chosen else {}

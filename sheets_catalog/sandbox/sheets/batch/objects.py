"""Requests about things that lie on ranges: names, protections, filters, conditional formats, banding, tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sheets_catalog.sandbox.sheets import masks, picture, protection
from sheets_catalog.sandbox.sheets.batch.change import Change, Json, Reply, Request, mask_of, without_defaults
from sheets_catalog.sandbox.sheets.batch.filters import apply_filter, unfilter
from sheets_catalog.sandbox.sheets.document import Object, Sheet
from sheets_catalog.sandbox.sheets.ranges import Area, a1, area_of, parse_cells
from sheets_catalog.sandbox.sheets.refusals import PROTECTED, Refused

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,249}\Z")


def _placed(change: Change, grid_range: Request | None) -> Json:
    """A GridRange that exists, with its sheet id. Raises Refused."""
    sheet, _ = change.area(grid_range, write=False)
    return {"sheetId": sheet.id, **(grid_range or {})}


def _check_name(change: Change, name: str, own: Object | None = None) -> None:
    taken = [item for item in change.book.named_ranges if item["name"].lower() == name.lower() and item is not own]
    if taken:
        raise Refused(f"Cannot add named range with name {name}, a named range with that name already exists.")
    if not _NAME.match(name) or name.upper() in {"TRUE", "FALSE"} or parse_cells(name, 0) is not None:
        raise Refused(f"The name '{name}' is not a valid name for a named range.")


def add_named_range(change: Change, request: Request) -> Reply:
    """Name a range."""
    given = request.get("namedRange", {})
    _check_name(change, given.get("name", ""))
    own_id = given.get("namedRangeId") or str(change.new_id())
    if any(item["namedRangeId"] == own_id for item in change.book.named_ranges):
        raise Refused(f"Named range with id {own_id} already exists.")
    item = {"namedRangeId": own_id, "name": given["name"], "range": _placed(change, given.get("range"))}
    change.book.named_ranges.append(item)
    change.book.stale = True
    change.log("addNamedRange", name=given["name"], namedRangeId=own_id)
    return {"namedRange": picture.named_range(item)}


def _named(change: Change, own_id: str) -> Object:
    found = next((item for item in change.book.named_ranges if item["namedRangeId"] == own_id), None)
    if found is None:
        raise Refused(f"No named range with id: {own_id}")
    return found


def update_named_range(change: Change, request: Request) -> Reply:
    """Rename or move a named range."""
    given = request.get("namedRange", {})
    old = _named(change, given.get("namedRangeId", ""))
    mask = mask_of(request.get("fields", ""), "NamedRange")
    new = masks.updated(old, given, mask) | {"namedRangeId": old["namedRangeId"]}
    if new.get("name") != old["name"]:
        _check_name(change, new.get("name", ""), own=old)
    new["range"] = _placed(change, new.get("range"))
    change.book.named_ranges = [new if item is old else item for item in change.book.named_ranges]
    change.book.stale = True
    change.log("updateNamedRange", name=new["name"], namedRangeId=old["namedRangeId"])
    return None


def delete_named_range(change: Change, request: Request) -> Reply:
    """Forget a name."""
    old = _named(change, request.get("namedRangeId", ""))
    change.book.named_ranges = [item for item in change.book.named_ranges if item is not old]
    change.book.stale = True
    change.log("deleteNamedRange", name=old["name"], namedRangeId=old["namedRangeId"])
    return None


def add_protected_range(change: Change, request: Request) -> Reply:
    """Protect a range or sheet; the one who asks becomes an editor."""
    given = dict(request.get("protectedRange", {}))
    given.pop("requestingUserCanEdit", None)
    item = without_defaults(_protected(change, given))
    own_id = item.setdefault("protectedRangeId", change.new_id())
    if any(own_id == other["protectedRangeId"] for sheet in change.book.sheets for other in sheet.protected_ranges):
        raise Refused(f"Protected range with id {own_id} already exists.")
    sheet = change.grid_sheet(item["range"]["sheetId"])
    item = {"protectedRangeId": own_id} | item
    shown_editors = item.get("editors", {})
    stored_users = list(dict.fromkeys([*shown_editors.get("users", ()), change.email]))
    sheet.protected_ranges.append({**item, "editors": {**shown_editors, "users": stored_users}})
    change.log("addProtectedRange", sheet, protectedRangeId=own_id)
    # The answer repeats the editors as they were given; only a later read shows who was added (recorded).
    answer = {**picture.protected_range(item, change.view), "requestingUserCanEdit": True}
    return {"protectedRange": answer | {"editors": shown_editors}}


def _protected(change: Change, given: Json) -> Json:
    """A ProtectedRange with its place resolved. Raises Refused."""
    if "tableId" in given:
        raise Refused("Protecting a table by tableId is not supported by the sandbox.")
    if "namedRangeId" in given:
        given["range"] = dict(_named(change, given["namedRangeId"])["range"])
    given["range"] = _placed(change, given.get("range"))
    editors = {key: value for key, value in given.get("editors", {}).items() if value}
    if editors and given.get("warningOnly"):
        raise Refused("ProtectedRange is warningOnly. Editors cannot be set on it.")
    if given.get("unprotectedRanges") and set(given["range"]) != {"sheetId"}:
        raise Refused("Unprotected ranges are only supported on protected sheets.")
    given["unprotectedRanges"] = [_placed(change, one) for one in given.get("unprotectedRanges", ())]
    return {**given, "editors": editors}


def _protection(change: Change, own_id: int) -> tuple[Sheet, Object]:
    for sheet in change.book.sheets:
        for item in sheet.protected_ranges:
            if item["protectedRangeId"] == own_id:
                if not protection.may_edit(item, change.email, change.role):
                    raise Refused(PROTECTED)
                return sheet, item
    raise Refused(f"No protected range with id: {own_id}")


def update_protected_range(change: Change, request: Request) -> Reply:
    """Change who may edit, and where."""
    given = request.get("protectedRange", {})
    sheet, old = _protection(change, given.get("protectedRangeId", 0))
    mask = mask_of(request.get("fields", ""), "ProtectedRange")
    new = _protected(change, masks.updated(old, given, mask) | {"protectedRangeId": old["protectedRangeId"]})
    if not new.get("warningOnly") and not new["editors"].get("users"):
        new["editors"] = {**new["editors"], "users": [change.email]}
    sheet.protected_ranges = [without_defaults(new) if item is old else item for item in sheet.protected_ranges]
    change.log("updateProtectedRange", sheet, protectedRangeId=old["protectedRangeId"])
    return None


def delete_protected_range(change: Change, request: Request) -> Reply:
    """Lift a protection."""
    sheet, old = _protection(change, request.get("protectedRangeId", 0))
    sheet.protected_ranges = [item for item in sheet.protected_ranges if item is not old]
    change.log("deleteProtectedRange", sheet, protectedRangeId=old["protectedRangeId"])
    return None


def set_basic_filter(change: Change, request: Request) -> Reply:
    """Set the filter of a sheet and hide the rows it leaves out."""
    given = dict(request.get("filter", {}))
    given["range"] = _placed(change, given.get("range"))
    sheet = change.grid_sheet(given["range"]["sheetId"])
    change.fresh()
    unfilter(sheet)
    sheet.basic_filter = given
    apply_filter(change, sheet, given)
    change.log("setBasicFilter", sheet, range=_name(sheet, given["range"]))
    return None


def _name(sheet: Sheet, grid_range: Request) -> str:
    return a1(sheet.title, sheet.clip(area_of(grid_range)))


def clear_basic_filter(change: Change, request: Request) -> Reply:
    """Remove the filter of a sheet and show its rows."""
    sheet = change.grid_sheet(request.get("sheetId", 0))
    sheet.basic_filter = None
    unfilter(sheet)
    change.log("clearBasicFilter", sheet)
    return None


Items = Callable[[Sheet], list[Object]]


def _find(change: Change, items: Items, key: str, own_id: Any, what: str) -> tuple[Sheet, Object]:
    for sheet in change.book.sheets:
        for item in items(sheet):
            if item[key] == own_id:
                return sheet, item
    raise Refused(f"No {what} with id: {own_id}")


def _filter_views(sheet: Sheet) -> list[Object]:
    return sheet.filter_views


def add_filter_view(change: Change, request: Request) -> Reply:
    """A new filter view."""
    given = dict(request.get("filter", {}))
    if "namedRangeId" in given:
        given["range"] = dict(_named(change, given["namedRangeId"])["range"])
    given["range"] = _placed(change, given.get("range"))
    sheet = change.grid_sheet(given["range"]["sheetId"])
    own_id = given.setdefault("filterViewId", change.new_id())
    if any(own_id == item["filterViewId"] for other in change.book.sheets for item in other.filter_views):
        raise Refused(f"Filter view with id {own_id} already exists.")
    given.setdefault("title", f"Filter {len(sheet.filter_views) + 1}")
    sheet.filter_views.append(given)
    change.log("addFilterView", sheet, filterViewId=own_id)
    return {"filter": picture.ranged(given)}


def update_filter_view(change: Change, request: Request) -> Reply:
    """Change a filter view."""
    given = request.get("filter", {})
    sheet, old = _find(change, _filter_views, "filterViewId", given.get("filterViewId", 0), "filter view")
    mask = mask_of(request.get("fields", ""), "FilterView")
    new = masks.updated(old, given, mask) | {"filterViewId": old["filterViewId"]}
    new["range"] = _placed(change, new.get("range"))
    sheet.filter_views = [new if item is old else item for item in sheet.filter_views]
    change.log("updateFilterView", sheet, filterViewId=old["filterViewId"])
    return None


def duplicate_filter_view(change: Change, request: Request) -> Reply:
    """A copy of a filter view."""
    sheet, old = _find(change, _filter_views, "filterViewId", request.get("filterId", 0), "filter view")
    new = {**old, "filterViewId": change.new_id(), "title": f"Copy of {old['title']}"}
    sheet.filter_views.append(new)
    change.log("duplicateFilterView", sheet, filterViewId=new["filterViewId"])
    return {"filter": picture.ranged(new)}


def delete_filter_view(change: Change, request: Request) -> Reply:
    """Remove a filter view."""
    sheet, old = _find(change, _filter_views, "filterViewId", request.get("filterId", 0), "filter view")
    sheet.filter_views = [item for item in sheet.filter_views if item is not old]
    change.log("deleteFilterView", sheet, filterViewId=old["filterViewId"])
    return None


def _rule(change: Change, given: Request | None) -> tuple[Sheet, Json]:
    """A conditional format rule with its ranges placed, and the sheet it is on. Raises Refused."""
    rule = dict(given or {})
    if not rule.get("ranges"):
        raise Refused("Must specify at least one range.")
    rule["ranges"] = [_placed(change, one) for one in rule["ranges"]]
    if len({one["sheetId"] for one in rule["ranges"]}) > 1:
        raise Refused("All ranges must be on the same sheet.")
    if ("booleanRule" in rule) == ("gradientRule" in rule):
        raise Refused("No rule specified.")
    if "gradientRule" in rule:
        for point in ("minpoint", "maxpoint"):
            if "type" not in rule["gradientRule"].get(point, {}):
                raise Refused("No interpolationPointType specified.")
    elif "type" not in rule["booleanRule"].get("condition", {}):
        raise Refused("No condition type specified.")
    return change.grid_sheet(rule["ranges"][0]["sheetId"]), rule


def _rule_index(sheet: Sheet, index: int, size: int) -> int:
    if not 0 <= index < size:
        raise Refused(f"No conditional format on sheet: {sheet.id} at index: {index}")
    return index


def add_conditional_format_rule(change: Change, request: Request) -> Reply:
    """Insert a conditional format rule at an index."""
    sheet, rule = _rule(change, request.get("rule"))
    index = _rule_index(sheet, request.get("index", 0), len(sheet.conditional_formats) + 1)
    sheet.conditional_formats.insert(index, rule)
    change.log("addConditionalFormatRule", sheet, index=index)
    return None


def update_conditional_format_rule(change: Change, request: Request) -> Reply:
    """Replace the rule at an index, or move it to another one."""
    if "rule" in request:
        sheet, rule = _rule(change, request["rule"])
        index = _rule_index(sheet, request.get("index", 0), len(sheet.conditional_formats))
        old, sheet.conditional_formats[index] = sheet.conditional_formats[index], rule
        change.log("updateConditionalFormatRule", sheet, index=index)
        return {"newRule": picture.ranged(rule), "newIndex": index, "oldRule": picture.ranged(old)}
    sheet = change.grid_sheet(request.get("sheetId", 0))
    index = _rule_index(sheet, request.get("index", 0), len(sheet.conditional_formats))
    new_index = _rule_index(sheet, request.get("newIndex", 0), len(sheet.conditional_formats))
    moved = sheet.conditional_formats.pop(index)
    sheet.conditional_formats.insert(new_index, moved)
    change.log("updateConditionalFormatRule", sheet, index=index, newIndex=new_index)
    return {"newRule": picture.ranged(moved), "newIndex": new_index, "oldIndex": index}


def delete_conditional_format_rule(change: Change, request: Request) -> Reply:
    """Remove the rule at an index."""
    sheet = change.grid_sheet(request.get("sheetId", 0))
    index = _rule_index(sheet, request.get("index", 0), len(sheet.conditional_formats))
    old = sheet.conditional_formats.pop(index)
    change.log("deleteConditionalFormatRule", sheet, index=index)
    return {"rule": picture.ranged(old)}


def _banded(sheet: Sheet) -> list[Object]:
    return sheet.banded_ranges


def add_banding(change: Change, request: Request) -> Reply:
    """Alternating colours on a range."""
    given = dict(request.get("bandedRange", {}))
    given["range"] = _placed(change, given.get("range"))
    if not {"rowProperties", "columnProperties"} & set(given):
        raise Refused("Must specify row or column banding properties.")
    sheet = change.grid_sheet(given["range"]["sheetId"])
    if any(area_of(other["range"]).overlaps(area_of(given["range"])) for other in sheet.banded_ranges):
        taken = "a range that already has alternating background colors."
        raise Refused(f"You cannot add alternating background colors to {taken}")
    given.setdefault("bandedRangeId", change.new_id())
    sheet.banded_ranges.append(given)
    change.log("addBanding", sheet, bandedRangeId=given["bandedRangeId"])
    return {"bandedRange": picture.ranged(given)}


def update_banding(change: Change, request: Request) -> Reply:
    """Change alternating colours."""
    given = request.get("bandedRange", {})
    sheet, old = _find(change, _banded, "bandedRangeId", given.get("bandedRangeId", 0), "banded range")
    mask = mask_of(request.get("fields", ""), "BandedRange")
    new = masks.updated(old, given, mask) | {"bandedRangeId": old["bandedRangeId"]}
    new["range"] = _placed(change, new.get("range"))
    sheet.banded_ranges = [new if item is old else item for item in sheet.banded_ranges]
    change.log("updateBanding", sheet, bandedRangeId=old["bandedRangeId"])
    return None


def delete_banding(change: Change, request: Request) -> Reply:
    """Remove alternating colours."""
    sheet, old = _find(change, _banded, "bandedRangeId", request.get("bandedRangeId", 0), "banded range")
    sheet.banded_ranges = [item for item in sheet.banded_ranges if item is not old]
    change.log("deleteBanding", sheet, bandedRangeId=old["bandedRangeId"])
    return None


def _tables(sheet: Sheet) -> list[Object]:
    return sheet.tables


def add_table(change: Change, request: Request) -> Reply:
    """Make a range a table; its first row becomes the header."""
    given = dict(request.get("table", {}))
    sheet, area = change.area(given.get("range"))
    given["range"] = area.json()
    if any(area_of(other["range"]).overlaps(area) for other in sheet.tables):
        raise Refused("Tables cannot overlap.")
    given.setdefault("tableId", str(change.new_id()))
    given.setdefault("name", f"Table{sum(len(other.tables) for other in change.book.sheets) + 1}")
    if any(given["name"].lower() == item["name"].lower() for other in change.book.sheets for item in other.tables):
        raise Refused(f'A table with the name "{given["name"]}" already exists.')
    given["columnProperties"] = _columns(sheet, area, given.get("columnProperties", []))
    sheet.tables.append(given)
    change.log("addTable", sheet, tableId=given["tableId"])
    return {"table": picture.ranged(given)}


def _columns(sheet: Sheet, area: Area, given: list[Any]) -> list[Any]:
    """Column properties for every column; the header cells hold the names."""
    by_index = {item.get("columnIndex", place): item for place, item in enumerate(given)}
    columns = []
    for place in range(area.width):
        item = dict(by_index.get(place, {}))
        if item.get("columnType") == "DROPDOWN" and "condition" not in item.get("dataValidationRule", {}):
            raise Refused("Condition must be set for dropdown column type.")
        header = sheet.grid.value(area.top, area.left + place)
        name = item.get("columnName") or (str(header) if header is not None else f"Column {place + 1}")
        sheet.grid.put(area.top, area.left + place, name)
        columns.append({"columnIndex": place, "columnName": name, **item})
    return columns


def update_table(change: Change, request: Request) -> Reply:
    """Change a table."""
    given = request.get("table", {})
    sheet, old = _find(change, _tables, "tableId", given.get("tableId", ""), "table")
    mask = mask_of(request.get("fields", ""), "Table")
    new = masks.updated(old, given, mask) | {"tableId": old["tableId"]}
    _, area = change.area(new.get("range"))
    new["range"] = area.json()
    new["columnProperties"] = _columns(sheet, area, new.get("columnProperties", []))
    sheet.tables = [new if item is old else item for item in sheet.tables]
    change.log("updateTable", sheet, tableId=old["tableId"])
    return None


def delete_table(change: Change, request: Request) -> Reply:
    """Remove a table with its cells."""
    sheet, old = _find(change, _tables, "tableId", request.get("tableId", ""), "table")
    _, area = change.area(old["range"])
    for row in range(area.top, area.end_row):
        sheet.grid.write(row, area.left, [None] * area.width)
        sheet.grid.write_extras(row, area.left, [None] * area.width)
    sheet.tables = [item for item in sheet.tables if item is not old]
    change.book.stale = True
    change.log("deleteTable", sheet, tableId=old["tableId"])
    return None

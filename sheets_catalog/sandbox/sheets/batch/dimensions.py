"""Requests about rows and columns: insert, delete, append, move, size, hide, group."""

from __future__ import annotations

import math

from sheets_catalog.sandbox.sheets import masks
from sheets_catalog.sandbox.sheets.batch.change import Change, Reply, Request, mask_of, without_defaults
from sheets_catalog.sandbox.sheets.document import Group, Sheet
from sheets_catalog.sandbox.sheets.edits import Delete, Dimension, Insert, Move
from sheets_catalog.sandbox.sheets.grid import Extra, Value
from sheets_catalog.sandbox.sheets.picture import DEFAULT_COLUMN_WIDTH, dimension_group
from sheets_catalog.sandbox.sheets.ranges import MAX_COLUMNS, Area
from sheets_catalog.sandbox.sheets.refusals import Refused
from sheets_catalog.sandbox.sheets.writing import grow

_WORD = {"ROWS": "row", "COLUMNS": "column"}


def insert_dimension(change: Change, request: Request) -> Reply:
    """New blank rows or columns; everything behind them moves."""
    sheet, dimension, start, end = change.span(request.get("range"))
    size = sheet.count(dimension)
    inherit = request.get("inheritFromBefore", False)
    if start > size:
        raise Refused(f"range.startIndex is larger than current grid size ({size})")
    if start == size and not inherit:
        raise Refused(f"range.startIndex must be less than the grid size ({size}) if inheritFromBefore is false.")
    if start == 0 and inherit:
        raise Refused("inheritFromBefore cannot be true if inserting at the first row or column.")
    insert(change, sheet, dimension, start, end - start)
    _inherit(sheet, dimension, start, end, start - 1 if inherit else end)
    change.log("insertDimension", sheet, dimension=dimension, startIndex=start, endIndex=end)
    return None


def insert(change: Change, sheet: Sheet, dimension: Dimension, at: int, count: int) -> None:
    """New blank rows or columns, within all limits."""
    _check_columns(sheet, dimension, count)
    change.room(count * sheet.count("COLUMNS" if dimension == "ROWS" else "ROWS"))
    if 0 < at < sheet.count(dimension):
        change.guard_span(sheet, dimension, at - 1, at + 1)
    change.book.edit_dimension(sheet, dimension, Insert(at, count))
    _freeze_more(sheet, f"frozen{_WORD[dimension].capitalize()}Count", at, count)


def _freeze_more(sheet: Sheet, key: str, at: int, count: int) -> None:
    """What is inserted among frozen rows or columns is frozen too."""
    properties = dict(sheet.properties.get("gridProperties", {}))
    if at < properties.get(key, 0):
        properties[key] += count
        sheet.properties = {**sheet.properties, "gridProperties": properties}


def _check_columns(sheet: Sheet, dimension: Dimension, count: int) -> None:
    if dimension == "COLUMNS" and sheet.grid.column_count + count > MAX_COLUMNS:
        raise Refused(f"This action would exceed the maximum of {MAX_COLUMNS} columns.")


def _inherit(sheet: Sheet, dimension: Dimension, start: int, end: int, source: int) -> None:
    """New rows or columns take the formats of their neighbour before or after."""
    grid = sheet.grid
    if source >= sheet.count(dimension):
        return
    if dimension == "ROWS":
        formats = [_format_only(extra) for extra in grid.extra_row(source)]
        if any(formats):
            for row in range(start, end):
                grid.write_extras(row, 0, formats)
        return
    for row in range(len(grid.extras)):
        extra = _format_only(grid.extra_at(row, source))
        if extra:
            grid.write_extras(row, start, [extra] * (end - start))


def _format_only(extra: Extra | None) -> Extra | None:
    if extra is None or "userEnteredFormat" not in extra.data:
        return None
    return Extra("", {"userEnteredFormat": extra.data["userEnteredFormat"]})


def delete_dimension(change: Change, request: Request) -> Reply:
    """Remove rows or columns; everything behind them moves up."""
    sheet, dimension, start, end = change.span(request.get("range"))
    size, word = sheet.count(dimension), _WORD[dimension]
    if start >= size or end > size:
        index = start if start >= size else end - 1
        raise Refused(
            f"Cannot delete a {word} that doesn't exist. Tried to delete {word} index {index} "
            f"but there are only {size} {word}s."
        )
    if end - start == size:
        raise Refused(f"You can't delete all the {word}s on the sheet.")
    frozen = sheet.properties.get("gridProperties", {}).get(f"frozen{word.capitalize()}Count", 0)
    if frozen and start <= frozen and end == size:
        raise Refused(f"Sorry, it is not possible to delete all non-frozen {word}s.")
    change.guard_span(sheet, dimension, start, end)
    change.book.edit_dimension(sheet, dimension, Delete(start, end))
    _thaw(sheet, f"frozen{word.capitalize()}Count", frozen, start, end)
    change.log("deleteDimension", sheet, dimension=dimension, startIndex=start, endIndex=end)
    return None


def _thaw(sheet: Sheet, key: str, frozen: int, start: int, end: int) -> None:
    """Deleted rows or columns are frozen no more."""
    lost = min(end, frozen) - min(start, frozen)
    if lost:
        properties = dict(sheet.properties["gridProperties"])
        properties[key] = frozen - lost
        sheet.properties = {**sheet.properties, "gridProperties": without_defaults(properties)}


def append_dimension(change: Change, request: Request) -> Reply:
    """More rows at the bottom or columns at the right."""
    sheet = change.grid_sheet(request.get("sheetId", 0))
    dimension, length = request.get("dimension"), request.get("length", 0)
    if dimension not in {"ROWS", "COLUMNS"}:
        raise Refused("No dimension specified.")
    if length < 1:
        raise Refused("length must be greater than 0.")
    grid = sheet.grid
    if dimension == "ROWS":
        grow(change.book, sheet, grid.row_count + length, grid.column_count)
    else:
        _check_columns(sheet, "COLUMNS", length)
        grow(change.book, sheet, grid.row_count, grid.column_count + length)
    change.book.stale = True
    change.log("appendDimension", sheet, dimension=dimension, length=length)
    return None


def move_dimension(change: Change, request: Request) -> Reply:
    """Move rows or columns to another place, with all that is on them."""
    sheet, dimension, start, end = change.span(request.get("source"))
    to, size, word = request.get("destinationIndex", 0), sheet.count(dimension), _WORD[dimension]
    if end > size:
        raise Refused(f"Cannot move a {word} that doesn't exist. There are only {size} {word}s.")
    if not 0 <= to <= size:
        raise Refused(f"destinationIndex[{to}] is not within the grid ({size} {word}s).")
    _check_merges(sheet, dimension, start, end, to)
    change.guard_span(sheet, dimension, min(start, to), max(end, to))
    if not start <= to <= end:
        change.book.edit_dimension(sheet, dimension, Move(start, end, to))
    change.log("moveDimension", sheet, dimension=dimension, startIndex=start, endIndex=end, destinationIndex=to)
    return None


def _check_merges(sheet: Sheet, dimension: Dimension, start: int, end: int, to: int) -> None:
    for merge in sheet.merges:
        first, last = (merge.top, merge.end_row) if dimension == "ROWS" else (merge.left, merge.end_column)
        taken_apart = first < end and start < last and not (start <= first and last <= end)
        if last - first > 1 and (taken_apart or first < to < last):
            raise Refused(
                f"Sorry, it is not possible to move a {_WORD[dimension]} to a position that crosses a merged cell. "
                "Please unmerge and try again."
            )


def update_dimension_properties(change: Change, request: Request) -> Reply:
    """Hide, show or resize rows or columns."""
    if "dataSourceSheetRange" in request:
        raise Refused("Data source sheets are not supported by the sandbox.")
    sheet, dimension, start, end = change.span(request.get("range"))
    mask = mask_of(request.get("fields", ""), "DimensionProperties")
    end = min(end, sheet.count(dimension))
    if start >= end:
        raise Refused(f"range.startIndex is larger than current grid size ({sheet.count(dimension)})")
    if "developerMetadata" in mask:
        raise Refused("Use createDeveloperMetadata to set developer metadata.")
    if "pixelSize" in request.get("properties", {}) and request["properties"]["pixelSize"] < 0:
        raise Refused("pixelSize must not be negative.")
    change.guard_span(sheet, dimension, start, end)
    places = sheet.places(dimension)
    for index in range(start, end):
        new = without_defaults(masks.updated(places.get(index, {}), request.get("properties", {}), mask))
        if new:
            places[index] = new
        else:
            places.pop(index, None)
    change.log("updateDimensionProperties", sheet, dimension=dimension, startIndex=start, endIndex=end)
    return None


def auto_resize_dimensions(change: Change, request: Request) -> Reply:
    """Fit column widths to their contents, row heights to the default."""
    sheet, dimension, start, end = change.span(request.get("dimensions"))
    places = sheet.places(dimension)
    if dimension == "COLUMNS":
        change.fresh()
        for column in range(start, min(end, sheet.grid.column_count)):
            places[column] = {**places.get(column, {}), "pixelSize": _column_width(sheet, column)}
    else:
        for row in range(start, min(end, sheet.grid.row_count)):
            rest = {key: value for key, value in places.get(row, {}).items() if key != "pixelSize"}
            places.pop(row, None)
            if rest:
                places[row] = rest
    change.log("autoResizeDimensions", sheet, dimension=dimension, startIndex=start, endIndex=end)
    return None


def _column_width(sheet: Sheet, column: int) -> int:
    """A width that fits the longest text: letters are taken to be as wide as the recorded ones (1,024 need 8,691)."""
    longest = max((len(str(row[column])) for row in sheet.grid.values if column < len(row) and row[column]), default=0)
    return max(21, math.ceil(8.48 * longest + 7)) if longest else DEFAULT_COLUMN_WIDTH


def _depths(groups: list[Group], size: int) -> list[int]:
    depths = [0] * size
    for group in groups:
        for index in range(group.start, min(group.end, size)):
            depths[index] = max(depths[index], group.depth)
    return depths


def _runs(depths: list[int], old: list[Group]) -> list[Group]:
    """Groups as the runs of places that are at least so deep; a run that was there keeps its collapsed state."""
    collapsed = {(group.start, group.end, group.depth) for group in old if group.collapsed}
    groups = []
    for depth in range(1, max(depths, default=0) + 1):
        start = None
        for index, deep in enumerate([*depths, 0]):
            if deep >= depth and start is None:
                start = index
            elif deep < depth and start is not None:
                groups.append(Group(start, index, depth, (start, index, depth) in collapsed))
                start = None
    return sorted(groups, key=lambda group: (group.depth, group.start))


def _regrouped(change: Change, request: Request, step: int) -> Reply:
    sheet, dimension, start, end = change.span(request.get("range"))
    groups = sheet.groups(dimension)
    depths = _depths(groups, sheet.count(dimension))
    if end > len(depths):
        raise Refused(f"range.endIndex[{end}] is larger than current grid size ({len(depths)})")
    if step < 0 and not any(depths[start:end]):
        raise Refused("Could not find a group at the given range.")
    for index in range(start, end):
        depths[index] = max(0, depths[index] + step)
    if max(depths) > 8:
        raise Refused("Groups cannot be nested more than 8 deep.")
    groups[:] = _runs(depths, groups)
    change.log("addDimensionGroup" if step > 0 else "deleteDimensionGroup", sheet, startIndex=start, endIndex=end)
    return {"dimensionGroups": [dimension_group(sheet, dimension, group) for group in groups]} if groups else {}


def add_dimension_group(change: Change, request: Request) -> Reply:
    """Group rows or columns one level deeper."""
    reply = _regrouped(change, request, +1)
    sheet, dimension, _, _ = change.span(request.get("range"))
    # A first group brings this property along (recorded).
    key = "rowGroupControlAfter" if dimension == "ROWS" else "columnGroupControlAfter"
    grid = {**sheet.properties.get("gridProperties", {}), key: True}
    sheet.properties = {**sheet.properties, "gridProperties": grid}
    return reply


def delete_dimension_group(change: Change, request: Request) -> Reply:
    """Take rows or columns one group level up."""
    return _regrouped(change, request, -1)


def update_dimension_group(change: Change, request: Request) -> Reply:
    """Collapse or expand a group."""
    given = request.get("dimensionGroup", {})
    mask = mask_of(request.get("fields", ""), "DimensionGroup")
    sheet, dimension, start, end = change.span(given.get("range"))
    wanted = [
        group
        for group in sheet.groups(dimension)
        if (group.start, group.end, group.depth) == (start, end, given.get("depth", 0))
    ]
    if not wanted:
        raise Refused("Could not find a group with the given range and depth.")
    if "collapsed" in mask or "*" in mask:
        wanted[0].collapsed = given.get("collapsed", False)
        _show(sheet, dimension, wanted[0])
    change.log("updateDimensionGroup", sheet, startIndex=start, endIndex=end)
    return None


def _show(sheet: Sheet, dimension: Dimension, group: Group) -> None:
    places = sheet.places(dimension)
    for index in range(group.start, group.end):
        rest = {key: value for key, value in places.get(index, {}).items() if key != "hiddenByUser"}
        places.pop(index, None)
        if group.collapsed or rest:
            places[index] = {**rest, "hiddenByUser": True} if group.collapsed else rest


def insert_range(change: Change, request: Request) -> Reply:
    """Push cells down or to the right inside the grid."""
    sheet, area = change.area(request.get("range"))
    _shift_cells(change, sheet, area, request.get("shiftDimension"), inserting=True)
    change.log("insertRange", sheet, range=area.json())
    return None


def delete_range(change: Change, request: Request) -> Reply:
    """Remove cells and let the ones below or to the right move in."""
    sheet, area = change.area(request.get("range"))
    _shift_cells(change, sheet, area, request.get("shiftDimension"), inserting=False)
    change.log("deleteRange", sheet, range=area.json())
    return None


def _shift_cells(change: Change, sheet: Sheet, area: Area, dimension: str | None, *, inserting: bool) -> None:
    """Move the cells beside (or below) the area away from it or into it; the grid's size stays."""
    if dimension not in {"ROWS", "COLUMNS"}:
        raise Refused("No shiftDimension specified.")
    if any(merge.overlaps(area) and not area.contains(merge) for merge in sheet.merges):
        raise Refused("You can't shift cells that are part of a merged range.")
    shift_block(sheet, area, dimension, inserting=inserting)
    change.book.stale = True


def shift_block(sheet: Sheet, area: Area, dimension: str, *, inserting: bool) -> None:
    """The cell move itself, for rows (down and up) or columns (right and left)."""
    grid = sheet.grid
    if dimension == "ROWS":
        span, reach = area.height, max(len(grid.values), len(grid.extras)) + area.height
        rows = range(area.top, min(reach, grid.row_count))
        block = [_cells(sheet, row, area.left, area.end_column) for row in rows]
        blank = _cells(sheet, grid.row_count, area.left, area.end_column)
        moved = [blank] * span + block if inserting else block[span:] + [blank] * span
        for row, (values, extras) in zip(rows, moved, strict=False):
            grid.write(row, area.left, values)
            grid.write_extras(row, area.left, extras)
        return
    for row in range(area.top, area.end_row):
        values, extras = _cells(sheet, row, area.left, grid.column_count)
        blanks: list[Value] = [None] * area.width
        nothing: list[Extra | None] = [None] * area.width
        if inserting:
            values, extras = (blanks + values)[: len(values)], (nothing + extras)[: len(extras)]
        else:
            values, extras = values[area.width :] + blanks, extras[area.width :] + nothing
        grid.write(row, area.left, values)
        grid.write_extras(row, area.left, extras)


def _cells(sheet: Sheet, row: int, left: int, right: int) -> tuple[list[Value], list[Extra | None]]:
    values = list(sheet.grid.row(row)[left:right])
    extras = list(sheet.grid.extra_row(row)[left:right])
    width = right - left
    return values + [None] * (width - len(values)), extras + [None] * (width - len(extras))

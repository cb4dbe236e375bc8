"""Requests that set cells: updateCells, repeatCell, appendCells, merges, borders, validation rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sheets_catalog.sandbox.sheets import masks
from sheets_catalog.sandbox.sheets.batch.change import Change, Reply, Request, map_extras, mask_of
from sheets_catalog.sandbox.sheets.document import MAX_CELL_LENGTH, Sheet
from sheets_catalog.sandbox.sheets.entry import plain_number
from sheets_catalog.sandbox.sheets.formulas.text import canonical, copied
from sheets_catalog.sandbox.sheets.grid import Extra, Value
from sheets_catalog.sandbox.sheets.ranges import Area, a1, column_name
from sheets_catalog.sandbox.sheets.refusals import PARTIAL_MERGE, TOO_LONG, Refused
from sheets_catalog.sandbox.sheets.writing import grow

if TYPE_CHECKING:
    from sheets_catalog.sandbox.sheets.masks import Mask

CellData = Mapping[str, Any]
STORED = frozenset({"userEnteredFormat", "note", "dataValidation", "textFormatRuns", "chipRuns"})
"""CellData fields that a write may set beside the value; the rest is computed, or not supported."""
NOT_SUPPORTED = frozenset({"pivotTable", "dataSourceTable", "dataSourceFormula"})


def cell_mask(fields: str) -> Mask:
    """The mask of a write to cells. Raises Refused for fields that the sandbox cannot keep."""
    mask = mask_of(fields, "CellData")
    refused = NOT_SUPPORTED & set(mask)
    if refused:
        raise Refused(f"Writing {min(refused)} is not supported by the sandbox.")
    return mask


def written(change: Change, old: tuple[Value, Extra], given: CellData, mask: Mask) -> tuple[Value, Extra]:
    """A cell after the masked fields of CellData were written to it."""
    value, extra = old
    if not mask or "*" in mask:
        mask = dict.fromkeys(("userEnteredValue", *STORED), masks.ALL)
    formula = extra.formula
    if "userEnteredValue" in mask:
        value, formula = entered(change, given.get("userEnteredValue", {}))
    return value, Extra(formula, written_data(extra.data, given, mask))


def written_data(data: CellData, given: CellData, mask: Mask) -> CellData:
    """The fields beside the value after a masked write."""
    kept = {name: inner for name, inner in mask.items() if name in STORED}
    if not kept:
        return data
    new = masks.updated(data, given, kept)
    if "userEnteredFormat" in new:
        new["userEnteredFormat"] = both_colors(new["userEnteredFormat"])
    return {key: value for key, value in new.items() if value not in ("", {}, [])}


def entered(change: Change, value: CellData) -> tuple[Value, str]:
    """(value, formula) of a userEnteredValue."""
    if "formulaValue" in value:
        formula = value["formulaValue"]
        if not formula.startswith("="):
            raise Refused(f"formulaValue must start with '=': {formula}")
        book = change.book
        return None, canonical(formula, lambda title: found.title if (found := book.titled(title)) else None)
    if "stringValue" in value:
        if len(value["stringValue"]) > MAX_CELL_LENGTH:
            raise Refused(TOO_LONG)
        return value["stringValue"] or None, ""
    if "numberValue" in value:
        return plain_number(value["numberValue"]), ""
    if "errorValue" in value:
        raise Refused("ErrorValue cannot be set.")
    return value.get("boolValue"), ""


_COLORS = (("backgroundColor", "backgroundColorStyle"), ("foregroundColor", "foregroundColorStyle"))


def both_colors(cell_format: CellData) -> dict[str, Any]:
    """A format with each RGB colour under both of its names, as answers show it."""
    result = dict(cell_format)
    for plain, style in _COLORS:
        if style in result and "rgbColor" in result[style]:
            result[plain] = result[style]["rgbColor"]
        elif plain in result and style not in result:
            result[style] = {"rgbColor": result[plain]}
    for key in ("textFormat",):
        if key in result:
            result[key] = both_colors(result[key])
    return result


def put_rows(change: Change, sheet: Sheet, top: int, left: int, rows: Sequence[Any], mask: Mask) -> None:
    """Write RowData from a corner on; bounds are checked by the caller."""
    grid = sheet.grid
    for row, data in enumerate(rows, top):
        cells = data.get("values", ())
        if not cells:
            continue
        new = [
            written(change, (grid.value(row, column), grid.extra_at(row, column)), cell, mask)
            for column, cell in enumerate(cells, left)
        ]
        grid.write(row, left, [value for value, _ in new])
        grid.write_extras(row, left, [extra for _, extra in new])
    change.book.stale = True


def update_cells(change: Change, request: Request) -> Reply:
    """Set the masked fields of cells in a range or from a corner on."""
    mask = cell_mask(request.get("fields", ""))
    rows = request.get("rows", ())
    if "start" in request:
        sheet, top, left = change.corner(request["start"])
        height, width = _size(rows)
        area = Area(sheet.id, top, top + height, left, left + width)
        _check_fits(area, sheet.clip(area), "grid")
        if height and width:
            change.guard(sheet, area)
    elif "range" in request:
        sheet, area = change.area(request["range"])
        height, width = _size(rows)
        _check_fits(Area(sheet.id, area.top, area.top + height, area.left, area.left + width), area, "requested")
        rows = _filled(rows, area)
    else:
        raise Refused("Must specify either start or range.")
    put_rows(change, sheet, area.top, area.left, rows, mask)
    change.log("updateCells", sheet, range=a1(sheet.title, area), fields=request.get("fields"))
    return None


def _size(rows: Sequence[Any]) -> tuple[int, int]:
    return len(rows), max((len(row.get("values", ())) for row in rows), default=0)


def _check_fits(wanted: Area, limit: Area, what: str) -> None:
    if wanted.end_row > limit.end_row:
        row = limit.end_row
        raise Refused(f"Attempting to write row: {row}, beyond the last {what} row of: {row - 1}")
    if wanted.end_column > limit.end_column:
        column = limit.end_column
        raise Refused(f"Attempting to write column: {column}, beyond the last {what} column of: {column - 1}")


def _filled(rows: Sequence[Any], area: Area) -> list[Any]:
    """The rows brought to the size of the range: what is not given is cleared in the masked fields."""
    full = [{"values": [*row.get("values", ()), *[{}] * (area.width - len(row.get("values", ())))]} for row in rows]
    return full + [{"values": [{}] * area.width}] * (area.height - len(full))


def repeat_cell(change: Change, request: Request) -> Reply:
    """Set the masked fields of every cell of a range to the same."""
    mask = cell_mask(request.get("fields", ""))
    sheet, area = change.area(request.get("range"))
    cell = request.get("cell", {})
    if "userEnteredValue" in mask or "*" in mask:
        for row in range(area.top, area.end_row):
            line = [_relative(cell, row - area.top, column) for column in range(area.width)]
            put_rows(change, sheet, row, area.left, [{"values": line}], mask)
    else:
        map_extras(sheet.grid, area, lambda extra: Extra(extra.formula, written_data(extra.data, cell, mask)))
    change.log("repeatCell", sheet, range=a1(sheet.title, area), fields=request.get("fields"))
    return None


def _relative(cell: CellData, rows: int, columns: int) -> CellData:
    """The repeated cell with the references of its formula moved along."""
    formula = cell.get("userEnteredValue", {}).get("formulaValue")
    if formula is None or (not rows and not columns):
        return cell
    return {**cell, "userEnteredValue": {"formulaValue": copied(formula, rows, columns)}}


def append_cells(change: Change, request: Request) -> Reply:
    """Set cells below the last row that has data."""
    if "tableId" in request:
        raise Refused("Appending to a table by tableId is not supported by the sandbox.")
    mask = cell_mask(request.get("fields", ""))
    sheet = change.grid_sheet(request.get("sheetId", 0))
    rows = request.get("rows", ())
    height, width = _size(rows)
    top = sheet.grid.last_used_row()
    grow(change.book, sheet, top + height, width)
    if height and width:
        change.guard(sheet, Area(sheet.id, top, top + height, 0, width))
    put_rows(change, sheet, top, 0, rows, mask)
    change.log("appendCells", sheet, rows=height, firstRow=top + 1)
    return None


def merge_cells(change: Change, request: Request) -> Reply:
    """Merge a range as a whole, by rows or by columns."""
    sheet, area = change.area(request.get("range"))
    kept = [merge for merge in sheet.merges if not merge.overlaps(area)]
    if any(merge.overlaps(area) and not area.contains(merge) for merge in sheet.merges):
        raise Refused(PARTIAL_MERGE)
    new = [part for part in _merge_parts(area, request.get("mergeType", "MERGE_ALL")) if part.height * part.width > 1]
    sheet.merges = [*kept, *new]
    for part in new:
        _blank_covered(sheet, part)
    change.book.stale = True
    change.log("mergeCells", sheet, range=a1(sheet.title, area), mergeType=request.get("mergeType", "MERGE_ALL"))
    return None


def _merge_parts(area: Area, kind: str) -> list[Area]:
    if kind == "MERGE_ROWS":
        return [Area(area.sheet, row, row + 1, area.left, area.right) for row in range(area.top, area.end_row)]
    if kind == "MERGE_COLUMNS":
        columns = range(area.left, area.end_column)
        return [Area(area.sheet, area.top, area.bottom, column, column + 1) for column in columns]
    return [area]


def _blank_covered(sheet: Sheet, merge: Area) -> None:
    """A merge keeps the value of its first cell only."""
    grid = sheet.grid
    for row in range(merge.top, merge.end_row):
        start = merge.left + (1 if row == merge.top else 0)
        if start >= merge.end_column:
            continue
        grid.write(row, start, [None] * (merge.end_column - start))
        extras = grid.extra_row(row)[start : merge.end_column]
        if any(extra and extra.formula for extra in extras):
            grid.write_extras(row, start, [Extra("", extra.data) if extra else None for extra in extras])


def unmerge_cells(change: Change, request: Request) -> Reply:
    """Take every merge inside a range apart."""
    sheet, area = change.area(request.get("range"))
    if any(merge.overlaps(area) and not area.contains(merge) for merge in sheet.merges):
        raise Refused(PARTIAL_MERGE)
    sheet.merges = [merge for merge in sheet.merges if not merge.overlaps(area)]
    change.log("unmergeCells", sheet, range=a1(sheet.title, area))
    return None


def update_borders(change: Change, request: Request) -> Reply:
    """Draw or remove borders around and inside a range."""
    sheet, area = change.area(request.get("range"))
    for row in range(area.top, area.end_row):
        for column in range(area.left, area.end_column):
            edges = _edges(request, area, row, column)
            if edges:
                extra = sheet.grid.extra_at(row, column)
                sheet.grid.write_extras(row, column, (_bordered(extra, edges),))
    change.log("updateBorders", sheet, range=a1(sheet.title, area))
    return None


def _edges(request: Request, area: Area, row: int, column: int) -> dict[str, Any]:
    names = {
        "top": "top" if row == area.top else "innerHorizontal",
        "bottom": "bottom" if row == area.end_row - 1 else "innerHorizontal",
        "left": "left" if column == area.left else "innerVertical",
        "right": "right" if column == area.end_column - 1 else "innerVertical",
    }
    return {edge: request[name] for edge, name in names.items() if name in request}


def _bordered(extra: Extra, edges: Mapping[str, Any]) -> Extra:
    own = dict(extra.data.get("userEnteredFormat", {}))
    borders = dict(own.get("borders", {}))
    for edge, border in edges.items():
        if border.get("style", "NONE") == "NONE":
            borders.pop(edge, None)
        else:
            borders[edge] = border
    own["borders"] = borders
    kept = {key: value for key, value in own.items() if value}
    return Extra(extra.formula, {**extra.data, "userEnteredFormat": kept})


def set_data_validation(change: Change, request: Request) -> Reply:
    """Set or clear the validation rule of every cell of a range."""
    sheet, area = change.area(request.get("range"))
    rule = request.get("rule")
    if rule is not None and "condition" not in rule:
        raise Refused("A condition must be specified for the data validation rule.")
    kept = None if rule is None else {key: value for key, value in rule.items() if value is not False}

    def ruled(extra: Extra) -> Extra:
        data = {key: value for key, value in extra.data.items() if key != "dataValidation"}
        return Extra(extra.formula, data if kept is None else {**data, "dataValidation": kept})

    map_extras(sheet.grid, area, ruled)
    change.log(
        "setDataValidation", sheet, range=a1(sheet.title, area), rule=(rule or {}).get("condition", {}).get("type")
    )
    return None


def describe_merge(area: Area) -> str:
    """A merge's place, for texts: `A1:A2`."""
    return f"{column_name(area.left)}{area.top + 1}:{column_name(area.end_column - 1)}{area.end_row}"

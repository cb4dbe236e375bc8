"""Requests that move or copy cells around: copy, cut, paste, sort, shuffle, de-duplicate."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from sheets_catalog.sandbox.sheets.batch.cells import describe_merge
from sheets_catalog.sandbox.sheets.batch.dimensions import shift_block
from sheets_catalog.sandbox.sheets.formulas.evaluation import order_key
from sheets_catalog.sandbox.sheets.formulas.text import copied
from sheets_catalog.sandbox.sheets.grid import CellError, Extra, Value
from sheets_catalog.sandbox.sheets.ranges import Area, a1, area_of
from sheets_catalog.sandbox.sheets.refusals import Refused, outside
from sheets_catalog.sandbox.sheets.writing import clear, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from sheets_catalog.sandbox.sheets.batch.change import Change, Reply, Request
    from sheets_catalog.sandbox.sheets.document import Sheet

Cell: TypeAlias = tuple[Value, Extra]
Block: TypeAlias = list[list[Cell]]


def block_of(sheet: Sheet, area: Area) -> Block:
    """The cells of a clipped area."""
    grid = sheet.grid
    return [
        [(grid.value(row, column), grid.extra_at(row, column)) for column in range(area.left, area.end_column)]
        for row in range(area.top, area.end_row)
    ]


def put_block(sheet: Sheet, top: int, left: int, block: Block) -> None:
    """Set cells from a corner on."""
    for row, cells in enumerate(block, top):
        sheet.grid.write(row, left, [value for value, _ in cells])
        sheet.grid.write_extras(row, left, [extra for _, extra in cells])


_FORMAT = "userEnteredFormat"


def _pasted(kind: str, source: Cell, old: Cell, rows: int, columns: int) -> Cell:
    """The target cell after pasting in one of the ways of PasteType."""
    value, extra = source
    formula = copied(extra.formula, rows, columns) if extra.formula else ""
    old_value, old_extra = old
    if kind == "PASTE_VALUES":
        return value, Extra("", old_extra.data)
    if kind == "PASTE_FORMULA":
        return value, Extra(formula, old_extra.data)
    if kind == "PASTE_FORMAT":
        return old_value, Extra(old_extra.formula, _with(old_extra.data, _FORMAT, extra.data.get(_FORMAT)))
    if kind == "PASTE_NO_BORDERS":
        own = {key: item for key, item in extra.data.get(_FORMAT, {}).items() if key != "borders"}
        return value, Extra(formula, _with(extra.data, _FORMAT, own))
    if kind == "PASTE_DATA_VALIDATION":
        rule = extra.data.get("dataValidation")
        return old_value, Extra(old_extra.formula, _with(old_extra.data, "dataValidation", rule))
    if kind == "PASTE_NORMAL":
        return value, Extra(formula, extra.data)
    raise Refused(f"{kind} is not supported by the sandbox.")


def _with(data: Any, key: str, value: Any) -> dict[str, Any]:
    rest = {name: item for name, item in data.items() if name != key}
    return {**rest, key: value} if value else rest


def copy_paste(change: Change, request: Request) -> Reply:
    """Copy cells to a range, repeated as often as they fit."""
    source_sheet, source = change.area(request.get("source"), write=False)
    target_sheet, target = change.area(request.get("destination"), write=False)
    change.fresh()
    block = block_of(source_sheet, source)
    if request.get("pasteOrientation") == "TRANSPOSE":
        block = [list(column) for column in zip(*block, strict=True)]
    height, width = len(block), len(block[0]) if block else 0
    if not height or not width:
        return None
    times = (max(1, target.height // height), max(1, target.width // width))
    area = Area(target.sheet, target.top, target.top + times[0] * height, target.left, target.left + times[1] * width)
    area = target_sheet.clip(area)
    change.guard(target_sheet, area)
    kind = request.get("pasteType", "PASTE_NORMAL")
    new = [
        [
            _pasted(
                kind,
                block[(row - area.top) % height][(column - area.left) % width],
                (target_sheet.grid.value(row, column), target_sheet.grid.extra_at(row, column)),
                row - source.top - (row - area.top) % height,
                column - source.left - (column - area.left) % width,
            )
            for column in range(area.left, area.end_column)
        ]
        for row in range(area.top, area.end_row)
    ]
    put_block(target_sheet, area.top, area.left, new)
    change.book.stale = True
    change.log("copyPaste", target_sheet, range=a1(target_sheet.title, area), pasteType=kind)
    return None


def cut_paste(change: Change, request: Request) -> Reply:
    """Move cells to another place."""
    source_sheet, source = change.area(request.get("source"))
    target_sheet, top, left = change.corner(request.get("destination", {}))
    area = Area(target_sheet.id, top, top + source.height, left, left + source.width)
    if target_sheet.clip(area) != area:
        raise outside(target_sheet, area)
    change.guard(target_sheet, area)
    block, old = block_of(source_sheet, source), block_of(target_sheet, area)
    kind = request.get("pasteType", "PASTE_NORMAL")
    new = [
        [_pasted(kind, cell, before, 0, 0) for cell, before in zip(cells, befores, strict=True)]
        for cells, befores in zip(block, old, strict=True)
    ]
    put_block(source_sheet, source.top, source.left, [[(None, Extra())] * source.width] * source.height)
    put_block(target_sheet, top, left, new)
    change.book.stale = True
    change.log("cutPaste", target_sheet, source=a1(source_sheet.title, source), range=a1(target_sheet.title, area))
    return None


def paste_data(change: Change, request: Request) -> Reply:
    """Put delimited text into cells, read as if typed."""
    sheet, top, left = change.corner(request.get("coordinate", {}))
    if request.get("html"):
        raise Refused("Pasting HTML is not supported by the sandbox.")
    delimiter = request.get("delimiter")
    if not delimiter:
        raise Refused("A delimiter must be specified.")
    if request.get("type", "PASTE_NORMAL") not in {"PASTE_NORMAL", "PASTE_VALUES", "PASTE_FORMULA"}:
        raise Refused(f"{request['type']} of data is not supported by the sandbox.")
    rows = parsed_table(request.get("data", ""), delimiter)
    width = max((len(row) for row in rows), default=0)
    area = Area(sheet.id, top, top + len(rows), left, left + width)
    if not rows:
        return None
    if sheet.clip(area) != area:
        raise outside(sheet, area)
    change.guard(sheet, area)
    write(change.book, sheet, area, rows, change.typed_in)
    change.log("pasteData", sheet, range=a1(sheet.title, area))
    return None


def parsed_table(text: str, delimiter: str) -> list[list[str]]:
    """Delimited text as rows of cells, quotes understood."""
    if len(delimiter) == 1:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    return [line.split(delimiter) for line in text.splitlines()]


def _sortable(change: Change, request: Request) -> tuple[Sheet, Area]:
    given = request.get("range") or {}
    sheet = change.grid_sheet(given.get("sheetId", 0))
    if area_of(given).top >= sheet.grid.row_count:
        raise Refused(f"range.startRowIndex is larger than current grid size ({sheet.grid.row_count})")
    _, area = change.area(given)
    for merge in sheet.merges:
        if merge.height > 1 and merge.overlaps(area):
            raise Refused(
                "You can't sort a range containing vertical merges. There is a vertical merge at "
                + describe_merge(merge)
            )
    change.fresh()
    return sheet, area


def sort_range(change: Change, request: Request) -> Reply:
    """Sort the rows of a range. Contents move; rows, their metadata and hidden rows stay."""
    sheet, area = _sortable(change, request)
    specs = []
    for spec in request.get("sortSpecs", ()):
        column = spec.get("dimensionIndex", 0)
        if not area.left <= column < area.end_column:
            raise Refused(f"sortSpec.dimensionIndex[{column}] is not within the range being sorted.")
        if not {"foregroundColor", "backgroundColor", "dataSourceColumnReference"}.isdisjoint(spec):
            raise Refused("Sorting by colour or data source is not supported by the sandbox.")
        specs.append((column, spec.get("sortOrder") == "DESCENDING"))
    _rearranged(sheet, area, lambda rows: _sorted(sheet, rows, specs))
    change.book.stale = True
    change.log("sortRange", sheet, range=a1(sheet.title, area), sortSpecs=[list(spec) for spec in specs])
    return None


def _sorted(sheet: Sheet, rows: list[int], specs: list[tuple[int, bool]]) -> list[int]:
    """Row indexes in their new order: numbers, text, booleans, errors (reversed when descending), blanks last."""
    for column, descending in reversed(specs):
        filled = [row for row in rows if sheet.grid.value(row, column) is not None]
        blank = [row for row in rows if sheet.grid.value(row, column) is None]
        filled.sort(key=lambda row: _sort_key(sheet.grid.value(row, column)), reverse=descending)
        rows = filled + blank
    return rows


def _sort_key(value: Value) -> tuple[int, Any]:
    return (3, value.text) if isinstance(value, CellError) else order_key(value)


def _rearranged(sheet: Sheet, area: Area, order: Callable[[list[int]], list[int]]) -> None:
    """Put the rows of an area into a new order. Hidden rows stay where they are; contents, not rows, move."""
    places = [row for row in range(area.top, area.end_row) if not sheet.hidden("ROWS", row)]
    used = max(len(sheet.grid.values), len(sheet.grid.extras))
    rows = order([row for row in places if row < used]) + [row for row in places if row >= used]
    whole = {row: _cells(sheet, row, area) for row in rows if row < used}
    blank = ([None] * area.width, [None] * area.width)
    for place, row in zip(places, rows, strict=True):
        if place == row or (place >= used and row >= used):
            continue
        values, extras = whole.get(row, blank)
        sheet.grid.write(place, area.left, values)
        sheet.grid.write_extras(place, area.left, [_moved(extra, place - row) for extra in extras])


def _cells(sheet: Sheet, row: int, area: Area) -> tuple[list[Value], list[Extra | None]]:
    values = list(sheet.grid.row(row)[area.left : area.end_column])
    extras = list(sheet.grid.extra_row(row)[area.left : area.end_column])
    return values + [None] * (area.width - len(values)), extras + [None] * (area.width - len(extras))


def _moved(extra: Extra | None, rows: int) -> Extra | None:
    if extra is None or not extra.formula:
        return extra
    return Extra(copied(extra.formula, rows, 0), extra.data)


def randomize_range(change: Change, request: Request) -> Reply:
    """Shuffle the rows of a range."""
    sheet, area = _sortable(change, request)
    _rearranged(sheet, area, lambda rows: sorted(rows, key=lambda _: change.new_id()))
    change.book.stale = True
    change.log("randomizeRange", sheet, range=a1(sheet.title, area))
    return None


def delete_duplicates(change: Change, request: Request) -> Reply:
    """Remove rows of a range that repeat an earlier one; cells below move up."""
    sheet, area = change.area(request.get("range"))
    change.fresh()
    columns = _compared_columns(request, area)
    seen: set[tuple[Any, ...]] = set()
    doubled = []
    for row in range(area.top, min(area.end_row, max(len(sheet.grid.values), len(sheet.grid.extras)))):
        key = tuple(_plain(sheet.grid.value(row, column)) for column in columns)
        if key in seen:
            doubled.append(row)
        seen.add(key)
    for row in reversed(doubled):
        shift_block(sheet, Area(sheet.id, row, row + 1, area.left, area.right), "ROWS", inserting=False)
    change.book.stale = True
    change.log("deleteDuplicates", sheet, range=a1(sheet.title, area), removed=len(doubled))
    return {"duplicatesRemovedCount": len(doubled)} if doubled else {}


def _compared_columns(request: Request, area: Area) -> list[int]:
    given = [
        column
        for span in request.get("comparisonColumns", ())
        for column in range(span.get("startIndex", 0), span.get("endIndex", area.end_column))
    ]
    if any(not area.left <= column < area.end_column for column in given):
        raise Refused("comparisonColumns must be within the range.")
    return given or list(range(area.left, area.end_column))


def _plain(value: Value) -> Any:
    return value.lower() if isinstance(value, str) else (type(value).__name__ == "bool", value)


def trim_whitespace(change: Change, request: Request) -> Reply:
    """Remove surplus blanks from text cells."""
    sheet, area = change.area(request.get("range"))
    changed = 0
    for row in range(area.top, min(area.end_row, len(sheet.grid.values))):
        for column, value in enumerate(sheet.grid.row(row)[area.left : area.end_column], area.left):
            if isinstance(value, str) and not sheet.grid.extra_at(row, column).formula:
                trimmed = " ".join(value.split())
                if trimmed != value:
                    sheet.grid.put(row, column, trimmed or None)
                    changed += 1
    change.book.stale = True
    change.log("trimWhitespace", sheet, range=a1(sheet.title, area), changed=changed)
    return {"cellsChangedCount": changed} if changed else {}


_DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "PERIOD": ".", "SPACE": " "}


def text_to_columns(change: Change, request: Request) -> Reply:
    """Split text cells of one column into the cells to the right."""
    sheet, area = change.area(request.get("source"))
    if area.width != 1:
        raise Refused("The source range must span exactly one column.")
    delimiter = request.get("delimiter") if request.get("delimiterType") == "CUSTOM" else None
    delimiter = delimiter or _DELIMITERS.get(request.get("delimiterType", ""), "")
    for row in range(area.top, min(area.end_row, len(sheet.grid.values))):
        value = sheet.grid.value(row, area.left)
        if not isinstance(value, str):
            continue
        parts = value.split(delimiter or _detected(value))
        target = Area(sheet.id, row, row + 1, area.left, area.left + len(parts))
        if sheet.clip(target) != target:
            raise outside(sheet, target)
        change.guard(sheet, target)
        clear(change.book, sheet, Area(sheet.id, row, row + 1, area.left, area.left + 1))
        write(change.book, sheet, target, [parts], change.typed_in)
    change.log("textToColumns", sheet, range=a1(sheet.title, area))
    return None


def _detected(text: str) -> str:
    return next((mark for mark in (",", ";", ".", " ") if mark in text), ",")


def find_replace(change: Change, request: Request) -> Reply:
    """Replace text in values, and in formulas when asked to."""
    if not request.get("find"):
        raise Refused("The find string must not be empty.")
    change.fresh()
    targets = _search_areas(change, request)
    pattern = _search_pattern(request)
    new = request.get("replacement", "")
    replacement = re.sub(r"\$(\d)", r"\\\1", new.replace("\\", r"\\")) if request.get("searchByRegex") else new
    tally = {"valuesChanged": 0, "formulasChanged": 0, "rowsChanged": 0, "sheetsChanged": 0, "occurrencesChanged": 0}
    for sheet, area in targets:
        changed_rows = 0
        for row in range(area.top, min(area.end_row, max(len(sheet.grid.values), len(sheet.grid.extras)))):
            before = tally["occurrencesChanged"]
            width = max(len(sheet.grid.row(row)), len(sheet.grid.extra_row(row)))
            for column in range(area.left, min(area.end_column, width)):
                _replace_in(change, sheet, (row, column), pattern, replacement, request, tally)
            changed_rows += tally["occurrencesChanged"] > before
        tally["rowsChanged"] += changed_rows
        tally["sheetsChanged"] += bool(changed_rows)
    change.book.stale = True
    change.log("findReplace", find=request["find"], occurrences=tally["occurrencesChanged"])
    return {key: count for key, count in tally.items() if count}


def _search_areas(change: Change, request: Request) -> list[tuple[Sheet, Area]]:
    if request.get("allSheets"):
        return [(sheet, sheet.whole()) for sheet in change.book.sheets]
    if "range" in request:
        return [change.area(request["range"], write=False)]
    sheet = change.grid_sheet(request.get("sheetId", 0))
    return [(sheet, sheet.whole())]


def _search_pattern(request: Request) -> re.Pattern[str]:
    text = request["find"] if request.get("searchByRegex") else re.escape(request["find"])
    if request.get("matchEntireCell"):
        text = rf"\A(?:{text})\Z"
    try:
        return re.compile(text, 0 if request.get("matchCase") else re.IGNORECASE)
    except re.error as error:
        raise Refused(f"Invalid regular expression: {request['find']}") from error


def _replace_in(
    change: Change,
    sheet: Sheet,
    place: tuple[int, int],
    pattern: re.Pattern[str],
    replacement: str,
    request: Request,
    tally: dict[str, int],
) -> None:
    row, column = place
    value, extra = sheet.grid.value(row, column), sheet.grid.extra_at(row, column)
    if extra.formula and not request.get("includeFormulas"):
        return
    if value is None and not extra.formula:
        return
    from sheets_catalog.sandbox.sheets.numberformat import shown
    from sheets_catalog.sandbox.sheets.reading import number_format

    text = extra.formula or shown(value, number_format(extra), change.book.locale)
    literal = replacement if request.get("searchByRegex") else None
    new, count = pattern.subn(literal if literal is not None else lambda _: replacement, text)
    if not count or new == text:
        return
    area = Area(sheet.id, row, row + 1, column, column + 1)
    change.guard(sheet, area)
    write(change.book, sheet, area, [[new]], change.typed_in)
    tally["formulasChanged" if extra.formula else "valuesChanged"] += 1
    tally["occurrencesChanged"] += count

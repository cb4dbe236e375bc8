"""Cells on their way to and from the Sheets API: JSON bodies that lose nothing, and rectangles out of ragged rows.

Pure. The API leaves out trailing blank cells and rows when it answers, and on writing takes null for "leave this cell
alone" and ``""`` for "empty this cell" (https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values#ValueRange).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from sheets_catalog.errors import InputError
from sheets_catalog.google.a1 import Area, a1, area_of
from sheets_catalog.records import Cell
from sheets_catalog.records.values import EXACT_INTEGERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Written: TypeAlias = Cell | Decimal
"""What may be written into a cell; None leaves it as it is, ``""`` empties it."""

Rows: TypeAlias = Sequence[Sequence[Written]]

LARGEST_BODY = 2 * 1024 * 1024
"""Google recommends requests of at most 2 MB (https://developers.google.com/workspace/sheets/api/limits)."""

LONGEST_TEXT = 50_000
"""Most characters of one cell."""

_encoder = msgspec.json.Encoder(decimal_format="number")
encode = _encoder.encode
"""JSON bytes; a Decimal becomes a JSON number, digit for digit."""


def write_bodies(writes: Iterable[tuple[str, Rows]], *, largest: int = LARGEST_BODY) -> Iterator[bytes]:
    """Bodies for ``values.batchUpdate`` (RAW), each of at most `largest` bytes where the cells allow it.

    Raises `InputError` for a value that Sheets would not keep as it is.
    """
    packed: list[bytes] = []
    size = 0
    for data in (each for where, rows in writes for each in _encoded(where, rows, largest - 200)):
        if packed and size + len(data) > largest - 200:
            yield _write_body(packed)
            packed, size = [], 0
        packed.append(data)
        size += len(data) + 1
    if packed:
        yield _write_body(packed)


def _write_body(packed: Sequence[bytes]) -> bytes:
    return b'{"valueInputOption":"RAW","data":[' + b",".join(packed) + b"]}"


def _encoded(where: str, rows: Rows, largest: int) -> Iterator[bytes]:
    """The range as encoded ValueRanges of at most `largest` bytes each."""
    area = area_of(where)
    for number, row in enumerate(rows):
        for offset, cell in enumerate(row):
            _check(cell, area, number, offset)
    try:
        yield from _fitting(area, where, rows, largest)
    except UnicodeEncodeError as error:
        raise InputError(f"A text for {where} is not valid Unicode: {error.reason}.") from error


def _fitting(area: Area, where: str, rows: Rows, largest: int) -> Iterator[bytes]:
    """In one piece if that fits, else cut in halves between rows."""
    data = encode({"range": where, "majorDimension": "ROWS", "values": rows})
    if len(data) <= largest or len(rows) < 2:
        yield data
        return
    half = len(rows) // 2
    for first, part in ((0, rows[:half]), (half, rows[half:])):
        cut = _cut(area, first, len(part))
        yield from _fitting(area_of(cut), cut, part, largest)


def _cut(area: Area, first: int, count: int) -> str:
    start = (area.row or 1) + first
    return a1(area.tab, start, area.column or 1, start + count - 1, area.column2)


def _check(cell: object, area: Area, number: int, offset: int) -> None:
    if isinstance(cell, str):
        problem = f"{len(cell):,} characters" if len(cell) > LONGEST_TEXT else ""
        expected = f"at most {LONGEST_TEXT:,}"
    elif isinstance(cell, bool) or cell is None:
        return
    elif isinstance(cell, int | float | Decimal):
        inexact = not math.isfinite(cell) or (isinstance(cell, int) and abs(cell) > EXACT_INTEGERS)
        problem, expected = (str(cell) if inexact else ""), "a number that a sheet can hold exactly (or text)"
    else:
        problem, expected = type(cell).__name__, "text, a number, true or false"
    if problem:
        where = a1(area.tab, (area.row or 1) + number, (area.column or 1) + offset)
        raise InputError(f"Cell {where} cannot be written: found {problem}, expected {expected}.")


def cell_data(cell: Written) -> dict[str, Any]:
    """The cell as ``CellData`` with a ``userEnteredValue``, which is never parsed: text stays text."""
    match cell:
        case None | "":
            return {}
        case bool():
            return {"userEnteredValue": {"boolValue": cell}}
        case str():
            return {"userEnteredValue": {"stringValue": cell}}
    return {"userEnteredValue": {"numberValue": cell}}


def padded(lines: list[list[Cell]], area: Area, *, by_columns: bool = False) -> list[list[Cell]]:
    """Rows (or columns) filled with ``""`` to the size of `area`, on the sides where it is not open."""
    lengths = (area.height, area.width) if by_columns else (area.width, area.height)
    length, count = lengths
    full = [line + [""] * ((length or 0) - len(line)) for line in lines]
    return full + [[""] * (length or 0) for _ in range((count or 0) - len(full))]

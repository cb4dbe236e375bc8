"""Cells that Sheets took for something else than what was typed: dates, times, fractions and shares.

Someone types ``2026-01-02`` or ``1/2`` and the cell holds a number of days; ``50%`` and it holds 0.5. What is shown is
compared with what would be sent. Numbers are asked about in two steps, so that cost follows what is strange: their
shown texts, many in one call, and only where these do not spell the number, what the cell is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.changes.plan import Finding
from sheets_catalog.flows.tabs import letter
from sheets_catalog.google.a1 import quoted
from sheets_catalog.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.google.sheets import InspectedCell, Spreadsheets
    from sheets_catalog.records import Cell, Field

INSPECTED_AT_ONCE = 200
"""Cells looked at closely in one call (each is some hundred bytes on the wire)."""

RANGES_AT_ONCE = 100
"""Ranges of shown texts in one call: they stand in its address, which must not grow without end."""

NEAR = 100
"""Rows that are read although nobody asked, to ask for one range where there were two: a shown text is some bytes."""

_TEXTS = frozenset({Kind.TEXT, Kind.MULTILINE, Kind.TAGS})
_NUMBERS = frozenset({Kind.MONEY, Kind.DECIMAL, Kind.INTEGER})

_SMALL = 10
"""Numbers below may be a time (a part of a day, or some days), or a share up to 1000 %."""

_DAYS = (20_000, 80_000)
"""Numbers of days since 1899-12-30, Sheets' serial numbers: from 1954 to 2119. A typed date is one of them."""

_PLACES = 10
"""Decimals with which a number may be shown."""

_MISTAKEN = {"DATE": "a date", "TIME": "a time", "DATE_TIME": "a date and time", "PERCENT": "a percentage"}
"""Kinds of number formats (Sheets API, `NumberFormatType`) that Sheets gives a cell by what was typed."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """One cell to look at: a field of a row."""

    row: Row
    field: Field
    column: int

    @property
    def cell(self) -> Cell:
        """What it holds."""
        return self.row.cell(self.column)


def in_texts(layout: Layout, row: Row) -> Iterator[Suspect]:
    """Numbers in columns of text."""
    for each in layout.owned:
        column = layout.columns[each.name]
        if each.kind in _TEXTS and isinstance(cell := row.cell(column), int | float) and not isinstance(cell, bool):
            yield Suspect(row, each, column)


def in_numbers(layout: Layout, row: Row, agreed: Mapping[str, str]) -> Iterator[Suspect]:
    """Numbers that were not `agreed` on (fingerprints by field) and could be a date, a time or a share."""
    for each in layout.owned:
        column = layout.columns[each.name]
        known = agreed.get(each.name) == fingerprint(row.values[each.name])
        if each.kind in _NUMBERS and not known and _could_be_other(row.cell(column)):
            yield Suspect(row, each, column)


def _could_be_other(cell: Cell) -> bool:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return False
    return 0 < abs(cell) < _SMALL or _DAYS[0] <= cell < _DAYS[1]


def spells(shown: str, number: float) -> bool:
    """Whether a shown text has the digits of the number, rounded anywhere: ``€ 1.234,50`` of 1234.5."""
    digits = re.sub(r"[^0-9]", "", shown)
    exact = abs(Decimal(repr(number)))
    rounded = (
        exact.quantize(Decimal(1).scaleb(-places), rounding)
        for places in range(_PLACES + 1)
        for rounding in (ROUND_DOWN, ROUND_UP)
    )
    return "%" not in shown and any(digits == format(each, "f").replace(".", "") for each in rounded)


def odd_numbers(
    sheets: Spreadsheets, spreadsheet_id: str, title: str, suspects: Sequence[Suspect]
) -> Iterator[Suspect]:
    """Those of which the shown text does not spell the number."""
    spans = _spans(suspects)
    for first in range(0, len(spans), RANGES_AT_ONCE):
        part = spans[first : first + RANGES_AT_ONCE]
        ranges = [
            f"{quoted(title)}!{letter(few[0].column)}{few[0].row.number}:{letter(few[0].column)}{few[-1].row.number}"
            for few in part
        ]
        blocks = sheets.read_ranges(spreadsheet_id, ranges, "FORMATTED_VALUE", "COLUMNS")
        for few, block in zip(part, blocks, strict=True):
            shown = block[0] if block else []
            for each in few:
                at, cell = each.row.number - few[0].row.number, each.cell
                if isinstance(cell, int | float) and not spells(str(shown[at]) if at < len(shown) else "", cell):
                    yield each


def _spans(suspects: Sequence[Suspect]) -> list[list[Suspect]]:
    """By column, rows that are near each other."""
    spans: list[list[Suspect]] = []
    for each in sorted(suspects, key=lambda each: (each.column, each.row.number)):
        last = spans[-1][-1] if spans else None
        if last and last.column == each.column and each.row.number - last.row.number <= NEAR:
            spans[-1].append(each)
        else:
            spans.append([each])
    return spans


def look_closely(
    sheets: Spreadsheets, spreadsheet_id: str, title: str, suspects: Sequence[Suspect]
) -> Iterator[Finding]:
    """A finding for each cell that holds something else than what it shows."""
    for first in range(0, len(suspects), INSPECTED_AT_ONCE):
        part = suspects[first : first + INSPECTED_AT_ONCE]
        places = [f"{letter(each.column)}{each.row.number}" for each in part]
        found = sheets.inspect(spreadsheet_id, [f"{quoted(title)}!{place}:{place}" for place in places])
        for each, block in zip(part, found, strict=True):
            finding = _judge(title, each, block[0][0] if block and block[0] else None)
            if finding:
                yield finding


def _judge(tab: str, suspect: Suspect, found: InspectedCell | None) -> Finding | None:
    field, value = suspect.field, suspect.row.values[suspect.field.name]
    shown = found.formatted if found else ""
    if field.kind in _TEXTS:
        if shown == value:
            return None
        message = f"The cell shows “{shown}”, but holds the number {value}: it was not taken as text."
        advice = "Format the column as plain text and type the value again."
    else:
        kind = _MISTAKEN.get(found.number_format, "") if found and found.effective == suspect.cell else ""
        if not kind or (kind == _MISTAKEN["PERCENT"] and field.metafield_type):
            return None  # a metafield may well be kept as a share
        message = f"The cell shows “{shown}”, {kind}, but holds the number {value}."
        advice = "Format the cell as a number (Format, Number) and type the value again."
    return Finding("error", "reformatted", tab, suspect.row.number, field.header, shown, message, advice)

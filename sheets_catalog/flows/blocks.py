"""A tab's rows, read block by block while people may move rows and columns: as of one moment, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.errors import Unavailable
from sheets_catalog.flows.moved_columns import same_header
from sheets_catalog.flows.sheet_columns import SheetColumns
from sheets_catalog.flows.tabs import rows_of, rows_of_columns
from sheets_catalog.google.a1 import quoted
from sheets_catalog.google.sheets import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.google.sheets import Spreadsheets, Tab
    from sheets_catalog.records import Cell


@dataclass(frozen=True, slots=True)
class Blocks:
    """One tab, its first block read: it has the header that all others must have. Iterating asks for the others."""

    sheets: Spreadsheets
    spreadsheet_id: str
    tab: Tab
    first: Block

    @property
    def header(self) -> tuple[Cell, ...]:
        """Row 1: every column, also those that are not ours."""
        return self.first.header

    def __iter__(self) -> Iterator[Block]:
        block = self.first
        yield block
        while block.next_row is not None:
            block = self.sheets.read_block(self.spreadsheet_id, self.tab, block.next_row)
            if not same_header(self.header, block.header):
                raise _moved("columns", self.tab)
            yield block

    def rows(self, layout: Layout, money_digits: int, seen: Mapping[bytes, str] | None = None) -> Iterator[Row]:
        """All rows with something in our columns (`seen`: see `tabs.rows_of`).

        Raises `Unavailable`, at the latest after the last row, when columns or rows moved from one block to the next:
        then a row may have come twice, or not at all.
        """
        keys: dict[int, str] = {}
        for row in rows_of(layout, self, money_digits, seen):
            if row.key:
                keys[row.number] = row.key
            yield row
        if self.first.next_row is not None and not keys.items() <= self._keys_now(layout, money_digits).items():
            raise _moved("rows", self.tab)

    def _keys_now(self, layout: Layout, money_digits: int) -> dict[int, str]:
        """Record keys by row number, in one call: rows that were appended since are there as well."""
        names = [name for name in layout.table.key if name in layout.columns]
        columns = SheetColumns(self.sheets, self.spreadsheet_id, self.tab.title, self.tab.sheet_id)
        cells = columns.read([layout.columns[name] for name in names], formulas=False)
        rows = rows_of_columns(layout, dict(zip(names, cells, strict=True)), money_digits)
        return {row.number: row.key for row in rows if row.key}


def first_block(sheets: Spreadsheets, spreadsheet_id: str, tab: Tab) -> Blocks:
    """The tab with its header and first rows, of one moment, in one call."""
    return Blocks(sheets, spreadsheet_id, tab, sheets.read_block(spreadsheet_id, tab))


def header_only(sheets: Spreadsheets, spreadsheet_id: str, tab: Tab) -> Blocks:
    """The tab with its header alone, for who needs no rows now."""
    header = sheets.read_ranges(spreadsheet_id, [f"{quoted(tab.title)}!1:1"])[0]
    return Blocks(sheets, spreadsheet_id, tab, Block(tuple(header[0]) if header else (), 2, (), 2))


def _moved(what: str, tab: Tab) -> Unavailable:
    return Unavailable(
        f"The {what} of “{tab.title}” were moved while they were read.",
        service="google",
        advice="Run the command again.",
    )

"""Reading the connection's tabs as rows, chunk by chunk, with everything that is wrong with a tab as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Finding
from sheets_catalog.flows.blocks import Blocks, first_block, header_only
from sheets_catalog.flows.tabs import Layout, Row, lay_out, letter, looks_reformatted
from sheets_catalog.google.a1 import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.sheets import SpreadsheetInfo, Tab
    from sheets_catalog.records import Table

INSPECTED_AT_ONCE = 200
"""Cells looked at closely in one call (each is some hundred bytes on the wire)."""


@dataclass(frozen=True, slots=True)
class TabReader:
    """One tab of the catalogue, its header read, and its first rows at the same moment; others when asked for.

    `hidden` are the numbers of rows that were to be left out; `rows` gives them all the same: they are not gone.
    """

    systems: Systems
    info: SpreadsheetInfo
    tab: Tab
    layout: Layout
    blocks: Blocks
    money_digits: int
    hidden: frozenset[int] = frozenset()

    def rows(self, seen: Mapping[bytes, str] | None = None) -> Iterator[Row]:
        """All rows with something in them. Rows whose cells are merged with others carry a finding.

        `seen`: record keys by looks (`TableBaseline.seen`); rows that look like that come unread, with their key.
        Raises `Unavailable` when columns or rows were moved meanwhile.
        """
        merged = self._merged_rows()
        for row in self.blocks.rows(self.layout, self.money_digits, seen):
            finding = merged.get(row.number)
            yield row if finding is None else replace(row, findings=(*row.findings, finding))

    @property
    def told(self) -> str:
        """`Layout.told` of this tab."""
        return self.layout.told(self.money_digits)

    def _merged_rows(self) -> dict[int, Finding]:
        """Rows in which one of our columns is part of a merged area: all but one of its cells read as blank."""
        ours = {
            column + 1: each for each in self.layout.table.fields if (column := self._column(each.name)) is not None
        }
        found = {}
        for area in self.tab.merges:
            touched = [ours[column] for column in ours if (area.column or 1) <= column <= (area.column2 or column)]
            for row in range(area.row or 1, (area.row2 or self.tab.row_count) + 1) if touched else ():
                found[row] = Finding(
                    "error",
                    "merged_cells",
                    self.layout.table.title,
                    row,
                    touched[0].header,
                    "",
                    f"Cells are merged here (rows {area.row} to {area.row2}); only one of them has a value.",
                    "Unmerge them and fill in each row.",
                )
        return found

    def _column(self, name: str) -> int | None:
        return self.layout.columns.get(name)

    def reformatted(self, rows: Iterable[Row]) -> list[Finding]:
        """Cells that Sheets seems to have turned into a number or a date when they were typed.

        Looks closely only at numbers in text columns of the given rows. What is shown and what would be sent must be
        the same text, else the cell is reported.
        """
        suspects = [
            (row, each.name)
            for row in rows
            for each in self.layout.owned
            if looks_reformatted(each, row.cell(self.layout.columns[each.name]))
        ]
        findings: list[Finding] = []
        for first in range(0, len(suspects), INSPECTED_AT_ONCE):
            findings += self._look_closely(suspects[first : first + INSPECTED_AT_ONCE])
        return findings

    def _look_closely(self, suspects: Sequence[tuple[Row, str]]) -> Iterator[Finding]:
        ranges = [self._a1(row.number, name) for row, name in suspects]
        for (row, name), block in zip(suspects, self.systems.sheets.inspect(self.info.id, ranges), strict=True):
            shown = block[0][0].formatted if block and block[0] else ""
            if shown != row.values[name]:
                each = self.layout.table.by_name[name]
                yield Finding(
                    "error",
                    "reformatted",
                    self.layout.table.title,
                    row.number,
                    each.header,
                    shown,
                    f"The cell shows “{shown}”, but holds the number {row.values[name]}: it was not taken as text.",
                    "Format the column as plain text and type the value again.",
                )

    def _a1(self, row: int, name: str) -> str:
        cell = f"{letter(self.layout.columns[name])}{row}"
        return f"{quoted(self.tab.title)}!{cell}:{cell}"


def open_tab(
    systems: Systems,
    info: SpreadsheetInfo,
    table: Table,
    money_digits: int,
    *,
    include_hidden: bool = True,
    rows: bool = True,
) -> TabReader | Finding:
    """Read a tab's header; a finding when the tab is missing. Without `include_hidden` it is asked what is hidden.

    `rows`: the first 10,000 come with it, in the same call.
    """
    tab = info.tabs.get(table.title)
    if tab is None:
        return Finding(
            "warning",
            "missing_tab",
            table.title,
            0,
            "",
            ", ".join(info.tabs),
            f"The spreadsheet has no tab “{table.title}”.",
            "Run `sheets-catalog import` to have it made.",
        )
    blocks = (first_block if rows else header_only)(systems.sheets, info.id, tab)
    layout = lay_out(table, blocks.header, table.title)
    hidden = frozenset() if include_hidden else systems.sheets.hidden_rows(info.id, tab)
    return TabReader(systems, info, tab, layout, blocks, money_digits, hidden)

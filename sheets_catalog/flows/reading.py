"""Reading the connection's tabs as rows, chunk by chunk, with everything that is wrong with a tab as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Finding
from sheets_catalog.errors import PlanError
from sheets_catalog.flows import reformatting
from sheets_catalog.flows.blocks import Blocks, first_block, header_only
from sheets_catalog.flows.tabs import Layout, Row, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sheets_catalog.changes.baseline import TableBaseline
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.sheets import SpreadsheetInfo, Tab
    from sheets_catalog.records import Table


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

    def reformatted(self, rows: Iterable[Row], base: TableBaseline) -> list[Finding]:
        """Cells of the given rows that Sheets took for something else than what was typed (`flows.reformatting`).

        Numbers in text columns are looked at closely; those in number columns that `base` does not agree on, and that
        could be a date, a time or a share, in one call more for the tab.
        """
        rows = list(rows)
        place = (self.systems.sheets, self.info.id, self.tab.title)
        numbers = [
            each for row in rows for each in reformatting.in_numbers(self.layout, row, base.marks(row.key or ""))
        ]
        texts = [each for row in rows for each in reformatting.in_texts(self.layout, row)]
        odd = list(reformatting.odd_numbers(*place, numbers))
        return list(reformatting.look_closely(*place, [*texts, *odd]))


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


def tab_gone(info: SpreadsheetInfo, table: Table, known: int) -> PlanError:
    """The error for a tab that is not there although `known` records stood in it at the last sync: it was renamed."""
    return PlanError(
        f"The spreadsheet has no tab “{table.title}”, but {known} records stood there at the last sync. "
        f"It has: {', '.join(info.tabs)}.",
        advice=f"Give the tab the name “{table.title}” again. If it was deleted, add an empty one and import.",
    )

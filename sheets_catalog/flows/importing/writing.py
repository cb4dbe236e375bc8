"""The writing side of an import: rows of one tab, and what the baseline learns from them.

Rows go out in blocks, not page by page: each writing looks at whole columns first, and Sheets allows 60 calls a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.changes.plan import Finding
from sheets_catalog.errors import PlanError, Unavailable
from sheets_catalog.flows.importing.preparing import SPARE_ROWS
from sheets_catalog.flows.keyed_writing import ROUNDS, KeyedWriter
from sheets_catalog.flows.moved_columns import same_cell
from sheets_catalog.flows.reading import TabReader, open_tab
from sheets_catalog.flows.sheet_columns import SheetColumns
from sheets_catalog.flows.tabs import lay_out
from sheets_catalog.google.a1 import quoted
from sheets_catalog.records import TABLES, write_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from sheets_catalog.changes.baseline import TableBaseline
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.keyed_writing import RowWrite
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.records import Cell, Record, Table, Value

ROWS_AT_ONCE = 2_000
"""New rows written in one request: about 1 MB, where Google recommends at most 2, and few calls of the minute's 60."""


@dataclass(frozen=True, slots=True)
class TabWriter:
    """Writes one tab; what stands there afterwards is what `base` takes as agreed."""

    systems: Systems
    reader: TabReader
    base: TableBaseline

    def adopt(self, writes: Sequence[RowWrite]) -> Mapping[int, str]:
        """Write ids into rows that are found by name; what could not be written, by item."""
        return self._keyed().write(writes)

    def edit(self, edits: Sequence[RowWrite]) -> Mapping[int, str]:
        """Write values into rows that are found by id; what could not be written, by item."""
        problems = self._keyed().write(edits)
        partly = {row.key: row.values for row in self._opened().rows()} if problems else {}
        for each in edits:
            stands = {name: after for name, (_, after) in each.values.items()}
            if each.item in problems:  # of a row, one cell may have been kept, and the others written
                now = partly.get(each.key, {})
                stands = {name: after for name, after in stands.items() if name in now and now[name] == after}
            self._agree(each.key, stands)
        return problems

    def append(self, new: Sequence[Record]) -> None:
        """New records after the last row, in one atomic request; an unknown outcome is looked up, not repeated."""
        if not new:
            return
        laid = self._as_it_is(self.reader)
        stands = self._settle(new, laid, self._sent(new, laid))
        for record in new:
            self._agree(record.key, {name: record.values[name] for name in stands & record.values.keys()})

    def _sent(self, new: Sequence[Record], laid: TabReader) -> Sequence[Cell]:
        """Send new rows by this layout, once; the header they came under, or one that was read later."""
        rows = [_cells(laid, record) for record in new]
        try:
            return self.systems.sheets.append_rows_at_end(laid.info.id, laid.tab, rows)
        except Unavailable:
            missing = self._missing(new, laid)
            if len(missing) not in {0, len(new)}:
                raise
            if missing:
                return self.systems.sheets.append_rows_at_end(laid.info.id, laid.tab, rows)
        return self._header()

    def _missing(self, new: Sequence[Record], laid: TabReader) -> list[Record]:
        """Those of the records sent by this layout that no row has, even if columns have moved since."""
        now = self._opened()
        keys = {row.key for row in now.rows()}
        if now.layout.columns != laid.layout.columns:
            keys |= {key for _, key in self._standing(new, laid, now)}
        return [record for record in new if record.key not in keys]

    def _standing(self, new: Sequence[Record], laid: TabReader, now: TabReader) -> list[tuple[int, str]]:
        """Number and key of each row that was sent by the layout `laid` and stands where it was put."""
        sent = {record.key: _cells(laid, record) for record in new}
        rows = replace(now, layout=laid.layout).rows()
        return [(row.number, row.key) for row in rows if row.key in sent and _stands(row, sent[row.key])]

    def _as_it_is(self, reader: TabReader) -> TabReader:
        """The tab by the header it has now; opened anew when columns have moved since `reader` was."""
        return self._under(self._header(), reader)

    def _header(self) -> Sequence[Cell]:
        reader = self.reader
        header = self.systems.sheets.read_ranges(reader.info.id, [f"{quoted(reader.tab.title)}!1:1"])[0]
        return header[0] if header else []

    def _under(self, header: Sequence[Cell], reader: TabReader) -> TabReader:
        """`reader` if columns are where it has them in this header, else the tab opened anew."""
        layout = lay_out(reader.layout.table, header, reader.tab.title)
        return reader if layout.columns == reader.layout.columns else self._opened()

    def _settle(self, new: Sequence[Record], laid: TabReader, header: Sequence[Cell]) -> set[str]:
        """Lay appended rows out anew when columns moved just before they came, so that cells stand under other names.

        The fields that the rows have now: a column may have lost its name meanwhile. `header`: what they came under.
        Raises `Unavailable` when columns move at every look.
        """
        stands = set(laid.layout.columns)
        for _ in range(ROUNDS):
            now = self._under(header, laid)
            if now is laid:
                return stands
            by_key = {record.key: record for record in new}
            writes = [
                (f"{quoted(now.tab.title)}!A{number}", [_moved_cells(laid, now, by_key[key])])
                for number, key in self._standing(new, laid, now)
            ]
            if writes:
                self.systems.sheets.write_ranges(now.info.id, writes)
            stands &= now.layout.columns.keys()
            laid, header = now, self._header()
        raise Unavailable("The columns of the sheet kept moving while they were written.", service="google")

    def leave_room(self, used: int) -> None:
        """Leave room below the last of `used` records for people to type in."""
        missing = used + 1 + SPARE_ROWS // 2 - self.reader.tab.row_count
        if missing > 0:
            more = {"sheetId": self.reader.tab.sheet_id, "dimension": "ROWS", "length": SPARE_ROWS}
            self.systems.sheets.batch_update(self.reader.info.id, [{"appendDimension": more}], safety="repeatable")

    def _keyed(self) -> KeyedWriter:
        reader = self.reader
        columns = SheetColumns(self.systems.sheets, reader.info.id, reader.tab.title, reader.tab.sheet_id)
        return KeyedWriter(reader.layout, columns, reader.money_digits)

    def _agree(self, key: str, values: Mapping[str, Value]) -> None:
        """Both sides now say the same. Columns that only inform are not part of the baseline."""
        marks = {each.name: fingerprint(values[each.name]) for each in self.reader.layout.owned if each.name in values}
        if marks:
            self.base.agree(key, marks)

    def _opened(self) -> TabReader:
        """The tab as it is now. Raises `PlanError` when it, or the column of the ids, is not there any more."""
        info = self.systems.sheets.info(self.reader.info.id)
        opened = open_tab(self.systems, info, TABLES[self.reader.layout.table.name], self.reader.money_digits)
        finding = opened if isinstance(opened, Finding) else next(iter(opened.layout.findings), None)
        if isinstance(opened, Finding) or (finding is not None and not opened.layout.usable):
            title = self.reader.tab.title
            message, advice = (finding.message, finding.advice) if finding else ("", "")
            raise PlanError(f"The tab “{title}” cannot be used: {message}", advice=advice)
        return opened


def _stands(row: Row, cells: Sequence[Cell | Decimal]) -> bool:
    """Whether all these cells stand in the row where they were sent to, whatever the header says there."""
    return all(cell is None or same_cell(row.cell(at), cell) for at, cell in enumerate(cells))


def _moved_cells(laid: TabReader, now: TabReader, record: Record) -> list[Cell | Decimal]:
    """A row's cells where they belong now, and blanks where they were put; others stay as they are."""
    old, cells = _cells(laid, record), _cells(now, record)
    cells += [None] * (len(old) - len(cells))
    emptied: list[Cell | Decimal] = ["" if cell is not None else None for cell in old]
    emptied += [None] * (len(cells) - len(old))
    return [blank if cell is None else cell for cell, blank in zip(cells, emptied, strict=True)]


def _cells(reader: TabReader, record: Record) -> list[Cell | Decimal]:
    """A new row's cells: ours filled in, columns of others left blank."""
    width = max(reader.layout.columns.values()) + 1
    cells: list[Cell | Decimal] = [None] * width
    for name, column in reader.layout.columns.items():
        value = record.values.get(name)
        if value is not None:
            cells[column] = write_cell(reader.layout.table.by_name[name].kind, value)
    return cells


def unwritten(table: Table, write: RowWrite, row: Row, problem: str) -> Finding:
    """The finding for a row that could not be written."""
    headers = ", ".join(table.by_name[name].header for name in write.values)
    return Finding("warning", "not_written", table.title, row.number, headers, write.key, problem)

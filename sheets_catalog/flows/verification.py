"""Sheet against shop: what is equal, missing on either side, different, or cannot be read. Writes nothing.

The five classes are those of rclone's check. This is about what is there now: of the baseline it is only asked which
columns the tabs had at the last sync, so that one that is gone is not passed over in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.books import Books
from sheets_catalog.changes.plan import Finding
from sheets_catalog.errors import PlanError
from sheets_catalog.flows import control
from sheets_catalog.flows.exporting.comparing import label_of
from sheets_catalog.flows.reading import TabReader, open_tab, tab_gone
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.records import Record, Table, Value


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that differs, or one record that one side lacks (`field` is empty then).

    `header`: the field's column in the sheet.
    """

    table: str
    key: str
    label: str
    row: int
    field: str = ""
    sheet: Value = None
    shop: Value = None
    header: str = ""


@dataclass(slots=True)
class Verification:
    """The result. `equal` and `different` count records; the lists name them.

    `missing_here`: in the shop, not in the sheet. `missing_there`: in the sheet, not in the shop (new rows included).
    `columns`: those that were not compared since their tab lacks them; of the last sync's, as warnings.
    """

    equal: int = 0
    different: int = 0
    missing_here: list[Difference] = field(default_factory=list)
    missing_there: list[Difference] = field(default_factory=list)
    differs: list[Difference] = field(default_factory=list)
    errors: list[Finding] = field(default_factory=list)
    columns: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether both sides are the same, and everything was compared that the last sync knew."""
        return not (self.missing_here or self.missing_there or self.differs or self.errors or self.columns_gone)

    @property
    def columns_gone(self) -> bool:
        """Whether a tab lacks a column that it had at the last sync."""
        return any(each.severity == "warning" for each in self.columns)

    @property
    def books(self) -> Books:
        """Every record of either side, once: equal ones are unchanged, everything else waits for somebody."""
        pending = self.different + len(self.missing_here) + len(self.missing_there)
        return Books(
            planned=self.equal + pending + len(self.errors),
            unchanged=self.equal,
            rejected=len(self.errors),
            pending=pending,
        )


def verify(
    systems: Systems,
    tables: Sequence[str] = tuple(TABLES),
    note: Callable[[str, int, int], None] | None = None,
) -> Verification:
    """Compare the tabs of `tables` with the shop. `note` is told (table, records done, 0)."""
    result = Verification()
    info = systems.sheets.info(systems.connection.spreadsheet_id)
    baseline, _ = control.find(systems).load()
    for name in tables:
        reader = open_tab(systems, info, TABLES[name], systems.catalogue.info.money_digits)
        known = baseline.table(name)
        if isinstance(reader, Finding) and known.rows:
            raise tab_gone(info, TABLES[name], len(known.rows))
        if isinstance(reader, Finding):
            raise PlanError(reader.message, advice=reader.advice)
        if not reader.layout.usable:
            raise PlanError(reader.layout.findings[0].message, advice=reader.layout.findings[0].advice)
        result.columns.extend(_not_compared(reader.layout, known.fields))
        _verify_table(systems, reader, result, note)
    return result


def _not_compared(layout: Layout, known: Collection[str]) -> Iterator[Finding]:
    """The columns that the tab lacks: each one of the last sync, and the others together."""
    table = layout.table
    for name in known:
        if name not in layout.columns:
            header = table.by_name[name].header if name in table.by_name else name
            message = f"The column “{header}” stood there at the last sync and is gone; it was not compared."
            advice = f"If it was renamed, call it “{header}” again. `sheets-catalog import` makes it anew."
            yield Finding("warning", "missing_column", table.title, 1, header, "", message, advice)
    others = [each.header for each in table.fields if each.owned and each.name not in {*layout.columns, *known}]
    if others:
        message = f"The tab has no columns for these, so they were not compared: {', '.join(others)}."
        yield Finding("note", "not_compared", table.title, 1, "", "", message)


def _verify_table(
    systems: Systems, reader: TabReader, result: Verification, note: Callable[[str, int, int], None] | None
) -> None:
    table = reader.layout.table
    rows: dict[str, Row] = {}
    if note:
        note(table.name, 0, 0)
    for row in reader.rows():
        if row.findings:
            result.errors.extend(row.findings[:1])
            if row.key:
                rows[row.key] = row
        elif row.key is None or row.key in rows:
            result.missing_there.append(Difference(table.name, row.key or "", label_of(table, row.values), row.number))
        else:
            rows[row.key] = row
    for seen, record in enumerate(_records(systems, table), 1):
        mine = rows.pop(record.key, None)
        if mine is None:
            result.missing_here.append(Difference(table.name, record.key, label_of(table, record.values), 0))
        elif not mine.findings:
            _compare(reader, mine, record, result)
        if note and seen % 250 == 0:
            note(table.name, seen, 0)
    result.missing_there.extend(
        Difference(table.name, key, label_of(table, row.values), row.number)
        for key, row in rows.items()
        if not row.findings
    )


def _records(systems: Systems, table: Table) -> Iterator[Record]:
    fields = [each for each in table.fields if each.metafield_type]
    if table.name == "products":
        pages = systems.catalogue.products(metafields=fields)
    elif table.name == "variants":
        pages = systems.catalogue.variants(metafields=fields)
    else:
        pages = systems.catalogue.inventory()
    for page in pages:
        yield from page.records


def _compare(reader: TabReader, row: Row, record: Record, result: Verification) -> None:
    table = reader.layout.table
    found = [
        Difference(
            table.name, record.key, label_of(table, row.values), row.number, each.name,
            row.values[each.name], record.values.get(each.name), each.header,
        )
        for each in reader.layout.owned
        if row.values[each.name] != record.values.get(each.name)
    ]  # fmt: skip
    result.differs.extend(found)
    result.different += bool(found)
    result.equal += not found

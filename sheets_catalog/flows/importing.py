"""Import: from the shop into the sheet, differential, without touching what people typed (BK-3).

Not a stored job: each page is compared with the sheet and written at once, and doing it again does the same. An import
that was interrupted is simply started again and finds most of its work done. Existing rows are updated in place, new
records come after the last row, columns that are not ours are never touched, and a cell that was edited since the last
sync keeps the edit.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog import database
from sheets_catalog.changes.compare import UNKNOWN, Policy, Unknown, Verdict, decide, winner
from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.changes.plan import Books, Finding
from sheets_catalog.errors import BooksError, InputError, PlanError, Refused, SheetsCatalogError, Unavailable
from sheets_catalog.flows import control
from sheets_catalog.flows.auditing import books_of, error_log, figures_of
from sheets_catalog.flows.keyed_writing import KeyedWriter, RowWrite
from sheets_catalog.flows.reading import TabReader, open_tab
from sheets_catalog.flows.sheet_columns import SheetColumns
from sheets_catalog.flows.tabs import lay_out, letter
from sheets_catalog.jobs import lease as leases
from sheets_catalog.records import TABLES, Kind, metafield, write_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from sheets_catalog.changes.baseline import Baseline, TableBaseline
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.google.sheets import Tab
    from sheets_catalog.jobs.lease import Lease
    from sheets_catalog.jobs.retry import Figures
    from sheets_catalog.records import Cell, Field, Record, Table, Value
    from sheets_catalog.shopify import Page

FLOW = "catalogue"
ROWS_AT_ONCE = 2_000
"""New rows written in one request: about 1 MB, where Google recommends at most 2, and few calls of the minute's 60."""

SPARE_ROWS = 200
"""Empty rows kept at the end of a tab, so that people have room to type."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a person may choose.

    `policy`: who wins where both sides changed (under ``ask`` the sheet's edit stays and is reported). `metafields`:
    headers of metafield columns to add, such as ``Metafield: custom.material [single_line_text_field]``.
    """

    tables: tuple[str, ...] = tuple(TABLES)
    policy: Policy = "ask"
    page: int = 250
    metafields: tuple[str, ...] = ()
    actor: str = ""


@dataclass(slots=True)
class TableCounts:
    """What happened in one tab. Of records read: new, updated, unchanged, kept (edited in the sheet), conflicted."""

    read: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    kept: int = 0
    conflicted: int = 0
    rejected: int = 0
    deleted_in_shop: int = 0

    @property
    def books(self) -> Books:
        """Kept edits count as unchanged: nothing was to be done for them."""
        return Books(
            planned=self.read,
            done=self.new + self.updated,
            unchanged=self.unchanged + self.kept,
            rejected=self.rejected,
            conflicted=self.conflicted,
        )


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did."""

    books: Books
    tables: Mapping[str, TableCounts]
    findings: tuple[Finding, ...]
    figures: Figures
    session_id: str


def import_catalogue(
    systems: Systems,
    audit: database.Audit,
    options: ImportOptions | None = None,
    watcher: Callable[[str, int, int], None] | None = None,
) -> ImportResult:
    """Bring the shop's catalogue into the sheet. `watcher` is told (table, records done, records in all).

    Raises `BusyError` when another run works on the sheet, `InputError` for a sheet that cannot be used, `BooksError`
    when records went missing; what was written until then stays, and importing again goes on.
    """
    options = options or ImportOptions()
    unknown = [name for name in options.tables if name not in TABLES]
    if unknown:
        raise InputError(f"Unknown table {', '.join(unknown)}; expected {', '.join(TABLES)}.")
    session_id = f"import-{secrets.token_hex(8)}"
    home = control.find_or_make(systems)
    lease = leases.acquire(home.store, FLOW, session_id, leases.this_process())
    run = _Import(systems, options, watcher or _silent, home, lease)
    started = systems.clock.monotonic()
    audit.session_started(_start(systems, session_id, options))
    try:
        result = run.go(session_id)
    except SheetsCatalogError as error:
        audit.error(error_log(session_id, error))
        _end(systems, audit, session_id, "stopped", run.books, error.message)
        raise
    finally:
        leases.release(home.store, run.lease)
    seconds = systems.clock.monotonic() - started
    audit.metrics(session_id, session_id, figures_of(systems.calls.figures, result.books.planned, seconds))
    _end(systems, audit, session_id, "completed", result.books, "")
    return result


def _silent(table: str, done: int, total: int) -> None:
    """Tell nobody."""


def _start(systems: Systems, session_id: str, options: ImportOptions) -> database.SessionStart:
    return database.SessionStart(
        session_id,
        "import",
        systems.clock.now(),
        title=f"Import from {systems.shop_name}",
        spreadsheet_id=systems.connection.spreadsheet_id,
        shop=systems.shop_name,
        actor=options.actor or systems.connection.actor,
        details={"policy": options.policy, "tables": ", ".join(options.tables)},
    )


def _end(systems: Systems, audit: database.Audit, session_id: str, status: str, books: Books, message: str) -> None:
    audit.session_finished(database.SessionEnd(session_id, status, systems.clock.now(), books_of(books), message))


@dataclass(slots=True)
class _Import:
    """One import under way."""

    systems: Systems
    options: ImportOptions
    watch: Callable[[str, int, int], None]
    home: control.Control
    lease: Lease
    counts: dict[str, TableCounts] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    renewed: float = 0.0

    @property
    def books(self) -> Books:
        """The books so far."""
        return sum((counts.books for counts in self.counts.values()), Books())

    def go(self, session_id: str) -> ImportResult:
        """Import every table, then store the baseline."""
        self.renewed = self.systems.clock.monotonic()
        baseline, trouble = self.home.load()
        if trouble:
            self.findings.append(Finding("warning", "baseline", "", 0, "", "", trouble))
        baseline = self._prepare_tabs(baseline, session_id)
        expected = self.systems.catalogue.counts()
        totals = {"products": expected.products, "variants": expected.variants, "inventory": 0}
        for name in self.options.tables:
            self._table(name, baseline, totals[name])
        books = self.books
        if not books.balanced:
            raise BooksError(f"The books of this import do not balance: {books}.")
        if expected.products and not books.planned:
            raise BooksError(f"The shop says it has {expected.products} products, but none came.")
        self.home.save(baseline, job_id=session_id)
        return ImportResult(books, self.counts, tuple(self.findings), self.systems.calls.figures, session_id)

    def _prepare_tabs(self, baseline: Baseline, session_id: str) -> Baseline:
        """Make missing tabs with their headers, and add missing columns of ours after the last one.

        The baseline first forgets a column that was removed: its new, blank cells were not cleared by anybody.
        """
        info = self.systems.sheets.info(self.systems.connection.spreadsheet_id)
        tables = [TABLES[name].with_metafields(self._metafields(name)) for name in self.options.tables]
        tabs = [info.tabs.get(table.title) or _make_tab(self.systems, info.id, table) for table in tables]
        additions = [_addition(self.systems, info.id, tab, table) for tab, table in zip(tabs, tables, strict=True)]
        returning = [
            (table.name, each.name)
            for table, addition in zip(tables, additions, strict=True)
            for each in addition.fields
            if each.name in baseline.table(table.name).fields
        ]
        if returning:
            for table, name in returning:
                baseline.table(table).forget_field(name)
            baseline = self.home.save(baseline, job_id=f"{session_id}-columns")
        for addition in additions:
            _add_columns(self.systems, info.id, addition)
        return baseline

    def _metafields(self, name: str) -> list[str]:
        if name == "inventory":
            return []
        return [_bare(header) for header in self.options.metafields if _meant_for(header, name)]

    def _table(self, name: str, baseline: Baseline, total: int) -> None:
        counts = self.counts[name] = TableCounts()
        info = self.systems.sheets.info(self.systems.connection.spreadsheet_id)
        reader = open_tab(self.systems, info, TABLES[name], self.systems.catalogue.info.money_digits)
        if isinstance(reader, Finding):
            raise PlanError(reader.message, advice=reader.advice)
        if not reader.layout.usable:
            first = reader.layout.findings[0]
            raise PlanError(f"The tab “{reader.tab.title}” cannot be used: {first.message}", advice=first.advice)
        self.findings.extend(reader.layout.findings)
        page = _Pages(self, reader, baseline.table(name), counts)
        seen = page.run(name, total)
        gone = [key for key in page.rows if key not in seen]
        counts.deleted_in_shop = len(gone)
        if gone:
            self.findings.append(_gone(reader.layout.table, gone, page.rows))

    def pages(self, table: Table) -> Iterator[Page]:
        """The shop's records, page by page."""
        catalogue, first = self.systems.catalogue, self.options.page
        fields = [each for each in table.fields if each.metafield_type]
        if table.name == "products":
            return catalogue.products(first, metafields=fields)
        if table.name == "variants":
            return catalogue.variants(first, metafields=fields)
        return catalogue.inventory(first)

    def keep_lease(self) -> None:
        """Renew the lease now and then."""
        if self.systems.clock.monotonic() - self.renewed > leases.RENEW_AFTER:
            self.lease = leases.renew(self.home.store, self.lease)
            self.renewed = self.systems.clock.monotonic()


def _bare(header: str) -> str:
    """A metafield header without the table it may name first (``variants:Metafield: custom.size [...]``)."""
    table, _, rest = header.partition(":")
    return rest if table in TABLES else header


def _meant_for(header: str, name: str) -> bool:
    table = header.partition(":")[0]
    return (table if table in TABLES else "products") == name and metafield(_bare(header)) is not None


@dataclass(slots=True)
class _Pages:
    """One table's pages against one tab's rows."""

    owner: _Import
    reader: TabReader
    base: TableBaseline
    counts: TableCounts
    rows: dict[str, Row] = field(default_factory=dict)
    doubles: set[str] = field(default_factory=set)
    waiting: list[Record] = field(default_factory=list)
    edits: list[RowWrite] = field(default_factory=list)
    nameless: dict[tuple[str, ...], Row] = field(default_factory=dict)
    told: str = ""

    def run(self, name: str, total: int) -> set[str]:
        """Compare and write page after page; the keys of all records read."""
        self.told = self.reader.told
        for row in self.reader.rows():
            if row.key:
                if row.key in self.rows:
                    self.doubles.add(row.key)
                self.rows[row.key] = row
            elif not row.findings:
                self.nameless[row.natural_key(self.reader.layout.table)] = row
        self.nameless.pop((), None)
        seen: set[str] = set()
        for page in self.owner.pages(self.reader.layout.table):
            self._page([record for record in page.records if record.key not in seen])
            seen.update(record.key for record in page.records)
            self.owner.watch(name, self.counts.read, max(total, self.counts.read))
            self.owner.keep_lease()
        self._write(self.edits)
        self._append(self.waiting)
        self._spare_rows(len(self.rows) + self.counts.new)
        return seen

    def _page(self, records: Sequence[Record]) -> None:
        self.counts.read += len(records)
        self._adopt(records)
        for record in records:
            row = self.rows.get(record.key)
            if row is None:
                self.waiting.append(record)
            elif record.key in self.doubles or row.findings:
                self._reject(record, row)
            else:
                self._existing(record, row)
        # In blocks, not page by page: each writing looks at whole columns first, and Sheets allows 60 calls a minute.
        if len(self.edits) >= ROWS_AT_ONCE:
            self._write(self.edits)
            self.edits = []
        if len(self.waiting) >= ROWS_AT_ONCE:
            self._append(self.waiting)
            self.waiting = []

    def _adopt(self, records: Sequence[Record]) -> None:
        """Rows without id that name a record of the shop (by handle, by product and options) get its id."""
        table = self.reader.layout.table
        found: dict[int, tuple[Record, Row, tuple[str, ...]]] = {}
        for record in records if self.nameless else ():
            for name in _names(table, record):
                row = self.nameless.pop(name, None) if record.key not in self.rows else None
                if row is not None:
                    found[len(found)] = (record, row, name)
        ids = [name for name in table.key if name in self.reader.layout.columns]
        writes = [
            RowWrite(number, "", name, {each: (None, record.values[each]) for each in ids})
            for number, (record, _, name) in found.items()
        ]
        problems = self._writer().write(writes)
        for number, (record, row, _) in found.items():
            if number not in problems:
                self.rows[record.key] = row

    def _reject(self, record: Record, row: Row) -> None:
        self.counts.rejected += 1
        if row.findings:
            self.owner.findings.extend(row.findings)
        else:
            table = self.reader.layout.table
            header = table.by_name[table.key[0]].header
            self.owner.findings.append(
                Finding(
                    "error", "duplicate_key", table.title, row.number, header, record.key,
                    "Several rows have this id; none of them was updated.", "Keep one of these rows.",
                )
            )  # fmt: skip

    def _existing(self, record: Record, row: Row) -> None:
        todo: dict[str, tuple[Value, Value]] = {}
        agreed: dict[str, str] = {}
        kept = conflicted = False
        marks = self.base.marks(record.key)
        for each in self.reader.layout.table.fields:
            if each.name not in self.reader.layout.columns or each.name not in record.values:
                continue
            mine, theirs = row.values[each.name], record.values[each.name]
            base = marks.get(each.name, UNKNOWN)
            verdict = self._verdict(record, mine, base, theirs, owned=each.owned)
            if verdict is Verdict.FETCH:
                todo[each.name] = (mine, theirs)
            elif verdict is Verdict.AGREED and each.owned:
                agreed[each.name] = fingerprint(theirs)
            kept |= verdict is Verdict.SEND
            conflicted |= verdict is Verdict.CONFLICT
        if agreed and not self.base.unchanged(record.key, agreed):
            self.base.agree(record.key, agreed)
        if todo:
            self.edits.append(RowWrite(len(self.edits), record.key, (), todo))
        elif len(agreed) == len(self.reader.layout.owned):
            self.base.saw(record.key, row.look, self.told)
        self.counts.conflicted += conflicted
        self.counts.updated += bool(todo) and not conflicted
        self.counts.kept += kept and not todo and not conflicted
        self.counts.unchanged += not (kept or todo or conflicted)

    def _verdict(self, record: Record, mine: Value, base: str | Unknown, theirs: Value, *, owned: bool) -> Verdict:
        """Columns that only inform always follow the shop; in the others a person's edit stays."""
        if not owned:
            return Verdict.AGREED if mine == theirs else Verdict.FETCH
        verdict = decide(mine, base, theirs)
        if verdict is Verdict.LEAVE and mine is None and base is UNKNOWN:
            return Verdict.FETCH  # a blank that never was anything is filled in
        if verdict is Verdict.CONFLICT:
            won = winner(self.owner.options.policy, sheet_edited_at="", shop_updated_at=record.updated_at)
            return {"shop": Verdict.FETCH, "sheet": Verdict.SEND}.get(won or "", Verdict.CONFLICT)
        return verdict

    def _writer(self) -> KeyedWriter:
        reader = self.reader
        columns = SheetColumns(self.owner.systems.sheets, reader.info.id, reader.tab.title, reader.tab.sheet_id)
        return KeyedWriter(reader.layout, columns, reader.money_digits)

    def _write(self, edits: Sequence[RowWrite]) -> None:
        if not edits:
            return
        reader = self.reader
        problems = self._writer().write(edits)
        for each in edits:
            problem = problems.get(each.item)
            if problem is None:
                self._agree(each.key, {name: after for name, (_, after) in each.values.items()})
            else:
                self.owner.findings.append(_unwritten(reader.layout.table, each, self.rows[each.key], problem))

    def _append(self, new: Sequence[Record]) -> None:
        """New records after the last row, in one atomic request; an unknown outcome is looked up, not repeated."""
        if not new:
            return
        sheets, reader = self.owner.systems.sheets, self.reader
        rows = [_cells(reader, record) for record in new]
        try:
            sheets.append_rows_at_end(reader.info.id, reader.tab.sheet_id, rows)
        except Unavailable:
            keys = {row.key for row in self._fresh_rows()}
            missing = [record for record in new if record.key not in keys]
            if len(missing) not in {0, len(new)}:
                raise
            if missing:
                sheets.append_rows_at_end(reader.info.id, reader.tab.sheet_id, rows)
        for record in new:
            self._agree(record.key, record.values)
        self.counts.new += len(new)

    def _spare_rows(self, used: int) -> None:
        """Leave room below the last record for people to type in."""
        missing = used + 1 + SPARE_ROWS // 2 - self.reader.tab.row_count
        if self.counts.new and missing > 0:
            more = {"sheetId": self.reader.tab.sheet_id, "dimension": "ROWS", "length": SPARE_ROWS}
            self.owner.systems.sheets.batch_update(
                self.reader.info.id, [{"appendDimension": more}], safety="repeatable"
            )

    def _agree(self, key: str, values: Mapping[str, Value]) -> None:
        """Both sides now say the same. Columns that only inform are not part of the baseline."""
        marks = {each.name: fingerprint(values[each.name]) for each in self.reader.layout.owned if each.name in values}
        if marks:
            self.base.agree(key, marks)

    def _fresh_rows(self) -> Iterator[Row]:
        info = self.owner.systems.sheets.info(self.reader.info.id)
        opened = open_tab(self.owner.systems, info, TABLES[self.reader.layout.table.name], self.reader.money_digits)
        assert isinstance(opened, TabReader)
        return opened.rows()


def _names(table: Table, record: Record) -> list[tuple[str, ...]]:
    """What a row without id may call this record; a new variant's row may name its product by handle alone."""
    names = [table.natural_key_of(record.values), table.natural_key_of({**record.values, "product_id": None})]
    return [name for name in dict.fromkeys(names) if name]


def _cells(reader: TabReader, record: Record) -> list[Cell | Decimal]:
    """A new row's cells: ours filled in, columns of others left blank."""
    width = max(reader.layout.columns.values()) + 1
    cells: list[Cell | Decimal] = [None] * width
    for name, column in reader.layout.columns.items():
        value = record.values.get(name)
        if value is not None:
            cells[column] = write_cell(reader.layout.table.by_name[name].kind, value)
    return cells


def _gone(table: Table, keys: Sequence[str], rows: Mapping[str, Row]) -> Finding:
    numbers = ", ".join(str(rows[key].number) for key in keys[:10]) + (" …" if len(keys) > len(keys[:10]) else "")
    return Finding(
        "warning",
        "deleted_in_shop",
        table.title,
        rows[keys[0]].number,
        table.by_name[table.key[0]].header,
        keys[0],
        f"{len(keys)} {table.noun}(s) are no longer in the shop (rows {numbers}). Their rows were left alone.",
        "Delete these rows, or clear their id to make them anew.",
    )


def _unwritten(table: Table, write: RowWrite, row: Row, problem: str) -> Finding:
    headers = ", ".join(table.by_name[name].header for name in write.values)
    return Finding("warning", "not_written", table.title, row.number, headers, write.key, problem)


def _make_tab(systems: Systems, spreadsheet_id: str, table: Table) -> Tab:
    """A new tab: header in bold and frozen, ids and texts as plain text, so that Sheets turns nothing into numbers."""
    try:
        tab = systems.sheets.add_tab(spreadsheet_id, table.title, rows=SPARE_ROWS, columns=max(len(table.fields), 12))
    except Refused as error:
        if error.reason != "duplicate":
            raise
        return systems.sheets.info(spreadsheet_id).tab(table.title)
    texts = [_as_text(tab, at) for at, each in enumerate(table.fields) if each.kind in _TEXTS]
    frozen = {"properties": {"sheetId": tab.sheet_id, "gridProperties": {"frozenRowCount": 1}}}
    bold = {
        "range": {"sheetId": tab.sheet_id, "startRowIndex": 0, "endRowIndex": 1},
        "cell": {"userEnteredFormat": {"textFormat": {"bold": True}}},
        "fields": "userEnteredFormat.textFormat.bold",
    }
    requests: list[dict[str, object]] = [
        {"updateSheetProperties": {**frozen, "fields": "gridProperties.frozenRowCount"}},
        {"repeatCell": bold},
        *texts,
    ]
    systems.sheets.batch_update(spreadsheet_id, requests, safety="repeatable")
    return tab


_TEXTS = {Kind.TEXT, Kind.MULTILINE, Kind.ID, Kind.TAGS}


def _as_text(tab: Tab, column: int) -> dict[str, object]:
    where = {"sheetId": tab.sheet_id, "startRowIndex": 1, "startColumnIndex": column, "endColumnIndex": column + 1}
    cell = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    return {"repeatCell": {"range": where, "cell": cell, "fields": "userEnteredFormat.numberFormat"}}


@dataclass(frozen=True, slots=True)
class _Addition:
    """Columns of ours that a tab lacks, and the column (from 0) they go to."""

    tab: Tab
    fields: tuple[Field, ...]
    at: int


def _addition(systems: Systems, spreadsheet_id: str, tab: Tab, table: Table) -> _Addition:
    """What is missing in a tab's header; an empty tab lacks everything."""
    found = systems.sheets.read_ranges(spreadsheet_id, [f"{_quoted(tab)}!1:1"])[0]
    header: list[Cell] = found[0] if found else []
    layout = lay_out(table, header, tab.title)
    for finding in layout.findings:
        if finding.rule == "duplicate_column" or (finding.rule == "missing_column" and layout.columns):
            raise PlanError(f"The tab “{tab.title}” cannot be used: {finding.message}", advice=finding.advice)
    used = max((at + 1 for at, cell in enumerate(header) if cell not in {None, ""}), default=0)
    return _Addition(tab, tuple(each for each in table.fields if each.name not in layout.columns), used)


def _add_columns(systems: Systems, spreadsheet_id: str, addition: _Addition) -> None:
    """Write the missing headers after the last used column."""
    tab, missing = addition.tab, [each.header for each in addition.fields]
    if not missing:
        return
    wanted = addition.at + len(missing)
    if wanted > tab.column_count:
        more = {"sheetId": tab.sheet_id, "dimension": "COLUMNS", "length": wanted - tab.column_count}
        systems.sheets.batch_update(spreadsheet_id, [{"appendDimension": more}], safety="repeatable")
    where = f"{_quoted(tab)}!{letter(addition.at)}1:{letter(wanted - 1)}1"
    systems.sheets.write_ranges(spreadsheet_id, [(where, [missing])])


def _quoted(tab: Tab) -> str:
    return "'" + tab.title.replace("'", "''") + "'"

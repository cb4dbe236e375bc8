"""One import from beginning to end: lease, tabs, table after table, baseline, audit."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog import database
from sheets_catalog.books import Books
from sheets_catalog.changes.plan import Finding
from sheets_catalog.errors import BooksError, InputError, PlanError, SheetsCatalogError
from sheets_catalog.flows import control
from sheets_catalog.flows.auditing import error_log, figures_of
from sheets_catalog.flows.importing.counting import ImportOptions, ImportResult, TableCounts
from sheets_catalog.flows.importing.merging import Merging
from sheets_catalog.flows.importing.preparing import add_columns, lacking
from sheets_catalog.flows.importing.telling import Telling
from sheets_catalog.flows.importing.writing import TabWriter
from sheets_catalog.flows.reading import open_tab, tab_gone
from sheets_catalog.jobs import lease as leases
from sheets_catalog.records import TABLES, metafield

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sheets_catalog.changes.baseline import Baseline
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.sheets import SpreadsheetInfo
    from sheets_catalog.jobs.lease import Lease
    from sheets_catalog.records import Table
    from sheets_catalog.shopify import Counts, Page

FLOW = "catalogue"


def import_catalogue(
    systems: Systems,
    audit: database.Audit,
    options: ImportOptions | None = None,
    watcher: Callable[[str, int, int], None] | None = None,
) -> ImportResult:
    """Bring the shop's catalogue into the sheet. `watcher` is told (table, records done, records in all).

    Raises `BusyError` when another run works on the sheet, `InputError` for a sheet that cannot be used, `BooksError`
    when records went missing or the shop's list ended early; what was written until then stays, and importing again
    goes on. Options that cannot be followed are an `InputError` before anything is read or written.
    """
    options = options or ImportOptions()
    _check(options)
    session_id = f"import-{secrets.token_hex(8)}"
    home = control.find_or_make(systems)
    lease = leases.acquire(home.store, FLOW, session_id, leases.this_run())
    run = _Import(systems, audit, session_id, options, watcher or _silent, home, lease)
    try:
        return _audited(run)
    finally:
        leases.release(home.store, run.lease)


def _audited(run: _Import) -> ImportResult:
    """The import as a session of the audit, which names the spreadsheet by its title."""
    systems, audit, session_id = run.systems, run.audit, run.session_id
    info = systems.sheets.info(systems.connection.spreadsheet_id)
    start = _start(systems, session_id, info.title, run.options)
    audit.session_started(start)
    try:
        result = run.go(info)
    except SheetsCatalogError as error:
        audit.error(error_log(session_id, error))
        now = systems.clock.now()
        audit.session_finished(database.SessionEnd(session_id, "stopped", now, run.books, error.message))
        raise
    now = systems.clock.now()
    seconds = (now - start.started_at).total_seconds()
    audit.metrics(session_id, session_id, figures_of(systems.calls.figures, result.books.done, seconds))
    audit.session_finished(database.SessionEnd(session_id, "completed", now, result.books))
    return result


def _check(options: ImportOptions) -> None:
    """Raises `InputError` for a table there is not, and for a metafield column that would not come."""
    unknown = [name for name in options.tables if name not in TABLES]
    if unknown:
        raise InputError(f"Unknown table {', '.join(unknown)}; expected {', '.join(TABLES)}.")
    for header in options.metafields:
        name = _table_of(header)
        if metafield(_bare(header)) is None or name == "inventory":
            raise InputError(
                f"A metafield column cannot be added: found “{header}”, "
                f"expected “Metafield: custom.material [single_line_text_field]”.",
                advice="Write namespace, key and type as the shop has them; with “variants:” in front it goes to "
                "Variants, else to Products.",
            )
        if name not in options.tables:
            raise InputError(
                f"The metafield column “{header}” belongs to {TABLES[name].title}, which is not imported.",
                advice=f"Import {TABLES[name].title} too, or leave the column out.",
            )


def _silent(table: str, done: int, total: int) -> None:
    """Tell nobody."""


def _start(systems: Systems, session_id: str, title: str, options: ImportOptions) -> database.SessionStart:
    return database.SessionStart(
        session_id,
        "import",
        systems.clock.now(),
        title=f"Import from {systems.shop_name}",
        spreadsheet_id=systems.connection.spreadsheet_id,
        spreadsheet_title=title,
        shop=systems.shop_name,
        actor=options.actor or systems.connection.actor,
        details={"policy": options.policy, "tables": ", ".join(options.tables)},
    )


@dataclass(slots=True)
class _Import:
    """One import under way."""

    systems: Systems
    audit: database.Audit
    session_id: str
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

    def go(self, info: SpreadsheetInfo) -> ImportResult:
        """Import every table, then store the baseline. `info`: the spreadsheet as it is now."""
        self.renewed = self.systems.clock.monotonic()
        baseline, trouble = self.home.load()
        if trouble:
            self.findings.append(Finding("warning", "baseline", "", 0, "", "", trouble))
        baseline = self._prepare_tabs(baseline, info)
        try:
            self._tables(baseline)
        except SheetsCatalogError:  # what was written is agreed on: a cell that is put back afterwards is an edit
            if any(counts.read for counts in self.counts.values()):
                with suppress(SheetsCatalogError):  # not while another run holds the lease
                    self.lease = leases.renew(self.home.store, self.lease)
                    self.home.save(baseline, job_id=self.session_id)
            raise
        books = self.books
        if not books.balanced:
            raise BooksError(f"The books of this import do not balance: {books}.")
        self.home.save(baseline, job_id=self.session_id)
        return ImportResult(books, self.counts, tuple(self.findings), self.systems.calls.figures, self.session_id)

    def _tables(self, baseline: Baseline) -> None:
        expected = self.systems.catalogue.counts()
        for name in self.options.tables:
            self._table(name, baseline, expected)

    def _prepare_tabs(self, baseline: Baseline, info: SpreadsheetInfo) -> Baseline:
        """Make missing tabs with their headers, and add missing columns of ours after the last one.

        The baseline first forgets a column that was removed: its new, blank cells were not cleared by anybody.
        """
        tables = [TABLES[name].with_metafields(self._metafields(name)) for name in self.options.tables]
        for each in tables:
            if each.title not in info.tabs and (known := len(baseline.table(each.name).rows)):
                raise tab_gone(info, each, known)
        additions = [lacking(self.systems, info, table) for table in tables]
        returning = [
            (table.name, each.name)
            for table, addition in zip(tables, additions, strict=True)
            for each in addition.fields
            if each.name in baseline.table(table.name).fields
        ]
        if returning:
            for table, name in returning:
                baseline.table(table).forget_field(name)
            baseline = self.home.save(baseline, job_id=f"{self.session_id}-columns")
        for addition in additions:
            add_columns(self.systems, info.id, addition)
        return baseline

    def _metafields(self, name: str) -> list[str]:
        return [_bare(header) for header in self.options.metafields if _table_of(header) == name]

    def _table(self, name: str, baseline: Baseline, expected: Counts) -> None:
        counts = self.counts[name] = TableCounts()
        info = self.systems.sheets.info(self.systems.connection.spreadsheet_id)
        reader = open_tab(self.systems, info, TABLES[name], self.systems.catalogue.info.money_digits)
        if isinstance(reader, Finding):
            raise PlanError(reader.message, advice=reader.advice)
        if not reader.layout.usable:
            first = reader.layout.findings[0]
            raise PlanError(f"The tab “{reader.tab.title}” cannot be used: {first.message}", advice=first.advice)
        self.findings.extend(reader.layout.findings)
        writer = TabWriter(self.systems, reader, baseline.table(name))
        telling = Telling(self.audit, self.session_id, reader.layout)
        merging = Merging(reader, baseline.table(name), writer, self.options.policy, counts, self.findings, telling)
        merging.read_rows()
        total = 0 if name == "inventory" else _listed(name, expected)
        nodes = 0
        for page in self._pages(reader.layout.table):
            merging.take(page.records)
            nodes += page.nodes
            self.watch(name, counts.read, max(total, counts.read))
            self._keep_lease()
        self._check_whole(name, nodes, expected)
        merging.finish()

    def _check_whole(self, name: str, came: int, expected: Counts) -> None:
        """Raises `BooksError` when the shop's list ended before all of its records had come.

        `came`: products or variants that were listed; `expected`: how many there were at the beginning. Some may have
        been deleted since, so the shop is asked once more. A count that is not exact is one that there are at least.
        """
        if came >= _listed(name, expected) or came >= _listed(name, self.systems.catalogue.counts()):
            return
        number, noun = _listed(name, expected), "product" if name == "products" else "variant"
        told = f"only {came}" if came else "none"
        if name == "inventory":
            told = f"the stock of {told}"
        raise BooksError(
            f"The shop says it has {number} {noun}s, but {told} came.",
            advice="Import again: no record was taken for deleted.",
        )

    def _pages(self, table: Table) -> Iterator[Page]:
        """The shop's records, page by page."""
        catalogue, first = self.systems.catalogue, self.options.page
        fields = [each for each in table.fields if each.metafield_type]
        if table.name == "products":
            return catalogue.products(first, metafields=fields)
        if table.name == "variants":
            return catalogue.variants(first, metafields=fields)
        return catalogue.inventory(first)

    def _keep_lease(self) -> None:
        """Renew the lease now and then."""
        if self.systems.clock.monotonic() - self.renewed > leases.RENEW_AFTER:
            self.lease = leases.renew(self.home.store, self.lease)
            self.renewed = self.systems.clock.monotonic()


def _listed(name: str, counts: Counts) -> int:
    """How many things the shop lists for a table: stock is listed by variants."""
    return counts.products if name == "products" else counts.variants


def _bare(header: str) -> str:
    """A metafield header without the table it may name first (``variants:Metafield: custom.size [...]``)."""
    table, _, rest = header.partition(":")
    return rest if table in TABLES else header


def _table_of(header: str) -> str:
    """The table a metafield header is meant for."""
    table = header.partition(":")[0]
    return table if table in TABLES else "products"

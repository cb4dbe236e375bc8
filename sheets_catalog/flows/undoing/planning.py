"""Making the plan that undoes a job: the audit, the sheet and the shop, read and compared. Writes nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sheets_catalog.changes.plan import UNDO, Finding, Plan
from sheets_catalog.errors import PlanError
from sheets_catalog.flows import control
from sheets_catalog.flows.exporting.batching import order
from sheets_catalog.flows.exporting.estimating import estimate
from sheets_catalog.flows.exporting.looking import fetch
from sheets_catalog.flows.exporting.planning import CONFLICTS_TAB, LISTED, layouts_of, metafield_headers, tables_read
from sheets_catalog.flows.exporting.readiness import readiness
from sheets_catalog.flows.reading import TabReader, open_tab
from sheets_catalog.flows.row_looks import is_formula
from sheets_catalog.flows.sheet_columns import SheetColumns
from sheets_catalog.flows.tabs import double_keys
from sheets_catalog.flows.undoing import creations, history
from sheets_catalog.flows.undoing.as_made import handle_of
from sheets_catalog.flows.undoing.comparing import ADVICE, UNDO_OF_UNDO, Place, Undoing, left, undo_record
from sheets_catalog.flows.undoing.creations import Creations
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sheets_catalog.changes.baseline import Baseline
    from sheets_catalog.database import Audit, RecordEntry
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.flows.undoing.creations import Made
    from sheets_catalog.flows.undoing.history import History
    from sheets_catalog.google.sheets import SpreadsheetInfo
    from sheets_catalog.records import Record

Created = Literal["keep", "archive", "delete"]
"""What becomes of records that the job made: products may be archived or deleted, variants only deleted."""


@dataclass(slots=True)
class _Planning:
    """What one planning run has found so far."""

    systems: Systems
    note: Callable[[str, int, int], None]
    info: SpreadsheetInfo
    baseline: Baseline
    money_digits: int
    history: History
    created: Created
    readers: dict[str, TabReader] = field(default_factory=dict)
    creations: Creations = field(default_factory=Creations)
    out: Undoing = field(default_factory=Undoing)
    totals: dict[str, int] = field(default_factory=dict)


def plan_undo(
    systems: Systems,
    audit: Audit,
    job_id: str,
    *,
    created: Created = "keep",
    actor: str = "",
    batch_size: int | None = None,
    note: Callable[[str, int, int], None] | None = None,
) -> Plan:
    """The plan that puts back what the job changed, in shop and sheet, where both still have what it sent.

    It is stored and applied as any export's. What cannot be undone stands in its findings, record by record. `created`:
    what becomes of records that the job made. `batch_size`: as it will be applied, for the estimate. An undo can be
    undone as well; a finding says so. `note` is told (phase, done, total) as it goes on. Raises `InputError`
    for a job that cannot be undone here: unknown, not an export, of another sheet or shop, or not ended.
    """
    run = _begin(systems, history.read(systems, audit, job_id), created, note or _silent)
    for name in TABLES:
        if run.history.of(name):
            _open(run, name)
    _look_for_made(run)
    for reader in run.readers.values():
        _undo_tab(run, reader)
    _name_deleted(run)
    _warn_of_undo(run)
    return _freeze(run, actor, batch_size)


def _warn_of_undo(run: _Planning) -> None:
    """Undoing an undo brings back what it had taken out: that is said before anybody agrees to it."""
    past = run.history.session
    undone = past.details.get(history.UNDO_OF)
    if undone and run.out.changes:
        message = f"Job {past.session_id} is itself an undo, of job {undone}: undoing it brings that job's values back."
        about = (run.info.title, 0, "", str(undone))
        run.out.findings.insert(0, Finding("warning", UNDO_OF_UNDO, *about, message, ADVICE[UNDO_OF_UNDO]))


def _silent(phase: str, done: int, total: int) -> None:
    """Tell nobody."""


def _begin(systems: Systems, past: History, created: Created, note: Callable[[str, int, int], None]) -> _Planning:
    note("sheet", 0, 0)
    info = systems.sheets.info(systems.connection.spreadsheet_id)
    home = control.find(systems)
    if home.sheet.trashed:
        raise control.trashed("spreadsheet")
    baseline, _ = home.load()
    return _Planning(systems, note, info, baseline, systems.catalogue.info.money_digits, past, created)


def _open(run: _Planning, name: str) -> None:
    """Open a tab in which the job did anything; without it, its records are counted as left alone."""
    reader = open_tab(run.systems, run.info, TABLES[name], run.money_digits)
    if isinstance(reader, Finding):
        run.out.findings.append(reader)
        run.out.settle(rejected=len(run.history.of(name)))
        return
    if not reader.layout.usable:
        trouble = reader.layout.findings[0]
        raise PlanError(f"The tab “{reader.tab.title}” cannot be read: {trouble.message}", advice=trouble.advice)
    run.readers[name] = reader


def _undo_tab(run: _Planning, reader: TabReader) -> None:
    """Plan the undoing of everything the job did in one tab, and count the tab's other records."""
    name = reader.layout.table.name
    entries = {entry.record_key: entry for entry in run.history.updated if entry.table == name}
    made = run.creations.made.get(name, {})
    run.note(f"compare {name}", 0, 0)
    rows = _rows(run, reader, {*entries, *made})
    run.totals[name] += len({*entries, *made})
    shop = _records(run, reader, [*entries])
    formulas = _formulas(run, reader, entries, rows)
    work = _work_on_variants(run, made.values()) if run.created == "delete" else {}
    for key in dict.fromkeys([*entries, *made]):
        trouble = _unclear(reader, key, rows.get(key, []))
        if trouble:
            run.out.findings += trouble
            run.out.settle(rejected=1)
            continue
        row, record = next(iter(rows.get(key, ())), None), shop.get(key)
        if key in made:
            place = Place(reader.layout, row, made[key].record, run.money_digits)
            _REMOVE[run.created](made[key], place, run.out, work.get(key, ""))
        else:
            told = run.history.sides_told
            place = Place(reader.layout, row, record, run.money_digits, formulas.get(key, ()), told)
            undo_record(entries[key], place, run.out)


def _work_on_variants(run: _Planning, products: Iterable[Made]) -> Mapping[str, str]:
    """By product, what somebody edited in the rows of the variants that would go with it."""
    reader = run.readers.get("variants")
    within = {key: made for product in products for key, made in product.within.items()}
    found: dict[str, str] = {}
    if reader is None or not within:
        return found
    for row in reader.rows():
        made = within.get(row.key or "")
        edited = creations.edited_in_row(made, Place(reader.layout, row, made.record, run.money_digits)) if made else ()
        if made and edited:
            found[made.product_id] = f"The row of a variant of it was edited since ({', '.join(edited)})."
    return found


_REMOVE = {"archive": creations.archive, "delete": creations.delete}


def _unclear(reader: TabReader, key: str, rows: Sequence[Row]) -> list[Finding]:
    """Why it cannot be told which cells are the record's: several rows have its key, or cells are merged."""
    if len(rows) > 1:
        return double_keys(reader.layout.table, {(key,): [row.number for row in rows]}, "id")
    return [finding for row in rows for finding in row.findings if finding.rule == "merged_cells"]


def _look_for_made(run: _Planning) -> None:
    """Find what the job made, if it is to be removed, and name what stays."""
    tables = tables_read(run.readers)
    entries = [entry for entry in run.history.created if entry.table in run.readers]
    stay = [
        entry for entry in entries if run.created == "keep" or (run.created, entry.table) == ("archive", "variants")
    ]
    if run.created != "keep":
        looked_for = [entry for entry in entries if run.created == "delete" or entry.table == "products"]
        run.creations = creations.find(run.systems, run.history.session.session_id, looked_for, tables)
    within = {handle_of(entry) for entry in entries if entry.table == "products"}
    for entry in stay:
        if run.created == "keep" or handle_of(entry) not in within:
            noun = TABLES[entry.table].noun
            run.out.findings.append(left("created", TABLES[entry.table], entry, f"The job made this {noun}; it stays."))
    for entry, why in run.creations.missing:
        run.out.findings.append(left("created", TABLES[entry.table], entry, why))


def _name_deleted(run: _Planning) -> None:
    for entry in run.history.deleted:
        if entry.table in run.readers:
            table = TABLES[entry.table]
            run.out.findings.append(left("deleted", table, entry, f"The job deleted this {table.noun}."))
            run.out.settle(rejected=1)


def _rows(run: _Planning, reader: TabReader, wanted: Collection[str]) -> Mapping[str, list[Row]]:
    """The rows of these records, by key; all others are counted as left alone."""
    found: dict[str, list[Row]] = {}
    others = 0
    for row in reader.rows():
        if row.key and row.key in wanted:
            found.setdefault(row.key, []).append(row)
        else:
            others += 1
    run.out.settle(unchanged=others)
    run.totals[reader.layout.table.name] = others
    return found


def _records(run: _Planning, reader: TabReader, keys: Sequence[str]) -> Mapping[str, Record]:
    shop: dict[str, Record] = {}
    for first in range(0, len(keys), _AT_ONCE):
        run.note(f"shop {reader.layout.table.name}", first, len(keys))
        shop.update(fetch(run.systems, reader.layout.table, keys[first : first + _AT_ONCE]))
    return shop


_AT_ONCE = 1_000
"""Records looked up between two words of progress."""


def _formulas(
    run: _Planning, reader: TabReader, entries: Mapping[str, RecordEntry], rows: Mapping[str, Sequence[Row]]
) -> Mapping[str, set[str]]:
    """By record key, which of its undone fields stand in the sheet as a formula: one call for the whole tab."""
    columns = reader.layout.columns
    names = sorted({each.field for entry in entries.values() for each in entry.changes if each.field in columns})
    if not names or not rows:
        return {}
    sheet = SheetColumns(run.systems.sheets, run.info.id, reader.tab.title, reader.tab.sheet_id)
    found: dict[str, set[str]] = {}
    for name, cells in zip(names, sheet.read([columns[name] for name in names], formulas=True), strict=True):
        for key, (row, *_) in rows.items():
            shown = cells[row.number - 2] if row.number - 2 < len(cells) else None
            if is_formula(shown, row.cell(columns[name])):
                found.setdefault(key, set()).add(name)
    return found


def _freeze(run: _Planning, actor: str, batch_size: int | None) -> Plan:
    out, past = run.out, run.history.session
    changes = sorted(out.changes, key=order)
    cost = estimate(changes, run.systems.shop.throttle, batch_size=batch_size)
    return Plan(
        id=secrets.token_hex(8),
        flow="export",
        created_at=run.systems.clock.now().isoformat(timespec="seconds"),
        spreadsheet_id=run.info.id,
        spreadsheet_title=run.info.title,
        shop=run.systems.shop_name,
        tables=tuple(run.readers),
        policy="ask",
        actor=actor or run.systems.connection.actor,
        changes=tuple(changes),
        conflicts=(),
        findings=(*out.findings, *readiness(run.systems, run.info, changes, cost, layouts_of(run.readers))),
        agreements=tuple(out.agreements),
        settled=out.books,
        estimate=cost,
        baseline_generation=run.baseline.generation,
        options={
            UNDO: past.session_id,
            "money_digits": str(run.money_digits),
            CONFLICTS_TAB: LISTED,  # open conflicts of an export are not this plan's business
            **{name: "\n".join(metafield_headers(reader)) for name, reader in run.readers.items()},
        },
        totals={name: run.totals.get(name, len(run.baseline.table(name).rows)) for name in TABLES},
    )

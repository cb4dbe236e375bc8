"""Making the plan of an export: read the sheet, sift, ask the shop about what changed, compare. Writes nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sheets_catalog.books import Books
from sheets_catalog.changes.compare import Policy  # noqa: TC001 - part of a public dataclass
from sheets_catalog.changes.plan import Finding, Plan
from sheets_catalog.errors import InputError, PlanError
from sheets_catalog.flows import conflicts_tab, control
from sheets_catalog.flows.exporting import creating
from sheets_catalog.flows.exporting.batching import order
from sheets_catalog.flows.exporting.comparing import Compared, Rules, compare_rows
from sheets_catalog.flows.exporting.estimating import Look, estimate
from sheets_catalog.flows.exporting.looking import fetch
from sheets_catalog.flows.exporting.readiness import readiness
from sheets_catalog.flows.exporting.removing import archiving, deletion, product_deletions, still_there
from sheets_catalog.flows.exporting.sifting import Sifted, sift
from sheets_catalog.flows.exporting.unlinked import missing, withhold
from sheets_catalog.flows.reading import TabReader, open_tab, tab_gone
from sheets_catalog.flows.tabs import normal
from sheets_catalog.records import PRODUCTS, TABLES, VARIANTS
from sheets_catalog.shopify.throttle import cost_of_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from sheets_catalog.changes.baseline import Baseline
    from sheets_catalog.changes.plan import Conflict
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.google.sheets import SpreadsheetInfo
    from sheets_catalog.records import Record, Table

Deletes = Literal["ignore", "archive", "delete"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a person may choose.

    `deletes`: what happens to records whose row is gone from the sheet. `include_hidden`: whether rows that are hidden
    by hand or by a filter count. `change_share`, `delete_share`: the mass-change guard asks above these shares of a
    table's records. `actor`: who asks, for the audit.
    """

    tables: tuple[str, ...] = tuple(TABLES)
    policy: Policy = "ask"
    deletes: Deletes = "ignore"
    include_hidden: bool = True
    batch_size: int | None = None
    change_share: float = 0.5
    delete_share: float = 0.05
    actor: str = ""


@dataclass(slots=True)
class _Planning:
    """What one planning run has found so far."""

    systems: Systems
    options: ExportOptions
    note: Callable[[str, int, int], None]
    info: SpreadsheetInfo
    baseline: Baseline
    shown: conflicts_tab.Shown
    rules: Rules
    money_digits: int
    findings: list[Finding] = field(default_factory=list)
    readers: dict[str, TabReader] = field(default_factory=dict)
    sifted: dict[str, Sifted] = field(default_factory=dict)
    results: list[Compared] = field(default_factory=list)


def plan_export(
    systems: Systems, options: ExportOptions | None = None, note: Callable[[str, int, int], None] | None = None
) -> Plan:
    """Compare sheet, baseline and shop; the plan of what an export would send.

    `note` is told (phase, done, total) as it goes on: ``sheet``, then for each table ``compare TABLE`` (rows read, of
    a number that is known at the end) and ``shop TABLE`` (records asked for). Raises `InputError` for a spreadsheet
    that cannot be compared at all; anything wrong with single rows or columns stands in the plan's findings.
    """
    options = options or ExportOptions()
    _check_tables(options.tables)
    run = _begin(systems, options, note or _silent)
    for name in options.tables:
        _sift_tab(run, name)
    if not run.readers:
        raise InputError(
            f"“{run.info.title}” has none of the tabs {', '.join(TABLES[name].title for name in options.tables)}.",
            advice="Run `sheets-catalog import` first.",
        )
    for name in run.sifted:
        _compare_tab(run, name)
    _plan_creates(run)
    if options.deletes != "ignore":
        _plan_deletes(run)
    else:
        run.findings.extend(_missing_notes(run))
    return _freeze(run)


CONFLICTS_TAB = "conflicts_tab"
"""Option of a plan: whether applying it `CHANGES` the tab of conflicts, or what has to stand there is `LISTED`."""
CHANGES, LISTED = "changes", "listed"


def _silent(phase: str, done: int, total: int) -> None:
    """Tell nobody."""


def _check_tables(names: Iterable[str]) -> None:
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        raise InputError(f"Unknown table {', '.join(unknown)}; expected {', '.join(TABLES)}.")


def _begin(systems: Systems, options: ExportOptions, note: Callable[[str, int, int], None]) -> _Planning:
    note("sheet", 0, 0)
    sheet = systems.connection.spreadsheet_id
    info = systems.sheets.info(sheet)
    home = control.find(systems)
    if home.sheet.trashed:
        raise control.trashed("spreadsheet")
    baseline, trouble = home.load()
    edited = home.sheet.modified
    shown = conflicts_tab.read(systems.sheets, info)
    rules = Rules(options.policy, shown.choices, edited.isoformat() if edited else "")
    shop = systems.catalogue.info
    run = _Planning(systems, options, note, info, baseline, shown, rules, shop.money_digits)
    if trouble:
        run.findings.append(
            Finding(
                "warning",
                "baseline",
                info.title,
                0,
                "",
                "",
                f"{trouble} Everything is compared with the shop directly, and differences are shown as conflicts.",
                "Nothing to do: the next apply writes a new baseline.",
            )
        )
    return run


def _sift_tab(run: _Planning, name: str) -> None:
    table = TABLES[name]
    opened = open_tab(run.systems, run.info, table, run.money_digits, include_hidden=run.options.include_hidden)
    if isinstance(opened, Finding):
        if known := len(missing(run.baseline.table(name))):
            raise tab_gone(run.info, table, known)
        run.findings.append(opened)
        return
    run.findings.extend(opened.layout.findings)
    if not opened.layout.usable:
        raise PlanError(
            f"The tab “{table.title}” cannot be read: {opened.layout.findings[0].message}",
            advice=opened.layout.findings[0].advice,
        )
    base = run.baseline.table(name)
    rows = _told(run, f"compare {name}", opened.rows(base.seen(opened.told)))
    sifted = withhold(run.systems, sift(opened.layout, rows, base, opened.hidden), base)
    if not sifted.rows and (gone := missing(base)):
        raise PlanError(
            f"The tab “{table.title}” is empty, but {len(gone)} records stood there at the last sync.",
            advice="Undo the deletion in the sheet (File, Version history), or run `sheets-catalog import`.",
        )
    run.findings.extend(_columns_gone(opened.layout, run.baseline.table(name).fields))
    run.findings.extend(sifted.findings)
    run.readers[name], run.sifted[name] = opened, sifted
    _reject_reformatted(run, name)


def _told(run: _Planning, phase: str, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows as they come; how many were read is told now and then, and at the end. Nobody knows how many come."""
    number = 0
    run.note(phase, 0, 0)
    for number, row in enumerate(rows, 1):
        if number % _TOLD_EVERY == 0:
            run.note(phase, number, 0)
        yield row
    run.note(phase, number, number)


_TOLD_EVERY = 250
"""Rows read between two words of progress."""


def _columns_gone(layout: Layout, known: Iterable[str]) -> Iterable[Finding]:
    """Columns of the last sync that are not there any more: what people type under another header is not seen."""
    told = {normal(finding.message) for finding in layout.findings}
    for name in known:
        field_ = layout.table.by_name.get(name)
        header = field_.header if field_ else name
        if name in layout.columns or any(normal(f"“{header}”") in text for text in told):
            continue
        yield Finding(
            "warning",
            "missing_column",
            layout.table.title,
            1,
            header,
            "",
            f"The column “{header}” stood there at the last sync and is gone. Its values are left alone.",
            f"If it was renamed, call it “{header}” again. `sheets-catalog import` makes it anew.",
        )


def _reject_reformatted(run: _Planning, name: str) -> None:
    """Leave out rows with a cell that holds something else than it shows; only changed and new ones are looked at."""
    sifted = run.sifted[name]
    findings = run.readers[name].reformatted([*sifted.changed, *sifted.new], run.baseline.table(name))
    broken = {finding.row for finding in findings}
    run.findings.extend(findings)
    sifted.rejected += len(broken)
    sifted.changed = [row for row in sifted.changed if row.number not in broken]
    sifted.new = [row for row in sifted.new if row.number not in broken]


def _compare_tab(run: _Planning, name: str) -> None:
    sifted, layout = run.sifted[name], run.readers[name].layout
    keys = [row.key for row in sifted.changed if row.key]
    shop: dict[str, Record] = {}
    for first in range(0, len(keys), _AT_ONCE):
        run.note(f"shop {name}", first, len(keys))
        shop.update(fetch(run.systems, layout.table, keys[first : first + _AT_ONCE]))
        run.note(f"shop {name}", min(first + _AT_ONCE, len(keys)), len(keys))
    result = compare_rows(layout, sifted.changed, run.baseline.table(name), shop, run.rules)
    result.settle(unchanged=sifted.unchanged)
    result.settle(rejected=sifted.rejected)
    run.results.append(result)


_AT_ONCE = 1_000
"""Records looked up between two words of progress: up to 250 a call, a few calls at once."""


def _plan_creates(run: _Planning) -> None:
    out = Compared()
    products, variants, levels = (run.sifted.get(name) for name in TABLES)
    if products or variants:
        known = _known(run, products, variants)
        apart = _new_apart(run, PRODUCTS) if variants and variants.new and not products else {}
        handles = creating.not_made(products.strangers if products else apart, known)
        if products:
            handles = {**handles, **creating.new_products(run.readers["products"].layout, products.new, known, out)}
        if variants:
            creating.new_variants(run.readers["variants"].layout, variants.new, known, handles, out)
        if products and variants:
            creating.incomplete_products(run.readers["products"].layout, variants.strangers, out)
            creating.unnamed_options(run.readers["products"].layout, run.readers["variants"].layout, out)
        if products:
            creating.valueless_options(run.readers["products"].layout, out)
        if products and not variants and out.changes:
            creating.incomplete_products(run.readers["products"].layout, _new_apart(run, VARIANTS), out, apart=True)
        if products:
            creating.without_variants(run.readers["products"].layout, out)
    if levels:
        creating.new_levels(run.readers["inventory"].layout, levels.new, out)
    run.results.append(out)


def _new_apart(run: _Planning, table: Table) -> Mapping[tuple[str, ...], int]:
    """New rows of a tab that the plan is not about, by natural key."""
    opened = open_tab(run.systems, run.info, table, run.money_digits)
    if isinstance(opened, Finding) or not opened.layout.usable:
        return {}
    nameless = (row for row in opened.rows() if row.key is None)
    return {name: row.number for row in nameless for name in creating.names_of(table, row)}


def _known(run: _Planning, products: Sifted | None, variants: Sifted | None) -> creating.Known:
    """Handles that are taken. The sheet's products are read again only when there are new rows."""
    if not (products and products.new) and not (variants and variants.new):
        return creating.Known({}, {})
    in_sheet = _handles_in_sheet(run)
    wanted = {creating.handle_of(row) for row in products.new} if products else set()
    wanted |= {row.values.get("product_handle") or "" for row in variants.new} if variants else set()
    in_shop = {}
    for handle in sorted(wanted - {""} - set(in_sheet)):
        found = run.systems.catalogue.product_by_handle(handle)
        if found is not None:
            in_shop[handle] = found.product.key
    return creating.Known(in_sheet, in_shop)


def _handles_in_sheet(run: _Planning) -> Mapping[str, str]:
    reader = run.readers.get("products") or open_tab(run.systems, run.info, PRODUCTS, run.money_digits)
    if isinstance(reader, Finding):
        return {}
    keys: dict[str, str] = {}
    for row in reader.rows():
        if row.key and (handle := row.values.get("handle")):
            keys[handle] = row.key if keys.get(handle, row.key) == row.key else ""
    return keys


def _plan_deletes(run: _Planning) -> None:
    """Records that stood in the sheet at the last sync and do not now."""
    out = Compared()
    gone_products: set[str] = set()
    products: list[Record] = []
    for name in ("products", "variants"):
        if name not in run.sifted:
            continue
        layout, base = run.readers[name].layout, run.baseline.table(name)
        gone = missing(base, run.sifted[name].keys)
        shop: dict[str, Record] = {}
        for first in range(0, len(gone), _AT_ONCE):
            shop.update(fetch(run.systems, layout.table, gone[first : first + _AT_ONCE]))
        for key, record in shop.items():
            if unsure := still_there(run.sifted[name], record):
                run.findings.append(unsure)
                continue
            if run.options.deletes == "archive" and record.values.get("status") == "ARCHIVED":
                continue
            if name == "products":
                gone_products.add(key)
                products.append(record)
            elif record.values.get("product_id") not in gone_products and run.options.deletes == "delete":
                out.changes.append(deletion(name, record))
    if run.options.deletes == "archive":
        out.changes += [archiving(record) for record in products]
    else:
        out.changes += product_deletions(run.systems, tables_read(run.readers), products)
    run.results.append(out)


def _missing_notes(run: _Planning) -> Iterable[Finding]:
    for name, sifted in run.sifted.items():
        gone = len(missing(run.baseline.table(name), sifted.keys))
        if gone:
            table = TABLES[name]
            yield Finding(
                "note",
                "missing_rows",
                table.title,
                0,
                "",
                str(gone),
                f"{_counted(gone, table.noun)} gone from the sheet since the last sync. Nothing is deleted.",
                "Plan with --archive or --delete to remove them from the shop, or import to get the rows back.",
            )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun} is" if number == 1 else f"{number} {noun}s are"


def _freeze(run: _Planning) -> Plan:
    changes = sorted((change for result in run.results for change in result.changes), key=order)
    settled = sum((result.books for result in run.results), Books())
    conflicts = tuple(each for result in run.results for each in result.conflicts)
    if conflicts:
        run.shown.check()
    tab = _conflicts_tab(run, conflicts)
    cost = estimate(
        changes,
        run.systems.shop.throttle,
        conflicts_tab=tab == CHANGES,
        batch_size=run.options.batch_size,
        looks={name: _look(run, name) for name in {change.table for change in changes if change.key}},
    )
    findings = [*run.findings, *(each for result in run.results for each in result.findings)]
    findings += _unclear_choices(run, conflicts)
    findings += readiness(run.systems, run.info, changes, cost, layouts_of(run.readers))
    return Plan(
        id=secrets.token_hex(8),
        flow="export",
        created_at=run.systems.clock.now().isoformat(timespec="seconds"),
        spreadsheet_id=run.info.id,
        spreadsheet_title=run.info.title,
        shop=run.systems.shop_name,
        tables=tuple(run.sifted),
        policy=run.options.policy,
        actor=run.options.actor or run.systems.connection.actor,
        changes=tuple(changes),
        conflicts=conflicts,
        findings=tuple(findings),
        agreements=tuple(each for result in run.results for each in result.agreements),
        settled=settled,
        estimate=cost,
        baseline_generation=run.baseline.generation,
        resolved=tuple(each for result in run.results for each in result.resolved),
        options={
            "money_digits": str(run.money_digits),
            CONFLICTS_TAB: tab,
            **{name: "\n".join(metafield_headers(reader)) for name, reader in run.readers.items()},
        },
        totals={name: _total(run, name) for name in TABLES},
    )


def _total(run: _Planning, name: str) -> int:
    """Records of a table: its rows, and those of the last sync whose row is gone."""
    sifted, base = run.sifted.get(name), run.baseline.table(name)
    return len(missing(base)) if sifted is None else sifted.rows + len(missing(base, sifted.keys))


def _unclear_choices(run: _Planning, conflicts: Collection[Conflict]) -> Iterator[Finding]:
    """Choices that were made and do not count: what stands there cannot be told, or was about other values."""
    yield from run.shown.findings(run.sifted)
    for each in conflicts:
        made = run.shown.choices.get((each.table, each.key, each.field))
        if made and not made.about(each.sheet, each.shop):
            yield conflicts_tab.unclear(made.row, made.choice, "It was chosen about other values than there are now")


def _conflicts_tab(run: _Planning, conflicts: Collection[Conflict]) -> str:
    right = run.shown.lists(conflicts, run.sifted) and (run.shown.there or not conflicts)
    return LISTED if right else CHANGES


def all_listed(plan: Plan) -> bool:
    """Whether there is nothing to send, and the sheet already shows every conflict there is."""
    return not plan.to_do and plan.options.get(CONFLICTS_TAB) == LISTED


def _look(run: _Planning, name: str) -> Look:
    """What looking up a record takes, at the price that the shop charged while this was planned."""
    metafields = sum(bool(each.metafield_type) for each in run.readers[name].layout.table.fields)
    price = cost_of_nodes(name, 1, metafields=metafields) * run.systems.shop.correction(f"shopify.{name}_by_id")
    return Look(run.systems.catalogue.ids_per_call(name, metafields), price)


def metafield_headers(reader: TabReader) -> Iterable[str]:
    """What applying needs to know of the tab's metafield columns: their types stand in their headers."""
    return (each.header for each in reader.layout.owned if each.metafield_type)


def layouts_of(readers: Mapping[str, TabReader]) -> dict[str, Layout]:
    """Where the columns of the tabs are that were read, by table."""
    return {name: reader.layout for name, reader in readers.items()}


def tables_read(readers: Mapping[str, TabReader]) -> dict[str, Table]:
    """All tables, with the metafields of the tabs that are read: as `tables_of` has them for the plan made of it."""
    headers = {name: metafield_headers(reader) for name, reader in readers.items()}
    return {name: table.with_metafields(headers.get(name, ())) for name, table in TABLES.items()}


def tables_of(plan: Plan) -> dict[str, Table]:
    """The plan's tables, with the metafields their tabs had."""
    return {name: TABLES[name].with_metafields(plan.options.get(name, "").splitlines()) for name in TABLES}

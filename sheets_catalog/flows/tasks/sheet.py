"""The tasks tab: opened, checked, read, and given the columns that exporting needs (SD-1)."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sheets_catalog.errors import BusyError, InputError, StateError
from sheets_catalog.flows import control
from sheets_catalog.flows.blocks import Blocks, first_block
from sheets_catalog.flows.keyed_writing import KeyedWriter
from sheets_catalog.flows.new_columns import insert_columns
from sheets_catalog.flows.sheet_columns import SheetColumns
from sheets_catalog.flows.tabs import Layout, lay_out
from sheets_catalog.jobs import lease as leases
from sheets_catalog.records.tasks import ADDED, NEEDED, TASKS, ExportStatus, export_status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.google.sheets import SpreadsheetInfo, Tab
    from sheets_catalog.records import Cell, Field

LEASE = "tasks"
"""Under this lease of the sheet, held for seconds, statuses are written: who claims a task is decided one at a time."""

LONGEST_WAIT = 240.0
"""Seconds to wait for the lease: more than twice what a holder that died keeps it."""


@dataclass(frozen=True, slots=True)
class TaskTab:
    """The tasks tab, its header read, and its first rows at the same moment; others when asked for."""

    systems: Systems
    info: SpreadsheetInfo
    tab: Tab
    layout: Layout
    blocks: Blocks

    @property
    def header(self) -> tuple[Cell, ...]:
        """Every column's, also of those that are not ours."""
        return self.blocks.header

    def rows(self) -> Iterator[Row]:
        """All rows with something in our columns. Raises `Unavailable` when rows or columns moved meanwhile."""
        return self.blocks.rows(self.layout, 2)

    def writer(self) -> KeyedWriter:
        """Writes rows by task id."""
        columns = SheetColumns(self.systems.sheets, self.info.id, self.tab.title, self.tab.sheet_id)
        return KeyedWriter(self.layout, columns, 2)

    def missing(self, names: Sequence[str]) -> list[str]:
        """Headers of those of these fields that have no column."""
        return [TASKS.by_name[name].header for name in names if name not in self.layout.columns]


def open_tasks(systems: Systems, title: str, *, migrated: bool = True) -> TaskTab:
    """Open the tab and check its header. Raises `InputError` for a tab or column that is missing or doubled.

    `migrated`: the columns that exporting adds must be there as well.
    """
    info = systems.sheets.info(systems.connection.spreadsheet_id)
    tab = info.tabs.get(title)
    if tab is None:
        raise InputError(
            f"“{info.title}” has no tab “{title}” for tasks; it has: {', '.join(info.tabs)}.",
            advice="Rename the tab, or name yours with `sheets-catalog tasks configure --tab TITLE`.",
        )
    blocks = first_block(systems.sheets, info.id, tab)
    layout = lay_out(replace(TASKS, title=title), blocks.header, title)
    opened = TaskTab(systems, info, tab, layout, blocks)
    check_header(opened, migrated=migrated)
    return opened


def check_header(opened: TaskTab, *, migrated: bool = True) -> None:
    """Raises `InputError` for a column that is missing or doubled."""
    title = opened.tab.title
    doubled = [finding for finding in opened.layout.findings if finding.rule == "duplicate_column"]
    if doubled:
        raise InputError(f"{title}: {doubled[0].message}", advice=doubled[0].advice)
    missing = opened.missing(NEEDED)
    if missing:
        found = ", ".join(str(cell) for cell in opened.header if cell) or "nothing"
        raise InputError(
            f"{title} row 1: found {found}; the column{'s' * (len(missing) > 1)} “{'”, “'.join(missing)}” "
            f"{'are' if len(missing) > 1 else 'is'} missing.",
            advice="Add the missing header to row 1, or rename the column that holds these values.",
        )
    missing = opened.missing(ADDED) if migrated else []
    if missing:
        raise InputError(
            f"{title} row 1: the column{'s' * (len(missing) > 1)} “{'”, “'.join(missing)}” "
            f"{'are' if len(missing) > 1 else 'is'} missing.",
            advice="Run `sheets-catalog tasks migrate` once; it adds them and changes nothing else.",
        )


def status_of(row: Row) -> ExportStatus | None:
    """A row's export status. Raises `InputError` for an unknown word."""
    return export_status(row.values.get("export_status"))


def doubles(rows: Sequence[Row]) -> frozenset[str]:
    """Task ids that stand in more than one row."""
    counts = Counter(row.key for row in rows if row.key)
    return frozenset(key for key, count in counts.items() if count > 1)


class LeaseLostError(BusyError):
    """The lease ended while statuses were written, so that somebody else may have written as well."""


@contextmanager
def writing(systems: Systems, job_id: str) -> Iterator[None]:
    """Hold the sheet's lease for writing statuses; waits for its turn (`BusyError` when it never comes).

    Raises `LeaseLostError` at the end when it was lost meanwhile: what was written has to be looked at again.
    """
    store = control.find_or_make(systems).store
    started = systems.clock.monotonic()
    owner = leases.this_run()
    while True:
        try:
            lease = leases.acquire(store, LEASE, job_id, owner)
            break
        except BusyError:
            if systems.clock.monotonic() - started > LONGEST_WAIT:
                raise
            systems.clock.sleep(systems.rng.uniform(0.5, 3.0))
    try:
        yield
        try:
            leases.renew(store, lease)
        except (BusyError, StateError) as error:
            raise LeaseLostError(error.message, advice=error.advice) from error
    finally:
        leases.release(store, lease)


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration adds. `columns`: headers; `delivered`: ids of tasks that were exported before."""

    tab: str
    columns: tuple[str, ...]
    delivered: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.columns or self.delivered)


def plan_migration(opened: TaskTab) -> Migration:
    """Which columns are missing, and which tasks have an export time but no status. Reads only."""
    columns = tuple(opened.missing(ADDED))
    exported = (
        row.key
        for row in opened.rows()
        if row.key and row.values.get("export_time") and not row.values.get("export_status")
    )
    return Migration(opened.tab.title, columns, tuple(dict.fromkeys(exported)))


def add_columns(opened: TaskTab, migration: Migration) -> None:
    """Insert the missing columns after the last one that has a header. Nothing else is touched; repeatable."""
    systems, title = opened.systems, opened.tab.title

    def fields(missing: Collection[str]) -> list[Field]:
        return [each for each in TASKS.fields if each.header in missing]

    def missing() -> list[Field]:
        return fields(open_tasks(systems, title, migrated=False).missing(ADDED))

    used = max((number for number, cell in enumerate(opened.header, 1) if cell not in {None, ""}), default=0)
    insert_columns(systems.sheets, opened.info.id, opened.tab, used, fields(migration.columns), missing)

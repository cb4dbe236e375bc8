"""The export sheet: all columns of the staged tasks, in the batch folder, never delivered (SD-5)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sheets_catalog.errors import NotFound
from sheets_catalog.flows.tabs import lay_out, normal
from sheets_catalog.flows.tasks import native
from sheets_catalog.flows.tasks.sheet import check_header, open_tasks
from sheets_catalog.google.a1 import a1, quoted
from sheets_catalog.google.files import SHEET
from sheets_catalog.records.tasks import ExportStatus

if TYPE_CHECKING:
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tasks.copying import CopyWork
    from sheets_catalog.flows.tasks.sheet import TaskTab
    from sheets_catalog.jobs.state import JobState
    from sheets_catalog.records import Cell

MARK = native.PREFIX + "sheet"
"""Property of the batch folder: the export sheet's id, or the intent to make it."""

_SHOWN = {ExportStatus.STAGED, ExportStatus.DELIVERING, ExportStatus.DELIVERED, ExportStatus.DELIVERY_FAILED}


def write_export_sheet(work: CopyWork, state: JobState) -> None:  # noqa: ARG001 - an `Ending`; the tab is the truth
    """Make the sheet once, and write the batch's tasks as the tasks tab shows them now. Repeatable.

    One that somebody has deleted for good is made anew: it would keep the job from ending.
    """
    systems, folder = work.systems, work.plan.options["parent"]
    rows = _rows(open_tasks(systems, work.plan.options["tab"]), work.batch_id)
    try:
        _fill(systems, _made(work, folder), rows)
    except NotFound:
        native.forget(systems, folder, MARK)
        _fill(systems, _made(work, folder), rows)


def _made(work: CopyWork, folder: str) -> str:
    """The sheet's id."""
    systems, name = work.systems, f"Export_{work.batch_id}_Data"
    marks = {"kind": "native", "op": "sheet", "batch": work.batch_id}
    making = native.Native(
        MARK, marks, lambda: systems.drive.create_native(name, SHEET, parent=folder, app_properties=marks)
    )
    sheet_id = native.make_once(systems, folder, [making])[MARK]
    native.trash_twins(systems, [systems.drive.get(folder)], marks, {"sheet": name})
    return sheet_id


def _rows(opened: TaskTab, batch_id: str) -> list[list[Cell]]:
    """Header and rows of the batch, every column, as people see them."""
    title = quoted(opened.tab.title)
    ((header, *rows),) = opened.systems.sheets.read_ranges(opened.info.id, [title], "FORMATTED_VALUE")
    width = len(header)
    there = replace(opened, layout=lay_out(opened.layout.table, header, opened.tab.title))  # at the rows' own moment
    check_header(there)
    status, batch = there.layout.columns["export_status"], there.layout.columns["export_batch_id"]
    mine = [
        row + [""] * (width - len(row))
        for row in rows
        if len(row) > max(status, batch) and row[batch] == batch_id and normal(row[status]) in _SHOWN
    ]
    return [header, *mine]


def _fill(systems: Systems, sheet_id: str, rows: list[list[Cell]]) -> None:
    info = systems.sheets.info(sheet_id)
    tab = min(info.tabs.values(), key=lambda each: each.sheet_id)  # 0 as made; a reviewer may put others before it
    height, width = len(rows), max(len(row) for row in rows)
    grid: dict[str, Any] = {"rowCount": max(height, 2), "columnCount": max(width, 1), "frozenRowCount": 1}
    fields = ",".join(f"gridProperties.{name}" for name in grid)
    update = {"properties": {"sheetId": tab.sheet_id, "gridProperties": grid}, "fields": fields}
    systems.sheets.batch_update(sheet_id, [{"updateSheetProperties": update}], safety="repeatable")
    padded = [row + [""] * (width - len(row)) for row in rows]
    systems.sheets.write_ranges(sheet_id, [(a1(tab.title, 1, 1, height, width), padded)])

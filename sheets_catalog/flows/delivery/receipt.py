"""The delivery receipt: every file that was delivered and proven, for the client and for the audit.

A CSV file, not a sheet: it takes an id of our choice, so it is made exactly once.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sheets_catalog import database
from sheets_catalog.errors import Refused
from sheets_catalog.flows.drive_stores import is_taken
from sheets_catalog.flows.tasks.batches import FILE_LINK, copied
from sheets_catalog.records.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sheets_catalog.flows.tasks.batches import Copied
    from sheets_catalog.flows.tasks.copying import CopyWork
    from sheets_catalog.jobs.state import JobState

CSV_TYPE = "text/csv"
HEADER = ("Folder", "File", "Bytes", "Checksum", "Link")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def hand_over_receipt(work: CopyWork, state: JobState) -> None:
    """Put the receipt into the client's folder and the same lines into the audit. Repeatable.

    Raises `NotFound` or `PermissionMissing` when the folder was closed meanwhile.
    """
    tasks = list(copied(work.systems, [work.job_id], work.pool).values()) if state.books.done else []
    if tasks:
        work.audit.records(_log(work, task) for task in tasks)
        _put(work, tasks)


def _put(work: CopyWork, tasks: Sequence[Copied]) -> None:
    content = receipt(tasks)
    name = f"Receipt_{work.batch_id}_{work.plan.created_at[:16].replace(':', '').replace('T', '_')}.csv"
    marks = {"kind": "receipt", "job": work.job_id}
    drive, file_id = work.systems.drive, work.plan.options["receipt"]
    try:
        drive.create_file(file_id, name, content, CSV_TYPE, parents=[work.plan.options["parent"]], app_properties=marks)
    except Refused as error:
        if not is_taken(error):
            raise
        if drive.read(file_id) != content:  # failed tasks were delivered since it was made
            drive.update_content(file_id, content, mime_type=CSV_TYPE)


def receipt(tasks: Sequence[Copied]) -> bytes:
    """The receipt as CSV: UTF-8 with a mark, so that spreadsheet programs read every name; no cell is a formula."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(HEADER)
    for task in sorted(tasks, key=lambda each: each.change.context["folder_name"]):
        for file, copy_id in task.files:
            folder, link = task.change.context["folder_name"], FILE_LINK.format(copy_id)
            line = (folder, file.name, file.size or 0, file.checksum, link)
            rows.writerow([_harmless(str(cell)) for cell in line])
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    """A leading apostrophe keeps spreadsheet programs from taking a name for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _log(work: CopyWork, task: Copied) -> database.RecordLog:
    lines = tuple(
        database.FieldChange(file.name, None, f"{file.size or 0} bytes {file.checksum} {FILE_LINK.format(copy_id)}")
        for file, copy_id in task.files
    )
    return database.RecordLog(
        work.job_id,
        TASKS.name,
        task.change.key,
        "manifest",
        "done",
        operation_key=f"manifest {task.change.key}",
        changes=lines,
        label=task.change.label,
        at=work.systems.clock.now(),
    )

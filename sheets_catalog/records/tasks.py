"""The tasks tab, and where a task can be on its way to a client (SD-1).

::

    (blank) ──▶ staging ──▶ staged ──▶ delivering ──▶ delivered
       │  ▲        │ ▲        ▲ │          │ ▲            │
       ▼  │        ▼ │        │ └──────────┼─┼─ (blank)   └─▶ staging, by an override, and back
    staging_failed ──┘        └── delivery_failed             when the job is cancelled

A job moves a task along `BY_JOB`; a person may also set it along `BY_HAND`, with a reason. Nothing else is legal: in
particular nobody can call a task staged or delivered that no job has copied and proven.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from enum import StrEnum

from sheets_catalog.errors import InputError
from sheets_catalog.records.tables import Field, Table
from sheets_catalog.records.values import Kind, Value


class ExportStatus(StrEnum):
    """What stands in the column “Export Status”; a task that was never exported has nothing there."""

    STAGING = "staging"
    STAGED = "staged"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    STAGING_FAILED = "staging_failed"
    DELIVERY_FAILED = "delivery_failed"


_S = ExportStatus

BY_JOB: frozenset[tuple[Value, Value]] = frozenset(
    {
        (None, _S.STAGING),
        (None, _S.STAGING_FAILED),  # found invalid before a byte was copied
        (None, _S.DELIVERED),  # migration: exported before there was a status
        (_S.STAGING, _S.STAGED),
        (_S.STAGING, _S.STAGING_FAILED),
        (_S.STAGING, None),  # the job was cancelled before it came to this task
        (_S.STAGING, _S.DELIVERED),  # the same, of a task that had been delivered before
        (_S.STAGING_FAILED, _S.STAGING),
        (_S.STAGED, _S.DELIVERING),
        (_S.STAGED, _S.DELIVERY_FAILED),  # the staged files are not what was staged
        (_S.DELIVERING, _S.DELIVERED),
        (_S.DELIVERING, _S.DELIVERY_FAILED),
        (_S.DELIVERING, _S.STAGED),  # cancelled
        (_S.DELIVERY_FAILED, _S.DELIVERING),
        (_S.DELIVERY_FAILED, _S.STAGED),  # cancelled
        (_S.DELIVERED, _S.STAGING),  # includeAlreadyExported
        (_S.DELIVERED, _S.STAGING_FAILED),
        (_S.STAGING_FAILED, None),  # clean-up
        (_S.DELIVERY_FAILED, None),
    }
)
"""Moves a job makes."""

BY_HAND: frozenset[tuple[Value, Value]] = frozenset(
    {
        *((status, None) for status in _S),  # back in line for staging
        (None, _S.DELIVERED),  # handed over by other means
        (_S.STAGING, _S.STAGING_FAILED),
        (_S.DELIVERING, _S.DELIVERY_FAILED),
        (_S.DELIVERING, _S.STAGED),
        (_S.DELIVERY_FAILED, _S.STAGED),
    }
)
"""Moves a person makes, each with a reason."""


def shown(status: Value) -> str:
    """A status in a sentence."""
    return f"“{status}”" if status else "no export status"


def check_move(before: Value, after: Value, *, by_hand: bool = False) -> None:
    """Raise `InputError` when a task cannot go from one status to the other."""
    moves = BY_HAND if by_hand else BY_JOB
    if before == after or (before, after) in moves:
        return
    possible = sorted(shown(to) for start, to in moves if start == before)
    raise InputError(
        f"A task with {shown(before)} cannot be set to {shown(after)}{' by hand' if by_hand else ''}.",
        advice=f"From there it can become {' or '.join(possible)}." if possible else "It can only be staged.",
    )


def export_status(text: Value) -> ExportStatus | None:
    """The status a text means. Raises `InputError` for any other word."""
    if not text:
        return None
    try:
        return ExportStatus(text.strip().casefold())
    except ValueError:
        known = ", ".join(ExportStatus)
        raise InputError(
            f"Found the export status “{text}”, expected nothing or one of: {known}.",
            advice="Undo the edit, or clear the cell to have the task staged anew.",
        ) from None


TASKS = Table(
    name="tasks",
    title="Tasks",
    noun="task",
    key=("task_id",),
    fields=(
        Field("task_id", "Task ID", required=True),
        Field("folder_name", "Folder Name", required=True),
        Field("status", "Status", required=True, aliases=("Task Status",)),
        Field("batch", "Batch", aliases=("Batch Name",)),
        Field("agent", "Agent", aliases=("Agent Email",)),
        Field("completed", "Completed", aliases=("Completed At", "Completion Date", "End Time")),
        Field("review_status", "Review Status", required=True),
        Field("review_score", "Review Score", Kind.DECIMAL),
        Field("reviewer", "Reviewer", aliases=("Reviewer Email",)),
        Field("images", "Images", Kind.MULTILINE, aliases=("Base Images",)),
        Field("obj", "OBJ", Kind.MULTILINE, aliases=("OBJ File",)),
        Field("alignment", "Alignment", Kind.MULTILINE, aliases=("Alignment File",)),
        Field("video", "Video", Kind.MULTILINE, aliases=("Video File",)),
        Field("folder", "Task Folder", Kind.MULTILINE, aliases=("Folder", "Folder Link", "Production Folder")),
        Field("export_time", "Export Time"),
        Field("export_batch_id", "Export Batch ID"),
        Field("export_status", "Export Status", Kind.WORD, choices=tuple(each.value for each in ExportStatus)),
        Field("staged_count", "Staged Count", Kind.INTEGER),
    ),
)

LINKS = ("images", "obj", "alignment", "video", "folder")
"""Fields whose cells hold links to (or ids of) files and folders, any number in a cell."""

NEEDED = ("task_id", "folder_name", "status", "review_status")
"""Columns without which no task can be chosen."""

ADDED = ("export_time", "export_batch_id", "export_status", "staged_count")
"""Columns that the migration adds where they are missing."""

COMPLETE = "complete"
PASSED, FAILED, PENDING = "passed", "failed", "pending"
"""Words of “Status” and “Review Status”."""

_EPOCH = date(1899, 12, 30)
"""Day 0 of a spreadsheet's serial numbers."""


def day_of(text: Value) -> date | None:
    """The day a cell means: a spreadsheet's serial number, or ISO 8601. None when it is blank.

    Raises `InputError` for anything that could mean two days (``03/04/2026``).
    """
    if not text:
        return None
    if re.fullmatch(r"\d{4,6}(\.\d+)?", text):
        return _EPOCH + timedelta(days=int(float(text)))
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        raise InputError(
            f"Found the date “{text}”, expected a date cell or YYYY-MM-DD.",
            advice="Format the column as a date, or type the day as YYYY-MM-DD.",
        ) from None


_SEPARATORS = re.compile(r"[\s,;|]+")


def links_in(cell: Value) -> list[str]:
    """The links and ids in a cell, in order, separated by spaces, line breaks, commas, semicolons or bars."""
    return [part for part in _SEPARATORS.split(cell or "") if part]

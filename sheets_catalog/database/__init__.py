"""The audit trail in a database: what was done to every record and what went wrong (EX-5, SY-1, SY-2).

`Audit` writes and answers questions; `entries` are the values that go in and come out; `reporting` under
`sheets_catalog.flows` turns a `Report` into something to read.
"""

from __future__ import annotations

from sheets_catalog.database.audit import Audit
from sheets_catalog.database.entries import (
    Batch,
    BatchEnd,
    BatchStart,
    ErrorEntry,
    ErrorLog,
    FieldChange,
    Figure,
    Phase,
    RecordEntry,
    RecordLog,
    Report,
    Session,
    SessionEnd,
    SessionStart,
)
from sheets_catalog.database.retention import Archive, RetentionPlan

__all__ = [
    "Archive",
    "Audit",
    "Batch",
    "BatchEnd",
    "BatchStart",
    "ErrorEntry",
    "ErrorLog",
    "FieldChange",
    "Figure",
    "Phase",
    "RecordEntry",
    "RecordLog",
    "Report",
    "RetentionPlan",
    "Session",
    "SessionEnd",
    "SessionStart",
]

"""Errors of copying: which one is a task's own, and which one stops the whole job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.errors import CredentialsError, PermissionMissing, Refused, SheetsCatalogError, UpstreamError
from sheets_catalog.google.errors import JOB_WIDE

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import FileCopy

OR_CANCEL = "Then resume the job; nothing is copied twice. Or cancel it: what was copied stays so."
CLOSED = f"Have it opened. {OR_CANCEL}"
"""What to do about a folder that is closed while a job copies into it."""


class Stopped(PermissionMissing):
    """Something that stops the whole job."""


def stopped(message: str, error: SheetsCatalogError) -> Stopped:
    """The error as one that stops the job, with advice."""
    return Stopped(message, advice=error.advice or "Mend it, then resume the job; nothing is copied twice.")


def about(error: UpstreamError | PermissionMissing, file: FileCopy) -> SheetsCatalogError:
    """The error with the file's name in its sentence."""
    error.message = f"“{file.name}” was not copied: {error.message}"
    return error


def job_wide(error: SheetsCatalogError) -> SheetsCatalogError:
    """Raise what would hit every other task as well: a person has to act, the job keeps its place."""
    if isinstance(error, Refused) and error.reason in JOB_WIDE:
        raise stopped(error.message, error) from error
    if isinstance(error, CredentialsError | Stopped):
        raise error
    return error

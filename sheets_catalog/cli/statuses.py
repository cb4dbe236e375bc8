"""The exit statuses of every command: the number says what to do next."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from sheets_catalog.jobs.state import Status

if TYPE_CHECKING:
    from sheets_catalog.books import Books


class Exit(IntEnum):
    """What a command ends with. 1 to 8 are the statuses of `sheets_catalog.errors`."""

    OK = 0
    UNEXPECTED = 1
    INPUT = 2
    ACCESS = 3
    PAUSED = 4
    BUSY = 5
    CONFIRM = 6
    STATE = 7
    BOOKS = 8
    ATTENTION = 9
    DIFFERS = 10
    MISSING_HERE = 11
    MISSING_THERE = 12
    MIXED = 13
    KILLED = 130


MEANINGS = {
    Exit.OK: "Done, and nothing needs you.",
    Exit.UNEXPECTED: "Something unexpected; a log file was written and is named.",
    Exit.INPUT: "The sheet, the settings or the command line need mending.",
    Exit.ACCESS: "Access has to be given or renewed.",
    Exit.PAUSED: "Google or Shopify failed, or it was stopped: resume it later.",
    Exit.BUSY: "Another run works on this sheet.",
    Exit.CONFIRM: "A person has to say yes first.",
    Exit.STATE: "A job's stored state cannot be trusted as it is.",
    Exit.BOOKS: "The books do not balance, or a promise was broken.",
    Exit.ATTENTION: "Finished, but some records (or checks) need you.",
    Exit.DIFFERS: "verify: values differ.",
    Exit.MISSING_HERE: "verify: records are missing in the sheet.",
    Exit.MISSING_THERE: "verify: records are missing in the shop.",
    Exit.MIXED: "verify: several of these, or rows that cannot be compared.",
    Exit.KILLED: "Stopped at once by Ctrl-C (a running job by the second); resume it.",
}
"""One line each, short enough for a terminal of 80 columns; docs/exit-statuses.md says more."""


def of_books(books: Books) -> Exit:
    """The status of a run that came to its end with these books."""
    return Exit.ATTENTION if books.rejected or books.conflicted or books.pending else Exit.OK


def of_job(status: Status, books: Books) -> Exit:
    """The status of an apply that returned."""
    if status is Status.FINISHED:
        return of_books(books)
    if status is Status.CANCELLED:
        return Exit.ATTENTION
    return Exit.ACCESS if status is Status.ATTENTION else Exit.PAUSED


def of_verification(*, differs: bool, missing_here: bool, missing_there: bool, errors: bool) -> Exit:
    """One kind of difference has its own status; several, or what could not be compared, have `Exit.MIXED`."""
    kinds = {Exit.DIFFERS: differs, Exit.MISSING_HERE: missing_here, Exit.MISSING_THERE: missing_there}
    found = [status for status, there in kinds.items() if there]
    if errors or len(found) > 1:
        return Exit.MIXED
    return found[0] if found else Exit.OK

"""What a job did, as the audit has it, and whether it may be undone from here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.errors import InputError, NotFound, StateError
from sheets_catalog.flows import job_files
from sheets_catalog.flows.auditing import ENDS
from sheets_catalog.flows.exporting.agreeing import PARTLY, UNWRITTEN
from sheets_catalog.jobs.checkpoints import Checkpoints

if TYPE_CHECKING:
    from sheets_catalog.database import Audit, RecordEntry, Session
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.jobs.state import Status

UNDOABLE = "export"
"""The flow whose jobs can be undone; an undo is one of them."""

UNDO_OF = "undo_of"
"""Detail of an undo's session in the audit: the job it has undone."""

_ENDED = frozenset(word for status, word in ENDS.items() if status.ended)


@dataclass(slots=True)
class History:
    """The records a job changed, made and removed, in the order in which they were logged."""

    session: Session
    updated: list[RecordEntry] = field(default_factory=list)
    created: list[RecordEntry] = field(default_factory=list)
    deleted: list[RecordEntry] = field(default_factory=list)

    def of(self, table: str) -> list[RecordEntry]:
        """Everything that happened in one table."""
        return [entry for entry in (*self.updated, *self.created, *self.deleted) if entry.table == table]

    @property
    def sides_told(self) -> bool:
        """Whether the sides that its entries name are all that it wrote, as of an undo.

        What an export wrote to the shop came from the sheet, which has to go back with it.
        """
        return bool(self.session.details.get(UNDO_OF))


def read(systems: Systems, audit: Audit, job_id: str) -> History:
    """What the job did. Raises `InputError` for a job that cannot be undone over this connection."""
    audit.flush()
    session = audit.session(job_id)
    if session is None:
        raise _unknown(systems, audit, job_id)
    _check(systems, session)
    history = History(session)
    lists = {"update": history.updated, "create": history.created, "delete": history.deleted}
    for entry in audit.find_records(session_id=job_id):
        if entry.action in lists and _took_effect(entry):
            lists[entry.action].append(entry)
    return history


def _took_effect(entry: RecordEntry) -> bool:
    """Whether it was sent, or some of it: where other fields wait for a person, or the sheet could not be written.

    Each side is compared before it is put back, so what was not written stays.
    """
    partly = entry.reason in PARTLY or entry.reason.startswith(UNWRITTEN)
    return entry.status == "done" or (entry.status == "conflicted" and partly)


def _unknown(systems: Systems, audit: Audit, job_id: str) -> InputError:
    """Why the audit knows nothing: there is no such job, it has not begun, or it ran where another audit is kept."""
    job_files.job_file(systems, job_id)
    status = _stored_status(systems, job_id)
    if status is not None and not status.ended:
        return _not_ended(job_id, status)
    return InputError(
        f"The audit database {audit.place} knows no job {job_id!r}.",
        advice="An undo needs the audit of the machine that applied the job, or one that all machines share.",
    )


def _check(systems: Systems, session: Session) -> None:
    if session.flow != UNDOABLE:
        raise InputError(
            f"Only exports can be undone, and job {session.session_id} is of the flow “{session.flow}”.",
            advice="`sheets-catalog jobs list` shows the jobs there are.",
        )
    if session.spreadsheet_id != systems.connection.spreadsheet_id:
        raise InputError(
            f"This job is about “{session.spreadsheet_title}”, but the connection is to another spreadsheet.",
            advice="Use the connection the job was made with.",
        )
    if session.shop != systems.shop_name:
        raise InputError(
            f"This job wrote to {session.shop}, but the connection is to {systems.shop_name}.",
            advice="Use the connection the job was made with.",
        )
    status = _stored_status(systems, session.session_id)
    if status is None and session.status not in _ENDED:
        raise _lost(session)
    if session.status not in _ENDED or not (status is None or status.ended):
        raise _not_ended(session.session_id, status or session.status)


def _stored_status(systems: Systems, job_id: str) -> Status | None:
    """The status in the job file; None when it was cleaned up or cannot be read, and the audit alone has to tell."""
    try:
        return Checkpoints(job_files.store_of(systems, job_id)).load().status
    except (InputError, StateError, NotFound):
        return None


def _lost(session: Session) -> InputError:
    return InputError(
        f"Job {session.session_id} has not ended (it is {session.status}), and its job file is gone.",
        advice=(
            "Restore the file from Drive's trash and end the job, then undo it; or put back by hand what "
            f"`sheets-catalog report {session.session_id}` lists."
        ),
    )


def _not_ended(job_id: str, status: str) -> InputError:
    return InputError(
        f"Job {job_id} has not ended (it is {status}), so it cannot be undone yet.",
        advice=f"End it with `sheets-catalog jobs resume {job_id}` or `sheets-catalog jobs cancel {job_id}`.",
    )

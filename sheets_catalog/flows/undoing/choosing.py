"""Which job “last” means to an undo: the newest export that stands, not an undo, nor one that was undone already.

An export stands again when its undo was undone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sheets_catalog.errors import InputError
from sheets_catalog.flows.auditing import ENDS
from sheets_catalog.flows.undoing.history import UNDO_OF, UNDOABLE
from sheets_catalog.jobs.state import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sheets_catalog.database import Audit, Session
    from sheets_catalog.flows.job_files import JobSummary

LOOKED_AT = 1_000
"""Newest exports of the audit among which undos are looked for."""


def last_export(audit: Audit, jobs: Iterable[JobSummary], spreadsheet_id: str) -> str:
    """The id of the newest of `jobs` (newest first) that an undo can be about.

    Plans that nobody applied are passed over, and so are undos and what is taken back by one that stands. One that is
    not in this audit is not: whether it may be undone is for `plan_undo` to say. Raises `InputError` when none is.
    """
    sessions = audit.sessions(flow=UNDOABLE, spreadsheet_id=spreadsheet_id, limit=LOOKED_AT)
    undos = {each.session_id: each for each in sessions if each.details.get(UNDO_OF)}
    over = _taken_back({name: each.details[UNDO_OF] for name, each in undos.items() if _finished(each)})
    for job in jobs:
        applied = job.begun or job.status == Status.FINISHED
        if job.flow == UNDOABLE and applied and job.job_id not in undos and job.job_id not in over:
            return job.job_id
    raise InputError(
        "No export of this spreadsheet is left to undo: there is none, or all were undone.",
        advice="To take an undo back, name its own id: `sheets-catalog jobs list` has them.",
    )


def _finished(session: Session) -> bool:
    return session.status == ENDS[Status.FINISHED]


def _taken_back(undos: Mapping[str, str]) -> set[str]:
    """Jobs of which an undo stands. `undos`: finished ones, with the job that each is about; times are not needed."""
    by_job: defaultdict[str, list[str]] = defaultdict(list)
    for undo, job in undos.items():
        by_job[job].append(undo)

    def over(job: str) -> bool:
        return any(not over(undo) for undo in by_job.get(job, ()))

    return {job for job in by_job if over(job)}

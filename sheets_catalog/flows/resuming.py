"""Applying, resuming or cancelling any stored job, whichever flow made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.errors import BusyError
from sheets_catalog.flows import delivery, exporting, job_files, staging
from sheets_catalog.flows.tasks.applying import PATIENCE
from sheets_catalog.jobs.runner import Limits

if TYPE_CHECKING:
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.exporting import ExportOptions
    from sheets_catalog.flows.running import JobResult
    from sheets_catalog.jobs.runner import Watcher
    from sheets_catalog.jobs.state import Status

FILE_FLOWS = {"stage": staging.apply, "deliver": delivery.apply}
"""Flows that copy files: they wait out a day's quota."""


def apply_any(
    systems: Systems,
    audit: Audit,
    job_id: str,
    *,
    watcher: Watcher | None = None,
    limits: Limits | None = None,
    options: ExportOptions | None = None,
    confirmed: bool = False,
    force: bool = False,
) -> JobResult:
    """Apply or resume a job by its own flow. `options` and `confirmed` are the export's. Errors as the flow's own."""
    job = job_files.opened(systems, job_id)
    flow = FILE_FLOWS.get(job.plan.flow)
    if flow is None:
        return exporting.apply(
            systems,
            audit,
            job,
            watcher=watcher,
            limits=limits,
            options=options,
            confirmed=confirmed,
            force=force,
        )
    return flow(systems, audit, job_id, watcher=watcher, limits=_patient(limits or Limits()), force=force)


def cancel(systems: Systems, audit: Audit, job_id: str) -> Status:
    """Cancel a job; returns the status it has now.

    A job that nobody runs ends here and now, with what follows the end of every job. One that somebody runs ends at its
    next checkpoint. Errors as `apply_any`, but for `BusyError`.
    """
    status = job_files.cancel(systems, job_id)
    try:  # a job that has ended by now is only told to the audit, if nobody did yet
        return apply_any(systems, audit, job_id, confirmed=True).status
    except BusyError:
        return status


def _patient(limits: Limits) -> Limits:
    return Limits(limits.deadline, max(limits.patience, PATIENCE), limits.stopping)

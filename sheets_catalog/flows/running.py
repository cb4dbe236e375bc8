"""Running a stored job, or going on with it: wires the engine to a flow's work, the job file and the audit."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog import database
from sheets_catalog.errors import SheetsCatalogError
from sheets_catalog.flows import job_files
from sheets_catalog.flows.auditing import (
    ENDS,
    Auditing,
    books_of,
    error_log,
    figures_of,
    findings_as_records,
    start_of,
)
from sheets_catalog.jobs.batches import Sizing
from sheets_catalog.jobs.checkpoints import Checkpoints
from sheets_catalog.jobs.runner import Limits, Runner
from sheets_catalog.jobs.state import JobState, Result, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from sheets_catalog.changes.plan import Books, Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.jobs.retry import Figures
    from sheets_catalog.jobs.runner import Watcher, Work


@dataclass(frozen=True, slots=True)
class JobResult:
    """How far a job has come. `figures` are of this run alone; `session_id` names it in the audit."""

    job_id: str
    status: Status
    books: Books
    state: JobState
    plan: Plan
    figures: Figures
    session_id: str


@dataclass(frozen=True, slots=True)
class Run:
    """How a run is done. `force` takes the lease from a run that seems alive."""

    watcher: Watcher | None = None
    limits: Limits = field(default_factory=Limits)
    sizing: Sizing = field(default_factory=Sizing)
    force: bool = False


def run_job(
    systems: Systems,
    audit: database.Audit,
    job_id: str,
    work_for: Callable[[Plan], Work],
    check: Callable[[Plan, JobState], None],
    run: Run,
) -> JobResult:
    """Run or resume a job. `check` raises when it must not go on; a job that has ended is only reported.

    Raises `BusyError`, `StateError`, `AccessError`, `UpstreamError` and what `check` raises; the job keeps its place in
    every case.
    """
    job_files.job_file(systems, job_id)
    checkpoints = Checkpoints(job_files.store_of(systems, job_id))
    state = checkpoints.load()
    plan = job_files.read_plan(systems, job_id, state.plan_digest)
    auditing = Auditing(audit, systems, job_id, plan.changes, run.watcher)
    if state.status.ended:
        _catch_up(audit, auditing, plan, state)
        return JobResult(job_id, state.status, state.books, state, plan, systems.calls.figures, job_id)
    check(plan, state)
    store, lease = job_files.lease_of(systems, plan.flow, job_id)
    runner = Runner(
        work=work_for(plan),
        checkpoints=checkpoints,
        control=store,
        flow=lease,
        clock=systems.clock,
        rng=systems.rng,
        watcher=auditing,
        sizing=run.sizing,
        limits=run.limits,
    )
    started = systems.clock.monotonic()
    audit.session_started(start_of(systems, job_id, plan))
    audit.records(findings_as_records(job_id, plan))
    try:
        state = runner.advance(force=run.force)
    except SheetsCatalogError as error:
        _stopped(systems, audit, job_id, plan, error)
        raise
    auditing.complete(state)
    _ended(systems, audit, job_id, state, systems.clock.monotonic() - started)
    return JobResult(job_id, state.status, state.books, state, plan, systems.calls.figures, job_id)


def _catch_up(audit: database.Audit, auditing: Auditing, plan: Plan, state: JobState) -> None:
    """Write what a process could not that died between the last checkpoint and the end of its audit."""
    session = audit.session(auditing.session_id)
    if session is not None and session.finished_at is not None and session.status != "stopped":
        return
    audit.session_started(start_of(auditing.systems, auditing.session_id, plan))
    audit.records(findings_as_records(auditing.session_id, plan))
    auditing.complete(state)
    _ended(auditing.systems, audit, auditing.session_id, state, 0.0)


def _stopped(systems: Systems, audit: database.Audit, job_id: str, plan: Plan, error: SheetsCatalogError) -> None:
    audit.error(error_log(job_id, error))
    books = books_of(plan.books)
    end = database.SessionEnd(job_id, "stopped", systems.clock.now(), books, error.message, error.advice)
    audit.session_finished(end)


def _ended(systems: Systems, audit: database.Audit, job_id: str, state: JobState, seconds: float) -> None:
    done = len(state.items(Result.DONE))
    audit.metrics(job_id, secrets.token_hex(4), figures_of(systems.calls.figures, done, seconds))
    status = ENDS.get(state.status, "stopped")
    audit.session_finished(database.SessionEnd(job_id, status, systems.clock.now(), books_of(state.books), state.note))

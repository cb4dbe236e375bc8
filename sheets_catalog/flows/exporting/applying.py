"""Applying a stored plan, or going on with it: wires the engine to the export's work, the job file and the audit."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sheets_catalog import database
from sheets_catalog.errors import ConfirmationNeeded, SheetsCatalogError, StalePlanError
from sheets_catalog.flows import control, job_files
from sheets_catalog.flows.auditing import (
    ENDS,
    Auditing,
    books_of,
    error_log,
    figures_of,
    findings_as_records,
    start_of,
)
from sheets_catalog.flows.exporting.planning import ExportOptions, guard
from sheets_catalog.flows.exporting.work import ExportWork
from sheets_catalog.jobs.batches import Sizing
from sheets_catalog.jobs.checkpoints import Checkpoints
from sheets_catalog.jobs.runner import Limits, Runner
from sheets_catalog.jobs.state import JobState, Result, Status

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Books, Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.jobs.retry import Figures
    from sheets_catalog.jobs.runner import Watcher


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


def apply(
    systems: Systems,
    audit: database.Audit,
    job_id: str,
    *,
    watcher: Watcher | None = None,
    limits: Limits | None = None,
    options: ExportOptions | None = None,
    confirmed: bool = False,
    force: bool = False,
) -> JobResult:
    """Apply a plan that was stored, or resume a job that was interrupted.

    `confirmed`: a person has said yes to a mass change. `force`: take the lease from a run that seems alive.
    Raises `ConfirmationNeeded`, `BusyError`, `StateError`, `StalePlanError`, `AccessError`, `UpstreamError`; the job
    keeps its place in every case.
    """
    job_files.job_file(systems, job_id)
    checkpoints = Checkpoints(job_files.store_of(systems, job_id))
    state = checkpoints.load()
    plan = job_files.read_plan(systems, job_id, state.plan_digest)
    options = options or ExportOptions()
    if state.status.ended:
        return JobResult(job_id, state.status, state.books, state, plan, systems.calls.figures, job_id)
    _check(systems, plan, state, options, confirmed=confirmed)
    auditing = Auditing(audit, systems, job_id, plan.changes, watcher)
    home = control.find_or_make(systems)
    runner = Runner(
        work=ExportWork(systems, plan, job_id),
        checkpoints=checkpoints,
        control=home.store,
        flow=job_files.LEASES[plan.flow],
        clock=systems.clock,
        rng=systems.rng,
        watcher=auditing,
        sizing=_sizing(options.batch_size),
        limits=limits or Limits(),
    )
    return _run(systems, audit, auditing, runner, plan, job_id, force=force)


def _run(
    systems: Systems,
    audit: database.Audit,
    auditing: Auditing,
    runner: Runner,
    plan: Plan,
    job_id: str,
    *,
    force: bool,
) -> JobResult:
    started = systems.clock.monotonic()
    audit.session_started(start_of(systems, job_id, plan))
    audit.records(findings_as_records(job_id, plan))
    try:
        state = runner.advance(force=force)
    except SheetsCatalogError as error:
        audit.error(error_log(job_id, error))
        audit.session_finished(
            database.SessionEnd(
                job_id, "stopped", systems.clock.now(), books_of(plan.books), error.message, error.advice
            )
        )
        raise
    auditing.complete(state)
    seconds = systems.clock.monotonic() - started
    done = len(state.items(Result.DONE))
    audit.metrics(job_id, secrets.token_hex(4), figures_of(systems.calls.figures, done, seconds))
    end = ENDS.get(state.status, "stopped")
    audit.session_finished(database.SessionEnd(job_id, end, systems.clock.now(), books_of(state.books), state.note))
    return JobResult(job_id, state.status, state.books, state, plan, systems.calls.figures, job_id)


def _check(systems: Systems, plan: Plan, state: JobState, options: ExportOptions, *, confirmed: bool) -> None:
    """Everything that must hold before the first byte is sent; a job that has begun was checked then."""
    if (plan.shop, plan.spreadsheet_id) != (systems.shop_name, systems.connection.spreadsheet_id):
        raise StalePlanError(
            f"This plan is for {plan.shop}, but the connection is to {systems.shop_name}.",
            advice="Use the connection the plan was made with.",
        )
    if state.started:
        return
    generation, _ = control.find(systems).generation()
    if generation != plan.baseline_generation:
        raise StalePlanError("Another run has changed sheet or shop since this plan was made.", advice="Plan again.")
    question = None if confirmed else guard(plan, options)
    if question:
        raise ConfirmationNeeded(question, advice="Look at the plan, then say yes with --confirm-mass-change.")


def _sizing(batch_size: int | None) -> Sizing:
    sizing = Sizing()
    if batch_size is None:
        return sizing
    return replace(
        sizing, largest=batch_size, usual=min(batch_size, sizing.usual), smallest=min(batch_size, sizing.smallest)
    )

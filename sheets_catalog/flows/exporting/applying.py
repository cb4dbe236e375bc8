"""Applying an export's plan, or going on with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sheets_catalog.errors import ConfirmationNeeded, PermissionMissing, StalePlanError
from sheets_catalog.flows import control
from sheets_catalog.flows.exporting.planning import BLOCKING, ExportOptions, guard
from sheets_catalog.flows.exporting.work import ExportWork
from sheets_catalog.flows.running import JobResult, Run, run_job
from sheets_catalog.jobs.batches import Sizing
from sheets_catalog.jobs.runner import Limits

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.jobs.runner import Watcher
    from sheets_catalog.jobs.state import JobState


def apply(
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
    """Apply a plan that was stored, or resume a job that was interrupted.

    `confirmed`: a person has said yes to a mass change. `force`: take the lease from a run that seems alive.
    Raises `ConfirmationNeeded`, `BusyError`, `StateError`, `StalePlanError`, `AccessError`, `UpstreamError`; the job
    keeps its place in every case.
    """
    options = options or ExportOptions()

    def check(plan: Plan, state: JobState) -> None:
        _check(systems, plan, state, options, confirmed=confirmed)

    run = Run(watcher, limits or Limits(), _sizing(options.batch_size), force)
    return run_job(systems, audit, job_id, lambda plan: ExportWork(systems, plan, job_id), check, run)


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
    for finding in plan.findings:
        if finding.rule in BLOCKING:
            raise PermissionMissing(finding.message, advice=finding.advice)
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

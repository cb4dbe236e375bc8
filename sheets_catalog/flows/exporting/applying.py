"""Applying an export's plan, or going on with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.errors import ConfirmationNeeded, PermissionMissing, StalePlanError
from sheets_catalog.flows import control, job_files
from sheets_catalog.flows.exporting.batching import sizing
from sheets_catalog.flows.exporting.guarding import BLOCKING, guard
from sheets_catalog.flows.exporting.planning import ExportOptions
from sheets_catalog.flows.exporting.work import ExportWork
from sheets_catalog.flows.running import JobResult, Run, run_job
from sheets_catalog.jobs.runner import Limits

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.control import Control
    from sheets_catalog.flows.job_files import OpenedJob
    from sheets_catalog.jobs.runner import Watcher
    from sheets_catalog.jobs.state import JobState


def apply(
    systems: Systems,
    audit: Audit,
    job: str | OpenedJob,
    *,
    watcher: Watcher | None = None,
    limits: Limits | None = None,
    options: ExportOptions | None = None,
    confirmed: bool = False,
    force: bool = False,
) -> JobResult:
    """Apply a plan that was stored, or resume a job that was interrupted. `job`: its id, or the job as just read.

    `confirmed`: a person has said yes to a mass change. `force`: take the lease from a run that seems alive.
    Raises `ConfirmationNeeded`, `BusyError`, `StateError`, `StalePlanError`, `AccessError`, `UpstreamError`; the job
    keeps its place in every case.
    """
    options = options or ExportOptions()
    opened = job_files.opened(systems, job) if isinstance(job, str) else job
    home = _Home(systems)

    def check(plan: Plan, state: JobState) -> None:
        _check(home, plan, state, options, confirmed=confirmed)

    def work(plan: Plan) -> ExportWork:
        return ExportWork(systems, plan, opened.job_id, home.ready())

    run = Run(watcher, limits or Limits(), sizing(options.batch_size), force)
    return run_job(systems, audit, opened, work, check, run, lambda: home.ready().store)


@dataclass(slots=True)
class _Home:
    """The control file of one run, looked up once, when it is first needed."""

    systems: Systems
    _found: Control | None = None

    def found(self) -> Control:
        """The control file, if there is one."""
        self._found = self._found or control.find(self.systems)
        return self._found

    def ready(self) -> Control:
        """The control file, made when there was none. Raises as `control.find_or_make` does."""
        self._found = control.ready(self.found())
        return self._found


def _check(home: _Home, plan: Plan, state: JobState, options: ExportOptions, *, confirmed: bool) -> None:
    """Everything that must hold before the first byte is sent; a job that has begun was checked then."""
    systems = home.systems
    if (plan.shop, plan.spreadsheet_id) != (systems.shop_name, systems.connection.spreadsheet_id):
        raise StalePlanError(
            f"This plan is for {plan.shop}, but the connection is to {systems.shop_name}.",
            advice="Use the connection the plan was made with.",
        )
    if state.started:
        return
    if home.found().generation != plan.baseline_generation:
        raise StalePlanError("Another run has changed sheet or shop since this plan was made.", advice="Plan again.")
    for finding in plan.findings:
        if finding.rule in BLOCKING:
            raise PermissionMissing(finding.message, advice=finding.advice)
    question = None if confirmed else guard(plan, options)
    if question:
        raise ConfirmationNeeded(question, advice="Look at the plan, then say yes with --confirm-mass-change.")

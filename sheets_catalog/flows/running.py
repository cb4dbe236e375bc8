"""Running a stored job, or going on with it: wires the engine to a flow's work, the job file and the audit."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog import database
from sheets_catalog.errors import BusyError, SheetsCatalogError
from sheets_catalog.flows import job_files
from sheets_catalog.flows.auditing import (
    ENDS,
    Auditing,
    error_log,
)
from sheets_catalog.flows.job_files import LEASES, lease_of
from sheets_catalog.jobs.batches import Sizing
from sheets_catalog.jobs.runner import Limits, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sheets_catalog.books import Books
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.job_files import OpenedJob
    from sheets_catalog.jobs.retry import Figures
    from sheets_catalog.jobs.runner import Watcher, Work
    from sheets_catalog.jobs.state import JobState, Status
    from sheets_catalog.jobs.store import PropertyStore


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
    job: str | OpenedJob,
    work_for: Callable[[Plan], Work],
    check: Callable[[Plan, JobState], None],
    run: Run,
    home: Callable[[], PropertyStore] | None = None,
) -> JobResult:
    """Run or resume a job. `check` raises when it must not go on; a job that has ended is only reported.

    `job`: its id, or the job if it was just read. `home`: gives the store of the sheet's lease to a flow that takes it
    and has looked it up already; called after `check`.

    Raises `BusyError`, `StateError`, `AccessError`, `UpstreamError` and what `check` raises; the job keeps its place in
    every case.
    """
    opened = job_files.opened(systems, job) if isinstance(job, str) else job
    job_id, state, plan = opened.job_id, opened.state, opened.plan
    auditing = Auditing(audit, systems, job_id, plan, state.books, run.watcher)
    if state.status.ended:
        _catch_up(audit, auditing, state)
        return JobResult(job_id, state.status, state.books, state, plan, systems.calls.figures, job_id)
    check(plan, state)
    store, lease = (home(), LEASES[plan.flow]) if home else lease_of(systems, plan.flow, job_id)
    runner = Runner(
        work=work_for(plan),
        checkpoints=opened.checkpoints,
        control=store,
        flow=lease,
        clock=systems.clock,
        rng=systems.rng,
        watcher=auditing,
        sizing=run.sizing,
        limits=run.limits,
    )
    try:
        with _waits_told(systems, auditing), _waits_ended(systems, run.limits):
            state = runner.advance(force=run.force)
    except SheetsCatalogError as error:
        _stopped(auditing, error)
        raise
    auditing.begin()
    auditing.complete(state)
    auditing.books = state.books
    _ended(auditing, state)
    return JobResult(job_id, state.status, state.books, state, plan, systems.calls.figures, job_id)


@contextmanager
def _waits_told(systems: Systems, auditing: Auditing) -> Iterator[None]:
    """While entered, the audit hears of every call that failed and is tried again."""
    others = systems.calls.on_wait

    def told(service: str, seconds: float, error: SheetsCatalogError) -> None:
        auditing.waited(error)
        if others:
            others(service, seconds, error)

    systems.calls.on_wait = told
    try:
        yield
    finally:
        systems.calls.on_wait = others


@contextmanager
def _waits_ended(systems: Systems, limits: Limits) -> Iterator[None]:
    """While entered, a slice whose time is up, or that was asked to stop, sits out no long wait inside one call."""
    before = systems.calls.stopping

    def over() -> bool:
        late = limits.deadline is not None and systems.clock.monotonic() >= limits.deadline
        return late or limits.stopping()

    systems.calls.stopping = over
    try:
        yield
    finally:
        systems.calls.stopping = before


def _catch_up(audit: database.Audit, auditing: Auditing, state: JobState) -> None:
    """Write what a process could not that died between the last checkpoint and the end of its audit."""
    session = audit.session(auditing.session_id)
    if session is not None and session.finished_at is not None and session.status != "stopped":
        return
    auditing.begin()
    auditing.complete(state)
    _ended(auditing, state)


def _stopped(auditing: Auditing, error: SheetsCatalogError) -> None:
    """The job's books stay those of its last checkpoint; a job that another run holds is left to that run."""
    if isinstance(error, BusyError):
        return
    auditing.begin()
    auditing.audit.error(error_log(auditing.session_id, error))
    now, books = auditing.systems.clock.now(), auditing.books
    auditing.figures(now)
    end = database.SessionEnd(auditing.session_id, "stopped", now, books, error.message, error.advice)
    auditing.audit.session_finished(end)


def _ended(auditing: Auditing, state: JobState) -> None:
    status, now = ENDS.get(state.status, "stopped"), auditing.systems.clock.now()
    auditing.figures(now)
    end = database.SessionEnd(auditing.session_id, status, now, state.books, state.note)
    auditing.audit.session_finished(end)

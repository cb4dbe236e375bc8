"""Running a staging or delivery job: one job of a batch at a time, on the engine all flows share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from sheets_catalog.errors import BusyError, InputError, PermissionMissing
from sheets_catalog.flows import job_files
from sheets_catalog.flows.connection import THREADS
from sheets_catalog.flows.running import JobResult, Run, run_job
from sheets_catalog.flows.tasks import batches, planning, register
from sheets_catalog.flows.tasks.copying import CopyWork
from sheets_catalog.jobs.batches import Sizing
from sheets_catalog.jobs.runner import Limits

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tasks.copying import Ending, Phase
    from sheets_catalog.flows.tasks.register import Register
    from sheets_catalog.jobs.runner import Watcher
    from sheets_catalog.jobs.state import JobState

CHUNKS = Sizing(smallest=5, usual=5, largest=5, target_seconds=20.0)
"""Tasks copied between two checkpoints (SD-5): five, for whoever has 20 seconds."""

LONG_CHUNKS = replace(CHUNKS, usual=100, largest=100, target_seconds=30.0)
"""For whoever has no deadline: up to a hundred, fewer when that takes longer than a minute. Between two chunks some
six seconds go by without a copy (the last one, the proof, the checkpoint); a hundred tasks keep them below a fifth."""

PATIENCE = 26 * 3600.0
"""Seconds without progress that are waited out: the day's limit of 750 GB is lifted after 24 hours."""


class CheckPlace(Protocol):
    """Raises `InputError` or `PermissionMissing` when a job must not copy into its folder, or not any more.

    `new`: it has not begun.
    """

    def __call__(self, systems: Systems, plan: Plan, *, new: bool) -> None:
        """Check."""


@dataclass(frozen=True, slots=True)
class Applying:
    """Applies stored plans of one phase, or goes on where a job stopped: what staging and delivery call `apply`.

    `check_place`: whether the job may still copy where it was planned to. It does not keep a job from being cancelled.
    """

    phase: Phase
    ending: Ending
    check_place: CheckPlace

    def __call__(
        self,
        systems: Systems,
        audit: Audit,
        job_id: str,
        *,
        watcher: Watcher | None = None,
        limits: Limits | None = None,
        force: bool = False,
    ) -> JobResult:
        """Do what a stored plan says, or go on where it stopped.

        Raises `BusyError` (another job of the batch has begun), `StateError`, `StalePlanError`, `AccessError`,
        `InputError`, `UpstreamError`; the job keeps its place in every case.
        """
        barred = False

        def check(plan: Plan, state: JobState) -> None:
            nonlocal barred
            planning.check_account(systems, plan)
            try:
                self.check_place(systems, plan, new=not state.started)
            except (InputError, PermissionMissing):
                barred = job_files.stop_wanted(systems, job_id)
                if not barred:
                    raise
            _take(systems, plan, job_id)

        given = limits or Limits(patience=PATIENCE)
        sizing = CHUNKS if given.deadline is not None else LONG_CHUNKS
        with ThreadPoolExecutor(THREADS, "copying") as pool:
            result = run_job(
                systems,
                audit,
                job_id,
                lambda plan: CopyWork(systems, plan, job_id, audit, self.phase, self.ending, pool, _keep, barred),
                check,
                Run(watcher, given, sizing, force),
            )
        if result.status.ended:
            _give_back(systems, result.plan.options["batch"], job_id)
        return result


def _keep(systems: Systems, plan: Plan, job_id: str) -> None:
    """Enter the job once more, now that its own file says that it has begun; raises `BusyError` as `_take`.

    Two jobs that start at once may each have found that the other has not begun. From here on nobody can: who looked
    before, and has not entered itself yet, finds the register changed and looks again.
    """
    _take(systems, plan, job_id, begun=job_id)


def _take(systems: Systems, plan: Plan, job_id: str, begun: str = "") -> None:
    """Enter this job as the one that works on the batch. Raises `BusyError` when another one has begun.

    Also as one of the batch's: a process that died while it stored the job may have left only the job's file.
    """

    def taken(found: Register) -> Register:
        batch = planning.with_job(found.batch(plan.options["batch"]), plan, job_id)
        if batch.active_job not in {"", job_id} and batches.begun(systems, batch.active_job):
            raise BusyError(
                f"Job {batch.active_job} works on batch {batch.id} already.",
                job_id=batch.active_job,
                advice=f"Watch, resume or cancel it: `sheets-catalog jobs show {batch.active_job}`.",
            )
        cleaned = "" if job_id in batch.staging_jobs else batch.cleaned_at  # its folder is taken back and filled again
        changed = {"active_job": job_id, "begun_job": begun, "cleaned_at": cleaned}
        return found.with_batch(msgspec.structs.replace(batch, **changed))

    register.change(systems, taken)


def _give_back(systems: Systems, batch_id: str, job_id: str) -> None:
    def given_back(found: Register) -> Register:
        batch = found.batches.get(batch_id)
        if batch is None or batch.active_job != job_id:
            return found
        return found.with_batch(msgspec.structs.replace(batch, active_job="", begun_job=""))

    register.change(systems, given_back)

"""Job files in Drive: making, listing, showing, cancelling, retrying and cleaning up jobs.

A job is one file in the connection's folder: its content is the plan, its private properties are the progress.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog.books import Books
from sheets_catalog.changes import plan as plans
from sheets_catalog.errors import BusyError, InputError, NotFound, PreconditionFailed, SheetsCatalogError, StateError
from sheets_catalog.flows import control as controls
from sheets_catalog.flows.drive_stores import BINARY, DriveJob, DriveProperties, create_once
from sheets_catalog.flows.near import suggestion
from sheets_catalog.jobs import lease as leases
from sheets_catalog.jobs import state as codec
from sheets_catalog.jobs.checkpoints import Checkpoints
from sheets_catalog.jobs.state import JobState, Result, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.files import File

JOB = "job"


UNFINISHED = frozenset(status.value for status in Status if not status.ended)
"""Statuses of jobs that may go on, as a summary has them."""


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job in a list. `status` is ``unreadable`` when its state cannot be read; `note` then says why."""

    job_id: str
    flow: str
    title: str
    status: str
    books: Books
    created_at: datetime | None
    updated_at: datetime | None
    note: str = ""
    not_before: datetime | None = None
    quarantined: int = 0
    begun: bool = False
    undo: bool = False

    @property
    def word(self) -> str:
        """What people call it: an undo is an export to the engine."""
        return plans.UNDO if self.undo else self.flow


@dataclass(frozen=True, slots=True)
class ItemView:
    """One change of a job, and what became of it."""

    number: int
    change: plans.Change
    result: Result
    reason: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class JobView:
    """A job in full."""

    summary: JobSummary
    plan: Plan
    state: JobState
    items: tuple[ItemView, ...]


def make(systems: Systems, plan: Plan) -> str:
    """Store a plan as a job file, ready to be applied; returns the job's id.

    Raises `InputError` when the folder is in the trash.
    """
    content = plans.dump(plan)
    (job_id,) = systems.drive.generate_ids(1)
    state = JobState.new(len(plan.changes), plans.digest(content), plan.settled)
    first = {key: value for key, value in codec.pack(state, codec.SLOTS[0]).properties.items() if value}
    properties = {
        **first,
        codec.KIND: JOB,
        codec.SELF: job_id,
        codec.SHEET: plan.spreadsheet_id,
        codec.SUMMARY: f"{plan.flow} planned",
    }
    word = plans.UNDO if plan.undone else plan.flow
    name = f"Sheets Catalog {word} {plan.created_at[:16].replace('T', ' ')} – {plan.spreadsheet_title}"
    folder = systems.connection.folder_id
    made = create_once(systems.drive, job_id, name, content, BINARY, parents=[folder], app_properties=properties)
    if made.trashed:  # whatever is in a folder in the trash is there as well
        raise controls.trashed("folder")
    return job_id


def store_of(systems: Systems, job_id: str) -> DriveJob:
    """The job's store."""
    return DriveJob(systems.drive, job_id, folder_id=systems.connection.folder_id)


def read_plan(systems: Systems, job_id: str, digest: str) -> Plan:
    """The job's plan. Raises `StateError` when it is not the one the state belongs to."""
    content = systems.drive.read(job_id)
    if plans.digest(content) != digest:
        raise StateError(
            "The job file's plan is not the one its progress belongs to: it was changed or damaged.",
            advice="Nothing was sent. Plan again.",
        )
    return plans.load(content)


@dataclass(frozen=True, slots=True)
class OpenedJob:
    """A stored job as it was read: its plan, its state, and the checkpoints that go on from that state."""

    job_id: str
    checkpoints: Checkpoints
    state: JobState
    plan: Plan


def opened(systems: Systems, job_id: str) -> OpenedJob:
    """Read a job. Raises `InputError` when there is none, `StateError` when it cannot be read."""
    checkpoints = Checkpoints(store_of(systems, job_id))
    try:
        state = checkpoints.load()
    except (NotFound, InputError, StateError):
        job_file(systems, job_id)  # raises when it is not there, or is no job at all
        raise
    return OpenedJob(job_id, checkpoints, state, read_plan(systems, job_id, state.plan_digest))


def list_jobs(systems: Systems, *, all_sheets: bool = False, also: Iterable[str] = ()) -> list[JobSummary]:
    """All jobs of the connection's spreadsheet, newest first.

    Drive's lists lag by seconds: `also` are ids of jobs that are looked up one by one, so that they are there,
    and told as they are.
    """
    wanted = {codec.KIND: JOB} | ({} if all_sheets else {codec.SHEET: systems.connection.spreadsheet_id})
    found = {file.id: file for file in systems.drive.find(app_properties=wanted, parent=systems.connection.folder_id)}
    for job_id in also:
        with suppress(InputError):
            file = job_file(systems, job_id)
            if not file.trashed and wanted.items() <= file.app_properties.items():
                found[job_id] = file
    return sorted((summary_of(systems, file) for file in found.values()), key=_age, reverse=True)


def _age(summary: JobSummary) -> datetime:
    return summary.created_at or datetime.min.replace(tzinfo=UTC)


def summary_of(systems: Systems, file: File) -> JobSummary:
    """A job's line in a list."""
    store = store_of(systems, file.id)
    try:
        state = codec.unpack(file.app_properties, store.read_side, file.id).state
    except StateError as error:
        flow = file.app_properties.get(codec.SUMMARY, "").partition(" ")[0]
        status = "unreadable"
        return JobSummary(
            file.id, flow, file.name, status, Books(), file.created_time, file.modified_time, error.message
        )
    return _summary(file, state)


def goes_on(systems: Systems, job_id: str) -> bool:
    """Whether somebody has begun a job that has not ended. Asked by its id: a list may show it as it was before."""
    now = summary_of(systems, job_file(systems, job_id))
    return now.begun and now.status in UNFINISHED


def _summary(file: File, state: JobState) -> JobSummary:
    word = file.name.removeprefix("Sheets Catalog ").partition(" ")[0]
    return JobSummary(
        job_id=file.id,
        flow="export" if word == plans.UNDO else word,
        title=file.name.partition(" – ")[2],
        status=state.status.value,
        books=state.books,
        created_at=file.created_time,
        updated_at=datetime.fromtimestamp(state.updated, UTC) if state.updated else file.created_time,
        note=state.note,
        not_before=datetime.fromtimestamp(state.not_before, UTC) if state.not_before else None,
        quarantined=len(state.items(Result.REJECTED)),
        begun=bool(state.started),
        undo=word == plans.UNDO,
    )


def show(systems: Systems, job_id: str) -> JobView:
    """A job in full. Raises `InputError` when there is none, `StateError` when it cannot be read."""
    file = job_file(systems, job_id)
    job = opened(systems, job_id)
    plan, state = job.plan, job.state
    items = tuple(
        ItemView(number, change, state.result(number), state.reasons.get(number, ""), state.attempts.get(number, 0))
        for number, change in enumerate(plan.changes)
    )
    return JobView(_summary(file, state), plan, state, items)


def job_file(systems: Systems, job_id: str) -> File:
    """The job's file. Raises `InputError` when it is not there or is something else."""
    try:
        file = systems.drive.get(job_id)
    except (NotFound, InputError) as error:
        advice = " ".join(filter(None, (_meant(systems, job_id), "`sheets-catalog jobs list` shows them.")))
        raise InputError(f"There is no job {job_id}.", advice=advice) from error
    if file.app_properties.get(codec.KIND) != JOB:
        raise InputError(
            f"The file {job_id} (“{file.name}”) is not a job.", advice="Look at `sheets-catalog jobs list`."
        )
    return file


def _meant(systems: Systems, job_id: str) -> str:
    """A sentence with the jobs that may have been meant, or the newest ones; nothing when they cannot be asked for."""
    with suppress(SheetsCatalogError):
        return suggestion(job_id, [job.job_id for job in list_jobs(systems)])
    return ""


def cancel(systems: Systems, job_id: str) -> Status:
    """Cancel a job at once when it has not begun; else ask whoever runs it to end it at its next checkpoint.

    Returns the status it has now. What was applied stays applied.
    """
    job_file(systems, job_id)
    store = store_of(systems, job_id)
    checkpoints = Checkpoints(store)
    state = checkpoints.load()
    if state.status is Status.PLANNED and not state.started:
        with suppress(BusyError):  # somebody begins it at this moment
            gone = msgspec.structs.replace(state, status=Status.CANCELLED)
            return checkpoints.save(gone, "cancelled before it began", stop=True).status
    for _ in range(5):
        stored = store.read()
        state = codec.unpack(stored.properties, store.read_side, job_id).state
        if state.status.ended:
            return state.status
        try:
            store.write({codec.STOP: "1"}, stored.version)
        except PreconditionFailed:
            continue
        return state.status
    raise StateError("The job file keeps changing.", advice="Try again in a few seconds.")


def stop_wanted(systems: Systems, job_id: str) -> bool:
    """Whether somebody has cancelled a job, whether or not it has ended by now."""
    return bool(store_of(systems, job_id).read().properties.get(codec.STOP))


def retry(systems: Systems, job_id: str, items: Iterable[int] | None = None) -> int:
    """Put records that were set aside back in line (all, or those with these numbers); returns how many.

    A job that was cancelled is taken up again whole: what it had not come to follows as well.
    """
    store, flow = lease_of(systems, opened(systems, job_id).plan.flow, job_id)
    lease = leases.acquire(store, flow, job_id, leases.this_run())
    try:
        checkpoints = Checkpoints(store_of(systems, job_id))
        state = checkpoints.load()
        chosen = [item for item in state.items(Result.REJECTED) if items is None or item in set(items)]
        if not chosen:
            return 0
        if state.status.ended:  # also one of an older format
            state = msgspec.structs.replace(state, earlier=state.outcomes)
        again = msgspec.structs.replace(state.again(chosen).taken(lease.epoch), status=Status.PLANNED, not_before=0)
        checkpoints.save(again, f"{len(chosen)} records in line again", stop=False)
        return len(chosen)
    finally:
        leases.release(store, lease)


def lease_of(systems: Systems, flow: str, job_id: str) -> tuple[DriveProperties, str]:
    """Where the lease of a job stands, and its name.

    Flows in `LEASES` share one of the sheet. Others claim what they work on record by record, so that several of their
    jobs may run at once: each has a lease of its own, in its job file.
    """
    if flow in LEASES:
        return controls.find_or_make(systems).store, LEASES[flow]
    return store_of(systems, job_id), JOB


LEASES = {"export": "catalogue", "import": "catalogue"}
"""Which flows exclude each other on one sheet: those with the same lease."""


def clean(
    systems: Systems, older_than_days: float, *, dry_run: bool = False, also: Iterable[str] = ()
) -> list[JobSummary]:
    """Move jobs older than so many days to the trash; returns them. `also`: see `list_jobs`.

    Those that ended, those that were planned and never begun, and unreadable ones; what has begun and waits stays. So
    does a staging or delivery that has copied something: it is the proof that its batch is delivered and verified by.
    """
    limit = systems.clock.now() - timedelta(days=older_than_days)
    listed = [job.job_id for job in list_jobs(systems, also=also) if _is_over(job, limit)]
    files = systems.drive.get_many(listed).values()  # a list may show a job as it was before somebody retried it
    now = [summary_of(systems, file) for file in files if not file.trashed]
    old = [job for job in now if _is_over(job, limit)]
    if not dry_run:
        for job in old:
            _trash(systems, job.job_id)
    return old


_ENDED = frozenset({Status.FINISHED.value, Status.CANCELLED.value, "unreadable"})


def _is_over(job: JobSummary, limit: datetime) -> bool:
    """Whether nobody goes on with a job that did not change since `limit`, nor needs it."""
    unused = job.status == Status.PLANNED and not job.begun
    proof = job.flow in {"stage", "deliver"} and job.books.done
    return (job.status in _ENDED or unused) and not proof and (job.updated_at or limit) < limit


def _trash(systems: Systems, job_id: str) -> None:
    try:
        for side in systems.drive.find(app_properties={"kind": "side", JOB: job_id}):
            systems.drive.trash(side.id)
        systems.drive.trash(job_id)
    except NotFound:
        return
    except SheetsCatalogError as error:
        error.advice = error.advice or "Run `sheets-catalog jobs clean` again; it goes on with what is left."
        raise

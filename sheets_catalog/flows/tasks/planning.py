"""What plans of staging and delivery have in common: ids, figures, the job file."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from sheets_catalog.books import Books
from sheets_catalog.changes.plan import Change, Estimate, FieldChange, Finding, Plan
from sheets_catalog.errors import InputError, SheetsCatalogError, StalePlanError
from sheets_catalog.flows import job_files
from sheets_catalog.flows.connection import THREADS
from sheets_catalog.flows.tasks import register
from sheets_catalog.records.tasks import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sheets_catalog.changes.plan import FileCopy
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.flows.tasks.files import Problem
    from sheets_catalog.flows.tasks.register import Batch, Register
    from sheets_catalog.flows.tasks.sheet import TaskTab
    from sheets_catalog.records import Value

DAILY_BYTES = 750 * 10**9
"""Bytes one user may copy in a day (https://developers.google.com/workspace/drive/api/guides/limits)."""

CALL_SECONDS = 1.25
"""What a call to Drive takes, for estimates."""

COPY_UNITS, GET_UNITS = 50, 5
"""Quota units of a copy or create, and of a read (the same page)."""

FIXED_CALLS = 80
"""Calls of a job however many tasks it has, one after another: lease, folders, register, claims, statuses, the export
sheet or the receipt, the end. `tests/flows/test_staging.py` counts them."""

CHUNK_CALLS = 14
"""Calls between two chunks of a hundred tasks: statuses, lease, checkpoint; half of them while files are copied."""


def silent(phase: str, done: int, total: int) -> None:
    """The `note` of whoever does not want to be told."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a plan of either flow is made of. `target`: the name of the folder it fills, the plan's other side."""

    flow: str
    actor: str
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    options: dict[str, str]
    estimate: Estimate
    target: str


def plan_of(systems: Systems, opened: TaskTab, draft: Draft) -> Plan:
    """The plan."""
    return Plan(
        id=secrets.token_hex(8),
        flow=draft.flow,
        created_at=systems.clock.now().isoformat(),
        spreadsheet_id=opened.info.id,
        spreadsheet_title=opened.info.title,
        shop=draft.target,
        tables=(TASKS.name,),
        policy="",
        actor=draft.actor,
        changes=draft.changes,
        conflicts=(),
        findings=draft.findings,
        agreements=(),
        settled=Books(),
        estimate=draft.estimate,
        baseline_generation=0,
        options={**draft.options, "tab": opened.tab.title},
    )


def estimate(changes: Sequence[Change]) -> Estimate:
    """Calls, quota units and seconds of applying the plan; ``cost_points`` are Drive's quota units."""
    tasks = [change for change in changes if change.files]
    files = [file for change in tasks for file in change.files]
    native = sum(not file.checksum for file in files)
    writes = len(tasks) + len(files) + 2 * native
    proven = len(files) + len(tasks)
    chunks = -(-len(tasks) // 100)
    reads = -(-proven // 100) - (-len(files) // 100) + FIXED_CALLS + CHUNK_CALLS * max(chunks - 1, 0)
    units = writes * COPY_UNITS + (len(files) + proven + reads) * GET_UNITS
    in_line = FIXED_CALLS + CHUNK_CALLS / 2 * chunks
    seconds = (in_line + writes / THREADS) * CALL_SECONDS
    days = sum(file.size or 0 for file in files) // DAILY_BYTES
    return Estimate(
        writes=writes,
        reads=reads,
        google_calls=writes + reads,
        cost_points=units,
        seconds=max(seconds, days * 86_400.0),
        basis=f"{CALL_SECONDS} s a call, {THREADS} calls at once, 750 GB a day",
    )


def daily_limit(changes: Iterable[Change], tab: str) -> list[Finding]:
    """A warning when all this cannot be copied in a day."""
    size = sum(file.size or 0 for change in changes for file in change.files)
    if size <= DAILY_BYTES:
        return []
    days = -(-size // DAILY_BYTES)
    message = f"{size / 1e9:,.0f} GB are to be copied; Google lets a user copy 750 GB a day, so it takes {days} days."
    advice = "The job waits and goes on by itself; leave it running, or resume it once a day."
    return [Finding("warning", "daily_limit", tab, 0, "", f"{size}", message, advice)]


def finding(problem: Problem, row: Row, tab: str) -> Finding:
    """A task's problem as a finding of the plan, named by task and file."""
    label = row.values.get("folder_name") or row.key or ""
    message = f"Task {row.key} ({label}): {problem.message}"
    return Finding("error", problem.rule, tab, row.number, problem.column, problem.file, message, problem.advice)


def moves(row: Row, after: dict[str, Value]) -> tuple[FieldChange, ...]:
    """The cells that a task's success changes."""
    return tuple(FieldChange(name, row.values.get(name), value, "sheet") for name, value in after.items())


def local_now(systems: Systems, zone: str) -> datetime:
    """Now in the spreadsheet's own time zone."""
    try:
        return systems.clock.now().astimezone(ZoneInfo(zone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return systems.clock.now().astimezone(UTC)


def with_ids(systems: Systems, plan: Plan, parent: bool) -> Plan:
    """The plan with an id for everything that takes one: made by Google, stored before the first try."""
    blobs = sum(bool(file.checksum) for change in plan.changes for file in change.files)
    tasks = sum(bool(change.files) for change in plan.changes)
    ids = iter(systems.drive.generate_ids(blobs + tasks + 1 + parent))
    options = plan.options | {"receipt": next(ids)} | ({"parent": next(ids)} if parent else {})
    changes = tuple(_with_ids(change, lambda: next(ids)) for change in plan.changes)
    account = systems.drive.about().user.email_address
    return msgspec.structs.replace(plan, changes=changes, options={**options, "account": account})


def _with_ids(change: Change, new: Callable[[], str]) -> Change:
    if not change.files:
        return change
    context = {**change.context, "folder": new()}
    return msgspec.structs.replace(change, files=tuple(_with_id(each, new) for each in change.files), context=context)


def _with_id(file: FileCopy, new: Callable[[], str]) -> FileCopy:
    return msgspec.structs.replace(file, new_id=new()) if file.checksum else file


def store(systems: Systems, plan: Plan, batch: Callable[[Register, str], Batch]) -> str:
    """Make the job file and enter the job in the register; returns the job's id.

    When `batch` raises `InputError` there is no such job: its file is in the trash, if it could be put there.
    """
    job_id = job_files.make(systems, plan)
    try:
        register.change(systems, lambda found: found.with_batch(batch(found, job_id)))
    except InputError:
        with suppress(SheetsCatalogError):  # what was wrong with the batch matters more
            systems.drive.trash(job_id)
        raise
    return job_id


def with_job(batch: Batch, plan: Plan, job_id: str) -> Batch:
    """The batch with this job among its own, and with the folder that it delivers into. Repeatable. Pure."""
    if plan.flow == "stage":
        jobs = dict.fromkeys((*batch.staging_jobs, job_id))
        return msgspec.structs.replace(batch, staging_jobs=tuple(jobs))
    jobs = dict.fromkeys((*batch.delivery_jobs, job_id))
    clients = dict.fromkeys((*batch.client_folders, plan.options["parent"]))
    return msgspec.structs.replace(batch, delivery_jobs=tuple(jobs), client_folders=tuple(clients))


def check_account(systems: Systems, plan: Plan) -> None:
    """Raise `StalePlanError` for a plan of another sheet or account: Google gives ids to one account only."""
    if plan.spreadsheet_id != systems.connection.spreadsheet_id:
        raise StalePlanError(
            f"This job is about “{plan.spreadsheet_title}”, but the connection is to another spreadsheet.",
            advice="Use the connection the job was made with.",
        )
    account = systems.drive.about().user.email_address
    if plan.options.get("account") not in {account, None}:
        raise StalePlanError(
            f"This job was made by {plan.options['account']}; the connection acts as {account}.",
            advice=f"Resume it as {plan.options['account']}: the ids of its files were given to that account.",
        )

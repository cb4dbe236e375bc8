"""What people do with tasks beside exporting them: settings, migration, statuses by hand, cleaning up.

Each is logged in the audit as a session of its own, with who, when and why.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog import database
from sheets_catalog.books import Books
from sheets_catalog.errors import InputError, NotFound, PermissionMissing, SheetsCatalogError, StateError
from sheets_catalog.flows.near import nearest
from sheets_catalog.flows.tasks import leaving, register
from sheets_catalog.flows.tasks.batches import begun, proven
from sheets_catalog.flows.tasks.board import Board, Move
from sheets_catalog.flows.tasks.folders import folder_for_writing, keep_from_clients, keep_out_of_batches
from sheets_catalog.flows.tasks.selecting import Choices, choices, label_of
from sheets_catalog.flows.tasks.sheet import Migration, add_columns, open_tasks, plan_migration, writing
from sheets_catalog.flows.tasks.validating import check_rules
from sheets_catalog.records.tasks import TASKS, ExportStatus, check_move, export_status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.flows.tasks.board import Moved
    from sheets_catalog.flows.tasks.register import Batch, Register, Rules, Settings


@dataclass(slots=True)
class Session:
    """An audit session in the making. `books` are filled in by whoever works under it."""

    id: str
    planned: int = 0
    done: int = 0
    unchanged: int = 0
    rejected: int = 0

    def take(self, moved: Moved, planned: int) -> None:
        """Count the outcome of moves."""
        done = sum(log.status == "done" for log in moved.logs)
        refused = len(moved.refused)
        self.planned += planned
        self.done += done
        self.rejected += refused
        self.unchanged += planned - done - refused

    def books(self) -> Books:
        """Balanced books."""
        return Books(self.planned, self.done, self.unchanged, self.rejected)


@contextmanager
def session(systems: Systems, audit: Audit, flow: str, title: str, actor: str) -> Iterator[Session]:
    """An audit session around something a person does."""
    log = Session(f"{flow}-{secrets.token_hex(6)}")
    start = database.SessionStart(
        log.id, flow, systems.clock.now(), title, systems.connection.spreadsheet_id, actor=actor
    )
    audit.session_started(start)
    try:
        yield log
    except SheetsCatalogError as error:
        end = database.SessionEnd(log.id, "failed", systems.clock.now(), log.books(), error.message, error.advice)
        audit.session_finished(end)
        raise
    audit.session_finished(database.SessionEnd(log.id, "completed", systems.clock.now(), log.books()))


def configure(systems: Systems, *, staging_folder: str = "", tab: str = "", rules: Rules | None = None) -> Settings:
    """Save settings of this sheet's exports; what is not given stays. Raises `InputError`, `PermissionMissing`.

    The staging folder is checked for write access and its name is kept (SD-2).
    """
    folder = folder_for_writing(systems, staging_folder, "staging folder") if staging_folder else None
    if folder:
        known = register.load(systems)
        keep_from_clients(systems, folder, known.client_folders)
        keep_out_of_batches(systems, known.batches.values(), folder, "staging folder")
    if rules:
        check_rules(rules)
    if tab:
        open_tasks(systems, tab, migrated=False)

    def configured(found: Register) -> Register:
        settings = found.settings
        if folder:
            settings = msgspec.structs.replace(settings, staging_folder=folder.id, staging_name=folder.name)
        settings = msgspec.structs.replace(settings, tab=tab or settings.tab, rules=rules or settings.rules)
        return msgspec.structs.replace(found, settings=settings)

    return register.change(systems, configured).settings


def filter_choices(systems: Systems) -> Choices:
    """For each filter of staging, the words that occur in the tasks tab and how many tasks have each. Reads only."""
    return choices(open_tasks(systems, register.load(systems).settings.tab).rows())


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What setting statuses would do, or did: `moves` are (task id, status before)."""

    status: str
    moves: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str], ...] = ()


def migrate(systems: Systems, audit: Audit, actor: str) -> Migration:
    """Add missing columns, and call tasks with an export time delivered (SD-1). Repeatable; returns what was done."""
    title = register.load(systems).settings.tab
    opened = open_tasks(systems, title, migrated=False)
    plan = plan_migration(opened)
    if plan.empty:
        return plan
    with session(systems, audit, "migrate", f"Migration of “{opened.info.title}”", actor) as log:
        add_columns(opened, plan)
        rows = {row.key: row for row in opened.rows()}
        reason = "exported before there was an export status"
        moves = [
            Move(item, key, label_of(rows[key]), (None,), (_batch(rows[key]),), {"export_status": "delivered"}, reason)
            for item, key in enumerate(plan.delivered)
        ]
        moved = Board(systems, title, log.id, actor).write(moves)
        audit.records(moved.logs)
        log.take(moved, len(moves))
    return plan


def _batch(row: Row) -> str | None:
    return row.values.get("export_batch_id")


def _wanted(status: str) -> ExportStatus | None:
    """The status that was asked for. Raises `InputError` that names those there are."""
    try:
        return export_status(status or None)
    except InputError as error:
        near = nearest(status, list(ExportStatus))
        meant = f"Did you mean {' or '.join(near)}? " if near else ""
        error.advice = f"{meant}There is: {', '.join(ExportStatus)}; an empty one puts tasks back in line."
        raise


def set_status(
    systems: Systems, audit: Audit, task_ids: Sequence[str], status: str, reason: str, actor: str
) -> StatusChange:
    """Set tasks to a status by hand; an empty status puts them back in line. All or nothing.

    Who is put back in line leaves its batch (`leaving.plan_leaving` says what stays where), which remembers that.
    Raises `InputError` for an unknown task or status, an illegal move, or no reason.
    """
    if not reason.strip():
        raise InputError("A status set by hand needs a reason.", advice="Give one with --reason.")
    wanted = _wanted(status)
    title = register.load(systems).settings.tab
    rows = {row.key: row for row in open_tasks(systems, title).rows()}
    missing = [task_id for task_id in task_ids if task_id not in rows]
    if missing:
        near = nearest(missing[0], [key for key in rows if key])
        advice = f"Did you mean {' or '.join(near)}?" if near else "Check the id in the column “Task ID”."
        raise InputError(f"{title}: there is no task “{missing[0]}”.", advice=advice)
    for task_id in task_ids:
        check_move(rows[task_id].values.get("export_status"), wanted, by_hand=True)
    moves = [_by_hand(item, rows[task_id], wanted, reason) for item, task_id in enumerate(dict.fromkeys(task_ids))]
    with session(systems, audit, "set", f"Status “{status}” for {len(moves)} tasks", actor) as log:
        moved = Board(systems, title, log.id, actor, by_hand=True).write(moves)
        audit.records(moved.logs)
        log.take(moved, len(moves))
        leaving.remember(systems, [move for move in moves if move.item not in moved.refused], actor)
    before = tuple((move.task_id, move.before[0] or "") for move in moves)
    return StatusChange(status, before, tuple((moves[item].task_id, why) for item, why in moved.refused.items()))


def _by_hand(item: int, row: Row, status: ExportStatus | None, reason: str) -> Move:
    after: dict[str, str | None] = {"export_status": status.value if status else None}
    if status is None:
        after |= {"export_batch_id": None, "staged_count": None, "export_time": None}
    before = row.values.get("export_status")
    return Move(item, row.key or "", label_of(row), (before,), (_batch(row),), after, reason.strip())


def history(systems: Systems, audit: Audit, task_id: str) -> list[database.RecordEntry]:
    """Every change of a task's status that was ever logged; other sheets of the same audit may have its id too."""
    found = list(audit.find_records(record_key=task_id, table=TASKS.name, action="status"))
    sessions = {each.session_id: audit.session(each.session_id) for each in found}
    mine = {key for key, one in sessions.items() if one and one.spreadsheet_id == systems.connection.spreadsheet_id}
    return [each for each in found if each.session_id in mine]


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What cleaning up a batch does: tasks put back in line, and the batch's folder trashed (or kept).

    `statuses`: those of the tasks when it was planned. `delivered`: whether it was asked for batches delivered whole.
    """

    batch_id: str
    folder_name: str
    folder_id: str
    tasks: tuple[str, ...]
    trash: bool
    why: str
    statuses: tuple[str, ...] = ()
    delivered: bool = False


def plan_cleaning(systems: Systems, older_than_days: float, *, delivered: bool = False) -> list[Cleaning]:
    """What cleaning up exports older than so many days would do. Reads only.

    Failed tasks are put back in line, and tasks that a job left `staging` when it ended. A batch of which nothing is
    staged or delivered has its folder trashed; with `delivered` also one that was delivered as a whole. A batch that a
    job works on is left alone.
    """
    limit = systems.clock.now() - timedelta(days=older_than_days)
    known = register.load(systems)
    rows = list(open_tasks(systems, known.settings.tab).rows())
    found = []
    for batch in sorted(known.batches.values(), key=lambda each: each.created_at, reverse=True):
        if batch.cleaned_at or datetime.fromisoformat(batch.created_at) > limit or _at_work(systems, batch):
            continue
        cleaning = _cleaning(systems, known, batch, rows, delivered=delivered)
        if cleaning.tasks or cleaning.trash:
            found.append(cleaning)
    return found


def _at_work(systems: Systems, batch: Batch) -> bool:
    return bool(batch.active_job) and begun(systems, batch.active_job)


_ABANDONED = {ExportStatus.STAGING_FAILED, ExportStatus.STAGING}
_WORTHLESS = {"", *_ABANDONED, ExportStatus.DELIVERY_FAILED}
"""Statuses of tasks whose copies nobody needs. A word that is none of ours may stand for anything: it is not here."""


def _cleaning(
    systems: Systems, known: Register, batch: Batch, everything: Sequence[Row], *, delivered: bool
) -> Cleaning:
    rows = [row for row in everything if _batch(row) == batch.id]
    words = {_word(row) for row in rows}
    finished = {ExportStatus.DELIVERED.value, ExportStatus.STAGING_FAILED.value}
    if words <= _WORTHLESS or (delivered and words <= finished):  # then only it matters who has no row
        words |= _rowless(systems, known, batch, everything)
    nothing_left = words <= _WORTHLESS
    done = delivered and words <= finished and _handed_over(systems, batch, rows)
    abandoned = _ABANDONED | ({ExportStatus.DELIVERY_FAILED} if nothing_left else set())
    tasks = {row.key or "": _word(row) for row in rows if _word(row) in abandoned}
    why = "nothing of it was staged" if nothing_left else "all of it was delivered" if done else "failed tasks only"
    return Cleaning(
        batch.id,
        batch.folder_name,
        batch.folder_id,
        tuple(tasks),
        nothing_left or done,
        why,
        tuple(tasks.values()),
        delivered,
    )


def _handed_over(systems: Systems, batch: Batch, rows: Sequence[Row]) -> bool:
    """Whether jobs have proven what these rows call delivered: anybody can fill a column down."""
    try:
        proof = proven(systems, batch.delivery_jobs)
    except StateError:
        return False
    return all(row.key in proof for row in rows if _word(row) == ExportStatus.DELIVERED)


def _rowless(systems: Systems, known: Register, batch: Batch, everything: Sequence[Row]) -> set[str]:
    """What jobs have proven of tasks of which no row says now that they are elsewhere.

    They were archived, or stand in the tab of other settings; or the row has a status, but no batch's id any more, or
    that of one which never had them (somebody filled the column down).
    """
    try:
        staged = proven(systems, batch.staging_jobs)
        astray = _astray(systems, known, staged, [row for row in everything if _batch(row) != batch.id])
        staged -= ({row.key for row in everything} - astray.keys()) | {each.task_id for each in batch.taken_out}
        delivered = proven(systems, batch.delivery_jobs) if staged else set()
    except StateError:  # a job that cannot be read may have staged anything
        return {ExportStatus.STAGED.value}
    words = {key: (ExportStatus.DELIVERED if key in delivered else ExportStatus.STAGED).value for key in staged}
    return {astray.get(key, word) for key, word in words.items()}


def _astray(systems: Systems, known: Register, staged: set[str], elsewhere: Sequence[Row]) -> dict[str | None, str]:
    """The status of those of these tasks whose row names no batch that staged them. Raises `StateError`.

    `elsewhere`: the rows of all batches but their own, which has staged them.
    """
    rows = [row for row in elsewhere if row.key in staged and _word(row)]
    named = {_batch(row) or "" for row in rows} & known.batches.keys()
    having = {batch_id: proven(systems, known.batches[batch_id].staging_jobs) for batch_id in named}
    return {row.key: _word(row) for row in rows if row.key not in having.get(_batch(row) or "", ())}


def _word(row: Row) -> str:
    """The row's export status; an error in its cell is not the same as nothing."""
    unreadable = any(finding.column == TASKS.by_name["export_status"].header for finding in row.findings)
    return "?" if unreadable else row.values.get("export_status") or ""


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A batch that was not cleaned up as planned, and why."""

    batch_id: str
    reason: str


def clean(systems: Systems, audit: Audit, plan: Sequence[Cleaning], actor: str) -> list[LeftAlone]:
    """Do what `plan_cleaning` said, to each batch that is still as it was then; returns the others.

    To the trash, nothing is deleted. What was done of a plan is not done again.
    """
    left = []
    with session(systems, audit, "clean", f"Clean-up of {len(plan)} export batches", actor) as log:
        for each in plan:
            with writing(systems, log.id):
                reason = _changed(systems, each)
                if reason:
                    log.planned += len(each.tasks)
                    log.rejected += len(each.tasks)
                else:
                    reason = _clean(systems, audit, each, log, actor)
            if reason:
                left.append(LeftAlone(each.batch_id, reason))
    return left


def _changed(systems: Systems, planned: Cleaning) -> str:
    """Why a batch must not be cleaned up as planned; empty when it may. The caller holds the lease of statuses.

    A job that begins from here on waits for the lease before it copies anything, and finds what was done.
    """
    known = register.load(systems)
    batch = known.batch(planned.batch_id)
    if _at_work(systems, batch):
        return f"Job {batch.active_job} works on it by now."
    rows = list(open_tasks(systems, known.settings.tab).rows())
    if batch.cleaned_at or _cleaning(systems, known, batch, rows, delivered=planned.delivered) != planned:
        return "Its tasks are no longer as they were when the clean-up was planned."
    return ""


def _clean(systems: Systems, audit: Audit, each: Cleaning, log: Session, actor: str) -> str:
    """Clean up one batch; why its folder was kept although it was to be trashed, or empty."""
    title = register.load(systems).settings.tab
    rows = {row.key: row for row in open_tasks(systems, title).rows()}
    moves = [
        _reset(item, rows[task_id], status, each)
        for item, (task_id, status) in enumerate(zip(each.tasks, each.statuses, strict=True))
        if task_id in rows
    ]
    moved = Board(systems, title, f"{log.id}-{each.batch_id}", actor).write_held(moves)
    audit.records(_in_session(log.id, moved))
    log.take(moved, len(moves))
    leaving.remember(systems, [move for move in moves if move.item not in moved.refused], actor)
    if moved.refused:
        return next(iter(moved.refused.values()))
    try:
        if each.trash:
            _trash(systems, each)
    except PermissionMissing:  # it is another account's, and stays
        return "This account may not trash its folder: whoever staged it has to clean it up."
    return ""


def _in_session(session_id: str, moved: Moved) -> list[database.RecordLog]:
    """The logs of one batch's moves, under the session of the whole clean-up."""
    return [
        replace(each, session_id=session_id, operation_key=f"{each.session_id} {each.operation_key}")
        for each in moved.logs
    ]


def _reset(item: int, row: Row, status: str, cleaning: Cleaning) -> Move:
    after = {"export_status": None, "export_batch_id": None}
    reason = f"clean-up of batch {cleaning.batch_id}: {cleaning.why}"
    return Move(item, row.key or "", label_of(row), (status,), (cleaning.batch_id,), after, reason)


def _trash(systems: Systems, cleaning: Cleaning) -> None:
    """Trash the batch's folder, if it is the one we made; then say so in the register."""
    try:
        folder = systems.drive.get(cleaning.folder_id)
        if folder.app_properties.get("batch") == cleaning.batch_id and not folder.trashed:
            systems.drive.trash(folder.id)
    except NotFound:
        pass
    now = systems.clock.now().isoformat()

    def cleaned(found: Register) -> Register:
        batch = found.batch(cleaning.batch_id)
        if _at_work(systems, batch):  # it has begun since, and fills the folder again
            return found
        cleaned_at = batch.cleaned_at or now
        return found.with_batch(msgspec.structs.replace(batch, cleaned_at=cleaned_at, active_job="", begun_job=""))

    register.change(systems, cleaned)

"""From filters to a plan of staging: which tasks, which files, and what is wrong with the rest. Reads only."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog.changes.plan import Change, Plan
from sheets_catalog.errors import InputError
from sheets_catalog.flows.tasks import planning, register
from sheets_catalog.flows.tasks.batches import without_lost_job
from sheets_catalog.flows.tasks.files import copies_of, find_files
from sheets_catalog.flows.tasks.folders import folder_for_writing, keep_from_clients
from sheets_catalog.flows.tasks.register import Batch, Register
from sheets_catalog.flows.tasks.selecting import Filters, Left, Selection, select
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.flows.tasks.validating import check_rules, plain, problems_of
from sheets_catalog.records.tasks import ExportStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.flows.tasks.files import Problem, TaskFiles

BATCH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_FAILED = ExportStatus.STAGING_FAILED
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class StagingOptions:
    """What to stage. `batch_id`: a name for the export batch; empty: one is made up."""

    filters: Filters = field(default_factory=Filters)
    batch_id: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What staging would do. `left`: the tasks that stay out, each with its reason."""

    plan: Plan
    left: tuple[Left, ...]
    batch: Batch

    @property
    def files(self) -> int:
        """Files that would be copied."""
        return sum(len(change.files) for change in self.plan.changes)

    @property
    def size(self) -> int:
        """Bytes that would be copied."""
        return sum(file.size or 0 for change in self.plan.changes for file in change.files)

    @property
    def invalid(self) -> int:
        """Tasks that would be marked `staging_failed` at once."""
        return sum("invalid" in change.context for change in self.plan.changes)


def plan_staging(
    systems: Systems, options: StagingOptions, note: Callable[[str, int, int], None] | None = None
) -> Preview:
    """Plan to stage the tasks that fit. `note(phase, done, total)`: ``sheet``, ``files``.

    Raises `InputError` when there is no usable staging folder or tab, the batch's id cannot be used (or, for a retry,
    is not known), or no task fits; `PermissionMissing`.
    """
    note = note or planning.silent
    register_now = register.load(systems)
    settings = register_now.settings
    if not settings.staging_folder:
        raise InputError(
            "No staging folder has been chosen for this spreadsheet.",
            advice="Choose one with `sheets-catalog tasks configure --staging-folder LINK`.",
        )
    _check_batch_id(register_now, options)
    staging = folder_for_writing(systems, settings.staging_folder, "staging folder")
    keep_from_clients(systems, staging, register_now.client_folders)
    note("sheet", 0, 0)
    opened = open_tasks(systems, settings.tab)
    rows: list[Row] = list(opened.rows())
    if options.filters.retry:
        rows = without_lost_job(systems, register_now.batch(options.filters.retry), rows)
    selection = select(rows, options.filters, settings.tab)
    if not selection.chosen:
        raise _nothing(selection, options.filters)
    rules = check_rules(settings.rules)
    files = find_files(systems, selection.chosen, rules.shortcuts, note)
    problems = {
        row.key: problems_of(row.values.get("folder_name") or "", files[row.key or ""], rules)
        for row in selection.chosen
    }
    _refuse_same_names(selection.chosen, _others(rows, selection, options.filters.retry), problems)
    batch = _batch(systems, register_now, options, staging.id, opened.info.time_zone)
    changes = tuple(_change(row, files[row.key or ""], problems[row.key], batch.id) for row in selection.chosen)
    found = [planning.finding(problem, row, settings.tab) for row in selection.chosen for problem in problems[row.key]]
    warnings = [*selection.findings, *found, *planning.daily_limit(changes, settings.tab)]
    known = {"parent": batch.folder_id} if batch.folder_id else {}
    draft = planning.Draft(
        flow="stage",
        actor=options.actor or systems.connection.actor,
        changes=changes,
        findings=tuple(warnings),
        options={
            "batch": batch.id,
            "parent_name": batch.folder_name,
            "parent_parent": batch.staging_folder,
            **known,
        },
        estimate=planning.estimate(changes),
        target=staging.name,
    )
    return Preview(planning.plan_of(systems, opened, draft), selection.left, batch)


def _check_batch_id(known: Register, options: StagingOptions) -> None:
    """Raise `InputError` for a batch to retry that there is not, and for a name that a new one cannot have."""
    if options.filters.retry:
        known.batch(options.filters.retry)
    elif options.batch_id and not BATCH_ID.fullmatch(options.batch_id):
        raise InputError(
            f"“{options.batch_id}” cannot be the id of a batch.",
            advice="Use up to 40 letters, digits, hyphens and underscores, the first one a letter or a digit.",
        )
    elif options.batch_id in known.batches:
        raise _taken_id(options.batch_id)


def _taken_id(batch_id: str) -> InputError:
    return InputError(
        f"There is an export batch “{batch_id}” already.",
        advice=f"Choose another id, or retry its failed tasks with `stage --retry {batch_id}`.",
    )


def _nothing(selection: Selection, filters: Filters) -> InputError:
    if filters.retry and filters == Filters(retry=filters.retry):
        return InputError(
            f"No task of batch {filters.retry} has failed staging; there is nothing to retry.",
            advice=f"See where its tasks are with `sheets-catalog batches show {filters.retry}`.",
        )
    unknown = [each for each in selection.findings if each.rule in {"unknown_word", "unknown_task"}]
    said = " ".join(f"{each.message} {each.advice}" for each in unknown)
    advice = said or "Loosen the filters, or look at `tasks select`."
    return InputError(f"No task fits. {_why(selection)}", advice=advice)


def _why(selection: Selection) -> str:
    if not selection.left:
        return "The tab has no tasks."
    counts = sorted(selection.reasons().items(), key=lambda each: -each[1])
    words = ", ".join(f"{count} {rule.replace('_', ' ')}" for rule, count in counts)
    return f"Of {len(selection.left)} tasks: {words}."


def _others(rows: Sequence[Row], selection: Selection, batch_id: str) -> list[Row]:
    """The other tasks of a batch that is retried, if they have, or are about to get, a folder in it."""
    chosen = {row.key for row in selection.chosen}
    mine = [row for row in rows if batch_id and row.values.get("export_batch_id") == batch_id]
    return [row for row in mine if row.key not in chosen and row.values.get("export_status") != _FAILED]


def _refuse_same_names(
    chosen: Sequence[Row], others: Sequence[Row], problems: Mapping[str | None, list[Problem]]
) -> None:
    """Tasks of one export must have folders that can be told apart: none of those that share a name is guessed."""
    from sheets_catalog.flows.tasks.files import Problem

    by_name: dict[str, list[Row]] = {}
    for row in (*chosen, *others):
        by_name.setdefault(plain(row.values.get("folder_name") or ""), []).append(row)
    for name, some in by_name.items():
        for row in some if name and len(some) > 1 else ():
            numbers = ", ".join(str(other.number) for other in some)
            message = f"The folder name “{row.values.get('folder_name')}” is used by several tasks (rows {numbers})."
            if row.key in problems:  # else it is another task of the batch, which is not planned now
                problem = Problem("same_folder_name", "", message, "Rename one of them.", "Folder Name")
                problems[row.key].append(problem)


def _batch(systems: Systems, known: Register, options: StagingOptions, staging: str, zone: str) -> Batch:
    if options.filters.retry:
        return known.batch(options.filters.retry)
    batch_id = options.batch_id or "".join(secrets.choice(_LETTERS) for _ in range(6))
    now = planning.local_now(systems, zone)
    actor = options.actor or systems.connection.actor
    return Batch(batch_id, now.isoformat(), actor, "", f"Export_{now:%Y-%m-%d}_{batch_id}", staging)


def _change(row: Row, files: TaskFiles, problems: Sequence[Problem], batch_id: str) -> Change:
    name = (row.values.get("folder_name") or "").strip()
    context = {"folder_name": name}
    copies = copies_of(files.found)
    after: dict[str, str | None] = {"export_status": ExportStatus.STAGED.value, "export_batch_id": batch_id}
    if problems:
        context["invalid"] = " ".join(problem.message for problem in problems)
        after["export_status"] = ExportStatus.STAGING_FAILED.value
    else:
        after["staged_count"] = str(len(copies))
    return Change(
        action="stage",
        table="tasks",
        key=row.key or "",
        group=batch_id,
        label=name or row.key or "",
        row=row.number,
        fields=planning.moves(row, after),
        context=context,
        files=() if problems else copies,
    )


def store(systems: Systems, preview: Preview) -> str:
    """Store a plan as a job, ready to be applied; returns the job's id. From here on every copy has its id."""
    plan = planning.with_ids(systems, preview.plan, parent=not preview.batch.folder_id)

    def entered(found: Register, job_id: str) -> Batch:
        batch = found.batches.get(preview.batch.id, preview.batch)
        if batch.folder_id and batch.folder_id != plan.options["parent"]:  # made meanwhile, with a folder of its own
            raise _taken_id(batch.id)
        return planning.with_job(msgspec.structs.replace(batch, folder_id=plan.options["parent"]), plan, job_id)

    return planning.store(systems, plan, entered)

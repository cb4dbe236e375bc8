"""What is known of an export batch: its tasks and copies (from the jobs that made them), its statuses, its proof."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sheets_catalog.errors import NotFound, StateError
from sheets_catalog.flows import job_files
from sheets_catalog.flows.connection import THREADS
from sheets_catalog.flows.tasks import native, register
from sheets_catalog.flows.tasks.copying import EDITED
from sheets_catalog.flows.tasks.files import look_up, unlike
from sheets_catalog.flows.tasks.leaving import FOLDER_LINK, Gone, gone_from
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.jobs.checkpoints import Checkpoints
from sheets_catalog.jobs.state import Result
from sheets_catalog.records.tasks import ExportStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.changes.plan import Change, FileCopy, Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.flows.tasks.register import Batch
    from sheets_catalog.google.files import File
    from sheets_catalog.jobs.state import JobState

FILE_LINK = "https://drive.google.com/file/d/{}/view"


@dataclass(frozen=True, slots=True)
class Copied:
    """A task that a job has copied and proven. `ids`: the copies, in the order of `change.files`; empty: not known."""

    change: Change
    parent: str
    job_id: str
    ids: tuple[str, ...]

    @property
    def folder(self) -> str:
        """Id of the task's folder."""
        return self.change.context["folder"]

    @property
    def files(self) -> Iterator[tuple[FileCopy, str]]:
        """Each file with the id of its copy."""
        return zip(self.change.files, self.ids, strict=True)


def begun(systems: Systems, job_id: str) -> bool:
    """Whether a job has begun and not ended. One whose file is gone for good never goes on: it holds nobody."""
    try:
        state = Checkpoints(job_files.store_of(systems, job_id)).load()
    except NotFound:
        return False
    except StateError:
        return True
    return bool(state.started) and not state.status.ended  # one that is retried is planned again, and holds its tasks


_FAILED = {
    ExportStatus.STAGING.value: ExportStatus.STAGING_FAILED.value,
    ExportStatus.DELIVERING.value: ExportStatus.DELIVERY_FAILED.value,
}


def without_lost_job(systems: Systems, batch: Batch, rows: Iterable[Row]) -> list[Row]:
    """These rows; tasks of the batch that are in work although no job of it works count as failed.

    The file of the job that left them so is gone for good, or their status could not be written when it ended. The next
    job of the batch takes them over: nothing else could ever move them on.
    """
    found = list(rows)
    if batch.active_job and begun(systems, batch.active_job):
        return found
    return [_failed(row) if row.values.get("export_batch_id") == batch.id else row for row in found]


def _failed(row: Row) -> Row:
    status = row.values.get("export_status") or ""
    return replace(row, values={**row.values, "export_status": _FAILED.get(status, status or None)})


def loaded(systems: Systems, job_ids: Sequence[str]) -> Iterator[tuple[str, Plan, JobState]]:
    """Jobs with plan and state; those whose files are gone are left out."""
    for job_id in job_ids:
        try:
            state = Checkpoints(job_files.store_of(systems, job_id)).load()
            yield job_id, job_files.read_plan(systems, job_id, state.plan_digest), state
        except NotFound:
            continue


def proven(systems: Systems, job_ids: Sequence[str]) -> set[str]:
    """Ids of the tasks that these jobs have copied and proven. Raises `StateError` for a job that cannot be read."""
    return {plan.changes[item].key for _, plan, state in loaded(systems, job_ids) for item in state.items(Result.DONE)}


def copied(systems: Systems, job_ids: Sequence[str], pool: ThreadPoolExecutor) -> dict[str, Copied]:
    """The tasks that these jobs have copied and proven, by task id; a later job's copy counts more."""
    found: dict[str, Copied] = {}
    for job_id, plan, state in loaded(systems, job_ids):
        done = [plan.changes[item] for item in state.items(Result.DONE)]
        folders = look_up(systems, (change.context["folder"] for change in done if _has_native(change)), pool)
        for change in done:
            ids = _ids(change, folders.get(change.context["folder"]))
            found[change.key] = Copied(change, plan.options["parent"], job_id, ids)
    return found


def _has_native(change: Change) -> bool:
    return any(not file.new_id for file in change.files)


def _ids(change: Change, folder: File | None) -> tuple[str, ...]:
    marks = folder.app_properties if folder else {}
    return tuple(
        file.new_id or native.Mark.read(marks.get(f"{native.PREFIX}{number}", "")).file_id
        for number, file in enumerate(change.files)
    )


@dataclass(frozen=True, slots=True)
class Wrong:
    """A copy, or a task's folder, that is not what it was proven to be. `where`: ``staging`` or ``client``."""

    task_id: str
    label: str
    where: str
    file: str
    problem: str


def read_back(systems: Systems, tasks: Iterable[Copied], pool: ThreadPoolExecutor) -> dict[str, File]:
    """The folders and copies of these tasks as they are now, by id; without those that are gone."""
    return look_up(systems, (each for task in tasks for each in (task.folder, *task.ids) if each), pool)


def check(tasks: Mapping[str, Copied], found: Mapping[str, File], where: str) -> list[Wrong]:
    """Compare every copy of these tasks with what was planned. `found`: what `read_back` gave of them. Pure."""
    return [wrong for task in tasks.values() for wrong in _check_task(task, found, where)]


def _check_task(task: Copied, found: Mapping[str, File], where: str) -> Iterator[Wrong]:
    folder = found.get(task.folder)
    label = task.change.label
    if folder is None or folder.trashed:
        yield Wrong(task.change.key, label, where, "", "The task's folder is gone or in the trash.")
        return
    if task.parent not in folder.parents:
        yield Wrong(task.change.key, label, where, "", "The task's folder was moved.")
    for file, copy_id in task.files:
        problem = unlike(file, found.get(copy_id), task.folder)
        if problem:
            yield Wrong(task.change.key, label, where, file.name, f"“{file.name}” {problem}.")


@dataclass(frozen=True, slots=True)
class BatchVerification:
    """What verifying a batch found; it holds when nothing is wrong.

    `files` of `staged` and `delivered` tasks were read back by id; those of tasks that are `gone` from it were not.
    `renamed`: folders that are called otherwise by now, with all that was proven still in them.
    """

    batch: Batch
    staged: int
    delivered: int
    files: int
    wrong: tuple[Wrong, ...]
    gone: tuple[Gone, ...] = ()
    renamed: tuple[Wrong, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything stands as it was proven."""
        return not self.wrong


def verify_batch(systems: Systems, batch_id: str) -> BatchVerification:
    """Read all copies of a batch back: delivered tasks in the client's folder, the others in staging."""
    known = register.load(systems)
    batch = known.batch(batch_id)
    rows = list(open_tasks(systems, known.settings.tab).rows())
    status = {row.key: row.values.get("export_status") for row in _in_batch(rows, batch_id)}
    with ThreadPoolExecutor(THREADS, "verify") as pool:
        at_client = copied(systems, batch.delivery_jobs, pool)
        here = copied(systems, batch.staging_jobs, pool)
        delivered = {key: task for key, task in at_client.items() if status.get(key) == ExportStatus.DELIVERED}
        waiting = {ExportStatus.STAGED, ExportStatus.DELIVERING, ExportStatus.DELIVERY_FAILED}
        staged = {key: task for key, task in here.items() if status.get(key) in waiting}
        found = read_back(systems, (*delivered.values(), *staged.values()), pool)
        edited = _edited(systems, (*batch.staging_jobs, *batch.delivery_jobs))
    wrong = [*check(delivered, found, "client"), *check(staged, found, "staging")]
    renamed = [*_renamed(delivered, found, "client"), *_renamed(staged, found, "staging")]
    told = {key: word for key, word in status.items() if key not in edited}
    wrong += [*_unknown(told), *_unproven(status, delivered, staged), *_left_alone(status, edited)]
    files = sum(len(task.ids) for task in (*delivered.values(), *staged.values()))
    changes = {key: change for key, (change, _) in edited.items()} | {key: task.change for key, task in here.items()}
    gone = gone_from(batch, changes.values(), rows)
    return BatchVerification(batch, len(staged), len(delivered), files, tuple(wrong), gone, tuple(renamed))


def _renamed(tasks: Mapping[str, Copied], found: Mapping[str, File], where: str) -> Iterator[Wrong]:
    """Tasks whose folder has another name than it was given."""
    for key, task in tasks.items():
        folder, name = found.get(task.folder), task.change.context["folder_name"]
        if folder and not folder.trashed and folder.name != name:
            yield Wrong(key, task.change.label, where, "", f"The folder “{name}” is called “{folder.name}” now.")


def _unproven(
    status: Mapping[str | None, str | None], delivered: Mapping[str, Copied], staged: Mapping[str, Copied]
) -> Iterator[Wrong]:
    """Tasks whose status says more than any job has proven."""
    for key, word in status.items():
        known = {ExportStatus.DELIVERED.value: delivered, ExportStatus.STAGED.value: staged}.get(word or "")
        if key and known is not None and key not in known:
            yield Wrong(key, key, "sheet", "", f"The sheet says “{word}”, but no job of this batch has proven it.")


def _unknown(status: Mapping[str | None, str | None]) -> Iterator[Wrong]:
    for key, word in status.items():
        if key and word and word not in {*ExportStatus}:
            yield Wrong(key, key, "sheet", "", f"The sheet says “{word}”, which is no export status.")


def _edited(systems: Systems, job_ids: Sequence[str]) -> dict[str, tuple[Change, str]]:
    """Tasks that were edited while they were copied, with the reason, by id; not those that a later job has done."""
    found: dict[str, tuple[Change, str]] = {}
    for _, plan, state in loaded(systems, job_ids):
        for item, change in enumerate(plan.changes):
            reason = state.reasons.get(item, "")
            if state.result(item) is Result.CONFLICTED and reason.startswith(EDITED):
                found[change.key] = (change, reason)
            elif state.result(item) is Result.DONE:
                found.pop(change.key, None)
    return found


def _left_alone(status: Mapping[str | None, str | None], edited: Mapping[str, tuple[Change, str]]) -> Iterator[Wrong]:
    """Tasks of the batch whose status no job will move on, because somebody edited them while they were copied."""
    for key, (change, reason) in edited.items():
        if key in status and status[key] not in {ExportStatus.STAGED, ExportStatus.DELIVERED}:
            yield Wrong(key, change.label, "sheet", "", reason)


def _in_batch(rows: Iterable[Row], batch_id: str) -> list[Row]:
    return [row for row in rows if row.values.get("export_batch_id") == batch_id]


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """A batch in a list. `statuses`: number of tasks by export status, as the sheet says now."""

    batch: Batch
    statuses: Mapping[str, int]
    folder_link: str

    @property
    def tasks(self) -> int:
        """Tasks that have the batch's id in the sheet."""
        return sum(self.statuses.values())

    @property
    def status(self) -> str:
        """One word for the whole batch."""
        if self.batch.cleaned_at:
            return "cleaned up"
        order = (*(status for status in ExportStatus if status.endswith("ing")), "delivery_failed", "staged")
        words = [word for word in order if self.statuses.get(word)]
        if words:
            return words[0]
        return "delivered" if self.statuses.get("delivered") else "failed" if self.tasks else "empty"


def list_batches(systems: Systems) -> list[BatchSummary]:
    """All batches, newest first."""
    known = register.load(systems)
    if not known.batches:
        return []
    counts: dict[str, Counter[str]] = {}
    for row in open_tasks(systems, known.settings.tab).rows():
        counts.setdefault(_id_of(row), Counter())[row.values.get("export_status") or ""] += 1
    batches = sorted(known.batches.values(), key=lambda batch: batch.created_at, reverse=True)
    return [BatchSummary(each, dict(counts.get(each.id, {})), FOLDER_LINK.format(each.folder_id)) for each in batches]


def _id_of(row: Row) -> str:
    return row.values.get("export_batch_id") or ""


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task of a batch. `reason`: why it failed, if it did."""

    task_id: str
    label: str
    row: int
    status: str
    files: int
    size: int
    reason: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class BatchView:
    """A batch in full. `jobs`: (job id, flow, status, note). `gone`: tasks that were staged and are no longer in it."""

    summary: BatchSummary
    tasks: tuple[TaskView, ...]
    jobs: tuple[tuple[str, str, str, str], ...]
    sheet_link: str
    gone: tuple[Gone, ...] = ()


def show_batch(systems: Systems, batch_id: str) -> BatchView:
    """A batch in full. Raises `InputError` when there is none."""
    known = register.load(systems)
    batch = known.batch(batch_id)
    everything = list(open_tasks(systems, known.settings.tab).rows())
    rows = _in_batch(everything, batch_id)
    staged: dict[str, Change] = {}
    seen: dict[str, tuple[Change, str]] = {}
    jobs = []
    for job_id, plan, state in loaded(systems, (*batch.staging_jobs, *batch.delivery_jobs)):
        jobs.append((job_id, plan.flow, state.status.value, state.note))
        for item, change in enumerate(plan.changes):
            seen[change.key] = (change, state.reasons.get(item, ""))
        staged |= {plan.changes[item].key: plan.changes[item] for item in state.items(Result.DONE)}
    tasks = tuple(_view(row, *seen.get(row.key or "", (None, ""))) for row in rows)
    statuses = dict(Counter(task.status for task in tasks))
    summary = BatchSummary(batch, statuses, FOLDER_LINK.format(batch.folder_id))
    gone = gone_from(batch, staged.values(), everything)
    return BatchView(summary, tasks, tuple(jobs), _sheet_link(systems, batch), gone)


def _view(row: Row, change: Change | None, reason: str) -> TaskView:
    files = change.files if change else ()
    folder = change.context.get("folder", "") if change else ""
    return TaskView(
        row.key or "",
        row.values.get("folder_name") or "",
        row.number,
        row.values.get("export_status") or "",
        len(files),
        sum(file.size or 0 for file in files),
        reason,
        FOLDER_LINK.format(folder) if folder else "",
    )


def _sheet_link(systems: Systems, batch: Batch) -> str:
    try:
        marks = systems.drive.get(batch.folder_id).app_properties
    except NotFound:
        return ""
    sheet = native.Mark.read(marks.get(f"{native.PREFIX}sheet", "")).file_id
    return f"https://docs.google.com/spreadsheets/d/{sheet}/edit" if sheet else ""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Where all tasks are. `staging_bytes`: what staged copies take up that were not cleaned up."""

    statuses: Mapping[str, int]
    tasks: int
    in_progress: tuple[BatchSummary, ...]
    failed: tuple[TaskView, ...]
    staging_bytes: int
    staging_name: str


def export_report(systems: Systems) -> ExportReport:
    """The status report (SD-8): counts, batches in progress, failed tasks, storage used by staging."""
    known = register.load(systems)
    rows = list(open_tasks(systems, known.settings.tab).rows())
    summaries = list_batches(systems)
    failed: list[TaskView] = []
    size = 0
    for summary in summaries:
        view = None
        if any(word.endswith("failed") for word in summary.statuses):
            view = show_batch(systems, summary.batch.id)
            failed += [task for task in view.tasks if task.status.endswith("failed")]
        if not summary.batch.cleaned_at:
            size += _size(systems, summary.batch)
    return ExportReport(
        statuses=dict(Counter(row.values.get("export_status") or "" for row in rows)),
        tasks=len(rows),
        in_progress=tuple(
            each for each in summaries if each.batch.active_job and begun(systems, each.batch.active_job)
        ),
        failed=tuple(failed),
        staging_bytes=size,
        staging_name=known.settings.staging_name,
    )


def _size(systems: Systems, batch: Batch) -> int:
    done = {
        plan.changes[item].key: plan.changes[item]
        for _, plan, state in loaded(systems, batch.staging_jobs)
        for item in state.items(Result.DONE)
    }
    return sum(file.size or 0 for change in done.values() for file in change.files)

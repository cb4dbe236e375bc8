"""From a staged batch and a client's folder to a plan of delivery. Reads only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Change, Plan
from sheets_catalog.errors import InputError
from sheets_catalog.flows.connection import THREADS
from sheets_catalog.flows.delivery.place import check_apart
from sheets_catalog.flows.tasks import planning, register
from sheets_catalog.flows.tasks.batches import Copied, check, copied, read_back, without_lost_job
from sheets_catalog.flows.tasks.files import Problem, copy_of, look_up
from sheets_catalog.flows.tasks.folders import folder_for_writing, keep_out_of_batches
from sheets_catalog.flows.tasks.sheet import doubles, open_tasks
from sheets_catalog.flows.tasks.validating import plain
from sheets_catalog.records.tasks import ExportStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sheets_catalog.changes.plan import Finding
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.flows.tasks.batches import Wrong
    from sheets_catalog.flows.tasks.register import Batch, Register
    from sheets_catalog.google.files import File

READY = (ExportStatus.STAGED, ExportStatus.DELIVERY_FAILED)


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """What to deliver where. `client_folder`: link or id.

    `again`: also tasks of whose name the client's folder has a folder already; it then has two of each.
    """

    batch_id: str
    client_folder: str
    actor: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """What delivery would do. `left`: tasks of the batch that are not ready, with their status."""

    plan: Plan
    batch: Batch
    client_name: str
    left: Mapping[str, str]

    @property
    def files(self) -> int:
        """Files that would be copied."""
        return sum(len(change.files) for change in self.plan.changes)

    @property
    def size(self) -> int:
        """Bytes that would be copied."""
        return sum(file.size or 0 for change in self.plan.changes for file in change.files)


def plan_delivery(
    systems: Systems, options: DeliveryOptions, note: Callable[[str, int, int], None] | None = None
) -> Preview:
    """Plan to deliver the staged tasks of a batch. `note(phase, done, total)`: ``sheet``, ``files``.

    Every staged copy is read back by its id first: what is not what was staged is not delivered. Raises `InputError`,
    `PermissionMissing`.
    """
    note = note or planning.silent
    known = register.load(systems)
    batch = known.batch(options.batch_id)
    client = folder_for_writing(systems, options.client_folder, "client's folder")
    if batch.staging_folder not in check_apart(systems, known, batch, client):
        raise InputError(
            f"The staging folder of batch {batch.id} is gone, or this account cannot see it.",
            advice="Take it back from the trash, or stage the tasks again.",
        )
    keep_out_of_batches(systems, known.batches.values(), client, "client's folder")
    note("sheet", 0, 0)
    opened = open_tasks(systems, known.settings.tab)
    everything = list(opened.rows())
    twice = doubles(everything)
    rows = [row for row in everything if row.values.get("export_batch_id") == batch.id]
    rows = without_lost_job(systems, batch, rows)
    ready = [row for row in rows if row.values.get("export_status") in READY]
    if not ready:
        raise InputError(f"No task of batch {batch.id} is ready to be delivered. {_why(rows)}", advice=_advice(batch))
    note("files", 0, len(ready))
    with ThreadPoolExecutor(THREADS, "planning") as pool:
        staged = copied(systems, batch.staging_jobs, pool)
        mine = {row.key: staged[row.key] for row in ready if row.key and row.key in staged}
        now = read_back(systems, mine.values(), pool)
        there = {} if options.again else _there(systems, client, mine, pool)
    wrong = check(mine, now, "staging")
    when = f"{planning.local_now(systems, opened.info.time_zone):%Y-%m-%d %H:%M}"
    problems = {
        row.key: _doubled(row, twice) or _problems(row, mine.get(row.key or ""), wrong, there.get(row.key))
        for row in ready
    }
    changes = tuple(_change(row, mine.get(row.key or ""), problems[row.key], now, batch.id, when) for row in ready)
    found: list[Finding] = [
        planning.finding(problem, row, opened.tab.title) for row in ready for problem in problems[row.key]
    ]
    draft = planning.Draft(
        flow="deliver",
        actor=options.actor or systems.connection.actor,
        changes=changes,
        findings=(*found, *planning.daily_limit(changes, opened.tab.title)),
        options={"batch": batch.id, "parent": client.id},
        estimate=planning.estimate(changes),
        target=client.name,
    )
    words = {row.key or f"row {row.number}": row.values.get("export_status") or "" for row in rows}
    left = {task: word for task, word in words.items() if word not in READY}
    return Preview(planning.plan_of(systems, opened, draft), batch, client.name, left)


def _why(rows: Sequence[Row]) -> str:
    if not rows:
        return "No task in the sheet has its id."
    counts: dict[str, int] = {}
    for row in rows:
        word = row.values.get("export_status") or "without a status"
        counts[word] = counts.get(word, 0) + 1
    return "Its tasks: " + ", ".join(f"{count} {word}" for word, count in counts.items()) + "."


def _advice(batch: Batch) -> str:
    if batch.active_job:
        return f"A job of it has begun; go on with `sheets-catalog jobs resume {batch.active_job}`."
    return f"Look at it with `sheets-catalog batches show {batch.id}`."


def _there(
    systems: Systems, client: File, tasks: Mapping[str, Copied], pool: ThreadPoolExecutor
) -> dict[str | None, File]:
    """Folders in the client's folder that are called like those of these tasks, by task id.

    Lists lag, so what they show is looked up: the folder of a delivery that failed a moment ago is in the trash.
    """
    names = {plain(task.change.context["folder_name"]): key for key, task in tasks.items()}
    alike = [each.id for each in systems.drive.children(client.id) if each.is_folder and plain(each.name) in names]
    found = look_up(systems, alike, pool).values() if alike else ()
    still = [each for each in found if not each.trashed and client.id in each.parents]
    return {names[plain(each.name)]: each for each in still if plain(each.name) in names}


def _doubled(row: Row, twice: Collection[str]) -> list[Problem]:
    """Of rows of one id each would be delivered, if all but one of them were gone when the job claims its tasks."""
    if row.key not in twice:
        return []
    message = f"Several rows have the task id “{row.key}”."
    return [Problem("duplicate_id", "", message, "Give each task its own id.", "Task ID")]


def _problems(row: Row, task: Copied | None, wrong: Sequence[Wrong], there: File | None) -> list[Problem]:
    """Why a staged task cannot be delivered. `there`: a folder of its name that the client has already."""
    if task is None:
        message = "No job of this batch has proven that it was staged."
        return [Problem("unproven", "", message, "Set it back with `tasks set`, and stage it again.")]
    found = [
        Problem("staged_copy_changed", each.file, f"In the staging folder: {each.problem}", "Stage the task again.")
        for each in wrong
        if each.task_id == row.key
    ]
    if there:
        since = f", made {there.created_time:%Y-%m-%d}" if there.created_time else ""
        whose = " by an earlier delivery" if there.app_properties.get("kind") == "task" else ""
        message = f"The client's folder has a folder “{there.name}” already{since}{whose}."
        advice = "Move that one away, or deliver this one beside it with `deliver --again`."
        found.append(Problem("already_at_client", there.name, message, advice))
    count = row.values.get("staged_count")
    if count != str(len(task.ids)):
        message = f"“Staged Count” is {count or 'blank'}, but {len(task.ids)} files were staged."
        found.append(Problem("count", "", message, "Undo the edit, or stage the task again.", "Staged Count"))
    return found


def _change(
    row: Row, task: Copied | None, problems: Sequence[Problem], now: Mapping[str, File], batch_id: str, when: str
) -> Change:
    name = task.change.context["folder_name"] if task else row.values.get("folder_name") or ""
    context = {"folder_name": name}
    after: dict[str, str | None] = {"export_status": ExportStatus.DELIVERED.value, "export_batch_id": batch_id}
    if problems or task is None:
        context["invalid"] = " ".join(problem.message for problem in problems)
        after["export_status"] = ExportStatus.DELIVERY_FAILED.value
    else:
        after["export_time"] = when
        context |= {"staged": task.folder, "staged_in": task.parent}
    copies = () if problems or task is None else tuple(copy_of(now[each], file.name) for file, each in task.files)
    return Change(
        action="deliver",
        table="tasks",
        key=row.key or "",
        group=batch_id,
        label=name or row.key or "",
        row=row.number,
        fields=planning.moves(row, after),
        context=context,
        files=copies,
    )


def store(systems: Systems, preview: Preview) -> str:
    """Store a plan as a job, ready to be applied; returns the job's id."""
    plan = planning.with_ids(systems, preview.plan, parent=False)

    def entered(found: Register, job_id: str) -> Batch:
        return planning.with_job(found.batch(preview.batch.id), plan, job_id)

    return planning.store(systems, plan, entered)

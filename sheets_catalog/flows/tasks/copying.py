"""Copying the files of tasks into a folder per task, as the engine runs it (SD-5, SD-6).

For each task: its folder, its files (each under an id made beforehand), then proof: every file is read back by its id
and compared in place, name, size and checksum. Only then is the task done. A task whose files cannot all be copied has
its folder trashed and stops nobody.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sheets_catalog.errors import (
    BusyError,
    NotFound,
    PermissionMissing,
    Refused,
    SheetsCatalogError,
    Throttled,
    Unavailable,
)
from sheets_catalog.flows import job_files
from sheets_catalog.flows.drive_stores import is_taken
from sheets_catalog.flows.tasks import native
from sheets_catalog.flows.tasks.board import Board, Move, Moved
from sheets_catalog.flows.tasks.files import look_up, unlike
from sheets_catalog.flows.tasks.folders import closed_folder, ensure_folder
from sheets_catalog.flows.tasks.stopping import Stopped, about, job_wide, stopped
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sheets_catalog.changes.plan import Change, FileCopy, Plan
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.files import File
    from sheets_catalog.jobs.state import JobState
    from sheets_catalog.records import Value
    from sheets_catalog.records.tasks import ExportStatus

FLUSH_EVERY = 30.0
"""Seconds between two writings of statuses while copying: each takes some ten calls, and Sheets gives a user 60 reads
a minute."""

LONG_THROTTLE = 600.0
"""Seconds of nothing but quota errors from which the day's limit of 750 GB is suspected: it has no reason of its own
(https://developers.google.com/workspace/drive/api/guides/limits)."""

LOOK_AGAIN = 900.0
"""Seconds until the next try then."""


OR_CANCEL = "Then resume the job; nothing is copied twice. Or cancel it: what was copied stays so."
CLOSED = f"Have it opened. {OR_CANCEL}"
"""What to do about a folder that is closed while a job copies into it."""

EDITED = "Edited in the sheet meanwhile; its copies"
"""How the reason begins of a task that was copied, but whose row then was not as the job had left it."""


@dataclass(frozen=True, slots=True)
class Phase:
    """How staging and delivery differ in the engine's eyes.

    `unended`: what to say when the ending could not be made. `drop_description`: internal notes stay behind.
    """

    claimed: ExportStatus
    done: ExportStatus
    failed: ExportStatus
    unended: str
    drop_description: bool = False


class Ending(Protocol):
    """What follows when all tasks are settled: the export sheet, or the client's receipt. Repeatable."""

    def __call__(self, work: CopyWork, state: JobState) -> None:
        """Do it."""


@dataclass(slots=True)
class CopyWork:
    """The work of one staging or delivery job (a `jobs.runner.Work`).

    The plan's changes are tasks; ``context`` holds ``folder`` (the id its folder will have), ``folder_name`` and, for a
    task found invalid, ``invalid`` (why). `plan.options` hold ``parent`` (the folder that task folders go into) and,
    when the job makes that itself, ``parent_name`` and ``parent_parent``. `keep` (systems, the plan, the job's id)
    raises `BusyError` when another job of the batch began at the same moment.
    """

    systems: Systems
    plan: Plan
    job_id: str
    audit: Audit
    phase: Phase
    ending: Ending
    pool: ThreadPoolExecutor
    keep: Callable[[Systems, Plan, str], None]
    board: Board = field(init=False)
    _line: tuple[int, ...] = ()
    _claims: dict[int, str] | None = None
    _tried: set[int] = field(default_factory=set)
    _started: bool = False
    _open: bool = False
    _flushed: float = 0.0
    _slow_since: float | None = None
    _problems: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.board = Board(self.systems, self.plan.options["tab"], self.job_id, self.plan.actor)

    # --- the engine's questions ---

    @property
    def tells(self) -> bool:
        """Statuses of tasks, which others go on from."""
        return True

    def next_batch(self, pending: Sequence[int], size: int) -> Sequence[int]:
        """Tasks do not wait for each other."""
        self._line = tuple(pending)
        return pending[:size]

    def run(self, batch: Sequence[int]) -> Sequence[Outcome]:
        """Claim, copy, prove. Statuses of the batches before are written meanwhile."""
        self._open = False  # the folder for all tasks: known again once it was looked at
        claims = self._claimed()
        mine = [item for item in batch if item not in claims and "invalid" not in self._change(item).context]
        if mine:
            self._make_parent()
        writing = self._start_flush()
        outcomes = {item: Outcome(item, Result.CONFLICTED, claims[item]) for item in batch if item in claims}
        outcomes |= {
            item: Outcome(item, Result.REJECTED, self._change(item).context["invalid"])
            for item in batch
            if item not in claims and item not in mine
        }
        if mine:
            outcomes |= self._copy(mine)
        if writing:
            self._finish_flush(writing)
        self._watch_quota(list(outcomes.values()))
        for outcome in outcomes.values():
            if outcome.result in {Result.DONE, Result.REJECTED}:
                self.board.note(self._move(outcome.item, outcome.result, outcome.reason))
        return [outcomes[item] for item in batch]

    def settle(self, state: JobState) -> Sequence[Outcome]:
        """All statuses as the books say; a copied task whose row somebody has changed meanwhile is in conflict."""
        for item in range(state.total):
            result = state.result(item)
            if result is not Result.CONFLICTED and not state.told(item):  # that one may have gone on since
                self.board.note(self._move(item, result, state.reasons.get(item, "")))
        moved = self.board.flush()
        self._log(moved)
        edited = [item for item in state.items(Result.DONE) if item in moved.refused]
        left = self._left(edited)
        return [Outcome(item, Result.CONFLICTED, f"{EDITED} {left[item]} {moved.refused[item]}") for item in edited]

    def pause(self, state: JobState) -> Sequence[int]:  # noqa: ARG002 - as all works
        """Nothing: statuses are written with the batches; those of the last ones follow when the job goes on or ends.

        Until then such a task is called as it was claimed. `settle` writes whatever is not written yet.
        """
        return ()

    def finish(self, state: JobState) -> None:
        """No half task left, no copy of a task that is not ours any more, no twin; then the ending. Repeatable.

        Raises `PermissionMissing` when the folder for all tasks, or what the ending writes into, was closed or removed.
        A job that is cancelled then ends all the same, without its ending: else it would hold its batch for good.
        """
        ours = self._fit > len(state.items(Result.CONFLICTED))  # else others have all of them: no folder is needed
        ours = ours and self._unless_closed(self._make_parent)
        kept = state.items(Result.DONE)
        for some in (Result.REJECTED, Result.CONFLICTED, Result.PENDING):
            with suppress(PermissionMissing):  # who may not trash was told so for each task that failed or was edited
                self._trash_folders(state.items(some))
        self._trash_twins(kept)
        if ours:
            self._unless_closed(lambda: self.ending(self, state))

    # --- claims and statuses ---

    def _claimed(self) -> Mapping[int, str]:
        """Why tasks of this job are not ours to copy, by item; claims them all in one go, once per run."""
        if self._claims is None:
            self.keep(self.systems, self.plan, self.job_id)
            moves = [self._claim(item) for item in self._line if "invalid" not in self._change(item).context]
            moved = self.board.write(moves)
            self._log(moved)
            self._claims = dict(moved.refused)
        return self._claims

    def _claim(self, item: int) -> Move:
        """From what the task was when planned, or from the batch's own failure: then the job is retried."""
        statuses, batches = zip(self._before(item), (self.phase.failed.value, self.batch_id), strict=True)
        after = {"export_status": self.phase.claimed.value, "export_batch_id": self.batch_id}
        reason = f"claimed by job {self.job_id}"
        return Move(item, self._change(item).key, self._change(item).label, statuses, batches, after, reason)

    def _move(self, item: int, result: Result, reason: str) -> Move:
        change = self._change(item)
        before, batch = self._before(item)
        planned: dict[str, Value] = {each.field: each.after for each in change.fields}
        after = planned
        if result is Result.REJECTED:
            after = {"export_status": self.phase.failed.value, "export_batch_id": self.batch_id}
        elif result is Result.PENDING:
            after = {"export_status": before, "export_batch_id": batch}
            reason = "the job was cancelled before it came to this task"
        statuses = (self.phase.claimed.value, *([before] if "invalid" in change.context else []))
        batches = (self.batch_id, *([batch] if "invalid" in change.context else []))
        return Move(item, change.key, change.label, statuses, batches, after, reason)

    def _before(self, item: int) -> tuple[Value, Value]:
        """Status and batch that the task had when planned."""
        before = {each.field: each.before for each in self._change(item).fields}
        return before["export_status"], before["export_batch_id"]

    def _start_flush(self) -> Future[Moved] | None:
        now = self.systems.clock.monotonic()
        if not self.board.waiting or now - self._flushed < FLUSH_EVERY:
            return None
        self._flushed = now
        return self.pool.submit(self.board.flush)

    def _finish_flush(self, writing: Future[Moved]) -> None:
        try:
            self._log(writing.result())
        except (Throttled, Unavailable, BusyError):
            return  # they stay on the board; `finish` insists

    def _log(self, moved: Moved) -> None:
        self.audit.records(moved.logs)

    # --- copying ---

    def _copy(self, items: Sequence[int]) -> dict[int, Outcome]:
        there = self._look(items)
        self._started = True
        self._tried.update(items)
        withdrawn = self._withdrawn(items, there)
        return withdrawn | self._copy_rest([item for item in items if item not in withdrawn], there)

    def _copy_rest(self, items: Sequence[int], there: Mapping[str, File]) -> dict[int, Outcome]:
        problems: dict[int, list[SheetsCatalogError]] = {item: [] for item in items}
        waiting: dict[Future[object], int] = {self.pool.submit(self._make_folder, item, there): item for item in items}
        copies: dict[Future[object], int] = {}
        for folder in as_completed(waiting):
            item = waiting[folder]
            if self._kept(folder, problems[item]):
                copies |= {
                    self.pool.submit(self._copy_file, item, number): item
                    for number, file in enumerate(self._change(item).files)
                    if file.new_id and not self._stands(there.get(file.new_id), file, item)
                }
        for copy in as_completed(copies):
            self._kept(copy, problems[copies[copy]])
        natives = self._copy_natives([item for item in items if not problems[item]], problems)
        settled = {item: self._settled(item, found) for item, found in problems.items() if found}
        return settled | self._prove([item for item in items if item not in settled], natives)

    def _kept(self, future: Future[object], problems: list[SheetsCatalogError]) -> bool:
        """Whether a call went well; its error is kept, one that stops the whole job is raised."""
        try:
            future.result()
        except (Throttled, Unavailable, NotFound, Refused, PermissionMissing) as error:
            problems.append(job_wide(error))
            return False
        return True

    def _look(self, items: Sequence[int]) -> Mapping[str, File]:
        """The files to copy, and what is there already of tasks that may have been in flight."""
        sources = [file.source for item in items for file in self._change(item).files]
        inflight = [item for item in items if item in self._tried or not self._started]
        return look_up(self.systems, [*sources, *(each for item in inflight for each in self._ids(item))], self.pool)

    def _withdrawn(self, items: Sequence[int], there: Mapping[str, File]) -> dict[int, Outcome]:
        """Tasks of which a file is in the trash by now. Drive would copy it all the same, also to a client."""
        files = {item: [file.name for file in self._change(item).files if _trashed(there, file)] for item in items}
        return {
            item: self._failed(item, f"“{names[0]}” was put into the trash since this was planned.")
            for item, names in files.items()
            if names
        }

    def _ids(self, item: int) -> list[str]:
        change = self._change(item)
        return [change.context["folder"], *(file.new_id for file in change.files if file.new_id)]

    def _make_folder(self, item: int, there: Mapping[str, File]) -> None:
        change = self._change(item)
        found = there.get(change.context["folder"])
        if found and not found.trashed:
            return
        name, parent = change.context["folder_name"], self.plan.options["parent"]
        try:
            ensure_folder(self.systems.drive, change.context["folder"], name, parent, self._marks("task", f"{item}"))
        except (NotFound, PermissionMissing) as error:  # the folder for all tasks is gone or closed
            self._check_parent()
            raise stopped(f"No folder can be made for the tasks: {error.message}", error) from error

    def _copy_file(self, item: int, number: int) -> None:
        file = self._change(item).files[number]
        try:
            self._copy_to(item, number, file.new_id)
        except Refused as error:
            if not is_taken(error):  # it stands there already; the proof will tell what it is
                raise about(error, file) from error
        except (NotFound, PermissionMissing) as error:
            raise about(error, file) from error

    def _copy_to(self, item: int, number: int, new_id: str | None) -> File:
        change = self._change(item)
        file = change.files[number]
        kind = "copy" if new_id else "native"
        return self.systems.drive.copy(
            file.source,
            new_id,
            file.name,
            parent=change.context["folder"],
            app_properties={**dict.fromkeys(file.dropped_private), **self._marks(kind, f"{item}.{number}")},
            properties=dict.fromkeys(file.dropped),
            description="" if self.phase.drop_description else None,
        )

    def _copy_natives(
        self, items: Iterable[int], problems: Mapping[int, list[SheetsCatalogError]]
    ) -> Mapping[int, Mapping[int, str]]:
        """Files in Google's own formats, task by task: ids by item and number of the file."""
        todo = {item: natives for item in items if (natives := self._natives(item))}
        futures = {
            self.pool.submit(native.make_once, self.systems, self._change(item).context["folder"], natives): item
            for item, natives in todo.items()
        }
        found: dict[int, Mapping[int, str]] = {}
        for future in as_completed(futures):
            item = futures[future]
            if self._kept(future, problems[item]):  # type: ignore[arg-type]
                found[item] = {
                    int(mark.removeprefix(native.PREFIX)): file_id for mark, file_id in future.result().items()
                }
        return found

    def _natives(self, item: int) -> list[native.Native]:
        def making(number: int) -> native.Native:
            marks = self._marks("native", f"{item}.{number}")
            return native.Native(f"{native.PREFIX}{number}", marks, lambda: self._copy_to(item, number, None))

        return [making(number) for number, file in enumerate(self._change(item).files) if not file.new_id]

    # --- proof ---

    def _prove(self, items: Sequence[int], natives: Mapping[int, Mapping[int, str]]) -> dict[int, Outcome]:
        """Read every copy back by its id; a task is done when all of them are what they should be."""
        made = {item: self._made(item, natives.get(item, {})) for item in items}
        ids = [each for item in items for each in (self._change(item).context["folder"], *made[item])]
        found = look_up(self.systems, ids, self.pool) if ids else {}
        return {item: self._proven(item, made[item], found) for item in items}

    def _made(self, item: int, natives: Mapping[int, str]) -> list[str]:
        return [file.new_id or natives.get(number, "") for number, file in enumerate(self._change(item).files)]

    def _proven(self, item: int, ids: Sequence[str], found: Mapping[str, File]) -> Outcome:
        change = self._change(item)
        folder = found.get(change.context["folder"])
        if folder is None or folder.trashed or self.plan.options["parent"] not in folder.parents:
            return self._failed(item, f"The folder “{change.context['folder_name']}” was moved or removed meanwhile.")
        pairs = zip(change.files, ids, strict=True)
        wrong = [(file, problem) for file, each in pairs if (problem := unlike(file, found.get(each), folder.id))]
        if wrong:
            file, problem = wrong[0]
            more = f" ({len(wrong) - 1} more files likewise)" if len(wrong) > 1 else ""
            return self._failed(item, f"“{file.name}” {problem}{more}.")
        return Outcome(item, Result.DONE)

    def _stands(self, found: File | None, file: FileCopy, item: int) -> bool:
        return found is not None and not unlike(file, found, self._change(item).context["folder"])

    def _settled(self, item: int, problems: Sequence[SheetsCatalogError]) -> Outcome:
        """The outcome of a task some of whose calls failed: what cannot be mended counts more than what may pass."""
        final = [error for error in problems if not isinstance(error, Throttled | Unavailable)]
        if final:
            return self._failed(item, final[0].message)
        blameless = all(isinstance(error, Throttled | native.Unsure) for error in problems)
        return Outcome(item, Result.PENDING, problems[0].message, blameless=blameless)

    def _failed(self, item: int, reason: str) -> Outcome:
        """A task that cannot be done: nothing of it is left behind, unless this account may not trash anything there.

        Raises what stops the job when not the task is to blame, but the folder for all of them.
        """
        try:
            if not self._open:
                self._check_parent()
                self._open = True
            self._trash_folders([item])
        except (Throttled, Unavailable) as error:
            return Outcome(item, Result.PENDING, error.message, blameless=True)
        except PermissionMissing as error:  # such as a contributor of a shared drive
            if isinstance(error, Stopped):
                raise
            name = self._change(item).context["folder_name"]
            reason = f"“{name}” is still there: this account may not trash it. {reason}"
        return Outcome(item, Result.REJECTED, reason)

    def _check_parent(self) -> None:
        closed = closed_folder(self.systems, self.plan.options["parent"])
        if closed:
            raise Stopped(closed, advice=CLOSED)

    def _watch_quota(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing but quota errors for long: wait much longer between two tries, for as long as it takes."""
        stuck = [each for each in outcomes if each.result is Result.PENDING and each.blameless]
        if not stuck or len(stuck) < len(outcomes):
            self._slow_since = None
            return
        now = self.systems.clock.monotonic()
        self._slow_since = now if self._slow_since is None else self._slow_since
        if now - self._slow_since > LONG_THROTTLE:
            raise Throttled(
                "Google has refused every copy for ten minutes; the day's limit of 750 GB may be reached.",
                retry_after=LOOK_AGAIN,
                service="google",
                operation="drive.files.copy",
            )

    # --- the end ---

    def _unless_closed(self, step: Callable[[], None]) -> bool:
        """Whether a step could be made; False when what it writes into is closed or gone and the job is cancelled."""
        try:
            step()
        except (NotFound, PermissionMissing) as error:
            if job_files.stop_wanted(self.systems, self.job_id):
                return False
            closed = closed_folder(self.systems, self.plan.options["parent"])
            advice = CLOSED if closed or not error.advice else f"{error.advice} {OR_CANCEL}"
            raise Stopped(f"{self.phase.unended} {closed or error.message}", advice=advice) from error
        return True

    def _trash_folders(self, items: Sequence[int]) -> None:
        """Trash the folders of these tasks, where they were made. Raises the first error once all were tried."""
        ids = [self._change(item).context["folder"] for item in items if self._change(item).context.get("folder")]
        there = look_up(self.systems, ids, self.pool) if ids else {}
        refused = []
        for file in there.values():
            if not file.trashed and file.app_properties.get("job") == self.job_id:
                try:
                    self.systems.drive.trash(file.id)
                except PermissionMissing as error:
                    refused.append(error)
        if refused:
            raise refused[0]

    def _left(self, items: Sequence[int]) -> dict[int, str]:
        """What becomes of the copies of these tasks, as the end of a sentence."""
        ids = [self._change(item).context["folder"] for item in items]
        there = look_up(self.systems, ids, self.pool) if ids else {}
        kept = {each for each, file in there.items() if not file.trashed and not file.may("canTrash")}
        words = {True: "stay where they are: this account may not trash them.", False: "were trashed."}
        return {item: words[each in kept] for item, each in zip(items, ids, strict=True)}

    def _trash_twins(self, items: Sequence[int]) -> None:
        having = [item for item in items if any(not file.new_id for file in self._change(item).files)]
        if having:
            folders = look_up(self.systems, [self._change(item).context["folder"] for item in having], self.pool)
            marks = {"job": self.job_id, "kind": "native"}
            files = [
                (f"{item}.{number}", file) for item in having for number, file in enumerate(self._change(item).files)
            ]
            names = {operation: file.name for operation, file in files}
            native.trash_twins(self.systems, list(folders.values()), marks, names)

    # --- small things ---

    def _make_parent(self) -> None:
        options = self.plan.options
        if "parent_name" not in options or self._started:
            return
        marks = {"kind": "batch", "batch": self.batch_id}
        try:
            ensure_folder(
                self.systems.drive, options["parent"], options["parent_name"], options["parent_parent"], marks
            )
        except (NotFound, PermissionMissing) as error:
            self._check_parent()
            raise stopped(f"The batch's folder cannot be made: {error.message}", error) from error

    def _change(self, item: int) -> Change:
        return self.plan.changes[item]

    def _marks(self, kind: str, operation: str) -> dict[str, str]:
        return {"kind": kind, "job": self.job_id, "op": operation}

    @property
    def _fit(self) -> int:
        """How many tasks of the plan are fit to be copied."""
        return sum("invalid" not in change.context for change in self.plan.changes)

    @property
    def batch_id(self) -> str:
        """The export batch's id."""
        return self.plan.options["batch"]


def _trashed(there: Mapping[str, File], file: FileCopy) -> bool:
    return file.source in there and there[file.source].trashed

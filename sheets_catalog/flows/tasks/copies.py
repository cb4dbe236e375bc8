"""The copies of a job's tasks: a folder per task, its files in it, and the proof of both (SD-5, SD-6).

Each file is copied under an id made beforehand, and read back by it: in place, name, size and checksum.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog.errors import NotFound, PermissionMissing, Refused, SheetsCatalogError, Throttled, Unavailable
from sheets_catalog.flows.drive_stores import is_taken
from sheets_catalog.flows.tasks import native
from sheets_catalog.flows.tasks.files import copy_of, look_up, unlike
from sheets_catalog.flows.tasks.folders import closed_folder, ensure_folder
from sheets_catalog.flows.tasks.stopping import CLOSED, Stopped, about, job_wide, stopped
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sheets_catalog.changes.plan import Change, FileCopy, Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.files import File


@dataclass(slots=True)
class Copies:
    """What a staging or delivery job makes in Drive; tasks by their item number. For the plan, see `CopyWork`.

    `drop_description`: internal notes stay behind. `_tried`: items that were worked on since this began; until
    something was (`_started`), any may have been in flight when another process died. `_open`: the folder for all tasks
    was looked at in this batch, and is open. `_there`: what this batch's look found, by id.
    """

    systems: Systems
    plan: Plan
    job_id: str
    pool: ThreadPoolExecutor
    drop_description: bool
    _tried: set[int] = field(default_factory=set)
    _started: bool = False
    _open: bool = False
    _there: Mapping[str, File] = field(default_factory=dict)

    def make_parent(self) -> None:
        """Make the folder for all tasks, if that is this job's to make and nothing was made yet. Raises `Stopped`."""
        options = self.plan.options
        if "parent_name" not in options or self._started:
            return
        marks = {"kind": "batch", "batch": options["batch"]}
        try:
            ensure_folder(
                self.systems.drive, options["parent"], options["parent_name"], options["parent_parent"], marks
            )
        except (NotFound, PermissionMissing) as error:
            self._check_parent()
            raise stopped(f"The batch's folder cannot be made: {error.message}", error) from error

    def make(self, items: Sequence[int]) -> dict[int, Outcome]:
        """Copy these tasks and prove it: one outcome each.

        Raises what stops the whole job: `Stopped`, `CredentialsError`; and `Throttled`, `Unavailable` from looking.
        """
        self._open = False
        there = self._there = self._look(items)
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
        sources = [each for item in items for each in self._sources(item)]
        inflight = [item for item in items if item in self._tried or not self._started]
        return look_up(self.systems, [*sources, *(each for item in inflight for each in self._ids(item))], self.pool)

    def _withdrawn(self, items: Sequence[int], there: Mapping[str, File]) -> dict[int, Outcome]:
        """Tasks of which a file was put away by now. Drive would copy it all the same, also to a client."""
        why = {item: self._put_away(item, there) for item in items}
        return {item: self._failed(item, reason) for item, reason in why.items() if reason}

    def _put_away(self, item: int, there: Mapping[str, File]) -> str:
        """What is in the trash, or no longer where it was staged (as its context says); empty when nothing is."""
        change = self._change(item)
        folder, batch = change.context.get("staged", ""), change.context.get("staged_in", "")
        files = [(file.name, file.source, folder) for file in change.files]
        for name, file_id, parent in [(change.context["folder_name"], folder, batch), *files]:
            found = there.get(file_id)
            if found and found.trashed:
                return f"“{name}” was put into the trash since this was planned."
            if found and parent and parent not in found.parents:
                return f"“{name}” was moved since this was planned."
        return ""

    def _sources(self, item: int) -> list[str]:
        """What is copied, and the staged folder that a delivery copies it from."""
        change = self._change(item)
        return [*filter(None, [change.context.get("staged")]), *(file.source for file in change.files)]

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
        source = self._there.get(file.source)
        now = copy_of(source, file.name) if source else file  # what was noted on it since it was planned stays behind
        kind = "copy" if new_id else "native"
        return self.systems.drive.copy(
            file.source,
            new_id,
            file.name,
            parent=change.context["folder"],
            app_properties={**dict.fromkeys(now.dropped_private), **self._marks(kind, f"{item}.{number}")},
            properties=dict.fromkeys(now.dropped),
            description="" if self.drop_description else None,
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
            self.trash([item])
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

    # --- the end ---

    def trash(self, items: Sequence[int]) -> None:
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

    def left(self, items: Sequence[int]) -> dict[int, str]:
        """What becomes of the copies of these tasks, as the end of a sentence."""
        ids = [self._change(item).context["folder"] for item in items]
        there = look_up(self.systems, ids, self.pool) if ids else {}
        kept = {each for each, file in there.items() if not file.trashed and not file.may("canTrash")}
        words = {True: "stay where they are: this account may not trash them.", False: "were trashed."}
        return {item: words[each in kept] for item, each in zip(items, ids, strict=True)}

    def trash_twins(self, items: Sequence[int]) -> None:
        """Trash what a second attempt made of the native files of these tasks."""
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

    def _change(self, item: int) -> Change:
        return self.plan.changes[item]

    def _marks(self, kind: str, operation: str) -> dict[str, str]:
        return {"kind": kind, "job": self.job_id, "op": operation}

"""Copying the files of tasks into a folder per task, as the engine runs it (SD-5, SD-6).

A task is claimed in the sheet, copied and proven (`copies`), and only then called done. One whose files cannot all be
copied has its folder trashed and stops nobody.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sheets_catalog.errors import (
    BusyError,
    NotFound,
    PermissionMissing,
    Throttled,
    Unavailable,
)
from sheets_catalog.flows import job_files
from sheets_catalog.flows.tasks.board import Board, Move, Moved
from sheets_catalog.flows.tasks.copies import Copies
from sheets_catalog.flows.tasks.folders import closed_folder
from sheets_catalog.flows.tasks.stopping import CLOSED, OR_CANCEL, Stopped
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor

    from sheets_catalog.changes.plan import Change, Plan
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
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
    task found invalid, ``invalid`` (why); in a delivery ``staged`` and ``staged_in``: the staged folder that it is
    copied from, and the one that must still hold it. `plan.options` hold ``parent`` (the folder that task folders go
    into) and, when the job makes that itself, ``parent_name`` and ``parent_parent``. `keep` (systems, the plan, the
    job's id) raises `BusyError` when another job of the batch began at the same moment. `barred`: nothing may be put
    into the folder for all tasks any more; the job is cancelled and only ends.
    """

    systems: Systems
    plan: Plan
    job_id: str
    audit: Audit
    phase: Phase
    ending: Ending
    pool: ThreadPoolExecutor
    keep: Callable[[Systems, Plan, str], None]
    barred: bool = False
    board: Board = field(init=False)
    copies: Copies = field(init=False)
    _line: tuple[int, ...] = ()
    _claims: dict[int, str] | None = None
    _flushed: float = 0.0
    _slow_since: float | None = None

    def __post_init__(self) -> None:
        self.board = Board(self.systems, self.plan.options["tab"], self.job_id, self.plan.actor)
        self.copies = Copies(self.systems, self.plan, self.job_id, self.pool, self.phase.drop_description)

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
        claims = self._claimed()
        mine = [item for item in batch if item not in claims and "invalid" not in self._change(item).context]
        if mine:
            self.copies.make_parent()
        writing = self._start_flush()
        outcomes = {item: Outcome(item, Result.CONFLICTED, claims[item]) for item in batch if item in claims}
        outcomes |= {
            item: Outcome(item, Result.REJECTED, self._change(item).context["invalid"])
            for item in batch
            if item not in claims and item not in mine
        }
        try:
            outcomes |= self.copies.make(mine) if mine else {}
        finally:
            if writing:
                self._finish_flush(writing)  # what it wrote is not on the board any more: only it can log that
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
        left = self.copies.left(edited)
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
        others = len(state.items(Result.CONFLICTED)) >= self._fit  # then they have all of them: no folder is needed
        ours = not (others or self.barred) and self._unless_closed(self.copies.make_parent)
        kept = state.items(Result.DONE)
        for some in (Result.REJECTED, Result.CONFLICTED, Result.PENDING):
            with suppress(PermissionMissing):  # who may not trash was told so for each task that failed or was edited
                self.copies.trash(state.items(some))
        self.copies.trash_twins(kept)
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

    # --- small things ---

    def _change(self, item: int) -> Change:
        return self.plan.changes[item]

    @property
    def _fit(self) -> int:
        """How many tasks of the plan are fit to be copied."""
        return sum("invalid" not in change.context for change in self.plan.changes)

    @property
    def batch_id(self) -> str:
        """The export batch's id."""
        return self.plan.options["batch"]

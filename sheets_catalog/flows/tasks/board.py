"""Statuses in the tasks tab: claimed, moved along the state machine, and logged, always by task id.

Everything is written under the sheet's lease and only where the row still is what the move starts from, so of two
operators who want the same task one gets it and the other is told who has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sheets_catalog import database
from sheets_catalog.errors import BusyError
from sheets_catalog.flows.keyed_writing import RowWrite
from sheets_catalog.flows.tasks.sheet import LeaseLostError, doubles, open_tasks, writing
from sheets_catalog.records.tasks import TASKS, check_move, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.flows.tasks.sheet import TaskTab
    from sheets_catalog.records import Value

_TRIES = 6

STATUS, BATCH = "export_status", "export_batch_id"


@dataclass(frozen=True, slots=True)
class Move:
    """One task from one status to another.

    `after` is every field the move writes, by name. The row must have a status in `before` and a batch id in `batches`;
    if it has the status and batch of `after` already, the move is done.
    """

    item: int
    task_id: str
    label: str
    before: tuple[Value, ...]
    batches: tuple[Value, ...]
    after: Mapping[str, Value]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of moves. `refused`: item to a sentence."""

    logs: tuple[database.RecordLog, ...]
    refused: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Board:
    """The statuses of one job's tasks. `actor` is who acts, for the log."""

    systems: Systems
    tab: str
    job_id: str
    actor: str
    by_hand: bool = False
    waiting: dict[int, Move] = field(default_factory=dict)

    def note(self, move: Move) -> None:
        """Remember a move for the next `flush`."""
        self.waiting[move.item] = move

    def flush(self) -> Moved:
        """Write all remembered moves. What could not be written because Google failed stays remembered."""
        moves = list(self.waiting.values())
        moved = self.write(moves)
        for move in moves:
            if self.waiting.get(move.item) is move:
                del self.waiting[move.item]
        return moved

    def write(self, moves: Sequence[Move]) -> Moved:
        """Make these moves now. Repeatable.

        Raises `InputError` for a move that the state machine does not have, `BusyError` when others never let go.
        """
        if not moves:
            return Moved(())
        for _ in range(_TRIES):
            try:
                return self._write(moves)
            except LeaseLostError:
                continue  # somebody may have written in between: look at every row again
        raise BusyError("Others keep writing statuses into this sheet.", advice="Resume the job in a minute.")

    def _write(self, moves: Sequence[Move]) -> Moved:
        with writing(self.systems, self.job_id):
            return self.write_held(moves)

    def write_held(self, moves: Sequence[Move]) -> Moved:
        """Make these moves for a caller who holds the sheet's lease (`sheet.writing`); errors as `write`."""
        opened = open_tasks(self.systems, self.tab)
        rows = _by_id(opened)
        refused: dict[int, str] = {}
        due: list[tuple[Move, Row]] = []
        for move in moves:
            row = rows.get(move.task_id)
            problem = _obstacle(move, row)
            if problem:
                refused[move.item] = problem
            elif row is not None and not _done(move, row):
                check_move(row.values.get(STATUS), move.after[STATUS], by_hand=self.by_hand)
                due.append((move, row))
        refused |= opened.writer().write([_write(move, row, opened) for move, row in due])
        logs = [self._log(move, row, refused.get(move.item, "")) for move, row in due]
        return Moved(tuple(logs), refused)

    def _log(self, move: Move, row: Row, problem: str) -> database.RecordLog:
        before, after = row.values.get(STATUS), move.after[STATUS]
        changes = [
            database.FieldChange(name, row.values.get(name), value)
            for name, value in move.after.items()
            if row.values.get(name) != value
        ]
        return database.RecordLog(
            self.job_id,
            TASKS.name,
            move.task_id,
            "status",
            "conflicted" if problem else "done",
            operation_key=f"{move.item} {before or ''}>{after or ''}",
            changes=tuple(changes),
            label=move.label,
            row=row.number,
            reason=problem or f"{self.actor}: {move.reason or f'{shown(before)} to {shown(after)}'}",
            at=self.systems.clock.now(),
        )


def _by_id(opened: TaskTab) -> dict[str, Row]:
    rows = list(opened.rows())
    twice = doubles(rows)
    return {row.key: row for row in rows if row.key and row.key not in twice}


def _done(move: Move, row: Row) -> bool:
    return all(row.values.get(name) == value for name, value in move.after.items())


def _obstacle(move: Move, row: Row | None) -> str:
    """Why a move cannot be made; empty when it can, or was made already."""
    if row is None:
        return "The task's row is no longer in the sheet, or its id stands there twice; its status was not written."
    status, batch = row.values.get(STATUS), row.values.get(BATCH)
    there = status == move.after[STATUS] and batch == move.after.get(BATCH, batch)
    if there or (status in move.before and batch in move.batches):
        return ""
    return f"The task has {shown(status)} in batch {batch or '(none)'} meanwhile; it was left alone."


def _write(move: Move, row: Row, opened: TaskTab) -> RowWrite:
    values = {
        name: (row.values.get(name), value) for name, value in move.after.items() if name in opened.layout.columns
    }
    return RowWrite(move.item, move.task_id, (), values, whole=True)

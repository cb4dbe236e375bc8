"""Tasks that leave an export batch: what stays where, and who took them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from sheets_catalog.flows.tasks import register
from sheets_catalog.flows.tasks.register import TakenOut
from sheets_catalog.flows.tasks.selecting import label_of
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.records.tasks import ExportStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sheets_catalog.changes.plan import Change
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Row
    from sheets_catalog.flows.tasks.board import Move
    from sheets_catalog.flows.tasks.register import Batch, Register

FOLDER_LINK = "https://drive.google.com/drive/folders/{}"

_COPIED = {*ExportStatus} - {ExportStatus.STAGING_FAILED}
"""Statuses of tasks that have, or may have, copies in the batch's folder."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A task that clearing its status takes out of a batch. `folders`: links of where its files stay, by what it is."""

    task_id: str
    label: str
    status: str
    batch_id: str
    folders: tuple[tuple[str, str], ...]


def plan_leaving(systems: Systems, task_ids: Sequence[str]) -> list[Leaving]:
    """Those of these tasks that belong to a batch and have files in its folders. Reads only."""
    known = register.load(systems)
    rows = {row.key: row for row in open_tasks(systems, known.settings.tab).rows()}
    found = []
    for row in (rows[task_id] for task_id in task_ids if task_id in rows):
        batch = known.batches.get(row.values.get("export_batch_id") or "")
        status = row.values.get("export_status") or ""
        if batch and status in _COPIED:
            found.append(Leaving(row.key or "", label_of(row), status, batch.id, _folders(batch, status)))
    return found


def _folders(batch: Batch, status: str) -> tuple[tuple[str, str], ...]:
    places = [] if batch.cleaned_at else [("Staging folder", FOLDER_LINK.format(batch.folder_id))]
    if status in {ExportStatus.DELIVERED, ExportStatus.DELIVERING}:
        places += [("Client's folder", FOLDER_LINK.format(each)) for each in batch.client_folders]
    return tuple(places)


def remember(systems: Systems, moves: Iterable[Move], actor: str) -> None:
    """Write into the register who took these tasks out of their batches, when and why."""
    out = [move for move in moves if "export_batch_id" in move.after and not move.after["export_batch_id"]]
    now = systems.clock.now().isoformat(timespec="seconds")
    taken: dict[str, list[TakenOut]] = {}
    for move in out:
        entry = TakenOut(move.task_id, move.label, move.before[0] or "", now, actor, move.reason)
        taken.setdefault(move.batches[0] or "", []).append(entry)

    def remembered(found: Register) -> Register:
        for batch_id in taken.keys() & found.batches.keys():
            batch = found.batches[batch_id]
            new = [each for each in taken[batch_id] if each not in batch.taken_out]
            found = found.with_batch(msgspec.structs.replace(batch, taken_out=(*batch.taken_out, *new)))
        return found

    if taken:
        register.change(systems, remembered)


@dataclass(frozen=True, slots=True)
class Gone:
    """A task that was staged in a batch and is no longer in it. `batch_id`: the one it is in now.

    `taken`: by whom, if it was by `tasks set` or `clean`; otherwise it was exported again, or the sheet was edited.
    """

    task_id: str
    label: str
    batch_id: str
    taken: TakenOut | None


def gone_from(batch: Batch, staged: Iterable[Change], rows: Sequence[Row]) -> tuple[Gone, ...]:
    """The tasks of these changes, or taken out of the batch, that no row of the batch names. Pure."""
    batch_of = {row.key: row.values.get("export_batch_id") or "" for row in rows}
    taken: Mapping[str, TakenOut] = {each.task_id: each for each in batch.taken_out}
    labels = {change.key: change.label for change in staged}
    labels |= {each.task_id: each.label for each in batch.taken_out}
    return tuple(
        Gone(task_id, label, batch_of.get(task_id, ""), taken.get(task_id))
        for task_id, label in labels.items()
        if batch_of.get(task_id) != batch.id
    )

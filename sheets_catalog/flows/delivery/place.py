"""Where a batch may be delivered: nowhere from where a client would see what is staged, nor where it is cleaned up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.flows.tasks import register
from sheets_catalog.flows.tasks.folders import folder_for_writing, keep_apart, keep_unseen

if TYPE_CHECKING:
    from collections.abc import Collection

    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tasks.register import Batch, Register
    from sheets_catalog.google.files import File


def check_place(systems: Systems, plan: Plan, *, new: bool) -> None:
    """Look at the client's folder again before a delivery begins (`new`) or goes on: folders are moved meanwhile.

    Raises `InputError`, `PermissionMissing`. A client's folder that is gone later is told by who copies into it.
    """
    folder = plan.options["parent"]
    if new:
        folder_for_writing(systems, folder, "client's folder")
    found = systems.drive.get_many([folder])
    if folder in found:
        known = register.load(systems)
        check_apart(systems, known, known.batch(plan.options["batch"]), found[folder])


def check_apart(systems: Systems, known: Register, batch: Batch, client: File) -> Collection[str]:
    """Raise `InputError` when the client would see what is staged; returns the ids of the batch's folders there are.

    Those are the one it was staged into, the one that is staged into now, if that is another, and the batch's own.
    """
    ids = dict.fromkeys((batch.staging_folder, known.settings.staging_folder, batch.folder_id))
    found = systems.drive.get_many([each for each in ids if each])
    own = found.get(batch.folder_id)
    moved = own is not None and batch.staging_folder not in own.parents
    keep_apart(systems, [each for each in found.values() if moved or each.id != batch.folder_id], client)
    keep_unseen(systems, _elsewhere(systems, batch, known), client)
    return found.keys()


def _elsewhere(systems: Systems, batch: Batch, known: Register) -> list[File]:
    """Other folders into which batches were staged that were not cleaned up since."""
    ids = dict.fromkeys(each.staging_folder for each in known.batches.values() if not each.cleaned_at)
    wanted = [each for each in ids if each not in {"", batch.staging_folder, known.settings.staging_folder}]
    return list(systems.drive.get_many(wanted).values()) if wanted else []

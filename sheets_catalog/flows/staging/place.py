"""Where tasks may be staged: into no folder that a client sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.flows.tasks import register
from sheets_catalog.flows.tasks.folders import folder_for_writing, keep_from_clients

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.flows.connection import Systems


def check_place(systems: Systems, plan: Plan, *, new: bool) -> None:
    """Look at the staging folder, or the batch's once there is one, before a staging begins (`new`) or goes on.

    It may have become a client's since, or been moved into one. Raises `InputError`, `PermissionMissing`.
    """
    options = plan.options
    if new:
        folder_for_writing(systems, options["parent_parent"], "staging folder")
    clients = register.load(systems).client_folders
    if clients:
        found = systems.drive.get_many([options["parent"], options["parent_parent"]])
        folder = found.get(options["parent"]) or found.get(options["parent_parent"])
        if folder:  # else the copying says that it is gone
            keep_from_clients(systems, folder, clients)

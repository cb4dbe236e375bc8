"""The story's second half: finished tasks are staged for review, and delivered to a client."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sheets_catalog.cli.text import count
from sheets_catalog.cli.views.exports import size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sheets_catalog.cli.demo.people import Control
    from sheets_catalog.cli.progress import RunWatcher
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.running import JobResult

BATCH = "DEMO"
"""What the story calls its export batch, and what people look at afterwards."""


class Files:
    """One telling. `audit` opens the audit; `watcher` shows progress."""

    def __init__(self, systems: Systems, control: Control, audit: Callable[[], Audit], watcher: RunWatcher) -> None:
        self.systems = systems
        self.control = control
        self.audit = audit
        self.watcher = watcher

    def stage(self) -> tuple[JobResult, Mapping[str, str], tuple[str, ...]]:
        """Plant tasks with their files, choose, check and copy them; the result, the folders, and what to tell."""
        from sheets_catalog.flows import staging
        from sheets_catalog.flows.tasks import keeping

        planted = self.control.post("seed/tasks", {"spreadsheet_id": self.systems.connection.spreadsheet_id})
        with self.audit() as audit:
            keeping.configure(self.systems, staging_folder=planted["staging_folder"])
            migration = keeping.migrate(self.systems, audit, "operator")
            preview = staging.plan_staging(self.systems, staging.StagingOptions(batch_id=BATCH, actor="operator"))
            job = staging.store(self.systems, preview)
            result = staging.apply(self.systems, audit, job, watcher=self.watcher)
        staged = f"{count(result.books.done, 'task')} staged as batch {BATCH}"
        told = (
            f"{count(planted['tasks'], 'task')} in the tab “Tasks”; {count(len(migration.columns), 'column')} added.",
            f"{staged}: {count(preview.files, 'file')}, {size(preview.size)}.",
            f"{count(result.books.rejected, 'task')} not fit, each with its reason; they stopped nobody.",
        )
        return result, planted, told

    def deliver(self, folder: str) -> tuple[JobResult, tuple[str, ...]]:
        """Copy what was staged into the client's folder; the result, and what to tell."""
        from sheets_catalog.flows import delivery

        options = delivery.DeliveryOptions(BATCH, folder, "operator")
        with self.audit() as audit:
            preview = delivery.plan_delivery(self.systems, options)
            job = delivery.store(self.systems, preview)
            result = delivery.apply(self.systems, audit, job, watcher=self.watcher)
        proven = f"{count(preview.files, 'file')} proven there one by one"
        told = (
            f"{count(result.books.done, 'task')} delivered to “{preview.client_name}”, {proven}.",
            "The client got a receipt; the export sheet, comments and notes stayed inside.",
        )
        return result, told

    def promises(self, result: JobResult, folder: str, since: int) -> list[str]:
        """What the ledger and the client's folder say against it: copies made twice, files that are not in the plan."""
        from sheets_catalog.flows.tasks.batches import verify_batch

        broken = [wrong.problem for wrong in verify_batch(self.systems, BATCH).wrong]
        lines = [line for line in self.control.ledger(since) if line["operation"] == "drive.files.copy"]
        made = Counter((line["effect"]["source"], line["effect"]["parents"][0]) for line in lines)
        planned = {(file.source, change.context["folder"]) for change in result.plan.changes for file in change.files}
        if set(made) != planned or set(made.values()) != {1}:
            broken.append(f"{len(planned)} copies were planned, the ledger has {made.total()}.")
        delivered = {change.label for change in result.plan.changes}
        there = [file.name for file in self.systems.drive.children(folder)]
        strangers = [name for name in there if name not in delivered and not name.startswith("Receipt_")]
        return broken + [f"“{name}” should not be in the client's folder." for name in strangers]


def staging_promises(result: JobResult, statuses: Mapping[str, Any]) -> list[str]:
    """What the sheet says against a staging that reports these books."""
    expected = {"staged": result.books.done, "staging_failed": result.books.rejected}
    return [
        f"{wanted} tasks should be {word}, the sheet says {statuses.get(word, 0)}."
        for word, wanted in expected.items()
        if statuses.get(word, 0) != wanted
    ]

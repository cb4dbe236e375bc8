"""Applying a delivery plan, or going on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.flows.delivery.receipt import hand_over_receipt
from sheets_catalog.flows.tasks import applying
from sheets_catalog.flows.tasks.copying import Phase
from sheets_catalog.flows.tasks.folders import folder_for_writing
from sheets_catalog.records.tasks import ExportStatus

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Plan
    from sheets_catalog.database import Audit
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.running import JobResult
    from sheets_catalog.jobs.runner import Limits, Watcher

PHASE = Phase(ExportStatus.DELIVERING, ExportStatus.DELIVERED, ExportStatus.DELIVERY_FAILED, drop_description=True)


def apply(
    systems: Systems,
    audit: Audit,
    job_id: str,
    *,
    watcher: Watcher | None = None,
    limits: Limits | None = None,
    force: bool = False,
) -> JobResult:
    """Deliver what a stored plan says, or go on where it stopped. Errors as `tasks.applying.run` says."""

    def check(plan: Plan) -> None:
        folder_for_writing(systems, plan.options["parent"], "client's folder")

    return applying.run(
        systems,
        audit,
        job_id,
        PHASE,
        hand_over_receipt,
        check=check,
        watcher=watcher,
        limits=limits,
        force=force,
    )

"""One operator's process: stage or deliver all there is, going on with what an earlier process left."""

from __future__ import annotations

from typing import Any

from sheets_catalog import database
from sheets_catalog.flows import delivery, staging
from sheets_catalog.flows.connection import open_systems, parse
from sheets_catalog.flows.tasks import register


def main(settings: bytes, flow: str, batch: str, client: str, ready: Any) -> None:
    """Wait until told to begin, then do it. A failure ends the process with status 1 and a traceback."""
    ready.wait(30)
    connection = parse(settings, "the test")
    systems = open_systems(connection)
    with database.Audit(connection.audit_url) as audit:
        found = register.load(systems).batches.get(batch)
        jobs = (found.staging_jobs if flow == "stage" else found.delivery_jobs) if found else ()
        if flow == "stage":
            options = staging.StagingOptions(batch_id=batch)
            job = jobs[0] if jobs else staging.store(systems, staging.plan_staging(systems, options))
            staging.apply(systems, audit, job)
        else:
            wanted = delivery.DeliveryOptions(batch, client)
            job = jobs[0] if jobs else delivery.store(systems, delivery.plan_delivery(systems, wanted))
            delivery.apply(systems, audit, job)

"""Phase two of a two-phase export: a reviewed batch is copied into the client's folder, and proven there.

With what looks back at batches, and cleans up after them.
"""

from __future__ import annotations

from sheets_catalog.flows.delivery.applying import apply
from sheets_catalog.flows.delivery.planning import DeliveryOptions, Preview, plan_delivery, store
from sheets_catalog.flows.running import JobResult
from sheets_catalog.flows.tasks.batches import export_report, list_batches, show_batch, verify_batch
from sheets_catalog.flows.tasks.keeping import clean, plan_cleaning

__all__ = [
    "DeliveryOptions",
    "JobResult",
    "Preview",
    "apply",
    "clean",
    "export_report",
    "list_batches",
    "plan_cleaning",
    "plan_delivery",
    "show_batch",
    "store",
    "verify_batch",
]

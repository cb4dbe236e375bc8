"""Applying a delivery plan, or going on with it: the tasks' copies, then the client's receipt."""

from __future__ import annotations

from sheets_catalog.flows.delivery.place import check_place
from sheets_catalog.flows.delivery.receipt import hand_over_receipt
from sheets_catalog.flows.tasks.applying import Applying
from sheets_catalog.flows.tasks.copying import Phase
from sheets_catalog.records.tasks import ExportStatus

PHASE = Phase(
    ExportStatus.DELIVERING,
    ExportStatus.DELIVERED,
    ExportStatus.DELIVERY_FAILED,
    unended="The receipt could not be handed over.",
    drop_description=True,
)

apply = Applying(PHASE, hand_over_receipt, check_place)

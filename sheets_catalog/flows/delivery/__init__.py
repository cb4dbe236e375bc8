"""Phase two of a two-phase export: a reviewed batch is copied into the client's folder, and proven there."""

from __future__ import annotations

from sheets_catalog.flows.delivery.applying import apply
from sheets_catalog.flows.delivery.planning import DeliveryOptions, Preview, plan_delivery, store
from sheets_catalog.flows.running import JobResult

__all__ = ["DeliveryOptions", "JobResult", "Preview", "apply", "plan_delivery", "store"]

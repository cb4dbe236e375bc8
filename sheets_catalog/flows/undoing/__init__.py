"""Undo of a finished job: a plan that puts back what the audit says was there before, applied as any export."""

from __future__ import annotations

from sheets_catalog.flows.undoing.planning import Created, plan_undo

__all__ = ["Created", "plan_undo"]

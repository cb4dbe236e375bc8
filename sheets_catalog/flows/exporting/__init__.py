"""Differential export: from the sheet to the shop, only what changed."""

from __future__ import annotations

from sheets_catalog.flows.exporting.applying import apply
from sheets_catalog.flows.exporting.guarding import guard
from sheets_catalog.flows.exporting.planning import ExportOptions, all_listed, plan_export
from sheets_catalog.flows.job_files import make as store
from sheets_catalog.flows.running import JobResult

__all__ = ["ExportOptions", "JobResult", "all_listed", "apply", "guard", "plan_export", "store"]

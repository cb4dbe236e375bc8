"""Phase one of a two-phase export: finished tasks are chosen, checked and copied into a staging folder for review."""

from __future__ import annotations

from sheets_catalog.flows.running import JobResult
from sheets_catalog.flows.staging.applying import apply
from sheets_catalog.flows.staging.planning import Preview, StagingOptions, plan_staging, store
from sheets_catalog.flows.tasks.selecting import Filters

__all__ = ["Filters", "JobResult", "Preview", "StagingOptions", "apply", "plan_staging", "store"]

"""Phase one of a two-phase export: finished tasks are chosen, checked and copied into a staging folder for review.

With what prepares it (settings, columns) and what mends it (statuses set by hand).
"""

from __future__ import annotations

from sheets_catalog.flows.running import JobResult
from sheets_catalog.flows.staging.applying import apply
from sheets_catalog.flows.staging.planning import Preview, StagingOptions, plan_staging, store
from sheets_catalog.flows.tasks.keeping import configure, filter_choices, migrate, set_status
from sheets_catalog.flows.tasks.register import Rules
from sheets_catalog.flows.tasks.selecting import Filters

__all__ = [
    "Filters",
    "JobResult",
    "Preview",
    "Rules",
    "StagingOptions",
    "apply",
    "configure",
    "filter_choices",
    "migrate",
    "plan_staging",
    "set_status",
    "store",
]

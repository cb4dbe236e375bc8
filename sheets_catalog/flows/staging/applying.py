"""Applying a staging plan, or going on with it: the tasks' copies, then the export sheet."""

from __future__ import annotations

from sheets_catalog.flows.staging.export_sheet import write_export_sheet
from sheets_catalog.flows.staging.place import check_place
from sheets_catalog.flows.tasks.applying import Applying
from sheets_catalog.flows.tasks.copying import Phase
from sheets_catalog.records.tasks import ExportStatus

PHASE = Phase(
    ExportStatus.STAGING,
    ExportStatus.STAGED,
    ExportStatus.STAGING_FAILED,
    unended="The export sheet could not be written.",
)

apply = Applying(PHASE, write_export_sheet, check_place)

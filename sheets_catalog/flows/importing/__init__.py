"""Import: from the shop into the sheet, differential, without touching what people typed (BK-3).

Not a stored job: each page is compared with the sheet and written at once, and doing it again does the same. An import
that was interrupted is simply started again and finds most of its work done. Existing rows are updated in place, new
records come after the last row, columns that are not ours are never touched, and a cell that was edited since the last
sync keeps the edit.
"""

from __future__ import annotations

from sheets_catalog.flows.importing.counting import ImportOptions, ImportResult, TableCounts
from sheets_catalog.flows.importing.running import import_catalogue
from sheets_catalog.flows.importing.writing import ROWS_AT_ONCE

__all__ = ["ROWS_AT_ONCE", "ImportOptions", "ImportResult", "TableCounts", "import_catalogue"]

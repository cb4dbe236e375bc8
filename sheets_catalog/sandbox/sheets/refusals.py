"""What Sheets says no with. The words are Google's, from recorded answers and reports of real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.sandbox.sheets.ranges import Area, a1
from sheets_catalog.sandbox.wire import GoogleError

if TYPE_CHECKING:
    from sheets_catalog.sandbox.sheets.document import Sheet

TOO_LONG = "Your input contains more than the maximum of 50000 characters in a single cell."
TOO_MANY_CELLS = "This action would increase the number of cells in the workbook above the limit of 10000000 cells."
PROTECTED = (
    "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if "
    "you need to edit."
)
NO_FIELDS = "At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)"
PARTIAL_MERGE = "You must select all cells in a merged range to merge or unmerge them."


class Refused(Exception):  # noqa: N818 - becomes a 400 with a place in front
    """A request or write that Sheets refuses. `args[0]` is the reason, without the place (`Invalid data[0]: `)."""

    def at(self, place: str = "") -> GoogleError:
        """The 400; `place` is such as `requests[0].addSheet`."""
        reason = str(self.args[0])
        return GoogleError(400, f"Invalid {place}: {reason}" if place else reason, status="INVALID_ARGUMENT")


def invalid(message: str) -> GoogleError:
    """A plain 400 INVALID_ARGUMENT."""
    return GoogleError(400, message, status="INVALID_ARGUMENT")


def not_found(message: str = "Requested entity was not found.") -> GoogleError:
    """404 NOT_FOUND."""
    return GoogleError(404, message, status="NOT_FOUND")


def not_a_spreadsheet() -> GoogleError:
    """400 FAILED_PRECONDITION: the file exists and is something else."""
    return GoogleError(400, "This operation is not supported for this document", status="FAILED_PRECONDITION")


def unparsable(text: str) -> Refused:
    """The text names no range."""
    return Refused(f"Unable to parse range: {text}")


def outside(sheet: Sheet, area: Area) -> Refused:
    """The range begins past the last row or column."""
    grid = sheet.grid
    return Refused(
        f"Range ({a1(sheet.title, area)}) exceeds grid limits. "
        f"Max rows: {grid.row_count}, max columns: {grid.column_count}"
    )


def no_sheet(sheet_id: int) -> Refused:
    """A request about a sheet that does not exist."""
    return Refused(f"No sheet with id: {sheet_id}")


def no_grid(sheet_id: int) -> Refused:
    """A range on a sheet that does not exist."""
    return Refused(f"No grid with id: {sheet_id}")

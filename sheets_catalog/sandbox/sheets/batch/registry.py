"""Applying a batch: each request by its kind, all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sheets_catalog.sandbox.sheets.batch import cells, developer, dimensions, moving, objects, sheets
from sheets_catalog.sandbox.sheets.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sheets_catalog.sandbox.sheets.batch.change import Change, Json, Reply, Request

KINDS: Final[Mapping[str, Callable[[Change, Request], Reply]]] = {
    "addBanding": objects.add_banding,
    "addConditionalFormatRule": objects.add_conditional_format_rule,
    "addDimensionGroup": dimensions.add_dimension_group,
    "addFilterView": objects.add_filter_view,
    "addNamedRange": objects.add_named_range,
    "addProtectedRange": objects.add_protected_range,
    "addSheet": sheets.add_sheet,
    "addTable": objects.add_table,
    "appendCells": cells.append_cells,
    "appendDimension": dimensions.append_dimension,
    "autoResizeDimensions": dimensions.auto_resize_dimensions,
    "clearBasicFilter": objects.clear_basic_filter,
    "copyPaste": moving.copy_paste,
    "createDeveloperMetadata": developer.create_developer_metadata,
    "cutPaste": moving.cut_paste,
    "deleteBanding": objects.delete_banding,
    "deleteConditionalFormatRule": objects.delete_conditional_format_rule,
    "deleteDeveloperMetadata": developer.delete_developer_metadata,
    "deleteDimension": dimensions.delete_dimension,
    "deleteDimensionGroup": dimensions.delete_dimension_group,
    "deleteDuplicates": moving.delete_duplicates,
    "deleteFilterView": objects.delete_filter_view,
    "deleteNamedRange": objects.delete_named_range,
    "deleteProtectedRange": objects.delete_protected_range,
    "deleteRange": dimensions.delete_range,
    "deleteSheet": sheets.delete_sheet,
    "deleteTable": objects.delete_table,
    "duplicateFilterView": objects.duplicate_filter_view,
    "duplicateSheet": sheets.duplicate_sheet,
    "findReplace": moving.find_replace,
    "insertDimension": dimensions.insert_dimension,
    "insertRange": dimensions.insert_range,
    "mergeCells": cells.merge_cells,
    "moveDimension": dimensions.move_dimension,
    "pasteData": moving.paste_data,
    "randomizeRange": moving.randomize_range,
    "repeatCell": cells.repeat_cell,
    "setBasicFilter": objects.set_basic_filter,
    "setDataValidation": cells.set_data_validation,
    "sortRange": moving.sort_range,
    "textToColumns": moving.text_to_columns,
    "trimWhitespace": moving.trim_whitespace,
    "unmergeCells": cells.unmerge_cells,
    "updateBanding": objects.update_banding,
    "updateBorders": cells.update_borders,
    "updateCells": cells.update_cells,
    "updateConditionalFormatRule": objects.update_conditional_format_rule,
    "updateDeveloperMetadata": developer.update_developer_metadata,
    "updateDimensionGroup": dimensions.update_dimension_group,
    "updateDimensionProperties": dimensions.update_dimension_properties,
    "updateFilterView": objects.update_filter_view,
    "updateNamedRange": objects.update_named_range,
    "updateProtectedRange": objects.update_protected_range,
    "updateSheetProperties": sheets.update_sheet_properties,
    "updateSpreadsheetProperties": sheets.update_spreadsheet_properties,
    "updateTable": objects.update_table,
}
"""Request kind -> what does it. Kinds of the API that are not here are refused by name."""


def apply_all(change: Change, requests: Sequence[Request]) -> list[Json]:
    """Apply checked requests in order to the change's draft; the replies mirror them.

    Raises:
        GoogleError: 400 that names the first request that cannot be applied. The draft is then worthless.
    """
    for place, request in enumerate(requests):
        for kind in request:
            if kind not in KINDS:
                raise Refused("This kind of request is not supported by the sandbox.").at(f"requests[{place}].{kind}")
        if not request:
            raise Refused("No request set.").at(f"requests[{place}]")
    replies = []
    for place, request in enumerate(requests):
        kind, body = next(iter(request.items()))
        try:
            reply = KINDS[kind](change, body)
        except Refused as refused:
            raise refused.at(f"requests[{place}].{kind}") from refused
        replies.append({kind: reply} if reply is not None else {})
    return replies

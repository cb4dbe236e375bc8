"""Google's methods: each takes the service and one call, and answers the JSON of its response message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sheets_catalog.sandbox.sheets import metadata, picture, protection, store, values
from sheets_catalog.sandbox.sheets.batch.registry import apply_all
from sheets_catalog.sandbox.sheets.batch.sheets import check_title, copied_sheet, copy_title, free_id
from sheets_catalog.sandbox.sheets.call import (
    WRITE_SCOPES,
    Call,
    input_option,
    insufficient_scope,
    major_dimension,
    rendering,
    rendering_of,
)
from sheets_catalog.sandbox.sheets.document import MAX_CELLS, Book
from sheets_catalog.sandbox.sheets.picture import View
from sheets_catalog.sandbox.sheets.ranges import a1
from sheets_catalog.sandbox.sheets.recalculation import refresh
from sheets_catalog.sandbox.sheets.refusals import TOO_MANY_CELLS, Refused, invalid, not_found
from sheets_catalog.sandbox.sheets.schema import read_enum
from sheets_catalog.sandbox.sheets.writing import Written, clear
from sheets_catalog.sandbox.wire import SHEET_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sheets_catalog.sandbox.sheets.reading import Rendering
    from sheets_catalog.sandbox.sheets.service import Sheets

Json: TypeAlias = dict[str, Any]
SPREADSHEETS: Final = "/v4/spreadsheets"


def create(sheets: Sheets, call: Call) -> Json:
    """spreadsheets.create."""
    if not call.caller.has(*WRITE_SCOPES):
        raise insufficient_scope()
    body = call.body("Spreadsheet", "spreadsheet")
    title = body.get("properties", {}).get("title") or "Untitled spreadsheet"
    book = store.described(body, title, sheets.new_id)
    if book.cells() > MAX_CELLS:
        raise invalid(TOO_MANY_CELLS)
    book.id = sheets.files.create_native(title, SHEET_TYPE, call.caller)
    sheets.books[book.id] = book
    sheets.world.ledger.record(
        service=sheets.name,
        operation=call.operation,
        target=book.id,
        effect={"title": title, "sheets": [sheet.title for sheet in book.sheets]},
        actor=call.caller.email,
    )
    return picture.spreadsheet(book, View(call.caller.email, "owner", call.caller.app))


def get_spreadsheet(sheets: Sheets, call: Call) -> Json:
    """spreadsheets.get."""
    book = sheets.fresh(call)
    areas = [values.range_to_read(book, text)[1] for text in call.many("ranges")] or None
    return _picture(sheets, call, book, areas, grid_data=call.flag("includeGridData"))


def get_by_data_filter(sheets: Sheets, call: Call) -> Json:
    """spreadsheets.getByDataFilter."""
    book = sheets.fresh(call)
    body = call.body("GetSpreadsheetByDataFilterRequest")
    areas = [area for one in body.get("dataFilters", []) for area in metadata.filter_areas(book, one, call.caller.app)]
    return _picture(
        sheets, call, book, areas if body.get("dataFilters") else None, grid_data=body.get("includeGridData", False)
    )


def _picture(sheets: Sheets, call: Call, book: Book, areas: Sequence[Any] | None, *, grid_data: bool) -> Json:
    access = sheets.access(call)
    mask = call.mask("Spreadsheet")
    view = View(access.email, access.role, access.app, mask, areas, grid_data)
    return picture.spreadsheet(book, view)


def batch_update(sheets: Sheets, call: Call) -> Json:
    """spreadsheets.batchUpdate: all requests or none."""
    book = sheets.book(call, "writer")
    body = call.body("BatchUpdateSpreadsheetRequest")
    requests = body.get("requests", [])
    if not requests:
        raise invalid("Must specify at least one request.")
    change = sheets.change(book.fork(), call)
    replies = apply_all(change, requests)
    sheets.books[book.id] = change.book
    if change.new_title is not None:
        sheets.files.rename(book.id, change.new_title, call.caller)
    sheets.applied(call, {"requests": change.effects})
    answer: Json = {"spreadsheetId": book.id, "replies": replies}
    if body.get("includeSpreadsheetInResponse"):
        areas = None
        if body.get("responseRanges"):
            areas = [values.range_to_read(change.book, text)[1] for text in body["responseRanges"]]
        refresh(change.book, change.now)
        view = View(
            change.email, change.role, change.app, None, areas, grid_data=body.get("responseIncludeGridData", False)
        )
        answer["updatedSpreadsheet"] = picture.spreadsheet(change.book, view)
    return answer


def values_get(sheets: Sheets, call: Call) -> Json:
    """values.get."""
    how, major = rendering(call), major_dimension(call.one("majorDimension"))
    book = sheets.fresh(call)
    return values.get(book, call.args["range"], how, major)


def values_batch_get(sheets: Sheets, call: Call) -> Json:
    """values.batchGet."""
    how, major = rendering(call), major_dimension(call.one("majorDimension"))
    book = sheets.fresh(call)
    answer: Json = {"spreadsheetId": book.id}
    ranges = [values.get(book, text, how, major) for text in call.many("ranges")]
    return answer | ({"valueRanges": ranges} if ranges else {})


def values_batch_get_by_data_filter(sheets: Sheets, call: Call) -> Json:
    """values.batchGetByDataFilter."""
    book = sheets.fresh(call)
    body = call.body("BatchGetValuesByDataFilterRequest")
    if not body.get("dataFilters"):
        raise invalid("Must specify at least one dataFilter.")
    how = rendering_of(body, ("valueRenderOption", "dateTimeRenderOption"))
    found = values.get_by_filters(
        book, body["dataFilters"], how, major_dimension(body.get("majorDimension")), sheets.access(call)
    )
    return {"spreadsheetId": book.id} | ({"valueRanges": found} if found else {})


def values_update(sheets: Sheets, call: Call) -> Json:
    """values.update."""
    option = input_option(call.one("valueInputOption"))
    body = call.body("ValueRange", "data")
    book = sheets.book(call, "writer")
    how = sheets.input(book, option)
    text = call.args["range"]
    _same_range(book, text, body)
    written = values.carry_out(book, values.plan_at(book, text, body, sheets.access(call)), how)
    answer = values.update_answer(book, written)
    sheets.applied(call, {"ranges": [answer["updatedRange"]], "cells": written.cells})
    if call.flag("includeValuesInResponse"):
        refresh(book, sheets.world.clock.now())
        answer["updatedData"] = _shown(book, written, rendering(call, "response"), body)
    return answer


def _shown(book: Book, written: Written, how: Rendering, body: Json) -> Json:
    sheet = book.find(written.area.sheet)
    assert sheet is not None
    return values.value_range(book, sheet, sheet.clip(written.area), how, major_dimension(body.get("majorDimension")))


def _same_range(book: Book, text: str, body: Json) -> None:
    own = body.get("range")
    if own and metadata.range_area(book, own) != metadata.range_area(book, text):
        raise Refused(f"Request range[{text}] does not match value's range[{own}]")


def values_batch_update(sheets: Sheets, call: Call) -> Json:
    """values.batchUpdate: every range is checked before the first is written."""
    body = call.body("BatchUpdateValuesRequest")
    book = sheets.book(call, "writer")
    how, access = sheets.input(book, body.get("valueInputOption")), sheets.access(call)
    plans = []
    for place, data in enumerate(body.get("data", [])):
        try:
            plans.append(values.plan_at(book, data.get("range", ""), data, access))
        except Refused as refused:
            raise refused.at(f"data[{place}]") from refused
    written = [values.carry_out(book, plan, how) for plan in plans]
    return _batch_answer(sheets, call, book, written, body, [{} for _ in written])


def _batch_answer(
    sheets: Sheets, call: Call, book: Book, written: list[Written], body: Json, extras: list[Json]
) -> Json:
    answers = [values.update_answer(book, one, extra) for one, extra in zip(written, extras, strict=True)]
    names = [str(one["updatedRange"]) for one in answers]
    if written:
        sheets.applied(call, {"ranges": names, "cells": sum(one.cells for one in written)})
    if body.get("includeValuesInResponse"):
        refresh(book, sheets.world.clock.now())
        how = rendering_of(body, ("responseValueRenderOption", "responseDateTimeRenderOption"))
        for one, answer in zip(written, answers, strict=True):
            answer["updatedData"] = _shown(book, one, how, {})
    touched = {one.area.sheet for one in written if one.cells}
    answer = {"spreadsheetId": book.id} | values.totals(answers, touched)
    return answer | ({"responses": answers} if answers else {})


def values_batch_update_by_data_filter(sheets: Sheets, call: Call) -> Json:
    """values.batchUpdateByDataFilter: a filter that matches several ranges writes to each."""
    body = call.body("BatchUpdateValuesByDataFilterRequest")
    book = sheets.book(call, "writer")
    how, access = sheets.input(book, body.get("valueInputOption")), sheets.access(call)
    plans, echoes = [], []
    for place, data in enumerate(body.get("data", [])):
        try:
            for area in metadata.filter_areas(book, data.get("dataFilter", {}), access.app):
                sheet = book.find(area.sheet)
                assert sheet is not None
                plans.append(values.plan(book, area, a1(sheet.title, area), data, access))
                echoes.append({"dataFilter": metadata.echoed(data["dataFilter"])})
        except Refused as refused:
            raise refused.at(f"data[{place}]") from refused
    written = [values.carry_out(book, plan, how) for plan in plans]
    answer = _batch_answer(sheets, call, book, written, body, echoes)
    for one in answer.get("responses", []):
        one.pop("spreadsheetId", None)
    return answer


def values_append(sheets: Sheets, call: Call) -> Json:
    """values.append."""
    option = input_option(call.one("valueInputOption"))
    body = call.body("ValueRange", "data")
    book = sheets.book(call, "writer")
    how = sheets.input(book, option)
    insert = read_enum(
        call.one("insertDataOption"), "InsertDataOption", ("OVERWRITE", "INSERT_ROWS"), "insertDataOption"
    )
    draft = book.fork()
    text = call.args["range"]
    written, table = values.append(draft, text, body, how, sheets.access(call), insert_rows=insert == "INSERT_ROWS")
    sheets.books[book.id] = draft
    updates = values.update_answer(draft, written)
    if written.cells:
        sheets.applied(call, {"ranges": [updates["updatedRange"]], "cells": written.cells})
    if call.flag("includeValuesInResponse"):
        refresh(draft, sheets.world.clock.now())
        updates["updatedData"] = _shown(draft, written, rendering(call, "response"), body)
    return {"spreadsheetId": book.id} | ({"tableRange": table} if table else {}) | {"updates": updates}


def values_clear(sheets: Sheets, call: Call) -> Json:
    """values.clear."""
    call.body("ClearValuesRequest")
    book = sheets.book(call, "writer")
    cleared = _clear(sheets, call, book, [values.range_to_read(book, call.args["range"])[1]])
    return {"spreadsheetId": book.id, "clearedRange": cleared[0]}


def _clear(sheets: Sheets, call: Call, book: Book, areas: Sequence[Any]) -> list[str]:
    """Blank areas, all or none; answers their names."""
    access = sheets.access(call)
    found = [(sheet, area) for area in areas if (sheet := book.find(area.sheet)) is not None]
    for sheet, area in found:
        protection.check(sheet, area, access.email, access.role)
    for sheet, area in found:
        clear(book, sheet, area)
    names = [a1(sheet.title, area) for sheet, area in found]
    if names:
        sheets.applied(call, {"cleared": names})
    return names


def values_batch_clear(sheets: Sheets, call: Call) -> Json:
    """values.batchClear."""
    body = call.body("BatchClearValuesRequest")
    book = sheets.book(call, "writer")
    areas = []
    for place, text in enumerate(body.get("ranges", [])):
        try:
            areas.append(values.range_to_read(book, text)[1])
        except Refused as refused:
            raise refused.at(f"range[{place}]") from refused
    return _cleared(sheets, call, book, areas)


def _cleared(sheets: Sheets, call: Call, book: Book, areas: Sequence[Any]) -> Json:
    names = _clear(sheets, call, book, areas)
    return {"spreadsheetId": book.id} | ({"clearedRanges": names} if names else {})


def values_batch_clear_by_data_filter(sheets: Sheets, call: Call) -> Json:
    """values.batchClearByDataFilter."""
    body = call.body("BatchClearValuesByDataFilterRequest")
    book = sheets.book(call, "writer")
    areas = []
    for place, one in enumerate(body.get("dataFilters", [])):
        try:
            areas += metadata.filter_areas(book, one, call.caller.app)
        except Refused as refused:
            raise refused.at(f"dataFilters[{place}]") from refused
    return _cleared(sheets, call, book, areas)


def metadata_get(sheets: Sheets, call: Call) -> Json:
    """developerMetadata.get."""
    book = sheets.book(call, "reader")
    wanted = call.args["metadataId"]
    for item in metadata.visible(book, call.caller.app):
        if str(item["metadataId"]) == wanted:
            return metadata.displayed(item)
    raise not_found(f"No developer metadata with ID [{wanted}] was found.")


def metadata_search(sheets: Sheets, call: Call) -> Json:
    """developerMetadata.search."""
    book = sheets.book(call, "reader")
    body = call.body("SearchDeveloperMetadataRequest")
    matched: dict[int, tuple[Any, list[Json]]] = {}
    for data_filter in body.get("dataFilters", []):
        for item in metadata.found(book, data_filter, call.caller.app):
            matched.setdefault(item["metadataId"], (item, []))[1].append(metadata.echoed(data_filter))
    answers = [
        {"developerMetadata": metadata.displayed(item), "dataFilters": filters} for item, filters in matched.values()
    ]
    return {"matchedDeveloperMetadata": answers} if answers else {}


def copy_to(sheets: Sheets, call: Call) -> Json:
    """sheets.copyTo."""
    source_book = sheets.book(call, "reader")
    body = call.body("CopySheetToAnotherSpreadsheetRequest")
    target_id = body.get("destinationSpreadsheetId", "")
    sheets.files.require(target_id, call.caller, "writer")
    target = sheets.books[target_id].fork()
    text = call.args["sheetId"]
    source = source_book.find(int(text)) if text.lstrip("-").isdigit() else None
    if source is None:
        raise not_found(f"Sheet ID {text} does not exist.") if text.isdigit() else invalid(f"Invalid sheet id: {text}")
    title = copy_title(target, source.title)
    change = sheets.change(target, call)
    check_title(target, title)
    change.room(source.grid.row_count * source.grid.column_count)
    copy = copied_sheet(change, source, free_id(change, None), title)
    target.sheets.append(copy)
    target.stale = True
    sheets.books[target_id] = target
    moved = Call(call.operation, call.request, {"spreadsheetId": target_id}, call.caller)
    sheets.applied(moved, {"sheet": title, "sheetId": copy.id, "from": source_book.id})
    return picture.sheet_properties(target, copy)


_ONE: Final = f"{SPREADSHEETS}/<spreadsheetId>"
ROUTES: Final[Mapping[str, tuple[str, str]]] = {
    "spreadsheets.create": ("POST", SPREADSHEETS),
    "spreadsheets.get": ("GET", _ONE),
    "spreadsheets.getByDataFilter": ("POST", f"{_ONE}:getByDataFilter"),
    "spreadsheets.batchUpdate": ("POST", f"{_ONE}:batchUpdate"),
    "developerMetadata.get": ("GET", f"{_ONE}/developerMetadata/<metadataId>"),
    "developerMetadata.search": ("POST", f"{_ONE}/developerMetadata:search"),
    "sheets.copyTo": ("POST", f"{_ONE}/sheets/<sheetId>:copyTo"),
    "values.get": ("GET", f"{_ONE}/values/<range>"),
    "values.update": ("PUT", f"{_ONE}/values/<range>"),
    "values.append": ("POST", f"{_ONE}/values/<range>:append"),
    "values.clear": ("POST", f"{_ONE}/values/<range>:clear"),
    "values.batchGet": ("GET", f"{_ONE}/values:batchGet"),
    "values.batchUpdate": ("POST", f"{_ONE}/values:batchUpdate"),
    "values.batchClear": ("POST", f"{_ONE}/values:batchClear"),
    "values.batchGetByDataFilter": ("POST", f"{_ONE}/values:batchGetByDataFilter"),
    "values.batchUpdateByDataFilter": ("POST", f"{_ONE}/values:batchUpdateByDataFilter"),
    "values.batchClearByDataFilter": ("POST", f"{_ONE}/values:batchClearByDataFilter"),
}
"""Operation -> method and path, from the discovery document."""

READS: Final = frozenset(
    f"sheets.{name}"
    for name in ("spreadsheets.getByDataFilter", "developerMetadata.search", "values.batchGetByDataFilter")
)

METHODS: Final[Mapping[str, Callable[[Sheets, Call], Json]]] = {
    "spreadsheets.create": create,
    "spreadsheets.get": get_spreadsheet,
    "spreadsheets.getByDataFilter": get_by_data_filter,
    "spreadsheets.batchUpdate": batch_update,
    "developerMetadata.get": metadata_get,
    "developerMetadata.search": metadata_search,
    "sheets.copyTo": copy_to,
    "values.get": values_get,
    "values.update": values_update,
    "values.append": values_append,
    "values.clear": values_clear,
    "values.batchGet": values_batch_get,
    "values.batchUpdate": values_batch_update,
    "values.batchClear": values_batch_clear,
    "values.batchGetByDataFilter": values_batch_get_by_data_filter,
    "values.batchUpdateByDataFilter": values_batch_update_by_data_filter,
    "values.batchClearByDataFilter": values_batch_clear_by_data_filter,
}

ANSWERS: Final[Mapping[str, str]] = {
    "spreadsheets.create": "Spreadsheet",
    "spreadsheets.get": "Spreadsheet",
    "spreadsheets.getByDataFilter": "Spreadsheet",
    "spreadsheets.batchUpdate": "BatchUpdateSpreadsheetResponse",
    "developerMetadata.get": "DeveloperMetadata",
    "developerMetadata.search": "SearchDeveloperMetadataResponse",
    "sheets.copyTo": "SheetProperties",
    "values.get": "ValueRange",
    "values.update": "UpdateValuesResponse",
    "values.append": "AppendValuesResponse",
    "values.clear": "ClearValuesResponse",
    "values.batchGet": "BatchGetValuesResponse",
    "values.batchUpdate": "BatchUpdateValuesResponse",
    "values.batchClear": "BatchClearValuesResponse",
    "values.batchGetByDataFilter": "BatchGetValuesByDataFilterResponse",
    "values.batchUpdateByDataFilter": "BatchUpdateValuesByDataFilterResponse",
    "values.batchClearByDataFilter": "BatchClearValuesByDataFilterResponse",
}
"""Operation -> message of its answer, for the `fields` parameter."""

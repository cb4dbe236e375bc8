"""Spreadsheets: what tabs they have, cells in and cells out. Every call goes through `Around` and is sent once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import msgspec

from sheets_catalog.errors import InputError, NotFound, Refused, Unavailable
from sheets_catalog.google.a1 import Area, a1, area_of, quoted
from sheets_catalog.google.cells import Rows, cell_data, encode, padded, write_bodies
from sheets_catalog.google.errors import SERVICE
from sheets_catalog.google.links import is_file_id
from sheets_catalog.google.transport import Transport, operation_of
from sheets_catalog.records import Cell
from sheets_catalog.upstream import Around, Safety, directly

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Render: TypeAlias = Literal["UNFORMATTED_VALUE", "FORMULA", "FORMATTED_VALUE"]
Major: TypeAlias = Literal["ROWS", "COLUMNS"]
_JSON: TypeAlias = dict[str, Any]
T = TypeVar("T")

RANGES_AT_ONCE = 1_000
"""Ranges asked for in one call; any number counts as one call of the quota."""

BLOCK = 10_000
"""Rows read in one call: some MB, where Google recommends at most 2 for what is sent."""

_INFO = (
    "spreadsheetId,properties(title,locale,timeZone),"
    "sheets(properties(sheetId,title,index,sheetType,hidden,gridProperties(rowCount,columnCount,frozenRowCount)),"
    "merges,protectedRanges(protectedRangeId,description,range,unprotectedRanges,warningOnly,requestingUserCanEdit),"
    "basicFilter(range))"
)
_INSPECT = (
    "sheets(properties(title),data(startRow,startColumn,"
    "rowData(values(userEnteredValue,effectiveValue,formattedValue,effectiveFormat(numberFormat)))))"
)
_APPENDED = "updatedSpreadsheet(sheets(data(rowData(values(effectiveValue)))))"
_HIDDEN = "sheets(data(startRow,rowMetadata(hiddenByFilter,hiddenByUser)))"


@dataclass(frozen=True, slots=True)
class Protection:
    """A protected area of a tab. `editable`: this account may edit it all the same; `warning_only`: so may anybody."""

    area: Area
    description: str = ""
    warning_only: bool = False
    editable: bool = False
    unprotected: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True)
class Tab:
    """One sheet of a spreadsheet. `kind` is ``GRID`` for cells. `filtered`: a filter is set, so rows may be hidden."""

    sheet_id: int
    title: str
    index: int
    row_count: int
    column_count: int
    frozen_rows: int = 0
    hidden: bool = False
    filtered: bool = False
    kind: str = "GRID"
    merges: tuple[Area, ...] = ()
    protections: tuple[Protection, ...] = ()


@dataclass(frozen=True, slots=True)
class SpreadsheetInfo:
    """A spreadsheet and its tabs by title, in their order."""

    id: str
    title: str
    locale: str
    time_zone: str
    tabs: Mapping[str, Tab]

    def tab(self, title: str) -> Tab:
        """The tab of this title. Raises `InputError` naming those there are."""
        try:
            return self.tabs[title]
        except KeyError:
            known = ", ".join(self.tabs)
            raise InputError(f"Spreadsheet {self.title!r}: no tab {title!r}; it has {known}.") from None


@dataclass(frozen=True, slots=True)
class InspectedCell:
    """One cell with what `read_ranges` does not tell.

    `formula`: as typed (``=A1*2``), else empty; `error`: what a formula failed with (``REF``), else empty;
    `formatted`: as people see it; `number_format`: its kind (``CURRENCY``), else empty; `effective`: the value.
    """

    formula: str = ""
    error: str = ""
    formatted: str = ""
    number_format: str = ""
    effective: Cell = None


class _ValueRange(msgspec.Struct):
    range: str = ""
    values: list[list[Cell]] = []


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a tab, and its row 1 as it was at that moment.

    `rows`: JSON arrays that are not decoded yet, for who need not look into most of them; blank ones at the end are
    left out. `number`: the first one's row number. `next_row`: where the next block begins; None after the last.
    """

    header: tuple[Cell, ...]
    number: int
    rows: Sequence[msgspec.Raw] = ()
    next_row: int | None = None


class _RawRange(msgspec.Struct):
    values: list[msgspec.Raw] = []


class _RawRanges(msgspec.Struct):
    valueRanges: list[_RawRange] = []  # noqa: N815 - Google's name


class _ValueRanges(msgspec.Struct):
    valueRanges: list[_ValueRange] = []  # noqa: N815 - Google's name


class Spreadsheets:
    """Google Sheets as one account. Raises the errors of `sheets_catalog.google.errors`."""

    def __init__(self, transport: Transport, around: Around = directly) -> None:
        self._transport = transport
        self._around = around
        self._api = transport.service("sheets", "v4").spreadsheets()

    def info(self, spreadsheet_id: str) -> SpreadsheetInfo:
        """The spreadsheet's title, locale, time zone and tabs, in one call without any cells."""
        built = self._api.get(spreadsheetId=_checked(spreadsheet_id), fields=_INFO, includeGridData=False)
        return info_from(self._call("read", built, _JSON))

    def read_rows(
        self,
        spreadsheet_id: str,
        tab: Tab | str,
        *,
        first_row: int = 1,
        columns: tuple[int, int] | None = None,
        chunk: int = 10_000,
    ) -> Iterator[list[list[Cell]]]:
        """The tab's rows from `first_row` on, at most `chunk` at a time; all chunks together are all rows in order.

        `columns`: first and last, counted from 1 (default: all). Values are unformatted, dates are serial numbers.
        Trailing blank cells are left out, so rows are ragged; blank rows between others come as ``[]``, blank rows at
        the end not at all. A title instead of a `Tab` costs one more call.
        """
        grid = self.info(spreadsheet_id).tab(tab) if isinstance(tab, str) else tab
        left, right = columns or (1, grid.column_count)
        wanted = _blocks(grid, first_row, (left, right), chunk)
        blocks = ((size, self._values(spreadsheet_id, where)) for size, where in wanted)
        return _without_blank_end(blocks, chunk)

    def read_block(self, spreadsheet_id: str, tab: Tab, first_row: int = 2) -> Block:
        """Row 1 and the next 10,000 rows from `first_row` (2 or more) on, all of one moment, in one call.

        The last block has also what was inserted since `tab` was asked for.
        """
        end = first_row + BLOCK - 1
        last = end >= tab.row_count
        end += BLOCK if last else 0  # an end beyond the grid is cut off by Google, a beginning is refused
        rows = [f"{quoted(tab.title)}!{first_row}:{end}"] if first_row <= tab.row_count else []
        header, *found = self._raw_ranges(spreadsheet_id, [f"{quoted(tab.title)}!1:1", *rows])
        return Block(_header(header), first_row, found[0].values if found else (), None if last else end + 1)

    def _raw_ranges(self, spreadsheet_id: str, ranges: Sequence[str]) -> list[_RawRange]:
        built = self._api.values().batchGet(
            spreadsheetId=_checked(spreadsheet_id),
            ranges=list(ranges),
            valueRenderOption="UNFORMATTED_VALUE",
            dateTimeRenderOption="SERIAL_NUMBER",
            fields="valueRanges(values)",
        )
        answered = self._call("read", built, _RawRanges).valueRanges
        if len(answered) != len(ranges):
            raise _incomplete("sheets.values.batchGet", f"{len(answered)} of {len(ranges)} ranges")
        return answered

    def _values(self, spreadsheet_id: str, where: str) -> list[list[Cell]]:
        built = self._api.values().get(
            spreadsheetId=_checked(spreadsheet_id),
            range=where,
            valueRenderOption="UNFORMATTED_VALUE",
            dateTimeRenderOption="SERIAL_NUMBER",
            fields="values",
        )
        return self._call("read", built, _ValueRange).values

    def read_ranges(
        self,
        spreadsheet_id: str,
        ranges: Sequence[str],
        render: Render = "UNFORMATTED_VALUE",
        major: Major = "ROWS",
    ) -> list[list[list[Cell]]]:
        """The cells of each range, in the order asked for, filled with ``""`` to the range's full size.

        One call for up to 1,000 ranges, however long their names are. An open range (``A2:C``) comes as far as it has
        values.
        """
        found: list[list[list[Cell]]] = []
        for first in range(0, len(ranges), RANGES_AT_ONCE):
            found += self._read_some(spreadsheet_id, ranges[first : first + RANGES_AT_ONCE], render, major)
        return found

    def _read_some(
        self, spreadsheet_id: str, ranges: Sequence[str], render: Render, major: Major
    ) -> list[list[list[Cell]]]:
        areas = [area_of(each) for each in ranges]
        built = self._api.values().batchGet(
            spreadsheetId=_checked(spreadsheet_id),
            ranges=list(ranges),
            valueRenderOption=render,
            dateTimeRenderOption="SERIAL_NUMBER",
            majorDimension=major,
            fields="valueRanges(values)",
        )
        answered = self._call("read", built, _ValueRanges).valueRanges
        if len(answered) != len(ranges):
            raise _incomplete("sheets.values.batchGet", f"{len(answered)} of {len(ranges)} ranges")
        pairs = zip(answered, areas, strict=True)
        return [padded(each.values, area, by_columns=major == "COLUMNS") for each, area in pairs]

    def inspect(self, spreadsheet_id: str, ranges: Sequence[str]) -> list[list[list[InspectedCell]]]:
        """Formula, error, format and value of the cells of each range, filled to the range's full size.

        For chosen cells: each costs some hundred bytes on the wire.
        """
        built = self._api.get(spreadsheetId=_checked(spreadsheet_id), ranges=list(ranges), fields=_INSPECT)
        blocks = _blocks_by_tab(self._call("read", built, _JSON))
        return [_inspected(blocks, area_of(each)) for each in ranges]

    def hidden_rows(self, spreadsheet_id: str, tab: Tab) -> frozenset[int]:
        """Numbers of the rows that people do not see: hidden by hand or by the filter."""
        built = self._api.get(spreadsheetId=_checked(spreadsheet_id), ranges=[a1(tab.title)], fields=_HIDDEN)
        sheets = self._call("read", built, _JSON).get("sheets", [])
        blocks = [block for sheet in sheets for block in sheet.get("data", [])]
        return frozenset(
            block.get("startRow", 0) + number
            for block in blocks
            for number, row in enumerate(block.get("rowMetadata", []), 1)
            if row.get("hiddenByFilter") or row.get("hiddenByUser")
        )

    def write_ranges(self, spreadsheet_id: str, writes: Iterable[tuple[str, Rows]]) -> int:
        """Write absolute values as they are (RAW, nothing is parsed); the number of cells written.

        None leaves a cell alone, ``""`` empties it; a Decimal is written digit for digit. In requests of at most 2 MB,
        each applied as a whole. Raises `InputError`, before anything is sent, for a value that a sheet cannot keep.
        """
        bodies = list(write_bodies(writes))
        return sum(self._write(spreadsheet_id, body) for body in bodies)

    def _write(self, spreadsheet_id: str, body: bytes) -> int:
        built = self._api.values().batchUpdate(
            spreadsheetId=_checked(spreadsheet_id), body={}, fields="totalUpdatedCells"
        )
        return int(self._call("repeatable", built, _JSON, body).get("totalUpdatedCells", 0))

    def clear_ranges(self, spreadsheet_id: str, ranges: Sequence[str]) -> None:
        """Empty the cells of these ranges; formats and validation stay."""
        built = self._api.values().batchClear(spreadsheetId=_checked(spreadsheet_id), body={"ranges": list(ranges)})
        self._call("repeatable", built, _JSON)

    def batch_update(
        self, spreadsheet_id: str, requests: Sequence[Mapping[str, Any]], *, safety: Safety
    ) -> list[dict[str, Any]]:
        """Do these ``spreadsheets.batchUpdate`` requests as one, all or none; one reply each, ``{}`` where none is due.

        `safety` is the caller's to judge: moving, inserting and appending are ``once``.
        """
        built = self._api.batchUpdate(spreadsheetId=_checked(spreadsheet_id), body={}, fields="replies")
        replies = self._call(safety, built, _JSON, encode({"requests": requests})).get("replies", [])
        if len(replies) != len(requests):
            raise _incomplete("sheets.batchUpdate", f"{len(replies)} replies to {len(requests)} requests")
        return list(replies)

    def add_tab(
        self,
        spreadsheet_id: str,
        title: str,
        *,
        sheet_id: int,
        rows: int = 1000,
        columns: int = 26,
        frozen_rows: int = 0,
        filled: Sequence[Mapping[str, Any]] = (),
    ) -> Tab:
        """Add a tab, and fill it by these requests, all or none.

        A second one of the same title or `sheet_id` is refused: `Refused` with reason ``duplicate``.
        """
        grid = {"rowCount": rows, "columnCount": columns} | ({"frozenRowCount": frozen_rows} if frozen_rows else {})
        properties = {"sheetId": sheet_id, "title": title, "gridProperties": grid}
        requests = [{"addSheet": {"properties": properties}}, *filled]
        try:
            reply, *_ = self.batch_update(spreadsheet_id, requests, safety="repeatable")
        except Refused as error:
            raise _as_duplicate(error) from error
        return tab_from({"properties": reply["addSheet"]["properties"]})

    def append_rows_at_end(self, spreadsheet_id: str, tab: Tab, rows: Rows) -> tuple[Cell, ...]:
        """Append after the last row that has data anywhere in the tab; row 1 as it was at that moment.

        Not repeatable: probe an unknown outcome.
        """
        values = [{"values": [cell_data(cell) for cell in row]} for row in rows]
        request = {"appendCells": {"sheetId": tab.sheet_id, "rows": values, "fields": "userEnteredValue"}}
        body = {
            "requests": [request],
            "includeSpreadsheetInResponse": True,
            "responseRanges": [f"{quoted(tab.title)}!1:1"],
            "responseIncludeGridData": True,
        }
        built = self._api.batchUpdate(spreadsheetId=_checked(spreadsheet_id), body={}, fields=_APPENDED)
        answered = self._call("once", built, _JSON, encode(body)).get("updatedSpreadsheet", {})
        blocks = [block for sheet in answered.get("sheets", []) for block in sheet.get("data", [])]
        if len(blocks) != 1:
            raise _incomplete("sheets.batchUpdate", f"{len(blocks)} of 1 ranges")
        cells = [_inspected_cell(cell) for row in blocks[0].get("rowData", []) for cell in row.get("values", [])]
        return tuple("" if cell.effective is None else cell.effective for cell in cells)

    def create(self, title: str, tabs: Sequence[str] = ()) -> str:
        """Make a spreadsheet in the account's Drive; its id. Not repeatable: a second sending makes a second one."""
        sheets = [{"properties": {"title": each, "index": number}} for number, each in enumerate(tabs)]
        body = {"properties": {"title": title}} | ({"sheets": sheets} if sheets else {})
        built = self._api.create(body=body, fields="spreadsheetId")
        return str(self._call("once", built, _JSON)["spreadsheetId"])

    def _call(self, safety: Safety, built: Any, shape: type[T], body: bytes | None = None) -> T:
        """Decoded inside: half an answer is a failure of the call, not of whoever reads it."""
        return self._around(
            safety, SERVICE, operation_of(built), lambda: self._transport.send(built, body=body).decoded(shape)
        )


def _checked(spreadsheet_id: str) -> str:
    if not is_file_id(spreadsheet_id):
        raise InputError(f"Found {spreadsheet_id!r}, expected a spreadsheet id.", advice="Use file_id_from for links.")
    return spreadsheet_id


def _blocks(grid: Tab, first_row: int, columns: tuple[int, int], chunk: int) -> Iterator[tuple[int, str]]:
    """How many rows to ask for at a time, and where they are."""
    left, right = columns
    for start in range(first_row, grid.row_count + 1, chunk):
        end = min(start + chunk - 1, grid.row_count)
        yield end - start + 1, a1(grid.title, start, left, end, right)


def _without_blank_end(blocks: Iterable[tuple[int, list[list[Cell]]]], chunk: int) -> Iterator[list[list[Cell]]]:
    """The rows of blocks that were asked for with so many rows; blank ones only where others follow."""
    owed = 0
    for size, rows in blocks:
        if rows:
            for first in range(0, owed, chunk):
                yield [[] for _ in range(min(chunk, owed - first))]
            yield rows
            owed = 0
        owed += size - len(rows)


def _header(found: _RawRange) -> tuple[Cell, ...]:
    try:
        return tuple(cell for row in found.values for cell in msgspec.json.decode(row, type=list[Cell]))
    except msgspec.DecodeError as error:
        raise _incomplete("sheets.values.batchGet", "a header that is none") from error


def _incomplete(operation: str, found: str) -> Unavailable:
    return Unavailable(f"Google answered {operation} with {found}.", service=SERVICE, operation=operation, status=200)


def _as_duplicate(error: Refused) -> Refused:
    """Google says 400 INVALID_ARGUMENT for a tab that is there already; tell it by its words."""
    if "already exists" not in error.message:
        return error
    return Refused(error.message, service=SERVICE, operation=error.operation, status=error.status, reason="duplicate")


def info_from(found: Mapping[str, Any]) -> SpreadsheetInfo:
    """From a ``Spreadsheet`` resource as `Spreadsheets.info` asks for it."""
    properties = found.get("properties", {})
    tabs = sorted((tab_from(sheet) for sheet in found.get("sheets", [])), key=lambda tab: tab.index)
    return SpreadsheetInfo(
        id=found["spreadsheetId"],
        title=properties.get("title", ""),
        locale=properties.get("locale", ""),
        time_zone=properties.get("timeZone", ""),
        tabs={tab.title: tab for tab in tabs},
    )


def tab_from(sheet: Mapping[str, Any]) -> Tab:
    """From a ``Sheet`` resource."""
    properties = sheet["properties"]
    grid = properties.get("gridProperties", {})
    title = properties.get("title", "")
    return Tab(
        sheet_id=properties.get("sheetId", 0),
        title=title,
        index=properties.get("index", 0),
        row_count=grid.get("rowCount", 0),
        column_count=grid.get("columnCount", 0),
        frozen_rows=grid.get("frozenRowCount", 0),
        hidden=properties.get("hidden", False),
        filtered="basicFilter" in sheet,
        kind=properties.get("sheetType", "GRID"),
        merges=tuple(area_from(title, each) for each in sheet.get("merges", [])),
        protections=tuple(_protection(title, each) for each in sheet.get("protectedRanges", [])),
    )


def area_from(title: str, grid: Mapping[str, int]) -> Area:
    """From a ``GridRange``, whose indexes count from 0 and leave out the end; a missing one is open."""

    def start(name: str) -> int | None:
        return grid[name] + 1 if name in grid else None

    return Area(
        title, start("startRowIndex"), start("startColumnIndex"), grid.get("endRowIndex"), grid.get("endColumnIndex")
    )


def _protection(title: str, found: Mapping[str, Any]) -> Protection:
    return Protection(
        area=area_from(title, found.get("range", {})),
        description=found.get("description", ""),
        warning_only=found.get("warningOnly", False),
        editable=found.get("requestingUserCanEdit", False),
        unprotected=tuple(area_from(title, each) for each in found.get("unprotectedRanges", [])),
    )


def _blocks_by_tab(found: Mapping[str, Any]) -> dict[str, Iterator[dict[str, Any]]]:
    """The answered blocks of each tab, in the order in which its ranges were asked for."""
    sheets = found.get("sheets", [])
    return {sheet["properties"]["title"]: iter(sheet.get("data", [])) for sheet in sheets}


def _inspected(blocks: Mapping[str, Iterator[dict[str, Any]]], area: Area) -> list[list[InspectedCell]]:
    blocks_of_tab = blocks.get(area.tab) if area.tab else next(iter(blocks.values()), None)
    block = next(blocks_of_tab, None) if blocks_of_tab is not None else None
    if block is None:
        raise NotFound(
            f"Google answered sheets.get without the cells of {area}.", service=SERVICE, operation="sheets.get"
        )
    rows = [[_inspected_cell(cell) for cell in row.get("values", [])] for row in block.get("rowData", [])]
    width, blank = area.width or 0, InspectedCell()
    full = [row + [blank] * (width - len(row)) for row in rows]
    return full + [[blank] * width for _ in range((area.height or 0) - len(full))]


def _inspected_cell(cell: Mapping[str, Any]) -> InspectedCell:
    effective = cell.get("effectiveValue", {})
    values = [effective[name] for name in ("stringValue", "numberValue", "boolValue") if name in effective]
    return InspectedCell(
        formula=cell.get("userEnteredValue", {}).get("formulaValue", ""),
        error=effective.get("errorValue", {}).get("type", ""),
        formatted=cell.get("formattedValue", ""),
        number_format=cell.get("effectiveFormat", {}).get("numberFormat", {}).get("type", ""),
        effective=values[0] if values else None,
    )

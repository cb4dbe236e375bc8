"""The tab of open conflicts: written by apply, answered by people, read by the next plan (BK-5, policy ``ask``).

It is found by its title and its header, wherever people moved that to. A tab of the same title without that header is
somebody's own and never written. Everything in ours is text; one column takes a person's choice, ``sheet`` or ``shop``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from sheets_catalog.changes.fingerprints import clipped
from sheets_catalog.changes.plan import Finding
from sheets_catalog.errors import PlanError, Refused
from sheets_catalog.flows.exporting.comparing import Resolution
from sheets_catalog.flows.tabs import letter, normal
from sheets_catalog.google.a1 import quoted
from sheets_catalog.records import TABLES, metafield

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.changes.plan import Conflict
    from sheets_catalog.google.sheets import SpreadsheetInfo, Spreadsheets, Tab
    from sheets_catalog.records import Cell, Table

TITLE = "Conflicts"
HEADER = ("Tab", "Row key", "Record", "Field", "Last agreed", "In the sheet", "In the shop", "Choose (sheet or shop)")
CHOICES = ("sheet", "shop")
SHEET_ID = 1_914_207_531
"""A sheet id of our own choosing, so that two runs cannot add the tab twice."""

_HEADER_WITHIN = 20
"""Rows in which the header is looked for: people insert rows above it."""

Spot = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One conflict as a row of the tab shows it. `cells`: those of our columns, in our order."""

    number: int
    spot: Spot
    cells: Sequence[str]

    @property
    def resolution(self) -> Resolution:
        """What a person chose here, about which values."""
        return Resolution(self.cells[7].strip().casefold(), self.cells[5] or None, self.cells[6] or None, self.number)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the tab shows. `there`: whether the spreadsheet has the tab; `missing`: columns it lacks: it is not ours.

    `header`: the row of the header; `columns`: where ours are, from 0; `last`: the last row with something in them.
    """

    there: bool = False
    missing: tuple[str, ...] = ()
    header: int = 1
    columns: tuple[int, ...] = tuple(range(len(HEADER)))
    last: int = 1
    lines: Sequence[Line] = ()
    entries: Mapping[Spot, Resolution] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", _entries(self.lines))

    @property
    def choices(self) -> dict[Spot, Resolution]:
        """The choices people have made. Rows without a valid choice are still open."""
        return {spot: made for spot, made in self.entries.items() if made.choice in CHOICES}

    def findings(self, tables: Collection[str]) -> Iterator[Finding]:
        """Rows of `tables` of which it cannot be told what was chosen."""
        for line in self.lines:
            made = line.resolution
            if line.spot[0] not in tables or not made.choice:
                continue
            if made.choice not in CHOICES:
                yield unclear(line.number, line.cells[7], f"“{line.cells[7]}” is neither “sheet” nor “shop”")
            elif not self.entries[line.spot].choice:
                yield unclear(line.number, line.cells[7], "Two rows of this conflict say different things")

    def lists(self, conflicts: Collection[Conflict], tables: Collection[str]) -> bool:
        """Whether `write` would show nothing new: exactly these conflicts of `tables`, about the same values."""
        listed = {spot for spot in self.entries if spot[0] in tables}
        wanted = {(each.table, each.key, each.field): each for each in conflicts}
        return listed == set(wanted) and all(
            self.entries[spot].about(each.sheet, each.shop) for spot, each in wanted.items()
        )

    def check(self) -> None:
        """Raise `PlanError` when the tab is not ours to write."""
        if self.missing:
            names = ", ".join(f"“{name}”" for name in self.missing)
            raise PlanError(
                f"Open conflicts need the tab “{TITLE}”, but the one there lacks their columns {names}.",
                advice="Rename that tab: a new one is made for them. If it is theirs, give it its header back.",
            )


def unclear(row: int, found: str, why: str) -> Finding:
    """A choice that does not count."""
    return Finding(
        "warning",
        "conflict_choice",
        TITLE,
        row,
        HEADER[7],
        found,
        f"{why}: the conflict stays open.",
        "Type “sheet” or “shop” there, in one row.",
    )


def _entries(lines: Iterable[Line]) -> dict[Spot, Resolution]:
    """What was chosen for each conflict. Rows of one conflict that say different things choose nothing."""
    entries: dict[Spot, Resolution] = {}
    torn: set[Spot] = set()
    for line in lines:
        made, before = line.resolution, entries.get(line.spot)
        if before is None or (not before.choice and line.spot not in torn):
            entries[line.spot] = made
        elif made.choice and replace(made, row=before.row) != before:
            entries[line.spot] = replace(before, choice="")
            torn.add(line.spot)
    return entries


def read(sheets: Spreadsheets, info: SpreadsheetInfo) -> Shown:
    """Read the tab."""
    tab = info.tabs.get(TITLE)
    if tab is None:
        return Shown()
    rows = [row for chunk in sheets.read_rows(info.id, tab, first_row=1) for row in chunk]
    if not any(cell not in {None, ""} for row in rows for cell in row):
        return Shown(there=True)
    places = [(_columns(row), number) for number, row in enumerate(rows[:_HEADER_WITHIN], 1)]
    columns, header = max(places, key=lambda place: (len(place[0]), -place[1]))
    if len(columns) < len(HEADER):
        return Shown(there=True, missing=tuple(name for name in HEADER if name not in columns))
    ours = tuple(columns[name] for name in HEADER)
    cells = [[str(row[at] or "") if at < len(row) else "" for at in ours] for row in rows]
    numbered = list(enumerate(cells, 1))
    lines = [Line(number, spot, each) for number, each in numbered[header:] if (spot := _spot(each))]
    last = max(number for number, each in numbered if any(each))
    return Shown(there=True, header=header, columns=ours, last=last, lines=lines)


def _columns(row: Sequence[Cell]) -> dict[str, int]:
    """Which of our columns have their header in this row."""
    found = {normal(cell): at for at, cell in reversed([*enumerate(row)])}
    return {name: found[normal(name)] for name in HEADER if normal(name) in found}


def _spot(cells: Sequence[str]) -> Spot | None:
    table = next((table for table in TABLES.values() if table.title == cells[0]), None)
    if table is None or not cells[1]:
        return None
    known = next((each for each in table.fields if each.header == cells[3]), None) or metafield(cells[3])
    name = known.name if known else cells[3]
    return (table.name, cells[1], name)


def write(
    sheets: Spreadsheets, info: SpreadsheetInfo, conflicts: Iterable[Conflict], tables: Mapping[str, Table]
) -> None:
    """Make the tab show exactly these conflicts of `tables`, keeping choices made about the same values. Repeatable.

    The new rows and the blanks after them go in one request: the tab is never empty in between. Raises `PlanError`
    when there is something to write and the tab of that name is somebody's own.
    """
    open_ones = list(conflicts)
    before = read(sheets, info)
    if not open_ones and (not before.there or before.missing):
        return
    before.check()
    rows: list[Sequence[Cell]] = [HEADER, *(line.cells for line in before.lines if line.spot[0] not in tables)]
    rows += [_row(conflict, tables, before.entries) for conflict in open_ones]
    rows += [[""] * len(HEADER) for _ in range(before.last - before.header + 1 - len(rows))]
    _ensure_tab(sheets, info, before.header + len(rows) - 1, max(before.columns) + 1)
    sheets.write_ranges(info.id, _ranges(before, rows))


def _ranges(before: Shown, rows: Sequence[Sequence[Cell]]) -> Iterator[tuple[str, list[list[Cell]]]]:
    """Each of our columns where it is; columns of others in between are left alone."""
    first, last = before.header, before.header + len(rows) - 1
    for number, column in enumerate(before.columns):
        where = letter(column)
        yield f"{quoted(TITLE)}!{where}{first}:{where}{last}", [[row[number]] for row in rows]


def _row(conflict: Conflict, tables: Mapping[str, Table], made: Mapping[Spot, Resolution]) -> list[Cell]:
    table = tables[conflict.table]
    each = table.by_name.get(conflict.field)
    chosen = made.get((conflict.table, conflict.key, conflict.field))
    kept = chosen.choice if chosen and chosen.about(conflict.sheet, conflict.shop) else ""
    base = clipped(conflict.base) if conflict.base_known else "(not known)"
    return [
        table.title,
        conflict.key,
        conflict.label,
        each.header if each else conflict.field,
        base,
        clipped(conflict.sheet),
        clipped(conflict.shop),
        kept,
    ]


def _ensure_tab(sheets: Spreadsheets, info: SpreadsheetInfo, rows: int, columns: int) -> None:
    """Add the tab, or rows and columns to it, as far as needed: a blank one of any size is taken as ours."""
    tab = info.tabs.get(TITLE)
    if tab is None:
        try:
            sheets.batch_update(info.id, _new_tab(_free_id(info), max(rows, 100)), safety="repeatable")
        except Refused as error:
            if "already exists" not in error.message:
                raise
    elif short := _short(tab, rows, columns):  # nothing else of its size: people may add to it just now
        wider = {"sheetId": tab.sheet_id, "gridProperties": short}
        fields = ",".join(f"gridProperties.{name}" for name in short)
        request = {"updateSheetProperties": {"properties": wider, "fields": fields}}
        sheets.batch_update(info.id, [request], safety="repeatable")


def _short(tab: Tab, rows: int, columns: int) -> dict[str, int]:
    """The sizes of the tab that are too small, as they have to be."""
    wanted = {"rowCount": (tab.row_count, rows), "columnCount": (tab.column_count, columns)}
    return {name: needed for name, (there, needed) in wanted.items() if there < needed}


def _free_id(info: SpreadsheetInfo) -> int:
    """Ours, unless the tab that has it was renamed."""
    taken = {tab.sheet_id for tab in info.tabs.values()}
    return next(number for number in count(SHEET_ID) if number not in taken)


def _new_tab(sheet_id: int, rows: int) -> list[dict[str, object]]:
    whole = {"sheetId": sheet_id, "startRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": len(HEADER)}
    choose = whole | {"startColumnIndex": len(HEADER) - 1}
    grid = {"rowCount": rows, "columnCount": len(HEADER), "frozenRowCount": 1}
    text = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    bold = {"userEnteredFormat": {"textFormat": {"bold": True}}}
    condition = {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": choice} for choice in CHOICES]}
    return [
        {"addSheet": {"properties": {"sheetId": sheet_id, "title": TITLE, "gridProperties": grid}}},
        {"repeatCell": {"range": whole, "cell": text, "fields": "userEnteredFormat.numberFormat"}},
        {
            "repeatCell": {
                "range": {"sheetId": sheet_id, "startRowIndex": 0, "endRowIndex": 1},
                "cell": bold,
                "fields": "userEnteredFormat.textFormat.bold",
            }
        },
        {"setDataValidation": {"range": choose, "rule": {"condition": condition, "showCustomUi": True}}},
    ]

"""What else must hold before anything is sent (EX-2): scopes of the token, room for points, access to the sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.changes.plan import Change, Estimate
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.tabs import Layout
    from sheets_catalog.google.a1 import Area
    from sheets_catalog.google.sheets import Protection, SpreadsheetInfo


def readiness(
    systems: Systems,
    info: SpreadsheetInfo,
    changes: Iterable[Change],
    estimate: Estimate,
    layouts: Mapping[str, Layout],
) -> Iterable[Finding]:
    """What else must hold before anything is sent (EX-2): scopes of the token, room in the shop's bucket of points.

    `layouts`: of the tabs that were read, by table: what is written back into them must not be protected.
    """
    changes = list(changes)
    needed = {"write_inventory" if change.table == "inventory" else "write_products" for change in changes}
    for scope in sorted(needed - systems.catalogue.info.scopes):
        yield Finding(
            "error",
            "missing_scope",
            systems.shop_name,
            0,
            "",
            ", ".join(sorted(systems.catalogue.info.scopes)),
            f"The shop's token lacks the access scope {scope}.",
            f"Give the app {scope} in the shop's settings, then plan again.",
        )
    told = systems.shop.throttle
    if told and estimate.cost_points > told.maximum:
        yield Finding(
            "note",
            "quota",
            systems.shop_name,
            0,
            "",
            f"{estimate.cost_points:g}",
            f"This needs about {estimate.cost_points:g} cost points; the shop gives {told.rate:g} a second.",
            "Nothing to do: sending is paced and waits where it must.",
        )
    into_sheet = any(change.action == "create" or change.on("sheet") for change in changes)
    if into_sheet and not systems.drive.get(info.id).may("canEdit"):
        yield Finding(
            "error",
            "sheet_access",
            info.title,
            0,
            "",
            "",
            "Ids of new records have to be written into the sheet, but this account may not edit it.",
            "Give the account edit access to the spreadsheet, then plan again.",
        )
    for name, layout in layouts.items():
        mine = [change for change in changes if change.table == name]
        yield from _protected(layout, mine, info.tabs[layout.table.title].protections)


def _protected(layout: Layout, changes: Iterable[Change], protections: Sequence[Protection]) -> Iterator[Finding]:
    """A finding for each column with cells that are to be written, and that this account may not edit.

    What is made would stand in the shop, and its row without its id.
    """
    locked = [each for each in protections if not (each.editable or each.warning_only)]
    rows: dict[str, list[int]] = {}
    for change in changes if locked else ():
        for name in _written(layout, change):
            if any(_covers(each, change.row, layout.columns[name] + 1) for each in locked):
                rows.setdefault(name, []).append(change.row)
    for name, found in rows.items():
        header = layout.table.by_name[name].header
        numbers = ", ".join(map(str, found[:_NAMED])) + (" …" if len(found) > _NAMED else "")
        yield Finding(
            "error",
            "sheet_access",
            layout.table.title,
            0,
            header,
            "",
            f"“{header}” has to be written into rows that are protected from this account ({numbers}).",
            "Let this account edit these cells, or remove the protection, then plan again.",
        )


_NAMED = 10
"""Rows that a finding names at most."""


def _written(layout: Layout, change: Change) -> Iterable[str]:
    """Fields of a change's row that are surely written in the sheet."""
    names = layout.table.key if change.action == "create" else [each.field for each in change.on("sheet")]
    return [name for name in names if name in layout.columns]


def _covers(protection: Protection, row: int, column: int) -> bool:
    free = any(_within(area, row, column) for area in protection.unprotected)
    return not free and _within(protection.area, row, column)


def _within(area: Area, row: int, column: int) -> bool:
    """Whether a cell, counted from 1, lies in an area; what is open has no end."""
    down = (area.row or 1) <= row <= (area.row2 or row)
    return down and (area.column or 1) <= column <= (area.column2 or column)

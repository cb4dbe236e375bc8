"""What else must hold before anything is sent (EX-2): scopes of the token, room for points, access to the sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sheets_catalog.changes.plan import Change, Estimate
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.google.sheets import SpreadsheetInfo


def readiness(
    systems: Systems, info: SpreadsheetInfo, changes: Iterable[Change], estimate: Estimate
) -> Iterable[Finding]:
    """What else must hold before anything is sent (EX-2): scopes of the token, room in the shop's bucket of points."""
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

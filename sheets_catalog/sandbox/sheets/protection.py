"""Who may edit what: protected ranges, as they bind each caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.sandbox.sheets.ranges import Area, area_of
from sheets_catalog.sandbox.sheets.refusals import PROTECTED, Refused

if TYPE_CHECKING:
    from sheets_catalog.sandbox.sheets.document import Object, Sheet


def may_edit(protection: Object, email: str, role: str) -> bool:
    """Whether a user may edit a protected range: its editors, the file's owner, everybody where it only warns."""
    editors = protection.get("editors", {})
    domain = email.partition("@")[2]
    return (
        bool(protection.get("warningOnly"))
        or role == "owner"
        or email in editors.get("users", ())
        or (bool(editors.get("domainUsersCanEdit")) and domain == protection.get("domain", domain))
    )


def check(sheet: Sheet, area: Area, email: str, role: str) -> None:
    """Refuse an edit of this (clipped) area when part of it is protected from the user.

    Raises:
        Refused: in Google's words.
    """
    if role == "owner" or not sheet.protected_ranges:
        return
    for protection in sheet.protected_ranges:
        if not may_edit(protection, email, role) and _binds(protection, sheet, area):
            raise Refused(PROTECTED)


def check_sheet(sheet: Sheet, email: str, role: str) -> None:
    """Refuse a change of the sheet as a whole when the user may not edit one of its protected ranges."""
    if any(not may_edit(protection, email, role) for protection in sheet.protected_ranges):
        raise Refused(PROTECTED)


def _binds(protection: Object, sheet: Sheet, area: Area) -> bool:
    place = area_of({"sheetId": sheet.id, **protection.get("range", {})})
    if not place.overlaps(area):
        return False
    return not any(
        area_of({"sheetId": sheet.id, **free}).contains(area) for free in protection.get("unprotectedRanges", ())
    )

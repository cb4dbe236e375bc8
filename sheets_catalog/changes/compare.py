"""The three-way comparison: pure, total, without I/O.

For one field there are three sides: what stands in the sheet, what both sides last agreed on (the baseline), and what
the shop has. Any of them may be unknown. `decide` names the case; nothing here guesses.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from sheets_catalog.changes.fingerprints import fingerprint

if TYPE_CHECKING:
    from sheets_catalog.records import Value


class Unknown:
    """A side of which nothing is known: no column, no baseline, not fetched."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

Winner = Literal["sheet", "shop"]
Policy = Literal["sheet", "shop", "newest", "ask"]


class Verdict(StrEnum):
    """What one field asks for."""

    SAME = "same"  # the sheet says what both sides agreed on, and nothing else is known
    AGREED = "agreed"  # both sides say the same
    SEND = "send"  # only the sheet changed
    FETCH = "fetch"  # only the shop changed
    CONFLICT = "conflict"  # both changed, differently; or they differ and no baseline tells who
    LEAVE = "leave"  # no column, or a blank that never was anything: says nothing
    ASK_SHOP = "ask_shop"  # cannot be told without the shop's value


def decide(sheet: Value | Unknown, base: str | Unknown, shop: Value | Unknown) -> Verdict:
    """Name the case of one field. `base` is a fingerprint; the other two are values.

    Absent (no column), blank (empty, and was empty or never known) and cleared (empty, but the baseline had a value)
    are three different things: only the last one changes anything.
    """
    if isinstance(sheet, Unknown):
        return Verdict.LEAVE
    if isinstance(shop, Unknown):
        return Verdict.SAME if fingerprint(sheet) == base else Verdict.ASK_SHOP
    if sheet == shop:
        return Verdict.AGREED
    if isinstance(base, Unknown):
        return Verdict.LEAVE if sheet is None else Verdict.CONFLICT
    return _differing(fingerprint(sheet), base, fingerprint(shop))


def _differing(sheet: str, base: str, shop: str) -> Verdict:
    if sheet == base:
        return Verdict.FETCH
    return Verdict.SEND if shop == base else Verdict.CONFLICT


def winner(policy: Policy, *, sheet_edited_at: str, shop_updated_at: str) -> Winner | None:
    """Who wins a conflict under a policy (BK-5); None: a person has to say.

    Times are ISO 8601 in UTC. Under ``newest`` a tie or a missing time is left to a person.
    """
    if policy == "newest":
        if not sheet_edited_at or not shop_updated_at or sheet_edited_at == shop_updated_at:
            return None
        return "sheet" if sheet_edited_at > shop_updated_at else "shop"
    return None if policy == "ask" else policy

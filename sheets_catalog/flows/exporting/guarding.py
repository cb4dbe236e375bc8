"""What must hold before a plan may be applied: nothing that blocks it, and a person's yes to a mass change. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sheets_catalog.flows.exporting.removing import WITH_VARIANTS
from sheets_catalog.records import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.changes.plan import Change, Plan
    from sheets_catalog.flows.exporting.planning import ExportOptions

BLOCKING = frozenset({"missing_scope", "sheet_access"})
"""Rules of findings with which a plan cannot be applied at all."""

_SMALL = 20
"""Changes up to this number are never a mass change."""

_AGREED = ". Go on (--confirm-mass-change)?"
"""Ends the question. It names the option, since ``--yes`` does not answer it."""

_ALL = ""
"""Instead of a table: all of them together."""


def guard(plan: Plan, options: ExportOptions) -> str | None:
    """The question to ask before this plan may be applied, or None: the mass-change guard.

    Shares are of the records of each table, since half of the products are a small part of all rows; for changes also
    of all together. A single removed record never asks, whatever goes with it.
    """
    every = plan.books.planned
    totals = {_ALL: every, **{name: plan.totals.get(name, 0) if plan.totals else every for name in TABLES}}
    removals = [change for change in plan.changes if change.action == "delete" or _archives(change)]
    removed = _removed(removals)
    for name in removed if len(removals) > 1 else ():
        if removed[name] > options.delete_share * totals[name]:
            return f"This would delete or archive {_part(removed, totals, name)}{_AGREED}"
    changed = Counter(change.table for change in plan.changes)
    changed[_ALL] = len(plan.changes)
    for name, number in changed.items():
        if number > _SMALL and number > options.change_share * totals[name]:
            return f"This would change {_part(changed, totals, name)}{_AGREED}"
    return None


def _removed(removals: list[Change]) -> Counter[str]:
    """Records by table that would be gone, variants that go with their product among them."""
    removed = Counter(change.table for change in removals)
    within = sum(int(change.context.get(WITH_VARIANTS, 0)) for change in removals)
    return removed + Counter(variants=within)


def _part(numbers: Mapping[str, int], totals: Mapping[str, int], name: str) -> str:
    noun = f"{TABLES[name].noun}s" if name else "records"
    number, total = numbers[name], max(totals[name], numbers[name])
    return f"{number} of {total} {noun} ({number / total:.0%})"


def _archives(change: Change) -> bool:
    return any(each.field == "status" and each.after == "ARCHIVED" for each in change.on("shop"))

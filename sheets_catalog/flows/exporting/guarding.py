"""What must hold before a plan may be applied: nothing that blocks it, and a person's yes to a mass change. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sheets_catalog.changes.plan import Change, Plan
    from sheets_catalog.flows.exporting.planning import ExportOptions

BLOCKING = frozenset({"missing_scope", "sheet_access"})
"""Rules of findings with which a plan cannot be applied at all."""


def guard(plan: Plan, options: ExportOptions) -> str | None:
    """The question to ask before this plan may be applied, or None: the mass-change guard."""
    total = max(plan.books.planned, 1)
    removed = sum(change.action == "delete" or _archives(change) for change in plan.changes)
    if removed > 1 and removed / total > options.delete_share:
        return f"This would delete or archive {removed} of {total} records ({removed / total:.0%}). Go on?"
    changed = len(plan.changes)
    if changed > _SMALL and changed / total > options.change_share:
        return f"This would change {changed} of {total} records ({changed / total:.0%}). Go on?"
    return None


_SMALL = 20
"""Changes up to this number are never a mass change."""


def _archives(change: Change) -> bool:
    return any(each.field == "status" and each.after == "ARCHIVED" for each in change.on("shop"))

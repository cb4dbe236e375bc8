"""What applying a plan will take, before anything is sent (LEAP-1). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sheets_catalog.changes.plan import Change
    from sheets_catalog.shopify.throttle import Throttle

CALL_SECONDS = 1.2
"""Middle of what one Admin API call takes (0.8-1.7 s, the reference catalogue's assumption)."""

CHANGES_A_WRITE = 80
READ_POINTS = 40.0
STANDARD_RATE = 100.0
"""Cost points restored per second on the standard plan (Shopify's rate-limit page)."""

_BASE = 10.0
_EACH = 0.2
"""Points of one mutation, and of each variant in it (Shopify's changelog on dynamic complexity)."""


def estimate(changes: Sequence[Change], throttle: Throttle | None) -> Estimate:
    """Calls, cost points and seconds of applying `changes`, at the shop's own restore rate when it is known."""
    if not changes:
        return Estimate(basis="nothing to send")
    on_shop = [change for change in changes if change.on("shop") or change.action != "update"]
    on_sheet = [change for change in changes if change.action == "create" or change.on("sheet")]
    mutations = _mutations(on_shop)
    writes = -(-len(on_shop) // CHANGES_A_WRITE) if on_shop else 0
    creates = sum(change.action == "create" and change.table == "products" for change in on_shop)
    reads = writes + creates
    points = mutations * _BASE + len(on_shop) * _EACH + reads * READ_POINTS
    google = 4 + 2 * max(writes, 1) + 5 * bool(on_sheet)
    rate = throttle.rate if throttle else STANDARD_RATE
    spare = throttle.available if throttle else 0.0
    seconds = max((writes + reads + google) * CALL_SECONDS, max(0.0, points - spare) / rate)
    basis = f"{CALL_SECONDS} s a call, {rate:g} cost points a second"
    return Estimate(writes, reads, google, round(points, 1), round(seconds, 1), basis)


def _mutations(changes: Iterable[Change]) -> int:
    """One mutation per product and kind; stock goes 250 levels at a time."""
    kinds: set[tuple[str, str, str]] = set()
    levels = 0
    for change in changes:
        if change.table == "inventory":
            levels += 1
        else:
            kinds.add((change.group, change.table, change.action))
    return len(kinds) + -(-levels // 250)

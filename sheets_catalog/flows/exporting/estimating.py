"""What applying a plan will take, before anything is sent (LEAP-1). Pure.

It goes through the plan as the runner would: the same batches, and for each the calls that `work`, `looking` and the
checkpoints make. The constants say how many calls a step takes; `tests/flows/test_estimates.py` counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Estimate
from sheets_catalog.flows.exporting.batching import batches, sizing
from sheets_catalog.flows.exporting.creating import NEW
from sheets_catalog.flows.exporting.looking import is_looked_up, may_be_stored_otherwise
from sheets_catalog.flows.exporting.sending import PARALLEL, cleared_apart
from sheets_catalog.flows.exporting.standing import depends_on_row
from sheets_catalog.jobs.lease import RENEW_AFTER
from sheets_catalog.shopify.throttle import MUTATION_COST, STANDARD_RATE, cost_of_nodes, nodes_per_call
from sheets_catalog.shopify.writes import LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.changes.plan import Change
    from sheets_catalog.jobs.batches import Sizing
    from sheets_catalog.shopify.throttle import Throttle

CALL_SECONDS = 1.25
"""Middle of what one call takes at Google or Shopify (0.8-1.7 s, the reference catalogue's assumption)."""

OPENING = 7
"""Google calls before the first batch: the job's state and plan, the spreadsheet and its control file, the lease, the
state again under the lease, and the first intent."""

CHECKPOINT = 1
"""After each batch: what is behind and what comes next, in one write."""

ENDING = 4
"""The baseline read and written, the last state, the lease given back."""

CONFLICTS = 3
"""The tab of conflicts, where it is needed: the spreadsheet, its rows (or the tab made), the new rows."""

RENEWAL = 2
"""The lease read and written again."""

OPEN_SHEET, OPEN_TAB = 1, 1
"""A batch that writes to the sheet looks at the spreadsheet once, and at the header of each tab it writes to; one that
makes or removes records does the same with their tabs before it sends anything."""

NAMES, FORMULAS = 1, 1
"""What the rows of such a tab are called; where there are new ones, whether formulas stand where their ids will."""

KEYED_WRITE = 5
"""Rows written by key: values and formulas looked at, written, looked at again."""

SHOP_SETTINGS = 1
LOCATIONS = 1
"""Asked for once a run; the locations where stock is read."""

TREE_POINTS = 80.0
"""A product with its variants and their stock, as it is looked at before it is made or deleted, or a variant made."""

VARIANT_POINTS = 0.2
"""Points of each variant in a mutation (Shopify's changelog on dynamic complexity)."""


@dataclass(frozen=True, slots=True)
class Look:
    """What looking up records of a table takes: how many `ids` fit into a call, and the `points` of each."""

    ids: int
    points: float


@dataclass(slots=True)
class _Toll:
    """What has been counted. `steps`: calls after one another; those that go out together are one."""

    writes: int = 0
    reads: int = 0
    google: int = 0
    points: float = 0.0
    steps: int = 0

    def at_google(self, calls: int) -> None:
        self.google += calls
        self.steps += calls

    def read_shop(self, calls: int, points: float) -> None:
        """Look-ups by id go out `PARALLEL` at a time."""
        self.reads += calls
        self.points += points
        self.steps += -(-calls // PARALLEL)


def estimate(
    changes: Sequence[Change],
    throttle: Throttle | None = None,
    *,
    conflicts_tab: bool = False,
    batch_size: int | None = None,
    looks: Mapping[str, Look] | None = None,
) -> Estimate:
    """Calls, cost points and seconds of applying `changes`, at the shop's own restore rate when it is known.

    `conflicts_tab`: whether the tab of conflicts is there or will be. `batch_size`: most records in a batch.
    `looks`: by table, what looking records up takes, where planning has found out.
    """
    if not changes and not conflicts_tab:
        return Estimate(basis="nothing to send")
    toll = _Toll()
    toll.at_google(OPENING + ENDING + CONFLICTS * conflicts_tab)
    _shop_once(changes, toll)
    _all_batches(changes, sizing(batch_size), looks or {}, toll)
    rate = throttle.rate if throttle else STANDARD_RATE
    spare = throttle.available if throttle else 0.0
    seconds = max(toll.steps * CALL_SECONDS, max(0.0, toll.points - spare) / rate)
    toll.google += RENEWAL * int(seconds // RENEW_AFTER)
    basis = f"{CALL_SECONDS} s a call, {rate:g} cost points a second"
    return Estimate(toll.writes, toll.reads, toll.google, round(toll.points, 1), round(seconds, 1), basis)


def _shop_once(changes: Sequence[Change], toll: _Toll) -> None:
    stock = any(change.table == "inventory" or change.action == "create" for change in changes)
    for _ in range(SHOP_SETTINGS * bool(changes) + LOCATIONS * stock):
        toll.read_shop(1, 2 * MUTATION_COST)


def _all_batches(changes: Sequence[Change], sizes: Sizing, looks: Mapping[str, Look], toll: _Toll) -> None:
    told: set[str] = set()
    for numbers in batches(changes, sizes):
        batch = [changes[number] for number in numbers]
        for table in dict.fromkeys(change.table for change in batch):
            keys = [each.key for each in batch if is_looked_up(each, table)]
            first = Look(nodes_per_call(table), cost_of_nodes(table, 1))
            look = looks.get(table, first)
            ids = look.ids if table in told else min(look.ids, first.ids)  # a process learns it with its first look
            toll.read_shop(-(-len(keys) // ids), look.points * len(keys))
            told.add(table)
        _look_for_trees(batch, toll)
        _look_for_rows(batch, toll)
        _send(batch, toll)
        _write_back(batch, toll)
        toll.at_google(CHECKPOINT)


def _look_for_trees(batch: Sequence[Change], toll: _Toll) -> None:
    for _ in {change.group for change in batch if change.action == "create"}:
        toll.read_shop(1, TREE_POINTS)
    if any(may_be_stored_otherwise(change) for change in batch):
        toll.read_shop(1, TREE_POINTS)
    deleted = sum((change.action, change.table) == ("delete", "products") for change in batch)
    toll.read_shop(deleted, TREE_POINTS * deleted)


def _look_for_rows(batch: Sequence[Change], toll: _Toll) -> None:
    tabs = {change.table for change in batch if depends_on_row(change)}
    new = {change.table for change in batch if change.action == "create"}
    toll.at_google(OPEN_SHEET * bool(tabs) + (OPEN_TAB + NAMES) * len(tabs) + FORMULAS * len(new))


def _send(batch: Sequence[Change], toll: _Toll) -> None:
    """One operation per product and kind, or per new product; stock all together; several of them in a request.

    Metafields are cleared in a second step, where the rest of their record was done.
    """
    on_shop = [change for change in batch if change.on("shop") or change.action != "update"]
    operations = {
        (change.group, "" if change.group.startswith(NEW) else f"{change.table} {change.action}") for change in on_shop
    }
    following = {(change.group, change.table) for change in on_shop if cleared_apart(change.on("shop"))}
    toll.points += len(on_shop) * VARIANT_POINTS
    for step in (operations, following):
        requests = -(-len(step) // LIMITS.operations)
        toll.writes += requests
        toll.points += len(step) * MUTATION_COST
        toll.steps += -(-requests // PARALLEL)


def _write_back(batch: Sequence[Change], toll: _Toll) -> None:
    """New ids, and values that the shop won."""
    written = {(each.table, each.action == "create") for each in batch if each.action == "create" or each.on("sheet")}
    if written:
        toll.at_google(OPEN_SHEET + OPEN_TAB * len({table for table, _ in written}) + KEYED_WRITE * len(written))

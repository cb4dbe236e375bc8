"""What became of rows since the plan was made: new ones that are not what they were, gone ones that came back. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.flows.exporting.creating import NEW
from sheets_catalog.flows.exporting.removing import is_for_missing_row
from sheets_catalog.flows.exporting.sending import Sent
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.changes.plan import Change
    from sheets_catalog.flows.exporting.sending import Ready
    from sheets_catalog.flows.tabs import Layout, Row

BACK = "Its row is in the sheet again."
CHANGED = "Its row was changed, copied or removed since the plan was made: plan again."
PRODUCT_CHANGED = "The row of its product was changed, copied or removed since the plan was made: plan again."
FORMULA = "The cell of its id holds a formula, so that its id could not be written: clear that cell, then plan again."
VARIANT_CHANGED = (
    "The row of a variant of this product was changed, copied or removed since the plan was made: plan again."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The rows of one tab now: their keys, and how many rows without key have each natural key.

    `formulas`: natural keys of rows without key because a formula in its cell says nothing.
    """

    keys: frozenset[str]
    names: Mapping[tuple[str, ...], int]
    formulas: frozenset[tuple[str, ...]] = frozenset()

    @classmethod
    def of(cls, layout: Layout, rows: Iterable[Row], formulas: Container[int] = ()) -> Standing:
        """What these rows say; `formulas` are the numbers of those with a formula in a cell of their key.

        Without the column of the ids no new row stands as it did: none could get its id.
        """
        keys: set[str] = set()
        names: Counter[tuple[str, ...]] = Counter()
        barred: set[tuple[str, ...]] = set()
        for row in rows:
            if row.key:
                keys.add(row.key)
            elif layout.usable:
                name = row.natural_key(layout.table)
                names[name] += 1
                barred |= {name} if row.number in formulas else set()
        return cls(frozenset(keys), names, frozenset(barred))


def depends_on_row(change: Change) -> bool:
    """Whether the change may be sent only while its row stands in the sheet as planned, or has not come back."""
    return change.action == "create" or is_for_missing_row(change)


def rows_changed(ready: Sequence[Ready], tabs: Mapping[str, Standing]) -> dict[int, Sent]:
    """Of what is ready to be sent, what must not be: each as an outcome that says why.

    `tabs`: by table, for every table with a change that depends on its row. A new product and the variants that are
    sent with it are made together or not at all: with a variant missing, the shop would put one of its own in its
    place, priced at nothing. A record whose row cannot be found again would be made anew by every later plan.
    """
    refused = dict(_refused(ready, tabs))
    products = {one.change.group: one for one in ready if _is_new_product(one)}
    broken = {one.change.group for one in ready if one.item in refused} & products.keys()
    found = dict(refused)
    for one in ready:
        group = one.change.group
        if group in broken and one.item not in refused:
            gone = products[group].item in refused
            found[one.item] = _conflicted(one, PRODUCT_CHANGED if gone else VARIANT_CHANGED)
    return found


def _is_new_product(one: Ready) -> bool:
    return one.change.table == "products" and one.change.group.startswith(NEW)


def _refused(ready: Iterable[Ready], tabs: Mapping[str, Standing]) -> Iterator[tuple[int, Sent]]:
    for one in ready:
        change = one.change
        if is_for_missing_row(change) and change.key in tabs[change.table].keys:
            yield one.item, _conflicted(one, BACK)
        elif change.action == "create" and tabs[change.table].names.get(change.natural_key) != 1:
            yield one.item, _conflicted(one, CHANGED)
        elif change.action == "create" and change.natural_key in tabs[change.table].formulas:
            yield one.item, _conflicted(one, FORMULA)


def _conflicted(one: Ready, reason: str) -> Sent:
    return Sent(Outcome(one.item, Result.CONFLICTED, reason))

"""What the shop had of a record right after a job made it: what was sent, and Shopify's own values for the rest. Pure.

Nobody's work may go with a record that is removed again. So all of its fields count, not only those that were sent; one
of which it is not known how it was made counts as changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.flows.exporting.creating import OPTIONS, handle_from
from sheets_catalog.shopify.inputs import DEFAULT_OPTION, DEFAULT_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sheets_catalog.database import RecordEntry
    from sheets_catalog.records import Record, Value

_GIVEN = frozenset({"id", "product_id", "product_handle"})
"""What the shop gives a record, and nobody edits: ids, and a variant's view of its product."""

_TRIMMED = frozenset({*OPTIONS, *(f"{option}_name" for option in OPTIONS)})
"""What the shop stores without the spaces at its ends."""

_VARIANT: Mapping[str, Sequence[Value]] = {
    "price": ("0.00", "0", "0.000"),
    "weight": (None, "0"),
    "weight_unit": (None, "GRAMS", "KILOGRAMS", "OUNCES", "POUNDS"),
    "taxable": ("true",),
    "requires_shipping": ("true",),
    "inventory_policy": ("DENY",),
}
"""What Shopify gives a variant by itself (schema 2026-10, `ProductVariant` and `InventoryItem`); the unit is the
shop's, and says nothing while there is no weight. A price of nothing has the decimals of the shop's money."""


def sent(entry: RecordEntry) -> dict[str, Value]:
    """What the job sent, by field."""
    return {each.field: each.after for each in entry.changes}


def handle_of(entry: RecordEntry) -> str:
    """The handle of the product an entry made, or of the product under which it made a variant; empty if not told."""
    if entry.table == "products":
        told = sent(entry)
        return told.get("handle") or handle_from(told.get("title") or "")
    kind, _, rest = entry.record_key.partition("/")
    return rest.partition("/")[0] if kind == "product_handle" else ""


def product_as_made(entry: RecordEntry, shop_name: str) -> Mapping[str, Sequence[Value]]:
    """By field what a made product may have where nothing was sent; what is not named was blank."""
    return {
        "handle": (handle_of(entry),),
        "vendor": (shop_name,),
        "status": ("ACTIVE",),
        "option1_name": (DEFAULT_OPTION,),
    }


def variant_as_made(entry: RecordEntry | None) -> Mapping[str, Sequence[Value]]:
    """The same of a made variant. `entry` None: the one that Shopify gave a product made without variants.

    Shopify keeps stock of variants that are sent, and not of the one it makes by itself.
    """
    tracked = ("false",) if entry is None else ("true",)
    return {**_VARIANT, "option1": (DEFAULT_VALUE,), "tracked": tracked}


def edited_since(
    entry: RecordEntry | None, record: Record, otherwise: Mapping[str, Sequence[Value]]
) -> tuple[str, ...]:
    """Fields that are not as the record was made, or of which it is not known how that was.

    `otherwise`: what a field may have that was not sent.
    """
    told = sent(entry) if entry else {}
    vague = {each.field for each in entry.changes if not each.intact} if entry else set()
    return tuple(
        name
        for name in dict.fromkeys([*told, *record.values])
        if name in vague or not _as_made(name, told, record.values, otherwise)
    )


def _as_made(
    name: str, told: Mapping[str, Value], now: Mapping[str, Value], otherwise: Mapping[str, Sequence[Value]]
) -> bool:
    if name in told:
        stored = told[name] if name not in _TRIMMED else (told[name] or "").strip()
        return name in now and now[name] in (told[name], stored)
    return name in _GIVEN or now[name] in otherwise.get(name, (None,))

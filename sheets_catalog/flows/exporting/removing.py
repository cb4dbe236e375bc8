"""Records whose row is gone from the sheet: archived, or deleted from the shop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Change, FieldChange, Finding
from sheets_catalog.flows.exporting.looking import VARIANTS_MARK, trees_of, variants_mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.exporting.sifting import Sifted
    from sheets_catalog.records import Record, Table
    from sheets_catalog.shopify import Tree


def still_there(sifted: Sifted, record: Record) -> Finding | None:
    """A finding when a row without id, or with another one, seems to be this record: then it is not gone."""
    table = sifted.layout.table
    row = next((sifted.strangers[name] for name in table.natural_keys_of(record.values) if name in sifted.strangers), 0)
    if not row:
        return None
    header = table.by_name[table.key[0]].header
    return Finding(
        "warning",
        "missing_id",
        table.title,
        row,
        header,
        "",
        f"This row looks like {table.noun} {record.key} without its id; nothing is removed from the shop for it.",
        f"Type {record.key} into “{header}”, or delete the row.",
    )


def product_deletions(systems: Systems, tables: Mapping[str, Table], products: Sequence[Record]) -> Iterator[Change]:
    """Products are deleted with the variants that they have now, and with no other ones.

    `tables`: with the metafields that applying will know. A product that has gone meanwhile is left out.
    """
    trees = trees_of(systems, tables, [record.key for record in products])
    for record in products:
        tree = trees[record.key]
        if tree is not None:
            yield deletion("products", record, deletion_context(tree))


def deletion_context(tree: Tree) -> dict[str, str]:
    """What the deletion of a product has to know of its variants: which ones they are, and how many."""
    return {VARIANTS_MARK: variants_mark(tree), WITH_VARIANTS: str(len(tree.variants))}


WITH_VARIANTS = "with_variants"
"""In the context of a product's deletion: how many variants go with it."""


ROW_GONE = {"row": "gone"}
"""In the context of a change: it is made because the record's row is gone, and only if it has not come back."""


def is_for_missing_row(change: Change) -> bool:
    """Whether the change may be sent only while the record has no row in the sheet."""
    return ROW_GONE.items() <= change.context.items()


def archiving(record: Record) -> Change:
    """A product is set to ARCHIVED, if its status is still what it is now."""
    status = FieldChange("status", before=record.values.get("status"), after="ARCHIVED")
    return Change("update", "products", record.key, record.key, _called(record), 0, (status,), context=ROW_GONE)


def deletion(name: str, record: Record, context: Mapping[str, str] | None = None) -> Change:
    """A record of the table `name` is deleted, if it still is as it is now; a product has the mark in its context."""
    product = record.values.get("product_id") or record.key
    shown = tuple(FieldChange(each, before=value, after=None) for each, value in record.values.items() if value)
    told = {"product_id": product, **ROW_GONE, **(context or {})}
    return Change("delete", name, record.key, product, _called(record), 0, shown, context=told)


def _called(record: Record) -> str:
    return record.values.get("title") or record.values.get("sku") or record.key

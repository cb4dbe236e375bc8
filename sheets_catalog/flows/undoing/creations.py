"""What a job made: left where it is and named, or taken out of the shop again when that is asked for.

A made record is known by the job's marker in the shop, never by its name alone. Nothing is removed that anybody has
touched since: what is removed must still be as the job made it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sheets_catalog.changes.compare import UNKNOWN
from sheets_catalog.changes.plan import Change, FieldChange
from sheets_catalog.flows.exporting.comparing import group_of, label_of
from sheets_catalog.flows.exporting.creating import NEW, options_of
from sheets_catalog.flows.exporting.looking import metafields_wanted
from sheets_catalog.flows.exporting.removing import deletion_context
from sheets_catalog.flows.exporting.sending import marker
from sheets_catalog.flows.undoing.as_made import edited_since, handle_of, product_as_made, sent, variant_as_made
from sheets_catalog.flows.undoing.comparing import left, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sheets_catalog.database import RecordEntry
    from sheets_catalog.flows.connection import Systems
    from sheets_catalog.flows.undoing.comparing import Place, Undoing
    from sheets_catalog.records import Record, Table
    from sheets_catalog.shopify import Tree

ARCHIVED = "ARCHIVED"


@dataclass(frozen=True, slots=True)
class Made:
    """One record a job made, as the shop has it now.

    `edited`: fields that are not as it was made. Of a product, `others`: what is wrong with its variants, and
    `context`: what its deletion has to know of those it has; `within`: the made ones, by key, as if made alone.
    """

    entry: RecordEntry
    record: Record
    product_id: str
    edited: tuple[str, ...]
    others: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    within: Mapping[str, Made] = field(default_factory=dict)


@dataclass(slots=True)
class Creations:
    """What a job made, found in the shop. `made` by table and key; `missing`: entries, and why they are not found.

    `within`: variants that were made together with their product and share its fate.
    """

    made: dict[str, dict[str, Made]] = field(default_factory=dict)
    missing: list[tuple[RecordEntry, str]] = field(default_factory=list)
    within: list[RecordEntry] = field(default_factory=list)


def find(systems: Systems, job_id: str, entries: Sequence[RecordEntry], tables: Mapping[str, Table]) -> Creations:
    """Look up what the job made. `tables`: with the metafields that their tabs have."""
    found = Creations()
    shop = _Shop(systems, tables)
    products = {handle_of(entry): entry for entry in entries if entry.table == "products"}
    variants: dict[str, list[RecordEntry]] = {}
    for entry in entries:
        if entry.table != "variants":
            continue
        if handle_of(entry) in products:
            found.within.append(entry)
            variants.setdefault(handle_of(entry), []).append(entry)
        else:
            _find_variant(shop, job_id, entry, found)
    for handle, entry in products.items():
        _find_product(shop, job_id, handle, (entry, variants.get(handle, [])), found)
    return found


@dataclass(slots=True)
class _Shop:
    """Products of the shop with their variants, each asked for once."""

    systems: Systems
    tables: Mapping[str, Table]
    seen: dict[tuple[str, str], Tree | None] = field(default_factory=dict)

    def tree(self, handle: str, product_id: str = "") -> Tree | None:
        """The product by its id, or else by its handle."""
        if (handle, product_id) not in self.seen:
            metafields = metafields_wanted(self.tables)
            read = self.systems.catalogue
            self.seen[handle, product_id] = (
                read.product_tree(product_id, **metafields)
                if product_id
                else read.product_by_handle(handle, **metafields)
            )
        return self.seen[handle, product_id]


def _find_product(
    shop: _Shop, job_id: str, handle: str, entries: tuple[RecordEntry, Sequence[RecordEntry]], found: Creations
) -> None:
    entry, variants = entries
    tree = shop.tree(handle)
    if tree is None or tree.operation != marker(job_id, NEW + handle):
        found.missing.append((entry, f"The shop has no product with the handle {quoted(handle)} that this job made."))
        return
    key = tree.product.key
    edited = edited_since(entry, tree.product, product_as_made(entry, shop.systems.catalogue.info.name))
    within = {each.record.key: each for each in _made_within(tree, variants)}
    made = Made(entry, tree.product, key, edited, _foreign(tree, variants), deletion_context(tree), within)
    found.made.setdefault("products", {})[key] = made


def _entry_of(tree: Tree, entries: Sequence[RecordEntry]) -> Callable[[Record], RecordEntry | None]:
    """Which entry made a variant of this product: the one of its options, or the only one of the only variant."""
    by_options = {options_of(sent(entry)): entry for entry in entries}
    only = entries[0] if len(entries) == 1 and len(tree.variants) == 1 else None
    return lambda record: by_options.get(options_of(record.values)) or only


def _made_within(tree: Tree, entries: Sequence[RecordEntry]) -> Iterator[Made]:
    """The variants that were made with the product."""
    entry_of = _entry_of(tree, entries)
    for variant in tree.variants:
        entry = entry_of(variant.record)
        if entry is not None:
            edited = edited_since(entry, variant.record, variant_as_made(entry))
            yield Made(entry, variant.record, tree.product.key, edited)


def _foreign(tree: Tree, entries: Sequence[RecordEntry]) -> str:
    """What of a made product's variants the job did not make, or not like this; empty when it made them all."""
    entry_of, alone = _entry_of(tree, entries), len(tree.variants) == 1
    for variant in tree.variants:
        entry = entry_of(variant.record)
        if entry is None and (entries or not alone):
            return "A variant was added to it since."
        edited = edited_since(entry, variant.record, variant_as_made(entry))
        if edited:
            return f"A variant of it was changed since ({', '.join(edited)})."
    return "A variant of it was removed since." if len(tree.variants) < len(entries) else ""


def _find_variant(shop: _Shop, job_id: str, entry: RecordEntry, found: Creations) -> None:
    kind, _, rest = entry.record_key.partition("/")
    product_id = rest.partition("/")[0] if kind == "product_id" else ""
    tree = shop.tree(handle_of(entry), product_id)
    product, wanted = tree.product.key if tree else "", options_of(sent(entry))
    for variant in tree.variants if tree else ():
        if options_of(variant.record.values) == wanted and variant.operation == marker(job_id, product):
            edited = edited_since(entry, variant.record, variant_as_made(entry))
            found.made.setdefault("variants", {})[variant.record.key] = Made(entry, variant.record, product, edited)
            return
    found.missing.append((entry, "The shop has no variant with these options that this job made."))


def archive(made: Made, place: Place, out: Undoing, _: str = "") -> None:
    """Plan that a made product is archived, in the shop and in its row. Nothing is lost, whatever was edited."""
    now, sheet = made.record.values.get("status"), place.in_sheet("status")
    if sheet not in (now, None, UNKNOWN):
        message = f"The shop has the status {quoted(now)}, its row {quoted(str(sheet))}."
        out.findings.append(left("changed_since", place.layout.table, made.entry, message, row=place.row))
        out.settle(conflicted=1)
        return
    edits = [] if now == ARCHIVED else [FieldChange("status", before=now, after=ARCHIVED)]
    if sheet is not UNKNOWN and sheet != ARCHIVED:
        edits.append(FieldChange("status", before=None if sheet is None else now, after=ARCHIVED, side="sheet"))
    if edits:
        out.changes.append(_change("update", made, place, tuple(edits)))
    else:
        out.settle(unchanged=1)


def edited_in_row(made: Made, place: Place) -> tuple[str, ...]:
    """Fields that somebody edited in a made record's row: they show neither what was sent nor what the shop has."""
    told = sent(made.entry)
    now = {each.name: place.in_sheet(each.name) for each in place.layout.owned}
    return tuple(
        name for name, value in now.items() if value not in (UNKNOWN, made.record.values.get(name), told.get(name))
    )


def delete(made: Made, place: Place, out: Undoing, work: str = "") -> None:
    """Plan that a made record is deleted in the shop, if it still is as the job made it. Its row is the person's.

    `work`: what somebody did to the rows of its variants; that counts like an edit of its own row.
    """
    changed = ", ".join(made.edited)
    in_row = ", ".join(edited_in_row(made, place))
    message = (
        made.others
        or (changed and f"It was changed since it was made ({changed}).")
        or (in_row and f"Its row was edited since it was made ({in_row}).")
        or work
    )
    if message:
        out.findings.append(left("changed_since", place.layout.table, made.entry, message, row=place.row))
        out.settle(conflicted=1)
        return
    shown = tuple(FieldChange(name, before=value, after=None) for name, value in made.record.values.items() if value)
    out.changes.append(_change("delete", made, place, shown))


def _change(action: Literal["update", "delete"], made: Made, place: Place, fields: tuple[FieldChange, ...]) -> Change:
    table, values = place.layout.table, made.record.values
    return Change(
        action=action,
        table=table.name,
        key=made.record.key,
        group=group_of(table, values, made.record.key),
        label=label_of(table, values),
        row=place.row.number if place.row else 0,
        fields=fields,
        context={"product_id": made.product_id, **made.context},
    )

"""The writes: what each sends, what it costs, and how its answer is read.

Every operation is a frozen value. `roots` gives the mutations it needs (more than one when metafields are cleared),
`read` turns their replies into one verdict per record (see `verdicts`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sheets_catalog.records import INVENTORY, PRODUCTS, VARIANTS, Record, Table, Value
from sheets_catalog.shopify import inputs, reading
from sheets_catalog.shopify.documents import Root
from sheets_catalog.shopify.reading import View, gid
from sheets_catalog.shopify.throttle import MUTATION_COST, connection_cost, metafields_cost
from sheets_catalog.shopify.verdicts import Reply, Sent, Verdict, judge, metafields_of, with_clearing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.shopify.reading import Tree, TreeVariant

MOST_ITEMS = 250
"""Elements of any array input (https://shopify.dev/docs/api/usage/limits)."""

MOST_NEW_VARIANTS = 2048
"""Variants of one `productSet`, and of a product.

https://shopify.dev/changelog/the-product-variant-limit-is-now-2048-for-all-merchants
"""


@dataclass(frozen=True, slots=True)
class Result:
    """The verdicts of one operation, in the order of its `keys`.

    `tree`: the product made by `CreateProduct`. `variants`: those made by `CreateVariants`.
    """

    operation: Operation
    verdicts: tuple[Verdict, ...]
    tree: Tree | None = None
    variants: tuple[TreeVariant, ...] = ()

    @property
    def applied(self) -> bool:
        """Whether all of it was done."""
        return all(verdict.outcome == "applied" for verdict in self.verdicts)


class Operation(Protocol):
    """One write.

    `repeatable`: whether sending it twice has no further effect. `keys`: what the verdicts are about, record keys or
    the caller's `ref` of new records. `tables`: whose metafields are read back. `levels`: most inventory levels of an
    item that are read back. `points`: estimated cost.
    """

    repeatable: ClassVar[bool]

    @property
    def keys(self) -> tuple[str, ...]: ...  # noqa: D102 - see above

    @property
    def tables(self) -> tuple[Table, ...]: ...  # noqa: D102

    @property
    def points(self) -> float: ...  # noqa: D102

    def roots(self) -> Mapping[str, Root]:
        """Its mutations by alias suffix, in the order they run. Raises `InputError` for values that cannot be sent."""

    def read(self, replies: Mapping[str, Reply], view: View) -> Result:
        """The verdicts; `replies` by alias suffix."""


@dataclass(frozen=True, slots=True)
class UpdateProduct:
    """Change the given fields of a product. `product_id`: digits. `changes`: canonical values, None to clear."""

    repeatable: ClassVar[bool] = False  # it would undo what a person changed in between
    product_id: str
    changes: Mapping[str, Value]
    table: Table = PRODUCTS

    @property
    def keys(self) -> tuple[str, ...]:
        """The product's id."""
        return (self.product_id,)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Products."""
        return (self.table,)

    @property
    def points(self) -> float:
        """Estimated cost: options and metafields are selected, and each metafield sent costs a little."""
        return MUTATION_COST + 1 + _shown_metafields(self.table) + _sent_metafields([self.changes])

    def roots(self) -> Mapping[str, Root]:
        """`productUpdate`, after `metafieldsDelete` when metafields are cleared."""
        owner = gid("Product", self.product_id)
        change = {"id": owner, **inputs.product_changes(self.changes, self.table)}
        update = Root("productUpdate", {"product": ("ProductUpdateInput!", change)}, "ProductUpdateAnswer")
        return {**_clearing_roots(self._cleared()), "": update}

    def read(self, replies: Mapping[str, Reply], view: View) -> Result:
        """One verdict."""
        node = _payload(replies).get("product")
        shown = {self.product_id: reading.product(node, view)} if node else {}
        sent = Sent(self.keys, "products", metafields=[metafields_of(self.changes)])
        verdicts = judge(replies[""], sent, shown)
        return Result(self, with_clearing(verdicts, sent, _clearing_replies(self._cleared(), replies)))

    def _cleared(self) -> list[Clearing]:
        owner = gid("Product", self.product_id)
        return [(self.product_id, each) for each in inputs.cleared(owner, self.changes, self.table)]


@dataclass(frozen=True, slots=True)
class VariantChange:
    """Change the given fields of a variant. `whole`: all values it shall have (weight and options go together)."""

    variant_id: str
    changes: Mapping[str, Value]
    whole: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UpdateVariants:
    """Change variants of one product, at most 250 at once; all of them or none.

    `option_names`: of the product, needed when option values change.
    """

    repeatable: ClassVar[bool] = False  # it would undo what a person changed in between
    product_id: str
    variants: tuple[VariantChange, ...]
    option_names: tuple[str, ...] = ()
    table: Table = VARIANTS

    @property
    def keys(self) -> tuple[str, ...]:
        """The variants' ids."""
        return tuple(each.variant_id for each in self.variants)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Variants."""
        return (self.table,)

    @property
    def points(self) -> float:
        """Estimated cost; per variant as Shopify publishes it for `productSet`."""
        sent = [each.changes for each in self.variants]
        return MUTATION_COST + _SHOWN_VARIANT + _shown_metafields(self.table) + _sent_variants(sent)

    def roots(self) -> Mapping[str, Root]:
        """`productVariantsBulkUpdate`, after `metafieldsDelete` when metafields are cleared."""
        arguments = {
            "productId": ("ID!", gid("Product", self.product_id)),
            "variants": ("[ProductVariantsBulkInput!]!", [self._input(each) for each in self.variants]),
            "allowPartialUpdates": ("Boolean!", False),
        }
        update = Root("productVariantsBulkUpdate", arguments, "VariantsUpdateAnswer")
        return {**_clearing_roots(self._cleared()), "": update}

    def read(self, replies: Mapping[str, Reply], view: View) -> Result:
        """One verdict per variant."""
        nodes = _payload(replies).get("productVariants") or ()
        shown = {each.key: each for each in (reading.variant(node, view) for node in nodes)}
        sent = Sent(self.keys, "variants", metafields=[metafields_of(each.changes) for each in self.variants])
        verdicts = judge(replies[""], sent, shown)
        return Result(self, with_clearing(verdicts, sent, _clearing_replies(self._cleared(), replies)))

    def _input(self, each: VariantChange) -> dict[str, Any]:
        changes = inputs.variant_changes(each.changes, each.whole, self.table, self.option_names)
        return {"id": gid("ProductVariant", each.variant_id), **changes}

    def _cleared(self) -> list[Clearing]:
        return [
            (variant.variant_id, each)
            for variant in self.variants
            for each in inputs.cleared(gid("ProductVariant", variant.variant_id), variant.changes, self.table)
        ]


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A variant to make. `ref`: the caller's name for it. `stock`: location id to available quantity."""

    ref: str
    values: Mapping[str, Value]
    stock: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreateProduct:
    """Make a product with its variants, stock and marker in one step. Its handle must be free: that is the guard.

    `marker` is kept in the shop with the product, so that it can be found again when the answer got lost.
    """

    repeatable: ClassVar[bool] = False  # the handle keeps it from happening twice, but the answer would be a refusal
    ref: str
    values: Mapping[str, Value]
    variants: tuple[NewVariant, ...]
    marker: str
    table: Table = PRODUCTS
    variant_table: Table = VARIANTS

    @property
    def keys(self) -> tuple[str, ...]:
        """The product's `ref`, then its variants'."""
        return (self.ref, *(each.ref for each in self.variants))

    @property
    def tables(self) -> tuple[Table, ...]:
        """Products and variants."""
        return (self.table, self.variant_table)

    @property
    def points(self) -> float:
        """Estimated cost (https://shopify.dev/changelog/dynamic-complexity-cost-for-productset-mutation)."""
        own = MUTATION_COST + 2 + _shown_metafields(self.table) + _sent_metafields([self.values]) + 0.4
        variant = 2 + _SHOWN_VARIANT + _shown_metafields(self.variant_table) + stock_points(self.variants)
        shown = connection_cost(shown_variants(self.variants), variant)
        return own + shown + _sent_variants([each.values for each in self.variants])

    def roots(self) -> Mapping[str, Root]:
        """`productSet` without identifier: it never changes a product that is there already."""
        rows = [each.values for each in self.variants]
        product = inputs.new_product(self.values, self.table, rows)
        product["metafields"] = [*product["metafields"], inputs.marker(self.marker)]
        if rows:
            names = self._option_names()
            product["variants"] = [self._variant(each, names) for each in self.variants]
        arguments = {"input": ("ProductSetInput!", product), "synchronous": ("Boolean!", True)}
        return {"": Root("productSet", arguments, "ProductSetAnswer")}

    def read(self, replies: Mapping[str, Reply], view: View) -> Result:
        """A verdict on the product and on each of its variants; a refusal of one holds back all the others."""
        node = _payload(replies).get("product")
        tree = reading.tree(node, view) if node else None
        metafields = [metafields_of(self.values), *(metafields_of(each.values) for each in self.variants)]
        sent = Sent(self.keys, "variants", lead=1, metafields=metafields)
        verdicts = judge(replies[""], sent, self._shown(tree) if tree else {})
        return Result(self, verdicts, tree if verdicts[0].outcome == "applied" else None)

    def _option_names(self) -> tuple[str, ...]:
        return inputs.option_names(self.values, [each.values for each in self.variants])

    def _variant(self, each: NewVariant, names: Sequence[str]) -> dict[str, Any]:
        stock = [
            {"locationId": gid("Location", place), "name": "available", "quantity": quantity}
            for place, quantity in each.stock.items()
        ]
        made = inputs.new_variant(each.values, self.variant_table, names)
        return {**made, "inventoryQuantities": stock} if stock else made

    def _shown(self, tree: Tree) -> dict[str, Record | None]:
        """The product and its variants by `ref`. Variants beyond the answer's page are made, but not shown."""
        names = self._option_names() if self.variants else ()
        made = {_options_of(each.record.values): each.record for each in tree.variants}
        found = {each.ref: made.get(_option_key(each, names)) for each in self.variants}
        hidden = not tree.complete and len(self.variants) > len(tree.variants)
        return {self.ref: tree.product, **{ref: record for ref, record in found.items() if record or hidden}}


@dataclass(frozen=True, slots=True)
class CreateVariants:
    """Make variants for a product that is there; all or none. `marker`: as in `CreateProduct`, on each variant."""

    repeatable: ClassVar[bool] = False  # option values keep it from happening twice, the answer would be a refusal
    product_id: str
    variants: tuple[NewVariant, ...]
    option_names: tuple[str, ...]
    marker: str
    table: Table = VARIANTS

    @property
    def keys(self) -> tuple[str, ...]:
        """The variants' `ref`."""
        return tuple(each.ref for each in self.variants)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Variants."""
        return (self.table,)

    @property
    def points(self) -> float:
        """Estimated cost; per variant as Shopify publishes it for `productSet`."""
        shown = 1 + _SHOWN_VARIANT + _shown_metafields(self.table) + stock_points(self.variants)
        return (
            MUTATION_COST + shown + 0.4 * len(self.variants) + _sent_variants([each.values for each in self.variants])
        )

    def roots(self) -> Mapping[str, Root]:
        """`productVariantsBulkCreate`; a standalone variant that is there stays."""
        arguments = {
            "productId": ("ID!", gid("Product", self.product_id)),
            "variants": ("[ProductVariantsBulkInput!]!", [self._variant(each) for each in self.variants]),
            "strategy": ("ProductVariantsBulkCreateStrategy!", "PRESERVE_STANDALONE_VARIANT"),
        }
        return {"": Root("productVariantsBulkCreate", arguments, "VariantsCreateAnswer")}

    def read(self, replies: Mapping[str, Reply], view: View) -> Result:
        """One verdict per variant, matched by option values."""
        nodes = _payload(replies).get("productVariants") or ()
        made = {_options_of(each.record.values): each for each in (reading.tree_variant(node, view) for node in nodes)}
        found = {each.ref: made.get(_option_key(each, self.option_names)) for each in self.variants}
        shown = {ref: each.record for ref, each in found.items() if each}
        sent = Sent(self.keys, "variants", metafields=[metafields_of(each.values) for each in self.variants])
        return Result(self, judge(replies[""], sent, shown), variants=tuple(each for each in found.values() if each))

    def _variant(self, each: NewVariant) -> dict[str, Any]:
        stock = [
            {"locationId": gid("Location", place), "availableQuantity": quantity}
            for place, quantity in each.stock.items()
        ]
        made = inputs.new_variant(each.values, self.table, self.option_names)
        made["metafields"] = [*made["metafields"], inputs.marker(self.marker)]
        return {**made, "inventoryQuantities": stock} if stock else made


@dataclass(frozen=True, slots=True)
class LevelChange:
    """Set the available quantity of an item at a location. `expected`: the quantity it must have now; None: any."""

    inventory_item_id: str
    location_id: str
    quantity: int
    expected: int | None

    @property
    def key(self) -> str:
        """The record key."""
        return f"{self.inventory_item_id}/{self.location_id}"


@dataclass(frozen=True, slots=True)
class SetInventory:
    """Set up to 250 available quantities. `key`: idempotency key, the same whenever this very operation is sent.

    `reason`: one of Shopify's words (``correction``, ``cycle_count_available``, ``received``, ...). `reference`: a URI
    that names the document behind the change, "" for none.
    """

    repeatable: ClassVar[bool] = True  # Shopify remembers the key for a day; the expected quantities guard after that
    levels: tuple[LevelChange, ...]
    key: str
    reason: str = "correction"
    reference: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The levels' keys."""
        return tuple(each.key for each in self.levels)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Inventory, which has no metafields."""
        return (INVENTORY,)

    @property
    def points(self) -> float:
        """Estimated cost: a change with its item and location are selected."""
        return MUTATION_COST + 3

    def roots(self) -> Mapping[str, Root]:
        """`inventorySetQuantities`."""
        quantities = [
            inputs.quantity(each.inventory_item_id, each.location_id, each.quantity, each.expected)
            for each in self.levels
        ]
        change: dict[str, Any] = {"name": "available", "reason": self.reason, "quantities": quantities}
        if self.reference:
            change["referenceDocumentUri"] = self.reference
        arguments = {"input": ("InventorySetQuantitiesInput!", change)}
        return {"": Root("inventorySetQuantities", arguments, "InventorySetAnswer", key=self.key)}

    def read(self, replies: Mapping[str, Reply], view: View) -> Result:  # noqa: ARG002 - one shape for all
        """One verdict per level. A refusal leaves the others ``unknown``: no word says that it is all or none."""
        after = dict(reading.quantities_after(_payload(replies)))
        # A level that is not listed had the quantity already: the payload without errors is the proof.
        shown = {each.key: reading.level_now(each.key, after.get(each.key, each.quantity)) for each in self.levels}
        return Result(self, judge(replies[""], Sent(self.keys, "quantities", atomic=False), shown))


@dataclass(frozen=True, slots=True)
class DeleteProduct:
    """Delete a product with all that belongs to it. One that is not there is ``refused``, with `Verdict.gone`."""

    repeatable: ClassVar[bool] = True  # an id is never used again
    product_id: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The product's id."""
        return (self.product_id,)

    @property
    def tables(self) -> tuple[Table, ...]:
        """Nothing is read back."""
        return ()

    @property
    def points(self) -> float:
        """Estimated cost."""
        return MUTATION_COST

    def roots(self) -> Mapping[str, Root]:
        """`productDelete`."""
        arguments = {"input": ("ProductDeleteInput!", {"id": gid("Product", self.product_id)})}
        return {"": Root("productDelete", arguments, "ProductDeleteAnswer")}

    def read(self, replies: Mapping[str, Reply], view: View) -> Result:  # noqa: ARG002 - one shape for all
        """One verdict."""
        done = _payload(replies).get("deletedProductId") == gid("Product", self.product_id)
        shown: dict[str, Record | None] = {self.product_id: None} if done else {}
        return Result(self, judge(replies[""], Sent(self.keys, "products"), shown))


@dataclass(frozen=True, slots=True)
class DeleteVariants:
    """Delete variants of one product, at most 250 at once; all of them or none."""

    repeatable: ClassVar[bool] = False  # with one variant gone, Shopify refuses all of them
    product_id: str
    variant_ids: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The variants' ids."""
        return self.variant_ids

    @property
    def tables(self) -> tuple[Table, ...]:
        """Nothing is read back."""
        return ()

    @property
    def points(self) -> float:
        """Estimated cost."""
        return MUTATION_COST

    def roots(self) -> Mapping[str, Root]:
        """`productVariantsBulkDelete`."""
        arguments = {
            "productId": ("ID!", gid("Product", self.product_id)),
            "variantsIds": ("[ID!]!", [gid("ProductVariant", each) for each in self.variant_ids]),
        }
        return {"": Root("productVariantsBulkDelete", arguments, "VariantsDeleteAnswer")}

    def read(self, replies: Mapping[str, Reply], view: View) -> Result:  # noqa: ARG002 - one shape for all
        """One verdict per variant."""
        done = _payload(replies).get("product") is not None
        shown: dict[str, Record | None] = dict.fromkeys(self.variant_ids) if done else {}
        return Result(self, judge(replies[""], Sent(self.keys, "variantsIds"), shown))


Clearing = tuple[str, dict[str, Any]]
"""A metafield to delete: the key of the record it belongs to, and its `MetafieldIdentifierInput`."""

_SHOWN_VARIANT = 5
"""Points of a variant in a mutation's payload: options, product, item, measurement, weight."""


def _clearing_chunks(clearings: Sequence[Clearing]) -> Iterator[tuple[str, Sequence[Clearing]]]:
    for number, start in enumerate(range(0, len(clearings), MOST_ITEMS)):
        yield f"c{number}", clearings[start : start + MOST_ITEMS]


def _clearing_roots(clearings: Sequence[Clearing]) -> dict[str, Root]:
    """`metafieldsDelete` by alias suffix. It runs first, so that the update's answer shows the state after both."""
    return {
        suffix: Root(
            "metafieldsDelete",
            {"metafields": ("[MetafieldIdentifierInput!]!", [identifier for _, identifier in chunk])},
            "MetafieldsDeleteAnswer",
        )
        for suffix, chunk in _clearing_chunks(clearings)
    }


def _clearing_replies(clearings: Sequence[Clearing], replies: Mapping[str, Reply]) -> list[tuple[list[str], Reply]]:
    return [([key for key, _ in chunk], replies[suffix]) for suffix, chunk in _clearing_chunks(clearings)]


def _payload(replies: Mapping[str, Reply]) -> Mapping[str, Any]:
    return replies[""].payload or {}


def _options_of(values: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple((values.get(option) or "").strip() for option in inputs.OPTIONS if values.get(option))


def _option_key(variant: NewVariant, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(each["name"].strip() for each in inputs.option_values(variant.values, names))


def _shown_metafields(table: Table) -> float:
    return metafields_cost(sum(1 for _ in reading.metafields_in(table.fields)))


def _sent_metafields(rows: Iterable[Mapping[str, Value]]) -> float:
    return 0.4 * sum(len(metafields_of(row)) for row in rows)


def _sent_variants(rows: Sequence[Mapping[str, Value]]) -> float:
    return 0.2 * len(rows) + _sent_metafields(rows)


def stock_points(variants: Iterable[NewVariant]) -> float:
    """Points of the inventory levels that are read back with each new variant."""
    return connection_cost(shown_levels(variants), 3)


def shown_levels(variants: Iterable[NewVariant]) -> int:
    """How many inventory levels of each new variant are read back: those sent, with room for what Shopify adds."""
    return min(MOST_ITEMS, max((len(each.stock) for each in variants), default=0) + 5)


def shown_variants(variants: Sequence[NewVariant]) -> int:
    """How many new variants the answer shows; Shopify makes one even when none is sent."""
    return min(MOST_ITEMS, max(1, len(variants)))

"""What a shop holds: frozen values in one mutable `Store`.

A product is one tree (`Product` > `Variant` > `Item` > `Level`, with options, media and metafields). A mutation makes a
new tree and hands it to the store, so a refused mutation leaves no trace and the difference between two trees is the
list of applied effects (see `effects.py`).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sheets_catalog.sandbox.shopify.values import handle_of, next_handle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FIRST_IDS: Final[dict[str, int]] = {
    "Product": 8_000_000_000_000,
    "ProductVariant": 45_000_000_000_000,
    "InventoryItem": 47_000_000_000_000,
    "ProductOption": 10_000_000_000_000,
    "ProductOptionValue": 3_000_000_000_000,
    "MediaImage": 33_000_000_000_000,
    "Metafield": 29_000_000_000_000,
    "MetafieldDefinition": 90_000_000_000,
    "Location": 70_000_000_000,
    "InventoryLevel": 100_000_000_000,
    "Collection": 430_000_000_000,
    "InventoryAdjustmentGroup": 51_000_000_000_000,
    "ProductSetOperation": 60_000_000_000,
    "ProductDeleteOperation": 61_000_000_000,
}
"""Ids count up from here: 11 to 14 digits, as in real shops, and the same in every run."""

HISTORY_LENGTH: Final = 20_000
"""Changes remembered for lists that lag behind."""

DEFAULT_OPTION: Final = "Title"
DEFAULT_VALUE: Final = "Default Title"


class Metafield(msgspec.Struct, frozen=True):
    """One metafield; namespace is stored resolved (`$app` became `app--<id>`)."""

    id: int
    namespace: str
    key: str
    type: str
    value: str
    created_at: str
    updated_at: str


class OptionValue(msgspec.Struct, frozen=True):
    """One value of an option."""

    id: int
    name: str


class Option(msgspec.Struct, frozen=True):
    """One option; its position is its place in `Product.options`."""

    id: int
    name: str
    values: tuple[OptionValue, ...]


class Media(msgspec.Struct, frozen=True):
    """One image."""

    id: int
    url: str
    alt: str
    created_at: str


class Level(msgspec.Struct, frozen=True):
    """Stock of one item at one location. On hand is the sum of all but `incoming`."""

    location_id: int
    available: int
    created_at: str
    updated_at: str
    incoming: int = 0
    committed: int = 0
    reserved: int = 0
    damaged: int = 0
    safety_stock: int = 0
    quality_control: int = 0

    @property
    def on_hand(self) -> int:
        """Everything that lies there, sold or not."""
        return self.available + self.committed + self.reserved + self.damaged + self.safety_stock + self.quality_control


class Item(msgspec.Struct, frozen=True):
    """An inventory item; `weight` is in `weight_unit`."""

    id: int
    created_at: str
    updated_at: str
    sku: str | None = None
    tracked: bool = False
    cost: str | None = None
    requires_shipping: bool = True
    country: str | None = None
    province: str | None = None
    hs_code: str | None = None
    weight: float = 0.0
    weight_unit: str = "KILOGRAMS"
    levels: tuple[Level, ...] = ()

    def level(self, location_id: int) -> Level | None:
        """The level at a location."""
        return next((level for level in self.levels if level.location_id == location_id), None)


class Variant(msgspec.Struct, frozen=True):
    """A variant; `selected` holds the value names in the order of the product's options."""

    id: int
    product_id: int
    position: int
    selected: tuple[str, ...]
    item: Item
    created_at: str
    updated_at: str
    price: str = "0.00"
    compare_at_price: str | None = None
    barcode: str | None = None
    inventory_policy: str = "DENY"
    taxable: bool = True
    tax_code: str | None = None
    media_ids: tuple[int, ...] = ()
    metafields: tuple[Metafield, ...] = ()

    @property
    def title(self) -> str:
        """`S / Red`."""
        return " / ".join(self.selected)

    @property
    def stock(self) -> int:
        """Available over all locations."""
        return sum(level.available for level in self.item.levels)


class Product(msgspec.Struct, frozen=True):
    """A product with everything that belongs to it."""

    id: int
    handle: str
    title: str
    created_at: str
    updated_at: str
    description_html: str = ""
    vendor: str = ""
    product_type: str = ""
    status: str = "ACTIVE"
    tags: tuple[str, ...] = ()
    category: str | None = None
    seo_title: str | None = None
    seo_description: str | None = None
    template_suffix: str | None = None
    gift_card: bool = False
    requires_selling_plan: bool = False
    published_at: str | None = None
    options: tuple[Option, ...] = ()
    variants: tuple[Variant, ...] = ()
    media: tuple[Media, ...] = ()
    metafields: tuple[Metafield, ...] = ()

    @property
    def only_default_variant(self) -> bool:
        """Whether nobody has given the product options yet."""
        return len(self.variants) == 1 and self.variants[0].selected == (DEFAULT_VALUE,)


class Location(msgspec.Struct, frozen=True):
    """A place that holds stock. `level_id` is the number in the ids of its inventory levels."""

    id: int
    name: str
    level_id: int
    created_at: str
    updated_at: str
    active: bool = True
    fulfills_online_orders: bool = True
    ships_inventory: bool = True
    address1: str = ""
    city: str = ""
    zip: str = ""
    province: str = ""
    province_code: str = ""
    country: str = ""
    country_code: str = ""
    phone: str = ""


class Collection(msgspec.Struct, frozen=True):
    """A custom collection with its products in manual order."""

    id: int
    handle: str
    title: str
    updated_at: str
    description_html: str = ""
    sort_order: str = "MANUAL"
    product_ids: tuple[int, ...] = ()
    metafields: tuple[Metafield, ...] = ()


class Definition(msgspec.Struct, frozen=True):
    """A metafield definition."""

    id: int
    namespace: str
    key: str
    owner_type: str
    name: str
    type: str
    description: str | None = None
    unique: bool = False


class Change(msgspec.Struct, frozen=True):
    """One quantity moved by an adjustment group."""

    name: str
    delta: int
    item_id: int
    location_id: int
    after: int
    ledger_document: str | None = None


class Group(msgspec.Struct, frozen=True):
    """An inventory adjustment group."""

    id: int
    created_at: str
    reason: str
    app: str
    reference: str | None
    changes: tuple[Change, ...]


class Operation(msgspec.Struct, frozen=True):
    """An asynchronous productSet or productDelete. `due` is in simulated seconds; `arguments` is the request."""

    id: int
    kind: str
    status: str
    due: float
    app: str
    product_id: int | None = None
    arguments: dict[str, Any] = {}
    errors: tuple[dict[str, Any], ...] = ()


class Attempt(msgspec.Struct, frozen=True):
    """What became of an idempotency key: `done` with the id of the result, or `failed`."""

    fingerprint: str
    outcome: str
    result: str
    at: float


class Shop(msgspec.Struct, frozen=True):
    """The shop itself, and its plan's limits."""

    id: int
    name: str
    domain: str
    created_at: str
    email: str = "owner@example.com"
    currency: str = "EUR"
    timezone: str = "Europe/Berlin"
    weight_unit: str = "KILOGRAMS"
    plan: str = "Basic"
    plus: bool = False
    development: bool = True
    taxes_included: bool = True
    location_limit: int = 200
    option_limit: int = 3
    variant_limit: int = 2048
    bucket: float = 2000.0
    restore_rate: float = 100.0


class Saved(msgspec.Struct):
    """The whole state as one JSON-able value."""

    shop: Shop
    counters: dict[str, int]
    products: list[Product]
    locations: list[Location]
    collections: list[Collection]
    definitions: list[Definition]
    groups: list[Group]
    operations: list[Operation]
    attempts: dict[str, Attempt]


class Store:
    """A shop's tables and the indexes over them. Knows nothing about GraphQL, users or time."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._counters: dict[str, int] = {}
        self.products: dict[int, Product] = {}
        self.variants: dict[int, Variant] = {}
        self.items: dict[int, int] = {}
        self.handles: dict[str, int] = {}
        self.locations: dict[int, Location] = {}
        self.collections: dict[int, Collection] = {}
        self.definitions: dict[int, Definition] = {}
        self.groups: dict[int, Group] = {}
        self.operations: dict[int, Operation] = {}
        self.attempts: dict[str, Attempt] = {}
        self.history: deque[tuple[float, int, Product | None]] = deque(maxlen=HISTORY_LENGTH)
        """What products were before their latest changes: (simulated seconds, id, tree before)."""

    def next_id(self, kind: str) -> int:
        """A new id, one above the last of its kind."""
        number = self._counters.get(kind, FIRST_IDS[kind]) + 1
        self._counters[kind] = number
        return number

    def put(self, product: Product) -> None:
        """Insert or replace a product with all its variants."""
        before = self.products.get(product.id)
        if before is not None:
            self._forget(before, {variant.id for variant in product.variants})
            if before.handle != product.handle:
                self.handles.pop(before.handle, None)
        self.products[product.id] = product
        self.handles[product.handle] = product.id
        for variant in sorted(product.variants, key=lambda one: one.id):  # pages by id need the table in order
            self.variants[variant.id] = variant
            self.items[variant.item.id] = variant.id

    def products_at(self, seconds: float) -> list[Product]:
        """The products as they were at an earlier time, in the order of their ids."""
        overlay: dict[int, Product | None] = {}
        for at, number, before in reversed(self.history):
            if at <= seconds:
                break
            overlay[number] = before
        if not overlay:
            return list(self.products.values())
        merged = {**self.products, **overlay}
        return sorted((one for one in merged.values() if one is not None), key=lambda one: one.id)

    def remove(self, product_id: int) -> None:
        """Delete a product with its variants, and take it out of its collections."""
        product = self.products.pop(product_id)
        self.handles.pop(product.handle, None)
        self._forget(product, set())
        for collection in list(self.collections.values()):
            if product_id in collection.product_ids:
                rest = tuple(number for number in collection.product_ids if number != product_id)
                self.collections[collection.id] = msgspec.structs.replace(collection, product_ids=rest)

    def _forget(self, product: Product, keep: set[int]) -> None:
        for variant in product.variants:
            if variant.id not in keep:
                del self.variants[variant.id]
                del self.items[variant.item.id]

    def free_handle(self, wanted: str, owner: int | None = None) -> str:
        """`wanted`, or the next free one after it."""
        handle = handle_of(wanted) or "product"
        while self.handles.get(handle, owner) != owner:
            handle = next_handle(handle)
        return handle

    def item(self, item_id: int) -> Item | None:
        """The inventory item of a variant."""
        variant = self.variants.get(self.items.get(item_id, 0))
        return variant.item if variant else None

    def variant_of_item(self, item_id: int) -> Variant | None:
        """The variant whose stock it is."""
        return self.variants.get(self.items.get(item_id, 0))

    def home(self, variant: Variant) -> Product:
        """The product of a variant; the last one there was, when a list that lags still shows the variant."""
        product = self.products.get(variant.product_id)
        if product is None:
            product = next(tree for _, number, tree in reversed(self.history) if number == variant.product_id and tree)
        return product

    def location_of_level(self, level_id: int) -> Location | None:
        """The location whose levels carry this number."""
        return next((place for place in self.locations.values() if place.level_id == level_id), None)

    def collections_of(self, product_id: int) -> Iterator[Collection]:
        """The collections a product is in."""
        return (one for one in self.collections.values() if product_id in one.product_ids)

    def default_location(self) -> Location | None:
        """Where new variants are stocked when the caller names no location."""
        return next((place for place in self.locations.values() if place.active), None)

    def definition(self, owner_type: str, namespace: str, key: str) -> Definition | None:
        """The definition of a metafield, if there is one."""
        wanted = (owner_type, namespace, key)
        return next(
            (one for one in self.definitions.values() if (one.owner_type, one.namespace, one.key) == wanted), None
        )

    def find_by_metafield(self, namespace: str, key: str, value: str) -> Product | None:
        """The product that holds this value in this metafield."""
        return next(
            (
                product
                for product in self.products.values()
                if any((m.namespace, m.key, m.value) == (namespace, key, value) for m in product.metafields)
            ),
            None,
        )

    def save(self) -> Saved:
        """Everything, in the order of the tables."""
        return Saved(
            shop=self.shop,
            counters=dict(self._counters),
            products=list(self.products.values()),
            locations=list(self.locations.values()),
            collections=list(self.collections.values()),
            definitions=list(self.definitions.values()),
            groups=list(self.groups.values()),
            operations=list(self.operations.values()),
            attempts=dict(self.attempts),
        )

    def restore(self, saved: Saved) -> None:
        """Replace everything."""
        self.__init__(saved.shop)  # type: ignore[misc]  # the same empty tables as at the start
        self._counters = dict(saved.counters)
        self.attempts = dict(saved.attempts)
        for table, rows in (
            (self.locations, saved.locations),
            (self.collections, saved.collections),
            (self.definitions, saved.definitions),
            (self.groups, saved.groups),
            (self.operations, saved.operations),
        ):
            _fill(table, rows)
        for product in saved.products:
            self.put(product)
        self.variants = dict(sorted(self.variants.items()))


def _fill(table: dict[int, Any], rows: Iterable[Any]) -> None:
    table.update((row.id, row) for row in rows)


def replaced(values: tuple[Any, ...], match: Callable[[Any], bool], new: Any) -> tuple[Any, ...]:
    """The tuple with every matching element replaced."""
    return tuple(new if match(value) else value for value in values)

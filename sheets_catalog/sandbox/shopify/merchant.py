"""What the merchant does in the shop's admin, as plain methods: for tests and for the demo.

Every change goes into the ledger with the actor `merchant`. Ids are global ids or their numbers; a field that does not
exist is a ValueError that lists the ones that do.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.access import ALL_SCOPES
from sheets_catalog.sandbox.shopify.context import Context
from sheets_catalog.sandbox.shopify.state import (
    Collection,
    Definition,
    Item,
    Location,
    Metafield,
    Product,
    Store,
    Variant,
)
from sheets_catalog.sandbox.shopify.values import gid, money, tidy_tags
from sheets_catalog.sandbox.shopify.writes.shared import new_level, new_product, option_of
from sheets_catalog.sandbox.shopify.writes.variants import new_variant, numbered, stocked, with_values
from sheets_catalog.sandbox.wire import Caller, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACTOR: Final = "merchant"
OPERATION: Final = "admin"

Id = str | int

Edit = TypeVar("Edit", bound="Callable[..., Any]")


def locked(edit: Edit) -> Edit:
    """An edit as one step: no request of another thread sees half of it."""

    @functools.wraps(edit)
    def locked_edit(self: Merchant, *args: Any, **kwargs: Any) -> Any:
        with self.lock:
            return edit(self, *args, **kwargs)

    return cast("Edit", locked_edit)


PRODUCT_FIELDS: Final[dict[str, Callable[[Any], Any]]] = {
    "title": str,
    "description_html": str,
    "vendor": str,
    "product_type": str,
    "status": str,
    "tags": lambda tags: tidy_tags([tags] if isinstance(tags, str) else list(tags)),
    "category": lambda value: value,
    "seo_title": lambda value: value,
    "seo_description": lambda value: value,
    "template_suffix": lambda value: value,
    "published_at": lambda value: value,
}
VARIANT_FIELDS: Final[dict[str, Callable[[Any], Any]]] = {
    "price": lambda value: money(str(value)),
    "compare_at_price": lambda value: None if value is None else money(str(value)),
    "barcode": lambda value: value,
    "inventory_policy": str,
    "taxable": bool,
    "tax_code": lambda value: value,
}
ITEM_FIELDS: Final[dict[str, Callable[[Any], Any]]] = {
    "sku": lambda value: value,
    "tracked": bool,
    "cost": lambda value: None if value is None else money(str(value)),
    "requires_shipping": bool,
    "country": lambda value: value,
    "province": lambda value: value,
    "hs_code": lambda value: value,
    "weight": float,
    "weight_unit": str,
}


class Merchant:
    """The shop's owner at work. `edit_*` change what is there, `add_*` make new things."""

    def __init__(self, store: Store, world: World) -> None:
        self.lock = world.lock
        self._store = store
        self._context = Context(
            store=store,
            world=world,
            caller=Caller(email="", scopes=frozenset(ALL_SCOPES), app=ACTOR, shop=store.shop.domain),
            actor=ACTOR,
        )

    @locked
    def add_product(self, title: str, **fields: Any) -> str:
        """A product with one variant; answers its id. `handle` may be given, else it comes from the title."""
        handle = fields.pop("handle", None)
        bare = new_product(self._context, {"title": title, "handle": handle})
        bare = replace(bare, options=(option_of(self._store, "Title", ["Default Title"]),))
        variant = stocked(self._context, new_variant(self._context, bare, ("Default Title",), tracked=True))
        bare = replace(bare, variants=(variant,), **_checked(fields, PRODUCT_FIELDS))
        self._context.commit(OPERATION, None, bare)
        return gid("Product", bare.id)

    @locked
    def edit_product(self, product: Id, **fields: Any) -> None:
        """Change fields of a product: see `PRODUCT_FIELDS`, and `handle`."""
        present = self._product(product)
        handle = fields.pop("handle", None)
        changes = _checked(fields, PRODUCT_FIELDS)
        if handle is not None:
            changes["handle"] = self._store.free_handle(handle, present.id)
        self._context.commit(OPERATION, present, replace(present, **changes))

    @locked
    def delete_product(self, product: Id) -> None:
        """Delete a product with its variants."""
        self._context.commit(OPERATION, self._product(product), None)

    @locked
    def add_variant(self, product: Id, selected: Mapping[str, str], **fields: Any) -> str:
        """A variant with these option values (`{"Size": "XL"}`); answers its id."""
        present = self._product(product)
        names = [option.name for option in present.options]
        if set(selected) != set(names):
            raise ValueError(f"options are {sorted(selected)}; the product has {names}")
        values = tuple(selected[name] for name in names)
        variant = stocked(self._context, new_variant(self._context, present, values, tracked=True))
        variant = _with(variant, fields)
        after = replace(present, variants=numbered((*present.variants, variant)))
        self._context.commit(OPERATION, present, with_values(self._context, after, [variant]))
        return gid("ProductVariant", variant.id)

    @locked
    def edit_variant(self, variant: Id, **fields: Any) -> None:
        """Change fields of a variant or of its inventory item: see `VARIANT_FIELDS`, `ITEM_FIELDS`."""
        self._replace_variant(_with(self._variant(variant), fields))

    @locked
    def delete_variant(self, variant: Id) -> None:
        """Delete a variant; the last one of a product cannot go."""
        gone = self._variant(variant)
        product = self._store.products[gone.product_id]
        rest = tuple(one for one in product.variants if one.id != gone.id)
        if not rest:
            raise ValueError(f"variant {gone.id} is the last one of product {product.id}; delete the product")
        self._context.commit(OPERATION, product, replace(product, variants=numbered(rest)))

    @locked
    def set_inventory(self, variant: Id, location: Id, available: int) -> None:
        """Set the available stock of a variant at a location."""
        present = self._variant(variant)
        place = _number(location)
        if place not in self._store.locations:
            raise ValueError(f"there is no location {location}; there are {sorted(self._store.locations)}")
        self._replace_variant(replace(present, item=self._restocked(present.item, place, available)))

    def _restocked(self, item: Item, place: int, available: int) -> Item:
        level = item.level(place)
        if level is None:
            return replace(item, levels=(*item.levels, new_level(self._context, place, available)))
        changed = replace(level, available=available)
        return replace(item, levels=tuple(changed if one is level else one for one in item.levels))

    @locked
    def set_metafield(self, owner: str, namespace: str, key: str, kind: str, value: str) -> None:
        """Set a metafield of a product or variant."""
        variant = "ProductVariant" in owner
        present: Any = self._variant(owner) if variant else self._product(owner)
        kept = [one for one in present.metafields if (one.namespace, one.key) != (namespace, key)]
        old = next((one for one in present.metafields if (one.namespace, one.key) == (namespace, key)), None)
        now = self._context.now
        number = old.id if old else self._store.next_id("Metafield")
        field = Metafield(number, namespace, key, kind, value, old.created_at if old else now, now)
        after = replace(present, metafields=(*kept, field))
        if variant:
            self._replace_variant(after)
        else:
            self._context.commit(OPERATION, present, after)

    @locked
    def add_location(self, name: str, **fields: Any) -> str:
        """A location; answers its id."""
        place = Location(
            id=self._store.next_id("Location"),
            name=name,
            level_id=self._store.next_id("InventoryLevel"),
            created_at=self._context.now,
            updated_at=self._context.now,
            **fields,
        )
        self._store.locations[place.id] = place
        return gid("Location", place.id)

    @locked
    def add_collection(self, title: str, products: tuple[Id, ...] = ()) -> str:
        """A custom collection; answers its id."""
        numbers = tuple(self._product(one).id for one in products)
        collection = Collection(
            id=self._store.next_id("Collection"),
            handle="-".join(title.casefold().split()),
            title=title,
            updated_at=self._context.now,
            product_ids=numbers,
        )
        self._store.collections[collection.id] = collection
        return gid("Collection", collection.id)

    @locked
    def define_metafield(
        self, owner_type: str, namespace: str, key: str, kind: str, *, name: str = "", unique: bool = False
    ) -> str:
        """A metafield definition (`PRODUCT`, `PRODUCTVARIANT`, `COLLECTION`); answers its id."""
        number = self._store.next_id("MetafieldDefinition")
        definition = Definition(number, namespace, key, owner_type, name or key, kind, unique=unique)
        self._store.definitions[number] = definition
        return gid("MetafieldDefinition", number)

    def _product(self, product: Id) -> Product:
        found = self._store.products.get(_number(product))
        if found is None:
            raise ValueError(f"there is no product {product}")
        return found

    def _variant(self, variant: Id) -> Variant:
        found = self._store.variants.get(_number(variant))
        if found is None:
            raise ValueError(f"there is no variant {variant}")
        return found

    def _replace_variant(self, changed: Variant) -> None:
        product = self._store.products[changed.product_id]
        variants = tuple(changed if one.id == changed.id else one for one in product.variants)
        self._context.commit(OPERATION, product, replace(product, variants=variants))


def _number(identifier: Id) -> int:
    if isinstance(identifier, int):
        return identifier
    text = identifier.rsplit("/", 1)[-1]
    if not text.isdigit():
        raise ValueError(f"id is {identifier!r}; expected a global id such as gid://shopify/Product/1, or its number")
    return int(text)


def _checked(fields: Mapping[str, Any], known: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    unknown = set(fields) - set(known)
    if unknown:
        raise ValueError(f"unknown fields {sorted(unknown)}; known ones are {sorted(known)}")
    return {name: known[name](value) for name, value in fields.items()}


def _with(variant: Variant, fields: Mapping[str, Any]) -> Variant:
    of_item = {name: value for name, value in fields.items() if name in ITEM_FIELDS}
    rest = {name: value for name, value in fields.items() if name not in ITEM_FIELDS}
    item = replace(variant.item, **_checked(of_item, ITEM_FIELDS))
    return replace(variant, item=item, **_checked(rest, VARIANT_FIELDS))


EDITS: Final = (
    "add_product",
    "edit_product",
    "delete_product",
    "add_variant",
    "edit_variant",
    "delete_variant",
    "set_inventory",
    "set_metafield",
    "add_location",
    "add_collection",
    "define_metafield",
)
"""Edits that may be asked for over HTTP: `POST /_sandbox/seed/shopify {"do": "edit_product", "product": ..., ...}`."""

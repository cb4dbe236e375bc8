"""Root queries, and which function answers which mutation."""

from __future__ import annotations

from typing import Any, Final

from sheets_catalog.sandbox.shopify.context import Info, of
from sheets_catalog.sandbox.shopify.lists import (
    collection_page,
    count,
    item_page,
    location_page,
    product_page,
    variant_page,
)
from sheets_catalog.sandbox.shopify.paging import Connection, page
from sheets_catalog.sandbox.shopify.problems import invalid_id
from sheets_catalog.sandbox.shopify.reads import (
    FIND_LOCATIONS,
    READ_INVENTORY,
    READ_ITEMS,
    READ_PRODUCTS,
    Resolver,
)
from sheets_catalog.sandbox.shopify.state import Location, Product, Variant
from sheets_catalog.sandbox.shopify.values import GID, handle_of, split_gid
from sheets_catalog.sandbox.shopify.views import CountView, LevelView
from sheets_catalog.sandbox.shopify.writes import inventory, metafields, options, product_set, products, variants
from sheets_catalog.sandbox.shopify.writes.products import find_product
from sheets_catalog.sandbox.shopify.writes.shared import Input, required_number

VERSION: Final = "2026-10"
API_VERSIONS: Final = (
    {"handle": "2026-01", "displayName": "2026-01", "supported": True},
    {"handle": "2026-04", "displayName": "2026-04", "supported": True},
    {"handle": "2026-07", "displayName": "2026-07", "supported": True},
    {"handle": "2026-10", "displayName": "2026-10 (Latest)", "supported": True},
    {"handle": "2027-01", "displayName": "2027-01 (Release candidate)", "supported": False},
    {"handle": "unstable", "displayName": "unstable", "supported": False},
)


def _products(_root: Any, info: Info, **arguments: Any) -> Connection:
    context = of(info)
    return product_page(context, context.products(), info, arguments)


def _variants(_root: Any, info: Info, **arguments: Any) -> Connection:
    context = of(info)
    return variant_page(context, context.variants(), info, arguments)


def _items(_root: Any, info: Info, **arguments: Any) -> Connection:
    context = of(info)
    rows = [variant.item for variant in context.variants()]
    return item_page(context, sorted(rows, key=lambda item: item.id), info, arguments)


def _collections(_root: Any, info: Info, **arguments: Any) -> Connection:
    context = of(info)
    return collection_page(context, list(context.store.collections.values()), info, arguments)


def _locations(
    _root: Any,
    info: Info,
    includeInactive: bool = False,
    includeLegacy: bool = False,
    **arguments: Any,
) -> Connection:
    context = of(info)
    rows = [place for place in context.store.locations.values() if place.active or includeInactive]
    return location_page(context, rows, info, arguments)


def _definitions(
    _root: Any,
    info: Info,
    ownerType: str,
    namespace: str | None = None,
    key: str | None = None,
    sortKey: str = "ID",
    **arguments: Any,
) -> Connection:
    context = of(info)
    wanted = context.namespace(namespace) if namespace is not None else None
    rows = [
        one
        for one in context.store.definitions.values()
        if one.owner_type == ownerType and wanted in {None, one.namespace} and key in {None, one.key}
    ]
    if sortKey == "NAME":
        return page(sorted(rows, key=lambda one: (one.name, one.id)), lambda one: (one.name, one.id), arguments)
    return page(rows, lambda one: (one.id, one.id), arguments)


def _product(_root: Any, info: Info, id: str) -> Product | None:  # noqa: A002
    return of(info).store.products.get(required_number(id, "Product"))


def _variant(_root: Any, info: Info, id: str) -> Variant | None:  # noqa: A002
    return of(info).store.variants.get(required_number(id, "ProductVariant"))


def _variant_by(_root: Any, info: Info, identifier: Input) -> Variant | None:
    store, custom = of(info).store, identifier.get("customId")
    if custom is None:
        return store.variants.get(required_number(identifier.get("id") or "", "ProductVariant"))
    wanted = (of(info).namespace(custom.get("namespace")), custom["key"], custom["value"])
    return next(
        (one for one in store.variants.values() for m in one.metafields if (m.namespace, m.key, m.value) == wanted),
        None,
    )


def _by_handle(_root: Any, info: Info, handle: str) -> Product | None:
    store = of(info).store
    return store.products.get(store.handles.get(handle_of(handle), 0))


def _level(_root: Any, info: Info, id: str) -> LevelView | None:  # noqa: A002
    match = GID.match(id)
    if match is None or match.group(1) != "InventoryLevel":
        raise invalid_id(id)
    query = dict(part.partition("=")[::2] for part in (match.group(3) or "").split("&"))
    item_text, level_text = query.get("inventory_item_id", ""), match.group(2)
    if not item_text.isdigit() or not level_text.isdigit():
        return None
    store = of(info).store
    item, place = store.item(int(item_text)), store.location_of_level(int(level_text))
    level = item.level(place.id) if item and place else None
    return LevelView(level, item) if item and level else None


def _location(_root: Any, info: Info, id: str | None = None) -> Location | None:  # noqa: A002
    store = of(info).store
    return store.locations.get(required_number(id, "Location")) if id else store.default_location()


def _products_count(_root: Any, info: Info, query: str | None = None, limit: int | None = 10_000) -> CountView:
    context = of(info)
    return count(context, context.products(), Product, info, query, limit)


def _variants_count(_root: Any, info: Info, query: str | None = None, limit: int | None = 10_000) -> CountView:
    context = of(info)
    return count(context, context.variants(), Variant, info, query, limit)


def _locations_count(_root: Any, info: Info, query: str | None = None, limit: int | None = 10_000) -> CountView:
    context = of(info)
    rows = [place for place in context.store.locations.values() if place.active]
    return count(context, rows, Location, info, query, limit)


def _operation(_root: Any, info: Info, id: str) -> Any:  # noqa: A002
    parts = split_gid(id)
    if parts is None or parts[0] not in {"ProductSetOperation", "ProductDeleteOperation"}:
        raise invalid_id(id)
    return _numbered(of(info).store.operations, parts[1])


def _numbered(table: dict[int, Any], text: str) -> Any:
    return table.get(int(text)) if text.isdigit() else None


def _node(_root: Any, info: Info, id: str) -> Any:  # noqa: A002
    """Anything with an id. A well-formed id that nobody has is null; what is no id at all is an error."""
    parts = split_gid(id)
    if parts is None:
        raise invalid_id(id)
    kind, text = parts
    context, store = of(info), of(info).store
    if kind in {"Product", "ProductVariant", "Collection", "MediaImage", "ProductOption", "ProductOptionValue"}:
        context.require(info, READ_PRODUCTS)
    if kind in {"InventoryLevel", "InventoryAdjustmentGroup"}:
        context.require(info, READ_INVENTORY)
    if kind == "InventoryItem":
        context.require(info, READ_ITEMS)
    if kind == "InventoryLevel":
        return _level(None, info, id=id)
    if kind == "InventoryItem":
        return store.item(int(text)) if text.isdigit() else None
    tables: dict[str, dict[int, Any]] = {
        "Product": store.products,
        "ProductVariant": store.variants,
        "Collection": store.collections,
        "Location": store.locations,
        "MetafieldDefinition": store.definitions,
        "InventoryAdjustmentGroup": store.groups,
        "ProductSetOperation": store.operations,
        "ProductDeleteOperation": store.operations,
    }
    return _numbered(tables[kind], text) if kind in tables else None


def _nodes(_root: Any, info: Info, ids: list[str]) -> list[Any]:
    return [_node(None, info, id=one) for one in ids]


QUERIES: Final[dict[str, Resolver]] = {
    "collection": lambda _r, info, id: of(info).store.collections.get(required_number(id, "Collection")),  # noqa: A006
    "collections": _collections,
    "currentAppInstallation": lambda _r, info: of(info).caller,
    "inventoryItem": lambda _r, info, id: of(info).store.item(required_number(id, "InventoryItem")),  # noqa: A006
    "inventoryItems": _items,
    "inventoryLevel": _level,
    "location": _location,
    "locations": _locations,
    "locationsCount": _locations_count,
    "metafieldDefinitions": _definitions,
    "node": _node,
    "nodes": _nodes,
    "product": _product,
    "productByHandle": _by_handle,
    "productByIdentifier": lambda _r, info, identifier: find_product(of(info), identifier),
    "productOperation": _operation,
    "productVariant": _variant,
    "productVariantByIdentifier": _variant_by,
    "productVariants": _variants,
    "productVariantsCount": _variants_count,
    "products": _products,
    "productsCount": _products_count,
    "publicApiVersions": lambda _r, _i: list(API_VERSIONS),
    "shop": lambda _r, info: of(info).store.shop,
}

MUTATIONS: Final[dict[str, Resolver]] = {
    "inventoryActivate": inventory.activate,
    "inventoryAdjustQuantities": inventory.adjust_quantities,
    "inventoryItemUpdate": inventory.item_update,
    "inventorySetQuantities": inventory.set_quantities,
    "metafieldDefinitionCreate": metafields.definition_create,
    "metafieldsDelete": metafields.metafields_delete,
    "metafieldsSet": metafields.metafields_set,
    "productCreate": products.product_create,
    "productDelete": products.product_delete,
    "productOptionUpdate": options.option_update,
    "productOptionsCreate": options.options_create,
    "productSet": product_set.product_set,
    "productUpdate": products.product_update,
    "productVariantsBulkCreate": variants.bulk_create,
    "productVariantsBulkDelete": variants.bulk_delete,
    "productVariantsBulkUpdate": variants.bulk_update,
    "tagsAdd": products.tags_add,
    "tagsRemove": products.tags_remove,
}

WRITE_PRODUCTS: Final = ("write_products",)
WRITE_INVENTORY: Final = ("write_inventory",)

ROOT_ACCESS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    **{
        ("QueryRoot", name): READ_PRODUCTS
        for name in QUERIES
        if name.startswith(("product", "collection")) or name == "metafieldDefinitions"
    },
    **{("QueryRoot", name): READ_ITEMS for name in ("inventoryItem", "inventoryItems")},
    ("QueryRoot", "inventoryLevel"): READ_INVENTORY,
    **{("QueryRoot", name): FIND_LOCATIONS for name in ("location", "locations", "locationsCount")},
    **{("Mutation", name): WRITE_INVENTORY if name.startswith("inventory") else WRITE_PRODUCTS for name in MUTATIONS},
}

"""Resolvers of inventory items, levels, quantities, adjustment groups and locations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sheets_catalog.sandbox.shopify.context import Info, of
from sheets_catalog.sandbox.shopify.effects import level_gid
from sheets_catalog.sandbox.shopify.lists import by_id
from sheets_catalog.sandbox.shopify.paging import Connection, page
from sheets_catalog.sandbox.shopify.problems import bad_request, invalid_id
from sheets_catalog.sandbox.shopify.reads import READ_INVENTORY, READ_ITEMS, READ_LOCATIONS, READ_PRODUCTS, Resolver
from sheets_catalog.sandbox.shopify.values import gid, number_of
from sheets_catalog.sandbox.shopify.views import CountView, LevelView, QuantityView

if TYPE_CHECKING:
    from sheets_catalog.sandbox.shopify.state import Group, Item, Location, Variant

QUANTITY_NAMES: Final = (
    "available",
    "committed",
    "damaged",
    "incoming",
    "on_hand",
    "quality_control",
    "reserved",
    "safety_stock",
)


def _count(number: int) -> CountView:
    return CountView(number, "EXACT")


def _variant_of(item: Item, info: Info) -> Variant:
    variant = of(info).store.variant_of_item(item.id)
    assert variant is not None, "an inventory item without a variant"
    return variant


def _level(item: Item, info: Info, *, location: str) -> LevelView | None:
    number = number_of(location, "Location")
    if number is None:
        raise invalid_id(location)
    level = item.level(number)
    return LevelView(level, item) if level else None


def _item_levels(item: Item, info: Info, *, query: str | None = None, **arguments: Any) -> Connection:
    if query:
        raise bad_request("The sandbox does not support the argument 'query' of inventoryLevels.")
    views = sorted((LevelView(level, item) for level in item.levels), key=_level_order)
    return page(views, _level_order, arguments)


def _level_order(view: LevelView) -> tuple[Any, int]:
    return view.level.location_id, view.level.location_id


def _location_levels(location: Location, info: Info, **arguments: Any) -> Connection:
    store = of(info).store
    views = [
        LevelView(level, variant.item)
        for variant in store.variants.values()
        for level in variant.item.levels
        if level.location_id == location.id
    ]
    return page(sorted(views, key=_item_order), _item_order, arguments)


def _item_order(view: LevelView) -> tuple[Any, int]:
    return view.item.id, view.item.id


def _location_level(location: Location, info: Info, *, inventoryItemId: str, **_: Any) -> LevelView | None:
    number = number_of(inventoryItemId, "InventoryItem")
    if number is None:
        raise invalid_id(inventoryItemId)
    item = of(info).store.item(number)
    level = item.level(location.id) if item else None
    return LevelView(level, item) if item and level else None


def _quantities(view: LevelView, _info: Info, *, names: list[str]) -> list[QuantityView]:
    unknown = [name for name in names if name not in QUANTITY_NAMES]
    if unknown:
        raise bad_request(f"Invalid inventory quantity name: {', '.join(unknown)}")
    return [QuantityView(view, name) for name in names]


def _quantity_gid(view: QuantityView, info: Info) -> str:
    place = of(info).store.locations[view.view.level.location_id]
    return f"gid://shopify/InventoryQuantity/{place.level_id}?inventory_item_id={view.view.item.id}&name={view.name}"


def _changes(
    group: Group,
    _info: Info,
    inventoryItemIds: list[str] | None = None,
    locationIds: list[str] | None = None,
    quantityNames: list[str] | None = None,
) -> list[Any]:
    return [
        change
        for change in group.changes
        if (inventoryItemIds is None or gid("InventoryItem", change.item_id) in inventoryItemIds)
        and (locationIds is None or gid("Location", change.location_id) in locationIds)
        and (quantityNames is None or change.name in quantityNames)
    ]


_ITEM: Final[dict[str, Resolver]] = {
    "countryCodeOfOrigin": lambda i, _: i.country,
    "createdAt": lambda i, _: i.created_at,
    "duplicateSkuCount": lambda i, info: (
        sum(1 for v in of(info).store.variants.values() if v.item.sku == i.sku and v.item.id != i.id) if i.sku else 0
    ),
    "harmonizedSystemCode": lambda i, _: i.hs_code,
    "id": lambda i, _: gid("InventoryItem", i.id),
    "inventoryLevel": lambda i, info, locationId, **_: _level(i, info, location=locationId),
    "inventoryLevels": _item_levels,
    "legacyResourceId": lambda i, _: i.id,
    "locationsCount": lambda i, _: _count(len(i.levels)),
    "measurement": lambda i, _: i,
    "provinceCodeOfOrigin": lambda i, _: i.province,
    "requiresShipping": lambda i, _: i.requires_shipping,
    "sku": lambda i, _: i.sku,
    "tracked": lambda i, _: i.tracked,
    "trackedEditable": lambda _i, _: {},
    "unitCost": lambda i, _: i.cost,
    "updatedAt": lambda i, _: i.updated_at,
    "variant": _variant_of,
    "variants": lambda i, info, **a: page([_variant_of(i, info)], by_id, a),
}

_LOCATION: Final[dict[str, Resolver]] = {
    "address": lambda place, _: place,
    "createdAt": lambda place, _: place.created_at,
    "fulfillsOnlineOrders": lambda place, _: place.fulfills_online_orders,
    "hasActiveInventory": lambda place, info: any(
        level.location_id == place.id for v in of(info).store.variants.values() for level in v.item.levels
    ),
    "id": lambda place, _: gid("Location", place.id),
    "inventoryLevel": _location_level,
    "inventoryLevels": _location_levels,
    "isActive": lambda place, _: place.active,
    "isFulfillmentService": lambda _place, _: False,
    "legacyResourceId": lambda place, _: place.id,
    "name": lambda place, _: place.name,
    "shipsInventory": lambda place, _: place.ships_inventory,
    "updatedAt": lambda place, _: place.updated_at,
}

_ADDRESS: Final[dict[str, Resolver]] = {
    "address1": lambda place, _: place.address1,
    "address2": lambda _place, _: None,
    "city": lambda place, _: place.city,
    "country": lambda place, _: place.country,
    "countryCode": lambda place, _: place.country_code,
    "formatted": lambda place, _: [
        line for line in (place.address1, f"{place.zip} {place.city}".strip(), place.country) if line
    ],
    "phone": lambda place, _: place.phone,
    "province": lambda place, _: place.province,
    "provinceCode": lambda place, _: place.province_code,
    "zip": lambda place, _: place.zip,
}

RESOLVERS: Final[dict[str, dict[str, Resolver]]] = {
    "InventoryItem": _ITEM,
    "EditableProperty": {"locked": lambda _e, _: False, "reason": lambda _e, _: None},
    "InventoryItemMeasurement": {
        "id": lambda i, _: gid("InventoryItemMeasurement", i.id),
        "weight": lambda i, _: i,
    },
    "Weight": {"unit": lambda i, _: i.weight_unit, "value": lambda i, _: i.weight},
    "InventoryLevel": {
        "canDeactivate": lambda v, _: v.level.on_hand == 0 and v.level.incoming == 0,
        "createdAt": lambda v, _: v.level.created_at,
        "id": lambda v, info: level_gid(of(info).store.locations[v.level.location_id], v.item.id),
        "isActive": lambda _v, _: True,
        "item": lambda v, _: v.item,
        "location": lambda v, info: of(info).store.locations[v.level.location_id],
        "quantities": _quantities,
        "updatedAt": lambda v, _: v.level.updated_at,
    },
    "InventoryQuantity": {
        "id": _quantity_gid,
        "name": lambda q, _: q.name,
        "quantity": lambda q, _: getattr(q.view.level, q.name),
        "updatedAt": lambda q, _: None if q.name == "on_hand" else q.view.level.updated_at,
    },
    "InventoryAdjustmentGroup": {
        "app": lambda g, _: g.app,
        "changes": _changes,
        "createdAt": lambda g, _: g.created_at,
        "id": lambda g, _: gid("InventoryAdjustmentGroup", g.id),
        "reason": lambda g, _: g.reason,
        "referenceDocumentUri": lambda g, _: g.reference,
    },
    "InventoryChange": {
        "delta": lambda c, _: c.delta,
        "item": lambda c, info: of(info).store.item(c.item_id),
        "ledgerDocumentUri": lambda c, _: c.ledger_document,
        "location": lambda c, info: of(info).store.locations.get(c.location_id),
        "name": lambda c, _: c.name,
        "quantityAfterChange": lambda _c, _: None,  # recorded: null in the answer of the mutation itself
    },
    "Location": _LOCATION,
    "LocationAddress": _ADDRESS,
}

ACCESS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    **{("Location", name): READ_LOCATIONS for name in _LOCATION if name not in {"id", "legacyResourceId"}},
    **{
        ("InventoryItem", name): READ_INVENTORY
        for name in ("inventoryLevel", "inventoryLevels", "duplicateSkuCount", "locationsCount")
    },
    ("ProductVariant", "inventoryItem"): READ_ITEMS,
    ("InventoryItem", "variant"): READ_PRODUCTS,
    ("InventoryItem", "variants"): READ_PRODUCTS,
}

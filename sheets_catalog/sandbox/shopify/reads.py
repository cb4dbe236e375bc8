"""Resolvers of the output types, one plain function per field.

`RESOLVERS[type][field]` takes `(source, info, **arguments)`. `ACCESS` says which scopes a field needs (one of them),
after `requiredAccess` in the published schema.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sheets_catalog.sandbox.shopify import taxonomy
from sheets_catalog.sandbox.shopify.context import Context, Info, app_number, of
from sheets_catalog.sandbox.shopify.lists import (
    collection_page,
    media_order,
    metafield_order,
    product_page,
    variant_page,
)
from sheets_catalog.sandbox.shopify.paging import Connection, encode_cursor, page
from sheets_catalog.sandbox.shopify.state import (
    Collection,
    Definition,
    Media,
    Metafield,
    Operation,
    Product,
    Variant,
)
from sheets_catalog.sandbox.shopify.values import gid, money, number_of, plain_text, shortened
from sheets_catalog.sandbox.shopify.views import (
    CountView,
    ImageView,
    MetafieldView,
    RangeView,
    SeoView,
    option_views,
    selected_views,
    value_views,
)

if TYPE_CHECKING:
    from datetime import datetime

Resolver = Callable[..., Any]

UNIQUE_TYPES: Final = frozenset({"id", "single_line_text_field", "number_integer", "url"})
"""Metafield types that a definition may declare unique."""

READ_PRODUCTS: Final = ("read_products",)
READ_INVENTORY: Final = ("read_inventory",)
READ_ITEMS: Final = ("read_inventory", "read_products")
READ_LOCATIONS: Final = ("read_locations",)
FIND_LOCATIONS: Final = ("read_locations", "read_inventory")


def _count(number: int) -> CountView:
    return CountView(number, "EXACT")


def _product_of(variant: Variant, info: Info) -> Product:
    return of(info).store.home(variant)


def _price_range(product: Product) -> RangeView:
    prices = sorted(Decimal(variant.price) for variant in product.variants) or [Decimal(0)]
    return RangeView(money(prices[0]), money(prices[-1]))


def amount(text: str) -> str:
    """A `Decimal` inside MoneyV2 as the real API prints it: no trailing zeros, but one decimal at least."""
    whole, _, places = text.partition(".")
    return f"{whole}.{places.rstrip('0') or '0'}"


def _metafield(owner: Any, info: Info, key: str, namespace: str | None = None) -> MetafieldView | None:
    if namespace is None and "." in key:
        namespace, key = key.rsplit(".", 1)
    wanted = (of(info).namespace(namespace), key)
    found = next((one for one in owner.metafields if (one.namespace, one.key) == wanted), None)
    return MetafieldView(found, owner) if found else None


def _metafields(
    owner: Any, info: Info, *, namespace: str | None = None, keys: list[str] | None = None, **arguments: Any
) -> Connection:
    context = of(info)
    fields = owner.metafields
    if namespace is not None:
        fields = tuple(one for one in fields if one.namespace == context.namespace(namespace))
    if keys is not None:
        wanted = {_split_key(context, key) for key in keys}
        fields = tuple(one for one in fields if (one.namespace, one.key) in wanted)
    views = sorted((MetafieldView(one, owner) for one in fields), key=metafield_order)
    return page(views, metafield_order, arguments)


def _split_key(context: Context, key: str) -> tuple[str, str]:
    namespace, _, name = key.rpartition(".")
    return context.namespace(namespace or None), name


def _variants(product: Product, info: Info, **arguments: Any) -> Connection:
    single = info.path.prev is not None and info.path.prev.prev is None  # `product(id:) { variants }` only
    return variant_page(of(info), product.variants, info, arguments, limit=2048 if single else 250)


def _media_page(media: tuple[Media, ...], arguments: dict[str, Any]) -> Connection:
    return page(sorted(media, key=media_order), media_order, arguments)


def _image_page(product: Product, _info: Info, **arguments: Any) -> Connection:
    images = [_image(one) for one in sorted(product.media, key=media_order)]
    return page(images, lambda image: (image.number, image.number), arguments)


def _image(media: Media) -> ImageView:
    return ImageView(media.id, media.url, media.alt)


def _variant_media(variant: Variant, info: Info) -> tuple[Media, ...]:
    media = {one.id: one for one in _product_of(variant, info).media}
    return tuple(media[number] for number in variant.media_ids if number in media)


def _sellable(variant: Variant, info: Info) -> int:
    places = of(info).store.locations
    return sum(level.available for level in variant.item.levels if places[level.location_id].fulfills_online_orders)


def _json_value(view: MetafieldView, _info: Info) -> Any:
    kind = view.field.type
    if kind in _TEXT_TYPES or kind.endswith("_reference") or kind in {"date", "date_time", "id", "url", "color"}:
        return view.field.value
    try:
        return json.loads(view.field.value)
    except ValueError:
        return view.field.value


_TEXT_TYPES: Final = frozenset({"single_line_text_field", "multi_line_text_field", "number_decimal", "language"})


def owner_kind(owner: Any) -> str:
    """The GraphQL type of a metafield's owner."""
    if isinstance(owner, Product):
        return "Product"
    return "ProductVariant" if isinstance(owner, Variant) else "Collection"


def _collection_products(collection: Collection, info: Info, **arguments: Any) -> Connection:
    context = of(info)
    rows = [context.store.products[number] for number in collection.product_ids]
    return product_page(context, rows, info, arguments | {"sortKey": "ID"})


def _operation_product(operation: Operation, info: Info) -> Product | None:
    return of(info).store.products.get(operation.product_id or 0)


def _offset_minutes(info: Info) -> int:
    context = of(info)
    moment: datetime = context.world.clock.now().astimezone(ZoneInfo(context.store.shop.timezone))
    offset = moment.utcoffset()
    return int(offset.total_seconds() // 60) if offset else 0


def _offset(info: Info) -> str:
    minutes = _offset_minutes(info)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def _abbreviation(info: Info) -> str:
    context = of(info)
    return context.world.clock.now().astimezone(ZoneInfo(context.store.shop.timezone)).strftime("%Z")


def _error(field: str) -> Resolver:
    return lambda error, _info: error.get(field)


def _payload(field: str) -> Resolver:
    return lambda payload, _info: payload.get(field)


_SHOP: Final[dict[str, Resolver]] = {
    "contactEmail": lambda s, _: s.email,
    "createdAt": lambda s, _: s.created_at,
    "currencyCode": lambda s, _: s.currency,
    "email": lambda s, _: s.email,
    "ianaTimezone": lambda s, _: s.timezone,
    "id": lambda s, _: gid("Shop", s.id),
    "myshopifyDomain": lambda s, _: s.domain,
    "name": lambda s, _: s.name,
    "plan": lambda s, _: s,
    "resourceLimits": lambda s, _: s,
    "taxesIncluded": lambda s, _: s.taxes_included,
    "timezoneAbbreviation": lambda _s, info: _abbreviation(info),
    "timezoneOffset": lambda _s, info: _offset(info),
    "timezoneOffsetMinutes": lambda _s, info: _offset_minutes(info),
    "unitSystem": lambda s, _: "METRIC_SYSTEM" if s.weight_unit in {"KILOGRAMS", "GRAMS"} else "IMPERIAL_SYSTEM",
    "updatedAt": lambda s, _: s.created_at,
    "url": lambda s, _: f"https://{s.domain}",
    "weightUnit": lambda s, _: s.weight_unit,
}

_PRODUCT: Final[dict[str, Resolver]] = {
    "bodyHtml": lambda p, _: p.description_html,
    "category": lambda p, _: taxonomy.find(p.category) if p.category else None,
    "collections": lambda p, info, **a: collection_page(of(info), list(of(info).store.collections_of(p.id)), info, a),
    "createdAt": lambda p, _: p.created_at,
    "defaultCursor": lambda p, _: encode_cursor(p.id, p.id),
    "description": lambda p, _, truncateAt=None: shortened(plain_text(p.description_html), truncateAt),
    "descriptionHtml": lambda p, _: p.description_html,
    "featuredImage": lambda p, _: _image(p.media[0]) if p.media else None,
    "featuredMedia": lambda p, _: p.media[0] if p.media else None,
    "handle": lambda p, _: p.handle,
    "hasOnlyDefaultVariant": lambda p, _: p.only_default_variant,
    "hasOutOfStockVariants": lambda p, _: any(v.item.tracked and v.stock <= 0 for v in p.variants),
    "id": lambda p, _: gid("Product", p.id),
    "images": _image_page,
    "inCollection": lambda p, info, id: any(  # noqa: A006
        one.id == number_of(id, "Collection") for one in of(info).store.collections_of(p.id)
    ),
    "isGiftCard": lambda p, _: p.gift_card,
    "legacyResourceId": lambda p, _: p.id,
    "media": lambda p, _, **a: _media_page(p.media, a),
    "mediaCount": lambda p, _: _count(len(p.media)),
    "metafield": _metafield,
    "metafields": _metafields,
    "onlineStoreUrl": lambda p, info: (
        f"https://{of(info).store.shop.domain}/products/{p.handle}" if p.published_at and p.status == "ACTIVE" else None
    ),
    "options": lambda p, _, first=None: option_views(p)[:first],
    "priceRange": lambda p, _: _price_range(p),
    "priceRangeV2": lambda p, _: _price_range(p),
    "productType": lambda p, _: p.product_type,
    "publishedAt": lambda p, _: p.published_at,
    "requiresSellingPlan": lambda p, _: p.requires_selling_plan,
    "seo": lambda p, _: SeoView(p.seo_title, p.seo_description),
    "status": lambda p, _: p.status,
    "tags": lambda p, _: p.tags,
    "templateSuffix": lambda p, _: p.template_suffix,
    "title": lambda p, _: p.title,
    "totalInventory": lambda p, _: sum(v.stock for v in p.variants if v.item.tracked),
    "totalVariants": lambda p, _: len(p.variants),
    "tracksInventory": lambda p, _: any(v.item.tracked for v in p.variants),
    "updatedAt": lambda p, _: p.updated_at,
    "variants": _variants,
    "variantsCount": lambda p, _: _count(len(p.variants)),
    "vendor": lambda p, _: p.vendor,
}

_VARIANT: Final[dict[str, Resolver]] = {
    "availableForSale": lambda v, _: not v.item.tracked or v.stock > 0 or v.inventory_policy == "CONTINUE",
    "barcode": lambda v, _: v.barcode,
    "compareAtPrice": lambda v, _: v.compare_at_price,
    "createdAt": lambda v, _: v.created_at,
    "defaultCursor": lambda v, _: encode_cursor(v.id, v.id),
    "displayName": lambda v, info: f"{_product_of(v, info).title} - {v.title}",
    "id": lambda v, _: gid("ProductVariant", v.id),
    "image": lambda v, info: next((_image(one) for one in _variant_media(v, info)), None),
    "inventoryItem": lambda v, _: v.item,
    "inventoryPolicy": lambda v, _: v.inventory_policy,
    "inventoryQuantity": lambda v, _: v.stock,
    "legacyResourceId": lambda v, _: v.id,
    "media": lambda v, info, **a: _media_page(_variant_media(v, info), a),
    "metafield": _metafield,
    "metafields": _metafields,
    "position": lambda v, _: v.position,
    "price": lambda v, _: v.price,
    "product": _product_of,
    "requiresComponents": lambda _v, _: False,
    "selectedOptions": lambda v, info: selected_views(_product_of(v, info), v),
    "sellableOnlineQuantity": _sellable,
    "showUnitPrice": lambda _v, _: False,
    "sku": lambda v, _: v.item.sku,
    "taxCode": lambda v, _: v.tax_code,
    "taxable": lambda v, _: v.taxable,
    "title": lambda v, _: v.title,
    "updatedAt": lambda v, _: v.updated_at,
}


def _metafields_count(definition: Definition, info: Info) -> int:
    store = of(info).store
    tables: dict[str, Any] = {
        "PRODUCT": store.products,
        "PRODUCTVARIANT": store.variants,
        "COLLECTION": store.collections,
    }
    wanted = (definition.namespace, definition.key)
    owners = tables.get(definition.owner_type, {}).values()
    return sum(1 for owner in owners for one in owner.metafields if (one.namespace, one.key) == wanted)


_METAFIELD: Final[dict[str, Resolver]] = {
    "compareDigest": lambda m, _: digest_of(m.field),
    "createdAt": lambda m, _: m.field.created_at,
    "definition": lambda m, info: of(info).store.definition(
        owner_kind(m.owner).upper(), m.field.namespace, m.field.key
    ),
    "id": lambda m, _: gid("Metafield", m.field.id),
    "jsonValue": _json_value,
    "key": lambda m, _: m.field.key,
    "legacyResourceId": lambda m, _: m.field.id,
    "namespace": lambda m, _: m.field.namespace,
    "owner": lambda m, _: m.owner,
    "ownerType": lambda m, _: owner_kind(m.owner).upper(),
    "sizeInBytes": lambda m, _: len(m.field.value.encode()),
    "type": lambda m, _: m.field.type,
    "updatedAt": lambda m, _: m.field.updated_at,
    "value": lambda m, _: m.field.value,
}

_DEFINITION: Final[dict[str, Resolver]] = {
    "capabilities": lambda d, _: d,
    "description": lambda d, _: d.description,
    "id": lambda d, _: gid("MetafieldDefinition", d.id),
    "key": lambda d, _: d.key,
    "metafieldsCount": _metafields_count,
    "name": lambda d, _: d.name,
    "namespace": lambda d, _: d.namespace,
    "ownerType": lambda d, _: d.owner_type,
    "pinnedPosition": lambda _d, _: None,
    "type": lambda d, _: d,
}

_COLLECTION: Final[dict[str, Resolver]] = {
    "description": lambda c, _, truncateAt=None: shortened(plain_text(c.description_html), truncateAt),
    "descriptionHtml": lambda c, _: c.description_html,
    "handle": lambda c, _: c.handle,
    "hasProduct": lambda c, _, id: number_of(id, "Product") in c.product_ids,  # noqa: A006
    "id": lambda c, _: gid("Collection", c.id),
    "legacyResourceId": lambda c, _: c.id,
    "metafield": _metafield,
    "metafields": _metafields,
    "products": _collection_products,
    "productsCount": lambda c, _: _count(len(c.product_ids)),
    "seo": lambda _c, _: SeoView(None, None),
    "sortOrder": lambda c, _: c.sort_order,
    "templateSuffix": lambda _c, _: None,
    "title": lambda c, _: c.title,
    "updatedAt": lambda c, _: c.updated_at,
}

_MEDIA_IMAGE: Final[dict[str, Resolver]] = {
    "alt": lambda m, _: m.alt,
    "createdAt": lambda m, _: m.created_at,
    "fileStatus": lambda _m, _: "READY",
    "id": lambda m, _: gid("MediaImage", m.id),
    "image": lambda m, _: _image(m),
    "mediaContentType": lambda _m, _: "IMAGE",
    "preview": lambda m, _: m,
    "status": lambda _m, _: "READY",
    "updatedAt": lambda m, _: m.created_at,
}

_MONEY_RANGE: Final[dict[str, Resolver]] = {
    "maxVariantPrice": lambda r, _: r.highest,
    "minVariantPrice": lambda r, _: r.lowest,
}

_OPERATION: Final[dict[str, Resolver]] = {
    "deletedProductId": lambda o, _: (
        gid("Product", o.product_id) if o.status == "COMPLETE" and o.product_id and not o.errors else None
    ),
    "id": lambda o, _: gid(o.kind, o.id),
    "product": _operation_product,
    "status": lambda o, _: o.status,
    "userErrors": lambda o, _: o.errors,
}


def digest_of(field: Metafield) -> str:
    """`compareDigest`: changes with the value."""
    return hashlib.sha256(f"{field.type}\x00{field.value}".encode()).hexdigest()


RESOLVERS: Final[dict[str, dict[str, Resolver]]] = {
    "Shop": _SHOP,
    "ShopPlan": {
        "partnerDevelopment": lambda s, _: s.development,
        "publicDisplayName": lambda s, _: s.plan,
        "shopifyPlus": lambda s, _: s.plus,
    },
    "ShopResourceLimits": {
        "locationLimit": lambda s, _: s.location_limit,
        "maxProductOptions": lambda s, _: s.option_limit,
        "maxProductVariants": lambda s, _: s.variant_limit,
        "redirectLimitReached": lambda _s, _: False,
    },
    "ApiVersion": {
        "displayName": lambda v, _: v["displayName"],
        "handle": lambda v, _: v["handle"],
        "supported": lambda v, _: v["supported"],
    },
    "AppInstallation": {
        "accessScopes": lambda caller, _: sorted(caller.scopes),
        "app": lambda caller, _: caller.app,
        "id": lambda caller, _: gid("AppInstallation", app_number(caller.app) + 1),
    },
    "AccessScope": {
        "description": lambda scope, _: scope.replace("_", " ").capitalize(),
        "handle": lambda scope, _: scope,
    },
    "App": {
        "apiKey": lambda app, _: f"{app_number(app):032x}",
        "handle": lambda app, _: app,
        "id": lambda app, _: gid("App", app_number(app)),
        "title": lambda app, _: app,
    },
    "Product": _PRODUCT,
    "ProductVariant": _VARIANT,
    "SelectedOption": {
        "name": lambda s, _: s.name,
        "optionValue": lambda s, _: (s.value, True),
        "value": lambda s, _: s.value.name,
    },
    "ProductOption": {
        "id": lambda o, _: gid("ProductOption", o.product.options[o.place].id),
        "name": lambda o, _: o.product.options[o.place].name,
        "optionValues": lambda o, _: value_views(o),
        "position": lambda o, _: o.place + 1,
        "values": lambda o, _: [view.value.name for view in value_views(o) if view.used],
    },
    "ProductOptionValue": {
        "hasVariants": lambda v, _: v[1],
        "id": lambda v, _: gid("ProductOptionValue", v[0].id),
        "name": lambda v, _: v[0].name,
    },
    "ProductPriceRange": _MONEY_RANGE,
    "ProductPriceRangeV2": _MONEY_RANGE,
    "MoneyV2": {
        "amount": lambda text, _: amount(text),
        "currencyCode": lambda _text, info: of(info).store.shop.currency,
    },
    "SEO": {"description": lambda s, _: s.description, "title": lambda s, _: s.title},
    "TaxonomyCategory": {
        "fullName": lambda c, _: c.full_name,
        "id": lambda c, _: gid("TaxonomyCategory", c.code),
        "isArchived": lambda _c, _: False,
        "isLeaf": lambda c, _: c.leaf,
        "isRoot": lambda c, _: c.parent is None,
        "level": lambda c, _: c.level,
        "name": lambda c, _: c.name,
        "parentId": lambda c, _: gid("TaxonomyCategory", c.parent) if c.parent else None,
    },
    "Image": {
        "altText": lambda i, _: i.alt,
        "height": lambda _i, _: None,
        "id": lambda i, _: gid("ImageSource", i.number),
        "url": lambda i, _: i.url,
        "width": lambda _i, _: None,
    },
    "MediaImage": _MEDIA_IMAGE,
    "MediaPreviewImage": {"image": lambda m, _: _image(m), "status": lambda _m, _: "READY"},
    "Count": {"count": lambda c, _: c.number, "precision": lambda c, _: c.precision},
    "PageInfo": {
        "endCursor": lambda c, _: c.cursor(c.nodes[-1]) if c.nodes else None,
        "hasNextPage": lambda c, _: c.has_next,
        "hasPreviousPage": lambda c, _: c.has_previous,
        "startCursor": lambda c, _: c.cursor(c.nodes[0]) if c.nodes else None,
    },
    "Metafield": _METAFIELD,
    "MetafieldDefinition": _DEFINITION,
    "MetafieldDefinitionType": {
        "category": lambda d, _: d.type.split("_")[0].upper(),
        "name": lambda d, _: d.type,
    },
    "MetafieldCapabilities": {"uniqueValues": lambda d, _: d},
    "MetafieldCapabilityUniqueValues": {
        "eligible": lambda d, _: d.type in UNIQUE_TYPES,
        "enabled": lambda d, _: d.unique,
    },
    "MetafieldIdentifier": {
        "key": lambda m, _: m["key"],
        "namespace": lambda m, _: m["namespace"],
        "ownerId": lambda m, _: m["ownerId"],
    },
    "Collection": _COLLECTION,
    "ProductSetOperation": {name: _OPERATION[name] for name in ("id", "product", "status", "userErrors")},
    "ProductDeleteOperation": _OPERATION,
}

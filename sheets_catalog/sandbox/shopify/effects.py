"""The difference between two states of a product, as ledger lines, and the timestamps that follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.values import gid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sheets_catalog.sandbox.shopify.state import Item, Level, Location, Metafield, Product, Store, Variant


class Effect(NamedTuple):
    """One changed product, variant, inventory level or metafield."""

    target: str
    kind: str
    fields: dict[str, Any]
    context: dict[str, Any]


def effects(before: Product | None, after: Product | None, store: Store) -> Iterator[Effect]:
    """What changed, outermost first. Timestamps are not effects: nothing changed, nothing answered."""
    yield from _compared("Product", before, after, _product_fields, {})
    owner = after or before
    if owner is None:
        return
    context = {"product": gid("Product", owner.id)}
    yield from _metafields(before, after, "Product")
    old = {variant.id: variant for variant in before.variants} if before else {}
    new = {variant.id: variant for variant in after.variants} if after else {}
    for number in [*new, *(number for number in old if number not in new)]:
        if old.get(number) is not new.get(number):
            yield from _variant_effects(old.get(number), new.get(number), context, store)


def _variant_effects(
    before: Variant | None, after: Variant | None, context: dict[str, Any], store: Store
) -> Iterator[Effect]:
    yield from _compared("ProductVariant", before, after, _variant_fields, context)
    variant = after or before
    assert variant is not None
    below = context | {"variant": gid("ProductVariant", variant.id)}
    yield from _metafields(before, after, "ProductVariant")
    old = {level.location_id: level for level in before.item.levels} if before else {}
    new = {level.location_id: level for level in after.item.levels} if after else {}
    for place in [*new, *(place for place in old if place not in new)]:
        target = level_gid(store.locations[place], variant.item.id)
        where = below | {"item": gid("InventoryItem", variant.item.id), "location": gid("Location", place)}
        effect = _difference(target, old.get(place), new.get(place), _level_fields, where)
        if effect is not None:
            yield effect


def _metafields(before: Product | Variant | None, after: Product | Variant | None, kind: str) -> Iterator[Effect]:
    old = {field.id: field for field in before.metafields} if before else {}
    new = {field.id: field for field in after.metafields} if after else {}
    owner = after or before
    assert owner is not None
    for number in [*new, *(number for number in old if number not in new)]:
        field = new.get(number) or old[number]
        context = {"owner": gid(kind, owner.id), "namespace": field.namespace, "key": field.key}
        effect = _difference(gid("Metafield", number), old.get(number), new.get(number), _metafield_fields, context)
        if effect is not None:
            yield effect


def _compared(kind: str, before: Any, after: Any, fields: Any, context: dict[str, Any]) -> Iterator[Effect]:
    either = after or before
    effect = _difference(gid(kind, either.id), before, after, fields, context) if either else None
    if effect is not None:
        yield effect


def _difference(target: str, before: Any, after: Any, fields: Any, context: dict[str, Any]) -> Effect | None:
    old = fields(before) if before is not None else {}
    new = fields(after) if after is not None else {}
    changed = {
        name: {"before": old.get(name), "after": new.get(name)}
        for name in (new or old)
        if old.get(name) != new.get(name)
    }
    if before is None:
        return Effect(target, "create", changed, context)
    if after is None:
        return Effect(target, "delete", changed, context)
    return Effect(target, "update", changed, context) if changed else None


def _product_fields(product: Product) -> dict[str, Any]:
    return {
        "handle": product.handle,
        "title": product.title,
        "descriptionHtml": product.description_html,
        "vendor": product.vendor,
        "productType": product.product_type,
        "status": product.status,
        "tags": list(product.tags),
        "category": product.category,
        "seo.title": product.seo_title,
        "seo.description": product.seo_description,
        "templateSuffix": product.template_suffix,
        "isGiftCard": product.gift_card,
        "requiresSellingPlan": product.requires_selling_plan,
        "options": [{"name": one.name, "values": [value.name for value in one.values]} for one in product.options],
        "media": [{"url": one.url, "alt": one.alt} for one in product.media],
        "variants": [gid("ProductVariant", variant.id) for variant in product.variants],
    }


def _variant_fields(variant: Variant) -> dict[str, Any]:
    item = variant.item
    return {
        "title": variant.title,
        "position": variant.position,
        "price": variant.price,
        "compareAtPrice": variant.compare_at_price,
        "barcode": variant.barcode,
        "inventoryPolicy": variant.inventory_policy,
        "taxable": variant.taxable,
        "taxCode": variant.tax_code,
        "media": [gid("MediaImage", number) for number in variant.media_ids],
        "sku": item.sku,
        "tracked": item.tracked,
        "cost": item.cost,
        "requiresShipping": item.requires_shipping,
        "countryCodeOfOrigin": item.country,
        "provinceCodeOfOrigin": item.province,
        "harmonizedSystemCode": item.hs_code,
        "weight": {"value": item.weight, "unit": item.weight_unit},
    }


def _level_fields(level: Level) -> dict[str, Any]:
    return {
        name: getattr(level, name)
        for name in (
            "available",
            "on_hand",
            "incoming",
            "committed",
            "reserved",
            "damaged",
            "safety_stock",
            "quality_control",
        )
    }


def _metafield_fields(field: Metafield) -> dict[str, Any]:
    return {"type": field.type, "value": field.value}


def level_gid(location: Location, item_id: int) -> str:
    """`gid://shopify/InventoryLevel/<number of the location>?inventory_item_id=<item>`: the form of the real API."""
    return f"gid://shopify/InventoryLevel/{location.level_id}?inventory_item_id={item_id}"


def stamped(before: Product | None, after: Product, now: str) -> Product:
    """`after` with `updated_at` moved on everything that changed and on everything above it.

    A product also moves when only its stock changed (documented on `Product.updatedAt`).
    """
    if before is None:
        return after
    old = {variant.id: variant for variant in before.variants}
    variants = tuple(_stamped_variant(old.get(variant.id), variant, now) for variant in after.variants)
    moved = replace(after, variants=variants, metafields=_stamped_all(before.metafields, after.metafields, now))
    return moved if moved == before else replace(moved, updated_at=now)


def _stamped_variant(before: Variant | None, after: Variant, now: str) -> Variant:
    if before is None or before == after:
        return after
    item = _stamped_item(before.item, after.item, now)
    metafields = _stamped_all(before.metafields, after.metafields, now)
    return replace(after, item=item, metafields=metafields, updated_at=now)


def _stamped_item(before: Item, after: Item, now: str) -> Item:
    if before == after:
        return after
    old = {level.location_id: level for level in before.levels}
    levels = tuple(
        level if old.get(level.location_id, level) == level else replace(level, updated_at=now)
        for level in after.levels
    )
    return replace(after, levels=levels, updated_at=now)


def _stamped_all(before: Sequence[Metafield], after: Sequence[Metafield], now: str) -> tuple[Metafield, ...]:
    old = {field.id: field for field in before}
    return tuple(field if old.get(field.id, field) == field else replace(field, updated_at=now) for field in after)

"""Puts a catalogue into a shop, without ledger lines: it was there before anybody looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.state import (
    Collection,
    Definition,
    Item,
    Level,
    Location,
    Media,
    Metafield,
    Option,
    OptionValue,
    Product,
    Store,
    Variant,
)
from sheets_catalog.sandbox.shopify.values import handle_of, tidy_tags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sheets_catalog.sandbox.catalogues.draft import (
        Catalogue,
        DraftMetafield,
        DraftProduct,
        DraftVariant,
    )


def plant(catalogue: Catalogue, store: Store, now: str) -> None:
    """Fill an empty store. now: the time that everything was made at."""
    store.shop = replace(store.shop, currency=catalogue.currency)
    places: dict[str, int] = {}
    for draft in catalogue.locations:
        place = Location(
            id=store.next_id("Location"),
            name=draft.name,
            level_id=store.next_id("InventoryLevel"),
            created_at=now,
            updated_at=now,
            active=draft.active,
            address1=draft.address1,
            city=draft.city,
            zip=draft.zip,
            country=draft.country,
            country_code=draft.country_code,
        )
        store.locations[place.id] = place
        places[place.name] = place.id
    for one in catalogue.definitions:
        number = store.next_id("MetafieldDefinition")
        store.definitions[number] = Definition(
            number, one.namespace, one.key, one.owner_type, one.name, one.type, unique=one.unique
        )
    members: dict[str, list[int]] = {}
    for product in catalogue.products:
        planted = _product(store, product, places, now)
        store.put(planted)
        for title in product.collections:
            members.setdefault(title, []).append(planted.id)
    _collections(store, members, now)


def _collections(store: Store, members: dict[str, list[int]], now: str) -> None:
    for title, numbers in members.items():
        collection = Collection(
            id=store.next_id("Collection"),
            handle=handle_of(title),
            title=title,
            updated_at=now,
            product_ids=tuple(numbers),
        )
        store.collections[collection.id] = collection


def _product(store: Store, draft: DraftProduct, places: dict[str, int], now: str) -> Product:
    number = store.next_id("Product")
    media = tuple(Media(store.next_id("MediaImage"), image.url, image.alt, now) for image in draft.images)
    return Product(
        id=number,
        handle=store.free_handle(draft.handle or draft.title),
        title=draft.title,
        created_at=now,
        updated_at=now,
        description_html=draft.body,
        vendor=draft.vendor or store.shop.name,
        product_type=draft.product_type,
        status=draft.status,
        tags=tidy_tags(list(draft.tags)),
        category=draft.category,
        seo_title=draft.seo_title,
        seo_description=draft.seo_description,
        gift_card=draft.gift_card,
        published_at=now if draft.published else None,
        options=tuple(_option(store, draft, place) for place in range(len(draft.options))),
        variants=tuple(
            _variant(store, number, position, variant, media, places, now)
            for position, variant in enumerate(draft.variants, 1)
        ),
        media=media,
        metafields=_metafields(store, draft.metafields, now),
    )


def _option(store: Store, draft: DraftProduct, place: int) -> Option:
    names = dict.fromkeys(variant.selected[place] for variant in draft.variants)
    values = tuple(OptionValue(store.next_id("ProductOptionValue"), name) for name in names)
    return Option(store.next_id("ProductOption"), draft.options[place], values)


def _variant(
    store: Store,
    product_id: int,
    position: int,
    draft: DraftVariant,
    media: tuple[Media, ...],
    places: dict[str, int],
    now: str,
) -> Variant:
    stock = dict(draft.stock) or dict.fromkeys(list(places)[:1], 0)
    item = Item(
        id=store.next_id("InventoryItem"),
        created_at=now,
        updated_at=now,
        sku=draft.sku,
        tracked=draft.tracked,
        cost=draft.cost,
        requires_shipping=draft.requires_shipping,
        weight=draft.weight,
        weight_unit=draft.weight_unit,
        levels=tuple(Level(places[name], quantity, now, now) for name, quantity in stock.items()),
    )
    return Variant(
        id=store.next_id("ProductVariant"),
        product_id=product_id,
        position=position,
        selected=draft.selected,
        item=item,
        created_at=now,
        updated_at=now,
        price=draft.price,
        compare_at_price=draft.compare_at_price,
        barcode=draft.barcode,
        inventory_policy=draft.inventory_policy,
        taxable=draft.taxable,
        tax_code=draft.tax_code,
        media_ids=tuple(one.id for one in media if draft.image and one.url == draft.image),
        metafields=_metafields(store, draft.metafields, now),
    )


def _metafields(store: Store, drafts: Iterable[DraftMetafield], now: str) -> tuple[Metafield, ...]:
    return tuple(
        Metafield(store.next_id("Metafield"), one.namespace, one.key, one.type, one.value, now, now) for one in drafts
    )

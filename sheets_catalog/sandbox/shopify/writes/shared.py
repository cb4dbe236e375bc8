"""What the mutations have in common: user errors, ids in inputs, and the fields of products and inventory items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify import taxonomy
from sheets_catalog.sandbox.shopify.effects import Effect
from sheets_catalog.sandbox.shopify.problems import invalid_id
from sheets_catalog.sandbox.shopify.state import (
    Collection,
    Item,
    Level,
    Media,
    Option,
    OptionValue,
    Product,
    Store,
)
from sheets_catalog.sandbox.shopify.values import (
    MONEY_CEILING,
    decimal_of,
    gid,
    handle_of,
    money,
    number_of,
    split_gid,
    tidy_tags,
)

if TYPE_CHECKING:
    from sheets_catalog.sandbox.shopify.context import Context

Input = Mapping[str, Any]
Path = tuple[str, ...]
Error = dict[str, Any]

TEXT_LIMIT: Final = 255
"""Characters in titles, handles, vendors, product types, SKUs (recorded answers)."""


def user_error(path: Sequence[str | int] | None, message: str, code: str | None = None, **more: Any) -> Error:
    """One user error; indexes in the path are strings, as the real API sends them."""
    field = None if path is None else [str(step) for step in path]
    return {"field": field, "message": message, "code": code, **more}


def in_order(errors: Iterable[Error]) -> list[Error]:
    """User errors sorted by field and code: the order in which the variant mutations answer them."""
    return sorted(errors, key=lambda error: (error["field"] or [], error["code"] or ""))


def required_number(text: str, kind: str) -> int:
    """The number in an id that must be of this kind; raises RESOURCE_NOT_FOUND for any other."""
    number = number_of(text, kind)
    if number is None:
        raise invalid_id(text)
    return number


def too_long(name: str, value: Any) -> str | None:
    """The message when a text is above the limit."""
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        return f"{name} is too long (maximum is {TEXT_LIMIT} characters)"
    return None


def product_problems(entry: Input, *, creating: bool) -> list[tuple[str, str]]:
    """`(field, message)` for what is wrong with the plain fields of a product input."""
    found: list[tuple[str, str]] = []
    if (creating and not str(entry.get("title") or "").strip()) or ("title" in entry and not _said(entry["title"])):
        found.append(("title", "Title can't be blank"))
    for field, name in (("title", "Title"), ("handle", "Handle"), ("vendor", "Vendor")):
        message = too_long(name, entry.get(field))
        if message:
            found.append((field, message))
    if too_long("", entry.get("productType")):
        for field, name in (("productType", "Product type"), ("customProductType", "Custom product type")):
            found.append((field, f"{name} is too long (maximum is {TEXT_LIMIT} characters)"))
    if any(len(tag) > TEXT_LIMIT for tag in entry.get("tags") or ()):
        found.append(("tags", f"Product tags is too long (maximum is {TEXT_LIMIT} characters)"))
    if entry.get("category") and _category(entry["category"]) is None:
        found.append(("category", "Product taxonomy node does not exist"))
    return found


def _said(text: Any) -> bool:
    return isinstance(text, str) and bool(text.strip())


def _category(text: str) -> str | None:
    parts = split_gid(text)
    if parts is None or parts[0] != "TaxonomyCategory" or taxonomy.find(parts[1]) is None:
        return None
    return parts[1]


def handle_taken(store: Store, entry: Input, owner: int | None) -> str | None:
    """The message when an explicit handle belongs to another product."""
    raw = entry.get("handle")
    wanted = handle_of(raw or "")
    if not wanted or store.handles.get(wanted, owner) == owner:
        return None
    return f"Handle '{raw}' already in use. Please provide a new handle."


def with_fields(context: Context, product: Product, entry: Input) -> Product:
    """The product with the plain fields of a checked input. What is not in the input stays as it is."""
    store = context.store
    changes: dict[str, Any] = {}
    for field, name in (("descriptionHtml", "description_html"), ("productType", "product_type")):
        if field in entry:
            changes[name] = entry[field] or ""
    for field, name in (
        ("title", "title"),
        ("status", "status"),
        ("giftCard", "gift_card"),
        ("requiresSellingPlan", "requires_selling_plan"),
    ):
        if entry.get(field) is not None:
            changes[name] = entry[field]
    if "vendor" in entry:
        changes["vendor"] = entry["vendor"] or store.shop.name
    if "templateSuffix" in entry:
        changes["template_suffix"] = entry["templateSuffix"] or None
    if "category" in entry:
        changes["category"] = _category(entry["category"]) if entry["category"] else None
    if "tags" in entry:
        changes["tags"] = tidy_tags(entry["tags"] or [])
    if entry.get("handle") is not None and entry["handle"].strip():
        changes["handle"] = store.free_handle(entry["handle"], product.id)
    return replace(product, **changes, **_seo(product, entry.get("seo")))


def _seo(product: Product, entry: Input | None) -> dict[str, str | None]:
    if entry is None:
        return {}
    return {
        "seo_title": (entry["title"] or None) if "title" in entry else product.seo_title,
        "seo_description": (entry["description"] or None) if "description" in entry else product.seo_description,
    }


def new_product(context: Context, entry: Input) -> Product:
    """A product from a checked input, without options and variants."""
    store = context.store
    bare = Product(
        id=store.next_id("Product"),
        handle=store.free_handle((entry.get("handle") or "").strip() or entry["title"]),
        title=entry["title"],
        created_at=context.now,
        updated_at=context.now,
        vendor=store.shop.name,
    )
    return with_fields(context, bare, entry)


def option_of(store: Store, name: str, values: Iterable[str]) -> Option:
    """A new option."""
    return Option(
        store.next_id("ProductOption"),
        name,
        tuple(OptionValue(store.next_id("ProductOptionValue"), value) for value in values),
    )


def media_of(context: Context, url: str, alt: str | None) -> Media:
    """A new image."""
    return Media(context.store.next_id("MediaImage"), url, alt or "", context.now)


def with_media(context: Context, product: Product, entries: Sequence[Input] | None) -> Product:
    """The product with images appended."""
    added = tuple(media_of(context, entry["originalSource"], entry.get("alt")) for entry in entries or ())
    return replace(product, media=product.media + added) if added else product


def media_problems(entries: Sequence[Input] | None) -> list[Error]:
    """Only images can be attached here."""
    return [
        user_error(["media", index, "mediaContentType"], f"The sandbox does not support {entry['mediaContentType']}")
        for index, entry in enumerate(entries or ())
        if entry["mediaContentType"] != "IMAGE"
    ]


def item_problems(entry: Input | None, path: Path) -> list[Error]:
    """What is wrong with an inventory item input."""
    if not entry:
        return []
    found: list[Error] = []
    message = too_long("SKU", entry.get("sku"))
    if message:
        found.append(user_error([*path, "sku"], message, "TOO_LONG"))
    cost = decimal_of(entry["cost"]) if entry.get("cost") is not None else None
    if cost is not None and cost < 0:
        found.append(user_error([*path, "cost"], "Cost must be greater than or equal to 0", "INVALID_INPUT"))
    code = entry.get("harmonizedSystemCode")
    if code and not re.fullmatch(r"\d{6,13}", code):
        message = "Harmonized system code must be a number between 6 and 13 digits"
        found.append(user_error([*path, "harmonizedSystemCode"], message, "INVALID_INPUT"))
    weight = (entry.get("measurement") or {}).get("weight") or {}
    if weight.get("value", 0) < 0:
        message = "Weight must be greater than or equal to 0"
        found.append(user_error([*path, "measurement", "weight"], message, "INVALID_INPUT"))
    return found


_ITEM_FIELDS: Final = {
    "sku": "sku",
    "countryCodeOfOrigin": "country",
    "provinceCodeOfOrigin": "province",
    "harmonizedSystemCode": "hs_code",
}


def with_item_fields(item: Item, entry: Input | None) -> Item:
    """The inventory item with the fields of a checked input."""
    if not entry:
        return item
    changes: dict[str, Any] = {name: entry[field] for field, name in _ITEM_FIELDS.items() if field in entry}
    if "cost" in entry:
        changes["cost"] = None if entry["cost"] is None else money(str(entry["cost"]))
    for field, name in (("tracked", "tracked"), ("requiresShipping", "requires_shipping")):
        if entry.get(field) is not None:
            changes[name] = entry[field]
    weight = (entry.get("measurement") or {}).get("weight")
    if weight:
        changes |= {"weight": float(weight["value"]), "weight_unit": weight["unit"]}
    return replace(item, **changes)


def price_problems(entry: Input, path: Path) -> list[Error]:
    """What is wrong with the prices of a variant input."""
    found: list[Error] = []
    for field, name in (("price", "Price"), ("compareAtPrice", "Compare at price")):
        if field not in entry:
            continue
        if entry[field] is None:
            if field == "price":
                found.append(user_error([*path, field], "Price can't be blank", "BLANK"))
            continue
        value = decimal_of(entry[field])
        assert value is not None, "Money inputs are checked with the variables"
        if value >= MONEY_CEILING:
            found.append(user_error([*path, field], f"must be less than {MONEY_CEILING:f}", "INVALID_INPUT"))
        elif value < 0:
            message = f"{name} must be greater than or equal to 0"
            found.append(user_error([*path, field], message, "GREATER_THAN_OR_EQUAL_TO"))
    return found


def new_level(context: Context, location_id: int, available: int = 0) -> Level:
    """A level that holds this much."""
    return Level(location_id=location_id, available=available, created_at=context.now, updated_at=context.now)


def join_collections(context: Context, operation: str, product_id: int, ids: Iterable[str]) -> None:
    """Put a product into collections."""
    for text in ids:
        collection = context.store.collections.get(number_of(text, "Collection") or 0)
        if collection and product_id not in collection.product_ids:
            move_collection(context, operation, collection, (*collection.product_ids, product_id))


def leave_collections(context: Context, operation: str, product_id: int, ids: Iterable[str]) -> None:
    """Take a product out of collections."""
    for text in ids:
        collection = context.store.collections.get(number_of(text, "Collection") or 0)
        if collection and product_id in collection.product_ids:
            rest = tuple(one for one in collection.product_ids if one != product_id)
            move_collection(context, operation, collection, rest)


def move_collection(context: Context, operation: str, collection: Collection, products: tuple[int, ...]) -> None:
    """Change the members of a collection."""
    changed = replace(collection, product_ids=products, updated_at=context.now)
    context.store.collections[collection.id] = changed
    before, after = ([gid("Product", one) for one in rows] for rows in (collection.product_ids, products))
    changes = {"products": {"before": before, "after": after}}
    context.record(operation, Effect(gid("Collection", collection.id), "update", changes, {}))


def collection_problems(context: Context, entry: Input, *fields: str) -> list[tuple[str, str]]:
    """Unknown collections in an input."""
    return [
        (field, "Collection does not exist")
        for field in fields
        for text in entry.get(field) or ()
        if (number_of(text, "Collection") or 0) not in context.store.collections
    ]

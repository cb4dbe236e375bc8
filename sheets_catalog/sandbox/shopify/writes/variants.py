"""Variants: productVariantsBulkCreate, -Update, -Delete, and what productSet shares with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.context import Context, Info, of
from sheets_catalog.sandbox.shopify.state import Item, Option, OptionValue, Product, Variant
from sheets_catalog.sandbox.shopify.values import gid, money, number_of
from sheets_catalog.sandbox.shopify.writes.metafields import Wish, wish_of, wish_problems, with_wishes
from sheets_catalog.sandbox.shopify.writes.shared import (
    Error,
    Input,
    Path,
    in_order,
    item_problems,
    new_level,
    price_problems,
    required_number,
    too_long,
    user_error,
    with_item_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

QUANTITIES_LIMIT: Final = 50_000
ON_UPDATE: Final = (
    "Inventory quantities can only be provided during create. "
    "To update inventory for existing variants, use inventoryAdjustQuantities."
)


def new_variant(context: Context, product: Product, selected: Sequence[str], *, tracked: bool) -> Variant:
    """A variant as it is before any input; stocked nowhere yet."""
    store, now = context.store, context.now
    item = Item(id=store.next_id("InventoryItem"), created_at=now, updated_at=now, tracked=tracked)
    return Variant(
        id=store.next_id("ProductVariant"),
        product_id=product.id,
        position=len(product.variants) + 1,
        selected=tuple(selected),
        item=item,
        created_at=now,
        updated_at=now,
    )


def stocked(context: Context, variant: Variant) -> Variant:
    """The variant at the shop's first location, unless it is stocked somewhere already."""
    place = context.store.default_location()
    if variant.item.levels or place is None:
        return variant
    return replace(variant, item=replace(variant.item, levels=(new_level(context, place.id),)))


def with_variant_fields(context: Context, variant: Variant, entry: Input) -> Variant:
    """The variant with the plain fields of a checked input."""
    changes: dict[str, Any] = {}
    if entry.get("price") is not None:
        changes["price"] = money(str(entry["price"]))
    if "compareAtPrice" in entry:
        value = entry["compareAtPrice"]
        changes["compare_at_price"] = None if value is None else money(str(value))
    for field, name in (("barcode", "barcode"), ("taxCode", "tax_code")):
        if field in entry:
            changes[name] = entry[field]
    for field, name in (("inventoryPolicy", "inventory_policy"), ("taxable", "taxable")):
        if entry.get(field) is not None:
            changes[name] = entry[field]
    if entry.get("mediaId"):
        number = number_of(entry["mediaId"], "MediaImage")
        changes["media_ids"] = (number,) if number else ()
    item = with_item_fields(variant.item, entry.get("inventoryItem"))
    if "sku" in entry:
        item = replace(item, sku=entry["sku"])
    return replace(variant, item=item, **changes)


def variant_problems(entry: Input, path: Path) -> list[Error]:
    """What is wrong with the plain fields of a variant input."""
    found = price_problems(entry, path) + item_problems(entry.get("inventoryItem"), (*path, "inventoryItem"))
    for field, name in (("barcode", "Barcode"), ("sku", "SKU")):
        message = too_long(name, entry.get(field))
        if message:
            found.append(user_error([*path, field], message, "TOO_LONG"))
    return found


def option_problems(product: Product, entry: Input, path: Path, *, creating: bool) -> list[Error]:
    """What is wrong with the option values of a variant input."""
    seen: set[int] = set()
    for index, value in enumerate(entry.get("optionValues") or ()):
        here = (*path, "optionValues", str(index))
        if value.get("optionId") and value.get("optionName"):
            return [user_error(here, "cannot specify both `optionId` and `optionName`", "INVALID_INPUT")]
        if value.get("id") and value.get("name"):
            return [user_error(here, "cannot specify both `id` and `name`", "INVALID_INPUT")]
        place = option_place(product, value)
        if place is None:
            code = "INVALID_INPUT" if creating else "OPTION_DOES_NOT_EXIST"
            return [user_error(here, "Option does not exist", code)]
        if place in seen:
            message = f"Duplicated option name '{product.options[place].name}'"
            return [user_error((*path, "optionValues"), message, "INVALID_INPUT")]
        seen.add(place)
        found = _value_problems(product.options[place], value, here, creating=creating)
        if found:
            return found
    missing = [option.name for place, option in enumerate(product.options) if place not in seen]
    if creating and missing:
        message = f"You need to add option values for {missing[0]}"
        return [user_error(path, message, "NEED_TO_ADD_OPTION_VALUES")]
    return []


def _value_problems(option: Option, value: Input, path: Path, *, creating: bool) -> list[Error]:
    if value.get("id"):
        if value_name(option, value) is None:
            code = "INVALID_INPUT" if creating else "OPTION_VALUE_DOES_NOT_EXIST"
            return [user_error(path, "Option value does not exist", code)]
    elif not (value.get("name") or "").strip():
        return [user_error(path, "Option value name can't be blank", "INVALID_INPUT")]
    elif too_long("", value["name"]):
        code = "INVALID_INPUT" if creating else "OPTION_VALUE_NAME_TOO_LONG"
        return [user_error((*path, "name"), "Option value name is too long.", code)]
    return []


def option_place(product: Product, value: Input) -> int | None:
    """The place of the option that an option value input means; the only option, when it names none."""
    for place, option in enumerate(product.options):
        if value.get("optionId") == gid("ProductOption", option.id):
            return place
        if value.get("optionName") is not None and value["optionName"] == option.name:
            return place
        if not value.get("optionId") and value.get("id") and value_name(option, value) is not None:
            return place
    named = value.get("optionId") or value.get("optionName")
    return 0 if not named and len(product.options) == 1 else None


def value_name(option: Option, value: Input) -> str | None:
    """The name of the chosen value; None when its id is not one of the option's."""
    if value.get("id"):
        return next((one.name for one in option.values if gid("ProductOptionValue", one.id) == value["id"]), None)
    name: str = value["name"]
    return next((one.name for one in option.values if one.name == name), name)


def selection(product: Product, entry: Input, present: Sequence[str] = ()) -> tuple[str, ...]:
    """The chosen values in the order of the options, `present` where the input is silent."""
    chosen = list(present) or [""] * len(product.options)
    for value in entry.get("optionValues") or ():
        place = option_place(product, value)
        assert place is not None, "checked by option_problems"
        chosen[place] = value_name(product.options[place], value) or ""
    return tuple(chosen)


def with_values(context: Context, product: Product, variants: Iterable[Variant]) -> Product:
    """The product with option values added that its variants use but no option lists yet."""
    options = list(product.options)
    for variant in variants:
        for place, name in enumerate(variant.selected):
            if all(one.name != name for one in options[place].values):
                added = OptionValue(context.store.next_id("ProductOptionValue"), name)
                options[place] = replace(options[place], values=(*options[place].values, added))
    return replace(product, options=tuple(options))


def numbered(variants: Iterable[Variant]) -> tuple[Variant, ...]:
    """Positions 1, 2, 3 ... in this order."""
    return tuple(
        variant if variant.position == place else replace(variant, position=place)
        for place, variant in enumerate(variants, 1)
    )


def exists_message(selected: Sequence[str]) -> str:
    """The recorded words for a combination that is there already."""
    return f"The variant '{' / '.join(selected)}' already exists. Please change at least one option value."


def wishes_of(context: Context, entry: Input, path: Path, variant: Variant | None) -> list[Wish]:
    """The metafields of a variant input."""
    return [
        wish_of(context, one, (*path, "metafields", str(index)), variant)
        for index, one in enumerate(entry.get("metafields") or ())
    ]


def _metafield_problems(context: Context, wishes: Sequence[Wish], variant: Variant | None) -> list[Error]:
    found = [error for wish in wishes for error in wish_problems(context, wish, variant, "ProductVariant")]
    allowed = {"BLANK", "INVALID_VALUE", "TOO_LONG", "TOO_SHORT"}
    return [error if error["code"] in allowed else error | {"code": "INVALID_INPUT"} for error in found]


# -- productVariantsBulkCreate -----------------------------------------------------------------------------------------


def bulk_create(
    _root: Any,
    info: Info,
    productId: str,
    variants: list[Input],
    strategy: str = "DEFAULT",
) -> dict[str, Any]:
    """`productVariantsBulkCreate`: all or nothing."""
    context = of(info)
    product = context.store.products.get(required_number(productId, "Product"))
    if product is None:
        error = user_error(["productId"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
        return {"product": None, "productVariants": [], "userErrors": [error]}
    errors = _create_problems(context, product, variants, _kept(product, strategy))
    if errors:
        return {"product": product, "productVariants": [], "userErrors": in_order(errors)}
    kept = _kept(product, strategy)
    made = tuple(_created(context, product, entry, index) for index, entry in enumerate(variants))
    after = with_values(context, replace(product, variants=numbered((*kept, *made))), made)
    stored = context.commit("productVariantsBulkCreate", product, after)
    ids = [one.id for one in made]
    return {"product": stored, "productVariants": [context.store.variants[one] for one in ids], "userErrors": []}


def _kept(product: Product, strategy: str) -> tuple[Variant, ...]:
    """The variants that stay: a standalone one may have to go."""
    alone = len(product.variants) == 1
    if strategy == "REMOVE_STANDALONE_VARIANT" and alone:
        return ()
    return () if strategy == "DEFAULT" and product.only_default_variant else product.variants


def _create_problems(
    context: Context, product: Product, entries: Sequence[Input], kept: Sequence[Variant]
) -> list[Error]:
    limit = context.store.shop.variant_limit
    if len(kept) + len(entries) > limit:
        message = f"You can have a maximum of {limit} variants per product."
        return [user_error(["variants"], message, "SUBSCRIPTION_VIOLATION")]
    if sum(len(entry.get("inventoryQuantities") or ()) for entry in entries) > QUANTITIES_LIMIT:
        message = (
            f"Inventory quantity input exceeds the limit of {QUANTITIES_LIMIT}. "
            "Consider using separate `inventorySetQuantities` mutations."
        )
        return [user_error(["variants"], message, "INVENTORY_QUANTITIES_LIMIT_EXCEEDED")]
    errors: list[Error] = []
    taken = {variant.selected for variant in kept}
    for index, entry in enumerate(entries):
        path = ("variants", str(index))
        found = _entry_problems(context, product, entry, path)
        if not found:
            selected = selection(product, entry)
            if selected in taken:
                found = [user_error(path, exists_message(selected), "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE")]
            taken.add(selected)
        errors += found
    return errors


def _entry_problems(context: Context, product: Product, entry: Input, path: Path) -> list[Error]:
    found = variant_problems(entry, path) + option_problems(product, entry, path, creating=True)
    if entry.get("id"):
        found.append(user_error([*path, "id"], "On create, this key cannot be used.", "NO_KEY_ON_CREATE"))
    for quantity in entry.get("inventoryQuantities") or ():
        if (number_of(quantity["locationId"], "Location") or 0) not in context.store.locations:
            name = " / ".join(value.get("name") or "" for value in entry.get("optionValues") or ()) or "variant"
            message = f"Quantity for {name} couldn't be set because the location was deleted."
            where = [*path, "inventoryQuantities"]
            found.append(user_error(where, message, "TRACKED_VARIANT_LOCATION_NOT_FOUND"))
    found = [error if error["code"] in _CREATE_CODES else error | {"code": "INVALID_INPUT"} for error in found]
    wishes = wishes_of(context, entry, path, None)
    return found + [error | {"code": "INVALID"} for error in _metafield_problems(context, wishes, None)]


_CREATE_CODES: Final = frozenset(
    {
        "GREATER_THAN_OR_EQUAL_TO",
        "INVALID_INPUT",
        "NEED_TO_ADD_OPTION_VALUES",
        "NO_KEY_ON_CREATE",
        "TRACKED_VARIANT_LOCATION_NOT_FOUND",
    }
)


def _created(context: Context, product: Product, entry: Input, index: int) -> Variant:
    bare = new_variant(context, product, selection(product, entry), tracked=True)
    variant = with_variant_fields(context, bare, entry)
    levels = tuple(
        new_level(context, required_number(one["locationId"], "Location"), one["availableQuantity"])
        for one in entry.get("inventoryQuantities") or ()
    )
    variant = replace(variant, item=replace(variant.item, levels=levels))
    wishes = wishes_of(context, entry, ("variants", str(index)), None)
    granted: Variant = with_wishes(context, stocked(context, variant), wishes, "ProductVariant")
    return granted


# -- productVariantsBulkUpdate -----------------------------------------------------------------------------------------


def bulk_update(
    _root: Any,
    info: Info,
    productId: str,
    variants: list[Input],
    allowPartialUpdates: bool = False,
) -> dict[str, Any]:
    """`productVariantsBulkUpdate`: all or nothing, or the valid ones with `allowPartialUpdates`."""
    context = of(info)
    product = context.store.products.get(required_number(productId, "Product"))
    if product is None:
        error = user_error(["productId"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
        return {"product": None, "productVariants": None, "userErrors": [error]}
    changed: dict[int, Variant] = {}
    named: list[int] = []
    errors: list[Error] = []
    blocked = False
    for index, entry in enumerate(variants):
        path = ("variants", str(index))
        blocking = _blocking_problems(context, product, entry, path)
        blocked = blocked or bool(blocking)
        found = blocking
        if not blocking:
            variant = context.store.variants[required_number(entry["id"], "ProductVariant")]
            named.append(variant.id)
            present = changed.get(variant.id, variant)
            found = variant_problems(entry, path)
            found += _metafield_problems(context, wishes_of(context, entry, path, present), present)
            if not found:
                changed[variant.id] = _updated(context, product, present, entry, index)
        errors += found
    errors += _clashes(product, changed, variants)
    if errors and (not allowPartialUpdates or not changed):
        shown = None if blocked else [context.store.variants[one] for one in named]
        return {"product": product, "productVariants": shown, "userErrors": in_order(errors)}
    after = replace(product, variants=tuple(changed.get(one.id, one) for one in product.variants))
    stored = context.commit("productVariantsBulkUpdate", product, with_values(context, after, changed.values()))
    shown = [context.store.variants[one] for one in named]
    return {"product": stored, "productVariants": shown, "userErrors": in_order(errors)}


def _blocking_problems(context: Context, product: Product, entry: Input, path: Path) -> list[Error]:
    """What makes it impossible to say which variant is meant, or what it should become."""
    if not entry.get("id"):
        message = "Product variant is missing ID attribute"
        return [user_error([*path, "id"], message, "PRODUCT_VARIANT_ID_MISSING")]
    variant = context.store.variants.get(required_number(entry["id"], "ProductVariant"))
    if variant is None or variant.product_id != product.id:
        return [user_error([*path, "id"], "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST")]
    found: list[Error] = []
    if "inventoryQuantities" in entry:
        code = "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"
        found.append(user_error([*path, "inventoryQuantities"], ON_UPDATE, code))
    return found + option_problems(product, entry, path, creating=False)


def _updated(context: Context, product: Product, variant: Variant, entry: Input, index: int) -> Variant:
    changed = with_variant_fields(context, variant, entry)
    changed = replace(changed, selected=selection(product, entry, variant.selected))
    wishes = wishes_of(context, entry, ("variants", str(index)), variant)
    granted: Variant = with_wishes(context, changed, wishes, "ProductVariant") if wishes else changed
    return granted


def _clashes(product: Product, changed: dict[int, Variant], entries: Sequence[Input]) -> list[Error]:
    """Combinations of option values that two variants would share; those changes are taken out of `changed`."""
    errors: list[Error] = []
    taken = {one.selected for one in product.variants if one.id not in changed}
    for index, entry in enumerate(entries):
        number = number_of(entry.get("id") or "", "ProductVariant") or 0
        variant = changed.get(number)
        if variant is None:
            continue
        if variant.selected in taken:
            message = exists_message(variant.selected)
            errors.append(user_error(["variants", index], message, "VARIANT_ALREADY_EXISTS"))
            del changed[number]
        taken.add(variant.selected)
    return errors


# -- productVariantsBulkDelete -----------------------------------------------------------------------------------------


def bulk_delete(
    _root: Any,
    info: Info,
    productId: str,
    variantsIds: list[str],
) -> dict[str, Any]:
    """`productVariantsBulkDelete`: all or nothing; a product keeps one variant at least."""
    context = of(info)
    product = context.store.products.get(required_number(productId, "Product"))
    if product is None:
        error = user_error(["productId"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
        return {"product": None, "userErrors": [error]}
    gone = [required_number(text, "ProductVariant") for text in variantsIds]
    own = {variant.id for variant in product.variants}
    errors = [
        user_error(
            ["variantsIds", index],
            "At least one variant does not belong to the product",
            "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT",
        )
        for index, number in enumerate(gone)
        if number not in own
    ]
    if not errors and own <= set(gone):
        message = "Cannot delete the last variant of a product"
        errors = [user_error(["variantsIds"], message, "CANNOT_DELETE_LAST_VARIANT")]
    if errors:
        return {"product": None, "userErrors": errors}
    rest = numbered(variant for variant in product.variants if variant.id not in gone)
    stored = context.commit("productVariantsBulkDelete", product, replace(product, variants=rest))
    return {"product": stored, "userErrors": []}

"""Canonical values as Shopify's input objects: pure functions.

On updates a blank is sent as nothing ("" for texts, null for numbers); on creation it is left out, so that Shopify's
own default applies. A blank metafield cannot be sent at all: it has to be deleted (see `cleared`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sheets_catalog.errors import InputError
from sheets_catalog.shopify.reading import MARKER_KEY, MARKER_NAMESPACE, gid, metafield_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sheets_catalog.records import Table, Value

OPTIONS = ("option1", "option2", "option3")

DEFAULT_OPTION = "Title"
DEFAULT_VALUE = "Default Title"
"""What Shopify calls the only option of a product without options, and its only value."""


def product_changes(changes: Mapping[str, Value], table: Table) -> dict[str, Any]:
    """`ProductUpdateInput` (without id) for the changed fields alone. `InputError` for what is fixed at creation."""
    sent = {name: value for name, value in changes.items() if not name.startswith("metafields.")}
    result = _fields(sent, _PRODUCT, table)
    metafields = metafield_inputs(changes, table)
    return {**result, "metafields": metafields} if metafields else result


def new_product(values: Mapping[str, Value], table: Table, variants: Sequence[Mapping[str, Value]]) -> dict[str, Any]:
    """`ProductSetInput` without variants and marker, from what is not blank; options with the values of `variants`."""
    given = {name: value for name, value in values.items() if value is not None}
    owned = {name: value for name, value in given.items() if name in _PRODUCT}
    result = _fields(owned, _PRODUCT, table)
    result["metafields"] = metafield_inputs(given, table)
    if variants or any(values.get(f"{option}_name") for option in OPTIONS):
        result["productOptions"] = product_options(values, variants)
    return result


def option_names(product: Mapping[str, Value], variants: Sequence[Mapping[str, Value]]) -> tuple[str, ...]:
    """The names of a product's options in order, trimmed as the shop stores them; `Title` where there are no options.

    Raises `InputError` when an option has no name although a variant has a value for it or a later option has one.
    """
    names = [(product.get(f"{option}_name") or "").strip() for option in OPTIONS]
    if not any(names) and _only_default(variants):
        return (DEFAULT_OPTION,)
    used = [any(row.get(option) for row in variants) for option in OPTIONS]
    count = max((number for number in range(3, 0, -1) if names[number - 1] or used[number - 1]), default=0)
    for number, name in enumerate(names[:count], start=1):
        if not name:
            raise InputError(
                f"Product {product.get('handle')!r}: option {number} is in use, but Option{number} Name is blank.",
                advice=f"Fill in Option{number} Name on the product's row.",
            )
    return tuple(name for name in names[:count] if name)


def _only_default(variants: Iterable[Mapping[str, Value]]) -> bool:
    return all(
        variant.get("option1") in {None, DEFAULT_VALUE} and not variant.get("option2") and not variant.get("option3")
        for variant in variants
    )


def product_options(product: Mapping[str, Value], variants: Sequence[Mapping[str, Value]]) -> list[dict[str, Any]]:
    """`[OptionSetInput!]`: each option with the values that the variants use, in the order they come."""
    names = option_names(product, variants)
    return [
        {"name": name, "position": number, "values": [{"name": each} for each in _values(variants, name, names)]}
        for number, name in enumerate(names, start=1)
    ]


def _values(variants: Iterable[Mapping[str, Value]], name: str, names: Sequence[str]) -> Iterable[str]:
    chosen = (option_values(variant, names)[names.index(name)]["name"] for variant in variants)
    return dict.fromkeys(chosen)


def option_values(values: Mapping[str, Value], names: Sequence[str]) -> list[dict[str, Any]]:
    """`[VariantOptionValueInput!]`: one value for each of the product's options.

    Raises `InputError` for a blank one, except for the only variant of a product without options, and for one that
    the product has no option for.
    """
    for number, option in enumerate(OPTIONS[len(names) :], start=len(names) + 1):
        if values.get(option):
            raise InputError(
                f"Variant {_called(values)!r} has the value {values[option]!r} for option {number}, "
                f"but its product has {len(names)} options.",
                advice="Clear the value, or add the option to the product in the shop's admin first.",
            )
    return [
        {"optionName": name, "name": values.get(option) or _default_value(values, name, names)}
        for option, name in zip(OPTIONS, names, strict=False)
    ]


def _default_value(values: Mapping[str, Value], name: str, names: Sequence[str]) -> str:
    if tuple(names) == (DEFAULT_OPTION,):
        return DEFAULT_VALUE
    raise InputError(
        f"Variant {_called(values)!r} has no value for the option {name!r}.",
        advice="Fill in the option's value on the variant's row.",
    )


def _called(values: Mapping[str, Value]) -> Value:
    return values.get("sku") or values.get("id") or values.get("product_handle")


def variant_changes(
    changes: Mapping[str, Value], whole: Mapping[str, Value], table: Table, names: Sequence[str]
) -> dict[str, Any]:
    """`ProductVariantsBulkInput` (without id) for the changed fields alone.

    `whole`: all values the variant shall have; Shopify takes weight only with its unit, and option values only
    together. `names`: the product's option names.
    """
    sent = {name: value for name, value in changes.items() if name in _VARIANT}
    _refuse_strangers(changes, (*_VARIANT, *OPTIONS, "weight", "weight_unit"), table)
    result = _fields(sent, _VARIANT, table)
    if "weight" in changes or "weight_unit" in changes:
        _put(result, "inventoryItem.measurement.weight", _weight({**whole, **changes}))
    if any(option in changes for option in OPTIONS):
        result["optionValues"] = option_values({**whole, **changes}, names)
    metafields = metafield_inputs(changes, table)
    return {**result, "metafields": metafields} if metafields else result


def new_variant(values: Mapping[str, Value], table: Table, names: Sequence[str]) -> dict[str, Any]:
    """What `ProductVariantSetInput` and `ProductVariantsBulkInput` have in common, from what is not blank."""
    given = {name: value for name, value in values.items() if value is not None}
    result = _fields({name: value for name, value in given.items() if name in _VARIANT}, _VARIANT, table)
    if "weight" in given:
        _put(result, "inventoryItem.measurement.weight", _weight(given))
    result["optionValues"] = option_values(values, names)
    result["metafields"] = metafield_inputs(given, table)
    return result


def metafield_inputs(values: Mapping[str, Value], table: Table) -> list[dict[str, Any]]:
    """`[MetafieldInput!]` for the metafields among `values` that are not blank."""
    return [
        _metafield(table, name, value)
        for name, value in values.items()
        if name.startswith("metafields.") and value is not None
    ]


def cleared(owner: str, changes: Mapping[str, Value], table: Table) -> list[dict[str, Any]]:
    """`[MetafieldIdentifierInput!]` for the metafields that were made blank. `owner`: the global id."""
    names = [name for name, value in changes.items() if name.startswith("metafields.") and value is None]
    found = (metafield_name(table.by_name[name]) for name in names)
    return [{"ownerId": owner, "namespace": namespace, "key": key} for namespace, key in found]


def marker(operation: str) -> dict[str, Any]:
    """`MetafieldInput` that tells which operation made its owner."""
    return {
        "namespace": MARKER_NAMESPACE,
        "key": MARKER_KEY,
        "type": "single_line_text_field",
        "value": operation,
    }


def quantity(item: str, place: str, number: int, expected: int | None) -> dict[str, Any]:
    """`InventoryQuantityInput`. `expected` is always present, as Shopify asks for: None sets without comparing."""
    return {
        "inventoryItemId": gid("InventoryItem", item),
        "locationId": gid("Location", place),
        "quantity": number,
        "changeFromQuantity": expected,
    }


def _metafield(table: Table, name: str, value: Value) -> dict[str, Any]:
    field = table.by_name[name]
    namespace, key = metafield_name(field)
    return {"namespace": namespace, "key": key, "type": field.metafield_type, "value": value}


def _weight(values: Mapping[str, Value]) -> dict[str, Any]:
    """`WeightInput`. A blank weight is 0: Shopify knows no variant without one."""
    unit = values.get("weight_unit")
    if unit is None:
        raise InputError(
            f"Variant {_called(values)!r} has a weight of {values.get('weight')} without a unit.",
            advice="Fill in Weight Unit on its row: GRAMS, KILOGRAMS, OUNCES or POUNDS.",
        )
    return {"value": float(values.get("weight") or 0), "unit": unit}


def _fields(values: Mapping[str, Value], names: Mapping[str, _Target], table: Table) -> dict[str, Any]:
    _refuse_strangers(values, names, table)
    result: dict[str, Any] = {}
    for name, value in values.items():
        path, convert = names[name]
        _put(result, path, convert(value))
    return result


def _refuse_strangers(values: Iterable[str], known: Iterable[str], table: Table) -> None:
    known = frozenset(known)
    for name in values:
        if name not in known and not name.startswith("metafields."):
            raise InputError(
                f"{table.by_name[name].header if name in table.by_name else name} of a {table.noun} cannot be "
                "changed in the shop.",
                advice="Undo the edit.",
            )


def _put(target: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for name in parents:
        target = target.setdefault(name, {})
    target[last] = value


def _text(value: Value) -> str:
    return value or ""


def _number(value: Value) -> Value:
    return value


def _flag(value: Value) -> bool:
    return value == "true"


def _tags(value: Value) -> list[str]:
    return value.split(", ") if value else []


_Target = tuple[str, "Callable[[Value], Any]"]

_PRODUCT: dict[str, _Target] = {
    "handle": ("handle", _text),
    "title": ("title", _text),
    "description": ("descriptionHtml", _text),
    "vendor": ("vendor", _text),
    "product_type": ("productType", _text),
    "tags": ("tags", _tags),
    "status": ("status", _number),
    "seo_title": ("seo.title", _text),
    "seo_description": ("seo.description", _text),
}
"""Our field to its path in `ProductUpdateInput` and `ProductSetInput`."""

_VARIANT: dict[str, _Target] = {
    "sku": ("inventoryItem.sku", _text),
    "barcode": ("barcode", _text),
    "price": ("price", _number),
    "compare_at_price": ("compareAtPrice", _number),
    "cost": ("inventoryItem.cost", _number),
    "taxable": ("taxable", _flag),
    "requires_shipping": ("inventoryItem.requiresShipping", _flag),
    "tracked": ("inventoryItem.tracked", _flag),
    "inventory_policy": ("inventoryPolicy", _number),
}
"""Our field to its path in `ProductVariantsBulkInput` and `ProductVariantSetInput`."""

FIELD_OF_PATH = {
    **{path: name for name, (path, _) in (*_PRODUCT.items(), *_VARIANT.items())},
    "sku": "sku",
    "cost": "cost",
    "inventoryItem.measurement.weight": "weight",
    "quantity": "available",
    "changeFromQuantity": "available",
}
"""Shopify's input path to our field, for telling people which cell a refusal is about."""

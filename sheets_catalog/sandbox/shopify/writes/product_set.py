"""productSet: create or update a product with everything it has. Lists are replaced: what is not listed is deleted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.context import Context, Info, of
from sheets_catalog.sandbox.shopify.problems import bad_request
from sheets_catalog.sandbox.shopify.state import Item, Media, Operation, Option, OptionValue, Product, Variant
from sheets_catalog.sandbox.shopify.values import gid, number_of
from sheets_catalog.sandbox.shopify.writes.metafields import Wish, wish_problems, with_wishes
from sheets_catalog.sandbox.shopify.writes.options import values_problems
from sheets_catalog.sandbox.shopify.writes.products import find_product, first_variant, later, metafield_wishes
from sheets_catalog.sandbox.shopify.writes.shared import (
    Error,
    Input,
    collection_problems,
    handle_taken,
    join_collections,
    leave_collections,
    media_of,
    new_level,
    new_product,
    product_problems,
    required_number,
    user_error,
    with_fields,
)
from sheets_catalog.sandbox.shopify.writes.variants import (
    QUANTITIES_LIMIT,
    exists_message,
    new_variant,
    numbered,
    stocked,
    variant_problems,
    wishes_of,
    with_variant_fields,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEW: Final = Product(id=0, handle="", title="", created_at="", updated_at="")
"""Stands for the product that is about to be made, while its input is checked."""


def product_set(
    _root: Any,
    info: Info,
    input: Input,  # noqa: A002 - names of the API
    identifier: Input | None = None,
    synchronous: bool = True,
) -> dict[str, Any]:
    """`productSet`; asynchronous ones are carried out a little later and polled with `productOperation`."""
    context = of(info)
    if not synchronous:
        operation = later(context, "ProductSetOperation", {"input": dict(input), "identifier": identifier}, None)
        return {"product": None, "productSetOperation": operation, "userErrors": []}
    product, errors = set_product(context, input, identifier)
    return {"product": product, "productSetOperation": None, "userErrors": errors}


def run_operation(context: Context, operation: Operation) -> Operation:
    """Carry out a queued productSet or productDelete; answers the operation as it is afterwards."""
    if operation.kind == "ProductDeleteOperation":
        present = context.store.products.get(operation.product_id or 0)
        if present is not None:
            context.commit("productDelete", present, None)
        return replace(operation, status="COMPLETE")
    arguments = operation.arguments
    product, errors = set_product(context, arguments["input"], arguments["identifier"])
    number = product.id if product else None
    return replace(operation, status="COMPLETE", product_id=number, errors=tuple(errors))


def set_product(context: Context, entry: Input, identifier: Input | None) -> tuple[Product | None, list[Error]]:
    """Create or update; `(product, [])` or `(None, user errors)`."""
    present, errors = _present(context, entry, identifier)
    if errors:
        return None, errors
    entry = _with_custom_id(context, entry, identifier)
    errors = _problems(context, entry, present)
    if errors:
        return None, errors
    change = _Change(context, entry, present)
    errors = change.problems()
    if errors:
        return None, errors
    after = change.result()
    stored = context.commit("productSet", present, after)
    assert stored is not None
    if entry.get("collections") is not None:
        joined = {one.id for one in context.store.collections_of(stored.id)}
        wanted = {number_of(text, "Collection") for text in entry["collections"]}
        leave_collections(context, "productSet", stored.id, [gid("Collection", one) for one in joined - wanted])
        join_collections(context, "productSet", stored.id, entry["collections"])
    return stored, []


def _present(context: Context, entry: Input, identifier: Input | None) -> tuple[Product | None, list[Error]]:
    """The product to update (None: create), by identifier or by the deprecated `input.id`."""
    if identifier is None:
        if not entry.get("id"):
            return None, []
        found = context.store.products.get(required_number(entry["id"], "Product"))
        missing = [user_error(["input", "id"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")]
        return found, [] if found else missing
    if entry.get("id"):
        message = "The id field is not allowed if identifier is provided."
        return None, [user_error(["input"], message, "ID_NOT_ALLOWED")]
    found = find_product(context, identifier)
    if identifier.get("id") and found is None:
        return None, [user_error(["identifier", "id"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")]
    if identifier.get("handle"):
        if not entry.get("handle"):
            message = "The input field corresponding to the identifier is required."
            return None, [user_error(["input"], message, "MISSING_FIELD_REQUIRED")]
        if entry["handle"] != identifier["handle"]:
            return None, [user_error(["input"], _MISMATCH, "INPUT_MISMATCH")]
    return found, _custom_problems(context, entry, identifier.get("customId"))


_MISMATCH: Final = "The identifier value does not match the value of the corresponding field in the input."


def _custom_problems(context: Context, entry: Input, custom: Input | None) -> list[Error]:
    """A custom id needs a definition with unique values, and must agree with the metafields in the input."""
    if custom is None:
        return []
    namespace, key = context.namespace(custom.get("namespace")), custom["key"]
    definition = context.store.definition("PRODUCT", namespace, key)
    if definition is None or not definition.unique:
        message = f"Metafield definition with unique values not found for {namespace}.{key}."
        return [user_error(["identifier", "customId"], message, "NOT_FOUND")]
    fields = entry.get("metafields")
    if fields is None:
        return []
    values = [
        one.get("value")
        for one in fields
        if (context.namespace(one.get("namespace")), one.get("key")) == (namespace, key)
    ]
    if values != [custom["value"]]:
        message = "The input argument `metafields` (if present) must contain the `customId` value."
        return [user_error(["input", "metafields"], message, "METAFIELD_MISMATCH")]
    return []


def _with_custom_id(context: Context, entry: Input, identifier: Input | None) -> Input:
    """A custom id that the input does not repeat is kept as a metafield of its own."""
    custom = (identifier or {}).get("customId")
    if custom is None or entry.get("metafields") is not None:
        return entry
    own = {"namespace": custom.get("namespace"), "key": custom["key"], "value": custom["value"]}
    return {**entry, "customIdMetafield": own}


_CODES: Final = {"handle": "HANDLE_NOT_UNIQUE", "collections": "INVALID_INPUT"}


def _problems(context: Context, entry: Input, present: Product | None) -> list[Error]:
    """What is wrong with the plain fields; their paths are shorter than those of the other mutations (recorded)."""
    errors: list[Error] = []
    for name, message in product_problems(entry, creating=present is None):
        if name == "title":
            message = message.removeprefix("Title ") if "too long" in message else message  # noqa: PLW2901
            errors.append(user_error(["input", "title"], message, "INVALID_INPUT"))
        else:
            errors.append(user_error(["input"], message, "INVALID_INPUT"))
    taken = handle_taken(context.store, entry, present.id if present else None)
    if taken:
        errors.append(user_error(["input", "handle"], taken, "HANDLE_NOT_UNIQUE"))
    for name, message in collection_problems(context, entry, "collections"):
        errors.append(user_error(["input", name], message, "INVALID_INPUT"))
    if present and entry.get("giftCard") not in {None, present.gift_card}:
        message = "The product gift_card attribute cannot be changed after creation."
        errors.append(user_error(["input", "giftCard"], message, "GIFT_CARD_ATTRIBUTE_CANNOT_BE_CHANGED"))
    return errors


@dataclass
class _Change:
    """One productSet on one product: first its problems, then its result."""

    context: Context
    entry: Input
    present: Product | None
    options: tuple[Option, ...] = ()
    matched: list[Variant | None] = field(default_factory=list)
    selections: list[tuple[str, ...]] = field(default_factory=list)

    def problems(self) -> list[Error]:
        errors = self._shape_problems() or self._option_problems()
        if errors:
            return errors
        if self.entry.get("variants") is not None:
            self._plan_options()
            errors = self._variant_problems()
        for wish in self._product_wishes():
            found = wish_problems(self.context, wish, self.present, "Product")
            errors += [error | {"code": "INVALID_METAFIELD"} for error in found]
        return errors

    # -- problems ------------------------------------------------------------------------------------------------------

    def _shape_problems(self) -> list[Error]:
        options, variants = self.entry.get("productOptions"), self.entry.get("variants")
        if options is not None and variants is None and (self.present is not None or len(options) == 0):
            message = "Variants input is required when updating product options"
            return [user_error(["input", "variants"], message, "VARIANTS_INPUT_MISSING")]
        if variants is not None and options is None:
            message = "Product options input is required when updating variants"
            return [user_error(["input", "productOptions"], message, "PRODUCT_OPTIONS_INPUT_MISSING")]
        if variants is not None and len(variants) > self.context.store.shop.variant_limit:
            message = "Number of product variants exceeds shop limit."
            return [user_error(["input", "variants"], message, "VARIANTS_OVER_LIMIT")]
        if variants is not None and not variants:
            message = "A product must have at least one variant."
            return [user_error(["input", "variants"], message, "INVALID_INPUT")]
        if sum(len(one.get("inventoryQuantities") or ()) for one in variants or ()) > QUANTITIES_LIMIT:
            message = (
                f"Inventory quantity input exceeds the limit of {QUANTITIES_LIMIT}. "
                "Consider using separate `inventorySetQuantities` mutations."
            )
            return [user_error(["input", "variants"], message, "INVENTORY_QUANTITIES_LIMIT_EXCEEDED")]
        return []

    def _option_problems(self) -> list[Error]:
        options: Sequence[Input] = self.entry.get("productOptions") or ()
        limit = self.context.store.shop.option_limit
        if len(options) > limit:
            message = f"Can only specify a maximum of {limit} options"
            return [user_error(["input", "productOptions"], message, "OPTIONS_OVER_LIMIT")]
        own = {gid("ProductOption", one.id): one.name for one in self.present.options} if self.present else {}
        errors: list[Error] = []
        names: set[str] = set()
        for index, option in enumerate(options):
            path = ("input", "productOptions", str(index))
            if option.get("id") and option["id"] not in own:
                errors.append(user_error((*path, "id"), "Option does not exist", "OPTION_DOES_NOT_EXIST"))
                continue
            name = (option.get("name") or own.get(option.get("id") or "", "")).strip()
            if not name:
                errors.append(user_error((*path, "name"), "Option name can't be blank", "INVALID_INPUT"))
            if name in names:
                errors.append(user_error(path, f"Duplicated option name '{name}'.", "DUPLICATED_OPTION_NAME"))
            names.add(name)
            found = values_problems(option.get("values"), (*path, "values"))
            errors += [e if e["code"] in _VALUE_CODES else e | {"code": "INVALID_INPUT"} for e in found]
        return errors

    def _variant_problems(self) -> list[Error]:
        errors: list[Error] = []
        taken: set[tuple[str, ...]] = set()
        own = {gid("ProductVariant", one.id): one for one in self.present.variants} if self.present else {}
        for index, entry in enumerate(self.entry["variants"]):
            path = ("input", "variants", str(index))
            if entry.get("id") and entry["id"] not in own:
                message = "Product variant does not exist"
                errors.append(user_error((*path, "id"), message, "PRODUCT_VARIANT_DOES_NOT_EXIST"))
                continue
            selected, found = self._selection(entry, index)
            if not found and selected in taken:
                found = [user_error(path, exists_message(selected), "INVALID_VARIANT")]
            taken.add(selected)
            match = own.get(entry.get("id") or "") or self._same_options(selected)
            self.matched.append(match)
            self.selections.append(selected)
            found += [e | {"code": "INVALID_VARIANT"} for e in variant_problems(entry, path)]
            found += self._quantity_problems(entry, match, path)
            for wish in wishes_of(self.context, entry, path, match):
                wrong = wish_problems(self.context, wish, match, "ProductVariant")
                found += [e | {"code": "INVALID_METAFIELD"} for e in wrong]
            errors += found
        return errors

    def _selection(self, entry: Input, index: int) -> tuple[tuple[str, ...], list[Error]]:
        """The values a variant chooses, one for each option of the input."""
        path = ("input", "variants", str(index), "optionValues")
        chosen = [""] * len(self.options)
        for place, value in enumerate(entry["optionValues"]):
            where = (*path, str(place))
            option = next((n for n, one in enumerate(self.options) if _means(value, one, len(self.options))), None)
            if option is None:
                return (), [user_error(where, "Option does not exist", "OPTION_DOES_NOT_EXIST")]
            name = next((one.name for one in self.options[option].values if _is_value(value, one)), None)
            if name is None:
                return (), [user_error(where, "Option value does not exist", "OPTION_VALUE_DOES_NOT_EXIST")]
            chosen[option] = name
        missing = next((self.options[place].name for place, name in enumerate(chosen) if not name), None)
        if missing is not None:
            message = f"You need to add option values for {missing}"
            return (), [user_error(path[:3], message, "INVALID_VARIANT")]
        return tuple(chosen), []

    def _same_options(self, selected: tuple[str, ...]) -> Variant | None:
        """A variant without id is the present one with the same option values, if the options are the same."""
        if self.present is None or [one.name for one in self.options] != [one.name for one in self.present.options]:
            return None
        return next((one for one in self.present.variants if one.selected == selected), None)

    def _quantity_problems(self, entry: Input, match: Variant | None, path: tuple[str, ...]) -> list[Error]:
        errors: list[Error] = []
        for index, row in enumerate(entry.get("inventoryQuantities") or ()):
            where = (*path, "inventoryQuantities", str(index))
            place = required_number(row["locationId"], "Location")
            if place not in self.context.store.locations:
                message = "The specified location could not be found."
                errors.append(user_error((*where, "locationId"), message, "INVALID_VARIANT"))
            elif match is not None and match.item.level(place) is None:
                message = "The variant is not stocked at this location."
                errors.append(user_error((*where, "locationId"), message, "INVALID_VARIANT"))
            if row["name"] not in {"available", "on_hand"}:
                message = "The quantity name must be either 'available' or 'on_hand'."
                errors.append(user_error((*where, "name"), message, "INVALID_VARIANT"))
        return errors

    # -- result --------------------------------------------------------------------------------------------------------

    def _plan_options(self) -> None:
        """The options as the input lists them, with the ids of those that stay."""
        present = self.present or NEW
        self.options = tuple(self._planned_option(present, entry) for entry in self.entry["productOptions"])

    def _planned_option(self, present: Product, entry: Input) -> Option:
        store = self.context.store
        old = next(
            (
                one
                for one in present.options
                if entry.get("id") == gid("ProductOption", one.id)
                or (not entry.get("id") and entry["name"] == one.name)
            ),
            None,
        )
        known = {value.name: value.id for value in old.values} if old else {}
        by_id = {gid("ProductOptionValue", value.id): value.id for value in old.values} if old else {}
        values: list[OptionValue] = []
        for value in entry["values"]:
            name = value["name"].strip()
            number = by_id.get(value.get("id") or "") or known.get(name)
            values.append(OptionValue(number or store.next_id("ProductOptionValue"), name))
        name = (entry.get("name") or (old.name if old else "")).strip()
        return Option(old.id if old else store.next_id("ProductOption"), name, tuple(values))

    def result(self) -> Product:
        context, entry = self.context, self.entry
        if self.present is None:
            product = new_product(context, entry)
        else:
            product = with_fields(context, self.present, entry)
        if entry.get("files") is not None:
            product = replace(product, media=self._media(product, entry["files"]))
        if entry.get("variants") is not None:
            bare = replace(product, options=self.options, variants=())
            rows = zip(entry["variants"], self.matched, self.selections, strict=True)
            made = [self._variant(bare, index, *row) for index, row in enumerate(rows)]
            ordered = sorted(
                enumerate(made), key=lambda pair: (_position(entry["variants"][pair[0]], pair[0]), pair[0])
            )
            product = replace(bare, variants=numbered(variant for _, variant in ordered))
        elif self.present is None:
            product = first_variant(context, product, entry.get("productOptions") or ())
        only = entry.get("metafields") is not None
        granted: Product = with_wishes(context, product, self._product_wishes(), "Product", only=only)
        return granted

    def _product_wishes(self) -> list[Wish]:
        custom: Input | None = self.entry.get("customIdMetafield")
        entry: Mapping[str, Any] = {"metafields": [custom]} if custom else self.entry
        return metafield_wishes(self.context, entry, self.present, ("input",))

    def _media(self, product: Product, files: Sequence[Input]) -> tuple[Media, ...]:
        """The images listed: those that are there by id or address, and new ones."""
        media: list[Media] = []
        for entry in files:
            old = next((one for one in product.media if _same_file(entry, one)), None)
            if old is not None:
                media.append(replace(old, alt=entry["alt"]) if entry.get("alt") is not None else old)
            elif entry.get("originalSource"):
                media.append(media_of(self.context, entry["originalSource"], entry.get("alt")))
            else:
                raise bad_request("A file needs an originalSource, or the id of a file of this product.")
        return tuple(media)

    def _variant(
        self, product: Product, index: int, entry: Input, match: Variant | None, selected: tuple[str, ...]
    ) -> Variant:
        context = self.context
        variant = match or new_variant(context, product, selected, tracked=True)
        variant = replace(with_variant_fields(context, variant, entry), selected=selected)
        item = variant.item
        for row in entry.get("inventoryQuantities") or ():
            item = self._stocked_item(item, row)
        variant = replace(variant, item=item)
        if match is None:
            variant = stocked(context, variant)
        if entry.get("file"):
            file = next((one for one in product.media if _same_file(entry["file"], one)), None)
            variant = replace(variant, media_ids=(file.id,) if file else ())
        wishes = wishes_of(context, entry, ("input", "variants", str(index)), match)
        only = entry.get("metafields") is not None
        granted: Variant = with_wishes(context, variant, wishes, "ProductVariant", only=only)
        return granted

    def _stocked_item(self, item: Item, row: Input) -> Item:
        place = required_number(row["locationId"], "Location")
        level = item.level(place)
        if level is None:
            return replace(item, levels=(*item.levels, new_level(self.context, place, row["quantity"])))
        kept = level.on_hand - level.available if row["name"] == "on_hand" else 0
        changed = replace(level, available=row["quantity"] - kept)
        return replace(item, levels=tuple(changed if one is level else one for one in item.levels))


_VALUE_CODES: Final = frozenset({"OPTION_VALUES_MISSING", "DUPLICATED_OPTION_VALUE"})


def _means(value: Input, option: Option, count: int) -> bool:
    """Whether an option value input is about this option."""
    if value.get("optionId"):
        return bool(value["optionId"] == gid("ProductOption", option.id))
    if value.get("optionName"):
        return bool(value["optionName"] == option.name)
    return count == 1 or any(value.get("id") == gid("ProductOptionValue", one.id) for one in option.values)


def _is_value(value: Input, candidate: OptionValue) -> bool:
    if value.get("id"):
        return bool(value["id"] == gid("ProductOptionValue", candidate.id))
    return bool((value.get("name") or "").strip() == candidate.name)


def _same_file(entry: Input, media: Media) -> bool:
    if entry.get("id"):
        return bool(entry["id"] == gid("MediaImage", media.id))
    return bool(entry.get("originalSource") == media.url)


def _position(entry: Input, index: int) -> int:
    return entry["position"] if entry.get("position") else index + 1

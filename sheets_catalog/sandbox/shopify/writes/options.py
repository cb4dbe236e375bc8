"""productOptionsCreate and productOptionUpdate."""

from __future__ import annotations

from itertools import product as combinations
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.context import Context, Info, of
from sheets_catalog.sandbox.shopify.state import Option, OptionValue, Product, Variant
from sheets_catalog.sandbox.shopify.values import gid
from sheets_catalog.sandbox.shopify.writes.shared import (
    Error,
    Input,
    Path,
    option_of,
    required_number,
    too_long,
    user_error,
)
from sheets_catalog.sandbox.shopify.writes.variants import new_variant, numbered, stocked

if TYPE_CHECKING:
    from collections.abc import Sequence


def options_problems(context: Context, product: Product | None, options: Sequence[Input], path: Path) -> list[Error]:
    """What is wrong with new options; product: the one they are to be added to, None for a product being made."""
    present = [] if product is None or product.only_default_variant else [option.name for option in product.options]
    limit = context.store.shop.option_limit
    if len(present) + len(options) > limit:
        return [user_error(path, f"Can only specify a maximum of {limit} options", "OPTIONS_OVER_LIMIT")]
    errors: list[Error] = []
    names: set[str] = set()
    for index, option in enumerate(options):
        here = (*path, str(index))
        name = (option.get("name") or "").strip()
        if not name:
            errors.append(user_error((*here, "name"), "Each option must have a name specified.", "OPTION_NAME_MISSING"))
        elif name in present:
            errors.append(user_error(here, f"Option '{name}' already exists.", "OPTION_ALREADY_EXISTS"))
        elif name in names:
            errors.append(user_error(here, f"Duplicated option name '{name}'.", "DUPLICATED_OPTION_NAME"))
        elif too_long("", name):
            errors.append(user_error((*here, "name"), "Option name is too long.", "OPTION_NAME_TOO_LONG"))
        names.add(name)
        errors += values_problems(option.get("values"), (*here, "values"))
    return errors


def values_problems(values: Sequence[Input] | None, path: Path) -> list[Error]:
    """What is wrong with the values of a new option."""
    names = [(value.get("name") or "").strip() for value in values or ()]
    if not names or not all(names):
        message = "Each option must have at least one option value specified."
        return [user_error(path, message, "OPTION_VALUES_MISSING")]
    repeated = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if repeated is not None:
        return [user_error(path, f"Duplicated option value '{repeated}'.", "DUPLICATED_OPTION_VALUE")]
    long = next((place for place, name in enumerate(names) if too_long("", name)), None)
    if long is not None:
        where = (*path, str(long), "name")
        return [user_error(where, "Option value name is too long.", "OPTION_VALUE_NAME_TOO_LONG")]
    return []


def added_options(context: Context, product: Product, options: Sequence[Input]) -> Product:
    """The product with checked options appended; its variants are not touched."""
    added = tuple(
        option_of(context.store, option["name"].strip(), [value["name"].strip() for value in option["values"]])
        for option in options
    )
    return replace(product, options=product.options + added)


def options_create(
    _root: Any,
    info: Info,
    productId: str,
    options: list[Input],
    variantStrategy: str | None = "LEAVE_AS_IS",
) -> dict[str, Any]:
    """`productOptionsCreate`: variants there are get the first value of each new option; CREATE makes the rest."""
    context = of(info)
    present = context.store.products.get(required_number(productId, "Product"))
    if present is None:
        return _missing()
    errors = options_problems(context, present, options, ("options",))
    if errors:
        return {"product": present, "userErrors": errors}
    bare = replace(present, options=()) if present.only_default_variant else present
    after = added_options(context, bare, options)
    new = tuple(option.values[0].name for option in after.options[len(bare.options) :])
    variants = tuple(
        replace(variant, selected=(variant.selected if bare is present else ()) + new) for variant in present.variants
    )
    after = replace(after, variants=variants)
    if variantStrategy == "CREATE":
        limit = context.store.shop.variant_limit
        after = _all_variants(context, after)
        if len(after.variants) > limit:
            message = f"The number of variants will exceed the limit of {limit}."
            return {"product": present, "userErrors": [user_error(["options"], message, "TOO_MANY_VARIANTS_CREATED")]}
    stored = context.commit("productOptionsCreate", present, after)
    return {"product": stored, "userErrors": []}


def _missing() -> dict[str, Any]:
    error = user_error(["productId"], "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
    return {"product": None, "userErrors": [error]}


def _all_variants(context: Context, product: Product) -> Product:
    """The product with a variant for every combination of its option values, priced like the first one."""
    present = {variant.selected for variant in product.variants}
    pattern = product.variants[0]
    made = [
        replace(stocked(context, new_variant(context, product, selected, tracked=True)), price=pattern.price)
        for selected in combinations(*([value.name for value in option.values] for option in product.options))
        if selected not in present
    ]
    return replace(product, variants=numbered((*product.variants, *made)))


def option_update(
    _root: Any,
    info: Info,
    productId: str,
    option: Input,
    optionValuesToAdd: list[Input] | None = None,
    optionValuesToUpdate: list[Input] | None = None,
    optionValuesToDelete: list[str] | None = None,
    variantStrategy: str | None = None,
) -> dict[str, Any]:
    """`productOptionUpdate`: rename, move, add, rename and delete values; MANAGE deletes variants with their values."""
    context = of(info)
    present = context.store.products.get(required_number(productId, "Product"))
    if present is None:
        return _missing()
    change = _OptionChange(
        context,
        present,
        option,
        optionValuesToAdd or [],
        optionValuesToUpdate or [],
        optionValuesToDelete or [],
        manage=variantStrategy == "MANAGE",
    )
    errors = change.problems()
    if errors:
        return {"product": present, "userErrors": errors}
    return {"product": context.commit("productOptionUpdate", present, change.result()), "userErrors": []}


class _OptionChange:
    """One productOptionUpdate: first its problems, then its result."""

    def __init__(
        self,
        context: Context,
        product: Product,
        option: Input,
        add: list[Input],
        update: list[Input],
        delete: list[str],
        *,
        manage: bool,
    ) -> None:
        self._context = context
        self._product = product
        self._entry = option
        self._add, self._update, self._delete = add, update, delete
        self._manage = manage
        self._place = next(
            (index for index, one in enumerate(product.options) if gid("ProductOption", one.id) == option["id"]), None
        )

    @property
    def _option(self) -> Option:
        assert self._place is not None, "checked by problems()"
        return self._product.options[self._place]

    def problems(self) -> list[Error]:
        if self._place is None:
            return [user_error(["option"], "Option does not exist", "OPTION_DOES_NOT_EXIST")]
        return [*self._name_problems(), *self._value_problems()]

    def _name_problems(self) -> list[Error]:
        name = self._entry.get("name")
        others = {one.name for one in self._product.options if one is not self._option}
        if name in others:
            return [user_error(["option", "name"], f"Option '{name}' already exists.", "OPTION_ALREADY_EXISTS")]
        if name and too_long("", name):
            return [user_error(["option", "name"], "Option name is too long.", "OPTION_NAME_TOO_LONG")]
        position = self._entry.get("position")
        if position is not None and not 1 <= position <= len(self._product.options):
            return [user_error(["option", "position"], "Invalid option position given.", "INVALID_POSITION")]
        return []

    def _value_problems(self) -> list[Error]:
        own = {gid("ProductOptionValue", value.id): value.name for value in self._option.values}
        for name, ids in (
            ("optionValuesToUpdate", [one["id"] for one in self._update]),
            ("optionValuesToDelete", self._delete),
        ):
            for index, text in enumerate(ids):
                if text not in own:
                    where = (name, str(index))
                    return [user_error(where, "Option value does not exist.", "OPTION_VALUE_DOES_NOT_EXIST")]
        used = {variant.selected[self._place or 0] for variant in self._product.variants}
        if not self._manage and any(own[text] in used for text in self._delete):
            message = "Cannot delete option values that have variants."
            return [user_error(["optionValuesToDelete"], message, "OPTION_VALUE_HAS_VARIANTS")]
        names = [value.name for value in self._values()]
        if not names:
            code = "CANNOT_DELETE_ALL_OPTION_VALUES_IN_OPTION"
            return [user_error(["optionValuesToDelete"], "Cannot delete all option values in an option.", code)]
        if len(set(names)) != len(names):
            message = "Option value already exists."
            return [user_error(["optionValuesToAdd"], message, "OPTION_VALUE_ALREADY_EXISTS")]
        if not self._variants():
            code = "CANNOT_LEAVE_OPTIONS_WITHOUT_VARIANTS"
            return [user_error(["optionValuesToDelete"], "At least one variant must remain.", code)]
        return []

    def _values(self) -> tuple[OptionValue, ...]:
        renamed = {one["id"]: one.get("name") for one in self._update}
        kept = [
            replace(value, name=renamed.get(gid("ProductOptionValue", value.id)) or value.name)
            for value in self._option.values
            if gid("ProductOptionValue", value.id) not in self._delete
        ]
        added = [OptionValue(0, one["name"].strip()) for one in self._add if (one.get("name") or "").strip()]
        return (*kept, *added)

    def _variants(self) -> tuple[Variant, ...]:
        place = self._place or 0
        names = {value.name: gid("ProductOptionValue", value.id) for value in self._option.values}
        renamed = {one["id"]: one.get("name") for one in self._update}
        variants: list[Variant] = []
        for variant in self._product.variants:
            number = names[variant.selected[place]]
            if number in self._delete:
                continue
            name = renamed.get(number) or variant.selected[place]
            selected = (*variant.selected[:place], name, *variant.selected[place + 1 :])
            variants.append(variant if selected == variant.selected else replace(variant, selected=selected))
        return numbered(variants)

    def result(self) -> Product:
        store = self._context.store
        values = tuple(
            value if value.id else replace(value, id=store.next_id("ProductOptionValue")) for value in self._values()
        )
        option = replace(self._option, name=self._entry.get("name") or self._option.name, values=values)
        place = self._place or 0
        order = [index for index in range(len(self._product.options)) if index != place]
        order.insert((self._entry.get("position") or place + 1) - 1, place)
        options = [*self._product.options]
        options[place] = option
        return replace(
            self._product,
            options=tuple(options[index] for index in order),
            variants=tuple(
                replace(variant, selected=tuple(variant.selected[index] for index in order))
                for variant in self._variants()
            ),
        )

"""Things that GraphQL shows as objects but that the store does not keep as such."""

from __future__ import annotations

from typing import Any, NamedTuple

from sheets_catalog.sandbox.shopify.state import Item, Level, Metafield, OptionValue, Product, Variant


class LevelView(NamedTuple):
    """A level with the item it belongs to."""

    level: Level
    item: Item


class QuantityView(NamedTuple):
    """One named quantity of a level."""

    view: LevelView
    name: str


class OptionView(NamedTuple):
    """An option by its place in a product."""

    product: Product
    place: int


class ValueView(NamedTuple):
    """An option value and whether a variant uses it."""

    value: OptionValue
    used: bool


class SelectedView(NamedTuple):
    """What a variant chose for one option."""

    name: str
    value: OptionValue


class MetafieldView(NamedTuple):
    """A metafield with its owner (a product, variant, collection)."""

    field: Metafield
    owner: Any


class ImageView(NamedTuple):
    """An image file."""

    number: int
    url: str
    alt: str


class CountView(NamedTuple):
    """A count, exact or cut off at a limit."""

    number: int
    precision: str


class RangeView(NamedTuple):
    """Lowest and highest price."""

    lowest: str
    highest: str


class SeoView(NamedTuple):
    """Search engine title and description."""

    title: str | None
    description: str | None


def option_views(product: Product) -> list[OptionView]:
    """The product's options in order."""
    return [OptionView(product, place) for place in range(len(product.options))]


def value_views(view: OptionView) -> list[ValueView]:
    """All values of an option, used or not."""
    used = {variant.selected[view.place] for variant in view.product.variants}
    return [ValueView(value, value.name in used) for value in view.product.options[view.place].values]


def selected_views(product: Product, variant: Variant) -> list[SelectedView]:
    """What a variant chose, in the order of the options."""
    return [
        SelectedView(option.name, next((one for one in option.values if one.name == name), OptionValue(0, name)))
        for option, name in zip(product.options, variant.selected, strict=False)
    ]

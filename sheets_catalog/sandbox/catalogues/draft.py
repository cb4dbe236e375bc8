"""A catalogue before it lies in a shop: plain values, no ids, no times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_OPTION = "Title"
DEFAULT_VALUE = "Default Title"


@dataclass(frozen=True)
class DraftMetafield:
    """One metafield."""

    namespace: str
    key: str
    type: str
    value: str


@dataclass(frozen=True)
class DraftImage:
    """One image."""

    url: str
    alt: str = ""


@dataclass(frozen=True)
class DraftVariant:
    """One variant. `selected`: a value for each of the product's options. `stock`: available, by location name.

    Money is a decimal string; `weight` is in `weight_unit` (KILOGRAMS, GRAMS, POUNDS, OUNCES).
    """

    selected: tuple[str, ...] = (DEFAULT_VALUE,)
    sku: str | None = None
    barcode: str | None = None
    price: str = "0.00"
    compare_at_price: str | None = None
    cost: str | None = None
    stock: Mapping[str, int] = field(default_factory=dict)
    tracked: bool = True
    inventory_policy: str = "DENY"
    taxable: bool = True
    tax_code: str | None = None
    requires_shipping: bool = True
    weight: float = 0.0
    weight_unit: str = "KILOGRAMS"
    image: str = ""
    metafields: tuple[DraftMetafield, ...] = ()


@dataclass(frozen=True)
class DraftProduct:
    """One product. An empty handle is made from the title."""

    title: str
    variants: tuple[DraftVariant, ...]
    handle: str = ""
    body: str = ""
    vendor: str = ""
    product_type: str = ""
    tags: tuple[str, ...] = ()
    status: str = "ACTIVE"
    published: bool = True
    options: tuple[str, ...] = (DEFAULT_OPTION,)
    images: tuple[DraftImage, ...] = ()
    category: str | None = None
    seo_title: str | None = None
    seo_description: str | None = None
    gift_card: bool = False
    metafields: tuple[DraftMetafield, ...] = ()
    collections: tuple[str, ...] = ()


@dataclass(frozen=True)
class DraftLocation:
    """One location."""

    name: str
    city: str = ""
    country: str = ""
    country_code: str = ""
    address1: str = ""
    zip: str = ""
    active: bool = True


@dataclass(frozen=True)
class DraftDefinition:
    """One metafield definition."""

    owner_type: str
    namespace: str
    key: str
    name: str
    type: str
    unique: bool = False


@dataclass(frozen=True)
class Catalogue:
    """A whole catalogue. Collections are named by the products in them."""

    name: str
    products: tuple[DraftProduct, ...]
    locations: tuple[DraftLocation, ...]
    definitions: tuple[DraftDefinition, ...] = ()
    currency: str = "EUR"

    @property
    def variant_count(self) -> int:
        """Variants over all products."""
        return sum(len(product.variants) for product in self.products)

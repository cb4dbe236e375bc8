"""The reference catalogue: 2,000 products of 8 variants at one location, the same in every run.

Every performance claim is measured on it. Words, prices and stock come from a seeded random source.
"""

from __future__ import annotations

import random
from typing import Final

from sheets_catalog.sandbox.catalogues.draft import Catalogue, DraftImage, DraftLocation, DraftProduct, DraftVariant

SEED: Final = 20261122
PRODUCTS: Final = 2_000
SIZES: Final = ("S", "M", "L", "XL")
COLORS: Final = ("Ivory", "Navy")
LOCATION: Final = DraftLocation("Main warehouse", "Berlin", "Germany", "DE", "Lagerstr. 1", "10115")

_STYLES: Final = (
    "Classic",
    "Relaxed",
    "Slim",
    "Everyday",
    "Alpine",
    "Harbour",
    "Meadow",
    "Studio",
    "Nordic",
    "Coastal",
)
_FABRICS: Final = ("Linen", "Cotton", "Wool", "Merino", "Denim", "Jersey", "Corduroy", "Flannel", "Silk", "Hemp")
_GARMENTS: Final = ("Shirt", "Blouse", "Jumper", "Cardigan", "Jacket", "Trousers", "Skirt", "Dress", "Vest", "Coat")
_VENDORS: Final = ("Atelier Nord", "Weber & Söhne", "Casa Azul", "Riverline", "Plain Goods")
_TAGS: Final = ("spring", "summer", "autumn", "winter", "sale", "new", "organic", "limited")


def reference_catalogue(products: int = PRODUCTS, seed: int = SEED) -> Catalogue:
    """The catalogue; fewer products give a beginning of it."""
    source = random.Random(seed)
    made = tuple(_product(source, number) for number in range(1, products + 1))
    return Catalogue("reference", made, (LOCATION,))


def _product(source: random.Random, number: int) -> DraftProduct:
    style, fabric, garment = source.choice(_STYLES), source.choice(_FABRICS), source.choice(_GARMENTS)
    title = f"{style} {fabric} {garment} {number:04d}"
    price = source.randrange(1900, 19900, 100) + 95
    return DraftProduct(
        title=title,
        body=f"<p>{style} {garment.lower()} in {fabric.lower()}.</p><ul><li>Style {number}</li></ul>",
        vendor=source.choice(_VENDORS),
        product_type=garment,
        tags=tuple(sorted(source.sample(_TAGS, 3))),
        options=("Size", "Color"),
        images=(DraftImage(f"https://images.example.com/{number}.jpg", title),),
        variants=tuple(_variant(source, number, size, color, price) for size in SIZES for color in COLORS),
    )


def _variant(source: random.Random, number: int, size: str, color: str, price: int) -> DraftVariant:
    sale = source.random() < 0.2
    return DraftVariant(
        selected=(size, color),
        sku=f"{number:05d}-{size}-{color[:3].upper()}",
        barcode=f"{4_000_000_000_000 + source.randrange(10**11)}",
        price=f"{price / 100:.2f}",
        compare_at_price=f"{(price + 1000) / 100:.2f}" if sale else None,
        cost=f"{price * 0.4 / 100:.2f}",
        stock={LOCATION.name: source.randrange(0, 200)},
        weight=round(source.uniform(0.1, 1.9), 3),
    )

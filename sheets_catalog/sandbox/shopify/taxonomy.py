"""A few categories of Shopify's Standard Product Taxonomy: what the sample catalogue needs, with their parents.

Any other code is refused by the mutations as unknown.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Category(NamedTuple):
    """One category."""

    code: str
    name: str
    parent: str | None
    full_name: str
    level: int
    leaf: bool


_NAMES: Final[dict[str, str]] = {
    "aa": "Apparel & Accessories",
    "aa-1": "Clothing",
    "aa-1-13": "Clothing Tops",
    "aa-1-13-8": "T-Shirts",
    "aa-6": "Jewelry",
    "aa-8": "Shoes",
    "fb": "Food, Beverages & Tobacco",
    "hb": "Health & Beauty",
    "hg": "Home & Garden",
    "me": "Media",
    "os": "Office Supplies",
    "sg": "Sporting Goods",
    "tg": "Toys & Games",
}


def find(code: str) -> Category | None:
    """The category, or None when the sandbox does not know it."""
    if code not in _NAMES:
        return None
    parts = code.split("-")
    chain = ["-".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return Category(
        code=code,
        name=_NAMES[code],
        parent=chain[-2] if len(chain) > 1 else None,
        full_name=" > ".join(_NAMES[step] for step in chain),
        level=len(chain),
        leaf=not any(other.startswith(f"{code}-") for other in _NAMES),
    )

"""The ways of shops: one call a record, with requests and gspread, written as plainly and fairly as it is done.

Each record costs one call and not more: everything around it (finding ids, reading and writing the sheet) is left out
of the measure, which is to this way's advantage.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import requests

from benchmarks.place import Measured, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


PRODUCT = """query ($id: ID!) { product(id: $id) {
  id handle title descriptionHtml vendor productType tags status updatedAt options { name position }
  seo { title description } } }"""

VARIANT = """query ($id: ID!) { productVariant(id: $id) {
  id sku barcode price compareAtPrice taxable inventoryPolicy updatedAt selectedOptions { name value }
  product { id handle title }
  inventoryItem { id tracked requiresShipping unitCost { amount } measurement { weight { value unit } }
    inventoryLevels(first: 1) {
      nodes { location { id name } quantities(names: ["available"]) { name quantity } } } } } }"""

PAGE = """query ($after: String) { productVariants(first: 250, after: $after, reverse: true) {
  nodes { id product { id } inventoryItem { id
    inventoryLevels(first: 1) { nodes { location { id } quantities(names: ["available"]) { quantity } } } } price }
  pageInfo { hasNextPage endCursor } } }"""

SET_PRICE = """mutation ($product: ID!, $variants: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $product, variants: $variants) { userErrors { field message } } }"""

SET_VENDOR = """mutation ($product: ProductUpdateInput!) {
  productUpdate(product: $product) { userErrors { field message } } }"""

SET_STOCK = """mutation ($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { field message } } }"""


def importing(place: Place, sample: int) -> dict[str, Any]:
    """Get each product and each variant (with its stock level) by its id."""
    shop = _Shop(place)
    variants = [node for node, _ in zip(shop.variants(), range(sample * 8 // 9), strict=False)]
    products = list(dict.fromkeys(node["product"]["id"] for node in variants))
    asked = [(PRODUCT, each) for each in products] + [(VARIANT, node["id"]) for node in variants]

    def get(query: str, record: str) -> None:
        assert shop.ask(query, {"id": record})["data"]

    return shop.one_by_one([partial(get, *each) for each in asked[:sample]])


def exporting(place: Place, products: int, variants: int, levels: int) -> dict[str, Any]:
    """Send each changed record with a call of its own."""
    shop = _Shop(place)
    nodes = list(zip(shop.variants(), range(max(variants, levels, products)), strict=False))
    sendings = [
        *((SET_VENDOR, {"product": {"id": node["product"]["id"], "vendor": f"V {n}"}}) for node, n in nodes[:products]),
        *((SET_PRICE, _price(node)) for node, _ in nodes[:variants]),
        *((SET_STOCK, _stock(node)) for node, _ in nodes[:levels]),
    ]
    return shop.one_by_one([partial(shop.write, *each) for each in sendings])


def reading_everything(place: Place) -> dict[str, Any]:
    """Read products and variants with stock in pages of 250: the least that comparing without a memory takes."""
    shop = _Shop(place)
    return {"records": sum(2 for _ in shop.variants()) + sum(1 for _ in shop.products())}


def _price(node: Mapping[str, Any]) -> dict[str, Any]:
    price = f"{float(node['price']) + 0.01:.2f}"
    return {"product": node["product"]["id"], "variants": [{"id": node["id"], "price": price}]}


def _stock(node: Mapping[str, Any]) -> dict[str, Any]:
    (level,) = node["inventoryItem"]["inventoryLevels"]["nodes"]
    available = level["quantities"][0]["quantity"]
    quantity = {
        "inventoryItemId": node["inventoryItem"]["id"],
        "locationId": level["location"]["id"],
        "quantity": available + 1,
        "changeFromQuantity": available,
    }
    return {"input": {"name": "available", "reason": "correction", "quantities": [quantity]}, "key": str(uuid4())}


@dataclass(slots=True)
class _Shop:
    """The shop as a script sees it: one session, one call at a time, waiting when it is told to."""

    place: Place
    session: requests.Session

    def __init__(self, place: Place) -> None:
        self.place = place
        self.session = requests.Session()
        self.session.headers["X-Shopify-Access-Token"] = place.told["shopify"]["access_token"]

    def ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """One call; again after a simulated second when throttled."""
        address = f"{self.place.told['url']}/admin/api/2026-10/graphql.json"
        while True:
            answer = self.session.post(address, json={"query": query, "variables": dict(variables)}, timeout=120)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            errors = found.get("errors", [])
            if not errors:
                return found
            if errors[0].get("extensions", {}).get("code") != "THROTTLED":
                raise RuntimeError(f"the shop refused: {errors}")
            time.sleep(1 / self.place.speed)

    def write(self, query: str, variables: Mapping[str, Any]) -> None:
        """One call that must not be refused."""
        (payload,) = self.ask(query, variables)["data"].values()
        if payload["userErrors"]:
            raise RuntimeError(f"the shop refused: {payload['userErrors']}")

    def variants(self) -> Iterator[dict[str, Any]]:
        """All variants, in pages of 250, the newest first: samples stay away from what the sheet's edits touch."""
        yield from self._pages(PAGE)

    def products(self) -> Iterator[dict[str, Any]]:
        """All products, in pages of 250."""
        fields = "id handle title descriptionHtml vendor productType tags status seo { title description }"
        page = f"products(first: 250, after: $after) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }}"
        yield from self._pages(f"query ($after: String) {{ {page} }}")

    def _pages(self, query: str) -> Iterator[dict[str, Any]]:
        cursor = None
        while True:
            (page,) = self.ask(query, {"after": cursor})["data"].values()
            yield from page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            cursor = page["pageInfo"]["endCursor"]

    def one_by_one(self, steps: list[Callable[[], None]]) -> dict[str, Any]:
        """Do them one after another; what that took, and nothing else."""
        before = self.place.counts()
        with Measured(self.place) as measured:
            for step in steps:
                step()
        return {"records": len(steps), "calls": dict(self.place.counts() - before), **measured.told()}

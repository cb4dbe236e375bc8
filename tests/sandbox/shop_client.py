"""A plain requests client of a sandbox shop, as its users write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from sheets_catalog.sandbox import Sandbox

FULL = "shpat_sandbox_full"


class Shop:
    """Sends GraphQL documents; every answer is checked to be HTTP 200 unless another status is asked for."""

    def __init__(self, sandbox: Sandbox, token: str = FULL) -> None:
        self.sandbox = sandbox
        self.token = token
        self.service: Any = sandbox.services["shopify"]

    def post(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.post(
            f"{self.sandbox.url}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables or {}},
            headers={"X-Shopify-Access-Token": self.token, **named},
            timeout=10,
        )

    def answer(self, query: str, variables: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """The whole answer."""
        response = self.post(query, variables, **headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def data(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = self.answer(query, variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def payload(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The payload of a document with one mutation, applied without user errors."""
        (payload,) = self.data(query, variables).values()
        assert payload["userErrors"] == [], payload["userErrors"]
        return dict(payload)

    def refused(self, query: str, variables: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """The user errors of a document with one mutation; nothing was applied."""
        before = len(self.sandbox.world.ledger)
        (payload,) = self.data(query, variables).values()
        assert payload["userErrors"], "the mutation was not refused"
        assert len(self.sandbox.world.ledger) == before, "a refused mutation left a line in the ledger"
        errors: list[dict[str, Any]] = payload["userErrors"]
        return errors

    def error(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The one top-level error of an answer."""
        (error,) = self.answer(query, variables)["errors"]
        return dict(error)

    def product(self, handle: str) -> dict[str, Any]:
        """A product with variants and levels, by handle."""
        found = self.data(PRODUCT, {"handle": handle})["product"]
        assert found is not None, f"there is no product {handle}"
        return dict(found)

    def lines(self, since: int = 0) -> list[dict[str, Any]]:
        """Ledger lines after number `since`."""
        return [line for line in self.sandbox.world.ledger.since(since) if line["service"] == "shopify"]


PRODUCT = """
query ($handle: String!) {
  product: productByIdentifier(identifier: {handle: $handle}) {
    id handle title descriptionHtml vendor productType status tags createdAt updatedAt publishedAt
    seo { title description }
    options { id name position values optionValues { id name hasVariants } }
    metafields(first: 50) { nodes { id namespace key type value compareDigest } }
    media(first: 50) { nodes { id alt } }
    variants(first: 100) {
      nodes {
        id title sku barcode price compareAtPrice position taxable inventoryPolicy inventoryQuantity updatedAt
        selectedOptions { name value }
        metafields(first: 10) { nodes { namespace key value } }
        inventoryItem {
          id sku tracked requiresShipping unitCost { amount currencyCode } measurement { weight { unit value } }
          inventoryLevels(first: 10) {
            nodes { id updatedAt location { id name } quantities(names: ["available", "on_hand"]) { name quantity } }
          }
        }
      }
    }
  }
}
"""


def available(variant: dict[str, Any], location: str) -> int:
    """Available stock of a variant (from `PRODUCT`) at a location by name."""
    for level in variant["inventoryItem"]["inventoryLevels"]["nodes"]:
        if level["location"]["name"] == location:
            return int(next(one["quantity"] for one in level["quantities"] if one["name"] == "available"))
    raise AssertionError(f"not stocked at {location}")

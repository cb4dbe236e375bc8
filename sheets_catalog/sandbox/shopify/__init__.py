"""Shopify Admin GraphQL 2026-10, executed by graphql-core over a part of Shopify's published schema."""

from sheets_catalog.sandbox.shopify.service import Shopify

__all__ = ["Shopify"]

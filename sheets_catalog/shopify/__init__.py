"""Shopify's Admin GraphQL API: transport, errors, cost pacing, catalogue reads, writes with a verdict per record."""

from __future__ import annotations

from sheets_catalog.shopify.catalogue import Catalogue, Page
from sheets_catalog.shopify.operations import (
    CreateProduct,
    CreateVariants,
    DeleteProduct,
    DeleteVariants,
    LevelChange,
    NewVariant,
    Operation,
    Result,
    SetInventory,
    UpdateProduct,
    UpdateVariants,
    VariantChange,
)
from sheets_catalog.shopify.reading import Counts, Location, ShopInfo, Tree, TreeVariant
from sheets_catalog.shopify.tokens import ClientCredentials, StaticToken, TokenSource
from sheets_catalog.shopify.transport import Answer, Shop
from sheets_catalog.shopify.verdicts import Outcome, Problem, Verdict
from sheets_catalog.shopify.writes import Limits, WriteRequest, pack, send

__all__ = [
    "Answer",
    "Catalogue",
    "ClientCredentials",
    "Counts",
    "CreateProduct",
    "CreateVariants",
    "DeleteProduct",
    "DeleteVariants",
    "LevelChange",
    "Limits",
    "Location",
    "NewVariant",
    "Operation",
    "Outcome",
    "Page",
    "Problem",
    "Result",
    "SetInventory",
    "Shop",
    "ShopInfo",
    "StaticToken",
    "TokenSource",
    "Tree",
    "TreeVariant",
    "UpdateProduct",
    "UpdateVariants",
    "VariantChange",
    "Verdict",
    "WriteRequest",
    "pack",
    "send",
]

from __future__ import annotations

import gzip
import json
from importlib.resources import files

import pytest
from graphql import GraphQLSchema, build_client_schema, build_schema

from tests.shared_data import shared


@pytest.fixture(scope="session")
def published_schema() -> GraphQLSchema:
    """Shopify's real Admin schema, 2026-10."""
    with gzip.open(shared("data", "shopify-schema", "admin_2026-10.json.gz"), "rt", encoding="utf-8") as file:
        return build_client_schema(json.load(file)["data"], assume_valid=True)


@pytest.fixture(scope="session")
def subset_schema() -> GraphQLSchema:
    """The part of it that is in the repository."""
    text = (files("sheets_catalog.sandbox.shopify") / "schema.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True)

"""Every GraphQL document that can be sent is valid: against the real schema, and against the repository's part of it."""

from __future__ import annotations

from importlib.resources import files

import pytest
from graphql import GraphQLSchema, parse, validate
from graphql.execution import get_variable_values
from graphql.language import OperationDefinitionNode

from sheets_catalog.shopify.documents import load
from sheets_catalog.shopify.writes import WriteRequest
from tests.shopify.examples import EVERY_WRITE

QUERIES = sorted(
    file.name.removesuffix(".graphql")
    for file in (files("sheets_catalog.shopify") / "graphql").iterdir()
    if file.name != "fragments.graphql"
)


@pytest.fixture(params=["published", "subset"])
def schema(request: pytest.FixtureRequest) -> GraphQLSchema:
    found: GraphQLSchema = request.getfixturevalue(f"{request.param}_schema")
    return found


@pytest.mark.parametrize("name", QUERIES)
def test_query_is_valid(name, schema):
    assert [error.message for error in validate(schema, parse(load(name).text))] == []


@pytest.mark.parametrize(
    "writes",
    [*((each,) for each in EVERY_WRITE), EVERY_WRITE],
    ids=lambda each: f"{len(each)}-{type(each[0]).__name__}",
)
def test_write_is_valid_with_its_variables(writes, schema):
    document, variables = WriteRequest(writes, 2).document()
    tree = parse(document.text)
    assert [error.message for error in validate(schema, tree)] == []
    operation = tree.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    # Every input object must coerce: unknown or missing input fields are errors here.
    coerced = get_variable_values(schema, operation.variable_definitions, variables)
    assert not isinstance(coerced, list), [error.message for error in coerced]
    assert {node.variable.name.value for node in operation.variable_definitions} == set(variables)


def test_no_deprecated_field_is_used(published_schema):
    from graphql.validation import NoDeprecatedCustomRule

    texts = [load(name).text for name in QUERIES] + [WriteRequest(EVERY_WRITE, 2).document()[0].text]
    found = [
        error.message for text in texts for error in validate(published_schema, parse(text), [NoDeprecatedCustomRule])
    ]
    assert found == []


def test_several_writes_have_aliases_and_variables_of_their_own():
    document, variables = WriteRequest(EVERY_WRITE, 2).document()
    assert document.name.split("+") == [
        "metafieldsDelete",
        "productUpdate",
        "productVariantsBulkUpdate",
        "productSet",
        "productVariantsBulkCreate",
        "inventorySetQuantities",
        "productDelete",
        "productVariantsBulkDelete",
    ]
    assert "o4: inventorySetQuantities(input: $o4_input) @idempotent(key: $o4_key)" in document.text
    assert variables["o4_key"] == "0b0c7a52-5c43-5d7f-9d3e-6a1df7b1a001"
    assert "o0c0: metafieldsDelete(metafields: $o0c0_metafields)" in document.text
    assert document.text.index("o0c0:") < document.text.index("o0:")


def test_no_value_is_ever_written_into_the_text():
    document, _ = WriteRequest(EVERY_WRITE, 2).document()
    for value in ("Ångström", "red-shirt", "job1:op7", "gid://shopify"):
        assert value not in document.text

"""The sandbox's schema is a part of the published one, and everything in it is answered."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    parse,
    print_ast,
    validate,
)

from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.shopify.documents import Documents, RefusedError, published_schema
from sheets_catalog.sandbox.shopify.schema import executable_schema, resolver_of
from sheets_catalog.sandbox.shopify.subset import SCHEMA_FILE, cut, read_introspection, sdl
from tests.sandbox.shop_client import Shop
from tests.shared_data import shared

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    return published_schema(shared("data", "shopify-schema", "admin_2026-10.json.gz"))


def default(value: Any) -> str | None:
    """The default of an argument or input field as text."""
    if value.default is None:
        return None
    literal = value.default.literal
    return print_ast(literal) if literal is not None else str(value.default.value)


@cache
def subset() -> GraphQLSchema:
    return executable_schema()


def own_types() -> Iterator[Any]:
    for name, kind in subset().type_map.items():
        if not name.startswith("__"):
            yield kind


def test_every_type_field_argument_and_enum_value_is_the_published_one(published: GraphQLSchema) -> None:
    for kind in own_types():
        real = published.type_map[kind.name]
        assert type(real) is type(kind), kind.name
        if isinstance(kind, GraphQLEnumType):
            assert set(kind.values) == set(real.values), kind.name
        elif isinstance(kind, GraphQLInputObjectType):
            for name, field in kind.fields.items():
                assert str(field.type) == str(real.fields[name].type), f"{kind.name}.{name}"
                assert default(field) == default(real.fields[name]), f"{kind.name}.{name}"
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                theirs = real.fields[name]
                assert str(field.type) == str(theirs.type), f"{kind.name}.{name}"
                assert field.deprecation_reason == theirs.deprecation_reason, f"{kind.name}.{name}"
                for argument, value in field.args.items():
                    where = f"{kind.name}.{name}({argument}:)"
                    assert str(value.type) == str(theirs.args[argument].type), where
                    assert default(value) == default(theirs.args[argument]), where
            assert {one.name for one in kind.interfaces} <= {one.name for one in real.interfaces}, kind.name


def test_nothing_that_is_required_has_been_left_out(published: GraphQLSchema) -> None:
    for kind in own_types():
        real = published.type_map[kind.name]
        if isinstance(kind, GraphQLInputObjectType):
            required = {
                name for name, field in real.fields.items() if str(field.type).endswith("!") and field.default is None
            }
            assert required <= set(kind.fields), kind.name
        elif isinstance(kind, GraphQLObjectType):
            for name, field in kind.fields.items():
                theirs = real.fields[name].args
                required = {a for a, one in theirs.items() if str(one.type).endswith("!") and one.default is None}
                assert required <= set(field.args), f"{kind.name}.{name}"


def test_directives_are_the_published_ones(published: GraphQLSchema) -> None:
    own = {directive.name: directive for directive in subset().directives}
    assert "idempotent" in own
    for name in ("idempotent", "include", "skip"):
        directive, real = own[name], published.get_directive(name)
        assert real is not None
        assert directive.locations == real.locations
        assert {name: str(one.type) for name, one in directive.args.items()} == {
            name: str(one.type) for name, one in real.args.items()
        }


def test_the_file_is_what_the_script_makes() -> None:
    path = shared("data", "shopify-schema", "admin_2026-10.json.gz")
    assert SCHEMA_FILE.read_text(encoding="utf-8") == sdl(cut(read_introspection(path)))


def test_every_field_has_a_resolver() -> None:
    for kind in own_types():
        if isinstance(kind, GraphQLObjectType):
            for name in kind.fields:
                assert callable(resolver_of(kind.name, name)), f"{kind.name}.{name}"


def test_descriptions_are_stripped_and_scalars_known() -> None:
    assert '"""' not in SCHEMA_FILE.read_text(encoding="utf-8")
    scalars = {kind.name for kind in own_types() if isinstance(kind, GraphQLScalarType)}
    assert {"Money", "Decimal", "DateTime", "UnsignedInt64", "HTML", "URL"} <= scalars


# -- the operations that the product is built on ---------------------------------------------------------------------

LATER = {
    "bulk_cancel",
    "bulk_current_DEPRECATED",
    "bulk_list",
    "bulk_run_mutation",
    "bulk_run_query",
    "bulk_status",
    "bulk_status_node",
    "staged_upload_jsonl",
    "webhook_subscribe",
}
"""Not supported yet: refused by name."""

VARIABLES: dict[str, dict[str, Any]] = {
    "bulk_inner_product_set": {"input": {"title": "Made by productSet"}},
    "collections": {"first": 10},
    "inventory_activate": {"inventoryItemId": "@item", "locationId": "@popup", "available": 3, "idempotencyKey": "k1"},
    "inventory_adjust_quantities": {
        "input": {
            "name": "available",
            "reason": "correction",
            "changes": [{"inventoryItemId": "@item", "locationId": "@place", "delta": 2, "changeFromQuantity": None}],
        },
        "idempotencyKey": "k2",
    },
    "inventory_set_quantities": {
        "input": {
            "name": "available",
            "reason": "correction",
            "quantities": [
                {"inventoryItemId": "@item", "locationId": "@place", "quantity": 77, "changeFromQuantity": None}
            ],
        },
        "idempotencyKey": "k3",
    },
    "locations": {"first": 10},
    "metafields_set": {
        "metafields": [
            {
                "ownerId": "@product",
                "namespace": "custom",
                "key": "note",
                "type": "single_line_text_field",
                "value": "x",
            }
        ]
    },
    "product_create": {"product": {"title": "Made by productCreate"}},
    "product_set": {"input": {"title": "Made by productSet too"}, "synchronous": True},
    "product_set_operation_poll": {"id": "gid://shopify/ProductSetOperation/1"},
    "product_update": {"product": {"id": "@product", "title": "Renamed"}},
    "product_variants_page": {"first": 25},
    "products_page": {"first": 25},
    "variants_bulk_create": {
        "productId": "@product",
        "variants": [
            {"optionValues": [{"optionName": "Size", "name": "XXL"}, {"optionName": "Color", "name": "White"}]}
        ],
    },
    "variants_bulk_update": {"productId": "@product", "variants": [{"id": "@variant", "price": "61.50"}]},
}
WITHOUT_SIZES = {"bulk_inner_products_inventory", "bulk_inner_variants_inventory"}
"""For bulk operations: their connections have no `first`, which the ordinary endpoint refuses."""


def operations() -> dict[str, str]:
    folder = shared("facts", "shopify", "operations")
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.graphql"))}


def test_all_operations_run_or_are_refused_by_name() -> None:
    texts = operations()
    assert len(texts) == 27
    with Sandbox.start(latency="none") as sandbox:
        shop = Shop(sandbox)
        product = shop.product("linen-shirt")
        variant = product["variants"]["nodes"][0]
        names = {
            "@product": product["id"],
            "@variant": variant["id"],
            "@item": variant["inventoryItem"]["id"],
            "@place": variant["inventoryItem"]["inventoryLevels"]["nodes"][0]["location"]["id"],
            "@popup": "gid://shopify/Location/70000000003",
        }
        for name, text in texts.items():
            given = json.loads(json.dumps(VARIABLES.get(name, {})))
            answer = shop.answer(text, _filled(given, names))
            if name in LATER:
                assert "sandbox" in answer["errors"][0]["message"], name
            elif name in WITHOUT_SIZES:
                assert answer["errors"][0]["message"] == "you must provide one of first or last", name
            else:
                assert "errors" not in answer, (name, answer["errors"])
                for payload in answer["data"].values():
                    assert not (isinstance(payload, dict) and payload.get("userErrors")), (name, payload)


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value


def test_operations_that_run_here_are_valid_for_the_published_schema_too(published: GraphQLSchema) -> None:
    for name, text in operations().items():
        assert validate(published, parse(text)) == [], name
        if name not in LATER:
            assert validate(subset(), parse(text)) == [], name


def test_documents_can_be_validated_against_the_published_schema_as_well() -> None:
    path = shared("data", "shopify-schema", "admin_2026-10.json.gz")
    documents = Documents(executable_schema(), path)
    with pytest.raises(RefusedError) as wrong:
        documents.prepare("{ shop { colour } }")
    assert wrong.value.errors[0].message == "Field 'colour' doesn't exist on type 'Shop'"
    with pytest.raises(RefusedError) as missing:
        documents.prepare("{ shop { taxShipping } }")
    assert "in the sandbox, which supports a part" in missing.value.errors[0].message
    assert documents.prepare("{ shop { name } }").operations

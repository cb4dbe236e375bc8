"""The executable schema: the subset of Shopify's, with resolvers and scalars attached once per process."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
)

from sheets_catalog.sandbox.shopify import reads, stock_reads
from sheets_catalog.sandbox.shopify.context import Info, of
from sheets_catalog.sandbox.shopify.problems import too_many
from sheets_catalog.sandbox.shopify.roots import MUTATIONS, QUERIES, ROOT_ACCESS
from sheets_catalog.sandbox.shopify.state import (
    Collection,
    Definition,
    Group,
    Item,
    Location,
    Media,
    Operation,
    Product,
    Variant,
)
from sheets_catalog.sandbox.shopify.subset import SCHEMA_FILE
from sheets_catalog.sandbox.shopify.views import LevelView, MetafieldView

if TYPE_CHECKING:
    from collections.abc import Callable

    from sheets_catalog.sandbox.shopify.reads import Resolver

INPUT_LIMIT: Final = 250
"""Elements in any input array (shopify.dev "API limits")."""

INPUT_LIMITS: Final[dict[tuple[str, ...], int]] = {("productSet", "input", "variants"): 2048}
"""Exceptions (recorded): a product may be set with all its variants."""

_NAMES: Final[dict[type, str]] = {
    Product: "Product",
    Variant: "ProductVariant",
    Collection: "Collection",
    Location: "Location",
    Item: "InventoryItem",
    LevelView: "InventoryLevel",
    Media: "MediaImage",
    MetafieldView: "Metafield",
    Definition: "MetafieldDefinition",
    Group: "InventoryAdjustmentGroup",
}


@cache
def executable_schema() -> GraphQLSchema:
    """Build it: about 30 ms."""
    schema = build_schema(SCHEMA_FILE.read_text(encoding="utf-8"), assume_valid=True)
    access = stock_reads.ACCESS | ROOT_ACCESS
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                resolver = resolver_of(kind.name, name)
                scopes = access.get((kind.name, name))
                field.resolve = _guarded(resolver, scopes) if scopes else resolver
        elif isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = _type_name
        elif isinstance(kind, GraphQLScalarType) and kind.name in _SERIALIZERS:
            kind.coerce_output_value = _SERIALIZERS[kind.name]
    return schema


def resolver_of(kind: str, field: str) -> Resolver:
    """The function that answers a field; KeyError for a field that nobody answers."""
    if kind == "QueryRoot":
        return QUERIES[field]
    if kind == "Mutation":
        return MUTATIONS[field]
    if kind.endswith("Connection"):
        return _CONNECTION[field]
    if kind.endswith("Edge"):
        return _EDGE[field]
    if kind.endswith(("Payload", "UserError")) or kind == "UserError":
        return lambda answer, _info: answer.get(field)
    table = stock_reads.RESOLVERS if kind in stock_reads.RESOLVERS else reads.RESOLVERS
    return table[kind][field]


_CONNECTION: Final[dict[str, Resolver]] = {
    "edges": lambda connection, _: connection.edges(),
    "nodes": lambda connection, _: connection.nodes,
    "pageInfo": lambda connection, _: connection,
}
_EDGE: Final[dict[str, Resolver]] = {"cursor": lambda edge, _: edge.cursor, "node": lambda edge, _: edge.node}


def _guarded(resolver: Resolver, scopes: tuple[str, ...]) -> Resolver:
    def guarded(source: Any, info: Info, **arguments: Any) -> Any:
        of(info).require(info, scopes)
        return resolver(source, info, **arguments)

    return guarded


def _type_name(value: Any, _info: Info, _kind: Any) -> str:
    if isinstance(value, Operation):
        return value.kind
    return _NAMES[type(value)]


def _text(value: Any) -> str:
    return str(value)


_SERIALIZERS: Final[dict[str, Callable[[Any], Any]]] = dict.fromkeys(
    ("UnsignedInt64", "Money", "Decimal", "DateTime", "URL", "HTML", "FormattedString"), _text
)


def check_sizes(field: str, arguments: dict[str, Any]) -> None:
    """Raise MAX_INPUT_SIZE_EXCEEDED for the first input array above its limit."""
    for name, value in arguments.items():
        _check_size((field, name), value)


def _check_size(path: tuple[str, ...], value: Any) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_size((*path, name), inner)
    elif isinstance(value, list):
        limit = INPUT_LIMITS.get(path, INPUT_LIMIT)
        if len(value) > limit:
            raise too_many(path, len(value), limit)
        for index, inner in enumerate(value):
            if isinstance(inner, dict):
                _check_size((*path, str(index)), inner)

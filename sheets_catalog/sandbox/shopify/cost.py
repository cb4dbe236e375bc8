"""What a request costs, before it runs (requested) and after it ran (actual).

Documented (shopify.dev "API limits"): scalars 0, objects 1, mutations 10, connections by their size, and productSet's
own figures. Not documented, found by fitting recorded answers: a connection of `first: n` costs
`2 + max(1, floor(2 ln n)) x node`, where a node is 1 plus its nested objects and connections; MoneyV2, SEO, page
infos and user errors cost nothing; `*Count` roots cost 10; objects directly in a mutation's payload are free, but for
operations. The actual cost uses the size that came back (an empty page costs what was asked).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_leaf_type,
)
from graphql.execution import get_argument_values, get_directive_values, get_variable_values
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective

if TYPE_CHECKING:
    from sheets_catalog.sandbox.shopify.documents import Prepared

MUTATION: Final = 10
COUNT_ROOT: Final = 10
FREE_TYPES: Final = frozenset({"MoneyV2", "SEO", "PageInfo"})
PAYLOAD_CHARGED: Final = frozenset({"ProductSetOperation", "ProductDeleteOperation"})

PER_VARIANT: Final = 0.2
PER_VARIANT_FILE: Final = 0.6
PER_METAFIELD: Final = 0.4
PER_FILE: Final = 1.9


@dataclass(frozen=True)
class Charge:
    """The cost of one selected field. `size` is set on connections, `rows` are their node selections."""

    key: str
    path: tuple[str, ...]
    own: float
    children: tuple[Charge, ...] = ()
    size: int | None = None
    rows: tuple[Row, ...] = ()
    payload: bool = False

    @property
    def requested(self) -> float:
        """The full cost of this field."""
        if self.size is None:
            return self.own + sum(child.requested for child in self.children)
        return 2 + factor(self.size) * sum(row.node for row in self.rows or (Row("", None, ()),))

    def actual(self, data: Any) -> float:
        """The cost given what came back for this field."""
        if data is None:
            return 0 if self.payload else self.own
        if self.size is not None:
            return self._actual_page(data)
        if not self.nested:
            return self.requested
        elements = data if isinstance(data, list) else [data]
        return self.own + max((_total(self.children, element) for element in elements), default=0)

    def _actual_page(self, data: Mapping[str, Any]) -> float:
        total = 2.0
        for row in self.rows:
            nodes = row.nodes(data)
            if not nodes:
                return self.requested
            if any(child.nested for child in row.children):
                node = 1 + sum(_total(row.children, one) for one in nodes) / len(nodes)
            else:
                node = row.node
            total += factor(len(nodes)) * node
        return total if self.rows else self.requested

    @property
    def nested(self) -> bool:
        """Whether the cost depends on what came back."""
        return self.payload or self.size is not None or any(child.nested for child in self.children)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of `extensions.cost.fields`, asked for by the header `Shopify-GraphQL-Cost-Debug: 1`."""
        below = [*self.children, *(child for row in self.rows for child in row.children)]
        yield {
            "path": list(self.path),
            "definedCost": whole(self.own) if self.size is None else 2,
            "requestedTotalCost": whole(self.requested),
            "requestedChildrenCost": whole(self.requested - (self.own if self.size is None else 2)) or None,
        }
        for child in below:
            yield from child.lines()


@dataclass(frozen=True)
class Row:
    """How a connection's nodes are selected: directly, or through edges."""

    key: str
    inner: str | None
    children: tuple[Charge, ...]

    @property
    def node(self) -> float:
        """The cost of one node."""
        return 1 + sum(child.requested for child in self.children)

    def nodes(self, data: Mapping[str, Any]) -> list[Any]:
        """What came back."""
        found = data.get(self.key) or []
        return [edge.get(self.inner) for edge in found] if self.inner is not None else found


def factor(size: int) -> int:
    """How often the cost of a node counts in a page of this size."""
    return max(1, math.floor(2 * math.log(size))) if size > 0 else 1


def whole(cost: float) -> int:
    """Costs are answered rounded down."""
    return math.floor(cost + 1e-9)


def _total(charges: tuple[Charge, ...], data: Any) -> float:
    if not isinstance(data, Mapping):
        return 0
    return sum(charge.actual(data.get(charge.key)) for charge in charges)


def requested_cost(charges: tuple[Charge, ...]) -> int:
    """What must be in the bucket before the request runs."""
    return whole(sum(charge.requested for charge in charges))


def actual_cost(charges: tuple[Charge, ...], data: Mapping[str, Any] | None) -> int:
    """What is taken out of the bucket in the end."""
    return whole(sum(charge.actual((data or {}).get(charge.key)) for charge in charges))


def charges_of(
    schema: GraphQLSchema, prepared: Prepared, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> tuple[Charge, ...]:
    """The charges of an operation's root fields."""
    return _Estimate(schema, prepared, operation, variables).roots()


class _Estimate:
    def __init__(
        self, schema: GraphQLSchema, prepared: Prepared, operation: OperationDefinitionNode, variables: dict[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = prepared.fragments
        self._operation = operation
        values: Any = get_variable_values(schema, operation.variable_definitions or (), variables)
        self._variables = None if isinstance(values, list) else values

    def roots(self) -> tuple[Charge, ...]:
        kind = self._schema.get_root_type(self._operation.operation)
        assert kind is not None
        mutation = self._operation.operation is OperationType.MUTATION
        return tuple(
            self._mutation(kind, nodes) if mutation else self._field(kind, nodes, ())
            for nodes in self._grouped(self._operation.selection_set, kind).values()
        )

    def _mutation(self, kind: GraphQLObjectType, nodes: list[FieldNode]) -> Charge:
        field = kind.fields[nodes[0].name.value]
        key = _key(nodes[0])
        payload = get_named_type(field.type)
        children = tuple(self._payload(charge) for charge in self._children(payload, nodes, (key,)))
        return Charge(key, (key,), MUTATION + self._input_cost(field, nodes[0]), children)

    def _payload(self, charge: Charge) -> Charge:
        own = charge.own if charge.key in {"productSetOperation", "productDeleteOperation"} else 0
        return Charge(charge.key, charge.path, own, charge.children, charge.size, charge.rows, payload=True)

    def _input_cost(self, field: Any, node: FieldNode) -> float:
        if node.name.value != "productSet":
            return 0
        entry = get_argument_values(field, node, self._variables).get("input") or {}
        variants = entry.get("variants") or []
        return (
            PER_VARIANT * len(variants)
            + PER_VARIANT_FILE * sum(1 for variant in variants if variant.get("file"))
            + PER_METAFIELD * sum(len(variant.get("metafields") or []) for variant in variants)
            + PER_METAFIELD * len(entry.get("metafields") or [])
            + PER_FILE * len(entry.get("files") or [])
        )

    def _field(self, parent: GraphQLObjectType, nodes: list[FieldNode], path: tuple[str, ...]) -> Charge:
        node = nodes[0]
        key = _key(node)
        here = (*path, key)
        field = parent.fields.get(node.name.value)
        if field is None:  # __typename and introspection
            return Charge(key, here, 0)
        kind = get_named_type(field.type)
        if is_leaf_type(kind) or kind.name in FREE_TYPES or kind.name.endswith("UserError"):
            return Charge(key, here, 0)
        if kind.name.endswith("Connection"):
            return self._connection(kind, field, nodes, here)
        own = COUNT_ROOT if kind.name == "Count" and not path else 1
        return Charge(key, here, own, self._children(kind, nodes, here))

    def _connection(self, kind: GraphQLNamedType, field: Any, nodes: list[FieldNode], path: tuple[str, ...]) -> Charge:
        arguments = get_argument_values(field, nodes[0], self._variables)
        size = arguments.get("first") if arguments.get("first") is not None else arguments.get("last")
        rows: list[Row] = []
        assert isinstance(kind, GraphQLObjectType)
        for found in self._merged(nodes, kind).values():
            selected = get_named_type(kind.fields[found[0].name.value].type) if _is_row(found[0]) else None
            if found[0].name.value == "nodes" and selected is not None:
                rows.append(Row(_key(found[0]), None, self._children(selected, found, path)))
            elif found[0].name.value == "edges" and isinstance(selected, GraphQLObjectType):
                rows.append(self._edges(selected, found, path))
        return Charge(_key(nodes[0]), path, 2, (), max(size or 0, 0), tuple(rows))

    def _edges(self, edge: GraphQLObjectType, nodes: list[FieldNode], path: tuple[str, ...]) -> Row:
        for found in self._merged(nodes, edge).values():
            if found[0].name.value == "node":
                kind = get_named_type(edge.fields["node"].type)
                return Row(_key(nodes[0]), _key(found[0]), self._children(kind, found, path))
        return Row(_key(nodes[0]), "", ())

    def _children(self, kind: GraphQLNamedType, nodes: list[FieldNode], path: tuple[str, ...]) -> tuple[Charge, ...]:
        """Charges below a field; of an abstract type, those of the most expensive concrete one."""
        if not is_composite_type(kind):
            return ()
        possible = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        choices = [
            tuple(self._field(one, found, path) for found in self._merged(nodes, one).values())
            for one in possible
            if isinstance(one, GraphQLObjectType)
        ]
        return max(choices, key=lambda charges: sum(charge.requested for charge in charges), default=())

    def _merged(self, nodes: list[FieldNode], kind: GraphQLObjectType) -> dict[str, list[FieldNode]]:
        groups: dict[str, list[FieldNode]] = {}
        for node in nodes:
            if node.selection_set is not None:
                for key, found in self._grouped(node.selection_set, kind).items():
                    groups.setdefault(key, []).extend(found)
        return groups

    def _grouped(self, selections: SelectionSetNode, kind: GraphQLObjectType) -> dict[str, list[FieldNode]]:
        groups: dict[str, list[FieldNode]] = {}
        for node in self._fields(selections, kind):
            groups.setdefault(_key(node), []).append(node)
        return groups

    def _fields(self, selections: SelectionSetNode, kind: GraphQLObjectType) -> Iterator[FieldNode]:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else kind.name
                if self._applies(condition, kind):
                    yield from self._fields(node.selection_set, kind)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, kind):
                    yield from self._fields(fragment.selection_set, kind)

    def _applies(self, condition: str, kind: GraphQLObjectType) -> bool:
        named = self._schema.get_type(condition)
        if named is kind:
            return True
        return named is not None and is_abstract_type(named) and self._schema.is_sub_type(named, kind)

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and not (include and not include["if"])


def _is_row(node: FieldNode) -> bool:
    return node.name.value in {"nodes", "edges"}


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value

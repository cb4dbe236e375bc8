"""GraphQL documents: parsed and validated once per text, refused in Shopify's words.

Order: syntax (`PARSE_ERROR`), the published schema where the machine has it, the sandbox's subset of it, deprecated
fields, then the variables (`INVALID_VARIABLE`).
"""

from __future__ import annotations

import gzip
import json
import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    parse,
    type_from_ast,
    validate,
    visit,
)

from sheets_catalog.sandbox.shopify.problems import bad_request, problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

REFUSED_DEPRECATED: Final = frozenset(
    {
        "InventoryItem.variant",
        "Product.bodyHtml",
        "Product.featuredImage",
        "Product.images",
        "Product.priceRange",
        "Product.totalVariants",
        "ProductVariant.image",
        "ProductVariant.taxCode",
        "QueryRoot.productByHandle",
    }
)
"""Deprecated reads with a better way, refused unless the sandbox is told to serve them."""


class RefusedError(Exception):
    """A document or its variables cannot run: top-level errors, no data."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = list(errors)


@dataclass(frozen=True)
class Prepared:
    """A valid document with its operations and fragments by name."""

    document: DocumentNode
    operations: Mapping[str, OperationDefinitionNode]
    fragments: Mapping[str, FragmentDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run; RefusedError when the name does not decide it."""
        if name:
            if name not in self.operations:
                raise RefusedError([bad_request(f'No operation named "{name}"')])
            return self.operations[name]
        if len(self.operations) != 1:
            raise RefusedError([bad_request("An operation name is required")])
        return next(iter(self.operations.values()))


class Documents:
    """Prepares documents against one schema, remembering them by their text."""

    def __init__(self, schema: GraphQLSchema, published: Path | None = None, *, serve_deprecated: bool = False) -> None:
        self._schema = schema
        self._published = published
        self.serve_deprecated = serve_deprecated
        self._parsed: LRUCache[str, DocumentNode] = LRUCache(maxsize=512)
        self._prepared: LRUCache[str, Prepared] = LRUCache(maxsize=512)

    def parse(self, text: str) -> DocumentNode:
        """Syntax only; RefusedError with `PARSE_ERROR`."""
        found = self._parsed.get(text)
        if found is None:
            try:
                found = self._parsed[text] = parse(text)
            except GraphQLSyntaxError as error:
                refused = GraphQLError(error.message, error.nodes, error.source, error.positions)
                refused.extensions = {"code": "PARSE_ERROR"}
                raise RefusedError([refused]) from error
        return found

    def prepare(self, text: str) -> Prepared:
        """A document that may run; RefusedError with everything that is wrong with it."""
        found = self._prepared.get(text)
        if found is None:
            document = self.parse(text)
            errors = self._errors(document)
            if errors:
                raise RefusedError(errors)
            found = self._prepared[text] = _prepared(document)
        return found

    def _errors(self, document: DocumentNode) -> list[GraphQLError]:
        if self._published is not None:
            errors = validate(published_schema(self._published), document, hide_suggestions=True)
            if errors:
                return [shaped(error) for error in errors]
        errors = validate(self._schema, document, hide_suggestions=True)
        if errors:
            known = self._published is not None
            return [shaped(error, sandbox=known or _may_exist(error)) for error in errors]
        return [] if self.serve_deprecated else list(_deprecated(self._schema, document))


@cache
def published_schema(path: Path) -> GraphQLSchema:
    """Shopify's whole schema from its introspection result; 0.5 s, once per process."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return build_client_schema(json.load(file)["data"], assume_valid=True)


def _prepared(document: DocumentNode) -> Prepared:
    operations: dict[str, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDefinitionNode] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            operations[node.name.value if node.name else ""] = node
        elif isinstance(node, FragmentDefinitionNode):
            fragments[node.name.value] = node
    return Prepared(document, operations, fragments)


def root_fields(document: DocumentNode, operation_name: str | None) -> list[str]:
    """The root fields of the operation that would run, in order; best effort on documents that are not valid."""
    prepared = _prepared(document)
    operation = prepared.operations.get(operation_name or "") or next(iter(prepared.operations.values()), None)
    return list(_field_names(operation.selection_set, prepared.fragments, 0)) if operation else []


def _field_names(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], depth: int
) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _field_names(node.selection_set, fragments, depth)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments and depth < 20:
            yield from _field_names(fragments[node.name.value].selection_set, fragments, depth + 1)


class _DeprecatedReads(Visitor):
    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.errors: list[GraphQLError] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, field = self._types.get_parent_type(), self._types.get_field_def()
        if parent and field and f"{parent.name}.{node.name.value}" in REFUSED_DEPRECATED:
            reason = field.deprecation_reason or ""
            message = f"Field '{node.name.value}' on type '{parent.name}' is deprecated. {reason}"
            more = "The sandbox refuses deprecated fields unless told otherwise."
            extensions = {"typeName": parent.name, "fieldName": node.name.value}
            self.errors.append(problem("deprecatedField", f"{message} {more}", nodes=[node], **extensions))


def _deprecated(schema: GraphQLSchema, document: DocumentNode) -> Iterator[GraphQLError]:
    types = TypeInfo(schema)
    reads = _DeprecatedReads(types)
    visit(document, TypeInfoVisitor(types, reads))
    yield from reads.errors


_QUOTED: Final = r"['\"]([^'\"]*)['\"]"
_SHAPES: Final[tuple[tuple[re.Pattern[str], str, str, tuple[str, ...]], ...]] = tuple(
    (re.compile(pattern), code, message, names)
    for pattern, code, message, names in (
        (
            rf"Cannot query field {_QUOTED} on type {_QUOTED}",
            "undefinedField",
            "Field '{0}' doesn't exist on type '{1}'",
            ("fieldName", "typeName"),
        ),
        (
            r"Unknown argument ['\"](\w+)['\"] on field ['\"](\w+)\.(\w+)['\"]",
            "argumentNotAccepted",
            "Field '{2}' doesn't accept argument '{0}'",
            ("argumentName", "typeName", "name"),
        ),
        (
            r"Argument ['\"](\w+)\.(\w+)\((\w+):\)['\"] of type ['\"]([^'\"]+)['\"] is required",
            "missingRequiredArguments",
            "Field '{1}' is missing required arguments: {2}",
            ("className", "name", "arguments", "type"),
        ),
        (
            r"Field ['\"](\w+)\.(\w+)['\"] of required type ['\"]([^'\"]+)['\"] was not provided",
            "missingRequiredInputObjectAttribute",
            "Argument '{1}' on InputObject '{0}' is required. Expected type {2}",
            ("inputObjectType", "argumentName", "argumentType"),
        ),
        (
            r"Field ['\"](\w+)['\"] is not defined by type ['\"](\w+)['\"]",
            "argumentNotAccepted",
            "InputObject '{1}' doesn't accept argument '{0}'",
            ("argumentName", "name"),
        ),
        (
            r"Variable ['\"]\$(\w+)['\"] is never used(?: in operation ['\"](\w+)['\"])?",
            "variableNotUsed",
            "Variable ${0} is declared by {1} but not used",
            ("variableName", "operationName"),
        ),
        (
            r"Variable ['\"]\$(\w+)['\"] is not defined(?: by operation ['\"](\w+)['\"])?",
            "variableNotDefined",
            "Variable ${0} is used by {1} but not declared",
            ("variableName", "operationName"),
        ),
        (
            rf"Variable ['\"]\$(\w+)['\"] of type {_QUOTED} used in position expecting type {_QUOTED}",
            "variableMismatch",
            "Type mismatch on variable ${0} ({1} / {2})",
            ("variableName", "typeName", "argumentType"),
        ),
        (
            r"Field ['\"](\w+)['\"] of type ['\"]([^'\"]+)['\"] must have a selection of subfields",
            "selectionMismatch",
            "Field must have selections (field '{0}' returns {1} but has no selections. Did you mean '{0} {{ ... }}'?)",
            ("nodeName", "typeName"),
        ),
        (
            r"Field ['\"](\w+)['\"] must not have a selection since type ['\"]([^'\"]+)['\"] has no subfields",
            "selectionMismatch",
            "Selections can't be made on scalars (field '{0}' returns {1} but has selections)",
            ("nodeName", "typeName"),
        ),
        (
            r"Unknown directive ['\"]@?(\w+)['\"]",
            "undefinedDirective",
            "Directive @{0} is not defined",
            ("directiveName",),
        ),
        (
            r"Unknown fragment ['\"](\w+)['\"]",
            "useAndDefineFragment",
            "Fragment {0} was used, but not defined",
            ("fragmentName",),
        ),
        (
            r"Fragment ['\"](\w+)['\"] is never used",
            "useAndDefineFragment",
            "Fragment {0} was defined, but not used",
            ("fragmentName",),
        ),
        (
            r"Unknown type ['\"](\w+)['\"]",
            "undefinedType",
            "No such type {0}",
            ("typeName",),
        ),
    )
)
_NOT_IN_SANDBOX: Final = frozenset({"undefinedField", "argumentNotAccepted", "undefinedType"})


def shaped(error: GraphQLError, *, sandbox: bool = False) -> GraphQLError:
    """A validation error with Shopify's code and words. sandbox: it is the sandbox that lacks it, say so."""
    code, message, extensions = _shape(error.message)
    if sandbox and code in _NOT_IN_SANDBOX:
        message += " in the sandbox, which supports a part of the Admin API only"
    answer = GraphQLError(message, error.nodes, error.source, error.positions)
    answer.extensions = {"code": code, **extensions}
    return answer


def _shape(text: str) -> tuple[str, str, dict[str, Any]]:
    for pattern, code, message, names in _SHAPES:
        match = pattern.search(text)
        if match:
            values = [value or "anonymous query" for value in match.groups()]
            return code, message.format(*values), dict(zip(names, values, strict=False))
    code = "argumentLiteralsIncompatible" if "value" in text.lower() else "invalid"
    return code, text, {}


def _may_exist(error: GraphQLError) -> bool:
    """Without the published schema nobody can say whether a name is wrong or only missing here."""
    return _shape(error.message)[0] in _NOT_IN_SANDBOX


def checked_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The variables the operation declares; RefusedError with `INVALID_VARIABLE`, a list of problems in each."""
    variables: dict[str, Any] = {}
    errors: list[GraphQLError] = []
    for node in operation.variable_definitions or ():
        name = node.variable.name.value
        kind = type_from_ast(schema, node.type)
        if name not in given and (node.default_value is not None or not isinstance(kind, GraphQLNonNull)):
            continue
        value = given.get(name)
        problems = list(input_problems(value, kind, ()))  # type: ignore[arg-type]  # validated: an input type
        if problems:
            errors.append(_invalid_variable(node, str(kind), value, problems))
        variables[name] = value
    if errors:
        raise RefusedError(errors)
    return variables


Problem = dict[str, Any]


def _invalid_variable(node: Any, kind: str, value: Any, problems: list[Problem]) -> GraphQLError:
    name = node.variable.name.value
    details = ", ".join(
        f"{'.'.join(str(step) for step in one['path'])} ({one['explanation']})" if one["path"] else one["explanation"]
        for one in problems
    )
    where = f"invalid value for {details}" if problems[0]["path"] else "invalid value"
    message = f"Variable ${name} of type {kind} was provided {where}"
    return problem("INVALID_VARIABLE", message, nodes=[node.variable], value=value, problems=problems)


def input_problems(value: Any, kind: GraphQLInputType, path: tuple[str | int, ...]) -> Iterator[Problem]:
    """What is wrong with an input value, one entry per place."""
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            yield {"path": list(path), "explanation": "Expected value to not be null"}
            return
        kind = kind.of_type
    if value is None:
        return
    if isinstance(kind, GraphQLList):
        values = value if isinstance(value, list) else [value]
        for index, element in enumerate(values):
            yield from input_problems(element, kind.of_type, (*path, index))
    elif isinstance(kind, GraphQLInputObjectType):
        yield from _object_problems(value, kind, path)
    elif isinstance(kind, GraphQLEnumType):
        if value not in kind.values:
            choices = ", ".join(kind.values)
            yield {"path": list(path), "explanation": f'Expected "{value}" to be one of: {choices}'}
    elif isinstance(kind, GraphQLScalarType) and not fits(kind.name, value):
        yield {"path": list(path), "explanation": f"Could not coerce value {json.dumps(value)} to {kind.name}"}


def _object_problems(value: Any, kind: GraphQLInputObjectType, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield {"path": list(path), "explanation": f"Expected {json.dumps(value)} to be a key-value object."}
        return
    for name in value:
        if name not in kind.fields:
            yield {"path": [*path, name], "explanation": f"Field is not defined on {kind.name}"}
    for name, field in kind.fields.items():
        required = isinstance(field.type, GraphQLNonNull) and not has_default(field)
        if name in value or required:
            yield from input_problems(value.get(name), field.type, (*path, name))


def has_default(field: Any) -> bool:
    """Whether an argument or input field brings its own value."""
    return field.default is not None


_INT_LIMIT: Final = 2**31


def fits(scalar: str, value: Any) -> bool:
    """Whether a JSON value is one of this scalar."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if scalar == "Boolean":
        return isinstance(value, bool)
    if scalar == "Int":
        return number and float(value).is_integer() and -_INT_LIMIT <= value < _INT_LIMIT
    if scalar == "Float":
        return number and math.isfinite(value)
    if scalar == "ID":
        return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
    if scalar in {"Decimal", "Money"}:
        return (number and math.isfinite(value)) or (isinstance(value, str) and _DECIMAL.fullmatch(value) is not None)
    if scalar == "UnsignedInt64":
        return str(value).isdigit()
    return scalar == "JSON" or isinstance(value, str)


_DECIMAL: Final = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")

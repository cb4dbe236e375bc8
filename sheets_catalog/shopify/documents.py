"""GraphQL documents: files in `graphql/`, each completed with the fragments it spreads.

A write request is composed of several root fields, each with its own alias and variables; the selections of their
answers are fragments too, so that every document there is can be found in that folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FOLDER = files("sheets_catalog.shopify") / "graphql"
_FRAGMENT = re.compile(r"^fragment (?P<name>\w+) on .*?^\}\n", re.MULTILINE | re.DOTALL)
_SPREAD = re.compile(r"\.\.\.(\w+)")
_VARIABLE = re.compile(r"\$(\w+)")

SHARED = {
    "productMetafields": "[String!]",
    "productMetafieldCount": "Int!",
    "withProductMetafields": "Boolean!",
    "variantMetafields": "[String!]",
    "variantMetafieldCount": "Int!",
    "withVariantMetafields": "Boolean!",
    "treeVariants": "Int!",
    "levels": "Int!",
}
"""The variables that fragments use, and their types; the same in every document."""


@dataclass(frozen=True, slots=True)
class Document:
    """A complete GraphQL text and its name for people and figures (``products``, ``productUpdate+productSet``)."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Root:
    """One root field of a mutation.

    `field`: the mutation's name. `arguments`: argument name to (GraphQL type, value); each becomes a variable.
    `answer`: the fragment that selects the payload. `key`: the idempotency key, for the mutations that need one.
    """

    field: str
    arguments: Mapping[str, tuple[str, Any]]
    answer: str
    key: str = ""


def load(name: str) -> Document:
    """The query in ``graphql/<name>.graphql``."""
    return Document(name, _complete(_read(name)))


def compose(roots: Mapping[str, Root], shared: Mapping[str, Any]) -> tuple[Document, dict[str, Any]]:
    """One mutation with all `roots` (alias to root field), and its variables; `shared`: values for `SHARED`."""
    variables: dict[str, Any] = {}
    types: dict[str, str] = {}
    fields = [_root_field(alias, root, types, variables) for alias, root in roots.items()]
    body = _complete("{\n" + "\n".join(fields) + "\n}\n")
    for name in dict.fromkeys(_VARIABLE.findall(body)):
        if name in SHARED:
            types[name], variables[name] = SHARED[name], shared[name]
    header = ", ".join(f"${name}: {type_}" for name, type_ in types.items())
    names = dict.fromkeys(root.field for root in roots.values())
    return Document("+".join(names), f"mutation Write({header}) {body}"), variables


def _root_field(alias: str, root: Root, types: dict[str, str], variables: dict[str, Any]) -> str:
    passed = []
    for argument, (type_, value) in root.arguments.items():
        name = f"{alias}_{argument}"
        types[name], variables[name] = type_, value
        passed.append(f"{argument}: ${name}")
    directive = ""
    if root.key:
        name = f"{alias}_key"
        types[name], variables[name] = "String!", root.key
        directive = f" @idempotent(key: ${name})"
    return f"  {alias}: {root.field}({', '.join(passed)}){directive} {{ ...{root.answer} }}"


def _complete(text: str) -> str:
    return "\n".join([text, *(_fragments()[name] for name in _needed(text))])


def _needed(text: str) -> Iterable[str]:
    """Names of the fragments that `text` spreads, directly or through others, in a stable order."""
    found: dict[str, None] = {}
    waiting = _SPREAD.findall(text)
    while waiting:
        name = waiting.pop(0)
        if name in _fragments() and name not in found:
            found[name] = None
            waiting += _SPREAD.findall(_fragments()[name])
    return found


@cache
def _fragments() -> Mapping[str, str]:
    return {match["name"]: match[0] for match in _FRAGMENT.finditer(_read("fragments"))}


@cache
def _read(name: str) -> str:
    return (_FOLDER / f"{name}.graphql").read_text(encoding="utf-8")

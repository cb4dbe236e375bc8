"""The `fields` parameter: parse, check against Google's own schema, apply.

The schemas come from the discovery documents that google-api-python-client carries, so a selection that Google would
refuse is refused here with the same words ("Invalid field selection x").
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from googleapiclient.discovery_cache import get_static_doc

from sheets_catalog.sandbox.drive import problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.sandbox.wire import JSON

Mask: TypeAlias = "Mapping[str, Mask | None]"
"""Selected fields; None: the whole of it. The key `*` stands for all fields."""

_TOKEN = re.compile(r"[A-Za-z0-9_*.\-]+|[(),/]")


@functools.lru_cache(maxsize=512)
def parse(text: str) -> Mask:
    """`files(id,capabilities/canCopy),nextPageToken` as a mask; GoogleError 400 for anything malformed."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s+", "", text):
        raise _bad(text)
    mask, rest = _selection(tokens, 0, text)
    if rest != len(tokens):
        raise _bad(text)
    return mask


def _bad(text: str) -> Exception:
    return problems.invalid_parameter("fields", f"Invalid field selection {text}")


def _selection(tokens: list[str], at: int, text: str) -> tuple[dict[str, Any], int]:
    mask: dict[str, Any] = {}
    while True:
        at = _path(tokens, at, mask, text)
        if at >= len(tokens) or tokens[at] == ")":
            return mask, at
        if tokens[at] != ",":
            raise _bad(text)
        at += 1


def _path(tokens: list[str], at: int, mask: dict[str, Any], text: str) -> int:
    """One `a/b(c,d)`, merged into the mask."""
    if at >= len(tokens) or tokens[at] in "(),/":
        raise _bad(text)
    *outer, last = tokens[at].split(".")
    for name in outer:
        mask = _descend(mask, name)
    at += 1
    if at < len(tokens) and tokens[at] == "/":
        return _path(tokens, at + 1, _descend(mask, last), text)
    if at < len(tokens) and tokens[at] == "(":
        inner, at = _selection(tokens, at + 1, text)
        if at >= len(tokens) or tokens[at] != ")":
            raise _bad(text)
        _descend(mask, last).update(inner)
        return at + 1
    mask[last] = None
    return at


def _descend(mask: dict[str, Any], name: str) -> dict[str, Any]:
    inner = mask.get(name)
    if inner is None:
        inner = mask[name] = {}
    assert isinstance(inner, dict)
    return inner


@functools.cache
def document(version: str) -> dict[str, Any]:
    """The packaged discovery document of `v2` or `v3`."""
    document: dict[str, Any] = json.loads(get_static_doc("drive", version))
    return document


@functools.lru_cache(maxsize=512)
def checked(text: str, schema: str, version: str = "v3") -> Mask:
    """Parse a selection and check every name against a schema such as `FileList`."""
    mask = parse(text)
    schemas = document(version)["schemas"]
    _check(mask, schemas[schema], schemas)
    return mask


def _check(mask: Mask, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    schema = _resolve(schema, schemas)
    known = schema.get("properties")
    for name, inner in mask.items():
        if known is None or name == "*":
            continue  # a free map such as appProperties: any key may be asked for
        if name not in known:
            raise problems.invalid_parameter("fields", f"Invalid field selection {name}")
        if inner is not None:
            _check(inner, known[name], schemas)


def _resolve(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"]]
        elif schema.get("type") == "array":
            schema = schema["items"]
        else:
            return schema


def apply(mask: Mask | None, value: JSON) -> JSON:
    """The selected part of a JSON value; lists are selected item by item."""
    if mask is None or "*" in mask:
        return value
    if isinstance(value, list):
        return [apply(mask, item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: apply(mask[name], item) for name, item in value.items() if name in mask}


def inner(mask: Mask | None, name: str) -> Mask | None:
    """The mask below a field: None when all of it is selected, an empty one when nothing is."""
    if mask is None or "*" in mask:
        return None
    return mask.get(name, {})


def wants(mask: Mask | None, name: str) -> bool:
    """Whether a field is selected, wholly or in part."""
    return mask is None or "*" in mask or name in mask


@functools.cache
def writable(version: str = "v3", schema: str = "File") -> frozenset[str]:
    """Names of all fields of a schema, so that unknown ones can be told from those not supported."""
    return frozenset(document(version)["schemas"][schema]["properties"])

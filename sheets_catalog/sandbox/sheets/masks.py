"""Field masks: the `fields` parameter of answers and the `fields` of update requests.

Both are written `a,b.c`, `a/b` or `a(b,c)`; `*` is every field of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from sheets_catalog.sandbox.sheets.schema import bad_request, camel, fields_of, snake, submessage

if TYPE_CHECKING:
    from sheets_catalog.sandbox.wire import JSON

Mask: TypeAlias = Mapping[str, "Mask"]
"""Field -> its own mask; an empty one is the whole field."""

ALL: Mask = {}
_TOKEN = re.compile(r"\s*([A-Za-z0-9_*]+|[(),./])")


class MaskError(ValueError):
    """A mask that cannot be read or names an unknown field. `args[0]` is the path."""


@lru_cache(maxsize=512)
def parse(text: str) -> Mask:
    """The tree of a mask text.

    Raises:
        MaskError: the text is malformed.
    """
    tokens = [match[1] for match in _TOKEN.finditer(text)]
    if "".join(tokens) != re.sub(r"\s+", "", text):
        raise MaskError(text)
    mask, rest = _list(tokens)
    if rest or not mask:
        raise MaskError(text)
    return mask


def _list(tokens: list[str]) -> tuple[dict[str, Any], list[str]]:
    mask: dict[str, Any] = {}
    while True:
        tokens = _path(tokens, mask)
        if not tokens or tokens[0] != ",":
            return mask, tokens
        tokens = tokens[1:]


def _path(tokens: list[str], mask: dict[str, Any]) -> list[str]:
    if not tokens or not re.match(r"[A-Za-z0-9_*]", tokens[0]):
        raise MaskError("".join(tokens))
    name, tokens = camel(tokens[0]), tokens[1:]
    if tokens and tokens[0] in "./":
        inner: dict[str, Any] = {}
        tokens = _path(tokens[1:], inner)
        _add(mask, name, inner)
    elif tokens and tokens[0] == "(":
        inner, tokens = _list(tokens[1:])
        if not tokens or tokens[0] != ")":
            raise MaskError("".join(tokens))
        tokens = tokens[1:]
        _add(mask, name, inner)
    else:
        mask[name] = ALL
    return tokens


def _add(mask: dict[str, Any], name: str, inner: Mapping[str, Any]) -> None:
    """Join two masks of one field; the whole field wins."""
    if name not in mask:
        mask[name] = dict(inner)
    elif mask[name]:
        for key, value in inner.items():
            _add(mask[name], key, value) if value else mask[name].update({key: ALL})


def check(mask: Mask, message: str, path: str = "") -> None:
    """Raise MaskError with the path of the first field that the message does not have."""
    known = fields_of(message) if message else {}
    for name, inner in mask.items():
        here = f"{path}.{name}" if path else name
        if name == "*":
            continue
        if name not in known:
            raise MaskError(here)
        if inner:
            check(inner, submessage(known[name]), here)


def wants(mask: Mask | None, *path: str) -> bool:
    """Whether the mask (None: no mask at all) asks for anything at or below this path."""
    for name in path:
        if mask is None or not mask or "*" in mask:
            return True
        if name not in mask:
            return False
        mask = mask[name]
    return True


def shown(value: JSON, mask: Mask) -> JSON:
    """What a mask leaves of an answer."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [shown(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: shown(item, mask[key]) for key, item in value.items() if key in mask}


def answer_mask(text: str, message: str) -> Mask:
    """The mask of a `fields` parameter, checked against the answer's message.

    Raises:
        GoogleError: 400; the path stands only in its details, as with Google.
    """
    try:
        mask = parse(text)
        check(mask, message)
    except MaskError as error:
        path = error.args[0]
        description = f"Error expanding 'fields' parameter. Cannot find matching fields for path '{path}'."
        raise bad_request("Request contains an invalid argument.", [(path, description)]) from error
    return mask


def updated(old: Mapping[str, Any], new: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    """`old` with the masked fields taken from `new`; a masked field that `new` does not have is cleared."""
    if not mask or "*" in mask:
        return dict(new)
    result = dict(old)
    for name, inner in mask.items():
        value = new.get(name)
        if inner and "*" not in inner and (isinstance(value, dict) or isinstance(old.get(name), dict)):
            value = updated(old.get(name) or {}, value or {}, inner)
        if value is None or value == {}:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def paths(mask: Mask, prefix: str = "") -> Iterator[str]:
    """Every leaf of a mask as a snake_case path, the way error texts spell it."""
    for name, inner in mask.items():
        here = f"{prefix}.{snake(name)}" if prefix else snake(name)
        if inner:
            yield from paths(inner, here)
        else:
            yield here

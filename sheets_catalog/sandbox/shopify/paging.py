"""Connections: cursors, windows, and the rules for `first` and `last`.

A list is kept in ascending order of `(sort value, id)`; a cursor is that pair, in the form of the real API
(base64 of `{"last_id": ..., "last_value": ...}`), so a page stays right while rows come and go.
"""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sheets_catalog.sandbox.shopify.problems import bad_request, problem

PAGE_LIMIT: Final = 250
"""shopify.dev "API limits": pages of at most 250."""

DEEP_PAGING_LIMIT: Final = 25_000
"""shopify.dev "API limits": pagination of arrays stops at 25,000 objects."""

Key = tuple[Any, int]
Order = Callable[[Any], Key]


class Edge(NamedTuple):
    """A node with its cursor."""

    cursor: str
    node: Any


class Connection:
    """One page. `cursor` makes a node's cursor, only when it is asked for."""

    __slots__ = ("has_next", "has_previous", "nodes", "order")

    def __init__(self, nodes: Sequence[Any], order: Order, *, has_next: bool, has_previous: bool) -> None:
        self.nodes = nodes
        self.order = order
        self.has_next = has_next
        self.has_previous = has_previous

    def cursor(self, node: Any) -> str:
        """The cursor of a node of this page."""
        value, number = self.order(node)
        return encode_cursor(value, number)

    def edges(self) -> list[Edge]:
        """Nodes with cursors."""
        return [Edge(self.cursor(node), node) for node in self.nodes]


def encode_cursor(value: Any, number: int) -> str:
    """An opaque cursor."""
    text = json.dumps({"last_id": number, "last_value": value}, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def decode_cursor(cursor: str) -> Key:
    """The `(sort value, id)` of a cursor; raises BAD_REQUEST in the words of the real API."""
    try:
        value = json.loads(base64.b64decode(cursor, validate=True))
        return value["last_value"], int(value["last_id"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request("Malformed cursor") from error


def page(
    rows: Sequence[Any],
    order: Order,
    arguments: dict[str, Any],
    *,
    matches: Callable[[Any], bool] | None = None,
    limit: int = PAGE_LIMIT,
) -> Connection:
    """The page that `first/last/after/before/reverse` ask for, out of `rows` in ascending `order`."""
    size, backwards = window_size(arguments, limit)
    reverse = bool(arguments.get("reverse"))
    low, high = _bounds(rows, order, arguments, reverse=reverse)
    if (len(rows) - high if reverse else low) >= DEEP_PAGING_LIMIT:
        message = f"Pagination is limited to {DEEP_PAGING_LIMIT} objects. Narrow the query with filters."
        raise problem("BAD_REQUEST", message)
    downwards = backwards != reverse
    found = _take(rows, low, high, size + 1, downwards=downwards, matches=matches)
    more, nodes = len(found) > size, found[:size]
    if backwards:
        nodes.reverse()
    beyond = _beyond(rows, low, high, downwards=downwards, matches=matches)
    has_next, has_previous = (beyond, more) if backwards else (more, beyond)
    return Connection(nodes, order, has_next=has_next, has_previous=has_previous)


def window_size(arguments: dict[str, Any], limit: int = PAGE_LIMIT) -> tuple[int, bool]:
    """`(size, from the end)`; raises BAD_REQUEST unless exactly one of `first` and `last` is given."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise bad_request("you must provide one of first or last")
    if first is not None and last is not None:
        raise bad_request("providing both first and last is not supported")
    name = "last" if first is None else "first"
    size: int = arguments[name]
    if size < 0:
        raise bad_request(f"{name} must be a positive number")
    if size > limit:
        raise bad_request(f"{name} cannot exceed {limit}")
    return size, first is None


def _bounds(rows: Sequence[Any], order: Order, arguments: dict[str, Any], *, reverse: bool) -> tuple[int, int]:
    after, before = arguments.get("after"), arguments.get("before")
    start, end = (before, after) if reverse else (after, before)
    try:
        low = bisect_right(rows, decode_cursor(start), key=order) if start else 0
        high = bisect_left(rows, decode_cursor(end), key=order) if end else len(rows)
    except TypeError as error:  # a cursor of another sort key: text against number
        raise bad_request("Malformed cursor") from error
    return low, max(low, high)


def _take(
    rows: Sequence[Any],
    low: int,
    high: int,
    count: int,
    *,
    downwards: bool,
    matches: Callable[[Any], bool] | None,
) -> list[Any]:
    if matches is None:
        return list(rows[low : low + count] if not downwards else rows[max(low, high - count) : high][::-1])[
            : max(0, min(count, high - low))
        ]
    found: list[Any] = []
    for row in _walk(rows, low, high, downwards=downwards):
        if matches(row):
            found.append(row)
            if len(found) == count:
                break
    return found


def _walk(rows: Sequence[Any], low: int, high: int, *, downwards: bool) -> Iterator[Any]:
    places = range(high - 1, low - 1, -1) if downwards else range(low, high)
    return (rows[place] for place in places)


def _beyond(
    rows: Sequence[Any], low: int, high: int, *, downwards: bool, matches: Callable[[Any], bool] | None
) -> bool:
    """Whether there is a row on the side that the page turns its back to."""
    rest = range(high, len(rows)) if downwards else range(low - 1, -1, -1)
    return bool(rest) if matches is None else any(matches(rows[place]) for place in rest)

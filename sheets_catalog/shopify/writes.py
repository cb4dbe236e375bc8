"""Sending writes: several operations in one request, each with its own aliases, and their results.

Pure up to `send`: `pack` cuts operations into requests within Shopify's limits, `WriteRequest` composes the document
and reads the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from sheets_catalog.shopify.documents import compose
from sheets_catalog.shopify.errors import SHAPE_ERRORS
from sheets_catalog.shopify.operations import (
    MOST_ITEMS,
    CreateProduct,
    CreateVariants,
    DeleteVariants,
    Result,
    SetInventory,
    UpdateVariants,
    shown_levels,
    shown_variants,
)
from sheets_catalog.shopify.reading import View
from sheets_catalog.shopify.throttle import MUTATION_COST
from sheets_catalog.shopify.verdicts import Reply, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sheets_catalog.records import Field, Table
    from sheets_catalog.shopify.documents import Document, Root
    from sheets_catalog.shopify.operations import Operation
    from sheets_catalog.shopify.transport import Answer, Shop
    from sheets_catalog.upstream import Safety


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold.

    `operations`: few enough that Shopify is done within its 10 s. `points`: below the 1,000 of a single request, with
    room for what the estimate does not know. `size`: bytes of variables.
    """

    operations: int = 10
    points: float = 800.0
    size: int = 1_000_000


LIMITS = Limits()

T = TypeVar("T")


@dataclass(frozen=True)
class WriteRequest:
    """Operations that go out in one request, in this order. `money_digits`: decimals of the shop's money."""

    operations: tuple[Operation, ...]
    money_digits: int

    @property
    def safety(self) -> Safety:
        """``repeatable`` when each of its operations is."""
        return "repeatable" if all(each.repeatable for each in self.operations) else "once"

    @cached_property
    def points(self) -> float:
        """Estimated cost."""
        return sum(_points(each, roots) for each, roots in zip(self.operations, self._roots, strict=True))

    @cached_property
    def view(self) -> View:
        """Which metafields are read back: those of all its operations' tables."""
        tables = [table for each in self.operations for table in each.tables]
        return View.of(self.money_digits, _fields(tables, "products"), _fields(tables, "variants"))

    def document(self) -> tuple[Document, dict[str, Any]]:
        """The mutation and its variables. Raises `InputError` for values that cannot be sent."""
        roots = {f"o{number}{suffix}": root for number, each in enumerate(self._roots) for suffix, root in each.items()}
        return compose(roots, self._shared())

    def parse(self, answer: Answer) -> tuple[Result, ...]:
        """One result per operation."""
        return tuple(
            self._read(operation, {suffix: _reply(answer, f"o{number}{suffix}") for suffix in roots})
            for number, (operation, roots) in enumerate(zip(self.operations, self._roots, strict=True))
        )

    def _read(self, operation: Operation, replies: Mapping[str, Reply]) -> Result:
        """A payload that lacks what was asked for says nothing, and does not keep the others from being read."""
        try:
            return operation.read(replies, self.view)
        except SHAPE_ERRORS:
            return Result(operation, unreadable(operation.keys))

    @cached_property
    def _roots(self) -> list[Mapping[str, Root]]:
        return [each.roots() for each in self.operations]

    def _shared(self) -> dict[str, Any]:
        made = [each for each in self.operations if isinstance(each, CreateProduct | CreateVariants)]
        levels = max((shown_levels(each.variants) for each in made), default=1)
        variants = max((shown_variants(each.variants) for each in made), default=1)
        return {**self.view.variables(), "levels": levels, "treeVariants": variants}


def send(shop: Shop, request: WriteRequest) -> tuple[Result, ...]:
    """Send a request and read its results. Raises `InputError`, `UpstreamError` and `AccessError`.

    An exception is about the whole request; whether it was applied is told by its class (see `sheets_catalog.errors`).
    """
    document, variables = request.document()
    answer = shop.execute(document, variables, safety=request.safety, points=request.points)
    return request.parse(answer)


def pack(operations: Iterable[Operation], money_digits: int, limits: Limits = LIMITS) -> Iterator[WriteRequest]:
    """Requests with all `operations` in order, cut where a limit would be passed; too long operations are split.

    An operation that passes a limit all by itself goes alone. Raises `InputError` for values that cannot be sent.
    """
    waiting: list[Operation] = []
    points, size = 0.0, 0
    for operation in (part for each in operations for part in split(each)):
        roots = operation.roots()
        more, bytes_ = _points(operation, roots), _size(roots)
        full = len(waiting) >= limits.operations or points + more > limits.points or size + bytes_ > limits.size
        if waiting and full:
            yield WriteRequest(tuple(waiting), money_digits)
            waiting, points, size = [], 0.0, 0
        waiting.append(operation)
        points, size = points + more, size + bytes_
    if waiting:
        yield WriteRequest(tuple(waiting), money_digits)


def split(operation: Operation, most: int = MOST_ITEMS) -> tuple[Operation, ...]:
    """The operation in parts of at most `most` records each; itself when it is short enough.

    The parts of `SetInventory` get keys of their own, derived from its key: the same parts, the same keys.
    """
    if isinstance(operation, UpdateVariants) and len(operation.variants) > most:
        return tuple(replace(operation, variants=part) for part in _chunks(operation.variants, most))
    if isinstance(operation, CreateVariants) and len(operation.variants) > most:
        return tuple(replace(operation, variants=part) for part in _chunks(operation.variants, most))
    if isinstance(operation, DeleteVariants) and len(operation.variant_ids) > most:
        return tuple(replace(operation, variant_ids=part) for part in _chunks(operation.variant_ids, most))
    if isinstance(operation, SetInventory) and len(operation.levels) > most:
        parts = enumerate(_chunks(operation.levels, most))
        return tuple(replace(operation, levels=part, key=f"{operation.key}/{number}") for number, part in parts)
    return (operation,)


def _chunks(items: tuple[T, ...], most: int) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]


def _points(operation: Operation, roots: Mapping[str, Root]) -> float:
    """Each mutation beyond the first (clearing metafields) costs its base price."""
    return operation.points + MUTATION_COST * (len(roots) - 1)


def _size(roots: Mapping[str, Root]) -> int:
    return sum(len(msgspec.json.encode(value)) for root in roots.values() for _, value in root.arguments.values())


def _fields(tables: Iterable[Table], name: str) -> Iterable[Field]:
    return {field.name: field for table in tables if table.name == name for field in table.fields}.values()


def _reply(answer: Answer, alias: str) -> Reply:
    """What came for a root field. An error about the whole request counts for each field that has no payload."""
    payload = answer.data.get(alias)
    mine = next((error for error in answer.errors if error.alias == alias), None)
    general = next((error for error in answer.errors if not error.alias), None)
    if payload is not None:
        return Reply(payload) if mine is None else Reply(payload, mine)
    return Reply(None, mine or general)

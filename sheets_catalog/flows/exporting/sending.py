"""From changes to Shopify's mutations, and from their verdicts back to outcomes. Pure but for `deliver`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from sheets_catalog.errors import InputError, Refused, Throttled, Unavailable
from sheets_catalog.jobs.runner import Outcome
from sheets_catalog.jobs.state import Result
from sheets_catalog.records import PRODUCTS, VARIANTS
from sheets_catalog.shopify import (
    CreateProduct,
    CreateVariants,
    DeleteProduct,
    DeleteVariants,
    LevelChange,
    NewVariant,
    SetInventory,
    UpdateProduct,
    UpdateVariants,
    VariantChange,
    WriteRequest,
    pack,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sheets_catalog.changes.plan import Change, FieldChange
    from sheets_catalog.records import Record, Table, Value
    from sheets_catalog.shopify import Operation, Shop, Verdict

PARALLEL = 4
"""Requests under way at once; more only empties the bucket of cost points faster."""

_LONGEST = 255
"""Characters of an operation key: people may see it in the shop's admin."""

_NAMESPACE = UUID("8c9a6a3e-2f0f-5b3a-9d53-6f0f5a1f7e11")


@dataclass(frozen=True, slots=True)
class Ready:
    """One change that may be sent: its number, and the fields that still have to be written.

    `product`: of a variant of a new product, the product's id when that was made by an earlier batch.
    """

    item: int
    change: Change
    fields: tuple[FieldChange, ...]
    current: Record | None = None
    product: str = ""

    @property
    def ref(self) -> str:
        """Its name in operations that make records."""
        return str(self.item)

    @property
    def after(self) -> dict[str, Value]:
        """The values to write."""
        return {each.field: each.after for each in self.fields}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One operation, and which items its keys stand for."""

    operation: Operation
    items: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of one item, with the record as the shop has it now, where the answer showed it."""

    outcome: Outcome
    record: Record | None = None


def marker(job_id: str, group: str) -> str:
    """The operation key that a created record carries in the shop. The same however often the job is resumed.

    At most 255 characters: long ones end with a digest, since two groups may begin alike.
    """
    whole = f"{job_id}/{group}"
    return whole if len(whole) <= _LONGEST else f"{whole[: _LONGEST - 33]}#{sha256(whole.encode()).hexdigest()[:32]}"


def in_steps(ready: Sequence[Ready]) -> tuple[list[Ready], list[Ready]]:
    """What is sent at once, and what follows where the first part of its record was done: metafields to clear.

    They are cleared by a mutation of their own, which would stand although the rest of the record is refused.
    """
    first: list[Ready] = []
    following: list[Ready] = []
    for one in ready:
        cleared = cleared_apart(one.fields)
        first.append(replace(one, fields=tuple(each for each in one.fields if each not in cleared)))
        if cleared:
            following.append(replace(one, fields=cleared))
    return first, following


def cleared_apart(fields: Sequence[FieldChange]) -> tuple[FieldChange, ...]:
    """Metafields to clear of a record of which there is more to send."""
    cleared = tuple(each for each in fields if each.after is None and each.field.startswith("metafields."))
    return cleared if len(cleared) < len(fields) else ()


def deliveries(
    ready: Sequence[Ready], tables: Mapping[str, Table], job_id: str, option_names: Mapping[str, tuple[str, ...]]
) -> Iterator[Delivery]:
    """Operations for these changes. `option_names`: by group, where option values are written."""
    for group, members in _groups(ready).items():
        if made := next((one.product for one in members if one.product), ""):
            yield from _product(made, members, tables, marker(job_id, group), option_names.get(group, ()))
        elif group.startswith("new:"):
            yield _new_product(members, tables, marker(job_id, group))
        elif group == "inventory":
            yield from _levels(members, job_id)
        else:
            yield from _product(group, members, tables, marker(job_id, group), option_names.get(group, ()))


def _groups(ready: Iterable[Ready]) -> dict[str, list[Ready]]:
    groups: dict[str, list[Ready]] = {}
    for one in ready:
        groups.setdefault(one.change.group, []).append(one)
    return groups


def _new_product(members: Sequence[Ready], tables: Mapping[str, Table], mark: str) -> Delivery:
    product = next(one for one in members if one.change.table == "products")
    variants = [one for one in members if one.change.table == "variants"]
    operation = CreateProduct(
        ref=product.ref,
        values=product.after | {"handle": product.change.context["handle"]},
        variants=tuple(NewVariant(one.ref, one.after) for one in variants),
        marker=mark,
        table=tables.get("products", PRODUCTS),
        variant_table=tables.get("variants", VARIANTS),
    )
    return Delivery(operation, {one.ref: one.item for one in members})


def _product(
    product_id: str, members: Sequence[Ready], tables: Mapping[str, Table], mark: str, names: tuple[str, ...]
) -> Iterator[Delivery]:
    for one in members:
        if one.change.table == "products":
            yield _whole_product(one, tables)
    variants = [one for one in members if one.change.table == "variants"]
    updates = [one for one in variants if one.change.action == "update"]
    creates = [one for one in variants if one.change.action == "create"]
    deletes = [one for one in variants if one.change.action == "delete"]
    table = tables.get("variants", VARIANTS)
    if updates:
        changed = tuple(
            VariantChange(one.change.key, one.after, {**(one.current.values if one.current else {}), **one.after})
            for one in updates
        )
        yield Delivery(UpdateVariants(product_id, changed, names, table), {one.change.key: one.item for one in updates})
    if creates:
        new = tuple(NewVariant(one.ref, one.after) for one in creates)
        yield Delivery(CreateVariants(product_id, new, names, mark, table), {one.ref: one.item for one in creates})
    if deletes:
        keys = tuple(one.change.key for one in deletes)
        yield Delivery(DeleteVariants(product_id, keys), {one.change.key: one.item for one in deletes})


def _whole_product(one: Ready, tables: Mapping[str, Table]) -> Delivery:
    if one.change.action == "delete":
        return Delivery(DeleteProduct(one.change.key), {one.change.key: one.item})
    table = tables.get("products", PRODUCTS)
    return Delivery(UpdateProduct(one.change.key, one.after, table), {one.change.key: one.item})


def _levels(members: Sequence[Ready], job_id: str) -> Iterator[Delivery]:
    levels = tuple(_level(one) for one in members)
    operation = SetInventory(levels, key=_key_of(job_id, levels))
    yield Delivery(operation, {one.change.key: one.item for one in members})


def _level(one: Ready) -> LevelChange:
    item, _, location = one.change.key.partition("/")
    (edit,) = one.fields
    return LevelChange(item, location, int(edit.after or 0), int(edit.before) if edit.before else None)


def deliver(shop: Shop, parts: Sequence[Delivery], money_digits: int) -> list[Sent]:
    """Send operations, a few requests at a time; what became of every item.

    Raises `AccessError`, and `UpstreamError` for a refusal that is about no record. Everything else ends as an outcome:
    refused, not now, or not known (looked up next time).
    """
    fit = [_fit(part) for part in parts]
    sendable = [each for good, _ in fit for each in good]
    outcomes = [each for _, refused in fit for each in refused]
    items = {(type(part.operation), key): item for part in sendable for key, item in part.items.items()}
    requests = list(pack([part.operation for part in sendable], money_digits))
    with ThreadPoolExecutor(PARALLEL, "shopify") as pool:
        for sent in pool.map(lambda request: _deliver(shop, request, items), requests):
            outcomes += sent
    return outcomes


def _fit(part: Delivery) -> tuple[list[Delivery], list[Sent]]:
    """What of it can be sent, and what not: a variant that cannot be keeps no other of its product back."""
    reasons = _unfit(part.operation)
    refused = [_rejected(part.items[key], reason) for key, reason in reasons.items()]
    good = [key for key in part.operation.keys if key not in reasons]
    return [Delivery(_only(part.operation, good), part.items)] if good else [], refused


def _unfit(operation: Operation) -> dict[str, str]:
    """By key, why it cannot be sent."""
    try:
        operation.roots()
    except InputError as error:
        if isinstance(operation, UpdateVariants | CreateVariants) and len(operation.keys) > 1:
            return {key: why for each in operation.keys for key, why in _unfit(_only(operation, [each])).items()}
        return dict.fromkeys(operation.keys, error.message)
    return {}


def _only(operation: Operation, keys: Sequence[str]) -> Operation:
    """An operation about these of its variants; any other as it is."""
    if not isinstance(operation, UpdateVariants | CreateVariants):
        return operation
    kept: Any = tuple(each for key, each in zip(operation.keys, operation.variants, strict=True) if key in keys)
    return replace(operation, variants=kept)


_Items = dict[tuple[type, str], int]
"""Item numbers by kind of operation and key: a product and a variant may have the same digits."""


def _deliver(shop: Shop, request: WriteRequest, items: _Items) -> list[Sent]:
    numbers = [items[type(operation), key] for operation in request.operations for key in operation.keys]
    try:
        results = send(shop, request)
    except Throttled as error:
        wait = error.retry_after or 0.0
        return [Sent(Outcome(item, Result.PENDING, error.message, blameless=True, wait=wait)) for item in numbers]
    except Unavailable as error:
        return [Sent(Outcome(item, Result.PENDING, error.message)) for item in numbers]
    except (Refused, InputError) as error:
        if isinstance(error, Refused) and error.status not in _ABOUT_CONTENT:
            raise
        parts = _halves(request)
        if parts:
            return [sent for part in parts for sent in _deliver(shop, part, items)]
        return [_rejected(item, error.message) for item in numbers]
    return [
        _sent(items[type(result.operation), key], verdict, result.operation)
        for result in results
        for key, verdict in zip(result.operation.keys, result.verdicts, strict=True)
    ]


_ABOUT_CONTENT = frozenset({0, 200, 400, 413, 422})
"""Statuses of refusals that may be about one record of the request; 0: it was not even sent. With any other one the
shop turns away whatever comes (it is locked, redirects, or takes us for malicious)."""


def _halves(request: WriteRequest) -> list[WriteRequest]:
    """The request in smaller parts, to find what in it is refused; empty when it cannot be cut."""
    operations = request.operations
    if len(operations) > 1:
        middle = len(operations) // 2
        return [replace(request, operations=part) for part in (operations[:middle], operations[middle:])]
    (operation,) = operations
    if isinstance(operation, UpdateVariants) and len(operation.variants) > 1:
        return [replace(request, operations=(replace(operation, variants=(each,)),)) for each in operation.variants]
    if isinstance(operation, SetInventory) and len(operation.levels) > 1:
        middle = len(operation.levels) // 2
        parts = (operation.levels[:middle], operation.levels[middle:])
        return [replace(request, operations=(_part(operation, levels),)) for levels in parts]
    return []


def _part(whole: SetInventory, levels: tuple[LevelChange, ...]) -> SetInventory:
    """Some levels of an operation that was refused as a whole, with a key of their own: it is another operation."""
    return replace(whole, levels=levels, key=_key_of(whole.key, levels))


def _key_of(owner: str, levels: Sequence[LevelChange]) -> str:
    """The idempotency key of these levels: the same whenever they are sent for this owner."""
    content = ";".join(f"{each.key}:{each.expected}>{each.quantity}" for each in levels)
    return str(uuid5(_NAMESPACE, f"{owner}|{content}"))


def _rejected(item: int, reason: str) -> Sent:
    return Sent(Outcome(item, Result.REJECTED, reason))


_DELETES = (DeleteProduct, DeleteVariants)


def _sent(item: int, verdict: Verdict, operation: Operation) -> Sent:
    words = "; ".join(f"{each.field}: {each.message}" if each.field else each.message for each in verdict.problems)
    match verdict.outcome:
        case "applied":
            return Sent(Outcome(item, Result.DONE), verdict.record)
        case "refused":
            # what is new cannot be gone: then it is something it refers to that does not exist
            gone = verdict.gone and not isinstance(operation, CreateProduct)
            return Sent(_refused(item, words, gone=gone, deleting=isinstance(operation, _DELETES)))
        case "stale":
            return Sent(Outcome(item, Result.CONFLICTED, "The stock changed in the shop since the plan was made."))
        case "held_back" | "again":
            return Sent(Outcome(item, Result.PENDING, words, blameless=True))
        case _:
            return Sent(Outcome(item, Result.PENDING, words or "The shop's answer did not say what became of it."))


def _refused(item: int, words: str, *, gone: bool, deleting: bool) -> Outcome:
    if gone and deleting:
        return Outcome(item, Result.DONE, "It was gone already.")
    if gone:
        return Outcome(item, Result.REJECTED, f"It was deleted in the shop meanwhile. {words}")
    return Outcome(item, Result.REJECTED, words or "The shop refused it without saying why.")

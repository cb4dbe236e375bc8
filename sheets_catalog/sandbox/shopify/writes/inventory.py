"""inventorySetQuantities, inventoryAdjustQuantities, inventoryActivate, inventoryItemUpdate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from sheets_catalog.sandbox.shopify.context import Context, Info, of
from sheets_catalog.sandbox.shopify.idempotency import Replay, idempotent
from sheets_catalog.sandbox.shopify.problems import problem
from sheets_catalog.sandbox.shopify.state import Change, Group, Item, Level, Product, Variant
from sheets_catalog.sandbox.shopify.views import LevelView
from sheets_catalog.sandbox.shopify.writes.shared import (
    Error,
    Input,
    item_problems,
    new_level,
    required_number,
    user_error,
    with_item_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REASONS: Final = frozenset(
    {
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_canceled",
        "movement_created",
        "movement_received",
        "movement_updated",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    }
)
"""Recorded: the reasons that the real API accepts."""

SET_BOUND: Final = 1_000_000_000
ADJUST_BOUND: Final = 2_000_000_000
ADJUSTABLE: Final = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")

ITEM_MISSING: Final = "The specified inventory item could not be found."
LOCATION_MISSING: Final = "The specified location could not be found."


def set_quantities(_root: Any, info: Info, input: Input) -> dict[str, Any]:  # noqa: A002
    """`inventorySetQuantities`: absolute values, compare and swap, all or nothing, once per key."""
    return idempotent(info, {"input": input}, _shown_group, lambda key: _set(of(info), input, key))


def adjust_quantities(_root: Any, info: Info, input: Input) -> dict[str, Any]:  # noqa: A002
    """`inventoryAdjustQuantities`: deltas, compare and swap, all or nothing, once per key."""
    return idempotent(info, {"input": input}, _shown_group, lambda key: _adjust(of(info), input, key))


def _shown_group(context: Context, result: str) -> dict[str, Any]:
    """The answer of a replayed request, from the state as it is now."""
    return {"inventoryAdjustmentGroup": context.store.groups.get(int(result or 0)), "userErrors": []}


def _refused(errors: Sequence[Error]) -> Replay:
    return Replay({"inventoryAdjustmentGroup": None, "userErrors": list(errors)}, failed=True)


def _must_compare(rows: Sequence[Input], kind: str) -> None:
    if any("changeFromQuantity" not in row for row in rows):
        message = f"{kind} must include the following argument: changeFromQuantity."
        raise problem("INVALID_FIELD_ARGUMENTS", message)


def _set(context: Context, entry: Input, key: str) -> Replay:
    rows: list[Input] = entry["quantities"]
    _must_compare(rows, "InventoryQuantityInput")
    name = entry["name"]
    if name not in {"available", "on_hand"}:
        message = "The quantity name must be either 'available' or 'on_hand'."
        return _refused([user_error(["input", "name"], message, "INVALID_NAME")])
    errors = _head_problems(entry)
    errors += _pair_problems(context, rows, "quantities")
    for index, row in enumerate(rows):
        path = ["input", "quantities", str(index)]
        errors += _bound_problems(row["quantity"], [*path, "quantity"], SET_BOUND, negative=name == "available")
    if not errors:
        stale = "The changeFromQuantity value does not match persisted value."
        errors = _stale(context, rows, name, "quantities", stale)
    if errors:
        return _refused(errors)
    wishes = [(row, _delta_to(context, row, name), "available") for row in rows]
    return _apply(context, "inventorySetQuantities", entry, wishes, key)


def _delta_to(context: Context, row: Input, name: str) -> int:
    level = _level(context, row)
    quantity: int = row["quantity"]
    return quantity - (getattr(level, name) if level else 0)


def _adjust(context: Context, entry: Input, key: str) -> Replay:
    rows: list[Input] = entry["changes"]
    _must_compare(rows, "InventoryChangeInput")
    name = entry["name"]
    if name not in ADJUSTABLE:
        message = "The specified quantity name is invalid."
        return _refused([user_error(["input", "name"], message, "INVALID_QUANTITY_NAME")])
    errors = _head_problems(entry)
    errors += _pair_problems(context, rows, "changes", unique=False)
    errors += _document_problems(rows, name)
    for index, row in enumerate(rows):
        after = row["delta"] + getattr(_level(context, row), name, 0)
        errors += _bound_problems(after, ["input", "changes", str(index), "delta"], ADJUST_BOUND, negative=True)
    if not errors:
        stale = "The changeFromQuantity argument no longer matches the persisted quantity."
        errors = _stale(context, rows, name, "changes", stale)
    if errors:
        return _refused(errors)
    return _apply(context, "inventoryAdjustQuantities", entry, [(row, row["delta"], name) for row in rows], key)


def _head_problems(entry: Input) -> list[Error]:
    errors: list[Error] = []
    if entry["reason"] not in REASONS:
        errors.append(user_error(["input", "reason"], "The specified reason is invalid.", "INVALID_REASON"))
    reference = entry.get("referenceDocumentUri")
    if reference is not None and not _URI.fullmatch(reference):
        message = "The specified reference document is invalid."
        errors.append(user_error(["input", "referenceDocumentUri"], message, "INVALID_REFERENCE_DOCUMENT"))
    return errors


def _pair_problems(context: Context, rows: Sequence[Input], field: str, *, unique: bool = True) -> list[Error]:
    errors: list[Error] = []
    seen: set[tuple[int, int]] = set()
    for index, row in enumerate(rows):
        path = ["input", field, str(index)]
        pair = (
            required_number(row["inventoryItemId"], "InventoryItem"),
            required_number(row["locationId"], "Location"),
        )
        if context.store.item(pair[0]) is None:
            errors.append(user_error([*path, "inventoryItemId"], ITEM_MISSING, "INVALID_INVENTORY_ITEM"))
        if pair[1] not in context.store.locations:
            errors.append(user_error([*path, "locationId"], LOCATION_MISSING, "INVALID_LOCATION"))
        if unique and pair in seen:
            message = "The combination of inventoryItemId and locationId must be unique."
            errors.append(user_error([*path, "locationId"], message, "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"))
        seen.add(pair)
    return errors


def _bound_problems(quantity: int, path: Sequence[str], bound: int, *, negative: bool) -> list[Error]:
    name = "The total quantity" if bound == SET_BOUND and quantity > bound else "The quantity"
    if quantity > bound:
        return [user_error(path, f"{name} can't be higher than {bound:,}.", "INVALID_QUANTITY_TOO_HIGH")]
    if quantity < -bound:
        return [user_error(path, f"{name} can't be lower than -{bound:,}.", "INVALID_QUANTITY_TOO_LOW")]
    if quantity < 0 and not negative:
        return [user_error(path, "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")]
    return []


def _document_problems(rows: Sequence[Input], name: str) -> list[Error]:
    """Ledger documents are required for every quantity but `available`, and refused for that."""
    errors: list[Error] = []
    for index, row in enumerate(rows):
        path = ["input", "changes", str(index), "ledgerDocumentUri"]
        document = row.get("ledgerDocumentUri")
        if name == "available":
            if document is not None:
                message = "A ledger document URI is not allowed when adjusting available."
                errors.append(user_error(path, message, "INVALID_AVAILABLE_DOCUMENT"))
        elif document is None:
            message = "A ledger document URI is required except when adjusting available."
            errors.append(user_error(path, message, "INVALID_QUANTITY_DOCUMENT"))
        elif document.startswith("gid://shopify/"):
            message = "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API."
            errors.append(user_error(path, message, "INTERNAL_LEDGER_DOCUMENT"))
        elif not _URI.fullmatch(document):
            errors.append(user_error(path, "The specified ledger document is invalid.", "INVALID_LEDGER_DOCUMENT"))
    if len({row.get("ledgerDocumentUri") for row in rows}) > 1 and not errors:
        message = "All changes must have the same ledger document URI."
        errors.append(user_error(["input", "changes"], message, "MAX_ONE_LEDGER_DOCUMENT"))
    return errors


def _stale(context: Context, rows: Sequence[Input], name: str, field: str, message: str) -> list[Error]:
    return [
        user_error(["input", field, index, "changeFromQuantity"], message, "CHANGE_FROM_QUANTITY_STALE")
        for index, row in enumerate(rows)
        if row["changeFromQuantity"] is not None and row["changeFromQuantity"] != getattr(_level(context, row), name, 0)
    ]


def _level(context: Context, row: Input) -> Level | None:
    item = context.store.item(required_number(row["inventoryItemId"], "InventoryItem"))
    return item.level(required_number(row["locationId"], "Location")) if item else None


def _apply(
    context: Context, operation: str, entry: Input, wishes: Sequence[tuple[Input, int, str]], key: str
) -> Replay:
    """Move the quantities by their deltas; an adjustment group only when something moved."""
    moves = [(row, delta, name) for row, delta, name in wishes if delta]
    if not moves:
        return Replay({"inventoryAdjustmentGroup": None, "userErrors": []})
    by_product: dict[int, list[tuple[Input, int, str]]] = {}
    changes: list[Change] = []
    for row, delta, name in moves:
        item_id = required_number(row["inventoryItemId"], "InventoryItem")
        variant = context.store.variant_of_item(item_id)
        assert variant is not None, "checked by _pair_problems"
        by_product.setdefault(variant.product_id, []).append((row, delta, name))
        changes += _changes(context, row, delta, name)
    for product_id, rows in by_product.items():
        product = context.store.products[product_id]
        after = product
        for row, delta, name in rows:
            after = moved(context, after, row, lambda level, n=name, d=delta: _shifted(level, n, d))  # type: ignore[misc]
        context.commit(operation, product, after, key=key)
    group = Group(
        id=context.store.next_id("InventoryAdjustmentGroup"),
        created_at=context.now,
        reason=entry["reason"],
        app=context.caller.app,
        reference=entry.get("referenceDocumentUri"),
        changes=tuple(changes),
    )
    context.store.groups[group.id] = group
    return Replay({"inventoryAdjustmentGroup": group, "userErrors": []}, result=str(group.id))


def _changes(context: Context, row: Input, delta: int, name: str) -> list[Change]:
    """What the adjustment group lists: the quantity itself, and what lies there in all."""
    item = required_number(row["inventoryItemId"], "InventoryItem")
    place = required_number(row["locationId"], "Location")
    level = _level(context, row)
    names = (name,) if name == "incoming" else (name, "on_hand")
    return [
        Change(one, delta, item, place, getattr(level, one, 0) + delta, row.get("ledgerDocumentUri")) for one in names
    ]


def _shifted(level: Level, name: str, delta: int) -> Level:
    return replace(level, **{name: getattr(level, name) + delta})


def moved(context: Context, product: Product, row: Input, change: Callable[[Level], Level]) -> Product:
    """The product with one level changed; it is made first where there is none (API 2026-10)."""
    item_id = required_number(row["inventoryItemId"], "InventoryItem")
    place = required_number(row["locationId"], "Location")

    def on_item(item: Item) -> Item:
        level = item.level(place)
        if level is None:
            return replace(item, levels=(*item.levels, change(new_level(context, place))))
        return replace(item, levels=tuple(change(one) if one is level else one for one in item.levels))

    def on_variant(variant: Variant) -> Variant:
        return replace(variant, item=on_item(variant.item)) if variant.item.id == item_id else variant

    return replace(product, variants=tuple(on_variant(variant) for variant in product.variants))


# -- inventoryActivate, inventoryItemUpdate ----------------------------------------------------------------------------


def activate(_root: Any, info: Info, **arguments: Any) -> dict[str, Any]:
    """`inventoryActivate`: stock an item at a location, once per key."""

    def shown(context: Context, _result: str) -> dict[str, Any]:
        return {"inventoryLevel": _view(context, arguments), "userErrors": []}

    return idempotent(info, arguments, shown, lambda key: _activate(of(info), arguments, key))


def _view(context: Context, arguments: Input) -> LevelView | None:
    item = context.store.item(required_number(arguments["inventoryItemId"], "InventoryItem"))
    level = item.level(required_number(arguments["locationId"], "Location")) if item else None
    return LevelView(level, item) if item and level else None


def _activate(context: Context, arguments: Input, key: str) -> Replay:
    errors = _activate_problems(context, arguments)
    view = None
    if not _missing_ends(context, arguments):
        view = _view(context, arguments)
    if errors:
        return Replay({"inventoryLevel": view, "userErrors": errors}, failed=True)
    if view is None:
        quantity = arguments.get("available") or arguments.get("onHand") or 0
        variant = context.store.variant_of_item(required_number(arguments["inventoryItemId"], "InventoryItem"))
        assert variant is not None, "checked by _missing_ends"
        product = context.store.products[variant.product_id]
        after = moved(context, product, arguments, lambda level: replace(level, available=quantity))
        context.commit("inventoryActivate", product, after, key=key)
    return Replay({"inventoryLevel": _view(context, arguments), "userErrors": []})


def _missing_ends(context: Context, arguments: Input) -> list[Error]:
    errors: list[Error] = []
    if context.store.item(required_number(arguments["inventoryItemId"], "InventoryItem")) is None:
        message = "The product couldn't be stocked because the inventory item does not exist."
        errors.append(user_error(["inventoryItemId"], message))
    if required_number(arguments["locationId"], "Location") not in context.store.locations:
        message = "The product couldn't be stocked because the location wasn't found."
        errors.append(user_error(["locationId"], message))
    return errors


def _activate_problems(context: Context, arguments: Input) -> list[Error]:
    errors = _missing_ends(context, arguments)
    if errors:
        return errors
    name = context.store.locations[required_number(arguments["locationId"], "Location")].name
    given = [field for field in ("available", "onHand") if arguments.get(field) is not None]
    if len(given) > 1:
        message = "not allowed to set available and on_hand quantities at the same time."
        return [user_error([field], f"The product couldn't be stocked at {name} because {message}") for field in given]
    for field in given:
        if _view(context, arguments) is not None:
            quantity = "available quantity" if field == "available" else "on_hand quantity"
            message = f"Not allowed to set an {quantity} when the item is already active at the location."
            return [user_error([field], message)]
        if abs(arguments[field]) > SET_BOUND:
            message = "the quantity needs to be between -1 billion and 1 billion."
            return [user_error([field], f"The product couldn't be stocked at {name} because {message}")]
    return []


def item_update(_root: Any, info: Info, id: str, input: Input) -> dict[str, Any]:  # noqa: A002
    """`inventoryItemUpdate`."""
    context = of(info)
    number = required_number(id, "InventoryItem")
    variant = context.store.variant_of_item(number)
    if variant is None:
        message = "The product couldn't be updated because it does not exist."
        return {"inventoryItem": None, "userErrors": [user_error(["id"], message)]}
    errors = [user_error(error["field"], error["message"]) for error in item_problems(input, ("input",))]
    if errors:
        return {"inventoryItem": None, "userErrors": errors}
    product = context.store.products[variant.product_id]
    changed = replace(variant, item=with_item_fields(variant.item, input))
    variants = tuple(changed if one.id == changed.id else one for one in product.variants)
    context.commit("inventoryItemUpdate", product, replace(product, variants=variants))
    return {"inventoryItem": context.store.item(number), "userErrors": []}


__all__ = ["activate", "adjust_quantities", "item_update", "set_quantities"]

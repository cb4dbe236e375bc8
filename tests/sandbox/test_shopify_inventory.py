"""Stock: compare and swap, idempotency, adjustment groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.shop_client import Shop, available

if TYPE_CHECKING:
    from collections.abc import Iterator

SET = (
    "mutation ($input: InventorySetQuantitiesInput!, $key: String!) { inventorySetQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup { id "
    "reason referenceDocumentUri changes { name delta quantityAfterChange item { id } location { name } } } userErrors { field message code } } }"
)
ADJUST = SET.replace("InventorySetQuantitiesInput", "InventoryAdjustQuantitiesInput").replace(
    "inventorySetQuantities", "inventoryAdjustQuantities"
)
ACTIVATE = (
    "mutation ($item: ID!, $place: ID!, $available: Int, $onHand: Int, $key: String!) { inventoryActivate(inventoryItemId: $item, locationId: $place, "
    'available: $available, onHand: $onHand) @idempotent(key: $key) { inventoryLevel { id quantities(names: ["available"]) { quantity } } '
    "userErrors { field message } } }"
)
WAREHOUSE = "gid://shopify/Location/70000000001"
STORE = "gid://shopify/Location/70000000002"
POPUP = "gid://shopify/Location/70000000003"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Sandbox.start(latency="none", speed=1.0) as sandbox:
        yield Shop(sandbox)


def chair(shop: Shop) -> dict[str, Any]:
    """Six in the warehouse, one in the store."""
    return dict(shop.product("oak-chair")["variants"]["nodes"][0])


def wish(item: str, quantity: int, expected: int | None, place: str = WAREHOUSE) -> dict[str, Any]:
    return {"inventoryItemId": item, "locationId": place, "quantity": quantity, "changeFromQuantity": expected}


def setting(*rows: dict[str, Any], name: str = "available", **more: Any) -> dict[str, Any]:
    return {"name": name, "reason": "correction", "quantities": list(rows), **more}


def test_quantities_are_set_and_recorded(shop: Shop) -> None:
    before = shop.product("oak-chair")
    item = chair(shop)["inventoryItem"]["id"]
    shop.sandbox.world.clock.advance(60)
    group = shop.payload(SET, {"input": setting(wish(item, 10, 6), referenceDocumentUri="app://job/1"), "key": "k"})[
        "inventoryAdjustmentGroup"
    ]
    assert group["referenceDocumentUri"] == "app://job/1"
    assert [(one["name"], one["delta"], one["quantityAfterChange"]) for one in group["changes"]] == [
        ("available", 4, None),
        ("on_hand", 4, None),
    ]
    after = shop.product("oak-chair")
    assert available(chair(shop), "Warehouse Berlin") == 10
    assert after["updatedAt"] > before["updatedAt"], "a product moves when its stock does"
    (line,) = shop.lines()
    assert line["operation"] == "shopify.inventorySetQuantities"
    assert line["target"].startswith("gid://shopify/InventoryLevel/100000000001?inventory_item_id=")
    assert line["effect"]["changes"]["available"] == {"before": 6, "after": 10}
    assert (line["effect"]["item"], line["effect"]["idempotencyKey"]) == (item, "k")


def test_a_stale_expectation_is_refused_whole(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    errors = shop.refused(SET, {"input": setting(wish(item, 9, 6), wish(item, 9, 5, STORE)), "key": "k"})
    assert errors == [
        {
            "field": ["input", "quantities", "1", "changeFromQuantity"],
            "message": "The changeFromQuantity value does not match persisted value.",
            "code": "CHANGE_FROM_QUANTITY_STALE",
        }
    ]
    assert available(chair(shop), "Warehouse Berlin") == 6


def test_null_skips_the_comparison_and_absence_is_an_error(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    shop.payload(SET, {"input": setting(wish(item, 3, None)), "key": "a"})
    row = {"inventoryItemId": item, "locationId": WAREHOUSE, "quantity": 4}
    answer = shop.answer(SET, {"input": setting(row), "key": "b"})
    (error,) = answer["errors"]
    assert error["message"] == "InventoryQuantityInput must include the following argument: changeFromQuantity."
    assert (error["extensions"]["code"], error["path"]) == ("INVALID_FIELD_ARGUMENTS", ["inventorySetQuantities"])
    assert answer["data"] == {"inventorySetQuantities": None}
    assert answer["extensions"]["cost"]["actualQueryCost"] == 10
    assert len(shop.lines()) == 1


def test_setting_what_is_there_is_no_effect(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    assert shop.payload(SET, {"input": setting(wish(item, 6, 6)), "key": "k"})["inventoryAdjustmentGroup"] is None
    assert shop.lines() == []


def test_on_hand_and_available(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    row = {
        "inventoryItemId": item,
        "locationId": WAREHOUSE,
        "delta": 2,
        "changeFromQuantity": 0,
        "ledgerDocumentUri": "app://doc/1",
    }
    shop.payload(ADJUST, {"input": {"name": "damaged", "reason": "damaged", "changes": [row]}, "key": "a"})
    shop.payload(SET, {"input": setting(wish(item, 20, 8), name="on_hand"), "key": "b"})
    levels = chair(shop)["inventoryItem"]["inventoryLevels"]["nodes"]
    assert {one["name"]: one["quantity"] for one in levels[0]["quantities"]} == {"available": 18, "on_hand": 20}


def test_a_level_is_made_where_there_is_none(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    shop.payload(SET, {"input": setting(wish(item, 2, 0, POPUP)), "key": "k"})
    assert available(chair(shop), "Pop-up München") == 2
    assert shop.lines()[0]["effect"]["kind"] == "create"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"name": "damaged"}, "INVALID_NAME", ["input", "name"]),
        ({"reason": "because"}, "INVALID_REASON", ["input", "reason"]),
        ({"referenceDocumentUri": "not a uri"}, "INVALID_REFERENCE_DOCUMENT", ["input", "referenceDocumentUri"]),
        ({"quantity": 1_000_000_001}, "INVALID_QUANTITY_TOO_HIGH", ["input", "quantities", "0", "quantity"]),
        ({"quantity": -1_000_000_001}, "INVALID_QUANTITY_TOO_LOW", ["input", "quantities", "0", "quantity"]),
        ({"quantity": -1, "name": "on_hand"}, "INVALID_QUANTITY_NEGATIVE", ["input", "quantities", "0", "quantity"]),
        (
            {"inventoryItemId": "gid://shopify/InventoryItem/42"},
            "INVALID_INVENTORY_ITEM",
            ["input", "quantities", "0", "inventoryItemId"],
        ),
        ({"locationId": "gid://shopify/Location/42"}, "INVALID_LOCATION", ["input", "quantities", "0", "locationId"]),
    ],
)
def test_set_codes(shop: Shop, change: dict[str, Any], code: str, field: list[str]) -> None:
    row = wish(chair(shop)["inventoryItem"]["id"], 5, None)
    entry = setting({**row, **{name: value for name, value in change.items() if name in row}})
    entry |= {name: value for name, value in change.items() if name not in row}
    assert [(one["code"], one["field"]) for one in shop.refused(SET, {"input": entry, "key": "k"})] == [(code, field)]


def test_the_same_pair_twice_is_refused(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    errors = shop.refused(SET, {"input": setting(wish(item, 5, None), wish(item, 6, None)), "key": "k"})
    assert [error["code"] for error in errors] == ["NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"]


def test_available_may_become_negative(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    shop.payload(SET, {"input": setting(wish(item, -5, 6)), "key": "k"})
    assert available(chair(shop), "Warehouse Berlin") == -5


def test_adjusting(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    row = {"inventoryItemId": item, "locationId": WAREHOUSE, "delta": -2, "changeFromQuantity": 6}
    entry = {"name": "available", "reason": "correction", "changes": [row]}
    shop.payload(ADJUST, {"input": entry, "key": "k"})
    assert available(chair(shop), "Warehouse Berlin") == 4
    assert [error["code"] for error in shop.refused(ADJUST, {"input": entry, "key": "k2"})] == [
        "CHANGE_FROM_QUANTITY_STALE"
    ]
    cases = [
        ({"ledgerDocumentUri": "app://doc/1"}, "available", "INVALID_AVAILABLE_DOCUMENT"),
        ({}, "damaged", "INVALID_QUANTITY_DOCUMENT"),
        ({"ledgerDocumentUri": "gid://shopify/Order/1"}, "damaged", "INTERNAL_LEDGER_DOCUMENT"),
        ({}, "on_hand", "INVALID_QUANTITY_NAME"),
        ({"delta": 2_000_000_001}, "available", "INVALID_QUANTITY_TOO_HIGH"),
    ]
    for number, (change, name, code) in enumerate(cases):
        wrong = {**entry, "name": name, "changes": [{**row, "changeFromQuantity": None, **change}]}
        assert [error["code"] for error in shop.refused(ADJUST, {"input": wrong, "key": f"x{number}"})] == [code]


# -- idempotency -------------------------------------------------------------------------------------------------------


def test_the_directive_is_required(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    text = "mutation ($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input) { userErrors { code } } }"
    answer = shop.answer(text, {"input": setting(wish(item, 1, None))})
    (error,) = answer["errors"]
    assert error["message"] == "The @idempotent directive is required for this mutation but was not provided."
    assert (error["extensions"]["code"], error["path"]) == ("BAD_REQUEST", ["inventorySetQuantities"])
    assert answer["data"] == {"inventorySetQuantities": None}
    assert shop.lines() == []


def test_a_replay_is_one_effect_and_the_same_group(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    variables = {"input": setting(wish(item, 10, 6)), "key": "k"}
    first = shop.payload(SET, variables)
    shop.service.set_inventory(chair(shop)["id"], WAREHOUSE, 99)
    assert shop.payload(SET, variables) == first
    assert available(chair(shop), "Warehouse Berlin") == 99, "a replay must not write again"
    assert [line["actor"] for line in shop.lines()] == ["sheets-catalog", "merchant"]


def test_replay_codes(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    shop.payload(SET, {"input": setting(wish(item, 10, 6)), "key": "k"})
    (error,) = shop.refused(SET, {"input": setting(wish(item, 11, 10)), "key": "k"})
    assert (error["code"], error["field"]) == ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", None)
    stale = {"input": setting(wish(item, 1, 0)), "key": "failed"}
    assert [one["code"] for one in shop.refused(SET, stale)] == ["CHANGE_FROM_QUANTITY_STALE"]
    assert [one["code"] for one in shop.refused(SET, stale)] == ["IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"]
    shop.service.hold_key("busy", seconds=30)
    busy = {"input": setting(wish(item, 12, 10)), "key": "busy"}
    assert [one["code"] for one in shop.refused(SET, busy)] == ["IDEMPOTENCY_CONCURRENT_REQUEST"]
    shop.sandbox.world.clock.advance(31)
    shop.payload(SET, busy)


def test_keys_are_kept_for_a_day_and_belong_to_an_app(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    variables = {"input": setting(wish(item, 10, 6)), "key": "k"}
    shop.payload(SET, variables)
    other = Shop(shop.sandbox, shop.service.tokens.mint(app="another-app"))
    assert [one["code"] for one in other.refused(SET, variables)] == ["CHANGE_FROM_QUANTITY_STALE"]
    shop.sandbox.world.clock.advance(24 * 3600 + 1)
    assert [one["code"] for one in shop.refused(SET, variables)] == ["CHANGE_FROM_QUANTITY_STALE"]


# -- inventoryActivate, inventoryItemUpdate ----------------------------------------------------------------------------


def test_activating(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    variables = {"item": item, "place": POPUP, "available": 7, "key": "k"}
    level = shop.payload(ACTIVATE, variables)["inventoryLevel"]
    assert level["quantities"] == [{"quantity": 7}]
    assert shop.payload(ACTIVATE, variables)["inventoryLevel"] == level
    assert len(shop.lines()) == 1
    cases = [
        (
            {"place": POPUP, "available": 8},
            ["available"],
            "Not allowed to set an available quantity when the item is already active at the location.",
        ),
        (
            {"place": "gid://shopify/Location/1"},
            ["locationId"],
            "The product couldn't be stocked because the location wasn't found.",
        ),
    ]
    for number, (change, field, message) in enumerate(cases):
        errors = shop.refused(ACTIVATE, {"item": item, **change, "key": f"x{number}"})
        assert errors == [{"field": field, "message": message}]


def test_activating_with_both_quantities(shop: Shop) -> None:
    item = chair(shop)["inventoryItem"]["id"]
    errors = shop.refused(ACTIVATE, {"item": item, "place": POPUP, "available": 1, "onHand": 2, "key": "k"})
    assert [error["field"] for error in errors] == [["available"], ["onHand"]]
    assert "Pop-up München" in errors[0]["message"]


def test_item_update(shop: Shop) -> None:
    variant = chair(shop)
    text = (
        "mutation ($id: ID!, $input: InventoryItemInput!) { inventoryItemUpdate(id: $id, input: $input) { inventoryItem { sku tracked unitCost { amount } measurement "
        "{ weight { value unit } } } userErrors { field message } } }"
    )
    entry = {"sku": "NEW", "tracked": False, "cost": 5, "measurement": {"weight": {"value": 900, "unit": "GRAMS"}}}
    found = shop.payload(text, {"id": variant["inventoryItem"]["id"], "input": entry})["inventoryItem"]
    assert found == {
        "sku": "NEW",
        "tracked": False,
        "unitCost": {"amount": "5.0"},
        "measurement": {"weight": {"value": 900.0, "unit": "GRAMS"}},
    }
    (line,) = shop.lines()
    assert line["target"] == variant["id"]
    assert set(line["effect"]["changes"]) == {"sku", "tracked", "cost", "weight"}
    errors = shop.refused(text, {"id": "gid://shopify/InventoryItem/1", "input": {}})
    assert errors[0]["field"] == ["id"]

"""One verdict per record, whatever the answer says or leaves out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.records import Record
from sheets_catalog.shopify.errors import GraphError
from sheets_catalog.shopify.reading import View
from sheets_catalog.shopify.transport import Answer
from sheets_catalog.shopify.verdicts import Problem, Reply, Sent, judge
from sheets_catalog.shopify.writes import WriteRequest
from tests.shopify.examples import CREATE_PRODUCT, SET_INVENTORY, UPDATE_PRODUCT, UPDATE_VARIANTS

SENT = Sent(("21", "22", "23"), "variants", metafields=[["metafields.a.b"], [], []])
SHOWN = {key: Record(key, {}) for key in SENT.keys}


def outcomes(*errors, sent=SENT, shown=SHOWN):
    return [each.outcome for each in judge(Reply({"userErrors": list(errors)}), sent, shown)]


def problem(*path, code="INVALID_INPUT", message="No"):
    return {"field": list(path) or None, "message": message, "code": code}


def test_all_is_well():
    assert outcomes() == ["applied"] * 3


def test_a_record_that_the_answer_does_not_show_is_unknown():
    assert outcomes(shown={"21": None, "23": None}) == ["applied", "unknown", "applied"]


def test_the_refused_one_holds_back_the_others():
    assert outcomes(problem("variants", "1", "price")) == ["held_back", "refused", "held_back"]


def test_without_a_promise_of_all_or_nothing_the_others_are_unknown():
    loose = Sent(SENT.keys, "quantities", atomic=False)
    stale = problem("input", "quantities", "2", "changeFromQuantity", code="CHANGE_FROM_QUANTITY_STALE")
    assert outcomes(stale, sent=loose) == ["unknown", "unknown", "stale"]


@pytest.mark.parametrize("path", [(), ("variants",), ("productId",), ("variants", "9", "price")])
def test_an_error_about_no_record_is_about_all(path):
    assert outcomes(problem(*path, code=None)) == ["refused"] * 3


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (None, "refused"),
        ("CHANGE_FROM_QUANTITY_STALE", "stale"),
        ("IDEMPOTENCY_CONCURRENT_REQUEST", "again"),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "unknown"),
        ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "unknown"),
        ("GENERIC_ERROR", "unknown"),
        ("PRODUCT_VARIANT_DOES_NOT_EXIST", "refused"),
    ],
)
def test_codes(code, outcome):
    assert outcomes(problem("variants", "0", code=code))[0] == outcome


def test_of_several_problems_the_worst_counts():
    found = outcomes(
        problem("variants", "0", code="CHANGE_FROM_QUANTITY_STALE"), problem("variants", "0", code="GENERIC_ERROR")
    )
    assert found[0] == "unknown"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (("price",), "price"),
        (("inventoryItem", "cost"), "cost"),
        (("inventoryItem", "measurement", "weight"), "weight"),
        (("optionValues", "1", "name"), "option2"),
        (("metafields", "0", "value"), "metafields.a.b"),
        (("metafields", "7", "value"), ""),
        (("mediaSrc",), ""),
    ],
)
def test_a_problem_names_our_field(path, field):
    verdict = judge(Reply({"userErrors": [problem("variants", "0", *path)]}), SENT, {})[0]
    assert verdict.problems == (Problem("No", "INVALID_INPUT", field),)


def test_gone_is_told_by_code_or_by_words():
    assert Problem("x", "PRODUCT_VARIANT_DOES_NOT_EXIST").gone
    assert Problem("Product does not exist").gone
    assert not Problem("Title can't be blank").gone


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "unknown"),
        (GraphError("Internal error", "INTERNAL_SERVER_ERROR"), "unknown"),
        (GraphError("Throttled", "THROTTLED"), "again"),
        (GraphError("The @idempotent directive is required", "BAD_REQUEST"), "refused"),
        (GraphError("Access denied", "ACCESS_DENIED"), "refused"),
    ],
)
def test_no_payload(error, outcome):
    assert [each.outcome for each in judge(Reply(None, error), SENT, {})] == [outcome] * 3


def test_a_payload_with_holes_is_unknown_unless_it_says_no():
    hole = GraphError("Access denied for unitCost", "ACCESS_DENIED")
    assert [each.outcome for each in judge(Reply({"userErrors": []}, hole), SENT, SHOWN)] == ["unknown"] * 3
    refused = {"userErrors": [problem("productId")]}
    assert [each.outcome for each in judge(Reply(refused, hole), SENT, SHOWN)] == ["refused"] * 3


paths = st.lists(
    st.sampled_from(["input", "product", "variants", "metafields", "0", "1", "2", "99", "price", "", "-1", "²"]),
    max_size=5,
)
codes = st.sampled_from([None, "", "INVALID", "CHANGE_FROM_QUANTITY_STALE", "GENERIC_ERROR", "OPERATION_IN_PROGRESS"])


@given(
    st.lists(st.fixed_dictionaries({"field": st.none() | paths, "message": st.text(), "code": codes}), min_size=1),
    st.integers(0, 1),
    st.booleans(),
)
def test_any_error_leaves_nothing_applied_and_nobody_without_a_verdict(user_errors, lead, atomic):
    found = judge(Reply({"userErrors": user_errors}), Sent(SENT.keys, "variants", lead=lead, atomic=atomic), SHOWN)
    assert len(found) == 3
    assert all(each.outcome != "applied" for each in found)
    assert any(each.outcome != "held_back" for each in found)
    assert all(each.problems for each in found)


def parse(operations, data, errors=()):
    return WriteRequest(operations, 2).parse(Answer(data, tuple(errors)))


def test_each_operation_of_a_request_has_its_own_result():
    quantities = {"inventoryAdjustmentGroup": None, "userErrors": []}
    failed = GraphError("Internal error", "INTERNAL_SERVER_ERROR", "o1")
    first, second = parse((SET_INVENTORY, SET_INVENTORY), {"o0": quantities, "o1": None}, [failed])
    assert [each.outcome for each in first.verdicts] == ["applied", "applied"]
    assert first.applied
    assert [each.outcome for each in second.verdicts] == ["unknown", "unknown"]
    assert not second.applied


def test_an_error_without_a_place_counts_for_what_has_no_answer_only():
    quantities = {"inventoryAdjustmentGroup": None, "userErrors": []}
    first, second = parse(
        (SET_INVENTORY, SET_INVENTORY),
        {"o0": quantities, "o1": None},
        [GraphError("Internal error", "INTERNAL_SERVER_ERROR")],
    )
    assert first.applied
    assert second.verdicts[0].outcome == "unknown"


def test_a_field_that_is_missing_from_the_answer_makes_its_operation_unknown_and_no_other():
    good = {"inventoryAdjustmentGroup": None, "userErrors": []}
    first, second = parse(
        (UPDATE_PRODUCT, SET_INVENTORY),
        {
            "o0": {"product": {"id": "gid://shopify/Product/11"}, "userErrors": []},
            "o0c0": {"userErrors": []},
            "o1": good,
        },
    )
    assert [each.outcome for each in first.verdicts] == ["unknown"]
    assert second.applied


def test_inventory_reads_back_what_shopify_says_it_is_now():
    def change(item, name, after):
        return {
            "name": name,
            "delta": 1,
            "quantityAfterChange": after,
            "item": {"id": f"gid://shopify/InventoryItem/{item}"},
            "location": {"id": "gid://shopify/Location/31"},
        }

    group = {"changes": [change("41", "available", 8), change("41", "on_hand", 99)]}
    (result,) = parse((SET_INVENTORY,), {"o0": {"inventoryAdjustmentGroup": group, "userErrors": []}})
    assert [each.record.values["available"] for each in result.verdicts if each.record] == ["8", "0"]
    assert result.verdicts[0].record.key == "41/31"


def test_a_metafield_that_could_not_be_cleared_spoils_its_own_record_only():
    variants = {"productVariants": [VARIANT_21, VARIANT_22], "userErrors": []}
    refusal = {"userErrors": [{"field": ["metafields", "0", "ownerId"], "message": "Not yours"}]}
    (result,) = parse((UPDATE_VARIANTS,), {"o0": variants, "o0c0": refusal})
    assert [each.outcome for each in result.verdicts] == ["applied", "refused"]
    assert result.verdicts[1].problems == (Problem("Not yours"),)
    assert result.verdicts[1].record is not None


def test_a_new_products_variant_is_named_by_its_row():
    refused = {"product": None, "userErrors": [problem("input", "variants", "1", "price")]}
    (result,) = parse((CREATE_PRODUCT,), {"o0": refused})
    assert dict(zip(CREATE_PRODUCT.keys, (each.outcome for each in result.verdicts), strict=True)) == {
        "row-7": "held_back",
        "row-7a": "held_back",
        "row-7b": "refused",
    }
    assert result.verdicts[2].problems[0].field == "price"
    assert result.tree is None


def test_a_taken_handle_is_the_products_own_problem():
    refused = {"product": None, "userErrors": [problem("input", "handle", code="HANDLE_NOT_UNIQUE")]}
    (result,) = parse((CREATE_PRODUCT,), {"o0": refused})
    assert [each.outcome for each in result.verdicts] == ["refused", "held_back", "held_back"]
    assert result.verdicts[0].problems == (Problem("No", "HANDLE_NOT_UNIQUE", "handle"),)


def variant_node(number):
    return {
        "id": f"gid://shopify/ProductVariant/{number}",
        "sku": "",
        "barcode": None,
        "price": "1.00",
        "compareAtPrice": None,
        "taxable": True,
        "inventoryPolicy": "DENY",
        "updatedAt": "2026-11-22T00:00:00Z",
        "selectedOptions": [{"name": "Title", "value": "Default Title"}],
        "product": {"id": "gid://shopify/Product/11", "handle": "red-shirt"},
        "inventoryItem": {
            "id": f"gid://shopify/InventoryItem/{number}",
            "tracked": True,
            "requiresShipping": True,
            "unitCost": None,
            "measurement": {"weight": None},
        },
        "metafields": {"nodes": []},
    }


VARIANT_21, VARIANT_22 = variant_node("21"), variant_node("22")


def test_what_is_not_there_reads_as_none():
    from sheets_catalog.shopify.reading import variant

    record = variant(VARIANT_21, View(2))
    assert record.values["sku"] is None
    assert record.values["barcode"] is None
    assert record.values["weight"] is None
    assert record.values["option2"] is None
    assert record.values["taxable"] == "true"

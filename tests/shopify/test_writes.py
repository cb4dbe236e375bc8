"""Writes against the sandbox: what was sent is what the shop has, once, and every record has its verdict."""

from __future__ import annotations

from itertools import count

import pytest

from sheets_catalog.errors import PermissionMissing, Throttled, Unavailable
from sheets_catalog.records import PRODUCTS, VARIANTS
from sheets_catalog.shopify import (
    Catalogue,
    CreateProduct,
    CreateVariants,
    DeleteProduct,
    DeleteVariants,
    LevelChange,
    Limits,
    NewVariant,
    SetInventory,
    StaticToken,
    UpdateProduct,
    UpdateVariants,
    VariantChange,
    WriteRequest,
    pack,
    send,
)

P_TABLE = PRODUCTS.with_metafields(
    [
        "Metafield: custom.material [single_line_text_field]",
        "Metafield: custom.rank [number_integer]",
        "Metafield: custom.care [multi_line_text_field]",
    ]
)
V_TABLE = VARIANTS.with_metafields(["Metafield: custom.length [number_decimal]", "Metafield: custom.flag [boolean]"])
_numbers = count(1)


def go(shop, *operations):
    return send(shop, WriteRequest(operations, 2))


def variant(*options, **values):
    names = ("option1", "option2", "option3")
    given = {
        "price": "10.00",
        "taxable": "true",
        "requires_shipping": "true",
        "tracked": "true",
        "inventory_policy": "DENY",
    }
    return {**given, **dict(zip(names, options, strict=False)), **values}


def new_product(*variants, handle="", marker="job/1", **values):
    handle = handle or f"product-{next(_numbers)}"
    product = {"handle": handle, "title": f"Title of {handle}", "status": "DRAFT", **values}
    return CreateProduct("p", product, tuple(variants), marker, P_TABLE, V_TABLE)


@pytest.fixture
def place(catalogue):
    return catalogue.places[0].id


@pytest.fixture
def made(shop, place):
    """A product with two variants in two sizes, 5 and 7 of them in stock."""
    variants = [
        NewVariant(size, variant(size, sku=f"SKU-{size}"), {place: stock}) for size, stock in (("S", 5), ("M", 7))
    ]
    (result,) = go(shop, new_product(*variants, option1_name="Size", vendor="Acme", tags="a, b"))
    assert result.applied, result
    return result.tree


def three_hundred():
    return [NewVariant(f"v{n}", variant(f"S{n // 20}", f"C{n % 20}", sku=f"N-{n}")) for n in range(300)]


def ids(tree):
    return [each.record.key for each in tree.variants]


def test_a_product_is_made_with_all_that_belongs_to_it(shop, catalogue, place):
    values = {
        "title": "Größe & „Maß“ 🎽 日本語",
        "description": "<p>Fein &amp; warm</p>",
        "vendor": "Ångström",
        "product_type": "Shirt",
        "tags": "neu, Sommer",
        "option1_name": "Farbe",
        "option2_name": "Größe",
        "seo_title": "SEO",
        "seo_description": "Zwei\nZeilen",
        "metafields.custom.material": "Wolle",
        "metafields.custom.rank": "3",
        "metafields.custom.care": "a\nb",
    }
    rich = variant(
        "Rot",
        "S",
        sku="R-S",
        barcode="400638133393",
        price="19.90",
        compare_at_price="25.00",
        cost="7.35",
        weight="0.25",
        weight_unit="KILOGRAMS",
        taxable="false",
        requires_shipping="false",
        inventory_policy="CONTINUE",
        **{"metafields.custom.length": "1.5", "metafields.custom.flag": "true"},
    )
    (result,) = go(
        shop,
        new_product(
            NewVariant("a", rich, {place: 5}), NewVariant("b", variant("Blau", "S")), marker="job/rich", **values
        ),
    )
    assert result.applied, result
    product, first, second = (verdict.record.values for verdict in result.verdicts)
    assert {name: product[name] for name in values} == values
    assert {name: first[name] for name in rich} == rich
    assert (second["option1"], second["sku"], second["compare_at_price"], second["cost"]) == ("Blau", None, None, None)
    assert second["metafields.custom.length"] is None
    assert result.tree.operation == "job/rich"
    assert {level.values["variant_id"]: level.values["available"] for level in result.tree.variants[0].inventory} == {
        first["id"]: "5"
    }

    read = catalogue.product_by_handle(product["handle"], metafields=P_TABLE.fields, variant_metafields=V_TABLE.fields)
    assert read == result.tree


def test_a_second_product_with_the_same_handle_is_refused_and_not_made(shop, control, made):
    handle = made.product.values["handle"]
    before = len(control.effects())
    (result,) = go(
        shop, new_product(NewVariant("v", variant("S")), handle=handle, option1_name="Size", marker="job/other")
    )
    assert [each.outcome for each in result.verdicts] == ["refused", "held_back"]
    assert result.verdicts[0].problems[0].field == "handle"
    assert len(control.effects()) == before


def test_a_product_without_options_or_variants(shop):
    only, bare = go(shop, new_product(NewVariant("v", variant(sku="ONE"))), new_product())
    assert only.applied
    assert bare.applied
    assert [each.record.values["option1"] for each in (*only.tree.variants, *bare.tree.variants)] == [
        "Default Title"
    ] * 2
    assert only.tree.product.values["option1_name"] == "Title"


def test_a_new_product_may_have_more_variants_than_an_answer_shows(shop, catalogue):
    variants = three_hundred()
    (result,) = go(shop, new_product(*variants, option1_name="Size", option2_name="Colour"))
    assert result.applied
    assert not result.tree.complete
    assert [each.record is not None for each in result.verdicts] == [True] * 251 + [False] * 50
    tree = catalogue.product_tree(result.tree.product.key)
    assert tree.complete
    assert [each.record.values["sku"] for each in tree.variants] == [f"N-{number}" for number in range(300)]


def test_one_wrong_variant_keeps_the_product_from_being_made(shop, control):
    before = len(control.effects())
    wrong = NewVariant("b", variant("M", weight="-1", weight_unit="GRAMS", price="-5.00"))
    (result,) = go(shop, new_product(NewVariant("a", variant("S")), wrong, option1_name="Size"))
    assert [each.outcome for each in result.verdicts] == ["held_back", "held_back", "refused"]
    assert "price" in {problem.field for problem in result.verdicts[2].problems}
    assert len(control.effects()) == before


def test_a_product_update_changes_what_it_says_and_no_more(shop, catalogue, made):
    changes = {
        "title": "Neu „ß“",
        "tags": "z, A",
        "status": "ARCHIVED",
        "metafields.custom.material": "Leinen",
        "metafields.custom.rank": "2",
    }
    (result,) = go(shop, UpdateProduct(made.product.key, changes, P_TABLE))
    after = result.verdicts[0].record
    assert {name: value for name, value in after.values.items() if value != made.product.values.get(name)} == {
        **changes,
        "tags": "A, z",
    }
    read = catalogue.by_ids("products", [made.product.key], [f for f in P_TABLE.fields if f.metafield_type])
    assert read == {made.product.key: after}


def test_fields_and_metafields_are_cleared(shop, made):
    go(
        shop,
        UpdateProduct(
            made.product.key,
            {"description": "x", "seo_title": "y", "metafields.custom.material": "z", "metafields.custom.rank": "1"},
            P_TABLE,
        ),
    )
    cleared = {"description": None, "tags": None, "seo_title": None, "metafields.custom.material": None}
    (result,) = go(shop, UpdateProduct(made.product.key, {**cleared, "product_type": "Hat"}, P_TABLE))
    assert result.applied, result
    after = result.verdicts[0].record.values
    assert {name: after[name] for name in cleared} == cleared
    assert (after["product_type"], after["metafields.custom.rank"]) == ("Hat", "1")


def test_variants_of_one_product_are_updated_in_one_mutation(shop, control, made):
    first, second = ids(made)
    control.forget()
    changes = {
        "price": "12.34",
        "sku": "NEW",
        "cost": "1.05",
        "weight": "2.5",
        "weight_unit": "POUNDS",
        "metafields.custom.length": "3.5",
    }
    (result,) = go(
        shop,
        UpdateVariants(
            made.product.key,
            (
                VariantChange(first, changes),
                VariantChange(second, {"option1": "XXL", "barcode": "123"}, {"option1": "XXL"}),
            ),
            ("Size",),
            V_TABLE,
        ),
    )
    assert result.applied, result
    one, two = (verdict.record.values for verdict in result.verdicts)
    assert {name: one[name] for name in changes} == changes
    assert (two["option1"], two["barcode"], two["price"]) == ("XXL", "123", "10.00")
    assert [each["operation"] for each in control.requests()] == ["shopify.productVariantsBulkUpdate"]


def test_a_variants_metafield_and_numbers_are_cleared(shop, made):
    first, second = ids(made)
    go(
        shop,
        UpdateVariants(
            made.product.key,
            (
                VariantChange(
                    first,
                    {"metafields.custom.flag": "true", "compare_at_price": "20.00", "cost": "2.00", "barcode": "1"},
                ),
            ),
            table=V_TABLE,
        ),
    )
    cleared = {"metafields.custom.flag": None, "compare_at_price": None, "cost": None, "barcode": None, "sku": None}
    (result,) = go(
        shop,
        UpdateVariants(
            made.product.key, (VariantChange(first, cleared), VariantChange(second, {"price": "1.00"})), table=V_TABLE
        ),
    )
    assert result.applied, result
    after = result.verdicts[0].record.values
    assert {name: after[name] for name in cleared} == cleared


def test_one_wrong_variant_holds_back_the_others(shop, control, made):
    first, second = ids(made)
    before = len(control.effects())
    operation = UpdateVariants(
        made.product.key, (VariantChange(first, {"price": "2.00"}), VariantChange(second, {"price": "-1.00"}))
    )
    (result,) = go(shop, operation)
    assert [each.outcome for each in result.verdicts] == ["held_back", "refused"]
    assert result.verdicts[1].problems[0].field == "price"
    assert len(control.effects()) == before


def test_a_variant_that_is_gone_says_so(shop, made):
    (result,) = go(shop, UpdateVariants(made.product.key, (VariantChange("999999", {"price": "2.00"}),)))
    assert result.verdicts[0].gone
    (result,) = go(shop, UpdateProduct("999999", {"title": "x"}))
    assert result.verdicts[0].gone


def test_variants_are_added_with_stock_and_marker(shop, catalogue, made, place):
    new = (NewVariant("r1", variant("L", sku="L-1"), {place: 3}), NewVariant("r2", variant("XL", price="0.00")))
    (result,) = go(shop, CreateVariants(made.product.key, new, ("Size",), "job/9", V_TABLE))
    assert result.applied, result
    assert [verdict.record.values["option1"] for verdict in result.verdicts] == ["L", "XL"]
    assert [each.operation for each in result.variants] == ["job/9", "job/9"]
    assert result.variants[0].inventory[0].values["available"] == "3"
    tree = catalogue.product_tree(made.product.key)
    assert [each.operation for each in tree.variants] == ["", "", "job/9", "job/9"]
    (again,) = go(shop, CreateVariants(made.product.key, new, ("Size",), "job/9", V_TABLE))
    assert {each.outcome for each in again.verdicts} == {"refused"}


def levels_of(tree):
    return [level.key.split("/") for level in tree.inventory]


def test_inventory_is_set_and_told(shop, catalogue, made):
    (item, place), (other, _) = levels_of(made)
    (result,) = go(shop, SetInventory((LevelChange(item, place, 9, 5), LevelChange(other, place, 7, 7)), "key-1"))
    assert result.applied
    assert [verdict.record.values["available"] for verdict in result.verdicts] == ["9", "7"]
    keys = [level.key for level in made.inventory]
    assert [catalogue.by_ids("inventory", keys)[key].values["available"] for key in keys] == ["9", "7"]


def test_a_stale_quantity_is_told_for_its_own_level(shop, control, made):
    (item, place), (other, _) = levels_of(made)
    before = len(control.effects())
    (result,) = go(shop, SetInventory((LevelChange(item, place, 1, 5), LevelChange(other, place, 1, 6)), "key-2"))
    assert [each.outcome for each in result.verdicts] == ["unknown", "stale"]
    assert len(control.effects()) == before


def test_the_same_key_changes_the_stock_once(shop, control, made):
    (item, place), _ = levels_of(made)
    operation = SetInventory((LevelChange(item, place, 4, 5),), "key-3")
    before = len(control.effects())
    (first,) = go(shop, operation)
    (second,) = go(shop, operation)
    assert first.applied
    assert second.applied
    assert len(control.effects()) == before + 1


def test_a_key_in_use_is_to_be_sent_again(shop, control, made):
    (item, place), _ = levels_of(made)
    control.merchant("hold_key", key="key-4", seconds=3600)
    (result,) = go(shop, SetInventory((LevelChange(item, place, 4, 5),), "key-4"))
    assert [each.outcome for each in result.verdicts] == ["again"]


def test_a_key_with_another_content_is_unknown(shop, made):
    (item, place), _ = levels_of(made)
    go(shop, SetInventory((LevelChange(item, place, 4, 5),), "key-5"))
    (result,) = go(shop, SetInventory((LevelChange(item, place, 8, 4),), "key-5"))
    assert [each.outcome for each in result.verdicts] == ["unknown"]


def test_deletes(shop, catalogue, made):
    first, second = ids(made)
    (variants,) = go(shop, DeleteVariants(made.product.key, (first,)))
    assert variants.applied
    assert list(catalogue.by_ids("variants", [first, second])) == [second]
    (product,) = go(shop, DeleteProduct(made.product.key))
    assert product.applied
    assert catalogue.product_tree(made.product.key) is None
    (again,) = go(shop, DeleteProduct(made.product.key))
    assert again.verdicts[0].gone


def test_many_kinds_in_one_request_each_with_its_own_result(shop, control, made):
    (item, place), _ = levels_of(made)
    first, _ = ids(made)
    control.forget()
    results = go(
        shop,
        UpdateProduct(made.product.key, {"title": ""}),
        UpdateVariants(made.product.key, (VariantChange(first, {"price": "3.00"}),)),
        new_product(NewVariant("v", variant("S")), option1_name="Size"),
        SetInventory((LevelChange(item, place, 2, 5),), "key-6"),
        DeleteProduct("424242"),
    )
    assert [[each.outcome for each in result.verdicts] for result in results] == [
        ["refused"],
        ["applied"],
        ["applied", "applied"],
        ["applied"],
        ["refused"],
    ]
    assert results[0].verdicts[0].problems[0].field == "title"
    assert len(control.requests()) == 1


def test_an_alias_without_an_answer_is_unknown_and_no_other(shop, control, made):
    first, second = ids(made)
    control.fault("*", "partial-data", options={"alias": "o0"})
    results = go(
        shop,
        UpdateVariants(made.product.key, (VariantChange(first, {"price": "3.00"}),)),
        UpdateVariants(made.product.key, (VariantChange(second, {"price": "4.00"}),)),
    )
    assert [result.verdicts[0].outcome for result in results] == ["unknown", "applied"]


@pytest.mark.parametrize(
    ("kind", "when", "effects"),
    [
        ("reset", "before", 0),
        ("reset", "after", 1),
        ("fin", "before", 0),
        ("fin", "after", 1),
        ("half-body", "after", 1),
        ("garbled-body", "after", 1),
        ("empty-body", "after", 1),
        ("internal-error", "before", 0),
        ("internal-error", "after", 1),
    ],
)
def test_a_lost_answer_is_unknown_and_sent_only_once(shop, control, made, kind, when, effects):
    first, _ = ids(made)
    price = f"{next(_numbers)}.77"
    before = len(control.effects())
    control.fault("shopify.productVariantsBulkUpdate", kind, when)
    with pytest.raises(Unavailable) as caught:
        go(shop, UpdateVariants(made.product.key, (VariantChange(first, {"price": price}),)))
    assert caught.value.applied is None
    assert len(control.effects()) == before + effects
    assert len([each for each in control.requests() if "productVariantsBulkUpdate" in each["operation"]]) == 1


def test_a_product_whose_answer_got_lost_is_found_by_its_marker(shop, catalogue, control):
    control.fault("shopify.productSet", "reset", "after")
    operation = new_product(NewVariant("v", variant("S")), option1_name="Size", marker="job/lost")
    with pytest.raises(Unavailable):
        go(shop, operation)
    tree = catalogue.product_by_handle(operation.values["handle"])
    assert tree.operation == "job/lost"
    assert [each.record.values["option1"] for each in tree.variants] == ["S"]


def test_throttling_tells_when_to_come_back(connect, control, made):
    control.fault("shopify.productUpdate", "throttle-graphql")
    before = len(control.effects())
    with pytest.raises(Throttled) as caught:
        go(connect(), UpdateProduct(made.product.key, {"title": "x"}))
    assert caught.value.retry_after >= 1.0
    assert len(control.effects()) == before


def test_a_missing_scope_is_told(connect, control, made):
    token = control.merchant("mint_token", scopes=["read_products"])
    with pytest.raises(PermissionMissing, match="write_products"):
        go(connect(StaticToken(token)), UpdateProduct(made.product.key, {"title": "x"}))


def test_packing_keeps_order_and_limits():
    operations = [UpdateProduct(str(number), {"title": "x" * 100}) for number in range(25)]
    requests = list(pack(operations, 2))
    assert [len(request.operations) for request in requests] == [10, 10, 5]
    assert [each.product_id for request in requests for each in request.operations] == [
        str(number) for number in range(25)
    ]
    by_size = list(pack(operations, 2, Limits(operations=100, size=1000)))
    assert max(len(request.operations) for request in by_size) < 10
    by_points = list(pack(operations, 2, Limits(operations=100, points=50)))
    assert all(request.points <= 50 for request in by_points)
    assert sum(len(request.operations) for request in by_points) == 25


def test_long_operations_are_split_with_keys_of_their_own():
    levels = tuple(LevelChange(str(number), "1", 1, 0) for number in range(600))
    changes = tuple(VariantChange(str(number), {"price": "1.00"}) for number in range(251))
    requests = list(pack([SetInventory(levels, "k"), UpdateVariants("1", changes)], 2))
    operations = [each for request in requests for each in request.operations]
    assert [len(each.keys) for each in operations] == [250, 250, 100, 250, 1]
    assert [each.key for each in operations[:3]] == ["k/0", "k/1", "k/2"]
    assert all(request.points < 1000 for request in requests)


def test_300_variants_and_levels_really_go_out(shop, catalogue):
    variants = three_hundred()
    (result,) = go(shop, new_product(*variants, option1_name="Size", option2_name="Colour"))
    tree = catalogue.product_tree(result.tree.product.key)
    changes = tuple(VariantChange(each.record.key, {"price": "77.00"}) for each in tree.variants)
    stock = tuple(
        LevelChange(*level.key.split("/"), quantity=6, expected=int(level.values["available"]))
        for level in tree.inventory
    )
    assert len(stock) >= 300
    for request in pack([UpdateVariants(tree.product.key, changes), SetInventory(stock, "many")], 2):
        assert all(each.applied for each in send(shop, request))
    after = catalogue.product_tree(tree.product.key)
    assert {each.record.values["price"] for each in after.variants} == {"77.00"}
    assert {level.values["available"] for level in after.inventory} == {"6"}


def test_only_inventory_may_be_repeated():
    level = (LevelChange("1", "2", 3, 4),)
    assert WriteRequest((SetInventory(level, "k"),), 2).safety == "repeatable"
    assert WriteRequest((SetInventory(level, "k"), UpdateProduct("1", {"title": "x"})), 2).safety == "once"


def test_the_shops_answer_fits_the_estimate(connect, made):
    shop = connect()
    catalogue = Catalogue(shop)
    list(catalogue.products(metafields=P_TABLE.fields))
    assert shop.throttle is not None
    assert shop.throttle.available > 0

"""Mutations of products, variants, options and metafields, with the ledger as the witness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sheets_catalog.sandbox import Sandbox
from tests.sandbox.shop_client import Shop, available

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Sandbox.start(latency="none", speed=1.0) as sandbox:
        yield Shop(sandbox)


CREATE = "mutation ($product: ProductCreateInput!) { productCreate(product: $product) { product { id handle status vendor tags variants(first: 5) { nodes { id title price sku inventoryItem { tracked } } } } userErrors { field message } } }"
UPDATE = "mutation ($product: ProductUpdateInput!) { productUpdate(product: $product) { product { id handle title tags updatedAt } userErrors { field message } } }"
SET = (
    "mutation ($input: ProductSetInput!, $identifier: ProductSetIdentifiers) { productSet(input: $input, identifier: $identifier) { product { id handle title "
    "variants(first: 50) { nodes { id title sku price } } } userErrors { field message code } } }"
)
BULK = (
    "mutation ($id: ID!, $variants: [ProductVariantsBulkInput!]!, $partial: Boolean) { productVariantsBulkUpdate(productId: $id, variants: $variants, "
    "allowPartialUpdates: $partial) { product { id } productVariants { id price sku } userErrors { field message code } } }"
)
BULK_CREATE = (
    "mutation ($id: ID!, $variants: [ProductVariantsBulkInput!]!, $strategy: ProductVariantsBulkCreateStrategy) { productVariantsBulkCreate(productId: $id, "
    "variants: $variants, strategy: $strategy) { product { id } productVariants { id title sku } userErrors { field message code } } }"
)
METAFIELDS = "mutation ($metafields: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $metafields) { metafields { id namespace key value compareDigest } userErrors { field message code elementIndex } } }"


# -- productCreate, productUpdate, productDelete -----------------------------------------------------------------------


def test_a_created_product_has_one_untracked_variant_and_a_handle_from_its_title(shop: Shop) -> None:
    product = shop.payload(CREATE, {"product": {"title": "Brand New: Thing!", "tags": ["b", " a ", "B"]}})["product"]
    assert (product["handle"], product["status"], product["vendor"]) == ("brand-new-thing", "ACTIVE", "Demo Shop")
    assert product["tags"] == ["a", "b"]
    (variant,) = product["variants"]["nodes"]
    assert (variant["title"], variant["price"], variant["inventoryItem"]) == (
        "Default Title",
        "0.00",
        {"tracked": False},
    )
    lines = shop.lines()
    assert [(line["target"].split("/")[3], line["effect"]["kind"]) for line in lines] == [
        ("Product", "create"),
        ("ProductVariant", "create"),
        ("InventoryLevel", "create"),
    ]
    assert lines[0]["effect"]["changes"]["title"] == {"before": None, "after": "Brand New: Thing!"}
    assert lines[0]["operation"] == "shopify.productCreate"
    assert lines[0]["actor"] == "sheets-catalog"


def test_handles_are_unique(shop: Shop) -> None:
    first = shop.payload(CREATE, {"product": {"title": "Sofa"}})["product"]
    second = shop.payload(CREATE, {"product": {"title": "Sofa"}})["product"]
    assert (first["handle"], second["handle"]) == ("sofa-1", "sofa-2")
    errors = shop.refused(CREATE, {"product": {"title": "Another", "handle": "  SOFA "}})
    message = "Handle '  SOFA ' already in use. Please provide a new handle."
    assert errors == [{"field": ["input", "handle"], "message": message}]
    kept = shop.payload(UPDATE, {"product": {"id": first["id"], "handle": "  Mixed CASE / 東京 100 % "}})["product"]
    assert kept["handle"] == "mixed-case-東京-100"
    assert shop.payload(UPDATE, {"product": {"id": first["id"], "handle": "  "}})["product"]["handle"] == kept["handle"]


@pytest.mark.parametrize(
    ("entry", "errors"),
    [
        ({"title": " "}, [{"field": ["title"], "message": "Title can't be blank"}]),
        ({"title": "x" * 256}, [{"field": ["title"], "message": "Title is too long (maximum is 255 characters)"}]),
        (
            {"title": "x", "productType": "y" * 256},
            [
                {"field": ["productType"], "message": "Product type is too long (maximum is 255 characters)"},
                {
                    "field": ["customProductType"],
                    "message": "Custom product type is too long (maximum is 255 characters)",
                },
            ],
        ),
        (
            {"title": "x", "vendor": "v" * 256},
            [{"field": ["vendor"], "message": "Vendor is too long (maximum is 255 characters)"}],
        ),
        (
            {"title": "x", "category": "gid://shopify/TaxonomyCategory/zz"},
            [{"field": ["category"], "message": "Product taxonomy node does not exist"}],
        ),
    ],
)
def test_product_inputs_that_are_refused(shop: Shop, entry: dict[str, Any], errors: list[dict[str, Any]]) -> None:
    assert shop.refused(CREATE, {"product": entry}) == errors


def test_an_update_changes_what_is_given_and_nothing_else(shop: Shop) -> None:
    before = shop.product("linen-shirt")
    shop.sandbox.world.clock.advance(60)
    changes = {
        "id": before["id"],
        "title": "Linen Shirt II",
        "descriptionHtml": "<p>=1+1</p>",
        "tags": ["z", "a"],
        "status": "DRAFT",
        "seo": {"title": "Only the title"},
        "metafields": [{"namespace": "custom", "key": "material", "value": "Hemp"}],
    }
    shop.payload(UPDATE, {"product": changes})
    after = shop.product("linen-shirt")
    assert (after["title"], after["descriptionHtml"], after["status"]) == ("Linen Shirt II", "<p>=1+1</p>", "DRAFT")
    assert after["tags"] == ["a", "z"]
    assert after["seo"] == {"title": "Only the title", "description": "The shirt for hot days."}
    assert [one["value"] for one in after["metafields"]["nodes"]] == [
        "Hemp",
        "30 °C\nDo not tumble dry",
        "ERP-000123456789012345",
    ]
    assert after["updatedAt"] > before["updatedAt"]
    same = ("handle", "vendor", "productType", "options", "variants", "createdAt", "media")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    product, metafield = shop.lines()
    assert set(product["effect"]["changes"]) == {"title", "descriptionHtml", "tags", "status", "seo.title"}
    assert product["effect"]["changes"]["tags"] == {"before": ["linen", "men", "summer"], "after": ["a", "z"]}
    assert metafield["effect"]["changes"] == {"value": {"before": "Linen", "after": "Hemp"}}
    assert metafield["effect"]["owner"] == before["id"]


def test_an_update_that_changes_nothing_leaves_no_trace(shop: Shop) -> None:
    before = shop.product("sofa")
    shop.sandbox.world.clock.advance(60)
    shop.payload(UPDATE, {"product": {"id": before["id"], "title": "Sofa", "vendor": "Möbelhaus", "tags": []}})
    assert shop.product("sofa") == before
    assert shop.lines() == []


def test_an_update_by_identifier(shop: Shop) -> None:
    text = (
        "mutation ($by: ProductUpdateIdentifiers, $product: ProductUpdateInput!) { productUpdate(identifier: $by, product: $product) "
        "{ product { title } userErrors { field message } } }"
    )
    found = shop.payload(text, {"by": {"handle": "sofa"}, "product": {"title": "Couch"}})
    assert found["product"] == {"title": "Couch"}
    custom = {"namespace": "custom", "key": "erp_id", "value": "ERP-000123456789012345"}
    found = shop.payload(text, {"by": {"customId": custom}, "product": {"title": "By number"}})
    assert shop.product("linen-shirt")["title"] == "By number"
    errors = shop.refused(text, {"by": {"handle": "nobody"}, "product": {"title": "x"}})
    assert errors == [{"field": ["id"], "message": "Product does not exist"}]


def test_a_deleted_product_is_gone_with_its_variants_and_from_its_collections(shop: Shop) -> None:
    product = shop.product("candle")
    text = "mutation ($id: ID!) { productDelete(input: {id: $id}) { deletedProductId userErrors { field message } } }"
    assert shop.payload(text, {"id": product["id"]})["deletedProductId"] == product["id"]
    assert shop.refused(text, {"id": product["id"]}) == [{"field": ["id"], "message": "Product does not exist"}]
    variant = product["variants"]["nodes"][0]["id"]
    assert shop.data("query ($id: ID!) { node(id: $id) { id } }", {"id": variant}) == {"node": None}
    kinds = [line["effect"]["kind"] for line in shop.lines()]
    assert kinds.count("delete") == len(kinds) == 1 + 1 + 3 + 9


def test_tags_are_added_and_removed(shop: Shop) -> None:
    product = shop.product("tea-towel")["id"]
    text = "mutation ($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { ... on Product { tags } } userErrors { message } } }"
    assert shop.payload(text, {"id": product, "tags": ["New", "LINEN"]})["node"]["tags"] == ["kitchen", "linen", "New"]
    assert shop.payload(text.replace("tagsAdd", "tagsRemove"), {"id": product, "tags": ["new", "x"]})["node"][
        "tags"
    ] == ["kitchen", "linen"]


def test_several_aliased_mutations_run_in_order_each_with_its_own_payload(shop: Shop) -> None:
    product = shop.product("sofa")["id"]
    text = (
        "mutation ($id: ID!) { "
        + " ".join(
            f'a{n}: productUpdate(product: {{id: $id, title: "{title}"}}) {{ product {{ title }} userErrors {{ field message }} }}'
            for n, title in enumerate(("First", "", "Third"))
        )
        + " }"
    )
    data = shop.data(text, {"id": product})
    assert [data[f"a{n}"]["product"]["title"] for n in range(3)] == ["First", "First", "Third"]
    assert data["a1"]["userErrors"] == [{"field": ["title"], "message": "Title can't be blank"}]
    changes = [line["effect"]["changes"]["title"] for line in shop.lines()]
    assert changes == [{"before": "Sofa", "after": "First"}, {"before": "First", "after": "Third"}]


# -- variants ----------------------------------------------------------------------------------------------------------


def test_bulk_update_of_variants(shop: Shop) -> None:
    product = shop.product("linen-shirt")
    first, second = product["variants"]["nodes"][:2]
    entries = [
        {
            "id": first["id"],
            "price": "61.5",
            "compareAtPrice": "70",
            "barcode": "0099",
            "inventoryItem": {"sku": " 007 ", "cost": "12.345"},
        },
        {
            "id": second["id"],
            "compareAtPrice": None,
            "inventoryPolicy": "CONTINUE",
            "metafields": [{"namespace": "custom", "key": "shelf", "value": "3-4"}],
        },
    ]
    found = shop.payload(BULK, {"id": product["id"], "variants": entries})
    assert found["productVariants"] == [
        {"id": first["id"], "price": "61.50", "sku": " 007 "},
        {"id": second["id"], "price": "59.90", "sku": "LS-S-BL"},
    ]
    after = {one["id"]: one for one in shop.product("linen-shirt")["variants"]["nodes"]}
    assert after[first["id"]]["inventoryItem"]["unitCost"]["amount"] in {"12.34", "12.35"}
    assert after[second["id"]]["metafields"]["nodes"] == [{"namespace": "custom", "key": "shelf", "value": "3-4"}]
    targets = [(line["target"], set(line["effect"]["changes"])) for line in shop.lines()]
    assert targets[0] == (first["id"], {"price", "compareAtPrice", "barcode", "sku", "cost"})
    assert targets[1] == (second["id"], {"inventoryPolicy"})
    assert len(targets) == 3


def test_bulk_update_is_all_or_nothing(shop: Shop) -> None:
    product = shop.product("linen-shirt")
    first, second = product["variants"]["nodes"][:2]
    entries = [
        {"id": first["id"], "price": "1"},
        {"id": second["id"], "price": "-1", "compareAtPrice": "1000000000000000000"},
        {"price": "2"},
    ]
    errors = shop.refused(BULK, {"id": product["id"], "variants": entries})
    assert errors == [
        {
            "field": ["variants", "1", "compareAtPrice"],
            "message": "must be less than 1000000000000000000",
            "code": "INVALID_INPUT",
        },
        {
            "field": ["variants", "1", "price"],
            "message": "Price must be greater than or equal to 0",
            "code": "GREATER_THAN_OR_EQUAL_TO",
        },
        {
            "field": ["variants", "2", "id"],
            "message": "Product variant is missing ID attribute",
            "code": "PRODUCT_VARIANT_ID_MISSING",
        },
    ]
    assert shop.product("linen-shirt") == product


def test_bulk_update_with_partial_updates_applies_the_valid_ones(shop: Shop) -> None:
    product = shop.product("linen-shirt")
    first, second = product["variants"]["nodes"][:2]
    entries = [{"id": first["id"], "price": "1"}, {"id": second["id"], "price": "-1"}]
    answer = shop.data(BULK, {"id": product["id"], "variants": entries, "partial": True})["productVariantsBulkUpdate"]
    assert [one["price"] for one in answer["productVariants"]] == ["1.00", "59.90"]
    assert [one["field"] for one in answer["userErrors"]] == [["variants", "1", "price"]]
    assert [line["target"] for line in shop.lines()] == [first["id"]]


def test_bulk_update_codes(shop: Shop) -> None:
    product, other = shop.product("linen-shirt"), shop.product("sofa")
    variant = product["variants"]["nodes"][0]["id"]
    missing = shop.refused(BULK, {"id": "gid://shopify/Product/1", "variants": []})
    assert missing == [{"field": ["productId"], "message": "Product does not exist", "code": "PRODUCT_DOES_NOT_EXIST"}]
    cases = [
        ({"id": other["variants"]["nodes"][0]["id"]}, "PRODUCT_VARIANT_DOES_NOT_EXIST"),
        ({"id": variant, "inventoryQuantities": []}, "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"),
        ({"id": variant, "optionValues": [{"optionName": "Nope", "name": "x"}]}, "OPTION_DOES_NOT_EXIST"),
        ({"id": variant, "optionValues": [{"optionName": "Size", "name": "M"}]}, "VARIANT_ALREADY_EXISTS"),
        ({"id": variant, "inventoryItem": {"sku": "x" * 256}}, "TOO_LONG"),
    ]
    for entry, code in cases:
        errors = shop.refused(BULK, {"id": product["id"], "variants": [entry]})
        assert [error["code"] for error in errors] == [code], entry


def test_a_variant_can_get_a_new_option_value(shop: Shop) -> None:
    product = shop.product("linen-shirt")
    variant = product["variants"]["nodes"][0]["id"]
    shop.payload(
        BULK,
        {"id": product["id"], "variants": [{"id": variant, "optionValues": [{"optionName": "Size", "name": "XS"}]}]},
    )
    after = shop.product("linen-shirt")
    assert after["variants"]["nodes"][0]["title"] == "XS / White"
    assert "XS" in after["options"][0]["values"]


def test_bulk_create(shop: Shop) -> None:
    product = shop.product("linen-shirt")
    entry = {
        "optionValues": [{"optionName": "Size", "name": "XXL"}, {"optionName": "Color", "name": "White"}],
        "price": "65",
        "inventoryItem": {"sku": "LS-XXL-WH"},
        "inventoryQuantities": [{"locationId": "gid://shopify/Location/70000000002", "availableQuantity": 4}],
    }
    (made,) = shop.payload(BULK_CREATE, {"id": product["id"], "variants": [entry]})["productVariants"]
    assert (made["title"], made["sku"]) == ("XXL / White", "LS-XXL-WH")
    after = shop.product("linen-shirt")["variants"]["nodes"]
    assert [one["position"] for one in after] == list(range(1, 8))
    assert available(after[-1], "Store Wien") == 4
    assert len(after[-1]["inventoryItem"]["inventoryLevels"]["nodes"]) == 1


def test_bulk_create_codes(shop: Shop) -> None:
    product = shop.product("linen-shirt")["id"]
    size, color = {"optionName": "Size", "name": "S"}, {"optionName": "Color", "name": "White"}
    new = {"optionName": "Size", "name": "New"}
    cases: list[tuple[list[dict[str, Any]], list[tuple[list[str], str]]]] = [
        ([{"optionValues": [size, color]}], [(["variants", "0"], "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE")]),
        (
            [{"optionValues": [new, color]}, {"optionValues": [new, color]}],
            [(["variants", "1"], "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE")],
        ),
        ([{"optionValues": [new]}], [(["variants", "0"], "NEED_TO_ADD_OPTION_VALUES")]),
        (
            [{"optionValues": [new, color], "id": "gid://shopify/ProductVariant/1"}],
            [(["variants", "0", "id"], "NO_KEY_ON_CREATE")],
        ),
        (
            [
                {
                    "optionValues": [new, color],
                    "inventoryQuantities": [{"locationId": "gid://shopify/Location/1", "availableQuantity": 1}],
                }
            ],
            [(["variants", "0", "inventoryQuantities"], "TRACKED_VARIANT_LOCATION_NOT_FOUND")],
        ),
        ([{"optionValues": [new, color], "price": "-2"}], [(["variants", "0", "price"], "GREATER_THAN_OR_EQUAL_TO")]),
    ]
    for variants, expected in cases:
        errors = shop.refused(BULK_CREATE, {"id": product, "variants": variants})
        assert [(error["field"], error["code"]) for error in errors] == expected


def test_strategies_for_the_standalone_variant(shop: Shop) -> None:
    def made(strategy: str) -> list[str]:
        product = shop.payload(CREATE, {"product": {"title": strategy}})["product"]
        entry = {"optionValues": [{"optionName": "Title", "name": "Small"}]}
        shop.payload(BULK_CREATE, {"id": product["id"], "variants": [entry], "strategy": strategy})
        return [one["title"] for one in shop.product(product["handle"])["variants"]["nodes"]]

    assert made("DEFAULT") == ["Small"]
    assert made("REMOVE_STANDALONE_VARIANT") == ["Small"]
    assert made("PRESERVE_STANDALONE_VARIANT") == ["Default Title", "Small"]


def test_bulk_delete(shop: Shop) -> None:
    product = shop.product("candle")
    ids = [one["id"] for one in product["variants"]["nodes"]]
    text = (
        "mutation ($id: ID!, $ids: [ID!]!) { productVariantsBulkDelete(productId: $id, variantsIds: $ids) { product { id } "
        "userErrors { field message code } } }"
    )
    shop.payload(text, {"id": product["id"], "ids": ids[:1]})
    assert [one["position"] for one in shop.product("candle")["variants"]["nodes"]] == [1, 2]
    errors = shop.refused(text, {"id": product["id"], "ids": ids[:1]})
    assert [error["code"] for error in errors] == ["AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT"]
    errors = shop.refused(text, {"id": product["id"], "ids": ids[1:]})
    assert [error["code"] for error in errors] == ["CANNOT_DELETE_LAST_VARIANT"]


# -- options -----------------------------------------------------------------------------------------------------------


def test_options_are_created(shop: Shop) -> None:
    product = shop.payload(CREATE, {"product": {"title": "With options"}})["product"]
    text = (
        "mutation ($id: ID!, $options: [OptionCreateInput!]!, $s: ProductOptionCreateVariantStrategy) { productOptionsCreate(productId: $id, options: $options, "
        "variantStrategy: $s) { product { options { name values } variants(first: 10) { nodes { title } } } userErrors { field message code } } }"
    )
    options = [
        {"name": "Color", "values": [{"name": "Red"}, {"name": "Blue"}]},
        {"name": "Size", "values": [{"name": "S"}]},
    ]
    found = shop.payload(text, {"id": product["id"], "options": options})["product"]
    assert found["options"] == [{"name": "Color", "values": ["Red"]}, {"name": "Size", "values": ["S"]}]
    assert [one["title"] for one in found["variants"]["nodes"]] == ["Red / S"]
    more = [{"name": "Fit", "values": [{"name": "Slim"}, {"name": "Wide"}]}]
    found = shop.payload(text, {"id": product["id"], "options": more, "s": "CREATE"})["product"]
    assert sorted(one["title"] for one in found["variants"]["nodes"]) == [
        "Blue / S / Slim",
        "Blue / S / Wide",
        "Red / S / Slim",
        "Red / S / Wide",
    ]
    errors = shop.refused(text, {"id": product["id"], "options": more})
    assert [error["code"] for error in errors] == ["OPTIONS_OVER_LIMIT"]


def test_an_option_is_renamed_with_its_values(shop: Shop) -> None:
    product = shop.product("candle")
    option = product["options"][0]
    text = (
        "mutation ($id: ID!, $option: OptionUpdateInput!, $update: [OptionValueUpdateInput!], $delete: [ID!], $s: ProductOptionUpdateVariantStrategy) "
        "{ productOptionUpdate(productId: $id, option: $option, optionValuesToUpdate: $update, optionValuesToDelete: $delete, variantStrategy: $s) "
        "{ product { id } userErrors { field message code } } }"
    )
    fig = option["optionValues"][0]["id"]
    shop.payload(
        text,
        {
            "id": product["id"],
            "option": {"id": option["id"], "name": "Smell"},
            "update": [{"id": fig, "name": "Figue"}],
        },
    )
    after = shop.product("candle")
    assert after["options"][0]["name"] == "Smell"
    assert next(one["selectedOptions"] for one in after["variants"]["nodes"]) == [{"name": "Smell", "value": "Figue"}]
    errors = shop.refused(text, {"id": product["id"], "option": {"id": option["id"]}, "delete": [fig]})
    assert [error["code"] for error in errors] == ["OPTION_VALUE_HAS_VARIANTS"]
    shop.payload(text, {"id": product["id"], "option": {"id": option["id"]}, "delete": [fig], "s": "MANAGE"})
    assert [one["title"] for one in shop.product("candle")["variants"]["nodes"]] == ["Cedar", "Sea salt"]


# -- productSet --------------------------------------------------------------------------------------------------------


def sizes(*names: str) -> list[dict[str, Any]]:
    return [{"name": "Size", "values": [{"name": name} for name in names]}]


def of_size(name: str, **more: Any) -> dict[str, Any]:
    return {"optionValues": [{"optionName": "Size", "name": name}], **more}


def test_product_set_creates_with_everything(shop: Shop) -> None:
    entry = {
        "title": "Set me",
        "productOptions": sizes("S", "M"),
        "variants": [
            of_size(
                "S",
                sku="00",
                price="1",
                inventoryQuantities=[
                    {"locationId": "gid://shopify/Location/70000000001", "name": "available", "quantity": 5}
                ],
            ),
            of_size("M", price=2.5, file={"originalSource": "https://images.example.com/m.jpg"}),
        ],
        "files": [{"originalSource": "https://images.example.com/m.jpg", "alt": "M"}],
        "metafields": [{"namespace": "custom", "key": "note", "type": "single_line_text_field", "value": "=1"}],
        "tags": ["x"],
    }
    product = shop.payload(SET, {"input": entry})["product"]
    assert [(one["title"], one["sku"], one["price"]) for one in product["variants"]["nodes"]] == [
        ("S", "00", "1.00"),
        ("M", None, "2.50"),
    ]
    found = shop.product("set-me")
    assert available(found["variants"]["nodes"][0], "Warehouse Berlin") == 5
    assert found["media"]["nodes"][0]["alt"] == "M"


def test_product_set_replaces_lists_and_leaves_other_fields(shop: Shop) -> None:
    before = shop.product("notebook-a5")
    names = [one["title"] for one in before["variants"]["nodes"]]
    assert names == ["Plain", "Lined", "Dotted"]
    option = before["options"][0]["name"]
    entry = {
        "handle": "notebook-a5",
        "productOptions": [{"name": option, "values": [{"name": "Lined"}, {"name": "Squared"}]}],
        "variants": [
            {"optionValues": [{"optionName": option, "name": "Lined"}], "price": "7.10"},
            {"optionValues": [{"optionName": option, "name": "Squared"}]},
        ],
        "tags": ["only"],
    }
    product = shop.payload(SET, {"input": entry, "identifier": {"handle": "notebook-a5"}})["product"]
    lined = next(one for one in before["variants"]["nodes"] if one["title"] == "Lined")
    assert product["variants"]["nodes"][0] == {
        "id": lined["id"],
        "title": "Lined",
        "sku": lined["sku"],
        "price": "7.10",
    }
    assert [one["title"] for one in product["variants"]["nodes"]] == ["Lined", "Squared"]
    after = shop.product("notebook-a5")
    assert after["tags"] == ["only"]
    assert (after["title"], after["vendor"], after["seo"]) == (before["title"], before["vendor"], before["seo"])
    kinds = {(line["target"].split("/")[3], line["effect"]["kind"]) for line in shop.lines()}
    assert ("ProductVariant", "delete") in kinds
    assert ("ProductVariant", "create") in kinds


def test_product_set_replaces_metafields_when_they_are_given(shop: Shop) -> None:
    entry = {"handle": "linen-shirt", "metafields": [{"namespace": "custom", "key": "material", "value": "Hemp"}]}
    shop.payload(SET, {"input": entry, "identifier": {"handle": "linen-shirt"}})
    assert [(one["key"], one["value"]) for one in shop.product("linen-shirt")["metafields"]["nodes"]] == [
        ("material", "Hemp")
    ]
    shop.payload(SET, {"input": {"handle": "linen-shirt", "title": "T"}, "identifier": {"handle": "linen-shirt"}})
    assert len(shop.product("linen-shirt")["metafields"]["nodes"]) == 1


def test_product_set_twice_is_one_effect(shop: Shop) -> None:
    entry = {
        "handle": "again",
        "title": "Again",
        "productOptions": sizes("S"),
        "variants": [of_size("S", price="3.00", sku="A")],
    }
    first = shop.payload(SET, {"input": entry, "identifier": {"handle": "again"}})["product"]
    lines = len(shop.lines())
    assert shop.payload(SET, {"input": entry, "identifier": {"handle": "again"}})["product"] == first
    assert len(shop.lines()) == lines


def test_product_set_upserts_by_custom_id(shop: Shop) -> None:
    custom = {"namespace": "custom", "key": "erp_id", "value": "NEW-1"}
    first = shop.payload(SET, {"input": {"title": "One"}, "identifier": {"customId": custom}})["product"]
    second = shop.payload(SET, {"input": {"title": "Two"}, "identifier": {"customId": custom}})["product"]
    assert (first["id"], second["title"]) == (second["id"], "Two")
    errors = shop.refused(SET, {"input": {"title": "x"}, "identifier": {"customId": {**custom, "key": "nothing"}}})
    assert [error["code"] for error in errors] == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("identifier", "entry", "code", "field"),
    [
        ({"handle": "sofa"}, {"id": "gid://shopify/Product/1", "handle": "sofa"}, "ID_NOT_ALLOWED", ["input"]),
        ({"id": "gid://shopify/Product/1"}, {"title": "x"}, "PRODUCT_DOES_NOT_EXIST", ["identifier", "id"]),
        ({"handle": "sofa"}, {"title": "x"}, "MISSING_FIELD_REQUIRED", ["input"]),
        ({"handle": "sofa"}, {"handle": "other"}, "INPUT_MISMATCH", ["input"]),
        (None, {"title": "x", "handle": "sofa"}, "HANDLE_NOT_UNIQUE", ["input", "handle"]),
        (None, {"title": " "}, "INVALID_INPUT", ["input", "title"]),
        (
            None,
            {"title": "x", "variants": [of_size("S")]},
            "PRODUCT_OPTIONS_INPUT_MISSING",
            ["input", "productOptions"],
        ),
        (
            {"handle": "sofa"},
            {"handle": "sofa", "productOptions": sizes("S")},
            "VARIANTS_INPUT_MISSING",
            ["input", "variants"],
        ),
        (
            None,
            {"title": "x", "productOptions": sizes("S", "S"), "variants": [of_size("S")]},
            "DUPLICATED_OPTION_VALUE",
            ["input", "productOptions", "0", "values"],
        ),
        (
            None,
            {"title": "x", "productOptions": sizes("S"), "variants": [of_size("M")]},
            "OPTION_VALUE_DOES_NOT_EXIST",
            ["input", "variants", "0", "optionValues", "0"],
        ),
        (
            None,
            {"title": "x", "productOptions": sizes("S"), "variants": [of_size("S"), of_size("S")]},
            "INVALID_VARIANT",
            ["input", "variants", "1"],
        ),
        (
            None,
            {
                "title": "x",
                "productOptions": sizes("S"),
                "variants": [of_size("S", id="gid://shopify/ProductVariant/1")],
            },
            "PRODUCT_VARIANT_DOES_NOT_EXIST",
            ["input", "variants", "0", "id"],
        ),
        (
            None,
            {
                "title": "x",
                "productOptions": [{"name": f"o{n}", "values": [{"name": "v"}]} for n in range(4)],
                "variants": [of_size("S")],
            },
            "OPTIONS_OVER_LIMIT",
            ["input", "productOptions"],
        ),
    ],
)
def test_product_set_codes(shop: Shop, identifier: Any, entry: dict[str, Any], code: str, field: list[str]) -> None:
    (error,) = shop.refused(SET, {"input": entry, "identifier": identifier})
    assert (error["code"], error["field"]) == (code, field)


def test_product_set_says_which_variant_is_there_already(shop: Shop) -> None:
    entry = {"title": "x", "productOptions": sizes("S"), "variants": [of_size("S"), of_size("S")]}
    (error,) = shop.refused(SET, {"input": entry})
    assert error["message"] == "The variant 'S' already exists. Please change at least one option value."


def test_asynchronous_product_set_is_polled(shop: Shop) -> None:
    text = (
        "mutation ($input: ProductSetInput!) { productSet(input: $input, synchronous: false) { product { id } productSetOperation { id status } "
        "userErrors { message } } }"
    )
    poll = "query ($id: ID!) { productOperation(id: $id) { status product { handle } ... on ProductSetOperation { userErrors { code } } } }"
    found = shop.payload(text, {"input": {"title": "Later"}})
    assert found["product"] is None
    operation = found["productSetOperation"]
    assert operation["status"] == "CREATED"
    assert shop.data(poll, {"id": operation["id"]})["productOperation"]["status"] == "ACTIVE"
    assert shop.lines() == []
    shop.sandbox.world.clock.advance(5)
    done = shop.data(poll, {"id": operation["id"]})["productOperation"]
    assert done == {"status": "COMPLETE", "product": {"handle": "later"}, "userErrors": []}
    refused = shop.payload(text, {"input": {"title": ""}})["productSetOperation"]
    shop.sandbox.world.clock.advance(5)
    done = shop.data(poll, {"id": refused["id"]})["productOperation"]
    assert (done["status"], done["product"], done["userErrors"]) == ("COMPLETE", None, [{"code": "INVALID_INPUT"}])


# -- metafields --------------------------------------------------------------------------------------------------------


def test_metafields_in_the_apps_own_namespace(shop: Shop) -> None:
    product = shop.product("sofa")["id"]
    entries = [
        {"ownerId": product, "key": "state", "type": "json", "value": '{"a":1}'},
        {"ownerId": product, "namespace": "$app:sync", "key": "hash", "type": "single_line_text_field", "value": "00"},
    ]
    first, second = shop.payload(METAFIELDS, {"metafields": entries})["metafields"]
    assert first["namespace"].startswith("app--")
    assert second["namespace"] == f"{first['namespace']}--sync"
    read = 'query ($id: ID!) { product(id: $id) { a: metafield(key: "state") { jsonValue } b: metafield(namespace: "$app:sync", key: "hash") { value } } }'
    assert shop.data(read, {"id": product})["product"] == {"a": {"jsonValue": {"a": 1}}, "b": {"value": "00"}}
    other = Shop(shop.sandbox, shop.service.tokens.mint(app="another-app"))
    foreign = [{"ownerId": product, "namespace": first["namespace"], "key": "state", "type": "json", "value": "{}"}]
    assert [error["code"] for error in other.refused(METAFIELDS, {"metafields": foreign})] == ["APP_NOT_AUTHORIZED"]
    assert other.data(read, {"id": product})["product"] == {"a": None, "b": None}


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"type": None}, "BLANK", "type"),
        ({"type": "number_integer", "value": "1.5"}, "INVALID_VALUE", "value"),
        ({"type": "boolean", "value": "yes"}, "INVALID_VALUE", "value"),
        ({"type": "json", "value": "{"}, "INVALID_VALUE", "value"),
        ({"type": "date", "value": "3.4.2026"}, "INVALID_VALUE", "value"),
        ({"type": "list.single_line_text_field", "value": "a,b"}, "INVALID_VALUE", "value"),
        ({"type": "colour"}, "INVALID_TYPE", "type"),
        ({"value": ""}, "BLANK", "value"),
        ({"key": "x"}, "TOO_SHORT", "key"),
        ({"namespace": "n" * 256}, "TOO_LONG", "namespace"),
        ({"ownerId": "gid://shopify/Product/1"}, "INVALID_VALUE", "ownerId"),
        ({"compareDigest": "0" * 64}, "STALE_OBJECT", None),
        ({"compareDigest": "xyz"}, "INVALID_COMPARE_DIGEST", "compareDigest"),
    ],
)
def test_metafields_set_codes_and_atomicity(shop: Shop, change: dict[str, Any], code: str, field: str | None) -> None:
    good = {
        "ownerId": shop.product("sofa")["id"],
        "namespace": "custom",
        "key": "note",
        "type": "single_line_text_field",
        "value": "v",
    }
    errors = shop.refused(METAFIELDS, {"metafields": [good, {**good, "key": "other", **change}]})
    assert [(error["code"], error["field"]) for error in errors] == [
        (code, ["metafields", "1", *([field] if field else [])])
    ]


def test_compare_digest_guards_a_metafield(shop: Shop) -> None:
    entry = {
        "ownerId": shop.product("sofa")["id"],
        "namespace": "custom",
        "key": "note",
        "type": "single_line_text_field",
        "value": "1",
    }
    first = shop.payload(METAFIELDS, {"metafields": [{**entry, "compareDigest": None}]})["metafields"][0]
    assert [e["code"] for e in shop.refused(METAFIELDS, {"metafields": [{**entry, "compareDigest": None}]})] == [
        "STALE_OBJECT"
    ]
    second = shop.payload(
        METAFIELDS, {"metafields": [{**entry, "value": "2", "compareDigest": first["compareDigest"]}]}
    )["metafields"][0]
    assert second["id"] == first["id"]
    assert second["compareDigest"] != first["compareDigest"]


def test_more_than_25_metafields_are_refused(shop: Shop) -> None:
    entry = {
        "ownerId": shop.product("sofa")["id"],
        "namespace": "custom",
        "type": "single_line_text_field",
        "value": "v",
    }
    answer = shop.data(METAFIELDS, {"metafields": [{**entry, "key": f"key{n}"} for n in range(26)]})["metafieldsSet"]
    assert answer["metafields"] is None
    assert answer["userErrors"][0]["code"] == "LESS_THAN_OR_EQUAL_TO"


def test_unique_values_and_types_from_the_definition(shop: Shop) -> None:
    entry = {
        "ownerId": shop.product("sofa")["id"],
        "namespace": "custom",
        "key": "erp_id",
        "value": "ERP-000123456789012345",
    }
    assert [error["code"] for error in shop.refused(METAFIELDS, {"metafields": [entry]})] == ["TAKEN"]
    assert shop.payload(METAFIELDS, {"metafields": [{**entry, "value": "free"}]})["metafields"][0]["value"] == "free"


def test_metafields_are_deleted(shop: Shop) -> None:
    product = shop.product("linen-shirt")["id"]
    text = "mutation ($m: [MetafieldIdentifierInput!]!) { metafieldsDelete(metafields: $m) { deletedMetafields { key } userErrors { message } } }"
    wanted = [
        {"ownerId": product, "namespace": "custom", "key": "care"},
        {"ownerId": product, "namespace": "custom", "key": "nothing"},
    ]
    assert shop.payload(text, {"m": wanted})["deletedMetafields"] == [{"key": "care"}, None]
    (line,) = shop.lines()
    assert (line["effect"]["kind"], line["effect"]["key"]) == ("delete", "care")


def test_a_definition_makes_a_custom_id_possible(shop: Shop) -> None:
    text = (
        "mutation ($d: MetafieldDefinitionInput!) { metafieldDefinitionCreate(definition: $d) { createdDefinition { namespace key capabilities { uniqueValues { enabled } } } "
        "userErrors { field message code } } }"
    )
    definition = {"name": "Row", "namespace": "$app:rows", "key": "row_id", "ownerType": "PRODUCT", "type": "id"}
    made = shop.payload(text, {"d": definition})["createdDefinition"]
    assert made["capabilities"] == {"uniqueValues": {"enabled": True}}
    assert [error["code"] for error in shop.refused(text, {"d": definition})] == ["TAKEN"]
    custom = {"namespace": "$app:rows", "key": "row_id", "value": "r1"}
    first = shop.payload(SET, {"input": {"title": "Row 1"}, "identifier": {"customId": custom}})["product"]
    again = shop.payload(SET, {"input": {"title": "Row 1b"}, "identifier": {"customId": custom}})["product"]
    assert first["id"] == again["id"]


# -- limits of inputs --------------------------------------------------------------------------------------------------


def test_arrays_above_250_are_refused_whole(shop: Shop) -> None:
    product = shop.product("linen-shirt")
    entries = [{"id": product["variants"]["nodes"][0]["id"], "price": "1"}] * 251
    error = shop.error(BULK, {"id": product["id"], "variants": entries})
    assert error["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    assert error["message"] == "The input array size of 251 is greater than the maximum allowed of 250."
    assert error["path"] == ["productVariantsBulkUpdate", "variants"]
    tags = shop.error(UPDATE, {"product": {"id": product["id"], "tags": [str(n) for n in range(251)]}})
    assert tags["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    assert shop.lines() == []


def test_product_set_takes_up_to_2048_variants(shop: Shop) -> None:
    def entry(count: int) -> dict[str, Any]:
        names = [f"v{n}" for n in range(count)]
        options = [{"name": "Size", "values": [{"name": name} for name in names[:250]]}]
        return {"title": "Big", "productOptions": options, "variants": [of_size(name) for name in names]}

    found = shop.payload(SET, {"input": entry(250)})["product"]
    assert len(found["variants"]["nodes"]) == 50
    error = shop.error(SET, {"input": entry(2049)})
    assert error["message"] == "The input array size of 2049 is greater than the maximum allowed of 2048."


def test_pages_by_id_stay_in_order_whatever_the_positions(shop: Shop) -> None:
    names = ["a", "b", "c"]
    variants = [of_size(name, position=3 - place) for place, name in enumerate(names)]
    made = shop.payload(
        SET, {"input": {"title": "Back to front", "productOptions": sizes(*names), "variants": variants}}
    )["product"]
    assert [one["title"] for one in made["variants"]["nodes"]] == ["c", "b", "a"]
    candle = shop.product("candle")["id"]
    shop.service.add_variant(candle, {"Scent": "Rose"})

    def ids(one: Shop) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            query = "query ($after: String) { productVariants(first: 7, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
            page = one.data(query, {"after": after})["productVariants"]
            found += [node["id"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    first = ids(shop)
    assert first == sorted(first)
    assert len(first) == shop.data("{ productVariantsCount { count } }")["productVariantsCount"]["count"]
    with Sandbox.start("empty", latency="none") as sandbox:
        other = Shop(sandbox)
        other.service.load(shop.service.dump())
        assert ids(other) == first


def test_collections_are_joined_left_and_recorded(shop: Shop) -> None:
    found = shop.data("{ collections(first: 5, sortKey: TITLE) { nodes { id title } } }")["collections"]["nodes"]
    ids = {one["title"]: one["id"] for one in found}
    product = shop.product("linen-shirt")["id"]
    shop.payload(
        UPDATE,
        {"product": {"id": product, "collectionsToJoin": [ids["Winter"]], "collectionsToLeave": [ids["Summer"]]}},
    )
    query = "query ($id: ID!) { product(id: $id) { collections(first: 5) { nodes { title } } } }"
    assert shop.data(query, {"id": product})["product"]["collections"]["nodes"] == [{"title": "Winter"}]
    assert [line["target"] for line in shop.lines()] == [ids["Winter"], ids["Summer"]]
    shop.payload(
        SET,
        {"input": {"handle": "linen-shirt", "collections": [ids["Kitchen"]]}, "identifier": {"handle": "linen-shirt"}},
    )
    assert shop.data(query, {"id": product})["product"]["collections"]["nodes"] == [{"title": "Kitchen"}]
    errors = shop.refused(UPDATE, {"product": {"id": product, "collectionsToJoin": ["gid://shopify/Collection/1"]}})
    assert errors == [{"field": ["collectionsToJoin"], "message": "Collection does not exist"}]

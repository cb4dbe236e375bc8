"""Canonical values as Shopify's input objects."""

from __future__ import annotations

import pytest

from sheets_catalog.errors import InputError
from sheets_catalog.records import PRODUCTS, VARIANTS
from sheets_catalog.shopify import CreateProduct, NewVariant, UpdateProduct, UpdateVariants, VariantChange
from tests.shopify.examples import CREATE_PRODUCT, CREATE_VARIANTS, SET_INVENTORY, UPDATE_PRODUCT, UPDATE_VARIANTS


def sent(operation, root="", argument=None):
    arguments = operation.roots()[root].arguments
    return arguments[argument or next(iter(arguments))][1]


def test_an_update_sends_the_changed_fields_and_no_other():
    assert sent(UpdateProduct("11", {"title": "New"})) == {"id": "gid://shopify/Product/11", "title": "New"}


def test_a_product_update_clears_with_nothing_and_keeps_every_character():
    assert sent(UPDATE_PRODUCT) == {
        "id": "gid://shopify/Product/11",
        "handle": "red-shirt",
        "title": "Rotes Hemd – „schön“ 🎽",
        "descriptionHtml": "",
        "vendor": "Ångström & Söhne",
        "productType": "",
        "tags": ["blue", "Red"],
        "status": "ARCHIVED",
        "seo": {"title": "", "description": "Lang\nund zweizeilig"},
        "metafields": [{"namespace": "custom", "key": "material", "type": "single_line_text_field", "value": "Wolle"}],
    }


def test_cleared_tags_are_an_empty_list():
    assert sent(UpdateProduct("11", {"tags": None}))["tags"] == []


def test_a_cleared_metafield_is_deleted_before_the_update():
    assert list(UPDATE_PRODUCT.roots()) == ["c0", ""]
    assert sent(UPDATE_PRODUCT, "c0") == [{"ownerId": "gid://shopify/Product/11", "namespace": "custom", "key": "rank"}]


def test_a_variant_update_knows_where_shopify_keeps_each_field():
    variants = sent(UPDATE_VARIANTS, argument="variants")
    assert variants == [
        {
            "id": "gid://shopify/ProductVariant/21",
            "price": "12.50",
            "inventoryItem": {"sku": "A-1"},
            "metafields": [{"namespace": "custom", "key": "length", "type": "number_decimal", "value": "1.5"}],
        },
        {
            "id": "gid://shopify/ProductVariant/22",
            "compareAtPrice": None,
            "barcode": "",
            "taxable": False,
            "inventoryPolicy": "CONTINUE",
            "inventoryItem": {
                "cost": "3.10",
                "requiresShipping": True,
                "tracked": False,
                "measurement": {"weight": {"value": 0.3, "unit": "KILOGRAMS"}},
            },
            "optionValues": [{"optionName": "Colour", "name": "Red"}, {"optionName": "Size", "name": "XL"}],
        },
    ]
    assert sent(UPDATE_VARIANTS, argument="allowPartialUpdates") is False
    assert sent(UPDATE_VARIANTS, "c0") == [
        {"ownerId": "gid://shopify/ProductVariant/22", "namespace": "custom", "key": "length"}
    ]


def test_a_new_product_has_options_variants_stock_and_marker():
    product = sent(CREATE_PRODUCT)
    assert product["productOptions"] == [
        {"name": "Colour", "position": 1, "values": [{"name": "Red"}]},
        {"name": "Size", "position": 2, "values": [{"name": "S"}, {"name": "M"}]},
    ]
    assert product["metafields"] == [
        {"namespace": "custom", "key": "material", "type": "single_line_text_field", "value": "Cotton"},
        {"namespace": "sheets_catalog", "key": "operation", "type": "single_line_text_field", "value": "job1:op7"},
    ]
    assert "vendor" not in product
    first, second = product["variants"]
    assert first["inventoryQuantities"] == [
        {"locationId": "gid://shopify/Location/31", "name": "available", "quantity": 5},
        {"locationId": "gid://shopify/Location/32", "name": "available", "quantity": 0},
    ]
    assert first["inventoryItem"]["measurement"] == {"weight": {"value": 200.0, "unit": "GRAMS"}}
    assert "cost" not in first["inventoryItem"]
    assert second["optionValues"] == [{"optionName": "Colour", "name": "Red"}, {"optionName": "Size", "name": "M"}]
    assert "identifier" not in CREATE_PRODUCT.roots()[""].arguments


def test_a_product_without_options_gets_shopifys_own():
    product = {"handle": "mug", "title": "Mug", "status": "ACTIVE"}
    made = sent(CreateProduct("r", product, (NewVariant("v", {"price": "1.00", "sku": "MUG"}),), "m"))
    assert made["productOptions"] == [{"name": "Title", "position": 1, "values": [{"name": "Default Title"}]}]
    assert made["variants"][0]["optionValues"] == [{"optionName": "Title", "name": "Default Title"}]
    bare = sent(CreateProduct("r", product, (), "m"))
    assert "productOptions" not in bare
    assert "variants" not in bare


def test_new_variants_have_marker_and_stock():
    assert sent(CREATE_VARIANTS, argument="variants") == [
        {
            "price": "9.00",
            "barcode": "400638",
            "optionValues": [{"optionName": "Colour", "name": "Blue"}, {"optionName": "Size", "name": "S"}],
            "metafields": [
                {
                    "namespace": "sheets_catalog",
                    "key": "operation",
                    "type": "single_line_text_field",
                    "value": "job1:op9",
                }
            ],
            "inventoryQuantities": [{"locationId": "gid://shopify/Location/31", "availableQuantity": 1}],
        }
    ]


def test_inventory_always_says_what_it_changes_from():
    quantities = sent(SET_INVENTORY)["quantities"]
    assert [each["changeFromQuantity"] for each in quantities] == [4, None]
    assert SET_INVENTORY.roots()[""].key == SET_INVENTORY.key


@pytest.mark.parametrize("field", ["option1_name", "id", "unheard_of"])
def test_what_is_not_ours_to_change_is_refused(field):
    with pytest.raises(InputError, match="cannot be changed"):
        UpdateProduct("11", {field: "x"}).roots()


def test_a_value_for_an_option_without_a_name_is_refused():
    product = {"handle": "mug", "title": "Mug", "status": "ACTIVE", "option1_name": "Colour"}
    variant = NewVariant("v", {"option1": "Red", "option2": "S"})
    with pytest.raises(InputError, match="option 2 is in use, but Option2 Name is blank"):
        CreateProduct("r", product, (variant,), "m").roots()


def test_a_blank_value_of_a_named_option_is_refused():
    product = {"handle": "mug", "title": "Mug", "option1_name": "Colour", "option2_name": "Size"}
    with pytest.raises(InputError, match="no value for the option 'Size'"):
        CreateProduct("r", product, (NewVariant("v", {"option1": "Red", "sku": "A"}),), "m").roots()


def test_a_gap_between_options_is_refused():
    product = {"handle": "mug", "title": "Mug", "option1_name": "Colour", "option3_name": "Size"}
    with pytest.raises(InputError, match="option 2 is in use"):
        CreateProduct("r", product, (NewVariant("v", {"option1": "Red", "option3": "S"}),), "m").roots()


@pytest.mark.parametrize("names", [(), ("Colour",)])
def test_a_value_for_an_option_that_the_product_has_not_is_refused(names):
    change = VariantChange("21", {"option2": "S"}, {"option1": "Red", "option2": "S", "sku": "A"})
    with pytest.raises(InputError, match=f"its product has {len(names)} options"):
        UpdateVariants("11", (change,), names).roots()


def test_a_weight_without_a_unit_is_refused():
    with pytest.raises(InputError, match="without a unit"):
        UpdateVariants("11", (VariantChange("21", {"weight": "2"}, {"sku": "A"}),)).roots()


def test_every_owned_field_can_be_sent():
    """No field of the tables is forgotten when a product with a variant is made."""
    from sheets_catalog.shopify.inputs import _PRODUCT, _VARIANT, OPTIONS

    products = {field.name for field in PRODUCTS.fields if field.owned and not field.on_create_only}
    variants = {field.name for field in VARIANTS.fields if field.owned}
    assert products == set(_PRODUCT)
    assert variants == {*_VARIANT, *OPTIONS, "weight", "weight_unit"}

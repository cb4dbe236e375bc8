"""Answers as records: canonical values, nothing lost and nothing invented."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.errors import UpstreamError
from sheets_catalog.records import PRODUCTS, VARIANTS, read_cell, write_cell
from sheets_catalog.shopify import reading
from sheets_catalog.shopify.reading import View
from sheets_catalog.shopify.transport import _DECODER
from tests.shopify.test_verdicts import variant_node

METAFIELDS = [
    "Metafield: custom.material [single_line_text_field]",
    "Metafield: custom.rank [number_integer]",
    "Metafield: custom.length [number_decimal]",
    "Metafield: custom.flag [boolean]",
    "Metafield: my--app.notes [multi_line_text_field]",
    "Metafield: custom.missing [single_line_text_field]",
]


def product_node(**changes):
    node = {
        "id": "gid://shopify/Product/11",
        "handle": "red-shirt",
        "title": "Rotes Hemd",
        "descriptionHtml": "",
        "vendor": "Ångström",
        "productType": "",
        "tags": ["b", "A", "a "],
        "status": "ACTIVE",
        "updatedAt": "2026-11-22T00:00:00Z",
        "seo": {"title": None, "description": ""},
        "options": [{"name": "Size", "position": 2}, {"name": "Colour", "position": 1}],
        "metafields": {"nodes": []},
    }
    return {**node, **changes}


def decoded(node):
    """As it comes over the wire: decimals exact."""
    return _DECODER.decode(msgspec.json.encode(node))


def test_a_product_gives_every_field_of_its_table():
    record = reading.product(product_node(), View(2))
    assert list(record.values) == [field.name for field in PRODUCTS.fields]
    assert record.key == record.values["id"] == "11"
    assert record.updated_at == "2026-11-22T00:00:00Z"
    assert record.values["tags"] == "A, b"
    assert (record.values["option1_name"], record.values["option2_name"], record.values["option3_name"]) == (
        "Colour",
        "Size",
        None,
    )
    assert [name for name, value in record.values.items() if value is None] == [
        "description",
        "product_type",
        "option3_name",
        "seo_title",
        "seo_description",
    ]


def test_a_variant_gives_every_field_of_its_table():
    record = reading.variant(variant_node("21"), View(2))
    assert list(record.values) == [field.name for field in VARIANTS.fields]


@pytest.mark.parametrize(
    ("currency", "amount", "canonical"),
    [
        ("EUR", "12.5", "12.50"),
        ("JPY", "1200.0", "1200"),
        ("KWD", "1.2", "1.200"),
        ("USD", "0.00", "0.00"),
        ("USD", "1000000000000000.01", "1000000000000000.01"),
    ],
)
def test_money_has_the_decimals_of_its_currency(currency, amount, canonical):
    node = variant_node("21") | {"price": amount, "compareAtPrice": amount}
    node["inventoryItem"] |= {"unitCost": {"amount": amount}}
    values = reading.variant(node, View(reading.money_digits(currency))).values
    assert [values["price"], values["compare_at_price"], values["cost"]] == [canonical] * 3


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [(0.0, "0"), (0.3, "0.3"), (0.1 + 0.2, "0.3"), (1e-7, "0.0000001"), (12.50, "12.5"), (1000, "1000"), (1e3, "1000")],
)
def test_weights_are_exact(sent, canonical):
    node = variant_node("21")
    node["inventoryItem"]["measurement"] = {"weight": {"value": sent, "unit": "GRAMS"}}
    values = reading.variant(decoded(node), View(2)).values
    assert (values["weight"], values["weight_unit"]) == (canonical, "GRAMS")


def test_metafields_read_as_their_type_or_as_the_text_they_are():
    view = View.of(2, products=PRODUCTS.with_metafields(METAFIELDS).fields)
    nodes = [
        {"namespace": "custom", "key": "material", "type": "single_line_text_field", "value": "Wolle – „fein“"},
        {"namespace": "custom", "key": "rank", "type": "number_integer", "value": "007"},
        {"namespace": "custom", "key": "length", "type": "number_decimal", "value": "1.50"},
        {"namespace": "custom", "key": "flag", "type": "single_line_text_field", "value": "maybe"},
        {"namespace": "my--app", "key": "notes", "type": "multi_line_text_field", "value": "a\nb"},
    ]
    values = reading.product(product_node(metafields={"nodes": nodes}), view).values
    assert [values[field.name] for field in view.product_metafields] == [
        "Wolle – „fein“",
        "7",
        "1.5",
        "maybe",
        "a\nb",
        None,
    ]
    wrong = [{"namespace": "custom", "key": "rank", "type": "single_line_text_field", "value": "first"}]
    assert reading.product(product_node(metafields={"nodes": wrong}), view).values["metafields.custom.rank"] == "first"


def test_metafields_are_asked_for_by_name_and_only_when_there_are_any():
    view = View.of(2, products=PRODUCTS.with_metafields(METAFIELDS[:1]).fields)
    assert view.variables() == {
        "withProductMetafields": True,
        "productMetafields": ["custom.material"],
        "productMetafieldCount": 1,
        "withVariantMetafields": False,
        "variantMetafields": None,
        "variantMetafieldCount": 1,
    }


def test_inventory_levels_know_their_product():
    node = {
        "id": "gid://shopify/ProductVariant/21",
        "title": "Red / S",
        "sku": "A-1",
        "product": {"id": "gid://shopify/Product/11", "title": "Shirt"},
    }
    level = {
        "updatedAt": "2026-11-22T00:00:00Z",
        "location": {"id": "gid://shopify/Location/31", "name": "Zürich"},
        "quantities": [{"name": "available", "quantity": -3}],
    }
    (record,) = reading.levels(node, "gid://shopify/InventoryItem/41", {"nodes": [level]})
    assert record.key == "41/31"
    assert dict(record.values) == {
        "inventory_item_id": "41",
        "location_id": "31",
        "location": "Zürich",
        "product_title": "Shirt",
        "variant_title": "Red / S",
        "sku": "A-1",
        "variant_id": "21",
        "product_id": "11",
        "available": "-3",
    }


def test_ids():
    assert reading.digits("gid://shopify/InventoryLevel/548380009?inventory_item_id=49148385") == "548380009"
    assert reading.gid("Product", "1") == "gid://shopify/Product/1"
    for bad in ("gid://shopify/Product/", "gid://shopify/Product/１", "nonsense"):
        with pytest.raises(UpstreamError):
            reading.digits(bad)


texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(
    st.builds(
        product_node,
        title=texts,
        descriptionHtml=texts,
        tags=st.lists(texts.filter(lambda tag: "," not in tag)),
        seo=st.fixed_dictionaries({"title": st.none() | texts, "description": texts}),
    )
)
def test_a_product_survives_the_sheet(node):
    """What is read from the shop, written to cells and read back is the same: nothing would be exported."""
    record = reading.product(decoded(node), View(2))
    for field in PRODUCTS.fields:
        cell = write_cell(field.kind, record.values[field.name])
        if field.kind == "text" and str(cell).startswith("#"):
            continue  # texts that look like an error value are refused by the sheet's reader
        assert read_cell(field.kind, cell, field.reading(2)) == record.values[field.name]

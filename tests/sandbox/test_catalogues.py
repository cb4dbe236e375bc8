"""Catalogues to start a shop with, and the reader of any Shopify product CSV."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sheets_catalog.errors import InputError
from sheets_catalog.sandbox import Sandbox
from sheets_catalog.sandbox.catalogues import (
    Catalogue,
    DraftProduct,
    load_catalogue,
    read_product_csv,
    reference_catalogue,
    sample_catalogue,
)
from tests.sandbox.shop_client import Shop, available
from tests.shared_data import shared

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "Handle,Title,Body (HTML),Vendor,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Variant Barcode,Image Src,Image Position,Image Alt Text,Variant Image,Variant Weight Unit,Status"


def write(folder: Path, *lines: str, header: str = HEADER, name: str = "shop.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join((header, *lines)).encode(encoding))
    return path


def cells(**given: str) -> str:
    """One line of the header above; quoted where needed."""
    names = [name.replace(" ", "_").replace("(", "").replace(")", "").lower() for name in HEADER.split(",")]
    unknown = set(given) - set(names)
    assert not unknown, unknown
    return ",".join('"' + given.get(name, "").replace('"', '""') + '"' for name in names)


# -- the sample and the reference --------------------------------------------------------------------------------------


def test_the_sample_has_what_spreadsheets_spoil() -> None:
    sample = sample_catalogue()
    assert len(sample.products) >= 30
    assert len([place for place in sample.locations if place.active]) == 3
    skus = {variant.sku for product in sample.products for variant in product.variants}
    assert {"00123", "1E5", "3-4", "123456789012345678", "=SUM(A1)", " SKU with spaces ", None} <= skus
    titles = " ".join(product.title for product in sample.products)
    for text in ("=SUM(A1)", "חולצת", "قميص", "東京", "🎉", "  Spaces around  ", "“"):
        assert text in titles
    assert any(product.metafields for product in sample.products)
    assert any(len(product.title) == 255 for product in sample.products)
    assert {len(product.options) for product in sample.products} == {1, 2, 3}
    assert {product.status for product in sample.products} == {"ACTIVE", "DRAFT", "ARCHIVED"}
    assert Counter(skus_of(sample))["TWIN"] == 2


def skus_of(catalogue: Catalogue) -> list[str | None]:
    return [variant.sku for product in catalogue.products for variant in product.variants]


def test_the_reference_catalogue_is_2000_by_8_and_always_the_same() -> None:
    reference = reference_catalogue()
    assert len(reference.products) == 2_000
    assert {len(product.variants) for product in reference.products} == {8}
    assert len(reference.locations) == 1
    assert len(set(skus_of(reference))) == 16_000
    digest = hashlib.sha256(msgspec.json.encode(reference)).hexdigest()
    assert digest == hashlib.sha256(msgspec.json.encode(reference_catalogue())).hexdigest()
    assert reference_catalogue(10).products == reference.products[:10]
    assert reference_catalogue(10, seed=2).products != reference.products[:10]


def test_every_catalogue_fits_the_shop() -> None:
    for name in ("empty", "sample"):
        catalogue = load_catalogue(name)
        with Sandbox.start(name, latency="none") as sandbox:
            data = Shop(sandbox).data(
                "{ productsCount { count } productVariantsCount { count } locationsCount { count } }"
            )
        active = len([place for place in catalogue.locations if place.active])
        assert [one["count"] for one in data.values()] == [len(catalogue.products), catalogue.variant_count, active]


def test_planting_leaves_no_ledger_lines() -> None:
    with Sandbox.start(latency="none") as sandbox:
        assert sandbox.world.ledger.since(0) == []


def test_an_unknown_name_says_what_is_known() -> None:
    with pytest.raises(InputError, match="expected empty, sample, reference, or the path of a Shopify product CSV"):
        load_catalogue("smaple")


# -- real files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "products", "variants"), [("apparel.csv", 20, 22), ("jewelery.csv", 20, None)])
def test_real_files(name: str, products: int, variants: int | None) -> None:
    path = shared("data", "shopify-product-csvs", name)
    catalogue = read_product_csv(path)
    assert len(catalogue.products) == products
    if variants is not None:
        assert catalogue.variant_count == variants
    with Sandbox.start(str(path), latency="none") as sandbox:
        shop = Shop(sandbox)
        assert shop.data("{ productsCount { count } }")["productsCount"]["count"] == products


def test_a_real_product_with_continuation_rows() -> None:
    path = shared("data", "shopify-product-csvs", "jewelery.csv")
    with Sandbox.start(str(path), latency="none") as sandbox:
        anchor = Shop(sandbox).product("leather-anchor")
    assert (anchor["title"], anchor["vendor"]) == ("Anchor Bracelet Mens", "Company 123")
    assert anchor["tags"] == ["Anchor", "Gold", "Leather", "Silver"]
    assert [(one["title"], one["price"], one["compareAtPrice"]) for one in anchor["variants"]["nodes"]] == [
        ("Gold", "69.99", "85.00"),
        ("Silver", "55.00", "85.00"),
    ]
    assert len(anchor["media"]["nodes"]) == 3
    assert available(anchor["variants"]["nodes"][0], "Shop location") == 1


# -- what files can look like ------------------------------------------------------------------------------------------


def only(path: Path) -> DraftProduct:
    (product,) = read_product_csv(path).products
    return product


def test_values_are_kept_as_they_are(tmp_path: Path) -> None:
    line = cells(
        handle="h",
        title="  =SUM(A1) ",
        body_html='<p>a\r\nb, "c"</p>',
        option1_name="Title",
        option1_value="Default Title",
        variant_sku="00123",
        variant_barcode="1E5",
        variant_price="5",
    )
    product = only(write(tmp_path, line))
    assert (product.title, product.body) == ("  =SUM(A1) ", '<p>a\r\nb, "c"</p>')
    (variant,) = product.variants
    assert (variant.sku, variant.barcode, variant.price) == ("00123", "1E5", "5.00")


def test_variants_images_and_empty_options(tmp_path: Path) -> None:
    product = only(
        write(
            tmp_path,
            cells(
                handle="h",
                title="T",
                option1_name="Size",
                option1_value="S",
                option2_name="Color",
                variant_price="1",
                image_src="https://x/1.jpg",
                image_position="2",
                image_alt_text="one",
            ),
            cells(
                handle="h",
                option1_value="M",
                variant_price="2",
                variant_image="https://x/2.jpg",
                variant_inventory_tracker="shopify",
                variant_inventory_qty="7",
                variant_inventory_policy="continue",
            ),
            cells(handle="h", image_src="https://x/2.jpg", image_position="1"),
        )
    )
    assert product.options == ("Size",), "an option without a value is none"
    assert [one.selected for one in product.variants] == [("S",), ("M",)]
    assert [(one.url, one.alt) for one in product.images] == [("https://x/2.jpg", ""), ("https://x/1.jpg", "one")]
    second = product.variants[1]
    assert (second.image, second.tracked, second.inventory_policy, dict(second.stock)) == (
        "https://x/2.jpg",
        True,
        "CONTINUE",
        {"Shop location": 7},
    )
    assert not product.variants[0].tracked


def test_a_byte_order_mark_and_missing_columns(tmp_path: Path) -> None:
    path = tmp_path / "bom.csv"
    path.write_bytes(b"\xef\xbb\xbfTitle,Unknown\r\nOnly a title,x\r\n")
    product = only(path)
    assert (product.title, product.handle, product.options) == ("Only a title", "only-a-title", ("Title",))
    assert product.variants[0].price == "0.00"


def test_the_present_format(tmp_path: Path) -> None:
    header = "Title,URL handle,Description,Vendor,Published on online store,Status,SKU,Barcode,Option1 name,Option1 value,Price,Compare-at price,Cost per item,Charge tax,Inventory tracker,Inventory quantity,Continue selling when out of stock,Weight value (grams),Weight unit for display,Requires shipping,Product image URL,Material (product.metafields.custom.material)"
    line = 'Shirt,shirt,<p>x</p>,V,FALSE,Draft,007,0099,Size,S,10.5,12,4,FALSE,shopify,3,deny,250,g,TRUE,https://x/1.jpg,"Cotton"'
    product = only(write(tmp_path, line, header=header))
    variant = product.variants[0]
    assert (product.handle, product.status, product.published, product.body) == ("shirt", "DRAFT", False, "<p>x</p>")
    assert (variant.sku, variant.price, variant.compare_at_price, variant.cost) == ("007", "10.50", "12.00", "4.00")
    assert (variant.taxable, variant.weight, variant.weight_unit) == (False, 250.0, "GRAMS")
    assert [(one.namespace, one.key, one.value) for one in product.metafields] == [("custom", "material", "Cotton")]


def test_weights_are_converted(tmp_path: Path) -> None:
    weights = {
        unit: only(
            write(tmp_path, cells(handle="h", title="T", variant_grams="453.59237", variant_weight_unit=unit))
        ).variants[0]
        for unit in ("kg", "g", "lb", "oz")
    }
    assert {unit: (one.weight, one.weight_unit) for unit, one in weights.items()} == {
        "kg": (0.453592, "KILOGRAMS"),
        "g": (453.59237, "GRAMS"),
        "lb": (1.0, "POUNDS"),
        "oz": (16.0, "OUNCES"),
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            cells(handle="h", title="T", variant_price="12,90"),
            "shop.csv, line 2, column 'Variant Price': found '12,90', expected a number with a decimal point, such as 12.90.",
        ),
        (
            cells(handle="h", title="T", variant_price="-1"),
            "shop.csv, line 2, column 'Variant Price': found '-1', expected a number from 0 on.",
        ),
        (
            cells(handle="h", title="T", variant_inventory_qty="many"),
            "line 2, column 'Variant Inventory Qty': found 'many', expected a whole number.",
        ),
        (
            cells(handle="h", title="T", published="maybe"),
            "line 2, column 'Published': found 'maybe', expected true or false.",
        ),
        (
            cells(handle="h", title="T", status="sold"),
            "line 2, column 'Status': found 'sold', expected active, draft, archived or unlisted.",
        ),
        (
            cells(handle="h", title="T", variant_weight_unit="stone"),
            "line 2, column 'Variant Weight Unit': found 'stone', expected kg, g, lb or oz.",
        ),
        (cells(handle="h"), "line 2, column 'Title': found '', expected a title in the first row of product 'h'."),
        (
            cells(handle="h", title="T", option2_value="Red"),
            "line 2, column 'Option2 Name': found '', expected a name for the option with value 'Red'.",
        ),
    ],
)
def test_errors_name_file_line_and_column(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_product_csv(write(tmp_path, line))
    assert message in str(caught.value)
    assert caught.value.advice


def test_lines_are_counted_across_quoted_line_breaks(tmp_path: Path) -> None:
    first = cells(handle="a", title="A", body_html="one\ntwo\nthree")
    with pytest.raises(InputError, match="line 5, column 'Variant Price'"):
        read_product_csv(write(tmp_path, first, cells(handle="b", title="B", variant_price="x")))


def test_the_same_variant_twice(tmp_path: Path) -> None:
    rows = [
        cells(handle="h", title="T", option1_name="Size", option1_value="S"),
        cells(handle="h", option1_value="S", variant_price="1"),
    ]
    with pytest.raises(
        InputError,
        match=r"line 3, column 'Option1 Value': found 'S', expected option values that line 2 does not have already",
    ):
        read_product_csv(write(tmp_path, *rows))


def test_other_separators_encodings_and_quotes(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_product_csv(write(tmp_path, "h;T", header="Handle;Title"))
    assert "separated by ';'" in caught.value.advice
    with pytest.raises(InputError, match="line 2: found the byte 0xfc, which is not UTF-8"):
        read_product_csv(write(tmp_path, cells(handle="h", title="Grün"), encoding="latin-1"))
    with pytest.raises(InputError, match="this is not CSV"):
        read_product_csv(write(tmp_path, 'h,"T'))
    with pytest.raises(InputError, match="found 25 cells, expected 24"):
        read_product_csv(write(tmp_path, cells(handle="h", title="T") + ",more"))
    with pytest.raises(InputError, match="there is no product in it"):
        read_product_csv(write(tmp_path))
    (tmp_path / "empty.csv").touch()
    with pytest.raises(InputError, match="line 1: found no columns, expected 'Handle' or 'Title'"):
        read_product_csv(tmp_path / "empty.csv")
    with pytest.raises(InputError, match="expected 'Handle' or 'Title'"):
        read_product_csv(write(tmp_path, header="", name="blank.csv"))


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)


@settings(max_examples=60, deadline=None)
@given(title=TEXT.filter(lambda text: bool(text.strip())), body=TEXT, sku=TEXT, barcode=TEXT)
def test_any_text_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, title: str, body: str, sku: str, barcode: str
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    line = cells(handle="h", title=title, body_html=body, variant_sku=sku, variant_barcode=barcode)
    product = only(write(folder, line))
    variant = product.variants[0]
    assert (product.title, product.body, variant.sku or "", variant.barcode or "") == (title, body, sku, barcode)

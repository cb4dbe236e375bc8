"""One of each write, with everything in it that can be sent."""

from __future__ import annotations

from sheets_catalog.records import PRODUCTS, VARIANTS
from sheets_catalog.shopify import (
    CreateProduct,
    CreateVariants,
    DeleteProduct,
    DeleteVariants,
    LevelChange,
    NewVariant,
    Operation,
    SetInventory,
    UpdateProduct,
    UpdateVariants,
    VariantChange,
)

PRODUCT_TABLE = PRODUCTS.with_metafields(
    ["Metafield: custom.material [single_line_text_field]", "Metafield: custom.rank [number_integer]"]
)
VARIANT_TABLE = VARIANTS.with_metafields(["Metafield: custom.length [number_decimal]"])

UPDATE_PRODUCT = UpdateProduct(
    "11",
    {
        "handle": "red-shirt",
        "title": "Rotes Hemd – „schön“ 🎽",
        "description": None,
        "vendor": "Ångström & Söhne",
        "product_type": None,
        "tags": "blue, Red",
        "status": "ARCHIVED",
        "seo_title": None,
        "seo_description": "Lang\nund zweizeilig",
        "metafields.custom.material": "Wolle",
        "metafields.custom.rank": None,
    },
    PRODUCT_TABLE,
)
UPDATE_VARIANTS = UpdateVariants(
    "11",
    (
        VariantChange("21", {"price": "12.50", "sku": "A-1", "metafields.custom.length": "1.5"}),
        VariantChange(
            "22",
            {
                "option2": "XL",
                "compare_at_price": None,
                "barcode": None,
                "cost": "3.10",
                "weight": "0.3",
                "taxable": "false",
                "requires_shipping": "true",
                "tracked": "false",
                "inventory_policy": "CONTINUE",
                "metafields.custom.length": None,
            },
            {"option1": "Red", "option2": "XL", "weight": "0.3", "weight_unit": "KILOGRAMS"},
        ),
    ),
    ("Colour", "Size"),
    VARIANT_TABLE,
)
CREATE_PRODUCT = CreateProduct(
    "row-7",
    {
        "id": None,
        "handle": "new-shirt",
        "title": "New Shirt",
        "description": "<p>Fine</p>",
        "vendor": None,
        "tags": "new",
        "status": "DRAFT",
        "option1_name": "Colour",
        "option2_name": "Size",
        "option3_name": None,
        "seo_title": "Shirt",
        "metafields.custom.material": "Cotton",
        "metafields.custom.rank": None,
    },
    (
        NewVariant(
            "row-7a",
            {
                "option1": "Red",
                "option2": "S",
                "sku": "NS-1",
                "price": "10.00",
                "cost": None,
                "weight": "200",
                "weight_unit": "GRAMS",
                "taxable": "true",
                "tracked": "true",
                "requires_shipping": "true",
                "inventory_policy": "DENY",
                "metafields.custom.length": "2",
            },
            {"31": 5, "32": 0},
        ),
        NewVariant("row-7b", {"option1": "Red", "option2": "M", "sku": "NS-2", "price": "11.00"}, {"31": 7}),
    ),
    "job1:op7",
    PRODUCT_TABLE,
    VARIANT_TABLE,
)
CREATE_VARIANTS = CreateVariants(
    "11",
    (NewVariant("row-9", {"option1": "Blue", "option2": "S", "price": "9.00", "barcode": "400638"}, {"31": 1}),),
    ("Colour", "Size"),
    "job1:op9",
    VARIANT_TABLE,
)
SET_INVENTORY = SetInventory(
    (LevelChange("41", "31", 9, 4), LevelChange("42", "31", 0, None)),
    "0b0c7a52-5c43-5d7f-9d3e-6a1df7b1a001",
    reference="gid://sheets-catalog/Job/1",
)

EVERY_WRITE: tuple[Operation, ...] = (
    UPDATE_PRODUCT,
    UPDATE_VARIANTS,
    CREATE_PRODUCT,
    CREATE_VARIANTS,
    SET_INVENTORY,
    DeleteProduct("12"),
    DeleteVariants("11", ("23", "24")),
)

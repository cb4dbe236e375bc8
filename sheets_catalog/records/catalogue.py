"""The three tabs of a catalogue: products, variants and inventory levels.

Field names follow Shopify's Admin GraphQL where they can; limits are Shopify's (255 characters for short texts).
Ids are the digits of the gid, kept as text.
"""

from __future__ import annotations

from sheets_catalog.records.tables import Field, Table
from sheets_catalog.records.values import Kind

SHORT = 255
"""Most characters of title, handle, vendor, product type and the like."""

WEIGHT_UNITS = ("GRAMS", "KILOGRAMS", "OUNCES", "POUNDS")

PRODUCTS = Table(
    name="products",
    title="Products",
    noun="product",
    key=("id",),
    natural_keys=(("handle",), ("title",)),
    metafields=True,
    fields=(
        Field("id", "Product ID", Kind.ID, owned=False, aliases=("ID",)),
        Field("handle", "Handle", required=True, limit=SHORT),
        Field("title", "Title", required=True, limit=SHORT),
        Field("description", "Description", Kind.MULTILINE, aliases=("Body (HTML)", "Body HTML", "Description HTML")),
        Field("vendor", "Vendor", limit=SHORT),
        Field("product_type", "Type", limit=SHORT, aliases=("Product Type",)),
        Field("tags", "Tags", Kind.TAGS),
        Field("status", "Status", Kind.CHOICE, required=True, choices=("ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED")),
        Field("option1_name", "Option1 Name", on_create_only=True, limit=SHORT),
        Field("option2_name", "Option2 Name", on_create_only=True, limit=SHORT),
        Field("option3_name", "Option3 Name", on_create_only=True, limit=SHORT),
        Field("seo_title", "SEO Title"),
        Field("seo_description", "SEO Description", Kind.MULTILINE),
    ),
)

VARIANTS = Table(
    name="variants",
    title="Variants",
    noun="variant",
    key=("id",),
    natural_keys=(
        ("product_handle", "option1", "option2", "option3"),
        ("product_id", "option1", "option2", "option3"),
    ),
    metafields=True,
    fields=(
        Field("id", "Variant ID", Kind.ID, owned=False),
        Field("product_id", "Product ID", Kind.ID, owned=False),
        Field("product_handle", "Product Handle", owned=False, aliases=("Handle",)),
        Field("option1", "Option1 Value", limit=SHORT, aliases=("Option1",)),
        Field("option2", "Option2 Value", limit=SHORT, aliases=("Option2",)),
        Field("option3", "Option3 Value", limit=SHORT, aliases=("Option3",)),
        Field("sku", "SKU", limit=SHORT),
        Field("barcode", "Barcode", limit=SHORT),
        Field("price", "Price", Kind.MONEY, required=True),
        Field("compare_at_price", "Compare At Price", Kind.MONEY),
        Field("cost", "Cost", Kind.MONEY, aliases=("Cost per item",)),
        Field("weight", "Weight", Kind.DECIMAL),
        Field("weight_unit", "Weight Unit", Kind.CHOICE, choices=WEIGHT_UNITS),
        Field("taxable", "Taxable", Kind.BOOLEAN, required=True),
        Field("requires_shipping", "Requires Shipping", Kind.BOOLEAN, required=True),
        Field("tracked", "Track Inventory", Kind.BOOLEAN, required=True),
        Field("inventory_policy", "Inventory Policy", Kind.CHOICE, required=True, choices=("DENY", "CONTINUE")),
    ),
)

INVENTORY = Table(
    name="inventory",
    title="Inventory",
    noun="inventory level",
    key=("inventory_item_id", "location_id"),
    fields=(
        Field("inventory_item_id", "Inventory Item ID", Kind.ID, owned=False),
        Field("location_id", "Location ID", Kind.ID, owned=False),
        Field("location", "Location", owned=False),
        Field("product_title", "Product", owned=False),
        Field("variant_title", "Variant", owned=False),
        Field("sku", "SKU", owned=False),
        Field("variant_id", "Variant ID", Kind.ID, owned=False),
        Field("product_id", "Product ID", Kind.ID, owned=False),
        Field("available", "Available", Kind.INTEGER, required=True),
    ),
)

TABLES = {table.name: table for table in (PRODUCTS, VARIANTS, INVENTORY)}
"""In order of dependency."""

"""Reads any Shopify product CSV, of the present format and of the one before 2025.

Before: "Handle", "Body (HTML)", "Variant SKU"; at present: "URL handle", "Description", "SKU".

Rows of one handle make one product. The first carries the product's own fields; a further row is another variant when
it has an option value, and another image when it has an image. Columns that are not known are left alone, columns that
are missing have Shopify's defaults; only the handle (or title) is needed. Every error names file, line and column.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from sheets_catalog.errors import InputError
from sheets_catalog.sandbox.catalogues.draft import (
    DEFAULT_OPTION,
    DEFAULT_VALUE,
    Catalogue,
    DraftImage,
    DraftLocation,
    DraftMetafield,
    DraftProduct,
    DraftVariant,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LOCATION: Final = "Shop location"

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "body": ("Body (HTML)", "Body HTML", "Description"),
    "vendor": ("Vendor",),
    "type": ("Type", "Custom Product Type"),
    "tags": ("Tags",),
    "published": ("Published", "Published on online store"),
    "status": ("Status",),
    "category": ("Product Category", "Standard Product Type"),
    "option1_name": ("Option1 Name",),
    "option2_name": ("Option2 Name",),
    "option3_name": ("Option3 Name",),
    "option1": ("Option1 Value",),
    "option2": ("Option2 Value",),
    "option3": ("Option3 Value",),
    "sku": ("Variant SKU", "SKU"),
    "grams": ("Variant Grams", "Weight value (grams)"),
    "weight_unit": ("Variant Weight Unit", "Weight unit for display"),
    "tracker": ("Variant Inventory Tracker", "Inventory tracker"),
    "quantity": ("Variant Inventory Qty", "Inventory quantity"),
    "policy": ("Variant Inventory Policy", "Continue selling when out of stock"),
    "price": ("Variant Price", "Price"),
    "compare_at": ("Variant Compare At Price", "Compare-at price"),
    "cost": ("Cost per item",),
    "shipping": ("Variant Requires Shipping", "Requires shipping"),
    "taxable": ("Variant Taxable", "Charge tax"),
    "tax_code": ("Variant Tax Code", "Tax code"),
    "barcode": ("Variant Barcode", "Barcode"),
    "image": ("Image Src", "Product image URL"),
    "image_position": ("Image Position",),
    "image_alt": ("Image Alt Text",),
    "variant_image": ("Variant Image", "Variant image URL"),
    "gift_card": ("Gift Card",),
    "seo_title": ("SEO Title",),
    "seo_description": ("SEO Description",),
}
"""What a column is called, in both formats; upper and lower case do not matter."""

METAFIELD: Final = re.compile(r"\(product\.metafields\.([\w$:-]+)\.([\w-]+)\)\s*$")
UNITS: Final = {
    "kg": ("KILOGRAMS", 1000.0),
    "g": ("GRAMS", 1.0),
    "lb": ("POUNDS", 453.59237),
    "oz": ("OUNCES", 28.349523125),
}
YES: Final = frozenset({"true", "yes", "1", "continue"})
NO: Final = frozenset({"false", "no", "0", "", "deny"})


@dataclass(frozen=True)
class Row:
    """One line of the file: its cells by our names, and where it is for error messages."""

    file: str
    line: int
    cells: Mapping[str, str]
    headers: Mapping[str, str]
    metafields: tuple[DraftMetafield, ...]

    def text(self, name: str) -> str:
        """The cell as it is (empty when the column is missing)."""
        return self.cells.get(name, "")

    def word(self, name: str) -> str:
        """The cell trimmed."""
        return self.text(name).strip()

    def error(self, name: str, found: str, expected: str) -> InputError:
        """The error for a cell."""
        column = self.headers.get(name, COLUMNS[name][0])
        return InputError(
            f"{self.file}, line {self.line}, column {column!r}: found {found!r}, expected {expected}.",
            advice="Mend this cell and start again.",
        )

    def money(self, name: str) -> str | None:
        """A price with two places; None for an empty cell."""
        text = self.word(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise self.error(name, text, "a number with a decimal point, such as 12.90") from None
        if not value.is_finite() or value < 0:
            raise self.error(name, text, "a number from 0 on")
        return f"{value:.2f}"

    def whole(self, name: str) -> int:
        """A whole number; 0 for an empty cell."""
        text = self.word(name)
        if not text:
            return 0
        if not re.fullmatch(r"-?\d+(\.0+)?", text):
            raise self.error(name, text, "a whole number")
        return int(text.split(".", 1)[0])

    def yes(self, name: str, *, default: bool) -> bool:
        """A truth value; the default for an empty cell or a missing column."""
        text = self.word(name).casefold()
        if not text:
            return default
        if text not in YES | NO:
            raise self.error(name, self.text(name), "true or false")
        return text in YES


def read_product_csv(path: Path) -> Catalogue:
    """The catalogue in a file; InputError with file, line and column for what cannot be read."""
    rows = list(_rows(path))
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.word("handle"), []).append(row)
    products = tuple(_product(group) for group in groups.values())
    if not products:
        raise InputError(f"{path.name}: there is no product in it.", advice="Give a file with at least one row.")
    return Catalogue(path.stem, products, (DraftLocation(LOCATION),))


def _rows(path: Path) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        names = _names(path, header)
        previous = ""
        line = reader.line_num + 1
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
                raise InputError(
                    f"{path.name}, line {start}: found {len(cells)} cells, expected {len(header)} as in the header.",
                    advice="Look for a comma in a text that is not in quotes.",
                )
            row = _row(path, start, header, names, cells)
            previous = row.word("handle") or previous
            yield _with_handle(row, previous)
    except csv.Error as error:
        message = f"{path.name}, line {reader.line_num}: this is not CSV: {error}."
        raise InputError(message, advice="Look for a quote that is not closed.") from error


def _text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path.name}, line {line}: found the byte 0x{data[error.start]:02x}, which is not UTF-8.",
            advice="Save the file as CSV in UTF-8.",
        ) from error


def _names(path: Path, header: Sequence[str]) -> dict[int, str]:
    """Our name for each column by its place."""
    known = {title.casefold(): name for name, titles in COLUMNS.items() for title in titles}
    names: dict[int, str] = {}
    for place, title in enumerate(header):
        name = known.get(title.strip().casefold())
        if name and name not in names.values():
            names[place] = name
    if not {"handle", "title"} & set(names.values()):
        found = ", ".join(header[:5])
        separator = ";" if ";" in found else "\\t" if "\t" in found else ""
        advice = f"Columns seem to be separated by {separator!r}; Shopify uses commas." if separator else ""
        columns = f"the columns {found!r}" if found else "no columns"
        message = f"{path.name}, line 1: found {columns}, expected 'Handle' or 'Title' among them."
        raise InputError(message, advice=advice or "Export the products from Shopify again.")
    return names


def _row(path: Path, line: int, header: Sequence[str], names: Mapping[int, str], cells: Sequence[str]) -> Row:
    found = {name: cells[place] for place, name in names.items() if place < len(cells)}
    titles = {name: header[place] for place, name in names.items()}
    fields: list[DraftMetafield] = []
    for place, title in enumerate(header):
        match = METAFIELD.search(title)
        if match and place < len(cells) and cells[place]:
            kind = "multi_line_text_field" if "\n" in cells[place] else "single_line_text_field"
            fields.append(DraftMetafield(match.group(1), match.group(2), kind, cells[place]))
    return Row(path.name, line, found, titles, tuple(fields))


def _with_handle(row: Row, previous: str) -> Row:
    """Rows without a handle belong to the product above, unless they start one with a title."""
    if row.word("handle"):
        return row
    if row.word("title"):
        return replace(row, cells={**row.cells, "handle": _handle(row.word("title"))})
    if not previous:
        raise row.error("handle", "", "the handle of a product")
    return replace(row, cells={**row.cells, "handle": previous})


def _handle(title: str) -> str:
    return "-".join(re.findall(r"\w+", title.casefold()))


def _product(rows: Sequence[Row]) -> DraftProduct:
    first = rows[0]
    if not first.word("title"):
        raise first.error("title", "", f"a title in the first row of product {first.word('handle')!r}")
    status = (first.word("status") or "active").upper()
    if status not in {"ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"}:
        raise first.error("status", first.text("status"), "active, draft, archived or unlisted")
    options = _options(rows)
    variant_rows = [row for place, row in enumerate(rows) if _is_variant(row, place)]
    variants = tuple(_variant(row, options) for row in variant_rows)
    _unique(variant_rows, variants)
    return DraftProduct(
        title=first.text("title"),
        handle=first.word("handle"),
        body=first.text("body"),
        vendor=first.text("vendor"),
        product_type=first.text("type"),
        tags=tuple(tag.strip() for tag in first.text("tags").split(",") if tag.strip()),
        status=status,
        published=first.yes("published", default=True),
        options=options,
        variants=variants,
        images=_images(rows),
        seo_title=first.text("seo_title") or None,
        seo_description=first.text("seo_description") or None,
        gift_card=first.yes("gift_card", default=False),
        metafields=first.metafields,
    )


def _options(rows: Sequence[Row]) -> tuple[str, ...]:
    """Names of the options: those named, or used in any row."""
    names: list[str] = []
    for number in (1, 2, 3):
        name = next((row.word(f"option{number}_name") for row in rows if row.word(f"option{number}_name")), "")
        used = next((row for row in rows if row.word(f"option{number}")), None)
        if name and used is None:
            continue  # named in the header row of the product, but no variant has a value: Shopify drops it
        if used is not None and not name:
            if number > 1:
                raise used.error(
                    f"option{number}_name", "", f"a name for the option with value {used.word(f'option{number}')!r}"
                )
            name = DEFAULT_OPTION
        if name:
            names.append(name)
    return tuple(names) or (DEFAULT_OPTION,)


def _is_variant(row: Row, place: int) -> bool:
    return place == 0 or any(row.word(name) for name in ("option1", "option2", "option3", "sku", "price"))


def _variant(row: Row, options: Sequence[str]) -> DraftVariant:
    unit, grams = UNITS.get((row.word("weight_unit") or "kg").casefold(), ("", 1.0))
    if not unit:
        raise row.error("weight_unit", row.text("weight_unit"), "kg, g, lb or oz")
    tracked = "tracker" in row.cells and row.word("tracker").casefold() == "shopify"
    return DraftVariant(
        selected=_selected(row, options),
        sku=row.text("sku") or None,
        barcode=row.text("barcode") or None,
        price=row.money("price") or "0.00",
        compare_at_price=row.money("compare_at"),
        cost=row.money("cost"),
        stock={LOCATION: row.whole("quantity")},
        tracked=tracked,
        inventory_policy="CONTINUE" if row.yes("policy", default=False) else "DENY",
        taxable=row.yes("taxable", default=True),
        tax_code=row.text("tax_code") or None,
        requires_shipping=row.yes("shipping", default=True),
        weight=round(_grams(row) / grams, 6),
        weight_unit=unit,
        image=row.word("variant_image"),
    )


def _grams(row: Row) -> float:
    text = row.word("grams")
    try:
        value = float(text or 0)
    except ValueError:
        raise row.error("grams", text, "a weight in grams, such as 250") from None
    if value < 0:
        raise row.error("grams", text, "a weight from 0 on")
    return value


def _selected(row: Row, options: Sequence[str]) -> tuple[str, ...]:
    values = [row.word(f"option{number}") for number in (1, 2, 3)]
    if options == (DEFAULT_OPTION,) and not values[0]:
        return (DEFAULT_VALUE,)
    chosen = tuple(values[: len(options)])
    for number, (name, value) in enumerate(zip(options, chosen, strict=True), 1):
        if not value:
            raise row.error(f"option{number}", "", f"a value for the option {name!r}")
    return chosen


def _unique(rows: Sequence[Row], variants: Sequence[DraftVariant]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for row, variant in zip(rows, variants, strict=True):
        if variant.selected in seen:
            other = seen[variant.selected]
            values = " / ".join(variant.selected)
            raise row.error("option1", values, f"option values that line {other} does not have already")
        seen[variant.selected] = row.line


def _images(rows: Sequence[Row]) -> tuple[DraftImage, ...]:
    """Images in the order of their positions; an address counts once."""
    found: dict[str, tuple[int, DraftImage]] = {}
    for row in rows:
        url = row.word("image")
        if url and url not in found:
            position = row.whole("image_position") or len(found) + 1
            found[url] = (position, DraftImage(url, row.text("image_alt")))
    for row in rows:
        url = row.word("variant_image")
        if url and url not in found:
            found[url] = (10_000 + len(found), DraftImage(url))
    return tuple(image for _, image in sorted(found.values(), key=lambda pair: pair[0]))

"""What Anna and the merchant change in the story, chosen from whatever catalogue there is."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sheets_catalog.records.values import money, tags_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sheets_catalog.cli.demo.people import Control, Person

PRICES, TITLES, STOCK = 6, 3, 4
"""How many of each are edited, if the catalogue has so many."""

NEW_HANDLE = "sheets-catalog-demo-rain-jacket"
NEW_TAG = "checked by Anna"
VENDOR = "Merchant & Sons"

Spot = tuple[str, str, str]
"""Table, record key, field."""


@dataclass(slots=True)
class Edits:
    """What was really edited, and so what a plan has to show. `creates`: (table, what names it)."""

    fields: dict[Spot, str] = field(default_factory=dict)
    creates: list[tuple[str, str]] = field(default_factory=list)
    conflict: Spot | None = None
    merged: tuple[Spot, str] | None = None
    told: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def edit_sheet(anna: Person, digits: int) -> Edits:
    """Anna's afternoon: prices, titles, tags, stock, a new variant, a new product, notes of her own, and a sort."""
    anna.look()
    done = Edits()
    anna.keep_notes("products", ["ask supplier", "=LEN(B3)", "ok"][: len(anna.tabs["products"].rows())])
    anna.tabs["products"].sort("Title")
    anna.look()
    done.told.append("sorts the products by title and keeps notes and a formula in a column of her own")
    _prices(anna, done, digits)
    _titles(anna, done)
    _tags(anna, done)
    _stock(anna, done)
    _new_variant(anna, done, digits)
    _new_product(anna, done, digits)
    anna.look()
    return done


def edit_more(anna: Person, digits: int) -> str:
    """A few more edits, for whoever wants to plan and apply on their own; what they are."""
    anna.look()
    done = Edits()
    _prices(anna, done, digits)
    _stock(anna, done)
    return " and ".join(done.told)


def _prices(anna: Person, done: Edits, digits: int) -> None:
    """Raise the prices of variants of different products."""
    cells: dict[tuple[int, str], object] = {}
    products: set[str] = set()
    for number, row in anna.tabs["variants"].rows():
        if len(cells) < PRICES and str(row["Product ID"]) not in products:
            products.add(str(row["Product ID"]))
            after = money(Decimal(str(row["Price"])) + (Decimal("1.25") if digits else 125), digits)
            cells[number, "Price"] = after
            done.fields["variants", str(row["Variant ID"]), "price"] = after
    anna.tabs["variants"].type_in(cells)
    done.told.append(f"raises {len(cells)} prices")


def _titles(anna: Person, done: Edits) -> None:
    """Rename products; the last of them is the one that the merchant renames as well."""
    cells: dict[tuple[int, str], object] = {}
    for number, row in anna.tabs["products"].rows()[:TITLES]:
        after = f"{row['Title']} – new season"
        cells[number, "Title"] = after
        done.fields["products", str(row["Product ID"]), "title"] = after
    anna.tabs["products"].type_in(cells)
    done.told.append(f"renames {len(cells)} products")


def _tags(anna: Person, done: Edits) -> None:
    """Add a tag to the last product."""
    number, row = anna.tabs["products"].rows()[-1]
    tags = [str(row["Tags"]), NEW_TAG] if row["Tags"] != "" else [NEW_TAG]
    anna.tabs["products"].type_in({(number, "Tags"): ", ".join(tags)})
    done.fields["products", str(row["Product ID"]), "tags"] = tags_text(", ".join(tags).split(",")) or ""
    done.told.append("adds a tag")


def _stock(anna: Person, done: Edits) -> None:
    """Count stock anew."""
    cells: dict[tuple[int, str], object] = {}
    for number, row in anna.tabs["inventory"].rows()[:STOCK]:
        after = int(row["Available"]) + 7
        cells[number, "Available"] = after
        key = f"{row['Inventory Item ID']}/{row['Location ID']}"
        done.fields["inventory", key, "available"] = str(after)
    if cells:
        anna.tabs["inventory"].type_in(cells)
        done.told.append(f"corrects {len(cells)} stock levels")
    else:
        done.left_out.append("stock: the shop keeps none")


def _new_variant(anna: Person, done: Edits, digits: int) -> None:
    """Add a size to a product that has options."""
    with_options = {
        str(row["Product ID"]): row
        for _, row in anna.tabs["products"].rows()
        if row["Option1 Name"] not in {"", "Title"}
    }
    sibling = next((row for _, row in anna.tabs["variants"].rows() if str(row["Product ID"]) in with_options), None)
    if sibling is None:
        done.left_out.append("a new variant: no product has options")
        return
    row = _variant(sibling, digits) | {
        "Product Handle": sibling["Product Handle"],
        "Option1 Value": "Demo XXXL",
        "Option2 Value": sibling["Option2 Value"],
        "Option3 Value": sibling["Option3 Value"],
        "SKU": "DEMO-XXXL",
    }
    anna.tabs["variants"].add([row])
    done.creates.append(("variants", str(row["SKU"])))
    done.told.append(f"adds a variant to “{sibling['Product Handle']}”")


def _new_product(anna: Person, done: Edits, digits: int) -> None:
    """Add a product in two sizes; she types no ids."""
    product: dict[str, str | float] = {
        "Handle": NEW_HANDLE,
        "Title": "Rain jacket ☂ “Étretat”",
        "Description": "<p>Keeps you dry.</p>",
        "Vendor": "Anna's workshop",
        "Tags": "rain, new",
        "Status": "DRAFT",
        "Option1 Name": "Size",
    }
    variants = [
        _variant({}, digits) | {"Product Handle": NEW_HANDLE, "Option1 Value": size, "SKU": f"RAIN-{size}"}
        for size in ("S", "M")
    ]
    anna.tabs["products"].add([product])
    anna.tabs["variants"].add(variants)
    done.creates.append(("products", NEW_HANDLE))
    done.creates += [("variants", str(row["SKU"])) for row in variants]
    done.told.append("adds a product in two sizes")


def _variant(sibling: Mapping[str, Any], digits: int) -> dict[str, str | float]:
    return {
        "Price": sibling.get("Price") or ("89.90" if digits else "8990"),
        "Taxable": True,
        "Requires Shipping": True,
        "Track Inventory": True,
        "Inventory Policy": "DENY",
    }


def edit_shop(control: Control, done: Edits) -> list[str]:
    """The merchant's evening: another field of a product that Anna renamed, and the very title she changed."""
    renamed = [spot for spot in done.fields if spot[0] == "products" and spot[2] == "title"]
    told = []
    merged, contested = renamed[0], renamed[-1]
    control.merchant("edit_product", product=int(merged[1]), vendor=VENDOR)
    done.merged = (("products", merged[1], "vendor"), VENDOR)
    told.append("changes the vendor of a product that Anna renamed: both edits can live")
    if contested != merged:
        control.merchant("edit_product", product=int(contested[1]), title="Title chosen by the merchant")
        done.conflict = contested
        told.append("renames a product that Anna renamed too: that is a conflict")
    else:
        done.left_out.append("a conflict: there is only one product")
    return told

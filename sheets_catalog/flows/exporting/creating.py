"""New rows: rows without an id become products and variants of the shop. Pure.

A product is found again by its handle and a variant by its product and options, so both have to be unique: that is what
makes a create safe to resume.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sheets_catalog.changes.plan import Change, FieldChange, Finding
from sheets_catalog.flows.exporting.comparing import Compared, label_of
from sheets_catalog.flows.tabs import KeyIndex, double_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sheets_catalog.flows.tabs import Layout, Row
    from sheets_catalog.records import Table, Value

OPTIONS = ("option1", "option2", "option3")

NEW = "new:"
"""Begins the group of a product that is not in the shop yet; its handle follows."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is already there: ids of products by handle, in the sheet or in the shop.

    The id is empty where rows of several products have the handle.
    """

    in_sheet: Mapping[str, str]
    in_shop: Mapping[str, str]


def handle_from(title: str) -> str:
    """A handle for a title, as shops make them: letters and digits joined with hyphens."""
    text = unicodedata.normalize("NFKD", title).casefold()
    text = "".join(char for char in text if not unicodedata.combining(char))
    return re.sub(r"[^\w]+", "-", text).replace("_", "-").strip("-")[:255]


def new_products(layout: Layout, rows: Iterable[Row], known: Known, out: Compared) -> Mapping[str, bool]:
    """Plan the products to create; the handles of all these rows, and whether a product is made of it."""
    handles: dict[str, bool] = {}
    for row in rows:
        handle = handle_of(row)
        findings = list(_product_findings(layout.table, row, handle, known, handles))
        out.findings.extend(findings)
        if any(finding.severity == "error" for finding in findings):
            out.settle(rejected=1)
            handles.setdefault(handle, False)
            continue
        handles[handle] = True
        out.changes.append(_create(layout, row, NEW + handle, {"handle": handle}))
    return handles


def not_made(strangers: Iterable[tuple[str, ...]], known: Known) -> Mapping[str, bool]:
    """Handles of rows without id, refused and hidden ones too: as `new_products` tells of those it makes nothing of.

    `strangers`: natural keys of these rows, and of rows with an id, which are known.
    """
    return {name: False for kind, name, *_ in strangers if kind == "handle" and name not in known.in_sheet}


def handle_of(row: Row) -> str:
    """The handle a new product will have."""
    return row.values.get("handle") or handle_from(row.values.get("title") or "")


def names_of(table: Table, row: Row) -> list[tuple[str, ...]]:
    """All natural keys of a row: a new product is called by the handle it will have, whether or not one is typed."""
    return table.natural_keys_of(row.values if row.key else {**row.values, "handle": handle_of(row)})


def new_variants(layout: Layout, rows: Iterable[Row], known: Known, handles: Mapping[str, bool], out: Compared) -> None:
    """Plan the variants to create, under products that exist or are created in the same plan.

    `handles`: as `new_products` told them. Rows that mean the same variant are refused: once one of them is made, the
    others would be taken for it.
    """
    found = [(row, *_product_of(row, known, handles)) for row in rows]
    same = KeyIndex()
    for row, _, group in found:
        if group:
            same.add((group.removeprefix(NEW), *options_of(row.values)), row.number)
    doubles = {each.row: each for each in double_keys(layout.table, same.doubles(), "name")}
    for row, product, group in found:
        double = doubles.get(row.number)
        findings = [double] if double else list(_variant_findings(layout.table, row, group))
        out.findings.extend(findings)
        if any(finding.severity == "error" for finding in findings):
            out.settle(rejected=1)
        else:
            handle = row.values.get("product_handle") or ""
            out.changes.append(_create(layout, row, group, {"product_id": product, "product_handle": handle}))


def _product_of(row: Row, known: Known, handles: Mapping[str, bool]) -> tuple[str, str]:
    """The id of the product that a new variant belongs to, and its group; empty where there is none.

    One that is named as a new product that is refused is not meant for a product that has this handle already.
    """
    handle = row.values.get("product_handle") or ""
    named = (known.in_sheet.get(handle) or known.in_shop.get(handle) or "") if handle not in handles else ""
    product = row.values.get("product_id") or named
    return product, product or (NEW + handle if handles.get(handle) else "")


def options_of(values: Mapping[str, Value]) -> tuple[str, ...]:
    """A variant's option values, by which a product tells its variants apart. The shop trims them."""
    return tuple((values.get(name) or "").strip() for name in OPTIONS)


def unnamed_options(products: Layout, variants: Layout, out: Compared) -> None:
    """Refuse new products whose variants have option values but whose options have no names."""
    fields = {
        change.group: {each.field for each in change.fields} for change in out.changes if change.table == "products"
    }
    used: dict[str, set[str]] = {}
    for change in out.changes:
        if change.table == "variants":
            used.setdefault(change.group, set()).update(each.field for each in change.fields if each.field in OPTIONS)
    for group, names in fields.items():
        missing = sorted(option for option in used.get(group, ()) if f"{option}_name" not in names)
        if missing:
            _refuse_group(products, variants, group, missing, out)


def incomplete_products(
    products: Layout, variants: Mapping[tuple[str, ...], int], out: Compared, *, apart: bool = False
) -> None:
    """Refuse new products of which a variant is not sent: alone, a product would go live without variant and price.

    `variants`: the natural keys of all new rows in their tab, refused and hidden ones too, with row numbers. `apart`:
    the plan is not about that tab.
    """
    why = "are not part of this plan" if apart else "cannot be sent"
    advice = "Plan the tabs Products and Variants together." if apart else "Mend these rows, then plan again."
    planned = {change.row for change in out.changes if change.table == "variants"}
    missing: dict[str, list[int]] = {}
    for (kind, name, *_), row in variants.items():
        if kind == "product_handle" and row not in planned:
            missing.setdefault(NEW + name, []).append(row)
    for change in [each for each in out.changes if each.table == "products" and each.group in missing]:
        rows = ", ".join(map(str, sorted(missing[change.group])))
        _withdraw(change.group, out)
        out.findings.append(
            Finding(
                "error",
                "variant_refused",
                products.table.title,
                change.row,
                products.table.by_name["handle"].header,
                change.context["handle"],
                f"Variants of this new product {why} (Variants, row {rows}); it is not made without them.",
                advice,
            )
        )


def _withdraw(group: str, out: Compared) -> list[Change]:
    """Reject a new product with all its variants; returns their changes, which are not sent."""
    gone = [each for each in out.changes if each.group == group]
    out.changes = [each for each in out.changes if each.group != group]
    out.settle(rejected=len(gone))
    return gone


def without_variants(products: Layout, out: Compared) -> None:
    """Warn of new products that no row of a variant belongs to: the shop gives each one variant, priced at nothing."""
    with_variants = {change.group for change in out.changes if change.table == "variants"}
    for change in out.changes:
        if change.table == "products" and change.group not in with_variants:
            out.findings.append(
                Finding(
                    "warning",
                    "no_variant",
                    products.table.title,
                    change.row,
                    products.table.by_name["handle"].header,
                    change.context["handle"],
                    "This new product has no row in the tab Variants: the shop makes it one variant at the price 0.",
                    "Type its handle and a price into a new row of Variants, and plan both tabs together.",
                )
            )


def valueless_options(products: Layout, out: Compared) -> None:
    """Refuse new products with a named option for which none of their new variants has a value: the shop would."""
    used = {(change.group, each.field) for change in out.changes for each in change.fields}
    for change in [change for change in out.changes if change.table == "products"]:
        for name in (f"{option}_name" for option in OPTIONS):
            option = name.removesuffix("_name")
            if (change.group, name) in used and (change.group, option) not in used:
                _refuse_valueless(products, change, name, out)
                break


def _refuse_valueless(products: Layout, change: Change, name: str, out: Compared) -> None:
    _withdraw(change.group, out)
    header = products.table.by_name[name].header
    out.findings.append(
        Finding(
            "error",
            "required",
            products.table.title,
            change.row,
            header,
            next(each.after or "" for each in change.fields if each.field == name),
            "This new product has the option, but no new variant with a value for it.",
            "Add its variants in the tab Variants (by handle) and plan both tabs together, or clear the option's name.",
        )
    )


def _refuse_group(products: Layout, variants: Layout, group: str, missing: list[str], out: Compared) -> None:
    gone = _withdraw(group, out)
    row = next(change.row for change in gone if change.table == "products")
    header = products.table.by_name[f"{missing[0]}_name"].header
    values = variants.table.by_name[missing[0]].header
    out.findings.append(
        Finding(
            "error",
            "required",
            products.table.title,
            row,
            header,
            "",
            f"The variants of this new product have a “{values}”, but “{header}” is empty.",
            "Type what the option is called, such as Size or Colour.",
        )
    )


def new_levels(layout: Layout, rows: Iterable[Row], out: Compared) -> None:
    """Stock rows without ids are left out, each by name: the shop makes a level with its variant, and gives it ids."""
    for row in rows:
        out.settle(rejected=1)
        out.findings.append(
            Finding(
                "error",
                "missing_id",
                layout.table.title,
                row.number,
                layout.table.by_name["inventory_item_id"].header,
                "",
                f"This stock row has no inventory item and location id; {_number(row)} is not sent.",
                "Export, then run `sheets-catalog import`: the stock rows of new variants come by themselves. "
                "Type the number there, and delete this row.",
            )
        )


def _number(row: Row) -> str:
    number, sku = row.values.get("available"), row.values.get("sku")
    return f"its number{f' {number}' if number else ''}{f' (SKU {sku})' if sku else ''}"


def _create(layout: Layout, row: Row, group: str, context: dict[str, str]) -> Change:
    fields = tuple(
        FieldChange(each.name, before=None, after=row.values[each.name])
        for each in layout.owned
        if row.values[each.name] is not None
    )
    return Change(
        action="create",
        table=layout.table.name,
        key="",
        group=group,
        label=label_of(layout.table, row.values),
        row=row.number,
        fields=fields,
        natural_key=row.natural_key(layout.table),
        context=context,
    )


def _product_findings(
    table: Table, row: Row, handle: str, known: Known, taken: Mapping[str, bool]
) -> Iterable[Finding]:
    if not row.values.get("title"):
        yield _finding(table, row, "title", "required", "A new product needs a title.", "Type a title.")
    elif not handle:
        yield _finding(table, row, "handle", "required", "No handle can be made of this title.", "Type a handle.")
    if taken.get(handle) or handle in known.in_sheet:
        yield _finding(
            table, row, "handle", "handle_taken", f"Another row has the handle “{handle}”.", "Choose another."
        )
    elif handle in known.in_shop:
        yield _finding(
            table,
            row,
            "handle",
            "handle_taken",
            f"The shop already has a product with the handle “{handle}”.",
            f"Type its id {known.in_shop[handle]} into “{table.by_name['id'].header}”, or choose another handle.",
        )


def _variant_findings(table: Table, row: Row, group: str) -> Iterable[Finding]:
    if not group:
        yield _finding(
            table,
            row,
            "product_handle",
            "unknown_product",
            "It is not known which product this new variant belongs to.",
            "Type the product's handle (or its id) into this row.",
        )
    if not row.values.get("price"):
        yield _finding(table, row, "price", "required", "A new variant needs a price.", "Type a price.")
    if not row.values.get("option1") and not group.startswith(NEW):
        yield _finding(
            table, row, "option1", "required", "A new variant needs an option value.", "Type it, e.g. a size."
        )


def _finding(table: Table, row: Row, name: str, rule: str, message: str, advice: str) -> Finding:
    found = str(row.values.get(name) or "")
    return Finding("error", rule, table.title, row.number, table.by_name[name].header, found, message, advice)

"""Nothing is deleted that anybody has worked on: neither since it was made, nor since the plan was."""

from __future__ import annotations

import pytest
from sandboxed import imported

from sheets_catalog.flows.exporting import ExportOptions, plan_export
from sheets_catalog.flows.undoing import plan_undo
from sheets_catalog.records.tables import metafield
from tests.flows.test_undo import add, cell, export, in_shop, merchant, run, tab

MATERIAL = "Metafield: custom.material [single_line_text_field]"


@pytest.fixture
def at():
    with imported(MATERIAL) as one:
        yield one


def tree_of(at, product):
    return at.fresh().catalogue.product_tree(product)


def first_variant(at, product):
    return tree_of(at, product).variants[0].record.key


def one_more(at, product):
    names = [tree_of(at, product).product.values[f"option{number}_name"] for number in (1, 2, 3)]
    merchant(at).add_variant(product, {name: "Extra" for name in names if name}, price="1.00")


EDITS = {
    "a description": lambda at, key: merchant(at).edit_product(key, description_html="<p>A day of work</p>"),
    "tags": lambda at, key: merchant(at).edit_product(key, tags=["a", "b"]),
    "a type": lambda at, key: merchant(at).edit_product(key, product_type="Hats"),
    "an SEO title": lambda at, key: merchant(at).edit_product(key, seo_title="Hats for rain"),
    "another vendor": lambda at, key: merchant(at).edit_product(key, vendor="Somebody"),
    "a barcode": lambda at, key: merchant(at).edit_variant(first_variant(at, key), barcode="999"),
    "a compare-at price": lambda at, key: merchant(at).edit_variant(first_variant(at, key), compare_at_price="99.00"),
    "another price": lambda at, key: merchant(at).edit_variant(first_variant(at, key), price="99.00"),
    "taxes": lambda at, key: merchant(at).edit_variant(first_variant(at, key), taxable=False),
    "a variant more": one_more,
    "a variant less": lambda at, key: merchant(at).delete_variant(first_variant(at, key)),
}
"""What a merchant may do to a product or its variants, in fields that were filled and in fields that were blank."""


def a_hat(at, *sizes):
    """A product as a job made it: its row, id and the job."""
    row = add(at, "Products", Handle="rain-hat", Title="Rain Hat", **({"Option1_Name": "Size"} if sizes else {}))
    for size in sizes:
        add(at, "Variants", Product_Handle="rain-hat", Option1_Value=size, Price="34.50")
    job = export(at)
    return str(cell(at, "Products", row, "Product ID")), job


@pytest.mark.parametrize("edit", EDITS)
def test_a_made_product_that_was_worked_on_is_left_and_named(at, edit):
    key, job = a_hat(at, "S", "L")
    EDITS[edit](at, key)
    plan = plan_undo(at.systems, at.audit, job, created="delete")
    assert plan.changes == ()
    assert [each.rule for each in plan.findings] == ["changed_since"]
    assert plan.books.conflicted == 1


def test_a_variant_that_shopify_made_by_itself_counts_too(at):
    key, job = a_hat(at)
    untouched = plan_undo(at.systems, at.audit, job, created="delete")
    assert [change.action for change in untouched.changes] == ["delete"]
    merchant(at).edit_variant(first_variant(at, key), price="99.00", sku="Z")
    plan = plan_undo(at.systems, at.audit, job, created="delete")
    assert plan.changes == ()
    assert "A variant of it was changed since (sku, price)." in plan.findings[0].message


def test_a_made_product_whose_sent_metafield_cannot_be_seen_any_more_is_left(at):
    add(at, "Products", Handle="rain-hat", Title="Rain Hat", **{MATERIAL.replace(" ", "_"): "wool"})
    job = export(at)
    assert len(plan_undo(at.systems, at.audit, job, created="delete").changes) == 1
    sheet = tab(at, "Products")
    sheet.delete_columns(sheet.row_values(1).index(MATERIAL) + 1)
    plan = plan_undo(at.systems, at.audit, job, created="delete")
    assert plan.changes == ()
    assert metafield(MATERIAL).name in plan.findings[0].message


def test_a_made_variant_that_got_a_barcode_is_left(at):
    handle = cell(at, "Variants", 2, "Product Handle")
    row = add(at, "Variants", Product_Handle=handle, Option1_Value="XXS", Option2_Value="White", Price="5")
    job = export(at)
    key = str(cell(at, "Variants", row, "Variant ID"))
    assert len(plan_undo(at.systems, at.audit, job, created="delete").changes) == 1
    merchant(at).edit_variant(key, barcode="999")
    plan = plan_undo(at.systems, at.audit, job, created="delete")
    assert plan.changes == ()
    assert "(barcode)" in plan.findings[0].message


@pytest.mark.parametrize("edit", EDITS)
def test_what_was_worked_on_after_an_undo_was_planned_is_not_deleted(at, edit):
    key, job = a_hat(at, "S", "L")
    plan = plan_undo(at.systems, at.audit, job, created="delete")
    assert [change.action for change in plan.changes] == ["delete"]
    EDITS[edit](at, key)
    left_alone(at, key, run(at, plan))


@pytest.mark.parametrize("edit", EDITS)
def test_what_was_worked_on_after_its_deletion_was_planned_is_not_deleted(at, edit):
    sheet = tab(at, "Products")
    row = 2 if edit == "a variant less" else blank(sheet, "Tags")  # the last variant cannot go
    key = str(cell(at, "Products", row, "Product ID"))
    sheet.delete_rows(row)
    plan = plan_export(at.systems, ExportOptions(tables=("products",), deletes="delete"))
    assert [(change.action, change.key) for change in plan.changes] == [("delete", key)]
    EDITS[edit](at, key)
    left_alone(at, key, run(at, plan))


@pytest.mark.parametrize(
    ("title", "deletes"), [("Products", "delete"), ("Products", "archive"), ("Variants", "delete")]
)
def test_what_has_its_row_back_is_not_removed(at, title, deletes):
    sheet = tab(at, title)
    cells = sheet.get_all_values(value_render_option="UNFORMATTED_VALUE")
    sheet.delete_rows(2, 3)
    plan = plan_export(at.systems, ExportOptions(tables=(title.lower(),), deletes=deletes))
    assert len(plan.changes) == 2
    sheet.append_row(cells[1], value_input_option="RAW")  # somebody has second thoughts about one of them
    result = run(at, plan)
    assert (result.books.done, result.books.conflicted) == (1, 1)
    assert list(result.state.reasons.values()) == ["Its row is in the sheet again."]
    kept, removed = str(cells[1][0]), str(cells[2][0])
    assert in_shop(at, title.lower(), kept).get("status", "ACTIVE") != "ARCHIVED"
    gone = at.fresh().catalogue.by_ids(title.lower(), [removed]).get(removed)
    assert gone is None or gone.values["status"] == "ARCHIVED"
    assert plan_export(at.fresh(), ExportOptions(deletes=deletes)).empty


def blank(sheet, header):
    """The first row without a value in a column."""
    column = sheet.row_values(1).index(header)
    return next(number for number, cells in enumerate(sheet.get_all_values(), 1) if not cells[column])


def left_alone(at, key, result):
    assert (result.books.done, result.books.conflicted) == (0, 1)
    assert result.state.reasons[0].startswith("Changed since the plan was made: ")
    assert in_shop(at, "products", key)


def test_a_variant_whose_blank_field_was_filled_is_not_deleted(at):
    sheet = tab(at, "Variants")
    row = blank(sheet, "Barcode")
    key = str(cell(at, "Variants", row, "Variant ID"))
    sheet.delete_rows(row)
    plan = plan_export(at.systems, ExportOptions(tables=("variants",), deletes="delete"))
    merchant(at).edit_variant(key, barcode="999")
    assert run(at, plan).books.conflicted == 1
    assert in_shop(at, "variants", key)["barcode"] == "999"


def test_what_nobody_touched_is_deleted_though_its_stock_moved(at):
    key = str(cell(at, "Products", 2, "Product ID"))
    tab(at, "Products").delete_rows(2)
    plan = plan_export(at.systems, ExportOptions(tables=("products",), deletes="delete"))
    level = tree_of(at, key).inventory[0].values
    merchant(at).set_inventory(level["variant_id"], level["location_id"], int(level["available"]) + 1)
    assert run(at, plan).books.done == 1
    assert at.fresh().catalogue.by_ids("products", [key]) == {}

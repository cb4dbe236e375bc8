"""Undo of a job, end to end: what the audit has goes back into shop and sheet, and nobody's later edit is touched."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sandboxed import desk, imported

from sheets_catalog.database import SessionStart
from sheets_catalog.errors import ConfirmationNeeded, InputError, StalePlanError
from sheets_catalog.flows import job_files
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import ImportOptions, import_catalogue
from sheets_catalog.flows.resuming import cancel
from sheets_catalog.flows.undoing import plan_undo
from sheets_catalog.flows.verification import verify
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.records.tables import metafield

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def at():
    with imported() as one:
        yield one


def tab(at, title):
    return at.person().worksheet(title)


def column(sheet, header):
    return sheet.row_values(1).index(header) + 1


def put(at, title, row, header, value):
    sheet = tab(at, title)
    sheet.update_cell(row, column(sheet, header), value)


def cell(at, title, row, header, render="UNFORMATTED_VALUE"):
    sheet = tab(at, title)
    return sheet.cell(row, column(sheet, header), value_render_option=render).value


def in_shop(at, table, key):
    return dict(at.fresh().catalogue.by_ids(table, [key])[key].values)


def sent(at, since):
    return [line for line in at.ledger(since, "shopify") if line["actor"] != "merchant"]


def run(at, plan):
    return apply(at.systems, at.audit, store(at.systems, plan), confirmed=True)


def export(at, **options):
    result = run(at, plan_export(at.systems, ExportOptions(**options)))
    assert result.books.balanced
    return result.job_id


def undo(at, job, **how):
    plan = plan_undo(at.systems, at.audit, job, **how)
    result = run(at, plan)
    assert result.books.balanced
    return plan, result


def test_one_price_goes_back_in_shop_and_sheet_and_the_baseline_agrees(at):
    before, key = cell(at, "Variants", 2, "Price"), str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    assert in_shop(at, "variants", key)["price"] == "77.50"
    since = len(at.ledger())
    plan, result = undo(at, job)
    assert [(each.field, each.before, each.after, each.side) for change in plan.changes for each in change.fields] == [
        ("price", "77.50", f"{before:.2f}", "shop"),
        ("price", "77.50", f"{before:.2f}", "sheet"),
    ]
    assert (result.books.done, result.books.conflicted, result.books.rejected) == (1, 0, 0)
    assert len(sent(at, since)) == 1
    assert in_shop(at, "variants", key)["price"] == f"{before:.2f}"
    assert cell(at, "Variants", 2, "Price") == before
    assert verify(at.systems).clean
    assert plan_export(at.systems).empty
    session = at.audit.session(result.job_id)
    assert session.title.startswith("Undo of ")
    assert session.details["undo_of"] == job
    for name, word in ((job, "export"), (result.job_id, "undo")):
        summary = job_files.show(at.systems, name).summary
        assert (summary.word, summary.flow) == (word, "export")


def test_undo_of_an_undo_and_a_second_undo_with_nothing_left(at):
    before = cell(at, "Variants", 2, "Price")
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    _, undone = undo(at, job)
    since = len(at.ledger())
    again = plan_undo(at.systems, at.audit, job)
    assert again.empty
    assert again.findings == ()
    assert again.books.unchanged == again.books.planned
    assert at.ledger(since) == []
    plan, _ = undo(at, undone.job_id)
    assert plan.undone == undone.job_id
    assert cell(at, "Variants", 2, "Price") == 77.5
    assert verify(at.systems).clean
    undo(at, job)
    assert cell(at, "Variants", 2, "Price") == before
    assert verify(at.systems).clean


EVERYTHING = [
    ("Products", 2, "Title", "Sturdy “title” 👕"),
    ("Products", 2, "Tags", "zeta, alpha, Ünï"),
    ("Products", 2, "Description", "<p>two\nlines</p>"),
    ("Products", 3, "Type", ""),
    ("Products", 3, "Status", "ARCHIVED"),
    ("Products", 3, "SEO Title", "found"),
    ("Variants", 2, "Price", 77.5),
    ("Variants", 2, "Compare At Price", 99),
    ("Variants", 2, "SKU", ""),
    ("Variants", 2, "Barcode", "1E5"),
    ("Variants", 3, "Weight", 1.125),
    ("Variants", 3, "Weight Unit", "POUNDS"),
    ("Variants", 3, "Taxable", False),
    ("Variants", 3, "Inventory Policy", "CONTINUE"),
    ("Variants", 3, "Cost", 12.34),
    ("Variants", 4, "Option1 Value", "Gigantic"),
    ("Inventory", 2, "Available", 321),
    ("Inventory", 4, "Available", 0),
]
"""Edits of every kind of field in all three tabs: (tab, row, header, new value)."""


def whole(at):
    """Shop and sheet as they are: every value of every record, every cell."""
    catalogue = at.fresh().catalogue
    pages = {"products": catalogue.products, "variants": catalogue.variants, "inventory": catalogue.inventory}
    shop = {
        name: {record.key: dict(record.values) for page in read() for record in page.records}
        for name, read in pages.items()
    }
    ranges = ["Products!A:Z", "Variants!A:Z", "Inventory!A:Z"]
    return shop, at.systems.sheets.read_ranges(at.spreadsheet_id, ranges, "FORMULA")


def test_every_kind_of_field_comes_back_exactly(at):
    before = whole(at)
    for title, row, header, value in EVERYTHING:
        put(at, title, row, header, value)
    job = export(at)
    assert whole(at)[0] != before[0]
    since = len(at.ledger())
    plan, result = undo(at, job)
    assert plan.findings == ()
    assert sum(len(change.on("shop")) for change in plan.changes) == len(EVERYTHING)
    assert sum(len(change.on("sheet")) for change in plan.changes) == len(EVERYTHING)
    assert result.books.done == len(plan.changes) == 7
    assert whole(at) == before
    assert verify(at.systems).clean
    assert plan_export(at.systems).empty
    spots = [(line["target"], name) for line in sent(at, since) for name in line["effect"].get("changes", {"": 0})]
    assert len(spots) == len(set(spots))


def test_metafields_go_back_too_filled_and_emptied(at):
    header = "Metafield: custom.material [single_line_text_field]"
    import_catalogue(at.systems, at.audit, ImportOptions(metafields=(header,)))
    key = str(cell(at, "Products", 2, "Product ID"))
    before = whole(at)
    was = cell(at, "Products", 2, header)
    for value in ("wool", ""):
        put(at, "Products", 2, header, value)
        plan, _ = undo(at, export(at))
        assert [each.after for change in plan.changes for each in change.fields] == [was, was]
        assert whole(at) == before
    fields = [metafield(header)]
    assert at.fresh().catalogue.by_ids("products", [key], fields)[key].values[fields[0].name] == was
    put(at, "Products", 2, header, "wool")
    job = export(at)
    sheet = tab(at, "Products")
    sheet.delete_columns(column(sheet, header))
    plan = plan_undo(at.systems, at.audit, job)
    assert plan.empty
    assert [each.rule for each in plan.findings] == ["cannot_undo"]


def test_what_the_shop_stored_in_a_form_of_its_own_is_left_and_named(at):
    """A product without vendor gets the shop's name in Shopify: not what the job sent, so nobody knows whose it is."""
    put(at, "Products", 3, "Vendor", "")
    job = export(at)
    plan = plan_undo(at.systems, at.audit, job)
    assert plan.empty
    assert [(each.rule, each.column) for each in plan.findings] == [("changed_since", "Vendor")]
    assert "the job sent nothing instead of" in plan.findings[0].message


def merchant(at):
    return at.sandbox.services["shopify"]


def test_what_was_edited_since_is_left_alone_on_both_sides_and_named(at):
    """One price edited in the shop, one in the sheet, one stock level sold; a fourth field of one record goes back."""
    keys = [str(cell(at, "Variants", row, "Variant ID")) for row in (2, 3, 4)]
    was = [cell(at, "Variants", row, "Price") for row in (2, 3, 4)]
    for row in (2, 3, 4):
        put(at, "Variants", row, "Price", 77.5)
    put(at, "Variants", 3, "SKU", "NEW-SKU")
    old_sku = in_shop(at, "variants", keys[1])["sku"]
    job = export(at)
    merchant(at).edit_variant(keys[0], price="6.66")
    put(at, "Variants", 3, "Price", 88)
    plan, result = undo(at, job)
    assert [(each.rule, each.row, each.column) for each in plan.findings] == [
        ("changed_since", 2, "Price"),
        ("changed_since", 3, "Price"),
    ]
    assert "“77.50”" in plan.findings[0].message
    assert "the shop has “6.66”" in plan.findings[0].message
    assert "the sheet has “88.00”" in plan.findings[1].message
    assert (result.books.done, result.books.conflicted) == (1, 2)
    assert [in_shop(at, "variants", key)["price"] for key in keys] == ["6.66", "77.50", f"{was[2]:.2f}"]
    assert [cell(at, "Variants", row, "Price") for row in (2, 3, 4)] == [77.5, 88, was[2]]
    assert in_shop(at, "variants", keys[1])["sku"] == old_sku != "NEW-SKU"
    assert cell(at, "Variants", 3, "SKU") == (old_sku or "")
    left = plan_export(at.systems)
    assert [(change.key, each.field, each.after) for change in left.changes for each in change.fields] == [
        (keys[1], "price", "88.00")
    ]


def test_undo_of_a_partly_left_record_can_be_undone_itself(at):
    key = str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    put(at, "Variants", 2, "SKU", "NEW-SKU")
    job = export(at)
    merchant(at).edit_variant(key, price="6.66")
    _, result = undo(at, job)
    assert result.books.conflicted == 1
    assert in_shop(at, "variants", key)["sku"] != "NEW-SKU"
    undo(at, result.job_id)
    assert in_shop(at, "variants", key)["sku"] == "NEW-SKU"
    assert cell(at, "Variants", 2, "SKU") == "NEW-SKU"


def sell(at, key, left):
    level = at.fresh().catalogue.by_ids("inventory", [key])[key].values
    merchant(at).set_inventory(level["variant_id"], level["location_id"], left)


def test_stock_that_was_sold_since_is_not_brought_back_to_life(at):
    key = "/".join(str(cell(at, "Inventory", 2, name)) for name in ("Inventory Item ID", "Location ID"))
    put(at, "Inventory", 2, "Available", 50)
    put(at, "Inventory", 3, "Available", 60)
    was = in_shop(at, "inventory", key)["available"]
    job = export(at)
    sell(at, key, left=47)
    plan, _ = undo(at, job)
    assert was != "47"
    assert in_shop(at, "inventory", key)["available"] == "47"
    assert [(each.rule, each.row) for each in plan.findings] == [("changed_since", 2)]
    assert "“47”" in plan.findings[0].message


def test_stock_sold_between_plan_and_apply_is_a_conflict_and_the_row_keeps_its_value(at):
    key = "/".join(str(cell(at, "Inventory", 2, name)) for name in ("Inventory Item ID", "Location ID"))
    put(at, "Inventory", 2, "Available", 50)
    job = export(at)
    plan = plan_undo(at.systems, at.audit, job)
    stored = store(at.systems, plan)
    sell(at, key, left=47)
    result = apply(at.systems, at.audit, stored)
    assert result.books.conflicted == 1
    assert in_shop(at, "inventory", key)["available"] == "47"
    assert cell(at, "Inventory", 2, "Available") == 50


def test_a_side_that_is_back_already_is_not_written_again(at):
    before, key = cell(at, "Variants", 2, "Price"), str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    put(at, "Variants", 3, "Price", 77.5)
    other = str(cell(at, "Variants", 3, "Variant ID"))
    job = export(at)
    put(at, "Variants", 2, "Price", before)
    merchant(at).edit_variant(other, price=f"{before:.2f}")
    plan, result = undo(at, job)
    sides = {(change.key, each.side) for change in plan.changes for each in change.fields}
    assert sides == {(key, "shop"), (other, "sheet")}
    assert result.books.done == 2
    assert cell(at, "Variants", 3, "Price") == before
    assert verify(at.systems).clean
    assert plan_export(at.systems).empty


def test_records_that_are_gone_are_named(at):
    keys = [str(cell(at, "Variants", row, "Variant ID")) for row in (2, 3)]
    put(at, "Variants", 2, "Price", 77.5)
    put(at, "Variants", 3, "Price", 77.5)
    job = export(at)
    merchant(at).delete_variant(keys[0])
    tab(at, "Variants").delete_rows(3)
    since = len(at.ledger())
    plan = plan_undo(at.systems, at.audit, job)
    assert plan.empty
    assert [each.rule for each in plan.findings] == ["gone", "gone"]
    assert "no longer in the shop" in plan.findings[0].message
    assert "no longer in the sheet" in plan.findings[1].message
    assert plan.books.rejected == 2
    assert sent(at, since) == []


def test_rows_may_move_and_double_rows_are_not_guessed(at):
    before = cell(at, "Variants", 2, "Price")
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    tab(at, "Variants").insert_row(["", "somebody's own row"], 2)
    plan, result = undo(at, job)
    assert plan.changes[0].row == 3
    assert result.books.done == 1
    assert cell(at, "Variants", 3, "Price") == before
    put(at, "Variants", 3, "Price", 66)
    job = export(at)
    sheet = tab(at, "Variants")
    sheet.append_row(sheet.row_values(3), value_input_option="RAW", table_range="A1")
    plan = plan_undo(at.systems, at.audit, job)
    assert plan.empty
    assert {each.rule for each in plan.findings} == {"duplicate_key"}


def test_a_formula_is_not_overwritten_and_the_shop_keeps_what_it_says(at):
    key = str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", "=70+7.5")
    job = export(at)
    assert in_shop(at, "variants", key)["price"] == "77.50"
    plan = plan_undo(at.systems, at.audit, job)
    assert plan.empty
    assert [each.rule for each in plan.findings] == ["cannot_undo"]
    assert "formula" in plan.findings[0].message


def test_a_missing_column_says_nothing(at):
    before, key = cell(at, "Products", 2, "Vendor"), str(cell(at, "Products", 2, "Product ID"))
    put(at, "Products", 2, "Vendor", "Somebody else")
    job = export(at)
    sheet = tab(at, "Products")
    sheet.delete_columns(column(sheet, "Vendor"))
    plan, result = undo(at, job)
    assert [each.side for change in plan.changes for each in change.fields] == ["shop"]
    assert result.books.done == 1
    assert in_shop(at, "products", key)["vendor"] == before


def test_a_value_that_the_audit_masked_is_never_written(at):
    token = "shpat_" + "0123456789abcdef" * 2
    key = str(cell(at, "Products", 2, "Product ID"))
    put(at, "Products", 2, "SEO Title", token)
    export(at)
    put(at, "Products", 2, "SEO Title", "harmless")
    put(at, "Products", 2, "Vendor", "Other vendor")
    vendor = in_shop(at, "products", key)["vendor"]
    job = export(at)
    plan, result = undo(at, job)
    assert [each.rule for each in plan.findings] == ["kept_in_part"]
    assert result.books.conflicted == 1
    assert in_shop(at, "products", key)["seo_title"] == "harmless"
    assert in_shop(at, "products", key)["vendor"] == vendor
    assert "***" not in str(whole(at))


# --- what a job made, archived or deleted ------------------------------------------------------------------------------


def add(at, title, **cells):
    """A new row at the end; returns its number."""
    sheet = tab(at, title)
    heads = sheet.row_values(1)
    sheet.append_row([cells.get(head.replace(" ", "_"), "") for head in heads], table_range="A1")
    return len(sheet.col_values(heads.index("Handle" if title == "Products" else "Product Handle") + 1))


def a_hat_and_a_size(at):
    """A new product with two variants, a new size of a product that is there; the rows of the product and the size."""
    hat = add(at, "Products", Handle="rain-hat", Title="Rain Hat", Status="DRAFT", Option1_Name="Size")
    for size in ("S", "L"):
        add(at, "Variants", Product_Handle="rain-hat", Option1_Value=size, Price="34.50")
    handle = cell(at, "Variants", 2, "Product Handle")
    size = add(at, "Variants", Product_Handle=handle, Option1_Value="XXS", Option2_Value="White", Price="5")
    return hat, size


def test_what_a_job_made_is_left_and_named_unless_its_removal_is_asked_for(at):
    a_hat_and_a_size(at)
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    plan = plan_undo(at.systems, at.audit, job)
    assert [change.action for change in plan.changes] == ["update"]
    assert [(each.severity, each.rule, each.tab) for each in plan.findings] == [
        ("note", "created", "Products"),
        *[("note", "created", "Variants")] * 3,
    ]
    assert plan.books.conflicted == plan.books.rejected == 0


def test_made_products_are_archived_in_shop_and_sheet(at):
    hat, _ = a_hat_and_a_size(at)
    job = export(at)
    key = str(cell(at, "Products", hat, "Product ID"))
    plan, result = undo(at, job, created="archive")
    assert [each.message.split(": ")[0].split(" · ")[1] for each in plan.findings] == ["XXS / White"]
    assert result.books.done == 1
    assert in_shop(at, "products", key)["status"] == "ARCHIVED"
    assert cell(at, "Products", hat, "Status") == "ARCHIVED"
    assert plan_undo(at.systems, at.audit, job, created="archive").empty
    undo(at, result.job_id)
    assert in_shop(at, "products", key)["status"] == cell(at, "Products", hat, "Status") == "DRAFT"


def test_made_products_and_variants_are_deleted_once_and_their_rows_stay(at):
    hat, size = a_hat_and_a_size(at)
    job = export(at)
    product, variant = str(cell(at, "Products", hat, "Product ID")), str(cell(at, "Variants", size, "Variant ID"))
    since = len(at.ledger())
    plan, result = undo(at, job, created="delete")
    assert sorted((change.action, change.table, change.key) for change in plan.changes) == [
        ("delete", "products", product),
        ("delete", "variants", variant),
    ]
    assert result.books.done == 2
    assert at.fresh().catalogue.by_ids("products", [product]) == {}
    assert at.fresh().catalogue.by_ids("variants", [variant]) == {}
    assert str(cell(at, "Products", hat, "Product ID")) == product
    assert sent(at, since) != []
    again = plan_undo(at.systems, at.audit, job, created="delete")
    assert again.empty
    assert again.books.rejected == again.books.conflicted == 0
    deletion = plan_undo(at.systems, at.audit, result.job_id)
    assert deletion.empty
    assert [each.rule for each in deletion.findings] == ["deleted", "deleted"]
    assert deletion.books.rejected == 2


def test_made_records_are_deleted_though_the_shop_stored_their_options_without_spaces(at):
    hat = add(at, "Products", Handle="rain-hat", Title="Rain Hat", Option1_Name=" Size ")
    for size in (" S ", "L"):
        add(at, "Variants", Product_Handle="rain-hat", Option1_Value=size, Price="34.50")
    job = export(at)
    product = str(cell(at, "Products", hat, "Product ID"))
    assert in_shop(at, "products", product)["option1_name"] == "Size"
    plan, result = undo(at, job, created="delete")
    assert [(change.action, change.key) for change in plan.changes] == [("delete", product)]
    assert (result.books.done, plan.findings) == (1, ())


@pytest.mark.parametrize("edit", ["title", "price of a variant", "one more variant", "the new size"])
def test_what_somebody_touched_since_it_was_made_is_not_deleted(at, edit):
    hat, size = a_hat_and_a_size(at)
    job = export(at)
    product, variant = str(cell(at, "Products", hat, "Product ID")), str(cell(at, "Variants", size, "Variant ID"))
    tree = at.fresh().catalogue.product_tree(product)
    if edit == "title":
        merchant(at).edit_product(product, title="Storm Hat")
    elif edit == "price of a variant":
        merchant(at).edit_variant(tree.variants[0].record.key, price="1.00")
    elif edit == "one more variant":
        merchant(at).add_variant(product, {"Size": "XL"}, price="1.00")
    else:
        merchant(at).edit_variant(variant, price="1.00")
    plan = plan_undo(at.systems, at.audit, job, created="delete")
    left, gone = ("variants", product) if edit == "the new size" else ("products", variant)
    assert [change.key for change in plan.changes] == [gone]
    assert [(each.rule, each.tab.lower()) for each in plan.findings] == [("changed_since", left)]
    assert plan.books.conflicted == 1


@pytest.mark.parametrize(
    ("edited", "header", "value"),
    [
        ("Products", "Title", "Storm Hat"),
        ("Products", "Vendor", "Storm & Co"),
        ("Products", "Title", ""),
        ("a variant of it", "Barcode", "4006381333931"),
        ("the new size", "Price", 99),
    ],
)
def test_what_somebody_edited_in_its_row_since_it_was_made_is_not_deleted(at, edited, header, value):
    hat, size = a_hat_and_a_size(at)
    job = export(at)
    product, variant = str(cell(at, "Products", hat, "Product ID")), str(cell(at, "Variants", size, "Variant ID"))
    if edited == "Products":
        put(at, "Products", hat, header, value)
    else:
        ids = tab(at, "Variants").col_values(column(tab(at, "Variants"), "Product ID"))
        put(at, "Variants", size if edited == "the new size" else ids.index(product) + 1, header, value)
    plan = plan_undo(at.systems, at.audit, job, created="delete")
    left, gone = ("variants", product) if edited == "the new size" else ("products", variant)
    assert [change.key for change in plan.changes] == [gone]
    (finding,) = plan.findings
    assert (finding.rule, finding.tab.lower()) == ("changed_since", left)
    assert "edited since" in finding.message
    assert plan.books.conflicted == 1


def test_a_product_of_the_same_handle_that_the_job_did_not_make_is_never_removed(at):
    hat, _ = a_hat_and_a_size(at)
    job = export(at)
    merchant(at).delete_product(str(cell(at, "Products", hat, "Product ID")))
    merchant(at).add_product("Rain Hat", handle="rain-hat")
    plan = plan_undo(at.systems, at.audit, job, created="delete")
    assert [change.table for change in plan.changes] == ["variants"]
    assert "no product with the handle “rain-hat” that this job made" in str(plan.findings)


def test_archived_products_get_their_status_back_though_their_rows_are_gone(at):
    key, before = str(cell(at, "Products", 2, "Product ID")), cell(at, "Products", 2, "Status")
    tab(at, "Products").delete_rows(2)
    job = export(at, tables=("products",), deletes="archive")
    assert in_shop(at, "products", key)["status"] == "ARCHIVED" != before
    _, result = undo(at, job)
    assert result.books.done == 1
    assert in_shop(at, "products", key)["status"] == before
    undo(at, result.job_id)
    assert in_shop(at, "products", key)["status"] == "ARCHIVED"


def test_deleted_records_cannot_be_brought_back_and_are_named(at):
    label = cell(at, "Products", 2, "Title")
    tab(at, "Products").delete_rows(2)
    job = export(at, tables=("products",), deletes="delete", delete_share=1.0)
    plan = plan_undo(at.systems, at.audit, job)
    assert plan.empty
    (finding,) = plan.findings
    assert (finding.severity, finding.rule) == ("error", "deleted")
    assert finding.message.startswith(label)
    assert plan.books.rejected == 1


# --- conflicts and policies ----------------------------------------------------------------------------------------------


def test_a_decision_for_the_sheet_goes_back_and_one_for_the_shop_was_never_sent(at):
    keys = [str(cell(at, "Variants", row, "Variant ID")) for row in (2, 3)]
    put(at, "Variants", 2, "Price", 77.5)
    merchant(at).edit_variant(keys[0], price="6.66")
    wins = export(at, policy="sheet")
    undo(at, wins)
    assert in_shop(at, "variants", keys[0])["price"] == "6.66"
    assert cell(at, "Variants", 2, "Price") == 6.66
    put(at, "Variants", 3, "Price", 78.5)
    merchant(at).edit_variant(keys[1], price="7.77")
    loses = export(at, policy="shop")
    plan = plan_undo(at.systems, at.audit, loses)
    assert plan.empty
    assert [(each.severity, each.rule) for each in plan.findings] == [("note", "by_policy")]
    assert "“78.50”" in plan.findings[0].message
    assert in_shop(at, "variants", keys[1])["price"] == "7.77"


def test_what_was_sent_of_a_record_with_an_open_conflict_goes_back_and_the_conflict_stays_open(at):
    key = str(cell(at, "Variants", 2, "Variant ID"))
    old = in_shop(at, "variants", key)["sku"]
    put(at, "Variants", 2, "Price", 77.5)
    put(at, "Variants", 2, "SKU", "NEW-SKU")
    merchant(at).edit_variant(key, price="6.66")
    job = export(at)
    assert in_shop(at, "variants", key)["sku"] == "NEW-SKU"
    conflicts = tab(at, "Conflicts").get_values()
    assert len(conflicts) == 2
    undo(at, job)
    assert in_shop(at, "variants", key)["sku"] == cell(at, "Variants", 2, "SKU") == old
    assert cell(at, "Variants", 2, "Price") == 77.5
    assert tab(at, "Conflicts").get_values() == conflicts
    assert len(plan_export(at.systems).conflicts) == 1


def test_a_record_that_was_in_conflict_was_not_sent_and_is_not_undone(at):
    """Its price moved in the shop between plan and apply: nothing of the record was sent, its edits are still open."""
    key = str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    put(at, "Variants", 2, "SKU", "NEW-SKU")
    put(at, "Variants", 3, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems))
    merchant(at).edit_variant(key, price="6.66")
    assert apply(at.systems, at.audit, job).books.conflicted == 1
    plan, _ = undo(at, job)
    assert [change.row for change in plan.changes] == [3]
    assert cell(at, "Variants", 2, "SKU") == "NEW-SKU"
    (open_edit,) = plan_export(at.systems).changes
    assert [each.after for each in open_edit.fields] == ["NEW-SKU"]


def test_an_edit_beside_a_waiting_conflict_that_was_not_sent_is_not_taken_for_agreed(at):
    """A record with a conflict whose other field moves in the shop before it is sent: that edit is a conflict, too."""
    key = str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    put(at, "Variants", 2, "SKU", "NEW-SKU")
    merchant(at).edit_variant(key, price="6.66")
    job = store(at.systems, plan_export(at.systems))
    merchant(at).edit_variant(key, sku="MERCHANT")
    assert apply(at.systems, at.audit, job).books.conflicted == 1
    assert {each.field for each in plan_export(at.systems).conflicts} == {"price", "sku"}


# --- what cannot be undone at all ------------------------------------------------------------------------------------------


def test_jobs_that_cannot_be_undone_say_so_and_nothing_is_written(at):
    put(at, "Variants", 2, "Price", 77.5)
    planned = store(at.systems, plan_export(at.systems))
    imported = at.audit.sessions(flow="import")[0].session_id
    since = len(at.ledger())
    with pytest.raises(InputError, match="There is no job"):
        plan_undo(at.systems, at.audit, "1" * 33)
    with pytest.raises(InputError, match="Only exports can be undone"):
        plan_undo(at.systems, at.audit, imported)
    with pytest.raises(InputError, match=r"has not ended \(it is planned"):
        plan_undo(at.systems, at.audit, planned)
    job = apply(at.systems, at.audit, planned).job_id
    since += len(at.ledger(since))
    with desk(seed=2) as other:
        with pytest.raises(InputError, match="the connection is to another spreadsheet"):
            plan_undo(other.systems, at.audit, job)
        with pytest.raises(InputError, match="There is no job"):
            plan_undo(other.systems, other.audit, job)
    with pytest.raises(InputError, match="knows no job") as caught, desk() as other:
        plan_undo(at.systems, other.audit, job)
    assert "machine that applied the job" in caught.value.advice
    at.audit.session_started(SessionStart("elsewhere", "export", NOON, spreadsheet_id=at.spreadsheet_id, shop="x.y"))
    with pytest.raises(InputError, match=r"This job wrote to x\.y"):
        plan_undo(at.systems, at.audit, "elsewhere")
    at.audit.session_started(SessionStart("staged", "stage", NOON, spreadsheet_id=at.spreadsheet_id))
    with pytest.raises(InputError, match="is of the flow “stage”"):
        plan_undo(at.systems, at.audit, "staged")
    assert at.ledger(since) == []


class StopsAfterOneBatch:
    """A watcher that wishes the run to stop when the first batch came back."""

    stopped = False

    def batch_started(self, number, items):
        """Told only."""

    def batch_ended(self, number, outcomes, seconds):
        self.stopped = True

    def progressed(self, books, note):
        """Told only."""

    def troubled(self, error, wait):
        """Told only."""


def test_a_job_that_stands_still_cannot_be_undone_until_it_is_cancelled(at):
    for row in range(2, 8):
        put(at, "Inventory", row, "Available", 70 + row)
    job, watcher = store(at.systems, plan_export(at.systems)), StopsAfterOneBatch()
    limits, options = Limits(stopping=lambda: watcher.stopped), ExportOptions(batch_size=2)
    result = apply(at.systems, at.audit, job, watcher=watcher, limits=limits, options=options)
    assert (result.status.ended, result.books.done) == (False, 2)
    with pytest.raises(InputError, match="has not ended"):
        plan_undo(at.systems, at.audit, job)
    cancel(at.systems, at.audit, job)
    plan, _ = undo(at, job)
    assert [change.row for change in plan.changes] == [2, 3]
    assert [change.row for change in plan_export(at.systems).changes] == [4, 5, 6, 7]


def test_a_job_whose_records_are_in_line_again_has_not_ended(at):
    put(at, "Variants", 2, "Price", 77.5)
    put(at, "Variants", 9, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems))
    merchant(at).delete_variant(str(cell(at, "Variants", 9, "Variant ID")))
    assert apply(at.systems, at.audit, job).books.rejected == 1
    job_files.retry(at.systems, job)
    assert at.audit.session(job).status == "completed"
    with pytest.raises(InputError, match="has not ended"):
        plan_undo(at.systems, at.audit, job)


def test_the_job_file_may_be_gone(at):
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    at.sandbox.services["drive"].store.files.pop(job)
    assert len(plan_undo(at.systems, at.audit, job).changes) == 1


def test_an_undo_waits_for_the_world_it_was_planned_in(at):
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    stale = store(at.systems, plan_undo(at.systems, at.audit, job))
    undo(at, job)
    with pytest.raises(StalePlanError):
        apply(at.systems, at.audit, stale)


def test_the_mass_change_guard_asks_before_an_undo_as_before_an_export(at):
    sheet = tab(at, "Variants")
    letter = chr(64 + column(sheet, "Price"))
    sheet.update([[7] for _ in range(60)], f"{letter}2:{letter}61")
    job = export(at, tables=("variants",))
    plan = plan_undo(at.systems, at.audit, job)
    assert plan.books.planned == 67
    with pytest.raises(ConfirmationNeeded, match="change 60 of 67 variants"):
        apply(at.systems, at.audit, store(at.systems, plan))

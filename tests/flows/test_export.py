"""The export, end to end: real clients, real HTTP, and the sandbox's ledger as the judge."""

from __future__ import annotations

import pytest
from sandboxed import imported

from sheets_catalog.books import Books
from sheets_catalog.errors import ConfirmationNeeded, PlanError, StalePlanError
from sheets_catalog.flows import job_files
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.verification import verify
from sheets_catalog.jobs.state import Status


@pytest.fixture
def at():
    with imported() as one:
        yield one


def tab(at, title):
    return at.person().worksheet(title)


def column(sheet, header):
    return sheet.row_values(1).index(header) + 1


def put(sheet, row, header, value):
    sheet.update_cell(row, column(sheet, header), value)


def shop_edits(at, since):
    """Every field change the shop's ledger has, by record and field."""
    return [entry for entry in at.ledger(since) if entry["service"] == "shopify" and entry["actor"] != "merchant"]


def export(at, **options):
    chosen = ExportOptions(**options)
    plan = plan_export(at.systems, chosen)
    return plan, apply(at.systems, at.audit, store(at.systems, plan), options=chosen)


def test_ex_8_1_idempotency_a_second_run_sends_nothing(at):
    put(tab(at, "Variants"), 2, "Price", 77.5)
    put(tab(at, "Products"), 3, "Title", "A new title")
    put(tab(at, "Inventory"), 2, "Available", 321)
    since = len(at.ledger())
    plan, result = export(at)
    assert [change.table for change in plan.changes] == ["products", "variants", "inventory"] or len(plan.changes) == 3
    assert result.books.done == 3
    assert result.books.balanced
    assert len(shop_edits(at, since)) == 3
    since = len(at.ledger())
    plan, result = export(at)
    assert plan.empty
    assert result.books.unchanged == result.books.planned
    assert shop_edits(at, since) == []
    assert verify(at.systems).clean


def test_only_changed_fields_of_changed_rows_are_sent(at):
    put(tab(at, "Variants"), 2, "Price", 77.5)
    since = len(at.ledger())
    export(at)
    (entry,) = shop_edits(at, since)
    assert set(entry["effect"]["changes"]) == {"price"}
    assert entry["effect"]["changes"]["price"]["after"] == "77.50"


def test_what_the_preview_shows_is_what_is_sent(at):
    variants = tab(at, "Variants")
    put(variants, 2, "SKU", "00123")
    put(variants, 3, "Barcode", "1E5")
    put(variants, 4, "SKU", "=SUM(A1)")
    put(variants, 5, "SKU", "  spaces  ")
    put(variants, 6, "SKU", "812345678901234567")
    plan, result = export(at)
    sent = {(change.row, each.field): each.after for change in plan.changes for each in change.fields}
    assert sent[2, "sku"] == "00123"
    assert sent[3, "barcode"] == "1E5"
    assert sent[4, "sku"] == "=SUM(A1)"
    assert sent[6, "sku"] == "812345678901234567"
    assert result.books.rejected == 0
    records = at.systems.catalogue.by_ids("variants", [change.key for change in plan.changes])
    for change in plan.changes:
        for each in change.fields:
            assert records[change.key].values[each.field] == each.after


def test_a_cleared_cell_clears_and_a_missing_column_leaves_alone(at):
    variants = tab(at, "Variants")
    row = next(
        number for number, value in enumerate(variants.col_values(column(variants, "SKU")), 1) if number > 1 and value
    )
    put(variants, row, "SKU", "")
    plan, _ = export(at)
    assert [(each.field, each.after) for change in plan.changes for each in change.fields] == [("sku", None)]
    products = tab(at, "Products")
    products.delete_columns(column(products, "Vendor"))
    assert plan_export(at.systems).empty


def test_a_product_and_its_variants_are_created_once_and_get_their_ids(at):
    products, variants = tab(at, "Products"), tab(at, "Variants")
    at_row = len(products.col_values(1)) + 1
    for header, value in {"Handle": "neu-größe", "Title": "Neu 👕", "Status": "active", "Option1 Name": "Size"}.items():
        put(products, at_row, header, value)
    first = len(variants.col_values(1)) + 1
    for offset, size in enumerate(["S", "M"]):
        for header, value in {"Product Handle": "neu-größe", "Option1 Value": size, "Price": 10 + offset}.items():
            put(variants, first + offset, header, value)
    since = len(at.ledger())
    plan, result = export(at)
    assert result.books.done == 3, result.state.reasons
    made = [
        entry
        for entry in shop_edits(at, since)
        if entry["operation"] == "shopify.productSet" and "/Product/" in entry["target"]
    ]
    assert len(made) == 1
    product_id = products.cell(at_row, 1).value
    assert product_id.isdigit()
    assert variants.cell(first, column(variants, "Product ID")).value == product_id
    assert variants.cell(first + 1, 1).value.isdigit()
    assert plan_export(at.systems).empty
    assert at.systems.catalogue.product_by_handle("neu-größe").product.key == product_id


def test_a_new_variant_of_an_existing_product(at):
    variants = tab(at, "Variants")
    product = variants.cell(2, column(variants, "Product Handle")).value
    row = len(variants.col_values(1)) + 1
    values = {"Product Handle": product, "Option1 Value": "XXS", "Option2 Value": "White", "Price": 5, "SKU": "XXS-1"}
    for header, value in values.items():
        put(variants, row, header, value)
    _, result = export(at)
    assert result.books.done == 1, result.state.reasons
    assert variants.cell(row, 1).value.isdigit()
    assert plan_export(at.systems).empty


def merchant(at):
    return at.sandbox.services["shopify"]


def test_different_fields_merge_and_the_same_field_is_a_conflict_with_all_three_values(at):
    variants = tab(at, "Variants")
    one, two = variants.cell(2, 1).value, variants.cell(3, 1).value
    put(variants, 2, "Price", 77.5)
    merchant(at).edit_variant(one, barcode="4006381333931")
    put(variants, 3, "Price", 78.5)
    merchant(at).edit_variant(two, price="66.60")
    plan, result = export(at)
    assert [change.key for change in plan.changes] == [one]
    (conflict,) = plan.conflicts
    assert (conflict.key, conflict.sheet, conflict.shop) == (two, "78.50", "66.60")
    assert conflict.base not in {None, "78.50", "66.60"}
    assert result.books.done == 1
    assert result.books.conflicted == 1
    now = at.systems.catalogue.by_ids("variants", [one, two])
    assert now[one].values["price"] == "77.50"
    assert now[one].values["barcode"] == "4006381333931"
    assert now[two].values["price"] == "66.60"
    assert variants.cell(3, column(variants, "Price")).value in {"78.5", "78.50"}


@pytest.mark.parametrize(("choice", "expected"), [("sheet", "78.50"), ("shop", "66.60")])
def test_a_choice_in_the_conflicts_tab_is_applied_by_the_next_run(at, choice, expected):
    variants = tab(at, "Variants")
    key = variants.cell(3, 1).value
    put(variants, 3, "Price", 78.5)
    merchant(at).edit_variant(key, price="66.60")
    export(at)
    conflicts = tab(at, "Conflicts")
    shown = conflicts.row_values(2)
    assert shown[1] == key
    assert shown[5:7] == ["78.50", "66.60"]
    conflicts.update_cell(2, 8, choice)
    plan, result = export(at)
    assert result.books.done == 1
    assert [each.loser for change in plan.changes for each in change.fields] == [
        "66.60" if choice == "sheet" else "78.50"
    ]
    assert at.systems.catalogue.by_ids("variants", [key])[key].values["price"] == expected
    assert float(variants.cell(3, column(variants, "Price")).value) == float(expected)
    assert tab(at, "Conflicts").get_all_values()[1:] in ([], [[""] * 8])
    assert plan_export(at.systems).empty
    assert verify(at.systems).clean


@pytest.mark.parametrize(("policy", "expected"), [("sheet", "78.50"), ("shop", "66.60")])
def test_policies_settle_conflicts_and_the_loser_is_kept(at, policy, expected):
    variants = tab(at, "Variants")
    key = variants.cell(3, 1).value
    put(variants, 3, "Price", 78.5)
    merchant(at).edit_variant(key, price="66.60")
    _, result = export(at, policy=policy)
    assert result.books.done == 1
    assert at.systems.catalogue.by_ids("variants", [key])[key].values["price"] == expected
    report = at.audit.report(result.session_id)
    (record,) = [each for each in report.records if each.record_key == key]
    assert {record.changes[0].before, record.changes[0].after, record.changes[0].base} >= {"78.50", "66.60"}
    assert verify(at.systems).clean


def test_an_edit_in_the_shop_between_plan_and_apply_is_not_overwritten(at):
    variants = tab(at, "Variants")
    key = variants.cell(2, 1).value
    put(variants, 2, "Price", 77.5)
    plan = plan_export(at.systems)
    job = store(at.systems, plan)
    merchant(at).edit_variant(key, price="1.11")
    result = apply(at.systems, at.audit, job)
    assert result.books.conflicted == 1
    assert at.systems.catalogue.by_ids("variants", [key])[key].values["price"] == "1.11"
    assert [conflict.key for conflict in plan_export(at.systems).conflicts] == [key]


def test_stock_that_moved_is_a_conflict_by_compare_and_set(at):
    inventory = tab(at, "Inventory")
    item, place = inventory.row_values(2)[:2]
    put(inventory, 2, "Available", 500)
    job = store(at.systems, plan_export(at.systems))
    variant = inventory.cell(2, column(inventory, "Variant ID")).value
    merchant(at).set_inventory(variant, place, 7)
    result = apply(at.systems, at.audit, job)
    assert result.books.conflicted == 1
    assert at.systems.catalogue.by_ids("inventory", [f"{item}/{place}"])[f"{item}/{place}"].values["available"] == "7"


def test_a_plan_is_stale_once_another_run_has_moved_the_baseline(at):
    put(tab(at, "Variants"), 2, "Price", 77.5)
    first = store(at.systems, plan_export(at.systems))
    second = store(at.systems, plan_export(at.systems))
    assert apply(at.systems, at.audit, first).status is Status.FINISHED
    with pytest.raises(StalePlanError):
        apply(at.systems, at.audit, second)


def test_a_job_is_applied_once(at):
    put(tab(at, "Variants"), 2, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems))
    apply(at.systems, at.audit, job)
    since = len(at.ledger())
    again = apply(at.fresh(), at.audit, job)
    assert again.status is Status.FINISHED
    assert at.ledger(since) == []


def test_a_mass_change_asks_first(at):
    variants = tab(at, "Variants")
    size = len(variants.col_values(1))
    letter = chr(64 + column(variants, "Price"))
    variants.update([[99]] * (size - 1), f"{letter}2:{letter}{size}")
    plan = plan_export(at.systems, ExportOptions(tables=("variants",)))
    job = store(at.systems, plan)
    with pytest.raises(ConfirmationNeeded):
        apply(at.systems, at.audit, job)
    assert apply(at.systems, at.audit, job, confirmed=True).books.done == len(plan.changes)


def test_a_new_product_without_the_variants_its_option_needs_is_refused_before_anything_is_sent(at):
    products = tab(at, "Products")
    row = len(products.get_all_values()) + 1
    for header, value in {"Handle": "hat", "Title": "Hat", "Status": "DRAFT", "Option1 Name": "Size"}.items():
        put(products, row, header, value)
    plan = plan_export(at.systems, ExportOptions(tables=("products",)))
    assert plan.empty
    (finding,) = plan.findings
    assert (finding.rule, finding.row, finding.column, finding.found) == ("required", row, "Option1 Name", "Size")
    assert plan.books.rejected == 1
    assert plan.books.balanced


def test_missing_rows_are_only_removed_when_asked_for(at):
    products = tab(at, "Products")
    key = products.cell(2, 1).value
    products.delete_rows(2)
    plan = plan_export(at.systems)
    assert not plan.changes
    assert [finding.rule for finding in plan.findings] == ["missing_rows"]
    _, result = export(at, deletes="archive", tables=("products",))
    assert result.books.done == 1
    assert at.systems.catalogue.by_ids("products", [key])[key].values["status"] == "ARCHIVED"
    assert plan_export(at.systems, ExportOptions(deletes="archive", tables=("products",))).empty, "once is enough"


def test_a_deleted_row_is_deleted_in_the_shop_when_asked_for(at):
    products = tab(at, "Products")
    key = products.cell(2, 1).value
    products.delete_rows(2)
    _, result = export(at, deletes="delete", tables=("products",))
    assert result.books.done == 1
    assert at.systems.catalogue.by_ids("products", [key]) == {}
    assert plan_export(at.systems, ExportOptions(deletes="delete", tables=("products",))).empty


def test_an_emptied_sheet_is_refused_and_never_taken_for_a_wish(at):
    products = tab(at, "Products")
    products.batch_clear(["A2:Z500"])
    with pytest.raises(PlanError, match="empty"):
        plan_export(at.systems, ExportOptions(deletes="delete"))


def test_bad_cells_are_named_exactly_and_stop_only_their_row(at):
    variants = tab(at, "Variants")
    put(variants, 2, "Price", "19,90")
    put(variants, 3, "Price", 77.5)
    put(variants, 4, "Price", "")
    put(variants, 5, "Taxable", "perhaps")
    variants.update_cell(6, column(variants, "Price"), "=1/0")
    variants.update([["=1/0"]], f"{chr(64 + column(variants, 'Price'))}6", raw=False)
    plan, result = export(at)
    found = {(finding.row, finding.column, finding.rule) for finding in plan.findings}
    assert found == {
        (2, "Price", "bad_value"),
        (4, "Price", "required"),
        (5, "Taxable", "bad_value"),
        (6, "Price", "bad_value"),
    }
    assert all(finding.advice and finding.message for finding in plan.findings)
    assert result.books.done == 1
    assert result.books.rejected == 4
    assert result.books.balanced


def test_a_value_that_sheets_turned_into_a_date_is_reported_not_sent(at):
    variants = tab(at, "Variants")
    at_column = column(variants, "SKU")
    variants.format(
        f"{chr(64 + at_column)}2:{chr(64 + at_column)}3", {"numberFormat": {"type": "DATE", "pattern": "d-mmm"}}
    )
    variants.update([["3-4"]], f"{chr(64 + at_column)}2", raw=False)
    plan = plan_export(at.systems)
    assert not plan.changes
    (finding,) = plan.findings
    assert finding.rule == "reformatted"
    assert finding.row == 2


def test_duplicate_keys_columns_and_unknown_ids_are_named(at):
    products = tab(at, "Products")
    key = products.cell(2, 1).value
    products.update_cell(3, 1, key)
    products.update_cell(4, 1, "999")
    plan = plan_export(at.systems)
    rules = sorted((finding.rule, finding.row) for finding in plan.findings if finding.severity == "error")
    assert rules == [("duplicate_key", 2), ("duplicate_key", 3), ("unknown_id", 4)]
    assert plan.books.rejected == 3
    assert plan.books.balanced
    products.update_cell(1, 5, "Title")
    with pytest.raises(PlanError, match="Title"):
        plan_export(at.systems)


def test_columns_may_be_reordered_and_renamed_ones_are_noticed(at):
    products = tab(at, "Products")
    rows = products.get_all_values()
    products.update([list(reversed(row)) for row in rows], raw=True)
    assert plan_export(at.systems, ExportOptions(tables=("products",))).empty
    products.update_cell(1, column(products, "Vendor"), "Vendro")
    plan = plan_export(at.systems, ExportOptions(tables=("products",)))
    assert [finding.rule for finding in plan.findings] == ["renamed_column"]


def test_merged_cells_are_reported(at):
    variants = tab(at, "Variants")
    letter = chr(64 + column(variants, "Price"))
    variants.merge_cells(f"{letter}2:{letter}3")
    plan = plan_export(at.systems)
    assert {(finding.rule, finding.row) for finding in plan.findings} == {("merged_cells", 2), ("merged_cells", 3)}
    assert not plan.changes


def test_a_formula_in_an_owned_column_gives_its_value_and_stays(at):
    variants = tab(at, "Variants")
    letter = chr(64 + column(variants, "Price"))
    variants.update([["=2*10+0.5"]], f"{letter}2", raw=False)
    _, result = export(at)
    assert result.books.done == 1
    key = variants.cell(2, 1).value
    assert at.systems.catalogue.by_ids("variants", [key])[key].values["price"] == "20.50"
    assert variants.acell(f"{letter}2", value_render_option="FORMULA").value == "=2*10+0.5"


def test_rows_sorted_between_plan_and_apply_get_the_right_ids(at):
    products = tab(at, "Products")
    row = len(products.col_values(1)) + 1
    for header, value in {"Handle": "aaa-first", "Title": "Aaa"}.items():
        put(products, row, header, value)
    job = store(at.systems, plan_export(at.systems))
    products.sort((column(products, "Handle"), "asc"), range=f"A2:M{row}")
    result = apply(at.systems, at.audit, job)
    assert result.books.done == 1, result.state.reasons
    found = products.find("aaa-first")
    made = at.systems.catalogue.product_by_handle("aaa-first").product.key
    assert products.cell(found.row, 1).value == made
    assert plan_export(at.systems).empty


def test_other_peoples_columns_formats_and_notes_are_untouched(at):
    products = tab(at, "Products")
    products.add_cols(2)
    at_column = len(products.row_values(1)) + 1
    products.update_cell(1, at_column, "My notes")
    products.update([["=ROW()*2"], ["x"]], f"{chr(64 + at_column)}2:{chr(64 + at_column)}3", raw=False)
    before = products.get_all_values(value_render_option="FORMULA")
    key = products.cell(2, 1).value
    merchant(at).edit_product(key, vendor="Changed in the shop")
    put(products, 3, "Title", "Changed in the sheet")
    export(at, policy="shop")
    import_catalogue(at.systems, at.audit)
    after = products.get_all_values(value_render_option="FORMULA")
    changed = [
        (row, at_) for row, (one, other) in enumerate(zip(before, after, strict=True), 1)
        for at_, (a, b) in enumerate(zip(one, other, strict=True), 1) if a != b
    ]  # fmt: skip
    assert changed == [(2, column(products, "Vendor")), (3, column(products, "Title"))]


def test_jobs_are_listed_shown_cancelled_and_cleaned(at):
    put(tab(at, "Variants"), 2, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems))
    at.sandbox.world.clock.advance(30)
    (listed,) = job_files.list_jobs(at.systems)
    assert (listed.job_id, listed.status, listed.flow) == (job, "planned", "export")
    view = job_files.show(at.systems, job)
    assert view.items[0].change.fields[0].after == "77.50"
    assert job_files.cancel(at.systems, job) is Status.CANCELLED
    result = apply(at.systems, at.audit, job)
    assert result.status is Status.CANCELLED
    assert result.books == Books(planned=result.books.planned, unchanged=result.books.unchanged, pending=1)
    assert job_files.clean(at.systems, older_than_days=1) == []
    at.sandbox.world.clock.advance(3 * 86400)


def test_no_phase_of_a_report_is_longer_than_the_whole(at):
    """Both by the same clock, from the same moment to the same moment."""
    put(tab(at, "Variants"), 2, "Price", 77.5)
    _, result = export(at)
    report = at.audit.report(result.session_id)
    assert [phase.name for phase in report.phases] == ["update"]
    assert 0 < report.phases[0].seconds == pytest.approx(report.session.seconds)
    found = import_catalogue(at.systems, at.audit)
    report = at.audit.report(found.session_id)
    assert 0 < report.phases[0].seconds == pytest.approx(report.session.seconds)
    assert report.phases[0].records == found.books.done


def test_stock_typed_for_a_new_variant_is_named_and_arrives_by_import_and_a_second_export(at):
    """Its ids are not known before the shop has made them: nothing of it is left out in silence."""
    products, variants, inventory = (tab(at, title) for title in ("Products", "Variants", "Inventory"))
    add(products, Handle="stocked", Title="Stocked", **{"Option1 Name": "Size"})
    add(variants, Price=5, SKU="ST-S", **{"Product Handle": "stocked", "Option1 Value": "S", "Track Inventory": True})
    add(inventory, SKU="ST-S", Location="Warehouse Berlin", Available=7)
    plan, result = export(at)
    (finding,) = [each for each in plan.findings if each.severity == "error"]
    assert (finding.tab, finding.row) == ("Inventory", len(inventory.col_values(9)))
    assert "its number 7 (SKU ST-S) is not sent" in finding.message
    assert "Type the number there" in finding.advice
    assert (result.books.done, result.books.rejected) == (2, 1)
    inventory.delete_rows(finding.row)
    import_catalogue(at.systems, at.audit)
    rows = inventory.get_all_records()
    row = next(n for n, each in enumerate(rows, 2) if each["SKU"] == "ST-S" and each["Location"] == "Warehouse Berlin")
    put(inventory, row, "Available", 7)
    _, result = export(at)
    assert result.books.done == 1, result.state.reasons
    key = "/".join(inventory.row_values(row)[:2])
    assert at.systems.catalogue.by_ids("inventory", [key])[key].values["available"] == "7"


def add(sheet, **cells):
    """A row at the end, by header."""
    sheet.append_row([cells.get(name, "") for name in sheet.row_values(1)], table_range="A1")


def test_the_figures_of_a_run_that_died_are_kept_with_its_checkpoints(at):
    """What it called until its last checkpoint stands in the report, and the next run's is added to it."""

    class DyingError(BaseException):
        """Nothing may catch it: the process is gone."""

    class Dying:
        def batch_started(self, number, items):
            if number == 2:
                raise DyingError

        def batch_ended(self, number, outcomes, seconds): ...

        def progressed(self, books, note): ...

        def troubled(self, error, wait): ...

    for row in (2, 3):
        put(tab(at, "Products"), row, "Vendor", "Somebody else")
    options = ExportOptions(batch_size=1)
    job = store(at.systems, plan_export(at.systems, options))
    with pytest.raises(DyingError):
        apply(at.fresh(), at.audit, job, options=options, watcher=Dying())
    died = at.audit.report(job)
    assert died.figures["calls"] >= 10
    assert died.figures["calls_shopify.productUpdate"] == 1
    assert [(phase.name, phase.records) for phase in died.phases] == [("update", 1)]
    apply(at.fresh(), at.audit, job, options=options)
    whole = at.audit.report(job)
    assert whole.figures["calls_shopify.productUpdate"] == 2
    assert whole.figures["calls"] > died.figures["calls"]
    assert [(phase.name, phase.records) for phase in whole.phases] == [("update", 2)]
    assert whole.phases[0].seconds <= whole.session.seconds


def test_what_was_sent_of_a_row_that_could_not_be_written_into_is_agreed_on(at):
    """A cell that goes back to what it held before is an edit."""
    variants = tab(at, "Variants")
    held = variants.cell(2, column(variants, "Barcode")).value or ""
    variants.update([["=50+11"]], f"{chr(64 + column(variants, 'Price'))}2", raw=False)
    put(variants, 2, "Barcode", "typed")
    merchant(at).edit_variant(variants.cell(2, 1).value, price="70.00")
    assert export(at, policy="shop")[1].books.conflicted == 1
    put(variants, 2, "Barcode", held)
    (change,) = plan_export(at.fresh()).changes
    assert [(each.field, each.before) for each in change.fields] == [("barcode", "typed")]

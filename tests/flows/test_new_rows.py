"""New rows whose answer was lost, that changed before they were sent, or that are many: one record each, never two."""

from __future__ import annotations

import pytest
import requests
from sandboxed import imported

from sheets_catalog.books import Books
from sheets_catalog.flows import control
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store, unlinked, work
from sheets_catalog.flows.exporting.sending import marker
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.tabs import letter
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import JobState, Result, Status

CHANGED = "Its row was changed, copied or removed since the plan was made: plan again."
PRODUCT_CHANGED = "The row of its product was changed, copied or removed since the plan was made: plan again."
VARIANT_CHANGED = (
    "The row of a variant of this product was changed, copied or removed since the plan was made: plan again."
)


@pytest.fixture
def at():
    with imported() as one:
        yield one


def tab(at, title):
    return at.person().worksheet(title)


def append(at, title, *rows):
    """Rows by header after the last one; the number of the first."""
    sheet = tab(at, title)
    header, first = sheet.row_values(1), len(sheet.get_all_values()) + 1
    if sheet.row_count < first + len(rows):
        sheet.add_rows(len(rows) + 5)
    sheet.update([[row.get(name, "") for name in header] for row in rows], f"A{first}", raw=True)
    return first


def put(at, title, row, header, value):
    sheet = tab(at, title)
    sheet.update_cell(row, sheet.row_values(1).index(header) + 1, value)


def cells(at, title, first, number, header):
    sheet = tab(at, title)
    at_column = sheet.row_values(1).index(header)
    return [row[at_column] for row in sheet.get_all_values()[first - 1 : first - 1 + number]]


def go(at, job):
    return apply(at.fresh(), at.audit, job, options=ExportOptions(change_share=1))


def planned(at):
    return store(at.systems, plan_export(at.systems))


def made(at):
    return at.sandbox.services["shopify"].store


def lose_the_answer(at, operation):
    requests.delete(f"{at.sandbox.url}/_sandbox/requests", timeout=10)
    spec = {"service": "shopify", "operation": operation, "kind": "fin", "when": "after", "nth": 1}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=spec, timeout=10).ok


@pytest.mark.parametrize("handle", ["MixedCase", "with space", "Größe-neu", "under_score", "日本語"])
def test_a_product_whose_handle_the_shop_writes_otherwise_is_found_though_the_answer_was_lost(at, handle):
    row = append(at, "Products", {"Handle": handle, "Title": "Lost", "Status": "active", "Option1 Name": "Size"})
    variant = append(at, "Variants", {"Product Handle": handle, "Option1 Value": "S", "Price": 5})
    before, job = len(made(at).products), planned(at)
    lose_the_answer(at, "shopify.productSet")
    result = go(at, job)
    assert not at.sandbox.gateway.faults.unconsumed
    assert result.books.done == 2, result.state.reasons
    assert len(made(at).products) == before + 1
    assert cells(at, "Products", row, 1, "Product ID")[0].isdigit()
    assert cells(at, "Variants", variant, 1, "Variant ID")[0].isdigit()
    assert not plan_export(at.systems).changes


@pytest.mark.parametrize(
    ("header", "value"), [("Title", "Completely other"), ("Handle", "other-handle"), ("Product ID", "12345")]
)
def test_a_new_row_that_was_renamed_before_it_is_sent_is_not_sent(at, header, value):
    row = append(at, "Products", {"Title": "Brand new", "Status": "active"})
    before, job = len(made(at).products), planned(at)
    put(at, "Products", row, header, value)
    result = go(at, job)
    assert (result.books.conflicted, result.state.reasons) == (1, {0: CHANGED})
    assert len(made(at).products) == before


def test_a_new_row_that_was_renamed_is_made_once_by_the_next_plan(at):
    row = append(at, "Products", {"Title": "Brand new", "Status": "active"})
    before, job = len(made(at).products), planned(at)
    put(at, "Products", row, "Title", "Completely other")
    go(at, job)
    assert go(at, planned(at)).books.done == 1
    assert len(made(at).products) == before + 1
    assert not plan_export(at.systems).changes


def test_a_removed_or_copied_new_row_is_not_sent_and_takes_its_variants_with_it(at):
    gone, twice = ({"Handle": name, "Title": name, "Option1 Name": "Size"} for name in ("gone", "twice"))
    append(at, "Products", twice, gone)
    append(at, "Variants", *({"Product Handle": name, "Option1 Value": "S", "Price": 5} for name in ("gone", "twice")))
    before, job = (len(made(at).products), len(made(at).variants)), planned(at)
    sheet = tab(at, "Products")
    sheet.delete_rows(len(sheet.get_all_values()))
    append(at, "Products", twice)
    result = go(at, job)
    assert result.books.conflicted == 4
    assert sorted(result.state.reasons.values()) == [CHANGED, CHANGED, PRODUCT_CHANGED, PRODUCT_CHANGED]
    assert (len(made(at).products), len(made(at).variants)) == before


def test_a_new_product_is_not_made_without_a_variant_whose_option_was_changed(at):
    append(at, "Products", {"Handle": "two", "Title": "Two", "Option1 Name": "Size"})
    first = append(
        at, "Variants", *({"Product Handle": "two", "Option1 Value": size, "Price": 5} for size in ("S", "M"))
    )
    job = planned(at)
    put(at, "Variants", first + 1, "Option1 Value", "XL")
    result = go(at, job)
    assert sorted(result.state.reasons.values()) == [CHANGED, VARIANT_CHANGED, VARIANT_CHANGED]
    assert at.systems.catalogue.product_by_handle("two") is None
    assert go(at, planned(at)).books.done == 3
    tree = at.systems.catalogue.product_by_handle("two")
    assert [each.record.values["option1"] for each in tree.variants] == ["S", "XL"]


@pytest.mark.parametrize("wrong", [{"Price": "abc"}, {"Price": ""}, {"Price": 5, "Taxable": "perhaps"}])
@pytest.mark.parametrize("options", [False, True])
def test_a_product_is_not_planned_without_a_variant_that_is_refused(at, wrong, options):
    append(at, "Products", {"Handle": "lamp", "Title": "Lamp", **({"Option1 Name": "Size"} if options else {})})
    good = [{"Product Handle": "lamp", "Price": 9, "Option1 Value": "M"}] if options else []
    bad = {"Product Handle": "lamp", "Option1 Value": "L" if options else "", **wrong}
    append(at, "Variants", *good, bad)
    plan = plan_export(at.systems)
    assert plan.changes == ()
    assert "variant_refused" in {finding.rule for finding in plan.findings}
    assert plan.books.rejected == 2 + len(good)
    put(at, "Variants", len(tab(at, "Variants").get_all_values()), "Price", 12)
    if "Taxable" not in wrong:
        assert len(plan_export(at.fresh()).changes) == 2 + len(good)


def test_a_product_is_not_planned_without_the_variant_that_another_tab_has_for_it(at):
    append(at, "Products", {"Handle": "lamp", "Title": "Lamp", "Status": "active"})
    row = append(at, "Variants", {"Product Handle": "lamp", "Price": 49.9})
    plan = plan_export(at.systems, ExportOptions(tables=("products",)))
    assert (plan.changes, plan.books.rejected) == ((), 1)
    (finding,) = plan.findings
    assert (finding.rule, finding.tab) == ("variant_refused", "Products")
    assert f"(Variants, row {row})" in finding.message
    assert go(at, planned(at)).books.done == 2
    (variant,) = at.systems.catalogue.product_by_handle("lamp").variants
    assert variant.record.values["price"] == "49.90"


@pytest.mark.parametrize("named", [{"Handle": "taken", "Title": "Mine"}, {"Title": "Taken"}])
def test_a_variant_of_a_new_product_whose_handle_is_taken_goes_nowhere_when_its_tab_is_planned_alone(at, named):
    at.sandbox.services["shopify"].add_product(title="Of the merchant", handle="taken")
    append(at, "Products", {**named, "Option1 Name": "Size"})
    append(at, "Variants", {"Product Handle": "taken", "Option1 Value": "S", "Price": 5})
    plan = plan_export(at.systems, ExportOptions(tables=("variants",)))
    assert (plan.changes, [each.rule for each in plan.findings]) == ((), ["unknown_product"])


@pytest.mark.parametrize("rows", [[{"Status": "no such one"}], [{}, {}]], ids=["unreadable", "double"])
def test_a_variant_of_a_refused_product_that_only_a_title_names_goes_into_no_product_that_has_its_handle(at, rows):
    at.sandbox.services["shopify"].add_product(title="Of the merchant", handle="taken")
    append(at, "Products", *({"Title": "Taken", **row} for row in rows))
    append(at, "Variants", {"Product Handle": "taken", "Option1 Value": "S", "Price": 5})
    plan = plan_export(at.systems)
    assert (plan.changes, plan.findings[-1].rule) == ((), "unknown_product")


def test_what_an_earlier_request_made_after_we_had_looked_is_ours_and_not_refused(at, monkeypatch):
    append(at, "Products", {"Handle": "lamp", "Title": "Lamp"})
    append(at, "Variants", {"Product Handle": "lamp", "Price": 9})
    row = append(
        at, "Variants", {"Product Handle": "linen-shirt", "Price": 9, "Option1 Value": "XS", "Option2 Value": "Red"}
    )
    deliver = work.deliver

    def twice(*what):
        """The first request comes in late, just before the second."""
        list(deliver(*what))
        return deliver(*what)

    monkeypatch.setattr(work, "deliver", twice)
    result = go(at, planned(at))
    assert (result.books.done, result.books.rejected) == (3, 0)
    assert tab(at, "Variants").cell(row, 1).value
    assert len(at.systems.catalogue.product_by_handle("lamp").variants) == 1
    assert plan_export(at.fresh()).empty


@pytest.mark.parametrize("tables", [("products",), ("products", "variants")])
def test_a_product_without_any_variant_row_is_planned_with_a_warning(at, tables):
    row = append(at, "Products", {"Handle": "lamp", "Title": "Lamp"})
    plan = plan_export(at.systems, ExportOptions(tables=tables))
    (finding,) = plan.findings
    assert (finding.severity, finding.rule, finding.tab, finding.row) == ("warning", "no_variant", "Products", row)
    assert len(plan.changes) == 1


def test_long_operation_keys_that_begin_alike_are_different_ones():
    one, other = (marker("job", f"new:{'ä' * 300}{end}") for end in "ab")
    assert one != other
    assert len(one) == len(other) == 255
    assert marker("job", "new:lamp") == "job/new:lamp"


def test_a_product_is_not_made_at_no_price_when_its_only_variant_is_not_sent(at):
    append(at, "Products", {"Handle": "plain-one", "Title": "Plain one", "Status": "active"})
    row = append(at, "Variants", {"Product Handle": "plain-one", "Price": 49.9, "SKU": "P1"})
    job = planned(at)
    put(at, "Variants", row, "Product Handle", "Plain-one")
    result = go(at, job)
    assert sorted(result.state.reasons.values()) == [CHANGED, VARIANT_CHANGED]
    assert at.systems.catalogue.product_by_handle("plain-one") is None
    put(at, "Variants", row, "Product Handle", "plain-one")
    assert go(at, planned(at)).books.done == 2
    (variant,) = at.systems.catalogue.product_by_handle("plain-one").variants
    assert variant.record.values["price"] == "49.90"


def change_while_it_is_made(at, operation, title, row, header, value):
    """A person types into a row when the record was made and its id is not yet written."""
    column = letter(tab(at, title).row_values(1).index(header))
    path = f"/v4/spreadsheets/{at.spreadsheet_id}/values/{title}!{column}{row}?valueInputOption=RAW"
    typed = {"email": "owner@example.com", "method": "PUT", "path": path, "body": {"values": [[value]]}}
    requests.delete(f"{at.sandbox.url}/_sandbox/requests", timeout=10)
    spec = {"service": "shopify", "operation": operation, "kind": "hook:collaborator", "when": "after", "nth": 1}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json={**spec, "requests": [typed]}, timeout=10).ok


def test_a_product_renamed_while_it_is_made_is_named_by_the_next_plan_and_not_made_again(at):
    row = append(at, "Products", {"Title": "Brand new", "Status": "active"})
    before, job = len(made(at).products), planned(at)
    change_while_it_is_made(at, "shopify.productSet", "Products", row, "Title", "Completely other")
    result = go(at, job)
    assert not at.sandbox.gateway.faults.unconsumed
    assert result.books.conflicted == 1
    key = str(max(made(at).products))
    assert f"Its id in the shop is {key}." in result.state.reasons[0]
    plan = plan_export(at.fresh())
    assert not plan.changes
    assert [(one.rule, one.row) for one in plan.findings if one.severity == "error"] == [("unlinked", row)]
    assert key in next(one.message for one in plan.findings if one.rule == "unlinked")
    put(at, "Products", row, "Product ID", key)
    import_catalogue(at.fresh(), at.audit)
    assert go(at, planned(at)).books.rejected == 0
    assert len(made(at).products) == before + 1


def a_product_without_row(at, **more):
    """A product whose row was renamed while it was made; its id in the shop, and the number of that row."""
    row = append(at, "Products", {"Title": "Brand new", "Status": "active", **more})
    job = planned(at)
    change_while_it_is_made(at, "shopify.productSet", "Products", row, "Title", "Completely other")
    assert go(at, job).books.conflicted == 1
    assert not at.sandbox.gateway.faults.unconsumed
    return str(max(made(at).products)), row


@pytest.mark.parametrize("deletes", ["delete", "archive", "ignore"])
def test_a_product_that_never_had_a_row_is_not_missing_from_the_sheet(at, deletes):
    total = plan_export(at.systems).totals["products"]
    key, _ = a_product_without_row(at)
    plan = plan_export(at.fresh(), ExportOptions(deletes=deletes))
    assert key in control.find(at.systems).load()[0].table("products")
    assert not plan.changes
    assert [one.rule for one in plan.findings] == ["unlinked"]
    assert plan.totals["products"] == total + 1


def test_a_product_without_row_is_remembered_by_another_process_and_under_another_handle(at):
    row = append(at, "Products", {"Title": "Brand new", "Status": "active"}, {"Title": "Next", "Status": "active"})
    before, job = set(made(at).products), planned(at)
    change_while_it_is_made(at, "shopify.productSet", "Products", row, "Title", "Completely other")
    limits = Limits(stopping=lambda: len(made(at).products) > len(before))
    paused = apply(at.fresh(), at.audit, job, limits=limits, options=ExportOptions(batch_size=1))
    assert (paused.books.conflicted, paused.books.pending) == (1, 1)
    (key,) = set(made(at).products) - before
    at.sandbox.services["shopify"].edit_product(key, handle="named-for-search-engines", status="DRAFT")
    assert go(at, job).status is Status.FINISHED
    assert str(key) in control.find(at.systems).load()[0].table("products")


def test_a_product_without_row_is_remembered_when_its_job_is_stopped_and_not_made_again_by_the_next_plan(at):
    row = append(at, "Products", {"Title": "Brand new", "Status": "active"}, {"Title": "Next", "Status": "active"})
    before, job = len(made(at).products), planned(at)
    change_while_it_is_made(at, "shopify.productSet", "Products", row, "Title", "Completely other")
    limits = Limits(stopping=lambda: len(made(at).products) > before)
    paused = apply(at.fresh(), at.audit, job, limits=limits, options=ExportOptions(batch_size=1))
    assert (paused.books.conflicted, paused.books.pending) == (1, 1)
    plan = plan_export(at.fresh())
    assert [change.label for change in plan.changes] == ["Next"]
    assert ("error", row) in unlinked_in(plan)


@pytest.mark.parametrize("length", [1, 100, 200])
def test_the_id_of_a_record_without_row_is_told_whole_however_long_its_reason(length):
    state = JobState.new(1, "", Books()).settle([(0, Result.CONFLICTED, unlinked.reason("x" * length, "9" * 20))])
    assert unlinked.key_in(state.reasons[0]) == "9" * 20


def test_a_variant_that_never_had_a_row_is_not_missing_from_the_sheet(at):
    handle = tab(at, "Variants").cell(2, 3).value
    new = {"Product Handle": handle, "Option1 Value": "XXS", "Option2 Value": "White", "Price": 5}
    row, before = append(at, "Variants", new), len(made(at).variants)
    job = planned(at)
    change_while_it_is_made(at, "shopify.productVariantsBulkCreate", "Variants", row, "Option1 Value", "XXL")
    assert go(at, job).books.conflicted == 1
    plan = plan_export(at.fresh(), ExportOptions(deletes="delete"))
    assert [one.rule for one in plan.findings] == ["unlinked"]
    assert not plan.changes
    assert plan_export(at.fresh(), ExportOptions(tables=("products",))).totals["variants"] == before


def unlinked_in(plan):
    return [(one.severity, one.row) for one in plan.findings if one.rule == "unlinked"]


LONG = "Turned from one piece of ash, oiled twice, with a felt base."


@pytest.mark.parametrize(
    ("more", "other"),
    [
        ({}, {"Title": "Next year's lamp", "Status": "draft"}),
        ({"Vendor": "V"}, {"Title": "Next year's lamp", "Vendor": "W"}),
        ({"Description": LONG, "Vendor": "V"}, {"Title": "Next year's lamp", "Vendor": "V"}),
        ({"Vendor": "V"}, {"Title": "Next year's lamp", "Vendor": "V", "Description": LONG}),
    ],
)
def test_a_product_without_row_does_not_hold_back_other_new_products(at, more, other):
    _, row = a_product_without_row(at, **more)
    append(at, "Products", other)
    plan = plan_export(at.fresh())
    assert unlinked_in(plan) == [("error", row)]
    assert [change.label for change in plan.changes] == [other["Title"]]


@pytest.mark.parametrize("moved", [False, True])
def test_of_new_products_that_may_all_be_the_one_without_row_only_that_in_its_place_is_held_back(at, moved):
    key, row = a_product_without_row(at)
    append(at, "Products", {"Title": "Third"}, {"Title": "Fourth", "Status": "draft"})
    if moved:
        tab(at, "Products").insert_rows([[], [], []], row)
    plan = plan_export(at.fresh())
    held = ("warning", row + 3) if moved else ("error", row)
    assert unlinked_in(plan) == [held, ("warning", held[1] + 1)]
    told = [one for one in plan.findings if one.rule == "unlinked"]
    assert all(key in one.message and key in one.advice for one in told)
    assert len(plan.changes) == (3 if moved else 2)


@pytest.mark.parametrize(("header", "value"), [("Title", "Brand new"), ("Handle", "brand-new")])
def test_a_product_whose_name_is_typed_back_is_held_back_and_no_other(at, header, value):
    _, row = a_product_without_row(at)
    append(at, "Products", {"Title": "Third"}, {"Title": "Fourth"})
    put(at, "Products", row, header, value)
    plan = plan_export(at.fresh())
    assert unlinked_in(plan) == [("error", row)]
    assert sorted(change.label for change in plan.changes) == ["Fourth", "Third"]


def test_after_an_import_the_row_that_may_be_a_double_is_named_until_it_was_sent(at):
    key, row = a_product_without_row(at)
    import_catalogue(at.fresh(), at.audit)
    plan = plan_export(at.fresh())
    assert unlinked_in(plan) == [("warning", row)]
    assert key in plan.findings[0].message
    assert "delete this row" in plan.findings[0].advice
    assert go(at, store(at.systems, plan)).books.done == 1
    append(at, "Products", {"Title": "Third"})
    assert not unlinked_in(plan_export(at.fresh()))


def test_an_id_that_is_typed_frees_all_other_rows(at):
    key, row = a_product_without_row(at)
    append(at, "Products", {"Title": "Third"})
    put(at, "Products", row, "Product ID", key)
    plan = plan_export(at.fresh())
    assert not unlinked_in(plan)
    assert [change.label for change in plan.changes if change.action == "create"] == ["Third"]


def test_a_variant_without_row_holds_back_only_variants_of_its_product_or_with_its_sku(at):
    handles = tab(at, "Variants").col_values(3)
    mine, other = handles[1], handles[-1]
    new = {"Product Handle": mine, "Option1 Value": "XXS", "Option2 Value": "White", "Price": 5, "SKU": "X-1"}
    row = append(at, "Variants", new)
    job = planned(at)
    change_while_it_is_made(at, "shopify.productVariantsBulkCreate", "Variants", row, "Option1 Value", "XXL")
    assert go(at, job).books.conflicted == 1
    append(
        at,
        "Variants",
        {"Product Handle": other, "Option1 Value": "new", "Option2 Value": "x", "Price": 5},
        {"Product Handle": other, "Option1 Value": "newer", "Option2 Value": "x", "Price": 5, "SKU": "X-1"},
        {**new, "Option1 Value": "5XL", "SKU": "X-2"},
    )
    assert unlinked_in(plan_export(at.fresh())) == [("error", row), ("error", row + 2)]


def test_a_variant_renamed_while_it_is_made_is_not_made_again_and_an_import_frees_other_new_rows(at):
    handle = tab(at, "Variants").cell(2, 3).value
    new = {"Product Handle": handle, "Option1 Value": "XXS", "Option2 Value": "White", "Price": 5}
    row = append(at, "Variants", new)
    before, job = len(made(at).variants), planned(at)
    change_while_it_is_made(at, "shopify.productVariantsBulkCreate", "Variants", row, "Option1 Value", "XXL")
    assert go(at, job).books.conflicted == 1
    plan = plan_export(at.fresh())
    assert not plan.changes
    assert [(one.rule, one.row) for one in plan.findings if one.severity == "error"] == [("unlinked", row)]
    append(at, "Variants", {**new, "Option1 Value": "XXXL", "Price": 6})
    assert [change.label for change in plan_export(at.fresh()).changes] == [f"{handle} · XXXL / White"]
    import_catalogue(at.fresh(), at.audit)
    assert len(plan_export(at.fresh()).changes) == 2
    assert len(made(at).variants) == before + 1


def test_rows_that_were_only_sorted_are_sent(at):
    row = append(at, "Products", {"Title": "Brand new", "Status": "active"})
    job = planned(at)
    tab(at, "Products").insert_row([], 2)
    assert go(at, job).books.done == 1
    assert cells(at, "Products", row + 1, 1, "Product ID")[0].isdigit()


@pytest.mark.parametrize("lost", [False, True])
def test_names_and_values_of_options_with_spaces_around_them(at, lost):
    append(at, "Products", {"Handle": "spaced", "Title": "Spaced", "Option1 Name": " Size "})
    append(at, "Variants", *({"Product Handle": "spaced", "Option1 Value": one, "Price": 5} for one in (" S", "M ")))
    job = planned(at)
    if lost:
        lose_the_answer(at, "shopify.productSet")
    result = go(at, job)
    assert not at.sandbox.gateway.faults.unconsumed
    assert result.books.done == 3, result.state.reasons
    tree = at.systems.catalogue.product_by_handle("spaced")
    assert [each.record.values["option1"] for each in tree.variants] == ["S", "M"]


@pytest.mark.parametrize("lost", ["", "shopify.productSet", "shopify.productVariantsBulkCreate"])
@pytest.mark.parametrize("handle", ["big", "Größe Groß"])
def test_a_new_product_with_more_variants_than_go_at_once(at, lost, handle):
    append(at, "Products", {"Handle": handle, "Title": "Big", "Option1 Name": " Size "})
    rows = [{"Product Handle": handle, "Option1 Value": f"S{number}", "Price": 5} for number in range(270)]
    append(at, "Variants", *rows)
    before, job = len(made(at).variants), planned(at)
    if lost:
        lose_the_answer(at, lost)
    result = go(at, job)
    assert not at.sandbox.gateway.faults.unconsumed
    assert (result.status, result.books.done) == (Status.FINISHED, 271), result.state.reasons
    assert len(made(at).variants) == before + 270
    assert not plan_export(at.systems).changes


def test_variants_of_a_new_product_that_was_refused_say_so(at):
    append(at, "Products", {"Handle": "refused", "Title": "Refused", "Option1 Name": "Size"})
    append(at, "Variants", {"Product Handle": "refused", "Option1 Value": "S", "Price": 5})
    job = planned(at)
    at.sandbox.services["shopify"].add_product("refused")
    result = go(at, job)
    assert result.status is Status.FINISHED
    assert [result.state.result(item) for item in (0, 1)] == [Result.CONFLICTED, Result.CONFLICTED]

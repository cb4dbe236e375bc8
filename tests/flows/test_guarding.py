"""When a plan asks before it is applied: by the share of each table's records."""

from __future__ import annotations

import pytest
from sandboxed import imported

from sheets_catalog.errors import ConfirmationNeeded
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.exporting.guarding import guard


@pytest.fixture(scope="module")
def at():
    with imported() as one:
        yield one


def plan_with(at, tab, edit, undo, **options):
    """The plan and its question after `edit` of a tab, which is undone again."""
    sheet = at.person().worksheet(tab)
    before = sheet.get_all_values(value_render_option="FORMULA")
    edit(sheet)
    chosen = ExportOptions(**options)
    try:
        plan = plan_export(at.fresh(), chosen)
        return plan, guard(plan, chosen)
    finally:
        undo(sheet, before)


def rows_back(sheet, before):
    sheet.clear()
    sheet.update(before, raw=True)


@pytest.mark.parametrize("deletes", ["delete", "archive"])
def test_two_of_thirty_products_are_asked_about_although_all_tabs_have_two_hundred_rows(at, deletes):
    plan, question = plan_with(at, "Products", lambda sheet: sheet.delete_rows(2, 3), rows_back, deletes=deletes)
    assert plan.totals == {"products": 30, "variants": 67, "inventory": 104}
    assert question == "This would delete or archive 2 of 30 products (7%). Go on (--confirm-mass-change)?"


def test_variants_that_go_with_their_product_count(at):
    chosen = {"deletes": "delete", "delete_share": 0.1}
    plan, question = plan_with(at, "Products", lambda sheet: sheet.delete_rows(2, 3), rows_back, **chosen)
    assert [change.table for change in plan.changes] == ["products", "products"]
    assert question == "This would delete or archive 14 of 67 variants (21%). Go on (--confirm-mass-change)?"


def test_one_removed_record_does_not_ask_whatever_goes_with_it(at):
    plan, question = plan_with(at, "Products", lambda sheet: sheet.delete_rows(2), rows_back, deletes="delete")
    assert len(plan.changes) == 1
    assert question is None


@pytest.mark.parametrize(("share", "asks"), [(0.7, True), (0.4, False)])
def test_a_price_change_of_most_variants_asks_even_when_all_tabs_are_compared(at, share, asks):
    number = int(67 * share)

    def prices(sheet):
        at_column = sheet.row_values(1).index("Price") + 1
        where = f"{chr(64 + at_column)}2:{chr(64 + at_column)}{number + 1}"
        sheet.update([[77.25]] * number, where)

    plan, question = plan_with(at, "Variants", prices, rows_back)
    assert len(plan.changes) == number
    asked = "This would change 46 of 67 variants (69%). Go on (--confirm-mass-change)?"
    assert question == (asked if asks else None)


def test_a_share_of_one_never_asks_about_changes_and_still_about_removals(at):
    def edit(sheet):
        sheet.delete_rows(2, 3)
        column = chr(64 + sheet.row_values(1).index("Vendor") + 1)
        sheet.update([["Other"]] * 28, f"{column}2:{column}29")

    plan, question = plan_with(at, "Products", edit, rows_back, deletes="ignore", change_share=1)
    assert (len(plan.changes), question) == (28, None)
    _, question = plan_with(at, "Products", edit, rows_back, deletes="delete", change_share=1)
    assert "delete or archive 2 of 30 products" in question


def test_it_is_not_applied_without_a_yes():
    with imported() as at:
        at.person().worksheet("Products").delete_rows(2, 3)
        chosen = ExportOptions(deletes="delete")
        job = store(at.systems, plan_export(at.systems, chosen))
        since = len(at.ledger(service="shopify"))
        with pytest.raises(ConfirmationNeeded, match="2 of 30 products"):
            apply(at.systems, at.audit, job, options=chosen)
        assert len(at.ledger(service="shopify")) == since

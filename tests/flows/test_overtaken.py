"""A job that was stopped, and what others do before it goes on: nobody's edit is lost by it."""

from __future__ import annotations

import pytest
from sandboxed import imported

from sheets_catalog.flows import control, job_files
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store, work
from sheets_catalog.flows.exporting.sending import Sent
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.jobs.runner import Limits, Outcome
from sheets_catalog.jobs.state import Result, Status


@pytest.fixture
def at():
    with imported() as one:
        yield one


def tab(at):
    return at.person().worksheet("Variants")


def price(at, row, value):
    sheet = tab(at)
    sheet.update_cell(row, sheet.row_values(1).index("Price") + 1, value)


def export(at):
    return apply(at.fresh(), at.audit, store(at.systems, plan_export(at.fresh())))


class Calls:
    """Says yes at the second question: after one batch."""

    def __init__(self):
        self.number = 0

    def __call__(self):
        self.number += 1
        return self.number > 1


def test_what_a_later_export_agreed_on_is_not_forgotten(at):
    """Else the sheet's way back to the job's value would look like no edit at all."""
    first, other = (tab(at).cell(row, 1).value for row in (2, 8))
    price(at, 2, 61)
    price(at, 8, 62)
    job = store(at.systems, plan_export(at.systems))
    options = ExportOptions(batch_size=1)
    stopped = apply(at.systems, at.audit, job, options=options, limits=Limits(stopping=Calls()))
    assert (stopped.status, stopped.books.done) == (Status.WAITING, 1)
    assert export(at).books.done == 1
    price(at, 2, 71)
    price(at, 8, 72)
    assert export(at).books.done == 2
    apply(at.fresh(), at.audit, job, options=options)
    assert plan_export(at.fresh()).empty
    price(at, 2, 61)
    price(at, 8, 62)
    assert {change.key for change in plan_export(at.fresh()).changes} == {first, other}


class DiedError(Exception):
    """Ends a process where it is, as far as the job can tell."""


class Death(Calls):
    """Nothing is stored any more at the second question."""

    def __call__(self):
        if super().__call__():
            raise DiedError
        return False


OPTIONS = ExportOptions(batch_size=1)


def begun(at, *edits):
    """A job with these prices, by row, of which the first was sent."""
    for row, value in edits:
        price(at, row, value)
    job = store(at.systems, plan_export(at.systems))
    stopped = apply(at.systems, at.audit, job, options=OPTIONS, limits=Limits(stopping=Calls()))
    assert (stopped.status, stopped.books.done) == (Status.WAITING, 1)
    return job


def planned(at):
    return {change.row: change.fields[0].after for change in plan_export(at.fresh()).changes}


def test_a_cell_that_goes_back_to_its_old_value_while_a_job_is_stopped_is_an_edit(at):
    """Somebody stops an export because of a wrong price, and mends it in the sheet."""
    begun(at, (2, 61), (8, 62))
    price(at, 2, 59.9)
    assert planned(at) == {2: "59.90", 8: "62.00"}
    import_catalogue(at.fresh(), at.audit)
    assert planned(at) == {2: "59.90", 8: "62.00"}


def test_so_it_is_when_the_process_died_and_another_export_came_first(at):
    price(at, 2, 61)
    price(at, 8, 62)
    job = store(at.systems, plan_export(at.systems))
    with pytest.raises(DiedError):
        apply(at.systems, at.audit, job, options=OPTIONS, limits=Limits(stopping=Death()))
    price(at, 2, 59.9)
    assert export(at).books.done == 1
    apply(at.fresh(), at.audit, job, options=OPTIONS)
    assert planned(at) == {2: "59.90"}


def test_a_job_that_is_stopped_again_still_leaves_what_a_later_export_settled(at):
    job = begun(at, (2, 61), (8, 62), (40, 63))
    price(at, 2, 71)
    assert export(at).books.done == 3
    again = apply(at.fresh(), at.audit, job, options=OPTIONS, limits=Limits(stopping=Calls()))
    assert again.status is Status.WAITING
    assert apply(at.fresh(), at.audit, job, options=OPTIONS).status is Status.FINISHED
    price(at, 2, 61)
    assert planned(at) == {2: "61.00"}


def test_what_a_retry_sends_is_agreed_on(at):
    sheet = at.person().worksheet("Products")
    column = sheet.row_values(1).index("Handle") + 1
    other, before = sheet.cell(3, 1).value, sheet.cell(2, column).value
    merchant = at.sandbox.services["shopify"]
    merchant.edit_product(other, handle="wanted")
    sheet.update_cell(2, column, "wanted")
    job = store(at.systems, plan_export(at.systems))
    assert apply(at.systems, at.audit, job).books.rejected == 1
    merchant.edit_product(other, handle="another")
    assert job_files.retry(at.fresh(), job) == 1
    assert apply(at.fresh(), at.audit, job).books.done == 1
    sheet.update_cell(2, column, before)
    assert planned(at) == {2: before}


def test_what_a_process_sent_that_died_is_agreed_on_when_the_next_one_is_stopped(at):
    for row, value in ((2, 61), (8, 62), (40, 63)):
        price(at, row, value)
    job = store(at.systems, plan_export(at.systems))
    with pytest.raises(DiedError):
        apply(at.systems, at.audit, job, options=OPTIONS, limits=Limits(stopping=Death()))
    apply(at.fresh(), at.audit, job, options=OPTIONS, limits=Limits(stopping=Calls()))
    price(at, 2, 59.9)
    assert planned(at)[2] == "59.90"
    import_catalogue(at.fresh(), at.audit)
    assert planned(at)[2] == "59.90"


def test_a_slice_that_settled_nothing_makes_no_stored_plan_stale(at, monkeypatch):
    price(at, 2, 61)
    job, other = (store(at.systems, plan_export(at.systems)) for _ in range(2))

    def later(shop, parts, deliveries):
        items = [item for each in parts for item in each.items.values()]
        return [Sent(Outcome(item, Result.PENDING, "not now", blameless=True)) for item in items]

    with monkeypatch.context() as patch:
        patch.setattr(work, "deliver", later)
        stopped = apply(at.fresh(), at.audit, job, options=OPTIONS, limits=Limits(stopping=Calls()))
    assert (stopped.status, stopped.books.done) == (Status.WAITING, 0)
    assert apply(at.fresh(), at.audit, other).books.done == 1


def test_choices_that_people_made_since_are_left_by_a_job_that_another_overtook(at):
    merchant = at.sandbox.services["shopify"]
    first, second = (tab(at).cell(row, 1).value for row in (40, 50))
    price(at, 40, 63)
    merchant.edit_variant(first, price="99.00")
    job = begun(at, (2, 61), (8, 62))
    price(at, 50, 64)
    merchant.edit_variant(second, price="98.00")
    export(at)
    listed = at.person().worksheet("Conflicts")
    keys = listed.col_values(listed.row_values(1).index("Row key") + 1)
    listed.update_cell(keys.index(second) + 1, len(listed.row_values(1)), "sheet")
    apply(at.fresh(), at.audit, job, options=OPTIONS)
    assert planned(at) == {50: "64.00"}
    assert [each.key for each in plan_export(at.fresh()).conflicts] == [first]


def test_a_record_that_a_later_export_removed_does_not_come_back_into_the_baseline(at):
    job = begun(at, (2, 61), (8, 62))
    key = tab(at).cell(2, 1).value
    tab(at).delete_rows(2)
    removing = ExportOptions(deletes="delete", delete_share=1.0)
    plan = plan_export(at.fresh(), removing)
    assert apply(at.fresh(), at.audit, store(at.systems, plan), options=removing, confirmed=True).books.done == 2
    apply(at.fresh(), at.audit, job, options=OPTIONS)
    assert key not in control.find(at.fresh()).load()[0].table("variants")
    assert plan_export(at.fresh()).empty


def test_a_decided_conflict_that_a_dead_process_sent_can_be_taken_back_after_another_export(at):
    merchant = at.sandbox.services["shopify"]
    price(at, 2, 61)
    price(at, 8, 62)
    merchant.edit_variant(tab(at).cell(2, 1).value, price="71.00")
    job = store(at.systems, plan_export(at.systems, ExportOptions(policy="sheet")))
    with pytest.raises(DiedError):
        apply(at.systems, at.audit, job, options=OPTIONS, limits=Limits(stopping=Death()))
    price(at, 2, 59.9)
    export(at)
    apply(at.fresh(), at.audit, job, options=OPTIONS)
    assert planned(at) == {2: "59.90"}


def test_the_shops_later_edit_to_what_a_stopped_job_had_sent_is_the_shops(at):
    key = tab(at).cell(2, 1).value
    job = begun(at, (2, 61), (8, 62))
    price(at, 2, 59.9)
    assert export(at).books.done == 2
    at.sandbox.services["shopify"].edit_variant(key, price="61.00")
    assert plan_export(at.fresh()).empty
    assert apply(at.fresh(), at.audit, job, options=OPTIONS).status is Status.FINISHED
    assert plan_export(at.fresh()).empty


def test_so_it_is_when_a_job_that_had_ended_is_retried(at):
    merchant, products = at.sandbox.services["shopify"], at.person().worksheet("Products")
    key, other = tab(at).cell(2, 1).value, products.cell(3, 1).value
    merchant.edit_product(other, handle="wanted")
    products.update_cell(2, products.row_values(1).index("Handle") + 1, "wanted")
    price(at, 2, 61)
    job = store(at.systems, plan_export(at.systems))
    assert apply(at.systems, at.audit, job).books.rejected == 1
    price(at, 2, 59.9)
    export(at)
    merchant.edit_variant(key, price="61.00")
    merchant.edit_product(other, handle="another")
    assert job_files.retry(at.fresh(), job) == 1
    assert apply(at.fresh(), at.audit, job).books.done == 2
    assert plan_export(at.fresh()).empty


def test_what_the_shop_got_is_agreed_on_though_another_cell_of_the_row_could_not_be_written(at):
    key = tab(at).cell(2, 1).value
    sku = tab(at).row_values(1).index("SKU") + 1
    at.sandbox.services["shopify"].edit_variant(key, sku="THEIRS")
    tab(at).update_cell(2, sku, "MINE")
    price(at, 2, 61)
    job = store(at.systems, plan_export(at.systems, ExportOptions(policy="shop")))
    tab(at).update_cell(2, sku, "MINE AFTER ALL")
    assert apply(at.systems, at.audit, job).books.conflicted == 1
    price(at, 2, 59.9)
    plan = plan_export(at.fresh())
    assert [(each.field, each.after) for change in plan.changes for each in change.fields] == [("price", "59.90")]
    assert [(each.field, each.sheet, each.shop) for each in plan.conflicts] == [("sku", "MINE AFTER ALL", "THEIRS")]
    import_catalogue(at.fresh(), at.audit)
    assert tab(at).cell(2, tab(at).row_values(1).index("Price") + 1).value == "59.9"


@pytest.mark.parametrize("row", [2, 3], ids=["sent before", "sent afterwards"])
def test_a_record_that_an_import_gave_no_row_is_not_deleted_although_an_older_job_goes_on_with_it(at, row):
    sheet, stopping = at.person().worksheet("Products"), Calls()

    def dying():
        if stopping():
            raise ZeroDivisionError
        return False

    for number in (2, 3):
        sheet.update_cell(number, 3, f"Another title {number}")
    job, options = store(at.systems, plan_export(at.systems)), ExportOptions(batch_size=1)
    with pytest.raises(ZeroDivisionError):
        apply(at.systems, at.audit, job, options=options, limits=Limits(stopping=dying))
    at.sandbox.services["shopify"].edit_product(sheet.cell(row, 1).value, description_html="x" * 50_001)
    sheet.delete_rows(row)
    import_catalogue(at.fresh(), at.audit)
    assert apply(at.fresh(), at.audit, job).books.done == 2
    assert plan_export(at.fresh(), ExportOptions(deletes="delete")).empty

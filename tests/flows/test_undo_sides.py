"""What an undo writes on which side: never one that the job did not write, and never "done" where it was not written."""

from __future__ import annotations

import pytest
import requests
from sandboxed import imported

from sheets_catalog.cli.statuses import Exit, of_job
from sheets_catalog.database import SessionStart
from sheets_catalog.errors import InputError
from sheets_catalog.flows import control
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.exporting.work import ExportWork
from sheets_catalog.flows.undoing import plan_undo
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Result
from tests.flows.test_undo import (
    NOON,
    StopsAfterOneBatch,
    add,
    cell,
    column,
    export,
    in_shop,
    merchant,
    put,
    run,
    sent,
    tab,
    undo,
)


@pytest.fixture
def at():
    with imported() as one:
        yield one


def test_undo_of_an_undo_that_wrote_the_shop_alone_leaves_the_sheet(at):
    """A person had typed the old price back: the undo had only the shop to write, and so has its own undo."""
    before, key = cell(at, "Variants", 2, "Price"), str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    put(at, "Variants", 2, "Price", before)
    _, undone = undo(at, job)
    plan, result = undo(at, undone.job_id)
    assert [each.side for change in plan.changes for each in change.fields] == ["shop"]
    assert result.books.done == 1
    assert in_shop(at, "variants", key)["price"] == "77.50"
    assert cell(at, "Variants", 2, "Price") == before
    (edit,) = plan_export(at.systems).changes  # the person's edit, open as before the undo
    assert [(each.before, each.after) for each in edit.fields] == [("77.50", f"{before:.2f}")]


def test_undo_of_an_undo_that_wrote_the_sheet_alone_leaves_the_shop(at):
    before, key = cell(at, "Variants", 2, "Price"), str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    job = export(at)
    merchant(at).edit_variant(key, price=f"{before:.2f}")
    _, undone = undo(at, job)
    assert cell(at, "Variants", 2, "Price") == before
    plan, _ = undo(at, undone.job_id)
    assert [each.rule for each in plan.findings] == ["undo_of_undo"]
    assert [each.side for change in plan.changes for each in change.fields] == ["sheet"]
    assert cell(at, "Variants", 2, "Price") == 77.5
    assert in_shop(at, "variants", key)["price"] == f"{before:.2f}"


def rename(header):
    def act(at):
        sheet = tab(at, "Variants")
        sheet.update_cell(1, column(sheet, header), "Foo")

    def back(at):
        sheet = tab(at, "Variants")
        sheet.update_cell(1, column(sheet, "Foo"), header)

    return act, back


def double(at):
    sheet = tab(at, "Variants")
    sheet.append_row(sheet.row_values(2), value_input_option="RAW", table_range="A1")


def single(at):
    sheet = tab(at, "Variants")
    sheet.delete_rows(len(sheet.get_all_values()))


def nothing(_at):
    """What a person did stays."""


OBSTACLES = {
    "the column renamed": (*rename("Price"), "The column “Price”"),
    "the ids' column renamed": (*rename("Variant ID"), ""),
    "the row doubled": (double, single, "Several rows look alike"),
    "a formula typed": (lambda at: put(at, "Variants", 2, "Price", "=70+7.5"), nothing, "holds a formula"),
}
"""What may keep a value out of the sheet: how it is done, how it is undone by hand, and what the reason says."""


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_could_not_be_put_back_into_the_sheet_is_no_success_and_is_not_sent_again(at, obstacle):
    hinder, mend, words = OBSTACLES[obstacle]
    before, key = cell(at, "Variants", 2, "Price"), str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    plan = plan_undo(at.systems, at.audit, export(at))
    hinder(at)
    result = run(at, plan)
    assert (result.books.done, result.books.conflicted) == (0, 1)
    assert result.state.reasons[0].startswith("Not written into the sheet: ")
    assert words in result.state.reasons[0]
    assert of_job(result.status, result.books) == Exit.ATTENTION
    mend(at)
    assert cell(at, "Variants", 2, "Price") == 77.5
    assert in_shop(at, "variants", key)["price"] == f"{before:.2f}"
    assert plan_export(at.systems).changes == ()
    again, _ = undo(at, result.job_id)
    assert [each.side for change in again.changes for each in change.fields] == ["shop"]
    assert in_shop(at, "variants", key)["price"] == "77.50"


def test_a_shops_value_that_could_not_be_written_into_the_sheet_stays_a_conflict(at):
    key = str(cell(at, "Variants", 2, "Variant ID"))
    put(at, "Variants", 2, "Price", 77.5)
    merchant(at).edit_variant(key, price="6.66")
    plan = plan_export(at.systems, ExportOptions(policy="shop"))
    put(at, "Variants", 2, "Price", 88)
    result = run(at, plan)
    assert (result.books.done, result.books.conflicted) == (0, 1)
    assert "the edit was kept" in result.state.reasons[0]
    (conflict,) = plan_export(at.systems).conflicts
    assert (conflict.sheet, conflict.shop) == ("88.00", "6.66")


def delete_while_it_is_made(at, row):
    """A person deletes this row of the products when the shop has the new product and its id is not yet written."""
    rows = {"sheetId": tab(at, "Products").id, "dimension": "ROWS", "startIndex": row - 1, "endIndex": row}
    body = {"requests": [{"deleteDimension": {"range": rows}}]}
    path = f"/v4/spreadsheets/{at.spreadsheet_id}:batchUpdate"
    typed = {"email": "owner@example.com", "method": "POST", "path": path, "body": body}
    fault = {"operation": "shopify.productSet", "kind": "hook:collaborator", "when": "after", "requests": [typed]}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=10).ok


def test_a_made_product_whose_id_could_not_be_written_is_no_success_and_can_be_undone(at):
    row = add(at, "Products", Handle="rain-hat", Title="Rain Hat")
    plan = plan_export(at.systems)
    delete_while_it_is_made(at, row)
    result = run(at, plan)
    assert (result.books.done, result.books.conflicted) == (0, 1)
    assert "no longer in the sheet" in result.state.reasons[0]
    tree = at.fresh().catalogue.product_by_handle("rain-hat")
    undo(at, result.job_id, created="delete")
    assert at.fresh().catalogue.by_ids("products", [tree.product.key]) == {}


def test_new_rows_do_without_the_columns_that_only_inform(at):
    sheet = tab(at, "Variants")
    sheet.delete_columns(column(sheet, "Product ID"))
    handle = cell(at, "Variants", 2, "Product Handle")
    row = add(at, "Variants", Product_Handle=handle, Option1_Value="XXS", Option2_Value="White", Price="5")
    result = run(at, plan_export(at.systems))
    assert (result.books.done, result.state.reasons) == (1, {})
    assert cell(at, "Variants", row, "Variant ID")


def test_a_new_row_that_got_its_ids_from_a_process_that_died_is_found_by_them(at):
    """Its handle was written, so it is not called by its title any more."""
    add(at, "Products", Title="Rain Hat")
    row = len(tab(at, "Products").get_all_values())
    plan = plan_export(at.systems)
    since = len(at.ledger())
    job = store(at.systems, plan)
    for _ in range(2):
        work = ExportWork(at.fresh(), plan, job, control.find(at.systems))
        (outcome,) = work.run([0])
        assert (outcome.result, outcome.reason) == (Result.DONE, "")
        assert cell(at, "Products", row, "Handle") == "rain-hat"
    made = [line["target"] for line in sent(at, since) if line["effect"]["kind"] == "create"]
    assert sum("/Product/" in each for each in made) == 1


def test_a_job_that_stood_still_when_its_file_went_away_says_what_to_do(at):
    for row in range(2, 6):
        put(at, "Inventory", row, "Available", 70 + row)
    job, watcher = store(at.systems, plan_export(at.systems)), StopsAfterOneBatch()
    limits, options = Limits(stopping=lambda: watcher.stopped), ExportOptions(batch_size=2)
    apply(at.systems, at.audit, job, watcher=watcher, limits=limits, options=options)
    at.sandbox.services["drive"].store.files.pop(job)
    with pytest.raises(InputError, match=r"has not ended \(it is stopped\), and its job file is gone") as caught:
        plan_undo(at.systems, at.audit, job)
    assert f"`sheets-catalog report {job}`" in caught.value.advice
    begun = SessionStart("gone", "export", NOON, spreadsheet_id=at.spreadsheet_id, shop=at.systems.shop_name)
    at.audit.session_started(begun)
    with pytest.raises(InputError, match="its job file is gone"):
        plan_undo(at.systems, at.audit, "gone")

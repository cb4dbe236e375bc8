"""Requests that the shop refuses whole, for one value in them: the other records go all the same."""

from __future__ import annotations

import pytest
import requests
from sandboxed import imported

from sheets_catalog.errors import Refused
from sheets_catalog.flows import job_files, resuming, undoing
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import ImportOptions, import_catalogue
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Result, Status
from sheets_catalog.records.tables import metafield


@pytest.fixture
def at():
    with imported() as one:
        yield one


def test_a_barcode_typed_as_stock_keeps_no_other_stock_from_being_sent(at):
    sheet = at.person().worksheet("Inventory")
    column = sheet.row_values(1).index("Available") + 1
    cells = sheet.range(2, column, 8, column)
    for number, cell in enumerate(cells):
        cell.value = 4006381333931 if number == 3 else 301 + number
    sheet.update_cells(cells)
    rows = sheet.get("A2:B8")
    keys = ["/".join(row) for row in rows]
    result = apply(at.systems, at.audit, store(at.systems, plan_export(at.systems)))
    assert (result.books.done, result.books.rejected) == (6, 1)
    now = at.systems.catalogue.by_ids("inventory", keys)
    available = [now[key].values["available"] for key in keys]
    assert [*available[:3], *available[4:]] == ["301", "302", "303", "305", "306", "307"]
    (change,) = plan_export(at.systems).changes
    assert change.key == keys[3]


@pytest.mark.parametrize("status", [423, 430, 302])
def test_a_shop_that_turns_everything_away_is_not_asked_for_each_record(at, status):
    sheet = at.person().worksheet("Inventory")
    column = sheet.row_values(1).index("Available") + 1
    cells = sheet.range(2, column, 21, column)
    for number, cell in enumerate(cells):
        cell.value = 301 + number
    sheet.update_cells(cells)
    job = store(at.systems, plan_export(at.systems))
    fault = {"service": "shopify", "operation": "shopify.inventorySetQuantities", "kind": "status", "status": status}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault | {"times": 0}, timeout=5).ok
    with pytest.raises(Refused):
        apply(at.systems, at.audit, job)
    assert at.systems.calls.figures.calls["shopify.inventorySetQuantities"] == 1
    assert job_files.show(at.systems, job).summary.status == "attention"
    requests.delete(f"{at.sandbox.url}/_sandbox/faults", timeout=5)
    result = apply(at.fresh(), at.audit, job)
    assert (result.books.done, result.books.rejected) == (20, 0)


def test_a_variant_that_cannot_be_sent_keeps_no_other_of_its_product_from_being_sent(at):
    sheet = at.person().worksheet("Variants")
    put(at, "Variants", 2, "Price", 61)
    put(at, "Variants", 3, "Option2 Value", "")
    put(at, "Variants", 4, "SKU", "another")
    header, last = sheet.row_values(1), len(sheet.get_all_values())
    new = [{"Product Handle": "linen-shirt", "Option1 Value": size, "Price": 5} for size in ("XXL", "3XL")]
    new[0]["Option2 Value"] = "White"
    sheet.add_rows(5)
    sheet.update([[row.get(name, "") for name in header] for row in new], f"A{last + 1}", raw=True)
    result = apply(at.fresh(), at.audit, store(at.systems, plan_export(at.fresh())))
    done = [change.row for item, change in enumerate(result.plan.changes) if result.state.result(item) is Result.DONE]
    assert (sorted(done), result.books.rejected) == ([2, 4, last + 1], 2)
    assert all("has no value for the option" in reason for reason in result.state.reasons.values())


HEADER = "Metafield: custom.material [single_line_text_field]"
ONE_BY_ONE = ExportOptions(batch_size=1)


def put(at, title, row, header, value):
    sheet = at.person().worksheet(title)
    sheet.update_cell(row, sheet.row_values(1).index(header) + 1, value)


def material(at, key):
    field = metafield(HEADER)
    return at.fresh().catalogue.by_ids("products", [key], [field])[key].values[field.name]


def test_a_metafield_is_not_cleared_when_the_rest_of_its_record_is_refused(at):
    sheet, merchant = at.person().worksheet("Products"), at.sandbox.services["shopify"]
    key, other = sheet.cell(2, 1).value, sheet.cell(3, 1).value
    merchant.set_metafield(f"gid://shopify/Product/{key}", "custom", "material", "single_line_text_field", "Linen")
    import_catalogue(at.fresh(), at.audit, ImportOptions(metafields=(HEADER,)))
    merchant.edit_product(other, handle="wanted")
    put(at, "Products", 2, "Handle", "wanted")
    put(at, "Products", 2, HEADER, "")
    assert apply(at.fresh(), at.audit, store(at.systems, plan_export(at.fresh()))).books.rejected == 1
    assert material(at, key) == "Linen"
    put(at, "Products", 2, "Handle", "a-free-one")
    result = apply(at.fresh(), at.audit, store(at.systems, plan_export(at.fresh())))
    assert (result.books.done, material(at, key)) == (1, None)
    assert plan_export(at.fresh()).empty


def test_a_record_that_was_sent_but_for_a_metafield_to_clear_is_no_unsent_one_when_the_job_is_cancelled(at):
    sheet, merchant = at.person().worksheet("Products"), at.sandbox.services["shopify"]
    key = sheet.cell(2, 1).value
    merchant.set_metafield(f"gid://shopify/Product/{key}", "custom", "material", "single_line_text_field", "Linen")
    import_catalogue(at.fresh(), at.audit, ImportOptions(metafields=(HEADER,)))
    put(at, "Products", 2, "Title", "Another title")
    put(at, "Products", 2, HEADER, "")
    job = store(at.systems, plan_export(at.fresh()))
    fault = {"service": "shopify", "operation": "shopify.metafieldsDelete*", "kind": "rate-limit", "retry_after": 1_000}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=5).ok
    limits = Limits(deadline=at.systems.clock.monotonic())  # one batch
    assert apply(at.systems, at.audit, job, limits=limits).status is Status.WAITING
    assert resuming.cancel(at.fresh(), at.audit, job) is Status.CANCELLED
    state = job_files.show(at.fresh(), job).state
    assert (state.books.conflicted, state.books.pending) == (1, 0)
    assert state.reasons == {0: "Cancelled halfway: metafields.custom.material was not sent."}


@pytest.mark.parametrize("how", ["refused", "cancelled", "changed since"])
def test_what_was_sent_of_a_record_that_ended_otherwise_is_agreed_on(at, how):
    sheet, merchant = at.person().worksheet("Products"), at.sandbox.services["shopify"]
    key, old = sheet.cell(2, 1).value, sheet.cell(2, 3).value
    merchant.set_metafield(f"gid://shopify/Product/{key}", "custom", "material", "single_line_text_field", "Linen")
    import_catalogue(at.fresh(), at.audit, ImportOptions(metafields=(HEADER,)))
    put(at, "Products", 2, "Title", "Another title")
    put(at, "Products", 2, HEADER, "")
    job = store(at.systems, plan_export(at.fresh()))
    fault = {"kind": "user-errors"} if how == "refused" else {"kind": "rate-limit", "retry_after": 1_000}
    spec = {"service": "shopify", "operation": "shopify.metafieldsDelete*", **fault}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=spec, timeout=5).ok
    result = apply(at.systems, at.audit, job, limits=Limits(deadline=at.systems.clock.monotonic()))
    if how == "cancelled":
        resuming.cancel(at.fresh(), at.audit, job)
    elif how == "changed since":
        assert result.status is Status.WAITING
        merchant.set_metafield(f"gid://shopify/Product/{key}", "custom", "material", "single_line_text_field", "Wool")
        apply(at.fresh(), at.audit, job)
    books = job_files.show(at.fresh(), job).state.books
    assert (books.done, books.rejected + books.conflicted, books.pending) == (0, 1, 0)
    put(at, "Products", 2, "Title", old)
    edits = [(each.field, each.after) for change in plan_export(at.fresh()).changes for each in change.on("shop")]
    assert ("title", old) in edits
    import_catalogue(at.fresh(), at.audit)
    assert sheet.cell(2, 3).value == old


class Closing:
    """Stops a run after two batches, when its shop turns everything away as well."""

    def __init__(self, at, fault):
        self.at, self.fault, self.asked = at, fault, 0

    def __call__(self):
        self.asked += 1
        if self.asked > 2:
            spec = {"service": "shopify", "operation": "shopify.*", "times": 0, **self.fault}
            assert requests.post(f"{self.at.sandbox.url}/_sandbox/faults", json=spec, timeout=5).ok
        return self.asked > 2


@pytest.mark.parametrize("status", [401, 503])
def test_a_shop_that_cannot_be_asked_what_was_sent_in_part_does_not_keep_the_rest_from_being_noted(at, status):
    sheet, merchant = at.person().worksheet("Products"), at.sandbox.services["shopify"]
    old = sheet.cell(2, 3).value
    merchant.edit_product(sheet.cell(5, 1).value, handle="wanted")
    put(at, "Products", 2, "Title", "Another title")
    put(at, "Products", 3, "Title", "Of a refused one")
    put(at, "Products", 3, "Handle", "wanted")
    put(at, "Products", 4, "Title", "Not sent yet")
    job = store(at.systems, plan_export(at.fresh()))
    limits = Limits(stopping=Closing(at, {"kind": "status", "status": status}))
    books = apply(at.systems, at.audit, job, options=ONE_BY_ONE, limits=limits).books
    assert (books.done, books.rejected, books.pending) == (1, 1, 1)
    requests.delete(f"{at.sandbox.url}/_sandbox/faults", timeout=5)
    put(at, "Products", 2, "Title", old)
    import_catalogue(at.fresh(), at.audit)
    assert sheet.cell(2, 3).value == old


@pytest.mark.parametrize("how", ["chosen", "undone"])
def test_a_text_of_the_shop_that_no_cell_can_hold_keeps_no_job_from_ending(at, how):
    sheet, body = at.person().worksheet("Products"), "x" * 50_001
    key = sheet.cell(2, 1).value
    at.sandbox.services["shopify"].edit_product(key, description_html=body)
    put(at, "Products", 2, "Description", "Mine")
    put(at, "Products", 3, "Description", "Of another one")
    policy = "shop" if how == "chosen" else "sheet"
    result = apply(at.fresh(), at.audit, store(at.systems, plan_export(at.fresh(), ExportOptions(policy=policy))))
    if how == "undone":
        undo = undoing.plan_undo(at.fresh(), at.audit, result.job_id)
        result = apply(at.fresh(), at.audit, store(at.systems, undo))
    assert (result.status, result.books.done, result.books.conflicted) == (Status.FINISHED, 1, 1)
    assert result.state.reasons == {0: "Not written into the sheet: a cell holds at most 50,000 characters."}
    assert at.fresh().catalogue.by_ids("products", [key], [])[key].values["description"] == body
    assert sheet.cell(2, sheet.row_values(1).index("Description") + 1).value == "Mine"


def die_after_one_batch(at, job):
    """A process that sends one record of this job and dies before the next: nothing is noted by it."""
    asked = []

    def dying():
        asked.append(1)
        if len(asked) > 1:
            raise ZeroDivisionError
        return False

    with pytest.raises(ZeroDivisionError):
        apply(at.systems, at.audit, job, options=ONE_BY_ONE, limits=Limits(stopping=dying))


def test_what_a_process_that_died_had_sent_in_part_is_agreed_on_although_another_export_came_first(at):
    sheet = at.person().worksheet("Products")
    key, old = sheet.cell(2, 1).value, sheet.cell(2, 3).value
    owner = f"gid://shopify/Product/{key}"
    at.sandbox.services["shopify"].set_metafield(owner, "custom", "material", "single_line_text_field", "Linen")
    import_catalogue(at.fresh(), at.audit, ImportOptions(metafields=(HEADER,)))
    put(at, "Products", 2, "Title", "Another title")
    put(at, "Products", 2, HEADER, "")
    put(at, "Products", 3, "Title", "Sent by who resumes")
    job = store(at.systems, plan_export(at.fresh()))
    spec = {"service": "shopify", "operation": "shopify.metafieldsDelete*", "kind": "user-errors"}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=spec, timeout=5).ok
    die_after_one_batch(at, job)
    put(at, "Inventory", 2, "Available", 333)
    apply(at.fresh(), at.audit, store(at.systems, plan_export(at.fresh(), ExportOptions(tables=("inventory",)))))
    books = apply(at.fresh(), at.audit, job, options=ONE_BY_ONE).books
    assert (books.done, books.rejected) == (1, 1)
    put(at, "Products", 2, "Title", old)
    import_catalogue(at.fresh(), at.audit)
    assert sheet.cell(2, 3).value == old


def test_what_is_sent_after_another_export_came_in_between_is_noted_although_the_shop_cannot_be_asked(at):
    sheet = at.person().worksheet("Products")
    old = sheet.cell(3, 3).value
    for row in (2, 3, 4):
        put(at, "Products", row, "Title", f"Another title {row}")
    job = store(at.systems, plan_export(at.fresh()))
    die_after_one_batch(at, job)
    put(at, "Inventory", 2, "Available", 333)
    apply(at.fresh(), at.audit, store(at.systems, plan_export(at.fresh(), ExportOptions(tables=("inventory",)))))
    closing = Closing(at, {"kind": "status", "status": 401})
    closing.asked = 1
    books = apply(at.fresh(), at.audit, job, options=ONE_BY_ONE, limits=Limits(stopping=closing)).books
    assert (books.done, books.pending) == (2, 1)
    requests.delete(f"{at.sandbox.url}/_sandbox/faults", timeout=5)
    put(at, "Products", 3, "Title", old)
    import_catalogue(at.fresh(), at.audit)
    assert sheet.cell(3, 3).value == old

"""Files whose making is answered by a broken connection: they were made, so they are found and used."""

from __future__ import annotations

import pytest
import requests
from sandboxed import desk

from sheets_catalog.errors import Refused
from sheets_catalog.flows import control, job_files, resuming
from sheets_catalog.flows.drive_stores import BINARY, create_once
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store, work
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.tasks import register
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Status


@pytest.fixture
def at():
    with desk() as one:
        yield one


def lose_answer(at, nth=1):
    requests.delete(f"{at.sandbox.url}/_sandbox/requests", timeout=10)
    spec = {"service": "drive", "operation": "drive.files.create", "kind": "fin", "when": "after", "nth": nth}
    answer = requests.post(f"{at.sandbox.url}/_sandbox/faults", json=spec, timeout=10)
    assert answer.status_code == 200, answer.text


def made(at):
    """What Drive made, by kind."""
    lines = [line for line in at.ledger(service="drive") if line["operation"] == "drive.files.create"]
    return len(lines)


def test_the_control_file_and_a_job_are_made_once_though_the_answer_was_lost(at):
    lose_answer(at)
    assert import_catalogue(at.systems, at.audit).books.balanced
    assert not at.sandbox.gateway.faults.unconsumed
    assert made(at) == 1
    sheet = at.person().worksheet("Variants")
    sheet.update_cell(2, sheet.row_values(1).index("Price") + 1, 77.5)
    plan = plan_export(at.systems, ExportOptions())
    lose_answer(at)
    job = store(at.systems, plan)
    assert not at.sandbox.gateway.faults.unconsumed
    assert made(at) == 2
    assert apply(at.systems, at.audit, job).status is Status.FINISHED
    assert [each.job_id for each in job_files.list_jobs(at.systems, also=[job])] == [job]


def test_the_register_of_exports_is_made_once_though_the_answer_was_lost(at):
    control.find_or_make(at.systems)
    before = made(at)
    lose_answer(at)
    register.change(at.systems, lambda found: found.with_batch(register.Batch("B1", "", "", "", "", "")))
    assert not at.sandbox.gateway.faults.unconsumed
    assert made(at) == before + 1
    assert list(register.load(at.systems).batches) == ["B1"]


def test_an_id_that_belongs_to_something_else_is_no_success(at):
    drive, folder = at.systems.drive, at.connection.folder_id
    (file_id,) = drive.generate_ids(1)
    create_once(drive, file_id, "one", b"1", BINARY, parents=[folder], app_properties={"kind": "one"})
    assert create_once(drive, file_id, "one", b"1", BINARY, parents=[folder], app_properties={"kind": "one"})
    with pytest.raises(Refused):
        create_once(drive, file_id, "two", b"2", BINARY, parents=[folder], app_properties={"kind": "two"})


def test_stock_that_was_set_before_the_shop_asked_to_wait_is_found_when_the_job_is_cancelled(at):
    import_catalogue(at.systems, at.audit)
    sheet = at.person().worksheet("Inventory")
    sheet.update_cell(2, sheet.row_values(1).index("Available") + 1, 301)
    job = store(at.systems, plan_export(at.systems))
    lost = {"kind": "status", "status": 503, "when": "after", "nth": 1}
    for fault in (lost, {"kind": "rate-limit", "retry_after": 1_000, "nth": 2}):
        spec = {"service": "shopify", "operation": "shopify.inventorySetQuantities"} | fault
        assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=spec, timeout=10).ok
    limits = Limits(deadline=at.systems.clock.monotonic())  # one batch
    assert apply(at.systems, at.audit, job, limits=limits).status is Status.WAITING
    assert not at.sandbox.gateway.faults.unconsumed
    assert resuming.cancel(at.fresh(), at.audit, job) is Status.CANCELLED
    books = job_files.show(at.systems, job).state.books
    assert (books.done, books.pending) == (1, 0)


def test_stock_that_an_earlier_request_sets_after_we_have_looked_is_done(at, monkeypatch):
    import_catalogue(at.systems, at.audit)
    sheet = at.person().worksheet("Inventory")
    sheet.update_cell(2, sheet.row_values(1).index("Available") + 1, 301)
    variant = at.systems.catalogue.by_ids("inventory", ["/".join(sheet.row_values(2)[:2])]).popitem()[1]
    job, deliver = store(at.systems, plan_export(at.systems)), work.deliver

    def overtaken(*words):
        at.sandbox.services["shopify"].set_inventory(variant.values["variant_id"], sheet.cell(2, 2).value, 301)
        return deliver(*words)

    monkeypatch.setattr(work, "deliver", overtaken)
    books = apply(at.systems, at.audit, job).books
    assert (books.done, books.conflicted) == (1, 0)

"""Jobs whose end comes from outside: cancelled while they begin, taken up again, or robbed of their control file."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
import requests
from sandboxed import imported

from sheets_catalog.errors import BusyError, StateError
from sheets_catalog.flows import control, job_files
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.exporting.work import ExportWork
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.jobs.state import Status


@pytest.fixture
def at():
    with imported() as one:
        yield one


def put(at, title, row, header, value):
    sheet = at.person().worksheet(title)
    sheet.update_cell(row, sheet.row_values(1).index(header) + 1, value)


@dataclass
class ActsAfterOneBatch:
    """A watcher that does something when the first batch came back."""

    act: object

    def batch_started(self, number, items):
        """Told only."""

    def batch_ended(self, number, outcomes, seconds):
        if number == 1:
            self.act()

    def progressed(self, books, note):
        """Told only."""

    def troubled(self, error, wait):
        """Told only."""


def test_a_job_cancelled_while_somebody_begins_it_sends_nothing(at, monkeypatch):
    put(at, "Variants", 2, "Price", 77.5)
    job, others = store(at.systems, plan_export(at.systems)), []
    first = ExportWork.next_batch

    def cancelled_meanwhile(self, pending, size):
        others.append(job_files.cancel(at.fresh(), job))  # after the runner's load, before its first save
        return first(self, pending, size)

    monkeypatch.setattr(ExportWork, "next_batch", cancelled_meanwhile)
    before = len(at.ledger(service="shopify"))
    with pytest.raises(BusyError, match="ended this job meanwhile"):
        apply(at.systems, at.audit, job)
    assert others == [Status.CANCELLED]
    assert len(at.ledger(service="shopify")) == before
    assert job_files.show(at.systems, job).summary.status == "cancelled"
    assert apply(at.systems, at.audit, job).status is Status.CANCELLED


def test_a_cancelled_job_whose_records_are_in_line_again_goes_on(at):
    for row in range(2, 6):
        put(at, "Variants", row, "Price", 70 + row)
    sheet = at.person().worksheet("Variants")
    gone = str(sheet.cell(2, sheet.row_values(1).index("Variant ID") + 1).value).lstrip("'")
    job = store(at.systems, plan_export(at.systems))
    at.sandbox.services["shopify"].delete_variant(gone)
    watcher = ActsAfterOneBatch(lambda: job_files.cancel(at.fresh(), job))
    result = apply(at.systems, at.audit, job, watcher=watcher, options=ExportOptions(batch_size=1))
    assert (result.status, result.books.rejected) == (Status.CANCELLED, 1)
    assert job_files.retry(at.systems, job) == 1
    again = apply(at.fresh(), at.audit, job)
    assert again.status is Status.FINISHED
    assert (again.books.done, again.books.pending) == (3, 0)


def test_a_control_file_removed_while_a_job_runs_is_no_crash_and_the_job_goes_on(at):
    put(at, "Variants", 2, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems))
    home = control.find(at.systems).file_id

    def remove():
        url = f"{at.sandbox.url}/drive/v3/files/{home}"
        requests.delete(url, headers={"Authorization": "Bearer sandbox-token"}, timeout=10).raise_for_status()
        time.sleep(0.1)  # longer than a lease lasts without renewal, at the sandbox's speed

    with pytest.raises(StateError, match="lease was removed while it worked"):
        apply(at.systems, at.audit, job, watcher=ActsAfterOneBatch(remove))
    assert at.audit.session(job).status == "stopped"
    result = apply(at.fresh(), at.audit, job)
    assert (result.status, result.books.done) == (Status.FINISHED, 1)
    assert control.find(at.systems).file_id not in {"", home}


def test_records_are_in_line_again_although_the_control_file_was_removed_since(at):
    put(at, "Variants", 2, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems))
    refused = {"service": "shopify", "operation": "shopify.productVariantsBulkUpdate", "kind": "user-errors"}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=refused, timeout=5).ok
    assert apply(at.systems, at.audit, job).books.rejected == 1
    url = f"{at.sandbox.url}/drive/v3/files/{control.find(at.systems).file_id}"
    requests.delete(url, headers={"Authorization": "Bearer sandbox-token"}, timeout=10).raise_for_status()
    assert job_files.retry(at.fresh(), job) == 1
    result = apply(at.fresh(), at.audit, job)
    assert (result.status, result.books.done, result.books.rejected) == (Status.FINISHED, 1, 0)


def test_a_control_file_removed_while_an_import_runs_hides_no_result(at):
    home, told = control.find(at.systems).file_id, []

    def remove(table, done, total):
        if not told:
            told.append(table)
            url = f"{at.sandbox.url}/drive/v3/files/{home}"
            requests.delete(url, headers={"Authorization": "Bearer sandbox-token"}, timeout=10).raise_for_status()
            time.sleep(0.1)

    with pytest.raises(StateError, match="lease was removed while it worked"):
        import_catalogue(at.systems, at.audit, None, remove)
    assert import_catalogue(at.fresh(), at.audit).books.balanced


def test_a_job_in_line_again_is_not_cleaned_up_although_lists_still_call_it_finished(at):
    put(at, "Variants", 2, "Price", 72)
    sheet = at.person().worksheet("Variants")
    gone = str(sheet.cell(2, sheet.row_values(1).index("Variant ID") + 1).value).lstrip("'")
    job = store(at.systems, plan_export(at.systems))
    at.sandbox.services["shopify"].delete_variant(gone)
    assert apply(at.systems, at.audit, job).books.rejected == 1
    at.sandbox.world.clock.advance(3_000)
    assert job_files.retry(at.systems, job) == 1
    lag = {"kind": "lag-list", "service": "drive", "seconds": 2_000, "times": 0}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=lag, timeout=5).ok
    (listed,) = job_files.list_jobs(at.systems)
    assert listed.status == "finished"
    assert job_files.clean(at.systems, older_than_days=-1) == []
    assert not at.systems.drive.get(job).trashed

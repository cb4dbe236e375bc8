"""Jobs that are cancelled while somebody begins them, and taken up again afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sandboxed import desk

from sheets_catalog.errors import BusyError
from sheets_catalog.flows import job_files
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.exporting.work import ExportWork
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.jobs.state import Status


@pytest.fixture
def at():
    with desk() as one:
        import_catalogue(one.systems, one.audit)
        yield one


def put(at, title, row, header, value):
    sheet = at.person().worksheet(title)
    sheet.update_cell(row, sheet.row_values(1).index(header) + 1, value)


@dataclass
class CancelsAfterOneBatch:
    """A watcher in whose process somebody else cancels the job when the first batch came back."""

    cancel: object

    def batch_started(self, number, items):
        """Told only."""

    def batch_ended(self, number, outcomes, seconds):
        if number == 1:
            self.cancel()

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
    watcher = CancelsAfterOneBatch(lambda: job_files.cancel(at.fresh(), job))
    result = apply(at.systems, at.audit, job, watcher=watcher, options=ExportOptions(batch_size=1))
    assert (result.status, result.books.rejected) == (Status.CANCELLED, 1)
    assert job_files.retry(at.systems, job) == 1
    again = apply(at.fresh(), at.audit, job)
    assert again.status is Status.FINISHED
    assert (again.books.done, again.books.pending) == (3, 0)

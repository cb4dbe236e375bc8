"""A job that is killed while its batch is out, and cancelled: what it had sent is found, told, and can be undone.

The run is a forked process; the sandbox itself kills it right before or after the effect of its mutation.
"""

from __future__ import annotations

import os

import pytest
import requests
from forked import Forked
from sandboxed import imported

from sheets_catalog.books import Books
from sheets_catalog.database import Audit
from sheets_catalog.flows import control, job_files
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.resuming import cancel
from sheets_catalog.flows.undoing import plan_undo
from sheets_catalog.jobs.state import Status

VARIANTS = ExportOptions(tables=("variants",))
TO_SHOP = "*productVariantsBulkUpdate*"


@pytest.fixture
def at():
    with imported() as one:
        yield one


def put(at, title, row, header, value):
    sheet = at.person().worksheet(title)
    sheet.update_cell(row, sheet.row_values(1).index(header) + 1, value)


def killed(at, job, operation, when):
    """Apply the job in a process that is killed at its first such call."""

    def work():
        with Audit(at.connection.audit_url or at.audit.place) as audit:
            apply(at.fresh(), audit, job, confirmed=True)

    child = Forked(work)
    spec = {"service": "shopify", "operation": operation, "kind": "kill-client", "when": when, "pid": child.pid}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=spec, timeout=10).status_code == 200
    child.go()
    assert os.WIFSIGNALED(child.wait())


def mutations(at, since):
    return [line for line in at.ledger(since, "shopify") if line["actor"] != "merchant"]


def test_what_was_sent_right_before_the_end_counts_as_done_and_can_be_undone(at):
    put(at, "Variants", 2, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems, VARIANTS))
    before = len(at.ledger())
    killed(at, job, TO_SHOP, "after")
    assert len(mutations(at, before)) == 1
    assert cancel(at.systems, at.audit, job) is Status.CANCELLED
    assert len(mutations(at, before)) == 1  # it looked, and sent nothing
    view = job_files.show(at.systems, job)
    assert (view.summary.books.done, view.summary.books.pending) == (1, 0)
    assert at.audit.session(job).status == "cancelled"
    (entry,) = [each for each in at.audit.find_records(session_id=job) if each.action == "update"]
    assert (entry.status, [each.after for each in entry.changes]) == ("done", ["77.50"])
    baseline, _ = control.find(at.systems).load()
    assert baseline.job_id == job
    plan = plan_undo(at.systems, at.audit, job)
    assert [change.key for change in plan.changes] == [view.items[0].change.key]


def test_what_was_not_sent_stays_pending_and_is_planned_again(at):
    put(at, "Variants", 2, "Price", 77.5)
    job = store(at.systems, plan_export(at.systems, VARIANTS))
    killed(at, job, TO_SHOP, "before")
    cancel(at.systems, at.audit, job)
    view = job_files.show(at.systems, job)
    assert (view.summary.books.done, view.summary.books.pending) == (0, 1)
    assert plan_undo(at.systems, at.audit, job).books == Books()
    assert [change.row for change in plan_export(at.systems, VARIANTS).changes] == [2]


def test_a_product_made_right_before_the_end_has_its_ids_in_the_sheet(at):
    sheet = at.person().worksheet("Products")
    header = sheet.row_values(1)
    row = len(sheet.col_values(1)) + 1
    for name, value in {"Handle": "late-lamp", "Title": "Late Lamp"}.items():
        sheet.update_cell(row, header.index(name) + 1, value)
    job = store(at.systems, plan_export(at.systems, ExportOptions(tables=("products",))))
    killed(at, job, "*productSet*", "after")
    cancel(at.systems, at.audit, job)
    books = job_files.show(at.systems, job).summary.books
    assert (books.done, books.pending) == (1, 0)
    assert sheet.cell(row, header.index("Product ID") + 1).value
    assert plan_export(at.systems, ExportOptions(tables=("products",))).changes == ()

"""Reports of a staging and a delivery: a task is one entry, whatever the audit wrote of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_world import printed
from sandboxed import desk

from sheets_catalog.database import FieldChange
from sheets_catalog.flows import delivery, staging
from sheets_catalog.flows.reporting import as_html, as_json, as_terminal
from sheets_catalog.flows.reporting.tasks import one_each
from sheets_catalog.flows.resuming import apply_any
from sheets_catalog.flows.tasks import keeping
from tests.flows.sample_reports import NOON, entry, report
from tests.flows.test_reporting_page import text_of


@pytest.fixture(scope="module")
def told():
    """The reports of a staging in which many tasks are not fit, and of the delivery after it."""
    with desk("empty", tasks="sample") as at:
        folders = at.sandbox.connection()["tasks"]
        keeping.configure(at.systems, staging_folder=folders["staging_folder"])
        keeping.migrate(at.systems, at.audit, "anna")
        made = staging.plan_staging(at.systems, staging.StagingOptions(staging.Filters(), "K7Q2MD", "anna"))
        staged = apply_any(at.systems, at.audit, staging.store(at.systems, made)).job_id
        there = delivery.plan_delivery(at.systems, delivery.DeliveryOptions("K7Q2MD", folders["client_folder"], "anna"))
        delivered = apply_any(at.systems, at.audit, delivery.store(at.systems, there)).job_id
        yield at.audit.report(staged), at.audit.report(delivered)


def test_a_staging_shows_every_task_once(told):
    staged, _ = told
    books = staged.session.books
    folded = one_each(staged)
    assert staged.records_total > books.planned, "the audit has a line for every step"
    assert folded.records_total == len(folded.records) == books.planned
    assert len({each.record_key for each in folded.records}) == books.planned
    page = text_of(as_html(staged))
    assert f"Tasks ({books.planned})" in page
    assert f"Needs attention ({books.rejected})" in page
    assert f"{books.done} tasks copied and proven, {books.rejected} wait for you." in page
    assert page.count("Add what is missing, or its link.") == 1


def test_a_delivery_shows_every_task_once_with_its_files(told):
    _, delivered = told
    folded = one_each(delivered)
    assert len(folded.records) == delivered.session.books.planned
    first = folded.records[0]
    files = [each for each in first.changes if each.field.endswith(".obj")]
    assert files, "what the client got stands in the task's entry"
    status = next(each for each in first.changes if each.field == "export_status")
    assert (status.before, status.after) == ("staged", "delivered")


def test_both_are_called_what_they_are(told):
    staged, delivered = told
    for one, title, label in ((staged, "Staging of “", "Folder Staging"), (delivered, "Delivery of “", "To ")):
        page = text_of(as_html(one))
        assert one.session.title.startswith(title)
        assert f"{label}" in page
        assert "Shop" not in page.partition("Books")[0]
    assert "Tasks (" in printed(as_terminal(staged), width=120)


def test_programs_get_every_line(told):
    staged, _ = told
    assert len(as_json(staged)["records"]) == staged.records_total


def step(number, action, status="done", **others):
    return entry(number, status, table="tasks", record_key=f"T-{number}", row=number, action=action, **others)


def test_what_belongs_to_no_outcome_stays():
    lines = (
        step(1, "stage", "quarantined", reason="No file."),
        step(1, "plan", "rejected", reason="No file.", advice="Add one."),
        step(2, "plan", "rejected", reason="No such row."),
        step(3, "status", "done"),
        step(4, "stage", "done", changes=(FieldChange("export_status", "staging", "staged"),)),
        step(4, "status", "conflicted", reason="It has moved on."),
    )
    known = replace(report(0, flow="stage"), records=lines, records_total=len(lines))
    found = one_each(known).records
    assert [(each.record_key, each.action) for each in found] == [
        ("T-1", "stage"), ("T-2", "plan"), ("T-3", "status"), ("T-4", "stage"), ("T-4", "status"),
    ]  # fmt: skip
    assert found[0].advice == "Add one."
    assert found[0].changes == ()
    assert one_each(replace(known, records_total=900)).records_total == len(found)


def test_steps_are_told_from_first_to_last():
    lines = (
        step(1, "status", changes=(FieldChange("export_status", "staging", "staged"),), at=NOON.replace(minute=2)),
        step(1, "status", changes=(FieldChange("export_status", None, "staging"),), at=NOON.replace(minute=1)),
        step(1, "stage", changes=(FieldChange("export_status", None, "staged"),)),
    )
    known = replace(report(0, flow="stage"), records=lines, records_total=3)
    (one,) = one_each(known).records
    assert one.changes == (FieldChange("export_status", None, "staged"),)


def test_any_other_report_stays_as_it_is():
    known = report(5, waiting=2)
    assert one_each(known) is known

"""Delivery on the sandbox: what the client gets, what stays inside, and what delivered means."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
import requests

from sheets_catalog.cli.statuses import of_job
from sheets_catalog.cli.views import exports
from sheets_catalog.errors import BusyError, InputError, PermissionMissing, SheetsCatalogError
from sheets_catalog.flows import delivery, job_files, staging
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.tasks import batches, keeping, register
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.google.a1 import a1
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Status
from tests.cli_world import printed
from tests.flows.exports import Desk, desk

GOOD = 28
FILES = 203
FOLDER = "application/vnd.google-apps.folder"


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """The sample, staged and delivered: looked at by many tests, changed by none."""
    with desk(tmp_path_factory.mktemp("delivered")) as here:
        here.stage()
        result = here.deliver()
        yield here, result


@pytest.fixture
def small(tmp_path):
    with desk(tmp_path, 3, files=18) as here:
        here.stage()
        yield here


def plan(here: Desk, folder: str = "") -> delivery.Preview:
    options = delivery.DeliveryOptions("B1", folder or here.folders["client_folder"])
    return delivery.plan_delivery(here.systems, options)


def everything_below(here: Desk, folder: str):
    for file in here.store.children(folder):
        yield file
        yield from everything_below(here, file.id)


# --- the sample ---


def test_sd_6_the_client_has_exactly_the_task_folders_and_a_receipt(delivered) -> None:
    here, result = delivered
    assert result.status is Status.FINISHED
    assert (result.books.done, result.books.rejected) == (GOOD, 0)
    folders = here.files_in(here.folders["client_folder"])
    assert len(folders) == GOOD
    assert sum(len(files) for files in folders.values()) == FILES
    others = [entry for entry in here.tree(here.folders["client_folder"]) if not isinstance(entry[1], list)]
    assert [entry[0] for entry in others] == ["(receipt)"]


def test_sd_6_what_was_staged_is_what_was_delivered(delivered) -> None:
    here, _ = delivered
    batch = register.load(here.systems).batches["B1"]
    assert {entry[0]: entry[1] for entry in here.tree(batch.folder_id) if isinstance(entry[1], list)} == {
        entry[0]: entry[1] for entry in here.tree(here.folders["client_folder"]) if isinstance(entry[1], list)
    }


def test_sd_6_nothing_internal_is_delivered(delivered) -> None:
    here, _ = delivered
    for file in everything_below(here, here.folders["client_folder"]):
        assert not file.comments
        assert not file.properties
        assert not file.description
        (own,) = file.app_properties.values()
        assert {key for key in own if not key.startswith("made.")} <= {"kind", "job", "op"}


def test_sd_6_permissions_come_from_the_clients_folder(delivered) -> None:
    here, _ = delivered
    for file in everything_below(here, here.folders["client_folder"]):
        roles = here.store.roles(file)
        assert roles["client@example.com"] == "reader"
        assert set(roles) == {"client@example.com", "owner@example.com"}


def test_the_ledger_shows_every_file_once(delivered) -> None:
    here, _ = delivered
    assert set(here.copies().values()) == {1}
    assert sum(here.copies().values()) == 2 * FILES


def test_the_receipt_lists_every_file_with_its_checksum_and_link(delivered) -> None:
    here, result = delivered
    (receipt,) = [file for file in here.store.children(here.folders["client_folder"]) if file.mime_type == "text/csv"]
    header, *rows = csv.reader(io.StringIO(receipt.content.read().decode("utf-8-sig")))
    assert header == ["Folder", "File", "Bytes", "Checksum", "Link"]
    assert len(rows) == FILES
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    for _folder, _name, size, checksum, link in rows:
        file = here.store.files[link.split("/")[5]]
        assert not here.store.is_trashed(file)
        if checksum:
            assert checksum == f"sha256:{file.content.checksum('sha256')}"
            assert int(size) == file.size
    logged = [each for each in here.audit.find_records(record_key="T-001") if each.action == "manifest"]
    assert [len(each.changes) for each in logged if each.session_id == result.job_id] == [7]


def test_statuses_are_right_and_the_batch_stands(delivered) -> None:
    here, _ = delivered
    words = [status for status, *_ in here.statuses().values()]
    assert (words.count("delivered"), words.count("staging_failed")) == (GOOD + 2, 12)
    found = batches.verify_batch(here.systems, "B1")
    assert (found.holds, found.delivered, found.files) == (True, GOOD, FILES)
    (summary,) = batches.list_batches(here.systems)
    assert summary.status == "delivered"
    report = batches.export_report(here.systems)
    assert len(report.failed) == 12
    assert report.staging_bytes > 40 * 10**9


def test_a_second_delivery_delivers_nothing(delivered) -> None:
    here, _ = delivered
    with pytest.raises(InputError, match=r"No task of batch B1 is ready .* 28 delivered"):
        plan(here)


# --- folders ---


def test_the_client_folder_is_kept_apart_from_staging(small) -> None:
    batch = register.load(small.systems).batches["B1"]
    cases = [
        (small.folders["staging_folder"], "is the staging folder itself"),
        (batch.folder_id, "lies inside the staging folder"),
        (small.store.files[small.folders["staging_folder"]].parents[0], "lies inside the client's folder"),
    ]
    for folder, words in cases:
        with pytest.raises(InputError, match=words):
            plan(small, folder)


def test_the_client_folder_must_be_writable_and_there(small) -> None:
    theirs, trashed = small.plant(
        {"name": "Theirs", "mimeType": FOLDER, "owner": "x@example.com", "readers": ["owner@example.com"]},
        {"name": "Old", "mimeType": FOLDER, "trashed": True},
    )
    with pytest.raises(PermissionMissing, match="may not add files"):
        plan(small, theirs)
    with pytest.raises(InputError, match="in the trash"):
        plan(small, trashed)
    with pytest.raises(InputError, match="no export batch “B9”; the latest are: B1"):
        delivery.plan_delivery(small.systems, delivery.DeliveryOptions("B9", small.folders["client_folder"]))


def test_nothing_is_delivered_into_the_folder_of_our_own_files(small) -> None:
    with pytest.raises(InputError, match="keeps its own files"):
        plan(small, small.connection.folder_id)


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("typed", "meant"), [("autumn-2026", "AUTUMN-2026"), ("AUTUMN", "AUTUMN-2026"), ("AUTUMM-2026", "AUTUMN-2026")]
)
def test_a_batch_id_that_is_nearly_right_is_helped_on(typed, meant) -> None:
    known = register.Register("S", batches={each: register.Batch(each, "", "", "", "", "") for each in ("X1", meant)})
    with pytest.raises(InputError, match=f"no export batch “{typed}”; did you mean {meant}\\?"):
        known.batch(typed)


def test_a_staged_file_that_was_changed_is_not_delivered(small) -> None:
    found = plan(small).plan.changes[0]
    small.systems.drive.update_content(found.files[0].source, b"other", mime_type=found.files[0].mime_type)
    made = plan(small)
    assert [finding.rule for finding in made.plan.findings] == ["staged_copy_changed"]
    result = small.deliver()
    assert (result.books.done, result.books.rejected) == (2, 1)
    assert small.status(found.key) == "delivery_failed"
    assert found.label not in small.files_in(small.folders["client_folder"])


def test_a_staged_file_that_is_changed_while_a_delivery_is_planned_is_not_delivered(small, monkeypatch) -> None:
    """What was found as it was staged is what is planned: nothing is looked at a second time."""
    job = register.load(small.systems).batches["B1"].staging_jobs[0]
    file = job_files.show(small.systems, job).plan.changes[0].files[0]
    real = small.systems.drive.get_many

    def changed_right_after(ids):
        found = real(ids)
        if file.new_id in ids:
            small.systems.drive.update_content(file.new_id, b"other", mime_type=file.mime_type)
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(small.systems.drive, "get_many", changed_right_after)
        made = plan(small)
    result = small.apply_delivery(delivery.store(small.systems, made))
    assert (result.books.done, result.books.rejected) == (2, 1)
    assert len(small.files_in(small.folders["client_folder"])) == 2


def test_a_wrong_count_is_not_delivered(small) -> None:
    from sheets_catalog.flows.tabs import letter
    from sheets_catalog.flows.tasks.sheet import open_tasks

    column = letter(list(open_tasks(small.systems, "Tasks").header).index("Staged Count"))
    small.systems.sheets.write_ranges(small.connection.spreadsheet_id, [(f"'Tasks'!{column}2", [[5]])])
    made = plan(small)
    assert "“Staged Count” is 5, but 6 files were staged" in made.plan.findings[0].message


def test_a_row_that_stood_twice_when_the_delivery_was_planned_is_not_delivered_twice(small) -> None:
    sheets, spreadsheet = small.systems.sheets, small.connection.spreadsheet_id
    width = len(open_tasks(small.systems, "Tasks").header)
    ((row,),) = sheets.read_ranges(spreadsheet, [a1("Tasks", 2, 1, 2, width)], "UNFORMATTED_VALUE")
    again = a1("Tasks", 5, 1, 5, width)
    sheets.write_ranges(spreadsheet, [(again, [row])])
    job = small.plan_delivery()
    sheets.write_ranges(spreadsheet, [(again, [[""] * width])])
    result = small.apply_delivery(job)
    assert (result.books.done, result.books.rejected) == (2, 2)
    assert sorted(small.files_in(small.folders["client_folder"])) == ["T00002", "T00003"]
    assert small.status("task-1") == "delivery_failed"
    assert small.deliver().books.done == 1
    assert batches.verify_batch(small.systems, "B1").holds


def test_delivered_means_verified_by_id(small) -> None:
    """A copy that loses a file between copying and proving is not delivered, and nothing half is left."""
    job = small.plan_delivery()
    from sheets_catalog.flows import job_files

    change = job_files.show(small.systems, job).plan.changes[1]
    gone = {"method": "PATCH", "path": f"/drive/v3/files/{change.files[2].new_id}", "body": {"trashed": True}}
    small.fault(
        "drive.files.get",
        "hook:collaborator",
        match=change.files[2].new_id,
        nth=2,
        requests=[gone | {"email": "owner@example.com"}],
    )
    result = small.apply_delivery(job)
    assert not small.unconsumed()
    assert (result.books.done, result.books.rejected) == (2, 1)
    assert "was put into the trash" in result.state.reasons[1]
    assert small.status(change.key) == "delivery_failed"
    assert change.label not in small.files_in(small.folders["client_folder"])


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_a_reviewer_trashes_after_planning_is_not_delivered(small, what) -> None:
    """Drive copies files that are in the trash; the reviewer meant to keep them from the client."""
    change = plan(small).plan.changes[1]
    job = small.plan_delivery()
    source = small.systems.drive.get(change.files[2].source)
    small.systems.drive.trash(source.id if what == "file" else source.parents[0])
    result = small.apply_delivery(job)
    assert (result.books.done, result.books.rejected) == (2, 1)
    assert "was put into the trash since this was planned" in result.state.reasons[1]
    assert small.status(change.key) == "delivery_failed"
    assert change.label not in small.files_in(small.folders["client_folder"])


def test_what_a_reviewer_notes_on_a_file_after_planning_stays_behind(small) -> None:
    job = small.plan_delivery()
    file = job_files.show(small.systems, job).plan.changes[0].files[0]
    url, token = f"{small.sandbox.url}/drive/v3/files/{file.source}", small.connection.google.access_token
    noted = {"properties": {"reviewer": "rita"}}
    requests.patch(url, json=noted, headers={"Authorization": f"Bearer {token}"}, timeout=10).raise_for_status()
    assert small.store.files[file.source].properties
    assert small.apply_delivery(job).books.done == 3
    assert not small.store.files[file.new_id].properties


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_a_reviewer_moves_away_after_planning_is_not_delivered(small, what) -> None:
    change = plan(small).plan.changes[1]
    job = small.plan_delivery()
    file = small.systems.drive.get(change.files[2].source)
    moved = file if what == "file" else small.systems.drive.get(file.parents[0])
    small.systems.drive.move(moved.id, to=small.folders["source_folder"], out_of=moved.parents[0])
    result = small.apply_delivery(job)
    assert (result.books.done, result.books.rejected) == (2, 1)
    assert result.state.reasons[1] == f"“{moved.name}” was moved since this was planned."
    assert small.status(change.key) == "delivery_failed"
    assert change.label not in small.files_in(small.folders["client_folder"])


@pytest.mark.parametrize(
    ("header", "value"), [("Export Batch ID", "B9"), ("Export Status", "staged"), ("Task ID", "another")]
)
def test_a_task_that_is_edited_while_it_is_copied_is_not_delivered(small, header, value) -> None:
    small.type_while_copying(header, value)
    result = small.deliver()
    assert not small.unconsumed()
    assert (result.books.done, result.books.conflicted) == (2, 1)
    assert of_job(result.status, result.books) == 9
    (reason,) = result.state.reasons.values()
    assert reason.startswith("Edited in the sheet meanwhile; its copies were trashed.")
    assert set(small.files_in(small.folders["client_folder"])) == {"T00002", "T00003"}
    (receipt,) = [each for each in small.store.children(small.folders["client_folder"]) if "csv" in each.mime_type]
    assert "T00001" not in receipt.content.read().decode()
    (logged,) = [e for e in small.audit.find_records(session_id=result.job_id) if e.operation_key == "0"]
    assert (logged.status, logged.reason) == ("conflicted", reason)
    assert not [e for e in small.audit.find_records(session_id=result.job_id) if e.operation_key == "manifest task-1"]
    again = small.apply_delivery(result.job_id)
    assert again.books == result.books


def test_verify_names_tasks_that_were_edited_while_they_were_copied(small) -> None:
    small.type_while_copying("Export Status", "ready")
    small.deliver()
    found = batches.verify_batch(small.systems, "B1")
    assert [(wrong.task_id, wrong.where) for wrong in found.wrong] == [("task-1", "sheet")]
    assert "ready" in found.wrong[0].problem


def test_sd_7_a_failed_delivery_is_retried(small) -> None:
    found = plan(small).plan.changes[0]
    small.systems.drive.trash(found.files[0].source)
    assert small.deliver().books.rejected == 1
    small.systems.drive.untrash(found.files[0].source)
    again = small.deliver()
    assert (again.books.planned, again.books.done) == (1, 1)
    assert {status for status, *_ in small.statuses().values()} == {"delivered"}
    assert len(small.files_in(small.folders["client_folder"])) == 3
    assert batches.verify_batch(small.systems, "B1").holds


def test_verify_names_what_was_removed_later(small) -> None:
    small.deliver()
    (folder,) = [each for each in small.store.children(small.folders["client_folder"]) if each.name == "T00001"]
    file = min(small.store.children(folder.id), key=lambda each: each.name)
    small.systems.drive.trash(file.id)
    found = batches.verify_batch(small.systems, "B1")
    assert [(wrong.task_id, wrong.where, wrong.file) for wrong in found.wrong] == [("task-1", "client", file.name)]


def test_verify_names_a_folder_that_was_renamed_and_still_holds(small) -> None:
    small.deliver()
    (folder,) = [each for each in small.store.children(small.folders["client_folder"]) if each.name == "T00001"]
    address = f"{small.sandbox.url}/drive/v3/files/{folder.id}"
    token = {"Authorization": f"Bearer {small.connection.google.access_token}"}
    assert requests.patch(address, json={"name": "Chair, final"}, headers=token, timeout=10).ok
    found = batches.verify_batch(small.systems, "B1")
    assert found.holds
    assert [(each.task_id, each.where) for each in found.renamed] == [("task-1", "client")]
    assert "“T00001” is called “Chair, final” now" in found.renamed[0].problem
    assert "Chair, final" in printed(*exports.verified(found), width=120)


def test_two_deliveries_of_one_batch_cannot_run_at_once(small) -> None:
    first = small.plan_delivery()
    (other_folder,) = small.plant({"name": "Other client", "mimeType": FOLDER})
    second = small.plan_delivery(folder=other_folder)
    small.apply_delivery(first, limits=Limits(stopping=lambda: True))
    with pytest.raises(BusyError, match=first):
        small.apply_delivery(second)
    assert small.apply_delivery(first).books.done == 3
    result = small.apply_delivery(second)
    assert (result.books.done, result.books.conflicted) == (0, 3)
    assert small.files_in(other_folder) == {}


def test_a_task_that_the_client_has_already_is_delivered_again_only_when_told(small) -> None:
    small.deliver()
    options = staging.StagingOptions(staging.Filters(include_exported=True), "B2")
    small.apply_staging(staging.store(small.systems, staging.plan_staging(small.systems, options)))
    small.sandbox.world.clock.advance(600)  # lists lag
    (old,) = [each for each in small.store.children(small.folders["client_folder"]) if each.name == "T00001"]
    small.systems.drive.trash(old.id)
    wanted = delivery.DeliveryOptions("B2", small.folders["client_folder"])
    made = delivery.plan_delivery(small.systems, wanted)
    assert [finding.rule for finding in made.plan.findings] == ["already_at_client"] * 2
    assert "has a folder “T00002” already" in made.plan.findings[0].message
    assert "by an earlier delivery" in made.plan.findings[0].message
    result = small.apply_delivery(delivery.store(small.systems, made))
    assert (result.books.done, result.books.rejected) == (1, 2)
    assert sorted(
        folder[0] for folder in small.tree(small.folders["client_folder"]) if isinstance(folder[1], list)
    ) == [
        "T00001",
        "T00002",
        "T00003",
    ]
    again = delivery.plan_delivery(small.systems, replace(wanted, again=True))
    assert not again.plan.findings
    assert small.apply_delivery(delivery.store(small.systems, again)).books.done == 2


def test_a_delivery_whose_job_file_is_gone_is_taken_over(small) -> None:
    job = small.plan_delivery()
    small.apply_delivery(job, limits=Limits(stopping=lambda: True))
    planned_before = small.plan_delivery()
    token = {"Authorization": f"Bearer {small.connection.google.access_token}"}
    assert requests.delete(f"{small.sandbox.url}/drive/v3/files/{job}", headers=token, timeout=10).ok
    assert small.apply_delivery(planned_before).books.done == 3
    assert register.load(small.systems).batches["B1"].active_job == ""


def test_tasks_that_a_lost_job_left_delivering_are_delivered_by_the_next(small) -> None:
    job = small.plan_delivery()
    small.fault("drive.files.copy", "status", status=403, nth=4, reason="storageQuotaExceeded")
    with pytest.raises(SheetsCatalogError):
        small.apply_delivery(job)
    assert {status for status, *_ in small.statuses().values()} == {"delivering"}
    with pytest.raises(InputError, match="3 delivering"):
        plan(small)
    small.forget_faults()
    token = {"Authorization": f"Bearer {small.connection.google.access_token}"}
    assert requests.delete(f"{small.sandbox.url}/drive/v3/files/{job}", headers=token, timeout=10).ok
    (other,) = small.plant({"name": "Other client", "mimeType": FOLDER})
    assert small.deliver(folder=other).books.done == 3
    assert batches.verify_batch(small.systems, "B1").holds


def test_a_shared_drive_as_the_clients_folder(small) -> None:
    answer = requests.post(
        f"{small.sandbox.url}/drive/v3/drives",
        params={"requestId": "r1"},
        json={"name": "Client drive"},
        headers={"Authorization": f"Bearer {small.connection.google.access_token}"},
        timeout=10,
    )
    drive_id = answer.json()["id"]
    result = small.deliver(folder=drive_id)
    assert result.books.done == 3
    assert len(small.files_in(drive_id)) == 3


def test_clean_up_of_what_was_delivered_as_a_whole(small) -> None:
    small.deliver()
    assert keeping.plan_cleaning(small.systems, 0) == []
    (cleaning,) = keeping.plan_cleaning(small.systems, 0, delivered=True)
    keeping.clean(small.systems, small.audit, [cleaning], "me")
    assert small.systems.drive.get(register.load(small.systems).batches["B1"].folder_id).trashed
    assert {status for status, *_ in small.statuses().values()} == {"delivered"}
    assert batches.verify_batch(small.systems, "B1").holds


def test_another_operator_resumes_in_another_process(small) -> None:
    job = small.plan_delivery()
    small.apply_delivery(job, limits=Limits(deadline=small.systems.clock.monotonic() - 1))
    other = open_systems(small.connection)
    assert delivery.apply(other, small.audit, job).books.done == 3


def test_sd_3_delivered_tasks_are_staged_again_only_by_override(small) -> None:
    small.deliver()
    options = staging.StagingOptions(staging.Filters(include_exported=True), "B2")
    made = staging.plan_staging(small.systems, options)
    assert [finding.rule for finding in made.plan.findings] == ["override_already_exported"]
    result = small.apply_staging(staging.store(small.systems, made))
    assert result.books.done == 3
    assert {batch for _, batch, _ in small.statuses().values()} == {"B2"}

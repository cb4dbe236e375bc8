"""Jobs that are retried, resumed late or killed at a bad moment: nobody's copies are doubled, trashed or forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sheets_catalog.errors import BusyError, InputError, PermissionMissing
from sheets_catalog.flows import job_files, resuming, staging
from sheets_catalog.flows.delivery import receipt
from sheets_catalog.flows.staging import export_sheet
from sheets_catalog.flows.tabs import letter
from sheets_catalog.flows.tasks import applying, batches, copies, keeping, native, register
from sheets_catalog.flows.tasks.copies import Copies
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Status
from tests.flows.exports import Desk, add_native, desk
from tests.flows.test_task_folders import shared_drive
from tests.flows.test_task_statuses import one_copy_fails, typed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def plan_staging(here: Desk, batch: str = "B1", **filters: object) -> str:
    options = staging.StagingOptions(staging.Filters(**filters), batch)
    return staging.store(here.systems, staging.plan_staging(here.systems, options))


def short(here: Desk) -> Limits:
    """A slice of one chunk."""
    return Limits(deadline=here.systems.clock.monotonic() - 1)


def fails_once(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
    """The next call of a step at the end of a job is refused: its statuses are written by then."""
    real = getattr(module, name)

    def refused(*_: object) -> None:
        monkeypatch.setattr(module, name, real)
        raise PermissionMissing("It is closed.", advice="Open it.")

    monkeypatch.setattr(module, name, refused)


def folders_of(here: Desk, batch: str) -> list[tuple[str, int]]:
    """Names of the task folders of a batch, and how many files each holds."""
    folder = register.load(here.systems).batches[batch].folder_id
    return [(entry[0], len(entry[1])) for entry in here.tree(folder) if isinstance(entry[1], list)]


def whole(tasks: int) -> list[tuple[str, int]]:
    return [(f"T{number:05}", 6) for number in range(1, tasks + 1)]


def nobody_else_may(here: Desk) -> None:
    with pytest.raises((BusyError, InputError)):
        here.stage("", retry="B1")
    with pytest.raises((BusyError, InputError)):
        here.deliver()


def test_a_retried_job_that_waits_keeps_its_batch(tmp_path) -> None:
    with desk(tmp_path, 7, files=42) as here:
        job = plan_staging(here)
        one_copy_fails(here)
        assert here.apply_staging(job, limits=short(here)).status is Status.WAITING
        assert job_files.retry(here.systems, job) == 1
        nobody_else_may(here)
        assert here.apply_staging(job).books.done == 7
        assert folders_of(here, "B1") == whole(7)


def test_a_retried_job_that_needs_attention_keeps_its_batch(tmp_path, monkeypatch) -> None:
    with desk(tmp_path, 4, files=24) as here:
        job = plan_staging(here)
        one_copy_fails(here)
        fails_once(monkeypatch, export_sheet, "_fill")
        with pytest.raises(PermissionMissing):
            here.apply_staging(job)
        assert job_files.retry(here.systems, job) == 1
        nobody_else_may(here)
        result = here.apply_staging(job)
        assert (result.books.done, result.books.conflicted) == (4, 0)
        assert folders_of(here, "B1") == whole(4)
        assert here.deliver().books.done == 4


@pytest.fixture
def small(tmp_path):
    with desk(tmp_path, 3, files=18) as here:
        here.stage()
        yield here


def test_a_delivery_resumed_for_its_receipt_keeps_what_the_client_has_of_tasks_that_went_on(small, monkeypatch) -> None:
    job = small.plan_delivery()
    fails_once(monkeypatch, receipt, "_put")
    with pytest.raises(PermissionMissing):
        small.apply_delivery(job)
    assert {status for status, *_ in small.statuses().values()} == {"delivered"}
    assert small.stage("B2", task_ids=("task-1",), include_exported=True).books.done == 1
    result = small.apply_delivery(job)
    assert (result.books.done, result.books.conflicted) == (3, 0)
    tree = small.tree(small.folders["client_folder"])
    assert [(entry[0], len(entry[1])) for entry in tree if isinstance(entry[1], list)] == whole(3)
    assert ["(receipt)", 19] in tree
    assert small.statuses()["task-1"][:2] == ("staged", "B2")


def test_a_copy_that_somebody_made_of_a_native_file_is_no_twin_of_it(tmp_path) -> None:
    """Drive gives a copy all properties of the file, in its folder: also a reviewer's, or the client's."""
    with desk(tmp_path, 2, files=12) as here:
        add_native(here, 0)
        add_native(here, 1)
        one_copy_fails(here)  # of either task
        job = here.stage().job_id
        here.sandbox.world.clock.advance(600)  # lists lag
        (notes,) = here.systems.drive.find(app_properties={"job": job, "kind": "native"})
        (sheet,) = here.systems.drive.find(app_properties={"batch": "B1", "kind": "native"})
        mine = [here.systems.drive.copy(each.id, None, "Mine", parent=each.parents[0]) for each in (notes, sheet)]
        here.sandbox.world.clock.advance(600)
        here.forget_faults()
        assert job_files.retry(here.systems, job) == 1
        assert here.apply_staging(job).books.done == 2
        assert [here.systems.drive.get(each.id).trashed for each in mine] == [False, False]


def killed_while_stored(monkeypatch: pytest.MonkeyPatch, plan: Callable[[], object]) -> str:
    """The id of a job whose process dies between the making of its file and its entry in the register."""
    made, real = [], job_files.make

    def make(systems: object, planned: object) -> None:
        made.append(real(systems, planned))
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(job_files, "make", make)
        with pytest.raises(KeyboardInterrupt):
            plan()
    return made[0]


def test_a_job_whose_process_died_while_it_was_stored_is_one_of_its_batch(tmp_path, monkeypatch) -> None:
    """What nobody knew of as the batch's was delivered, and never proven; a retried task could not be delivered."""
    with desk(tmp_path, 2, files=12) as here:
        one_copy_fails(here)
        assert here.stage().books.rejected == 1
        again = killed_while_stored(monkeypatch, lambda: here.stage("", retry="B1"))
        assert here.apply_staging(again).books.done == 1
        job = killed_while_stored(monkeypatch, here.plan_delivery)
        assert here.apply_delivery(job).books.done == 2
        batch = register.load(here.systems).batches["B1"]
        assert (batch.staging_jobs[1:], batch.delivery_jobs) == ((again,), (job,))
        assert batch.client_folders == (here.folders["client_folder"],)
        assert batches.verify_batch(here.systems, "B1").holds


def test_of_a_job_retried_and_another_that_start_at_once_one_copies(small, monkeypatch) -> None:
    """The retried one was killed before it gave the batch back: what it had entered then says nothing any more."""
    one_copy_fails(small)
    first = small.plan_delivery()
    with monkeypatch.context() as killed:
        killed.setattr(applying, "_give_back", lambda *_: None)
        assert small.apply_delivery(first).books.rejected == 1
    second = small.plan_delivery()
    assert job_files.retry(small.systems, first) == 1
    begun = batches.begun

    def late(systems, job_id):
        """Whether the first one has begun; right after the answer it begins, and stops in the middle of a copy."""
        answer = begun(systems, job_id)
        if job_id == first:
            racing.setattr(batches, "begun", begun)
            stopped_while_copying(small, first, monkeypatch)
        return answer

    with monkeypatch.context() as racing:
        racing.setattr(batches, "begun", late)
        with pytest.raises(BusyError, match=f"Job {first} works on batch B1 already"):
            small.apply_delivery(second)
    assert small.apply_delivery(first).books.done == 3
    assert set(small.copies().values()) == {1}


def stopped_while_copying(here: Desk, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as once:
        once.setattr(Copies, "make", killed)
        with pytest.raises(KeyboardInterrupt):
            here.apply_delivery(job)


def test_a_clean_up_takes_every_note_of_a_job_off_the_batch(tmp_path, monkeypatch) -> None:
    with desk(tmp_path, 1, files=6) as here:
        one_copy_fails(here)
        with monkeypatch.context() as killed:
            killed.setattr(applying, "_give_back", lambda *_: None)
            assert here.stage().books.rejected == 1
        assert register.load(here.systems).batches["B1"].begun_job
        cleanings = keeping.plan_cleaning(here.systems, 0)
        assert keeping.clean(here.systems, here.audit, cleanings, "me") == []
        batch = register.load(here.systems).batches["B1"]
        assert (bool(batch.cleaned_at), batch.active_job, batch.begun_job) == (True, "", "")


def test_what_became_of_the_tasks_stays_with_a_job_that_needs_attention(small, monkeypatch) -> None:
    """A task that was edited while it was copied is not called done again because the receipt was refused."""
    job = small.plan_delivery()
    small.type_while_copying("Export Status", "staged")
    fails_once(monkeypatch, receipt, "_put")
    with pytest.raises(PermissionMissing):
        small.apply_delivery(job)
    summary = job_files.show(small.systems, job).summary
    assert (summary.status, summary.note) == ("attention", "The receipt could not be handed over. It is closed.")
    assert (summary.books.done, summary.books.conflicted) == (2, 1)


def test_one_retried_task_leaves_the_status_of_others_alone(tmp_path) -> None:
    """One was found invalid and put back in line by hand; the job is retried for another one."""
    with desk(tmp_path, 4, files=24) as here:
        typed(here, "Folder Name", "T00001", "T00002", "T00003", "zzz")
        one_copy_fails(here)
        result = here.stage()
        assert result.books.rejected == 2
        keeping.set_status(here.systems, here.audit, ["task-4"], "", "mended", "me")
        again = [item for item in result.state.reasons if result.plan.changes[item].key != "task-4"]
        assert job_files.retry(here.systems, result.job_id, again) == 1
        here.apply_staging(result.job_id)
        assert here.statuses()["task-4"] == (None, None, None)
        assert [status for status, *_ in here.statuses().values()] == ["staged", "staged", "staged", None]


def test_jobs_that_prove_what_a_batch_holds_are_not_cleaned_up(tmp_path) -> None:
    """Drive empties its trash after a month, and a batch is delivered and verified by them however old it is."""
    with desk(tmp_path, 3, files=18) as here:
        required = register.load(here.systems).settings.rules.required
        here.rules(required=(".zzz",))
        nothing = here.stage().job_id
        here.rules(required=required)
        here.stage("", retry="B1")
        assert [job.job_id for job in job_files.clean(here.systems, older_than_days=-1)] == [nothing]
        assert here.deliver().books.done == 3
        assert job_files.clean(here.systems, older_than_days=-1) == []
        assert batches.verify_batch(here.systems, "B1").holds


# --- a folder that is gone for good ---


def close(here: Desk, folder: str, how: str) -> None:
    """A folder is deleted for good, or we are no longer a member of the shared drive."""
    with here.sandbox.world.lock:
        if how == "deleted":
            here.store.delete(here.store.files[folder])
            return
        members = here.store.drives[folder].members
        (ours,) = [key for key, each in members.items() if each.email == "owner@example.com"]
        del members[ours]


def begun_staging(here: Desk) -> tuple[str, str]:
    """A staging job that has begun, and the folder of its batch."""
    job = plan_staging(here)
    assert here.apply_staging(job, limits=short(here)).status is Status.WAITING
    return job, register.load(here.systems).batches["B1"].folder_id


def cancelled(here: Desk, job: str) -> None:
    """A job that cannot go on says so plainly; cancelled, it ends and holds nobody up."""
    with pytest.raises(PermissionMissing) as stopped:
        resuming.apply_any(here.systems, here.audit, job)
    assert "is gone, or this account cannot see it any more." in stopped.value.message
    assert "Or cancel it" in stopped.value.advice
    assert "404" not in stopped.value.message
    assert job_files.show(here.systems, job).summary.status == "attention"
    assert resuming.cancel(here.systems, here.audit, job) is Status.CANCELLED
    assert not register.load(here.systems).batches["B1"].active_job


@pytest.mark.parametrize("how", ["deleted", "unshared"])
def test_a_staging_whose_folder_is_gone_can_be_cancelled(tmp_path, how) -> None:
    with desk(tmp_path, 7, files=42) as here:
        drive = shared_drive(here)
        keeping.configure(here.systems, staging_folder=drive)
        job, folder = begun_staging(here)
        close(here, folder if how == "deleted" else drive, how)
        cancelled(here, job)
        assert [status for status, *_ in here.statuses().values()].count("staging") == 0
        keeping.configure(here.systems, staging_folder=here.folders["staging_folder"])
        assert here.stage("B2").books.done == 2  # those it had not come to


def test_a_staging_whose_folder_is_deleted_before_its_last_task_can_be_cancelled(tmp_path, monkeypatch) -> None:
    """All is copied by then: only the export sheet is missing."""
    with desk(tmp_path, 3, files=18) as here:
        job = plan_staging(here)
        fails_once(monkeypatch, export_sheet, "_fill")
        with pytest.raises(PermissionMissing, match=r"The export sheet could not be written\. It is closed\."):
            here.apply_staging(job)
        close(here, register.load(here.systems).batches["B1"].folder_id, "deleted")
        cancelled(here, job)


@pytest.mark.parametrize("how", ["deleted", "unshared"])
def test_a_delivery_whose_folder_is_gone_can_be_cancelled(tmp_path, how) -> None:
    with desk(tmp_path, 7, files=42) as here:
        here.stage()
        folder = shared_drive(here)
        if how == "deleted":
            (folder,) = here.plant({"name": "Theirs", "mimeType": "application/vnd.google-apps.folder"})
        job = here.plan_delivery(folder=folder)
        assert here.apply_delivery(job, limits=short(here)).status is Status.WAITING
        close(here, folder, how)
        cancelled(here, job)
        assert here.deliver().books.done == 2


def delete_export_sheet(here: Desk) -> None:
    folder = here.systems.drive.get(register.load(here.systems).batches["B1"].folder_id)
    close(here, native.Mark.read(folder.app_properties[export_sheet.MARK]).file_id, "deleted")


def test_an_export_sheet_that_was_deleted_is_made_anew(tmp_path) -> None:
    """It would hold its batch for good otherwise: neither delivered nor retried, nor cancelled."""
    with desk(tmp_path, 3, files=18) as here:
        one_copy_fails(here)
        here.stage()
        delete_export_sheet(here)
        assert here.stage("", retry="B1").books.done == 1
        names = [entry[0] for entry in here.tree(register.load(here.systems).batches["B1"].folder_id)]
        assert names.count("Export_B1_Data") == 1
        assert here.deliver().books.done == 3


def test_a_tab_that_a_reviewer_put_before_the_export_sheets_own_is_left_alone(tmp_path) -> None:
    with desk(tmp_path, 3, files=18) as here:
        one_copy_fails(here)
        here.stage()
        folder = here.systems.drive.get(register.load(here.systems).batches["B1"].folder_id)
        sheet = native.Mark.read(folder.app_properties[export_sheet.MARK]).file_id
        tab = {"addSheet": {"properties": {"title": "Remarks", "index": 0}}}
        here.systems.sheets.batch_update(sheet, [tab], safety="repeatable")
        here.systems.sheets.write_ranges(sheet, [("'Remarks'!A1:A1", [["mine"]])])
        assert here.stage("", retry="B1").books.done == 1
        remarks, staged = here.systems.sheets.read_ranges(sheet, ["'Remarks'", "'Sheet1'"], "FORMATTED_VALUE")
        assert remarks == [["mine"]]
        assert [row[0] for row in staged] == ["Task ID", "task-1", "task-2", "task-3"]


def test_a_delivery_whose_receipt_was_deleted_can_be_cancelled(small) -> None:
    """Nothing can be made under its id any more."""
    one_copy_fails(small)
    result = small.deliver()
    close(small, result.plan.options["receipt"], "deleted")
    assert job_files.retry(small.systems, result.job_id) == 1
    with pytest.raises(PermissionMissing, match="The receipt could not be handed over") as stopped:
        small.apply_delivery(result.job_id)
    assert "Or cancel it" in stopped.value.advice
    assert resuming.cancel(small.systems, small.audit, result.job_id) is Status.CANCELLED
    assert not register.load(small.systems).batches["B1"].active_job
    assert {status for status, *_ in small.statuses().values()} == {"delivered"}


# --- tasks that nobody works on, and batches that are cleaned up ---


def test_tasks_that_a_lost_job_left_in_work_are_taken_over_also_after_another_job(tmp_path) -> None:
    with desk(tmp_path, 3, files=18) as here:
        job = plan_staging(here)
        here.fault("drive.files.copy", "status", status=403, nth=4, reason="storageQuotaExceeded")
        with pytest.raises(PermissionMissing):
            here.apply_staging(job)
        close(here, job, "deleted")
        assert here.stage("", retry="B1", task_ids=("task-1",)).books.done == 1
        assert here.stage("", retry="B1").books.done == 2
        assert {status for status, *_ in here.statuses().values()} == {"staged"}


def two_emptied_batches(here: Desk) -> list[keeping.Cleaning]:
    """Two batches with a folder each, whose tasks were put back in line; what cleaning up would do then."""
    for number in (1, 2):
        here.stage(f"B{number}", task_ids=(f"task-{number}",))
    keeping.set_status(here.systems, here.audit, ["task-1", "task-2"], "", "again", "me")
    return keeping.plan_cleaning(here.systems, 0)


def test_a_batch_whose_folder_may_not_be_trashed_holds_up_no_other_clean_up(tmp_path) -> None:
    """Such as one that a colleague has staged."""
    with desk(tmp_path, 2, files=12) as here:
        planned = two_emptied_batches(here)
        here.fault("drive.files.update", "status", status=403, reason="insufficientFilePermissions", match='"trashed"')
        (left,) = keeping.clean(here.systems, here.audit, planned, "me")
        assert (left.batch_id, "may not trash" in left.reason) == (planned[0].batch_id, True)
        cleaned = {key: bool(batch.cleaned_at) for key, batch in register.load(here.systems).batches.items()}
        assert cleaned == {planned[0].batch_id: False, planned[1].batch_id: True}


def test_a_batch_that_a_job_takes_up_while_it_is_cleaned_up_is_not_called_cleaned_up(tmp_path, monkeypatch) -> None:
    with desk(tmp_path, 3, files=18) as here:
        job = plan_staging(here)
        planned = keeping.plan_cleaning(here.systems, 0)
        real = keeping._trash

        def begun_first(*given: object) -> None:
            here.apply_staging(job, limits=Limits(stopping=lambda: True))
            real(*given)

        monkeypatch.setattr(keeping, "_trash", begun_first)
        keeping.clean(here.systems, here.audit, planned, "me")
        batch = register.load(here.systems).batches["B1"]
        assert (batch.cleaned_at, batch.active_job) == ("", job)
        assert here.apply_staging(job).books.done == 3


# --- what may not be trashed ---


def test_a_second_native_copy_that_may_not_be_trashed_stops_nobody(tmp_path, monkeypatch) -> None:
    """It came in late, made by an attempt that counted as not applied."""
    with desk(tmp_path, 2, files=12) as here:
        add_native(here)
        here.stage()
        job = here.plan_delivery(folder=shared_drive(here))
        real = native.trash_twins

        def late(systems, folders, marks, names):
            (made,) = systems.drive.find(app_properties=marks)
            systems.drive.copy(made.id, None, made.name, parent=made.parents[0])
            here.sandbox.world.clock.advance(120)  # lists lag
            return real(systems, folders, marks, names)

        monkeypatch.setattr(native, "trash_twins", late)
        result = here.apply_delivery(job)
        assert (result.status, result.books.done) == (Status.FINISHED, 2)
        assert {status for status, *_ in here.statuses().values()} == {"delivered"}


def test_one_folder_that_may_not_be_trashed_keeps_no_other_one(small) -> None:
    """Two tasks are edited while they are copied; the first folder is refused to us when it is to be trashed."""
    job = small.plan_delivery()
    column = letter(list(open_tasks(small.systems, "Tasks").header).index("Export Status"))
    path = f"/v4/spreadsheets/{small.connection.spreadsheet_id}/values/Tasks!{column}2:{column}3?valueInputOption=RAW"
    typing = {"email": "owner@example.com", "method": "PUT", "path": path, "body": {"values": [["staged"], ["staged"]]}}
    small.fault("drive.files.copy", "hook:collaborator", nth=4, requests=[typing])
    small.fault("drive.files.update", "status", status=403, reason="insufficientFilePermissions", match='"trashed"')
    assert small.apply_delivery(job).books.conflicted == 2
    assert not small.unconsumed()
    assert len(small.files_in(small.folders["client_folder"])) == 2  # the one refused, and the one delivered


def test_the_folder_for_all_tasks_is_looked_at_once_however_many_fail(small, monkeypatch) -> None:
    looked = []
    real = copies.closed_folder
    monkeypatch.setattr(copies, "closed_folder", lambda *given: looked.append(given) or real(*given))
    small.fault("drive.files.copy", "status", status=403, times=18, reason="cannotCopyFile")
    assert small.deliver().books.rejected == 3
    assert len(looked) == 1


def test_a_batch_that_is_there_already_is_named_although_the_job_file_may_not_be_trashed(tmp_path) -> None:
    with desk(tmp_path, 2, files=12) as here:
        options = staging.StagingOptions(staging.Filters(), "B1")
        first, second = (staging.plan_staging(here.systems, options) for _ in range(2))
        staging.store(here.systems, first)
        here.fault("drive.files.update", "status", status=403, reason="insufficientFilePermissions", match='"trashed"')
        with pytest.raises(InputError, match="There is an export batch “B1” already"):
            staging.store(here.systems, second)
        assert not here.unconsumed()

"""Folders of tasks: whose they are, who must not see them, and what is left of them."""

from __future__ import annotations

import pytest
import requests

from sheets_catalog.errors import InputError, PermissionMissing
from sheets_catalog.flows import job_files, staging
from sheets_catalog.flows.tasks import batches, keeping, register
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Status
from tests.flows.exports import Desk, desk
from tests.flows.test_task_statuses import typed

FOLDER = "application/vnd.google-apps.folder"


@pytest.fixture
def small(tmp_path):
    with desk(tmp_path, 3, files=18) as here:
        here.stage()
        yield here


def plan(here: Desk, batch: str, **filters):
    return staging.plan_staging(here.systems, staging.StagingOptions(staging.Filters(**filters), batch))


# --- who must not see them ---


def test_nothing_is_delivered_into_the_folder_that_is_staged_into_now(small) -> None:
    new, inside = small.plant({"name": "New staging", "mimeType": FOLDER}, {"name": "Inside", "mimeType": FOLDER})
    small.systems.drive.move(inside, to=new, out_of=small.store.files[inside].parents[0])
    keeping.configure(small.systems, staging_folder=new)
    for folder, words in ((new, "is the staging folder itself"), (inside, "lies inside the staging folder “New")):
        with pytest.raises(InputError, match=words):
            small.plan_delivery(folder=folder)


def test_nothing_is_delivered_into_a_folder_that_other_batches_were_staged_into(small) -> None:
    keeping.set_status(small.systems, small.audit, ["task-1"], "", "again", "me")
    (new,) = small.plant({"name": "New staging", "mimeType": FOLDER})
    keeping.configure(small.systems, staging_folder=new)
    small.stage("B2")
    old = register.load(small.systems).batches["B1"].staging_folder
    with pytest.raises(InputError, match="is the staging folder itself"):
        small.plan_delivery("B2", folder=old)
    (inside,) = small.plant({"name": "Clients", "mimeType": FOLDER, "parent": old})
    assert small.deliver("B2", folder=inside).books.done == 1


def test_nothing_is_delivered_into_a_batch_that_was_moved(small) -> None:
    batch = register.load(small.systems).batches["B1"]
    (other,) = small.plant({"name": "Elsewhere", "mimeType": FOLDER})
    small.systems.drive.move(batch.folder_id, to=other, out_of=batch.staging_folder)
    with pytest.raises(InputError, match="is the staging folder itself"):
        small.plan_delivery(folder=batch.folder_id)


def test_nothing_is_delivered_or_staged_into_the_folder_of_a_batch(small) -> None:
    """Also of one in another staging folder: whoever looks sees it, and its clean-up takes along what lies in it."""
    keeping.set_status(small.systems, small.audit, ["task-1"], "", "again", "me")
    (new,) = small.plant({"name": "New staging", "mimeType": FOLDER})
    keeping.configure(small.systems, staging_folder=new)
    small.stage("B2")
    first = register.load(small.systems).batches["B1"].folder_id
    (task, *_) = [each.id for each in small.store.children(first) if each.is_folder]
    for folder in (first, task):
        with pytest.raises(InputError, match="it is the folder of batch B1, or lies in it"):
            small.plan_delivery("B2", folder=folder)
        with pytest.raises(InputError, match="it is the folder of batch B1, or lies in it"):
            keeping.configure(small.systems, staging_folder=folder)


def test_nothing_is_staged_where_a_client_looks(small) -> None:
    client = small.folders["client_folder"]
    small.deliver()
    with pytest.raises(InputError, match="is a client's folder, or lies in one"):
        keeping.configure(small.systems, staging_folder=client)
    parent = small.store.files[small.folders["staging_folder"]].parents[0]
    small.systems.drive.move(small.folders["staging_folder"], to=client, out_of=parent)
    with pytest.raises(InputError, match="is a client's folder, or lies in one"):
        plan(small, "B2", include_exported=True)


# --- whose they are ---


def test_nothing_is_staged_again_where_a_client_looks_by_now(tmp_path) -> None:
    """The batch was cleaned up and its staging folder given to a client; then its job is retried."""
    with desk(tmp_path, 3, files=18) as here:
        here.fault("drive.files.copy", "status", status=403, nth=4, reason="cannotCopyFile")
        here.stage()
        batch = register.load(here.systems).batches["B1"]
        (job,) = batch.staging_jobs
        keeping.set_status(here.systems, here.audit, ["task-1", "task-2", "task-3"], "", "again", "me")
        keeping.clean(here.systems, here.audit, keeping.plan_cleaning(here.systems, 0), "me")
        (new,) = here.plant({"name": "New staging", "mimeType": FOLDER})
        keeping.configure(here.systems, staging_folder=new)
        here.stage("B2")
        here.deliver("B2", folder=batch.staging_folder)
        seen = here.tree(batch.staging_folder)
        assert job_files.retry(here.systems, job) == 1
        with pytest.raises(InputError, match="is a client's folder, or lies in one"):
            here.apply_staging(job)
        job_files.cancel(here.systems, job)
        assert here.apply_staging(job).status is Status.CANCELLED
        assert here.tree(batch.staging_folder) == seen


@pytest.mark.parametrize("when", ["before it begins", "before it goes on"])
def test_nothing_is_delivered_once_the_client_sees_what_is_staged(small, when) -> None:
    """Somebody moves the staging folder into the client's folder after the delivery was planned."""
    job = small.plan_delivery()
    if when == "before it goes on":
        small.apply_delivery(job, limits=Limits(stopping=lambda: True))
    staged, client = small.folders["staging_folder"], small.folders["client_folder"]
    small.systems.drive.move(staged, to=client, out_of=small.store.files[staged].parents[0])
    with pytest.raises(InputError, match="lies inside the client's folder"):
        small.apply_delivery(job)
    assert set(small.files_in(client)) == {small.store.files[staged].name}
    job_files.cancel(small.systems, job)
    assert small.apply_delivery(job).status is Status.CANCELLED


def test_a_batch_made_twice_at_once_is_made_once(small) -> None:
    keeping.set_status(small.systems, small.audit, ["task-1", "task-2"], "", "again", "me")
    first, second = plan(small, "B2", task_ids=("task-1",)), plan(small, "B2", task_ids=("task-2",))
    job = staging.store(small.systems, first)
    with pytest.raises(InputError, match="an export batch “B2” already"):
        staging.store(small.systems, second)
    assert register.load(small.systems).batches["B2"].staging_jobs == (job,)
    assert small.apply_staging(job).books.done == 1


def test_a_batch_of_which_another_has_every_task_gets_no_folder(small) -> None:
    keeping.set_status(small.systems, small.audit, ["task-1", "task-2"], "", "again", "me")
    wanted = ("task-1", "task-2")
    second = staging.store(small.systems, plan(small, "B3", task_ids=wanted))
    assert small.apply_staging(staging.store(small.systems, plan(small, "B2", task_ids=wanted))).books.done == 2
    assert small.apply_staging(second).books.conflicted == 2
    names = [entry[0] for entry in small.tree(small.folders["staging_folder"])]
    assert sorted(name.rpartition("_")[2] for name in names) == ["B1", "B2"]


def test_another_sheets_batch_of_the_same_name_keeps_its_export_sheet(small) -> None:
    (other,) = small.plant({"name": "Export_2026-01-01_B2", "mimeType": FOLDER})
    marks = {"kind": "native", "op": "sheet", "batch": "B2"}  # as another spreadsheet's job made it
    theirs = small.systems.drive.create_native("Export_B2_Data", native_type(), parent=other, app_properties=marks)
    keeping.set_status(small.systems, small.audit, ["task-1"], "", "again", "me")
    small.sandbox.world.clock.advance(600)  # lists lag
    small.fault("drive.files.create", "fin", "before", nth=3)  # the export sheet: is it there? Look for it
    job = staging.store(small.systems, plan(small, "B2", task_ids=("task-1",)))
    small.forget_calls()
    assert small.apply_staging(job).books.done == 1
    assert not small.systems.drive.get(theirs.id).trashed
    assert theirs.id not in batches.show_batch(small.systems, "B2").sheet_link


def native_type() -> str:
    return "application/vnd.google-apps.spreadsheet"


def test_a_retried_task_cannot_take_the_folder_name_of_a_staged_one(tmp_path) -> None:
    with desk(tmp_path, 3, files=18) as here:
        here.rules(required=(".obj",))
        typed(here, "Folder Name", "T0", "T0", "T0")
        result = here.stage()
        assert result.books.rejected == 3
        typed(here, "Folder Name", "T0000")
        assert here.apply_staging(
            staging.store(here.systems, plan(here, "", retry="B1", task_ids=("task-1",)))
        ).books.done
        typed(here, "Folder Name", "T0000", "T0000")
        made = plan(here, "", retry="B1", task_ids=("task-2",))
        assert [each.rule for each in made.plan.findings] == ["same_folder_name"]
        assert "(rows 3, 2)" in made.plan.findings[0].message


# --- what is left of them ---


def as_client(here: Desk, method: str, path: str, **more) -> dict:
    told = here.post("tokens", email="client@example.com")
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    answer = requests.request(
        method,
        f"{here.sandbox.url}/drive/v3/{path}",
        params={"supportsAllDrives": "true", **more.pop("params", {})},
        headers=headers,
        timeout=10,
        **more,
    )
    assert answer.ok, answer.text
    return answer.json() if answer.content else {}


def shared_drive(here: Desk) -> str:
    """The client's, of which we are a contributor: we may add files and trash none."""
    drive = as_client(here, "POST", "drives", params={"requestId": "r"}, json={"name": "Client drive"})["id"]
    permission = {"type": "user", "role": "writer", "emailAddress": "owner@example.com"}
    as_client(here, "POST", f"files/{drive}/permissions", json=permission)
    return str(drive)


def test_an_edited_task_stops_nobody_where_nothing_may_be_trashed(small) -> None:
    job = small.plan_delivery(folder=shared_drive(small))
    small.type_while_copying("Export Status", "staged")
    result = small.apply_delivery(job)
    assert result.status is Status.FINISHED
    assert (result.books.done, result.books.conflicted) == (2, 1)
    (reason,) = result.state.reasons.values()
    assert "; its copies stay where they are: this account may not trash them. The task has" in reason
    assert not register.load(small.systems).batches["B1"].active_job


def test_a_delivery_can_be_cancelled_where_nothing_may_be_trashed(tmp_path) -> None:
    with desk(tmp_path, 6, files=36) as here:
        here.stage()
        drive = shared_drive(here)
        job = here.plan_delivery(folder=drive)
        one_call = Limits(deadline=here.systems.clock.monotonic() - 1)
        begun = here.apply_delivery(job, limits=one_call)
        assert begun.books.done == 5
        last = begun.plan.changes[5]  # its folder was made when the program was killed
        marks = {"job": job, "kind": "task", "op": "5"}
        here.systems.drive.create_folder(last.context["folder"], "T00006", parent=drive, app_properties=marks)
        job_files.cancel(here.systems, job)
        assert here.apply_delivery(job).status is Status.CANCELLED
        assert not register.load(here.systems).batches["B1"].active_job


def test_a_failed_task_stops_nobody_where_nothing_may_be_trashed(small) -> None:
    drive = shared_drive(small)
    job = small.plan_delivery(folder=drive)
    small.fault("drive.files.copy", "status", status=403, nth=4, reason="cannotCopyFile")
    result = small.apply_delivery(job)
    assert result.status is Status.FINISHED
    assert (result.books.done, result.books.rejected) == (2, 1)
    (reason,) = result.state.reasons.values()
    assert "is still there: this account may not trash it." in reason
    words = sorted(status for status, *_ in small.statuses().values())
    assert words == ["delivered", "delivered", "delivery_failed"]


def closing(here: Desk, what: str) -> tuple[str, str]:
    """A delivery job, and the client's folder, which is closed to us or trashed while it is filled."""
    (folder,) = here.plant(
        {"name": "Theirs", "mimeType": FOLDER, "owner": "client@example.com", "writers": ["owner@example.com"]}
    )
    job = here.plan_delivery(folder=folder)
    (mine,) = [each for each in here.systems.drive.permissions(folder) if each.role == "writer"]
    done = {
        "closed": {"method": "DELETE", "path": f"/drive/v3/files/{folder}/permissions/{mine.id}"},
        "trashed": {"method": "PATCH", "path": f"/drive/v3/files/{folder}", "body": {"trashed": True}},
    }[what]
    here.fault("drive.files.copy", "hook:collaborator", nth=4, requests=[{"email": "client@example.com", **done}])
    return job, folder


def test_a_client_folder_that_is_trashed_while_it_is_filled_stops_the_job(small) -> None:
    job, folder = closing(small, "trashed")
    with pytest.raises(PermissionMissing, match="“Theirs” was put into the trash"):
        small.apply_delivery(job)
    assert {status for status, *_ in small.statuses().values()} == {"delivering"}
    as_client(small, "PATCH", f"files/{folder}", json={"trashed": False})
    assert small.apply_delivery(job).books.done == 3
    assert [len(files) for files in small.files_in(folder).values()] == [6, 6, 6]
    assert batches.verify_batch(small.systems, "B1").holds


def test_a_client_folder_that_is_closed_before_the_receipt_is_named(small) -> None:
    job, folder = closing(small, "closed")
    with pytest.raises(PermissionMissing, match=r"The receipt could not be handed over\. The folder .* is gone"):
        small.apply_delivery(job)
    permission = {"type": "user", "role": "writer", "emailAddress": "owner@example.com"}
    as_client(small, "POST", f"files/{folder}/permissions", json=permission)
    assert small.apply_delivery(job).books.done == 3
    assert [len(files) for files in small.files_in(folder).values()] == [6, 6, 6]


def test_a_delivery_whose_client_folder_stays_closed_can_be_cancelled(small) -> None:
    job, _ = closing(small, "closed")
    with pytest.raises(PermissionMissing):
        small.apply_delivery(job)
    job_files.cancel(small.systems, job)
    assert small.apply_delivery(job).status is Status.CANCELLED
    assert not register.load(small.systems).batches["B1"].active_job

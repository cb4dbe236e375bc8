"""Jobs that are retried, resumed late or killed at a bad moment: nobody's copies are doubled, trashed or forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sheets_catalog.errors import BusyError, InputError, PermissionMissing
from sheets_catalog.flows import job_files, staging
from sheets_catalog.flows.delivery import receipt
from sheets_catalog.flows.staging import export_sheet
from sheets_catalog.flows.tasks import applying, batches, keeping, register
from sheets_catalog.flows.tasks.copying import CopyWork
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Status
from tests.flows.exports import Desk, desk
from tests.flows.test_task_statuses import one_copy_fails, typed

if TYPE_CHECKING:
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
            monkeypatch.setattr(batches, "begun", begun)
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
        once.setattr(CopyWork, "_copy", killed)
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

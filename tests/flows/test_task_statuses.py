"""Statuses as people type them, and as a cancelled job gives them back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from sheets_catalog.errors import AccessError, BusyError
from sheets_catalog.flows import delivery, job_files, running, staging
from sheets_catalog.flows.tasks import batches, copying, keeping, register
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.google.a1 import a1
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Result, Status
from tests.flows.exports import Desk, desk

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def small(tmp_path):
    with desk(tmp_path, 3, files=18) as here:
        here.stage()
        yield here


def typed(here: Desk, header: str, *words: str) -> None:
    """A person types words into a column, from row 2 on."""
    column = list(open_tasks(here.systems, "Tasks").header).index(header) + 1
    area = a1("Tasks", 2, column, len(words) + 1, column)
    here.systems.sheets.write_ranges(here.connection.spreadsheet_id, [(area, [[word] for word in words])])


def test_a_cancelled_job_gives_delivered_tasks_their_status_back(tmp_path) -> None:
    with desk(tmp_path, 7, files=42) as here:
        here.stage()
        here.deliver()
        options = staging.StagingOptions(staging.Filters(include_exported=True), "B2")
        job = staging.store(here.systems, staging.plan_staging(here.systems, options))
        here.apply_staging(job, limits=Limits(deadline=here.systems.clock.monotonic() - 1))
        job_files.cancel(here.systems, job)
        result = here.apply_staging(job)
        assert result.status is Status.CANCELLED
        done = len(result.state.items(Result.DONE))
        assert done < 7
        words = [(status, batch) for status, batch, _ in here.statuses().values()]
        assert words.count(("staged", "B2")) == done
        assert words.count(("delivered", "B1")) == 7 - done
        assert batches.verify_batch(here.systems, "B1").holds


@pytest.mark.parametrize("word", ["Staged", " STAGED "])
def test_a_status_counts_however_it_is_typed(small, word) -> None:
    typed(small, "Export Status", word, word, word)
    assert keeping.plan_cleaning(small.systems, 0) == []
    found = batches.verify_batch(small.systems, "B1")
    assert (found.staged, found.files, found.holds) == (3, 18, True)
    assert small.deliver().books.done == 3
    assert {status for status, *_ in small.statuses().values()} == {"delivered"}


@pytest.mark.parametrize("word", ["on hold", "#REF!"])
def test_a_word_that_is_no_status_sends_nothing_to_the_trash_and_holds_up_nobody(small, word) -> None:
    typed(small, "Export Status", word, "staging_failed", "staging_failed")
    (cleaning,) = keeping.plan_cleaning(small.systems, 0, delivered=True)
    assert not cleaning.trash
    keeping.clean(small.systems, small.audit, [cleaning], "me")
    assert not small.systems.drive.get(register.load(small.systems).batches["B1"].folder_id).trashed


def test_a_word_that_is_no_status_is_not_delivered_and_named(small) -> None:
    typed(small, "Export Status", "on hold")
    options = delivery.DeliveryOptions("B1", small.folders["client_folder"])
    made = delivery.plan_delivery(small.systems, options)
    assert (len(made.plan.changes), dict(made.left)) == (2, {"task-1": "on hold"})
    found = batches.verify_batch(small.systems, "B1")
    assert [(each.task_id, each.problem) for each in found.wrong] == [
        ("task-1", "The sheet says “on hold”, which is no export status.")
    ]


def test_failed_tasks_of_a_job_are_done_when_it_is_retried(tmp_path) -> None:
    """`jobs retry`: the same folders and files, under the ids they had."""
    with desk(tmp_path, 3, files=18) as here:
        here.fault("drive.files.copy", "status", status=403, nth=4, reason="cannotCopyFile")
        job = here.stage().job_id
        assert job_files.retry(here.systems, job) == 1
        assert here.apply_staging(job).books.done == 3
        here.forget_calls()
        here.fault("drive.files.copy", "status", status=403, nth=4, reason="cannotCopyFile")
        job = here.deliver().job_id
        assert sorted(status for status, *_ in here.statuses().values()) == [
            "delivered",
            "delivered",
            "delivery_failed",
        ]
        assert job_files.retry(here.systems, job) == 1
        assert here.apply_delivery(job).books.done == 3
        tree = here.tree(here.folders["client_folder"])
        assert [(name, len(inside)) for name, inside in tree if isinstance(inside, list)] == [
            ("T00001", 6),
            ("T00002", 6),
            ("T00003", 6),
        ]
        assert ["(receipt)", 19] in tree
        assert set(here.copies().values()) == {1}
        assert batches.verify_batch(here.systems, "B1").holds


def test_a_retried_job_leaves_alone_what_another_one_has_done(small) -> None:
    small.fault("drive.files.copy", "status", status=403, nth=4, reason="cannotCopyFile")
    first = small.deliver().job_id
    assert small.deliver().books.done == 1
    assert job_files.retry(small.systems, first) == 1
    assert small.apply_delivery(first).books.conflicted == 1
    assert sorted(small.files_in(small.folders["client_folder"])) == ["T00001", "T00002", "T00003"]


def test_a_task_named_twice_is_set_once(small) -> None:
    done = keeping.set_status(small.systems, small.audit, ["task-1", "task-1"], "", "again", "me")
    assert len(done.moves) == 1


def test_the_history_of_a_task_is_that_of_its_own_sheet(small) -> None:
    """One audit may serve several sheets, whose task ids may be the same."""
    (moves,) = {len(keeping.history(small.systems, small.audit, task)) for task in ("task-1", "task-2")}
    assert moves == 2
    told = {"connection": msgspec.structs.replace(small.connection, spreadsheet_id="another-spreadsheet")}
    assert keeping.history(replace(small.systems, **told), small.audit, "task-1") == []


def test_a_clean_up_keeps_what_was_staged_of_tasks_that_have_no_row_now(small) -> None:
    """Their rows were archived, or another tab was configured."""
    typed(small, "Task ID", "other-1", "other-2", "other-3")
    typed(small, "Export Batch ID", "", "", "")
    assert keeping.plan_cleaning(small.systems, 0, delivered=True) == []
    typed(small, "Task ID", "task-1", "task-2", "task-3")
    typed(small, "Export Batch ID", "B1", "B1", "B1")
    small.deliver()
    typed(small, "Task ID", "other-1", "other-2", "other-3")
    typed(small, "Export Batch ID", "", "", "")
    assert keeping.plan_cleaning(small.systems, 0) == []
    (cleaning,) = keeping.plan_cleaning(small.systems, 0, delivered=True)
    assert (cleaning.trash, cleaning.why) == (True, "all of it was delivered")
    assert keeping.clean(small.systems, small.audit, [cleaning], "me") == []


@pytest.mark.parametrize("typo", ["", "B1 x"])
def test_a_clean_up_keeps_what_was_staged_of_tasks_whose_batch_id_was_lost(small, typo) -> None:
    """Somebody cleared the column, or sorted it alone; the tasks are still called staged."""
    typed(small, "Export Batch ID", typo, typo, typo)
    assert keeping.plan_cleaning(small.systems, 0, delivered=True) == []
    typed(small, "Export Status", "", "", "")
    (cleaning,) = keeping.plan_cleaning(small.systems, 0)
    assert (cleaning.trash, cleaning.why) == (True, "nothing of it was staged")


def test_a_clean_up_keeps_what_was_staged_of_tasks_that_name_a_batch_which_never_had_them(small) -> None:
    """Somebody filled the column of batches down."""
    keeping.set_status(small.systems, small.audit, ["task-1"], "", "again", "me")
    assert small.stage("B2").books.done == 1
    typed(small, "Export Batch ID", "B2", "B2", "B2")
    assert keeping.plan_cleaning(small.systems, 0) == []
    keeping.set_status(small.systems, small.audit, ["task-2", "task-3"], "", "again", "me")
    typed(small, "Export Batch ID", "B2", "", "")
    assert small.stage("B3").books.done == 2
    assert [each.batch_id for each in keeping.plan_cleaning(small.systems, 0)] == ["B1"]


def test_a_clean_up_keeps_what_was_staged_of_tasks_that_somebody_called_delivered(small) -> None:
    """Somebody filled the column of statuses down; only the first task was delivered."""
    typed(small, "Export Status", "staged", "delivered", "delivered")
    assert small.deliver().books.done == 1
    assert keeping.plan_cleaning(small.systems, 0, delivered=True) == []
    typed(small, "Export Status", "delivered", "staged", "staged")
    assert small.deliver().books.done == 2
    assert keeping.plan_cleaning(small.systems, 0, delivered=True)[0].trash


def test_of_two_jobs_that_start_at_once_one_copies(tmp_path, monkeypatch) -> None:
    """Each has found that the other has not begun: the first stops there for a while, the second goes on."""
    with desk(tmp_path, 7, files=42) as here:
        here.stage()
        first, second = here.plan_delivery(), here.plan_delivery()
        lease_of = running.lease_of

        def late(systems, flow, job):
            monkeypatch.setattr(running, "lease_of", lease_of)
            here.apply_delivery(second, limits=Limits(deadline=here.systems.clock.monotonic() - 1))
            return lease_of(systems, flow, job)

        monkeypatch.setattr(running, "lease_of", late)
        with pytest.raises(BusyError, match=f"Job {second} works on batch B1 already"):
            here.apply_delivery(first)
        assert job_files.show(here.systems, first).state.status is Status.WAITING
        assert here.apply_delivery(second).books.done == 7
        assert here.apply_delivery(first).books.conflicted == 7
        folders = [name for name, inside in here.tree(here.folders["client_folder"]) if isinstance(inside, list)]
        assert folders == [f"T0000{number}" for number in range(1, 8)]
        assert not register.load(here.systems).batches["B1"].active_job


def one_copy_fails(here: Desk) -> None:
    here.forget_calls()
    here.fault("drive.files.copy", "status", status=403, nth=4, reason="cannotCopyFile")


def test_a_retried_staging_keeps_the_copies_of_tasks_that_went_on(tmp_path) -> None:
    with desk(tmp_path, 4, files=24) as here:
        one_copy_fails(here)
        job = here.stage().job_id
        one_copy_fails(here)
        assert here.deliver().books.rejected == 1
        assert job_files.retry(here.systems, job) == 1
        result = here.apply_staging(job)
        assert (result.books.done, result.books.conflicted) == (4, 0)
        folder = register.load(here.systems).batches["B1"].folder_id
        assert [len(files) for files in here.files_in(folder).values()] == [6, 6, 6, 6]
        assert here.deliver().books.done == 2
        assert {status for status, *_ in here.statuses().values()} == {"delivered"}
        assert batches.verify_batch(here.systems, "B1").holds


def test_a_retried_delivery_keeps_what_the_client_has_of_tasks_that_went_on(small) -> None:
    one_copy_fails(small)
    job = small.deliver().job_id
    delivered = [key for key, (status, *_) in small.statuses().items() if status == "delivered"]
    assert len(delivered) == 2
    keeping.set_status(small.systems, small.audit, delivered[:1], "", "a new model", "me")
    small.stage("B2", task_ids=(delivered[1],), include_exported=True)
    assert job_files.retry(small.systems, job) == 1
    result = small.apply_delivery(job)
    assert (result.books.done, result.books.conflicted) == (3, 0)
    assert [len(files) for files in small.files_in(small.folders["client_folder"]).values()] == [6, 6, 6]


def test_what_was_written_while_a_chunk_failed_is_in_the_history(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(copying, "FLUSH_EVERY", 0.0)
    with desk(tmp_path, 10, files=60) as here:
        job = staging.store(here.systems, staging.plan_staging(here.systems, staging.StagingOptions(batch_id="B1")))
        chunks = Limits(deadline=here.systems.clock.monotonic() + 100_000)
        here.fault("drive.files.copy", "status", status=403, nth=34, reason="storageQuotaExceeded")
        with pytest.raises(AccessError):
            here.apply_staging(job, limits=chunks)
        assert here.apply_staging(job, limits=chunks).books.done == 10
        for task in here.statuses():
            logged = keeping.history(here.systems, here.audit, task)
            words = [each.after for one in logged for each in one.changes if each.field == "export_status"]
            assert sorted(words) == ["staged", "staging"]


def test_planning_a_clean_up_reads_the_proofs_of_a_delivered_batch_once(small) -> None:
    small.deliver()

    def calls(what: Callable[[], object]) -> int:
        before = small.calls()
        what()
        return small.calls() - before

    batch = register.load(small.systems).batches["B1"]
    proofs = calls(lambda: batches.proven(small.systems, (*batch.staging_jobs, *batch.delivery_jobs)))
    rest = calls(lambda: keeping.plan_cleaning(small.systems, 0))
    assert proofs
    assert calls(lambda: keeping.plan_cleaning(small.systems, 0, delivered=True)) == rest + proofs

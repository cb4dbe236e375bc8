"""Staging on the sandbox: what goes in, what stays out and why, and what a copy has to prove."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest
import requests

from sheets_catalog.errors import BusyError, InputError, PermissionMissing, SheetsCatalogError, StalePlanError
from sheets_catalog.flows import delivery, job_files, staging
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.tasks import batches, keeping, leaving, register
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.google.a1 import a1
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Result, Status
from tests.flows.exports import Desk, add_native, desk

GOOD = 28
FILES = 203


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    """The sample, staged: looked at by many tests, changed by none."""
    with desk(tmp_path_factory.mktemp("staged")) as here:
        result = here.stage()
        yield here, result


@pytest.fixture
def small(tmp_path):
    with desk(tmp_path, 3, files=18) as here:
        yield here


def plan(here: Desk, **filters):
    return staging.plan_staging(here.systems, staging.StagingOptions(staging.Filters(**filters)))


# --- the sample ---


def test_sd_5_good_tasks_are_staged_and_bad_ones_do_not_stop_them(staged) -> None:
    here, result = staged
    assert result.status is Status.FINISHED
    assert (result.books.done, result.books.rejected, result.books.pending) == (GOOD, 12, 0)
    words = [status for status, *_ in here.statuses().values()]
    assert (words.count("staged"), words.count("staging_failed"), words.count("delivered")) == (GOOD, 12, 2)


def test_sd_5_a_folder_a_task_in_the_batch_folder(staged) -> None:
    here, _ = staged
    ((name, content),) = here.tree(here.folders["staging_folder"])
    assert name.startswith("Export_")
    assert name.endswith("_B1")
    folders = {entry[0]: entry[1] for entry in content if isinstance(entry[1], list)}
    assert len(folders) == GOOD
    assert sum(len(files) for files in folders.values()) == FILES
    assert [entry[0] for entry in content if not isinstance(entry[1], list)] == ["Export_B1_Data"]


def test_sd_5_every_file_is_copied_once_and_counted(staged) -> None:
    here, _ = staged
    assert set(here.copies().values()) == {1}
    assert sum(here.copies().values()) == FILES
    files = here.files_in(register.load(here.systems).batches["B1"].folder_id)
    counts = {name: len(names) for name, names in files.items()}
    rows = open_tasks(here.systems, "Tasks").rows()
    told = {
        row.values["folder_name"]: int(row.values["staged_count"]) for row in rows if row.values.get("staged_count")
    }
    assert told == counts


def test_sd_5_names_survive_and_doubles_are_told_apart(staged) -> None:
    here, _ = staged
    files = here.files_in(register.load(here.systems).batches["B1"].folder_id)
    assert "a\\b 'quoted' /slash/ 🪑 <>&.txt" in files["Tür „Größe“ 5'"]
    assert {"notes.txt", "notes (2).txt"} <= set(files["LAMP-103"])
    assert "LAMP-105.obj" in files["LAMP-105"], "the shortcut's target was to be copied"
    assert {"Measurements", "Briefing"} <= set(files["LAMP-104"])


def test_sd_5_the_export_sheet_has_all_columns_of_the_staged_tasks(staged) -> None:
    here, _ = staged
    link = batches.show_batch(here.systems, "B1").sheet_link
    ((header, *rows),) = here.systems.sheets.read_ranges(link.split("/")[5], ["'Sheet1'"], "FORMATTED_VALUE")
    assert len(rows) == GOOD
    assert {"Task ID", "Internal Notes", "Export Status", "Staged Count"} <= set(header)
    assert {row[header.index("Export Status")] for row in rows} == {"staged"}
    assert "=not a formula" in {row[header.index("Internal Notes")] for row in rows}


def test_sd_4_each_bad_task_has_its_reason(staged) -> None:
    here, _ = staged
    reasons = {task.label: task.reason for task in batches.show_batch(here.systems, "B1").tasks if task.reason}
    told = {
        "DESK-201": "no .obj",
        "DESK-202": "no .mp4",
        "DESK-203": "none has the folder name",
        "DESK-204": "has 3 files, expected at least 6",
        "DESK-205": "base images do not count",
        "DESK-206": "may not be copied",
        "DESK-207": "is a folder inside",
        "DESK-208": "shortcut to a file that is not there",
        "DESK-209": "expected the link",
        "DESK-210": "leads to nothing",
        "DESK-211": "used by several tasks",
    }
    assert set(reasons) == set(told)
    for label, words in told.items():
        assert words in reasons[label]


def test_sd_1_every_move_is_logged_with_time_actor_and_reason(staged) -> None:
    here, result = staged
    moves = [each for each in here.audit.find_records(record_key="T-001") if each.action == "status"]
    told = [(each.changes[0].before, each.changes[0].after) for each in moves if each.session_id == result.job_id]
    assert sorted(told, key=str) == sorted([(None, "staging"), ("staging", "staged")], key=str)
    assert all(each.at and "owner@example.com" in each.reason for each in moves)


def test_a_second_run_stages_nothing(staged) -> None:
    here, _ = staged
    with pytest.raises(InputError, match="30 already exported"):
        plan(here)


# --- selection ---


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({}, 40),
        ({"task_ids": ("T-001", "T-002")}, 2),
        ({"batches": ("autumn a", "Autumn B")}, 40),
        ({"agents": ("nobody@example.com",)}, 0),
        ({"include_unreviewed": True}, 41),
        ({"include_failed": True}, 41),
        ({"include_exported": True}, 42),
        ({"include_unreviewed": True, "review_statuses": ("pending",)}, 1),
        ({"review_statuses": ("failed",)}, 0),
        ({"score_min": 101}, 0),
        ({"since": date(2027, 1, 1)}, 0),
        ({"until": date(2027, 1, 1)}, 40),
    ],
)
def test_sd_3_filters_and_overrides(selectable, filters, fits) -> None:
    here = selectable
    from sheets_catalog.flows.tasks.selecting import Filters, select

    rows = list(open_tasks(here.systems, "Tasks").rows())
    found = select(rows, Filters(**filters), "Tasks")
    assert len(found.chosen) == fits
    assert len(found.chosen) + len(found.left) == len(rows)
    assert all(left.reason for left in found.left)
    overriding = any(name.startswith("include") for name in filters)
    assert overriding == any(finding.rule.startswith("override") for finding in found.findings)


@pytest.fixture(scope="module")
def selectable(tmp_path_factory):
    with desk(tmp_path_factory.mktemp("select")) as here:
        yield here


def test_a_task_exported_before_there_were_batches_is_left_out_by_its_time(selectable) -> None:
    reasons = {each.task_id: each.reason for each in plan(selectable).left}
    assert reasons["T-044"] == "It was exported 2026-09-30 17:05, before there were batches."


def test_sd_3_a_plan_tells_files_bytes_and_time(selectable) -> None:
    made = plan(selectable)
    assert (made.files, made.invalid) == (FILES, 12)
    assert made.size > 40 * 10**9
    assert made.plan.estimate.seconds > 0
    assert made.plan.estimate.cost_points > FILES * 50


# --- bad input ---


def test_no_staging_folder(tmp_path) -> None:
    with desk(tmp_path, 1) as here:
        forget_folder(here)
        with pytest.raises(InputError, match="No staging folder has been chosen"):
            plan(here)


def forget_folder(here: Desk) -> None:
    import msgspec

    def forgotten(found):
        return msgspec.structs.replace(found, settings=msgspec.structs.replace(found.settings, staging_folder=""))

    register.change(here.systems, forgotten)


def test_sd_2_folders_that_cannot_be_used(small) -> None:
    shared, trashed = small.plant(
        {
            "name": "Theirs",
            "mimeType": "application/vnd.google-apps.folder",
            "owner": "x@example.com",
            "readers": ["owner@example.com"],
        },
        {"name": "Old", "mimeType": "application/vnd.google-apps.folder", "trashed": True},
    )
    (file,) = small.plant({"name": "a file", "size": 3})
    cases = [
        (shared, PermissionMissing, "may not add files"),
        (trashed, InputError, "in the trash"),
        (file, InputError, "is a file, expected a folder"),
        ("1nothingIsHereAtAll0000000000000000", InputError, "is not there, or this account cannot see it"),
        ("https://example.com/folder", InputError, "“https://example.com/folder” cannot be the staging folder"),
        ("nofolder", InputError, "neither the link nor the id of a folder"),
    ]
    for link, kind, words in cases:
        with pytest.raises(kind, match=words):
            keeping.configure(small.systems, staging_folder=link)


@pytest.mark.parametrize("name", ["-B2", "_B2", "B 2", "B" * 41, "B1"])
def test_a_batch_id_that_cannot_be_used_is_refused_before_anything_is_read(staged, name) -> None:
    here, _ = staged
    before = here.calls()
    with pytest.raises(InputError, match="already" if name == "B1" else "cannot be the id of a batch"):
        staging.plan_staging(here.systems, staging.StagingOptions(batch_id=name))
    assert here.calls() - before < 5, "only the register is needed"


def test_a_retry_of_a_batch_that_there_is_not_names_the_latest(small) -> None:
    with pytest.raises(InputError, match="no export batch “NOPE”; the latest are: none yet"):
        plan(small, retry="NOPE")
    small.stage("AUTUMN-1", task_ids=("task-1",))
    small.stage("AUTUMN-2", task_ids=("task-2",))
    with pytest.raises(InputError, match="no export batch “NOPE”; the latest are: AUTUMN-2, AUTUMN-1"):
        plan(small, retry="NOPE")
    with pytest.raises(InputError, match="No task of batch AUTUMN-1 has failed staging"):
        plan(small, retry="AUTUMN-1")


def test_a_retry_is_narrowed_by_the_other_filters(staged) -> None:
    here, _ = staged
    every = {row.number for row in staging_rows(here, retry="B1")}
    one = {row.number for row in staging_rows(here, retry="B1", batches=("autumn b",), agents=("mia@example.com",))}
    assert one
    assert one < every
    with pytest.raises(InputError, match=r"No task fits.*not failed.*other batch"):
        plan(here, retry="B1", batches=("Winter",))


def staging_rows(here: Desk, **filters):
    from sheets_catalog.flows.tasks.selecting import Filters, select

    return select(list(open_tasks(here.systems, "Tasks").rows()), Filters(**filters), "Tasks").chosen


def test_a_column_is_missing(small) -> None:
    small.systems.sheets.write_ranges(small.connection.spreadsheet_id, [("'Tasks'!B1", [["Ordner"]])])
    with pytest.raises(InputError, match="“Folder Name” is missing"):
        plan(small)


def test_the_tab_is_missing(small) -> None:
    with pytest.raises(InputError, match="has no tab “Jobs” for tasks; it has: Sheet1, Tasks"):
        keeping.configure(small.systems, tab="Jobs")


def test_an_unknown_status_is_named_and_left_out(small) -> None:
    column = _column(small, "Export Status")
    small.systems.sheets.write_ranges(small.connection.spreadsheet_id, [(f"'Tasks'!{column}2", [["stagged"]])])
    made = plan(small)
    (finding,) = [each for each in made.plan.findings if each.rule == "unknown_status"]
    assert "“stagged”" in finding.message
    assert finding.row == 2
    assert len(made.plan.changes) == 2


def _column(here: Desk, header: str) -> str:
    opened = open_tasks(here.systems, "Tasks")
    from sheets_catalog.flows.tabs import letter

    return letter(list(opened.header).index(header))


def test_a_source_in_the_trash_is_named(small) -> None:
    with small.sandbox.world.lock:
        folder = min(small.store.children(small.folders["source_folder"]), key=lambda each: each.name)
    small.systems.drive.trash(folder.id)
    made = plan(small)
    assert made.invalid == 1
    assert any("is in the trash" in finding.message for finding in made.plan.findings)


# --- what goes wrong while copying ---


def test_a_file_changed_while_copying_fails_its_task_and_leaves_nothing(small) -> None:
    job = staging.store(small.systems, plan(small))
    change = staging_plan(small, job).changes[0]
    small.systems.drive.update_content(change.files[0].source, b"something else", mime_type=change.files[0].mime_type)
    result = small.apply_staging(job)
    assert (result.books.done, result.books.rejected) == (2, 1)
    assert "changed since it was planned" in result.state.reasons[0]
    assert small.status(change.key) == "staging_failed"
    (batch,) = register.load(small.systems).batches.values()
    assert change.label not in small.files_in(batch.folder_id)


def staging_plan(here: Desk, job: str):
    from sheets_catalog.flows import job_files

    return job_files.show(here.systems, job).plan


def test_sd_7_failed_tasks_are_retried_into_the_same_folder(small) -> None:
    job = staging.store(small.systems, plan(small))
    change = staging_plan(small, job).changes[0]
    small.systems.drive.update_content(change.files[0].source, b"something else", mime_type=change.files[0].mime_type)
    small.apply_staging(job)
    (batch,) = register.load(small.systems).batches
    result = small.stage("", retry=batch)
    assert (result.books.planned, result.books.done) == (1, 1)
    assert len(small.files_in(register.load(small.systems).batches[batch].folder_id)) == 3
    assert {status for status, *_ in small.statuses().values()} == {"staged"}
    link = batches.show_batch(small.systems, batch).sheet_link
    assert len(small.systems.sheets.read_ranges(link.split("/")[5], ["'Sheet1'"])[0]) == 4
    assert set(small.copies().values()) == {1}


@pytest.mark.parametrize("kind", ["corrupt-data", "drop-field"])
def test_an_odd_answer_is_never_counted_as_a_copy(small, kind) -> None:
    """Whatever a copy's answer says, only reading it back by id counts."""
    small.fault("drive.files.copy", kind, "after", times=4, **({"field": "id"} if kind == "drop-field" else {}))
    result = small.stage()
    assert result.books.done == 3
    assert batches.verify_batch(small.systems, "B1").holds
    assert set(small.copies().values()) == {1}


def test_quota_errors_wait_and_go_on_by_themselves(small) -> None:
    small.fault("drive.files.copy", "rate-limit", times=30, status=403)
    result = small.stage()
    assert result.books.done == 3
    assert not small.unconsumed()


def test_the_days_limit_is_waited_out(tmp_path) -> None:
    """750 GB a day: the rest goes on by itself when the next day has come."""
    with desk(tmp_path, 3, files=18, speed=20_000.0, bytes=60 * 10**9) as here:
        made = plan(here)
        assert any(finding.rule == "daily_limit" for finding in made.plan.findings)
        result = here.stage()
        assert result.books.done == 3
        assert result.figures.throttled > 0


def test_full_storage_stops_the_job_and_it_goes_on_later(small) -> None:
    job = store_despite_limit(small)
    with pytest.raises(SheetsCatalogError, match=r"[Ss]torage"):
        small.apply_staging(job)
    small.post("seed/drive", storage_limits={"owner@example.com": 10**15})
    batch = next(iter(register.load(small.systems).batches.values()))
    assert small.apply_staging(batch.staging_jobs[0]).books.done == 3


def store_despite_limit(here: Desk) -> str:
    here.post("seed/drive", storage_limits={"owner@example.com": 10**15})
    job = staging.store(here.systems, plan(here))
    used = here.store.used["owner@example.com"]
    here.post("seed/drive", storage_limits={"owner@example.com": used + 150_000})
    return job


def one_chunk(here: Desk) -> Limits:
    """A slice with a deadline, ended after its first chunk of tasks."""
    answers = iter([False])
    return Limits(deadline=here.systems.clock.monotonic() + 1e9, stopping=lambda: next(answers, True))


def test_sd_9_slices_of_five_tasks_with_a_deadline(tmp_path) -> None:
    with desk(tmp_path, 12, files=72) as here:
        job = staging.store(here.systems, plan(here))
        slices = 0
        while True:
            slices += 1
            result = here.apply_staging(job, limits=one_chunk(here))
            if result.status.ended:
                break
            assert result.status is Status.WAITING
            assert slices < 10
        assert slices == 3  # 5, 5 and 2 tasks
        assert result.books.done == 12


def test_a_cancelled_job_releases_its_tasks(tmp_path) -> None:
    with desk(tmp_path, 12, files=72) as here:
        job = staging.store(here.systems, plan(here))
        assert here.apply_staging(job, limits=one_chunk(here)).books.done == 5
        from sheets_catalog.flows import job_files

        job_files.cancel(here.systems, job)
        result = here.apply_staging(job)
        assert result.status is Status.CANCELLED
        words = [status for status, *_ in here.statuses().values()]
        done = len(result.state.items(Result.DONE))
        assert words.count("staged") == done
        assert words.count(None) == 12 - done
        (batch,) = register.load(here.systems).batches.values()
        assert len(here.files_in(batch.folder_id)) == done


@pytest.mark.parametrize(
    ("header", "value"),
    [("Export Batch ID", "B9"), ("Export Status", "ready"), ("Export Status", ""), ("Task ID", "x")],
)
def test_a_task_that_is_edited_while_it_is_copied_is_in_conflict(tmp_path, header, value) -> None:
    with desk(tmp_path, 3, files=18) as here:
        here.type_while_copying(header, value)
        result = here.stage()
        assert not here.unconsumed()
        assert (result.books.done, result.books.conflicted) == (2, 1)
        assert "Edited in the sheet meanwhile" in result.state.reasons[0]
        batch = register.load(here.systems).batches["B1"]
        assert set(here.files_in(batch.folder_id)) == {"T00002", "T00003"}
        found = batches.verify_batch(here.systems, "B1")
        named = [*(each.task_id for each in found.wrong), *(each.task_id for each in found.gone)]
        assert named == ["task-1"]


def test_another_account_may_not_use_the_ids(small) -> None:
    job = staging.store(small.systems, plan(small))
    told = small.post("tokens", email="other@example.com")
    small.systems.drive.create_permission(
        small.connection.folder_id, type_="user", role="writer", email_address="other@example.com"
    )
    small.systems.drive.create_permission(
        small.connection.spreadsheet_id, type_="user", role="writer", email_address="other@example.com"
    )
    import msgspec

    google = msgspec.structs.replace(small.connection.google, access_token=told.get("token") or told["access_token"])
    other = open_systems(msgspec.structs.replace(small.connection, google=google))
    with pytest.raises(StalePlanError, match=r"owner@example\.com"):
        staging.apply(other, small.audit, job)


# --- two operators ---


def test_two_operators_stage_overlapping_selections_at_once(tmp_path) -> None:
    with desk(tmp_path, 12, files=72, speed=50.0) as here:
        other = open_systems(here.connection)
        mine = staging.store(here.systems, plan(here, task_ids=tuple(f"task-{n}" for n in range(1, 9))))
        theirs = staging.store(
            other,
            staging.plan_staging(
                other, staging.StagingOptions(staging.Filters(task_ids=tuple(f"task-{n}" for n in range(5, 13))))
            ),
        )
        results = {}

        def run(systems, job):
            results[job] = staging.apply(systems, here.audit, job)

        threads = [threading.Thread(target=run, args=args) for args in ((here.systems, mine), (other, theirs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert set(results) == {mine, theirs}
        done = {
            job: {result.plan.changes[item].key for item in result.state.items(Result.DONE)}
            for job, result in results.items()
        }
        assert not done[mine] & done[theirs]
        assert done[mine] | done[theirs] == {f"task-{n}" for n in range(1, 13)}
        assert sum(result.books.conflicted for result in results.values()) == 4
        batch_of = {result.plan.options["batch"]: done[job] for job, result in results.items()}
        for task, (status, batch, count) in here.statuses().items():
            assert (status, count) == ("staged", "6")
            assert task in batch_of[batch]
        for batch in register.load(here.systems).batches.values():
            assert len(here.files_in(batch.folder_id)) == len(batch_of[batch.id])


def test_one_job_of_a_batch_at_a_time(small) -> None:
    first = staging.store(small.systems, plan(small))
    small.apply_staging(first, limits=Limits(stopping=lambda: True))
    (batch,) = register.load(small.systems).batches.values()
    assert batch.active_job == first
    from sheets_catalog.flows.tasks import applying

    with pytest.raises(BusyError, match=first):
        applying._take(small.systems, job_files.opened(small.systems, first).plan, "another job")


# --- by hand ---


def test_sd_7_a_status_set_by_hand_needs_a_reason_and_a_legal_move(small) -> None:
    small.stage()
    set_ = keeping.set_status
    with pytest.raises(InputError, match="needs a reason"):
        set_(small.systems, small.audit, ["task-1"], "", " ", "me")
    with pytest.raises(InputError, match="cannot be set to “delivered” by hand"):
        set_(small.systems, small.audit, ["task-1"], "delivered", "they have it", "me")
    with pytest.raises(InputError, match="expected nothing or one of"):
        set_(small.systems, small.audit, ["task-1"], "done", "because", "me")
    with pytest.raises(InputError, match="no task “nobody”"):
        set_(small.systems, small.audit, ["nobody"], "", "because", "me")
    set_(small.systems, small.audit, ["task-1"], "", "to be staged again", "me")
    assert small.statuses()["task-1"] == (None, None, None)
    logged = [each for each in small.audit.find_records(record_key="task-1") if "to be staged again" in each.reason]
    assert logged[0].reason.startswith("me: ")


def test_a_task_taken_out_of_its_batch_is_in_line_again_and_the_batch_tells_of_it(small) -> None:
    small.stage()
    small.deliver()
    batch = register.load(small.systems).batches["B1"]
    (out,) = leaving.plan_leaving(small.systems, ["task-1"])
    assert (out.status, out.batch_id) == ("delivered", "B1")
    assert [link.rpartition("/")[2] for _, link in out.folders] == [batch.folder_id, small.folders["client_folder"]]
    before = small.tree(batch.folder_id), small.tree(small.folders["client_folder"])
    keeping.set_status(small.systems, small.audit, ["task-1"], "", "the model was wrong", "rita@example.com")
    assert (small.tree(batch.folder_id), small.tree(small.folders["client_folder"])) == before
    (gone,) = batches.show_batch(small.systems, "B1").gone
    assert (gone.task_id, gone.batch_id) == ("task-1", "")
    assert (gone.taken.status, gone.taken.actor, gone.taken.reason) == (
        "delivered",
        "rita@example.com",
        "the model was wrong",
    )
    verified = batches.verify_batch(small.systems, "B1")
    assert (verified.holds, verified.delivered, len(verified.gone)) == (True, 2, 1)
    small.stage("B2")
    assert small.statuses()["task-1"][:2] == ("staged", "B2")
    assert [each.batch_id for each in batches.show_batch(small.systems, "B1").gone] == ["B2"]
    assert batches.show_batch(small.systems, "B2").gone == ()


def test_a_task_that_left_by_an_edit_of_the_sheet_is_told_too(small) -> None:
    small.stage()
    opened = open_tasks(small.systems, "Tasks")
    column = opened.layout.columns["export_batch_id"]
    small.systems.sheets.write_ranges(opened.info.id, [(a1("Tasks", 2, column + 1), [["another"]])])
    (gone,) = batches.show_batch(small.systems, "B1").gone
    assert (gone.task_id, gone.batch_id, gone.taken) == ("task-1", "another", None)


def test_clean_up_is_told_of_in_the_batch(small) -> None:
    small.stage()
    small.systems.drive.trash(register.load(small.systems).batches["B1"].folder_id)
    small.deliver()
    (cleaning,) = keeping.plan_cleaning(small.systems, 0)
    keeping.clean(small.systems, small.audit, [cleaning], "rita@example.com")
    gone = batches.show_batch(small.systems, "B1").gone
    assert [(each.task_id, each.taken.actor) for each in gone] == [(f"task-{n}", "rita@example.com") for n in (1, 2, 3)]
    assert "clean-up of batch B1" in gone[0].taken.reason


def test_people_sort_the_sheet_while_statuses_are_written(small) -> None:
    import json

    tab = open_tasks(small.systems, "Tasks").tab
    area = {"sheetId": tab.sheet_id, "startRowIndex": 1, "endRowIndex": 4}
    sort = {"sortRange": {"range": area, "sortSpecs": [{"dimensionIndex": 0, "sortOrder": "DESCENDING"}]}}
    path = f"/v4/spreadsheets/{small.connection.spreadsheet_id}:batchUpdate"
    request = {"method": "POST", "path": path, "body": {"requests": [sort]}, "email": "owner@example.com"}
    small.fault("sheets.values.batchUpdate", "hook:collaborator", requests=json.loads(json.dumps([request])))
    small.stage()
    assert {status for status, *_ in small.statuses().values()} == {"staged"}


def test_sd_1_migration_adds_columns_and_touches_nothing_else(tmp_path) -> None:
    with desk(tmp_path) as here:
        again = keeping.migrate(here.systems, here.audit, "me")
        assert again.empty
        rows = {row.key: row.values for row in open_tasks(here.systems, "Tasks").rows()}
        assert rows["T-044"]["export_status"] == rows["T-045"]["export_status"] == "delivered"
        assert rows["T-044"]["export_time"] == "2026-09-30 17:05"
        header = open_tasks(here.systems, "Tasks").header
        assert header[-3:] == ("Export Batch ID", "Export Status", "Staged Count")


def test_sd_7_clean_up_plans_first_trashes_and_keeps_what_is_staged(small) -> None:
    job = staging.store(small.systems, plan(small))
    for change in staging_plan(small, job).changes:
        small.systems.drive.update_content(
            change.files[0].source, b"something else", mime_type=change.files[0].mime_type
        )
    small.apply_staging(job)
    (batch,) = register.load(small.systems).batches.values()
    assert keeping.plan_cleaning(small.systems, 30) == []
    (cleaning,) = keeping.plan_cleaning(small.systems, 0)
    assert (cleaning.trash, len(cleaning.tasks)) == (True, 3)
    keeping.clean(small.systems, small.audit, [cleaning], "me")
    assert {status for status, *_ in small.statuses().values()} == {None}
    assert small.systems.drive.get(batch.folder_id).trashed
    assert keeping.plan_cleaning(small.systems, 0) == []


def test_native_files_are_made_once_although_the_answer_is_lost(small) -> None:
    add_native(small, names=("One", "Two"))
    small.fault("drive.files.copy", "fin", "after", nth=19, times=2)
    result = small.stage()
    assert result.books.done == 3
    assert not small.unconsumed()
    assert set(small.copies().values()) == {1}


def test_a_native_copy_that_comes_in_late_is_trashed(small) -> None:
    """Applied minutes after the client gave up: the second attempt has been made by then."""
    add_native(small)
    small.fault("drive.files.copy", "fin", "before", nth=19)
    result = small.stage()
    assert result.books.done == 3
    (batch,) = register.load(small.systems).batches.values()
    job = batch.staging_jobs[0]
    (made,) = small.systems.drive.find(app_properties={"job": job, "kind": "native"})
    twin = small.systems.drive.copy(made.id, None, made.name, parent=made.parents[0])
    from sheets_catalog.flows.tasks import native

    small.systems.clock.sleep(30)
    folder = small.systems.drive.get(made.parents[0])
    assert native.trash_twins(small.systems, [folder], {"job": job, "kind": "native"}, names_of(made)) == 1
    assert small.systems.drive.get(twin.id).trashed
    assert not small.systems.drive.get(made.id).trashed


def names_of(made) -> dict[str, str]:
    return {made.app_properties["op"]: made.name}


class FastClock:
    """A machine's clock that is five minutes fast; `meanwhile` happens while it waits."""

    def __init__(self, clock, meanwhile) -> None:
        self.clock, self.meanwhile = clock, meanwhile

    def now(self):
        return self.clock.now() + timedelta(minutes=5)

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self.meanwhile()
        self.clock.sleep(seconds)


def test_a_late_native_copy_is_waited_for_although_this_machines_clock_is_fast(small) -> None:
    add_native(small)
    job = small.stage().job_id
    (made,) = small.systems.drive.find(app_properties={"job": job, "kind": "native"})
    from sheets_catalog.flows.drive_stores import DriveProperties
    from sheets_catalog.flows.tasks import native

    properties = DriveProperties(small.systems.drive, made.parents[0])
    stored = properties.read()
    doubtful = native.Mark(made.id, stored.now.timestamp()).text()
    properties.write({f"{native.PREFIX}6": doubtful}, stored.version)
    late = []

    def comes_in() -> None:
        late.append(small.systems.drive.copy(made.id, None, made.name, parent=made.parents[0]))
        small.sandbox.world.clock.advance(120)  # lists lag

    systems = replace(small.systems, clock=FastClock(small.systems.clock, comes_in))
    folder = small.systems.drive.get(made.parents[0])
    assert native.trash_twins(systems, [folder], {"job": job, "kind": "native"}, names_of(made)) == 1
    assert [small.systems.drive.get(each.id).trashed for each in late] == [True]


# --- clean-up beside jobs, and jobs whose file is gone ---


def failed_batch(here: Desk) -> list[keeping.Cleaning]:
    """All tasks of B1 have failed for a rule that is lifted again; what cleaning up would do then."""
    required = register.load(here.systems).settings.rules.required
    here.rules(required=(".zzz",))
    here.stage()
    here.rules(required=required)
    return keeping.plan_cleaning(here.systems, 0)


def retrying(here: Desk) -> str:
    options = staging.StagingOptions(staging.Filters(retry="B1"))
    return staging.store(here.systems, staging.plan_staging(here.systems, options))


def test_a_clean_up_leaves_alone_what_a_job_took_up_after_it_was_planned(small) -> None:
    planned = failed_batch(small)
    assert [each.trash for each in planned] == [True]
    job = retrying(small)
    small.apply_staging(job, limits=Limits(stopping=lambda: True))
    (left,) = keeping.clean(small.systems, small.audit, planned, "me")
    assert left.reason == f"Job {job} works on it by now."
    assert small.apply_staging(job).books.done == 3
    assert batches.verify_batch(small.systems, "B1").holds
    assert not register.load(small.systems).batches["B1"].cleaned_at


def test_a_clean_up_leaves_alone_what_a_job_has_done_after_it_was_planned(small) -> None:
    planned = failed_batch(small)
    small.apply_staging(retrying(small))
    (left,) = keeping.clean(small.systems, small.audit, planned, "me")
    assert "no longer as they were" in left.reason
    assert {status for status, *_ in small.statuses().values()} == {"staged"}
    assert batches.verify_batch(small.systems, "B1").holds
    (session,) = [each for each in small.audit.sessions() if each.flow == "clean"]
    assert (session.books.planned, session.books.rejected) == (3, 3)


def test_a_batch_whose_planned_job_runs_after_a_clean_up_is_not_called_cleaned_up(small) -> None:
    job = staging.store(small.systems, staging.plan_staging(small.systems, staging.StagingOptions(batch_id="B1")))
    assert keeping.clean(small.systems, small.audit, keeping.plan_cleaning(small.systems, 0), "me") == []
    assert small.apply_staging(job).books.done == 3
    assert batches.verify_batch(small.systems, "B1").holds
    assert batches.list_batches(small.systems)[0].status == "staged"


def delete_job(here: Desk, job: str) -> None:
    """Somebody deletes a job's file for good."""
    token = {"Authorization": f"Bearer {here.connection.google.access_token}"}
    assert requests.delete(f"{here.sandbox.url}/drive/v3/files/{job}", headers=token, timeout=10).ok


def test_tasks_of_a_staging_job_whose_file_is_gone_are_retried(small) -> None:
    job = staging.store(small.systems, staging.plan_staging(small.systems, staging.StagingOptions(batch_id="B1")))
    small.fault("drive.files.copy", "status", status=403, nth=4, reason="storageQuotaExceeded")
    with suppress(SheetsCatalogError):
        small.apply_staging(job, limits=Limits(patience=0))
    assert {status for status, *_ in small.statuses().values()} == {"staging"}
    delete_job(small, job)
    small.forget_faults()
    assert batches.export_report(small.systems).in_progress == ()
    assert small.apply_staging(retrying(small)).books.done == 3
    assert {status for status, *_ in small.statuses().values()} == {"staged"}
    assert batches.verify_batch(small.systems, "B1").holds


def test_tasks_of_a_staging_job_whose_file_is_gone_are_cleaned_up(small) -> None:
    job = staging.store(small.systems, staging.plan_staging(small.systems, staging.StagingOptions(batch_id="B1")))
    small.fault("drive.files.copy", "status", status=403, nth=4, reason="storageQuotaExceeded")
    with suppress(SheetsCatalogError):
        small.apply_staging(job, limits=Limits(patience=0))
    assert keeping.plan_cleaning(small.systems, 0) == []
    delete_job(small, job)
    assert keeping.clean(small.systems, small.audit, keeping.plan_cleaning(small.systems, 0), "me") == []
    assert {status for status, *_ in small.statuses().values()} == {None}
    assert register.load(small.systems).batches["B1"].active_job == ""


@pytest.mark.parametrize("tasks", [2, 40])
def test_the_estimate_is_near_what_both_phases_call(tmp_path, tasks) -> None:
    """Also with several chunks. A run this quick renews no lease."""
    with desk(tmp_path, tasks, files=4 * tasks, speed=20.0) as here:
        here.rules(least_files=4)
        here.sandbox.world.clock.advance(120)  # Drive lists what was just planted only after some seconds
        preview = staging.plan_staging(here.systems, staging.StagingOptions(batch_id="B1"))
        before = here.systems.calls.figures.total
        here.apply_staging(staging.store(here.systems, preview))
        between = here.systems.calls.figures.total
        plan = delivery.plan_delivery(here.systems, delivery.DeliveryOptions("B1", here.folders["client_folder"]))
        begun = here.systems.calls.figures.total
        here.apply_delivery(delivery.store(here.systems, plan))
        after = here.systems.calls.figures.total
        assert preview.plan.estimate.google_calls == pytest.approx(between - before, rel=0.15)
        assert plan.plan.estimate.google_calls == pytest.approx(after - begun, rel=0.15)

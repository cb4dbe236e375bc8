"""`tasks`, `stage`, `deliver`, `batches`: what people see and what programs get."""

from __future__ import annotations

import re

import pytest
from cli_world import Sheet, printed
from sandboxed import desk

from sheets_catalog.cli.views import exports
from sheets_catalog.flows.connection import save
from sheets_catalog.flows.tasks.selecting import Left


@pytest.fixture
def folders(home):
    """A sandbox with three good tasks, configured and migrated; its folders, and its desk as `at`."""
    with desk("empty", tasks=3) as one:
        save(one.connection, "default")
        yield one.sandbox.connection()["tasks"] | {"at": one}


@pytest.fixture
def ready(run, folders):
    run("tasks", "configure", "--staging-folder", folders["staging_folder"])
    run("tasks", "migrate")
    return folders


def test_reasons_are_grouped_and_told_one_by_one_when_asked_for():
    left = [
        Left(f"T-{n}", f"CHAIR-{n}", n, "low_score", f"Its review score is {n}, not at least 80.") for n in range(8)
    ]
    left += [Left("", "LAMP-1", 9, "unreviewed", "It was not reviewed.")]
    shown = printed(*exports.left_out(left), width=100)
    assert "9 tasks left out" in shown
    assert "Low score" in shown
    assert "T-0, T-1, T-2, T-3, T-4, … (3 more)" in shown
    assert "It was not reviewed." in shown
    assert shown.index("Low score") < shown.index("It was not reviewed.")
    assert "--all" in shown
    each = printed(*exports.left_out(left, None), width=100)
    assert all(one.reason in each for one in left)
    assert "--all" not in each


def test_without_a_staging_folder_it_is_said_what_is_missing(run, folders):
    done = run("tasks", "configure")
    assert "✓" not in done.out
    assert "no staging folder has been chosen" in done.out
    assert "tasks configure --staging-folder LINK" in done.out
    assert "✓ Exports are staged in" in run("tasks", "configure", "--staging-folder", folders["staging_folder"]).out


def test_a_word_that_no_task_has_is_answered_with_those_that_there_are(run, ready):
    agent = Sheet(ready["at"], "Tasks").cell(2, "Agent")
    shown = " ".join(run("tasks", "select", "--agent", "zzz", "--task", "tusk-1").out.split())
    assert "No task has the agent “zzz”." in shown
    assert agent in shown
    assert "Did you mean task-1" in shown
    done = run("stage", "--agent", agent[:-1], "--dry-run", "--json")
    assert done.status == 2
    assert f"Did you mean {agent}" in done.told["error"]["advice"]
    assert "Did you mean task-1" in run("tasks", "status", "tsk-1", "--json").told["error"]["advice"]
    assert "unknown_word" not in str(run("tasks", "select", "--agent", agent.upper(), "--json").told["findings"])


@pytest.mark.parametrize("command", [("stage", "--yes"), ("stage", "--dry-run"), ("tasks", "select")])
def test_an_empty_name_of_a_batch_to_retry_does_not_stage_everything(run, ready, command):
    """A script's variable that is not set."""
    done = run(*command, "--retry", "", "--json")
    assert done.status == 2
    assert "There is no export batch “”" in done.told["error"]["message"]
    assert run("batches", "list", "--json").told["batches"] == []


def test_a_task_that_failed_is_told_once_with_its_id(run, ready):
    Sheet(ready["at"], "Tasks").put(2, "Folder Name", "Nothing like it")
    done = run("stage", "--batch-id", "ONE", "--yes")
    text = " ".join((done.out + done.err).split())
    assert text.count("task-1 (Nothing like it): “T00001.obj”") == 1
    assert text.count("T00001.obj") == 1
    assert "1 task set aside, for the reasons above" in text
    listed = run("jobs", "list").out
    assert "`stage --retry BATCH`" in listed
    assert "jobs retry" not in listed


def test_a_clean_up_says_what_was_done_and_what_not(run, ready):
    Sheet(ready["at"], "Tasks").put(2, "Folder Name", "Nothing like it")
    run("stage", "--task", "task-1", "--batch-id", "ONE", "--yes")
    dry = " ".join(run("clean", "--older-than", "0", "--dry-run").out.split())
    assert "1 batch to clean up; nothing was changed (--dry-run)" in dry
    assert "would be moved to the trash" in dry
    assert "batches show" not in dry
    done = " ".join(run("clean", "--older-than", "0", "--yes").out.split())
    assert "1 batch cleaned up" in done
    assert "Nothing to clean up" in run("clean", "--older-than", "0", "--dry-run").out


def test_the_status_of_a_task_names_the_task(run, ready):
    assert "■ task-1 (T00001): not exported" in run("tasks", "status", "task-1").out


def test_select_groups_and_a_batch_that_there_is_not_is_said(run, ready):
    Sheet(ready["at"], "Tasks").put(2, "Status", "open")
    told = run("tasks", "select")
    assert "2 tasks of 3 fit" in told.out
    assert "Its status is “open”, not “complete”." in told.out
    done = run("tasks", "select", "--retry", "NOPE", "--json")
    assert done.status == 2
    assert "no export batch “NOPE”" in done.told["error"]["message"]


def test_a_task_leaves_its_batch_only_when_somebody_says_so(run, ready):
    run("stage", "--batch-id", "B1", "--yes")
    done = run("tasks", "set", "task-1", "--to", "", "--reason", "wrong batch")
    assert done.status == 6
    assert "task-1 (T00001) is staged in batch B1, and would no longer be in it." in done.out
    assert "Its files stay where they are" in done.out
    assert "Staging folder https://drive.google.com/drive/folders/" in done.out
    assert "Client's folder" not in done.out
    assert "--yes" in done.err
    assert run("tasks", "status", "task-1", "--json").told["export_batch_id"] == "B1"
    assert run("tasks", "set", "task-1", "--to", "", "--reason", "wrong batch", "--yes").status == 0
    shown = run("batches", "show", "B1").out
    assert "1 task no longer in it" in shown
    assert "owner@example.com" in shown
    assert "wrong batch" in shown
    assert "1 task no longer in it" in run("verify", "B1").out
    assert run("tasks", "set", "task-1", "--to", "", "--reason", "nothing to lose").status == 0


def test_a_delivery_says_which_tasks_stay_behind_and_what_comes_next(run, ready):
    Sheet(ready["at"], "Tasks").put(3, "Task Folder", "")
    staged = run("stage", "--batch-id", "B1", "--yes")
    assert staged.status == 9
    assert "sheets-catalog batches show B1" in staged.out
    shown = run("deliver", "B1", "--to", ready["client_folder"], "--dry-run").out
    assert "Deliver 2 tasks" in shown
    assert "1 task of the batch will not be delivered now: staging_failed 1" in shown
    done = run("deliver", "B1", "--to", ready["client_folder"], "--yes")
    assert done.status == 0
    assert "sheets-catalog verify B1" in done.out


def test_a_batch_is_not_verified_together_with_tabs_of_the_catalogue(run, ready):
    done = run("verify", "B1", "--products")
    assert done.status == 2
    assert "A batch and tabs of the catalogue were both given." in done.err


def test_a_status_that_is_none_is_answered_with_those_there_are(run, ready):
    error = run("tasks", "set", "T-001", "--to", "delivrd", "--reason", "x", "--json").told["error"]
    assert "Did you mean delivered?" in error["advice"]
    assert "staged" in error["advice"]
    assert "clear the cell" not in error["advice"]


@pytest.mark.parametrize(
    ("option", "known"), [("--shortcuts", "'resolve', 'refuse'"), ("--native", "'copy', 'refuse'")]
)
def test_a_rule_that_cannot_be_is_answered_with_those_that_can(run, ready, option, known):
    done = run("tasks", "configure", option, "maybe", "--json")
    assert done.status == 2
    assert f"'maybe' is not one of {known}" in done.told["error"]["message"]
    settings = run("tasks", "configure", option, "refuse", "--json").told["settings"]
    assert settings["rules"][option.removeprefix("--")] == "refuse"


def test_a_job_that_copies_names_a_folder_and_no_shop(run, ready):
    run("stage", "--batch-id", "B1", "--yes")
    shown = run("jobs", "show", "last").out
    assert re.search(r"^Folder +Staging", shown, re.MULTILINE)
    assert "Shop" not in shown

"""People insert and delete rows and columns of the tasks tab while files are staged and delivered."""

from __future__ import annotations

import os

import pytest

from sheets_catalog.errors import SheetsCatalogError
from sheets_catalog.flows import delivery, staging
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.tasks import register
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.sandbox import state as states
from tests.flows.exports import desk

OURS = {"export_status", "export_batch_id", "staged_count", "export_time"}
STEP = int(os.environ.get("SHEETS_CATALOG_SWEEP_STEP", "1"))
MOST_CALLS = 60
DONE = {"stage": "staged", "deliver": "delivered"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A desk with three tasks, and how its world was before each phase."""
    with desk(tmp_path_factory.mktemp("moving"), 3, files=18) as here:
        before = {"stage": states.dump(here.sandbox.world, here.sandbox.services)}
        here.stage()
        before["deliver"] = states.dump(here.sandbox.world, here.sandbox.services)
        yield here, before


def moved(here, move):
    """A person's edit: a blank row above the second task, the second task's row gone, a column in front of all."""
    sheet = open_tasks(here.systems, "Tasks").tab.sheet_id
    rows = {"sheetId": sheet, "dimension": "ROWS", "startIndex": 2, "endIndex": 3}
    column = {"sheetId": sheet, "dimension": "COLUMNS", "startIndex": 1, "endIndex": 2}
    return {
        "row inserted": {"insertDimension": {"range": rows, "inheritFromBefore": False}},
        "row deleted": {"deleteDimension": {"range": rows}},
        "column inserted": {"insertDimension": {"range": column, "inheritFromBefore": False}},
    }[move]


def meanwhile(here, edit, nth):
    path = f"/v4/spreadsheets/{here.connection.spreadsheet_id}:batchUpdate"
    play = {"method": "POST", "path": path, "body": {"requests": [edit]}, "email": "owner@example.com"}
    here.post("faults", kind="hook:collaborator", service="sheets", operation="*", nth=nth, requests=[play])


def theirs(rows):
    """What people have written, by task."""
    return {row.key: {name: value for name, value in row.values.items() if name not in OURS} for row in rows}


def run(here, flow):
    """Stage or deliver; an error counts as the person's cue to run it again."""
    systems = open_systems(here.connection)
    for _ in range(4):
        try:
            known = register.load(systems).batches.get("B1")
            jobs = (known.staging_jobs if flow == "stage" else known.delivery_jobs) if known else ()
            if flow == "stage":
                plan = None if jobs else staging.plan_staging(systems, staging.StagingOptions(batch_id="B1"))
                job = jobs[0] if plan is None else staging.store(systems, plan)
                return staging.apply(systems, here.audit, job)
            options = delivery.DeliveryOptions("B1", here.folders["client_folder"])
            job = jobs[0] if jobs else delivery.store(systems, delivery.plan_delivery(systems, options))
            return delivery.apply(systems, here.audit, job)
        except SheetsCatalogError:
            continue
    pytest.fail("it did not come to its end")


def played(here, before, flow, move, nth):
    """One run with one edit at the n-th call of Sheets; whether there was such a call."""
    with here.sandbox.world.lock:
        states.load(here.sandbox.world, here.sandbox.services, before[flow])
    here.forget_faults()
    here.forget_calls()
    was = theirs(open_tasks(here.systems, "Tasks").rows())
    edit = moved(here, move)
    here.forget_calls()
    meanwhile(here, edit, nth)
    result = run(here, flow)
    hits = here.faults()[0]["hits"]
    here.forget_faults()
    rows = list(open_tasks(here.systems, "Tasks").rows())
    there = theirs(rows)
    gone = set(was) - set(there)
    assert {key for key in there if key} == set(was) - gone
    assert {key: was[key] for key in there} == there, f"call {nth}: other cells were written, or rows without a task"
    assert gone == ({"task-2"} if hits and move == "row deleted" else set())
    assert {row.values["export_status"] for row in rows} == {DONE[flow]}, f"call {nth}"
    assert {row.values["export_batch_id"] for row in rows} == {"B1"}
    assert {row.values["staged_count"] for row in rows} == {"6"}
    assert result.books.balanced
    cells = here.systems.sheets.read_ranges(here.connection.spreadsheet_id, ["Tasks!A1:AZ"])[0]
    blank = [at for at, cell in enumerate(cells[0]) if cell == ""]
    assert not [row for row in cells for at in blank if at < len(row) and row[at] != ""]
    return bool(hits)


MOVES = ["row inserted", "row deleted", "column inserted"]
SOME = (2, 5, 8, 10, 12, 14, 16, 18, 20, 23)


@pytest.mark.parametrize("flow", ["stage", "deliver"])
@pytest.mark.parametrize("move", MOVES)
def test_statuses_stand_in_the_right_rows(saved, flow, move):
    """The fast selection: each call in turns with the moves."""
    here, before = saved
    begin = (MOVES.index(move) + (flow == "deliver")) % 2
    assert sum(played(here, before, flow, move, nth) for nth in SOME[begin::2]) > 2


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("flow", ["stage", "deliver"])
@pytest.mark.parametrize("move", MOVES)
def test_statuses_stand_in_the_right_rows_at_every_call(saved, flow, move):
    here, before = saved
    met = sum(played(here, before, flow, move, nth) for nth in range(1, MOST_CALLS, STEP))
    assert met > 15 / STEP

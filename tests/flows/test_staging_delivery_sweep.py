"""Killed, or failed by Google, at every call: the tree ends as if nothing had happened."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sheets_catalog.errors import SheetsCatalogError
from sheets_catalog.flows.tasks import batches, register
from tests.flows.exports import Desk, add_native, desk, run_child

if TYPE_CHECKING:
    from pathlib import Path

TASKS = 2
FILES = 9
MOST_CALLS = 400
STEP = int(os.environ.get("SHEETS_CATALOG_SWEEP_STEP", "1"))
"""Every how many-th call the sweeps take; 1 is all of them."""

KINDS = (("reset", "before"), ("reset", "after"), ("status", "before"), ("status", "after"), ("garbled-body", "after"))


@contextmanager
def scenario(folder: Path):
    """Two tasks with nine files and a Google document."""
    with desk(folder, TASKS, files=FILES) as here:
        here.rules(least_files=4)
        add_native(here)
        yield here


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    with scenario(tmp_path_factory.mktemp("undisturbed")) as here:
        before = here.calls()
        here.stage()
        staged = here.calls()
        here.deliver()
        print(f"{staged - before} calls to stage, {here.calls() - staged} to deliver")
        yield final(here), staged - before, here.calls() - staged


def final(here: Desk) -> object:
    """All that must be the same however the way went."""
    statuses = here.statuses()
    return here.tree(here.folders["staging_folder"]), here.tree(here.folders["client_folder"]), statuses


def no_harm(here: Desk, undisturbed) -> None:
    assert final(here) == undisturbed[0]
    assert set(here.copies().values()) == {1}, "a file was copied twice into one folder"
    assert batches.verify_batch(here.systems, "B1").holds
    assert register.load(here.systems).batches["B1"].active_job == ""


def whole_or_not_done(here: Desk) -> None:
    """A task that the sheet calls done has all its files, whenever the process died."""
    for status, folder in (("staged", here.folders["staging_folder"]), ("delivered", here.folders["client_folder"])):
        if any(word == status for word, *_ in here.statuses().values()):
            assert not [wrong for wrong in batches.verify_batch(here.systems, "B1").wrong if wrong.where != "sheet"], (
                folder
            )


def go_on(here: Desk, flow: str) -> None:
    """What an operator does: run it again until it is done."""
    for _ in range(8):
        found = register.load(here.systems).batches.get("B1")
        jobs = (found.staging_jobs if flow == "stage" else found.delivery_jobs) if found else ()
        try:
            if flow == "stage":
                result = here.apply_staging(jobs[0]) if jobs else here.stage()
            else:
                result = here.apply_delivery(jobs[0]) if jobs else here.deliver()
        except SheetsCatalogError:
            continue
        if result.status.ended:
            assert result.books.done == TASKS, result.state.reasons
            return
    pytest.fail("it did not come to its end")


def killed_at(folder: Path, flow: str, call: int, undisturbed) -> bool:
    """Kill at a call, go on in another process; False when the run ended before that call."""
    with scenario(folder) as here:
        if flow == "deliver":
            here.stage()
        killed = run_child(here, flow, "B1", kill_at=call)
        here.forget_faults()
        if killed:
            whole_or_not_done(here)
            assert not run_child(here, flow, "B1")
        if flow == "stage":
            here.deliver()
        no_harm(here, undisturbed)
        return killed


def failed_at(folder: Path, flow: str, call: int, kind: str, when: str, undisturbed) -> None:
    with scenario(folder) as here:
        if flow == "deliver":
            here.stage()
        here.fault("*", kind, when, nth=call, **({"status": 503} if kind == "status" else {}))
        go_on(here, flow)
        here.forget_faults()
        if flow == "stage":
            here.deliver()
        no_harm(here, undisturbed)


@pytest.mark.parametrize("call", [20, 33, 41, 52])
def test_sd_7_staging_killed_and_resumed_by_another_process(tmp_path, call, undisturbed) -> None:
    assert killed_at(tmp_path, "stage", call, undisturbed)


@pytest.mark.parametrize("call", [22, 35, 50])
def test_sd_7_delivery_killed_and_resumed_by_another_process(tmp_path, call, undisturbed) -> None:
    assert killed_at(tmp_path, "deliver", call, undisturbed)


@pytest.mark.parametrize(("kind", "when"), KINDS)
@pytest.mark.parametrize(("flow", "copy"), [("stage", 3), ("stage", FILES + 1), ("deliver", 3), ("deliver", FILES + 1)])
def test_sd_7_each_kind_of_failure_at_a_copy(tmp_path, flow, copy, kind, when, undisturbed) -> None:
    """The copy after those of the files with content is the document's."""
    with scenario(tmp_path) as here:
        if flow == "deliver":
            here.stage()
        more = {"status": 503} if kind == "status" else {}
        here.fault("drive.files.copy", kind, when, nth=copy, **more)
        go_on(here, flow)
        assert not here.unconsumed()
        if flow == "stage":
            here.deliver()
        no_harm(here, undisturbed)


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("flow", ["stage", "deliver"])
def test_sd_7_killed_at_every_call(tmp_path, flow, undisturbed) -> None:
    survived = 0
    for call in range(1, MOST_CALLS, STEP):
        where = tmp_path / str(call)
        where.mkdir()
        if not killed_at(where, flow, call, undisturbed):
            survived = call
            break
    assert survived > 30, "the run has more calls than were killed"


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("flow", ["stage", "deliver"])
@pytest.mark.parametrize(("kind", "when"), KINDS)
def test_sd_7_failed_at_every_call(tmp_path, flow, kind, when, undisturbed) -> None:
    calls = undisturbed[1 if flow == "stage" else 2]
    for call in range(1, calls + 1, STEP):
        where = tmp_path / str(call)
        where.mkdir()
        failed_at(where, flow, call, kind, when, undisturbed)

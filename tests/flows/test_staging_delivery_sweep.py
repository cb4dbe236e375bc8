"""Killed, or failed by Google, at every call: the tree ends as if nothing had happened."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sheets_catalog.database import Audit
from sheets_catalog.errors import SheetsCatalogError
from sheets_catalog.flows.tasks import batches, register
from sheets_catalog.sandbox import state as states
from tests.flows.exports import Desk, add_native, connection_to, desk, run_child

if TYPE_CHECKING:
    from pathlib import Path

TASKS = 2
FILES = 9
MOST_CALLS = 400
STEP = int(os.environ.get("SHEETS_CATALOG_SWEEP_STEP", "1"))
"""Every how many-th call the sweeps take; 1 is all of them."""

KINDS = (
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "status", "when": "before", "status": 503},
    {"kind": "status", "when": "after", "status": 503},
    {"kind": "garbled-body", "when": "after"},
)
MORE_KINDS = (
    {"kind": "rate-limit", "when": "before", "times": 3},
    {"kind": "html-429", "when": "before"},
    {"kind": "unauthorized", "when": "before"},
    {"kind": "fin", "when": "after"},
    {"kind": "empty-body", "when": "after"},
    {"kind": "half-body", "when": "after"},
    {"kind": "applied-late", "when": "before", "seconds": 100},
)
"""Kinds that only the sweeps play."""
TOO_LATE = 0.6
"""Seconds (real ones) after which the client hangs up on a call that is applied late."""


def name(spec: dict[str, Any]) -> str:
    return f"{spec['kind']}-{spec['when']}"


@dataclass
class Scene:
    """Two tasks with nine files and a Google document, in a sandbox that can be put back to before either phase."""

    here: Desk
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    expected: object = None

    def save(self, flow: str) -> None:
        sandbox = self.here.sandbox
        self.before[flow] = states.dump(sandbox.world, sandbox.services)

    @contextmanager
    def at(self, flow: str, folder: Path):
        """An operator who is about to stage or deliver, with an audit of her own."""
        sandbox = self.here.sandbox
        states.load(sandbox.world, sandbox.services, self.before[flow])
        self.here.forget_faults()
        self.here.forget_calls()
        connection = connection_to(sandbox, f"sqlite:///{folder}/audit-{uuid.uuid4().hex}.sqlite3")
        with Audit(connection.audit_url) as audit:
            here = Desk(sandbox, connection, self.here.folders, audit)
            yield here
            here.systems.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """With how many calls each phase makes, and how the world looks after both."""
    with desk(tmp_path_factory.mktemp("scene"), TASKS, files=FILES) as here:
        here.rules(least_files=4)
        add_native(here)
        made = Scene(here)
        for flow, run in (("stage", here.stage), ("deliver", here.deliver)):
            made.save(flow)
            before = here.calls()
            run()
            made.calls[flow] = here.calls() - before
        made.expected = final(here)
        yield made


def final(here: Desk) -> object:
    """All that must be the same however the way went."""
    statuses = here.statuses()
    return here.tree(here.folders["staging_folder"]), here.tree(here.folders["client_folder"]), statuses


def no_harm(here: Desk, scene: Scene) -> None:
    assert final(here) == scene.expected
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
        try:
            found = register.load(here.systems).batches.get("B1")
            jobs = (found.staging_jobs if flow == "stage" else found.delivery_jobs) if found else ()
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


def killed_at(folder: Path, flow: str, call: int, scene: Scene, when: str = "before") -> bool:
    """Kill before or after a call's effect, go on in another process; False when the run ended before that call."""
    with scene.at(flow, folder) as here:
        killed = run_child(here, flow, "B1", kill_at=call, when=when)
        here.forget_faults()
        if killed:
            whole_or_not_done(here)
            assert not run_child(here, flow, "B1")
        if flow == "stage":
            here.deliver()
        no_harm(here, scene)
        return killed


def failed_at(folder: Path, flow: str, spec: dict[str, Any], scene: Scene, operation: str = "*") -> bool:
    """Fail one call (or `times` of them), go on as an operator does; False when the run had no such call."""
    with scene.at(flow, folder) as here:
        here.fault(operation, **spec)
        if spec["kind"] == "applied-late":
            here.reconnect(timeout=TOO_LATE)
        go_on(here, flow)
        (fault,) = here.faults()
        here.forget_faults()
        if flow == "stage":
            here.deliver()
        no_harm(here, scene)
        return bool(fault["hits"])


@pytest.mark.parametrize("call", [20, 33, 41, 52])
def test_sd_7_staging_killed_and_resumed_by_another_process(tmp_path, call, scene) -> None:
    assert killed_at(tmp_path, "stage", call, scene)


@pytest.mark.parametrize("call", [22, 35, 50])
def test_sd_7_delivery_killed_and_resumed_by_another_process(tmp_path, call, scene) -> None:
    assert killed_at(tmp_path, "deliver", call, scene)


@pytest.mark.parametrize(("flow", "call"), [("stage", 41), ("deliver", 35)])
def test_sd_7_killed_right_after_an_effect(tmp_path, flow, call, scene) -> None:
    assert killed_at(tmp_path, flow, call, scene, "after")


@pytest.mark.parametrize("spec", KINDS, ids=name)
@pytest.mark.parametrize(("flow", "copy"), [("stage", 3), ("stage", FILES + 1), ("deliver", FILES + 1)])
def test_sd_7_each_kind_of_failure_at_a_copy(tmp_path, flow, copy, spec, scene) -> None:
    """The copy after those of the files with content is the document's."""
    assert failed_at(tmp_path, flow, {**spec, "nth": copy}, scene, "drive.files.copy")


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("flow", ["stage", "deliver"])
def test_sd_7_killed_at_every_call(tmp_path, flow, when, scene) -> None:
    survived = 0
    for call in range(1, MOST_CALLS, STEP):
        if not killed_at(tmp_path, flow, call, scene, when):
            survived = call
            break
    assert survived > 30, "the run has more calls than were killed"


@pytest.mark.sweep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("flow", ["stage", "deliver"])
@pytest.mark.parametrize("spec", [*KINDS, *MORE_KINDS], ids=name)
def test_sd_7_failed_at_every_call(tmp_path, flow, spec, scene) -> None:
    calls, failed = scene.calls[flow], 0
    for call in range(1, calls + 1, STEP):
        failed += failed_at(tmp_path, flow, {**spec, "nth": call}, scene)
    assert failed > calls * 0.8 / STEP, "a run of its own may have a few calls less, not more"

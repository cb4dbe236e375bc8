"""SIGKILL in the middle of an undo, and resume by a new process: it ends as if nothing had happened (LEAP-4)."""

from __future__ import annotations

import os
import random
import signal
import tempfile
from pathlib import Path

import pytest
import requests
from forked import Forked
from sandboxed import imported

from sheets_catalog.database import Audit
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.undoing import plan_undo
from sheets_catalog.flows.verification import verify
from sheets_catalog.sandbox import state as states

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

OPTIONS = ExportOptions(batch_size=3)


def world(at):
    """Shop and sheet as they are."""
    catalogue = at.systems.catalogue
    pages = {"products": catalogue.products, "variants": catalogue.variants, "inventory": catalogue.inventory}
    shop = {
        name: {record.key: dict(record.values) for page in read() for record in page.records}
        for name, read in pages.items()
    }
    return shop, at.systems.sheets.read_ranges(at.spreadsheet_id, ["Products!A:Z", "Variants!A:Z", "Inventory!A:Z"])


def edit(at):
    book = at.person()
    products, variants, inventory = (book.worksheet(title) for title in ("Products", "Variants", "Inventory"))
    products.update_cell(2, products.row_values(1).index("Title") + 1, "Sturdy title")
    for row in (2, 3, 9):
        variants.update_cell(row, variants.row_values(1).index("Price") + 1, 70 + row)
    for row in (2, 3, 4, 5):
        inventory.update_cell(row, inventory.row_values(1).index("Available") + 1, 500 + row)


@pytest.fixture(scope="module")
def stage():
    """A sandbox in which an undo was planned and stored: where it stands, its job, its saved state, the goal."""
    with imported() as at:
        goal = world(at)
        edit(at)
        job = apply(at.systems, at.audit, store(at.systems, plan_export(at.systems))).job_id
        undo = store(at.systems, plan_undo(at.systems, at.audit, job))
        yield at, undo, states.dump(at.sandbox.world, at.sandbox.services), goal


def _restored(at, saved):
    with at.sandbox.world.lock:
        states.load(at.sandbox.world, at.sandbox.services, saved)
    requests.delete(f"{at.sandbox.url}/_sandbox/faults", timeout=10)
    return len(at.ledger())


def _apply(at, job):
    """What every process does, the killed one as well as the one that goes on."""
    with tempfile.TemporaryDirectory() as folder, Audit(Path(folder) / "audit.sqlite3") as audit:
        return apply(open_systems(at.connection, rng=random.Random(9)), audit, job, options=OPTIONS)


def _killed(at, job, nth, when):
    """Whether a process that undoes was killed at its n-th call."""
    child = Forked(lambda: _apply(at, job))
    fault = {"operation": "*", "nth": nth, "kind": "kill-client", "when": when, "pid": child.pid}
    assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=10).status_code == 200
    child.go()
    status = child.wait()
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        return False
    assert os.WTERMSIG(status) == signal.SIGKILL
    return True


def _effects(at, since):
    """How often each field of each thing in the shop was written."""
    counts = {}
    for line in at.ledger(since, "shopify"):
        for name in line["effect"].get("changes", {"": None}):
            spot = (line["target"], name)
            counts[spot] = counts.get(spot, 0) + 1
    return counts


def check_kill(stage, nth, when):
    at, job, saved, goal = stage
    since = _restored(at, saved)
    if not _killed(at, job, nth, when):
        return False
    result = _apply(at, job)
    assert result.books.balanced
    assert result.books.done == len(result.plan.changes) == 8
    assert world(at) == goal
    assert set(_effects(at, since).values()) == {1}
    assert verify(at.systems).clean
    assert plan_export(at.systems).empty
    return True


@pytest.mark.parametrize(
    ("nth", "when"), [(3, "before"), (7, "after"), (11, "before"), (15, "after"), (19, "before"), (24, "after")]
)
def test_killed_in_the_middle_an_undo_ends_the_same(stage, nth, when):
    assert check_kill(stage, nth, when)


@pytest.mark.sweep
@pytest.mark.parametrize("when", ["before", "after"])
def test_sweep_killed_at_every_call(stage, when):
    nth = 1
    while check_kill(stage, nth, when):
        nth += 1
    assert nth > 24

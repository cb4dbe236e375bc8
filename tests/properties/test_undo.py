"""Random jobs, random edits on both sides afterwards, and an undo, against a model of two lines.

A field goes back on both sides exactly when each side still has what the job sent, or has the old value again;
everything else, sent or not, stays as it stands.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sandboxed import Desk, imported

from sheets_catalog.database import Audit
from sheets_catalog.flows.exporting import apply, plan_export, store
from sheets_catalog.flows.undoing import plan_undo
from sheets_catalog.sandbox import state as states

ROWS = range(2, 7)
FIELDS = {"price": ("Price", "I"), "sku": ("SKU", "G"), "compare_at_price": ("Compare At Price", "J")}
SPOTS = [(row, name) for row in ROWS for name in FIELDS]
SENT = {"price": "77.50", "sku": "SENT", "compare_at_price": "99.00"}
OTHER = {"price": "6.66", "sku": "OTHER", "compare_at_price": None}

later = st.dictionaries(st.sampled_from(SPOTS), st.sampled_from(["old", "other"]), max_size=6)


@dataclass(repr=False)
class World:
    """A sandbox with an imported catalogue, and its state to go back to."""

    at: Desk
    saved: dict

    @contextmanager
    def anew(self):
        """As after the import, with systems and an audit of nobody else: job ids come again, too."""
        with self.at.sandbox.world.lock:
            states.load(self.at.sandbox.world, self.at.sandbox.services, self.saved)
        with TemporaryDirectory() as folder, Audit(Path(folder) / "audit.sqlite3") as audit:
            yield replace(self.at, systems=self.at.fresh(), audit=audit)


@pytest.fixture(scope="module")
def world():
    with imported() as at:
        header = at.person().worksheet("Variants").row_values(1)
        assert all(header[ord(letter) - 65] == title for title, letter in FIELDS.values())
        yield World(at, states.dump(at.sandbox.world, at.sandbox.services))


def in_sheet(at):
    ranges = [f"Variants!{letter}2:{letter}6" for _, letter in FIELDS.values()]
    blocks = at.systems.sheets.read_ranges(at.spreadsheet_id, ranges)
    found = {}
    for name, block in zip(FIELDS, blocks, strict=True):
        for row in ROWS:
            cells = block[row - 2] if row - 2 < len(block) else []
            cell = cells[0] if cells else None
            number = isinstance(cell, int | float)
            found[row, name] = f"{cell:.2f}" if number else (cell or None)
    return found


def in_shop(at, keys):
    records = at.fresh().catalogue.by_ids("variants", keys.values())
    return {(row, name): records[keys[row]].values[name] for row, name in SPOTS}


def type_in(at, values):
    writes = []
    for (row, name), value in values.items():
        cell = "" if value is None else value if name == "sku" else float(value)
        writes.append((f"Variants!{FIELDS[name][1]}{row}:{FIELDS[name][1]}{row}", [[cell]]))
    at.systems.sheets.write_ranges(at.spreadsheet_id, writes)


def edit_shop(at, keys, values):
    for (row, name), value in values.items():
        at.sandbox.services["shopify"].edit_variant(keys[row], **{name: value})


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.sets(st.sampled_from(SPOTS), min_size=1, max_size=8), shop=later, sheet=later)
def test_what_is_still_as_the_job_left_it_goes_back_and_nothing_else(world, sent, shop, sheet):
    with world.anew() as at:
        check(at, sent, shop, sheet)


def check(at, sent, shop, sheet):
    ids = at.systems.sheets.read_ranges(at.spreadsheet_id, ["Variants!A2:A6"])[0]
    keys = {row: str(ids[row - 2][0]) for row in ROWS}
    old = in_shop(at, keys)
    type_in(at, {spot: SENT[spot[1]] for spot in sent})
    job = apply(at.systems, at.audit, store(at.systems, plan_export(at.systems))).job_id
    edit_shop(at, keys, {spot: old[spot] if how == "old" else OTHER[spot[1]] for spot, how in shop.items()})
    type_in(at, {spot: old[spot] if how == "old" else OTHER[spot[1]] for spot, how in sheet.items()})
    theirs, mine = in_shop(at, keys), in_sheet(at)

    result = apply(at.systems, at.audit, store(at.systems, plan_undo(at.systems, at.audit, job)))

    fit = {spot for spot in sent if {theirs[spot], mine[spot]} <= {old[spot], SENT[spot[1]]}}
    event(f"{len(fit)} of {len(sent)} go back")
    assert in_shop(at, keys) == theirs | {spot: old[spot] for spot in fit}
    assert in_sheet(at) == mine | {spot: old[spot] for spot in fit}
    assert result.books.balanced
    assert result.books.rejected == 0
    assert bool(result.books.conflicted) == bool(sent - fit)
    again = plan_undo(at.systems, at.audit, job)
    assert again.empty
    assert again.books.conflicted == len({row for row, _ in sent - fit})

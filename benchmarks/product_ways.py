"""Our own ways: the public flows, as the command line calls them."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sheets_catalog.cli.connections import from_sandbox
from sheets_catalog.database import Audit
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.verification import verify

if TYPE_CHECKING:
    from benchmarks.place import Place
    from sheets_catalog.flows.connection import Systems


def importing(place: Place) -> dict[str, Any]:
    """Import the whole catalogue into the sheet."""
    with tempfile.TemporaryDirectory() as folder, Audit(Path(folder) / "audit.sqlite3") as audit:
        result = import_catalogue(_systems(place), audit)
    return {"records": result.books.planned, "done": result.books.done}


def planning(place: Place) -> dict[str, Any]:
    """Plan an export."""
    plan = plan_export(_systems(place))
    return {"records": plan.books.planned, "changes": len(plan.changes)}


def exporting(place: Place) -> dict[str, Any]:
    """Plan an export, store it, apply it, with the audit written."""
    systems = _systems(place)
    with tempfile.TemporaryDirectory() as folder, Audit(Path(folder) / "audit.sqlite3") as audit:
        plan = plan_export(systems)
        if not plan.changes:
            return {"records": 0, "done": 0, "groups": 0, "pending": 0}
        result = apply(systems, audit, store(systems, plan), options=ExportOptions(change_share=1))
    groups = {change.group for change in plan.changes}
    books = result.books
    return {"records": books.done, "done": books.done, "groups": len(groups), "pending": books.pending}


def verifying(place: Place) -> dict[str, Any]:
    """Read both sides whole and compare them."""
    found = verify(_systems(place))
    return {"records": found.equal + found.different, "different": found.different, "clean": found.clean}


def _systems(place: Place) -> Systems:
    return open_systems(from_sandbox(place.told, "the sandbox"), rng=random.Random(1))

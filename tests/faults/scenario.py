"""One export with everything in it, on a sandbox that can be put back to where it was before.

Three product updates, seven variant updates, four stock changes, a new product with two variants, a new variant of an
existing product, and one conflict. Batches of six, so that there are several checkpoints.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import requests
from sandboxed import Desk, imported

from sheets_catalog.database import Audit
from sheets_catalog.errors import SheetsCatalogError
from sheets_catalog.flows.connection import open_systems
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.jobs.state import Status
from sheets_catalog.sandbox import state as states

OPTIONS = ExportOptions(batch_size=6)
ITEMS = 3 + 7 + 4 + 3 + 1


@dataclass
class Scenario:
    """The prepared sandbox, its saved state, the stored job, and how the world looks after an undisturbed run."""

    at: Desk
    job: str
    saved: dict
    calls: int = 0
    expected: dict | None = None

    @property
    def url(self):
        return self.at.sandbox.url

    def restore(self):
        """Back to where the job was stored and nothing sent."""
        sandbox = self.at.sandbox
        with sandbox.world.lock:
            states.load(sandbox.world, sandbox.services, self.saved)
        requests.delete(f"{self.url}/_sandbox/faults", timeout=10)
        requests.delete(f"{self.url}/_sandbox/requests", timeout=10)

    def fault(self, **spec):
        """Register a fault."""
        answer = requests.post(f"{self.url}/_sandbox/faults", json=spec, timeout=10)
        assert answer.status_code == 200, answer.text

    def faults(self):
        return requests.get(f"{self.url}/_sandbox/faults", timeout=10).json()["faults"]

    def connection(self, timeout=30.0):
        return msgspec.structs.replace(self.at.connection, timeout=timeout)

    def run(self, *, timeout=30.0, tries=6):
        """Apply, and resume as new processes would until the job has ended; the last result and all errors."""
        errors = []
        with tempfile.TemporaryDirectory() as folder, Audit(Path(folder) / "audit.sqlite3") as audit:
            for _ in range(tries):
                try:
                    with open_systems(self.connection(timeout), rng=random.Random(5)) as systems:
                        result = apply(systems, audit, self.job, options=OPTIONS)
                except SheetsCatalogError as error:
                    errors.append(error)
                    continue
                assert result.books.balanced
                if result.status is Status.FINISHED:
                    report = audit.report(self.job)
                    return result, errors, report
        raise AssertionError(f"the job never ended: {errors}")

    def world(self):
        """Shop and sheet as they are, and how often each field of each thing was changed."""
        systems = self.at.systems
        catalogue = systems.catalogue
        pages = {"products": catalogue.products, "variants": catalogue.variants, "inventory": catalogue.inventory}
        shop = {
            name: {record.key: dict(record.values) for page in read() for record in page.records}
            for name, read in pages.items()
        }
        ranges = ["Products!A:Z", "Variants!A:Z", "Inventory!A:Z", "Conflicts!A:H"]
        sheet = systems.sheets.read_ranges(self.at.spreadsheet_id, ranges, "FORMULA")
        return {"shop": shop, "sheet": [[row for row in block if any(row)] for block in sheet]}

    def effects(self):
        """How often each field of each thing in the shop was changed by us since the job was stored."""
        counts = {}
        for entry in self.at.ledger():
            if entry["service"] == "shopify" and entry["actor"] == "sheets-catalog":
                for name in entry["effect"].get("changes", {"": None}):
                    spot = (entry["target"], name)
                    counts[spot] = counts.get(spot, 0) + 1
        return counts

    def check(self, result):
        """The world is as after an undisturbed run, every effect happened once, and the books say so."""
        assert result.books.balanced
        world = self.world()
        assert world["shop"] == self.expected["shop"]
        assert world["sheet"] == self.expected["sheet"]
        effects = self.effects()
        assert {spot: count for spot, count in effects.items() if count > 1} == {}
        assert effects == self.expected["effects"]
        assert result.books == self.expected["books"]


def edit(at):
    """What a person types, and what a merchant does meanwhile."""
    book = at.person()
    products, variants, inventory = (book.worksheet(title) for title in ("Products", "Variants", "Inventory"))
    heads = {sheet.title: sheet.row_values(1) for sheet in (products, variants, inventory)}

    def cells(sheet, edits):
        sheet.batch_update(
            [
                {"range": f"{chr(65 + heads[sheet.title].index(header))}{row}", "values": [[value]]}
                for row, header, value in edits
            ]
        )

    merchant = at.sandbox.services["shopify"]
    key = variants.cell(9, 1).value
    merchant.edit_variant(key, price="6.66")
    products.add_rows(3)
    variants.add_rows(5)
    last_product, last_variant = len(products.col_values(2)) + 1, len(variants.col_values(1)) + 1
    cells(products, [(2, "Title", "Sturdy title"), (3, "Tags", "b, a"), (4, "Vendor", "Ünïcode 👕")])
    cells(products, [(last_product, "Handle", "brand-new"), (last_product, "Title", "Brand new")])
    cells(products, [(last_product, "Option1 Name", "Size"), (last_product, "Status", "DRAFT")])
    cells(variants, [(row, "Price", 100 + row) for row in range(2, 10)])
    for offset, size in enumerate(["S", "M"]):
        row = last_variant + offset
        cells(variants, [(row, "Product Handle", "brand-new"), (row, "Option1 Value", size), (row, "Price", 9)])
    first = {
        name: variants.cell(2, heads["Variants"].index(name) + 1).value for name in ("Product Handle", "Option2 Value")
    }
    row = last_variant + 2
    cells(
        variants, [(row, "Product Handle", first["Product Handle"]), (row, "Option1 Value", "XXS"), (row, "Price", 5)]
    )
    cells(variants, [(row, "Option2 Value", first["Option2 Value"]), (row, "SKU", "00042")])
    cells(inventory, [(row, "Available", 500 + row) for row in range(2, 6)])


@contextlib.contextmanager
def prepared():
    """The scenario, ready to be run and put back."""
    with imported() as at:
        edit(at)
        plan = plan_export(at.systems, OPTIONS)
        assert len(plan.changes) == ITEMS, [(change.action, change.label) for change in plan.changes]
        assert len(plan.conflicts) == 1, plan.findings
        job = store(at.systems, plan)
        with at.sandbox.world.lock:
            at.sandbox.world.ledger.entries.clear() if hasattr(at.sandbox.world.ledger, "entries") else None
        saved = states.dump(at.sandbox.world, at.sandbox.services)
        scenario = Scenario(at, job, saved)
        scenario.restore()
        result, errors, _ = scenario.run()
        assert not errors
        scenario.calls = requests.get(f"{scenario.url}/_sandbox/requests", timeout=10).json()["total"]
        scenario.expected = {**scenario.world(), "effects": scenario.effects(), "books": result.books}
        assert result.books.done == ITEMS
        assert all(count == 1 for count in scenario.expected["effects"].values())
        yield scenario

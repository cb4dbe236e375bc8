"""Random weeks of people, merchants, exports and imports, against a model of what must come of them.

The model has three sides per field, as the promise says: what stands in the sheet, what the shop has, and what both
last agreed on. After every step the real sheet and the real shop (in the sandbox) must be exactly what it says.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sandboxed import imported

from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.sandbox import state as states

FIELDS = {"sku": "SKU", "barcode": "Barcode", "price": "Price"}
ROWS = 4
texts = st.sampled_from(["00123", "1E5", "=A1", " x ", "ünï", "3-4"])
prices = st.sampled_from(["1.00", "2.50", "99.90", "1234.50"])


@dataclass
class Sides:
    sheet: str
    shop: str
    base: str


class EverydayLife(RuleBasedStateMachine):
    at = None
    saved = None
    books = 0

    @initialize()
    def begin(self):
        sandbox = self.at.sandbox
        with sandbox.world.lock:
            states.load(sandbox.world, sandbox.services, self.saved)
        self.systems = self.at.fresh()
        self.merchant = sandbox.services["shopify"]
        self.header = self.systems.sheets.read_ranges(self.at.spreadsheet_id, ["Variants!1:1"])[0][0]
        self.keys = [
            row[0] for row in self.systems.sheets.read_ranges(self.at.spreadsheet_id, [f"Variants!A2:A{ROWS + 1}"])[0]
        ]
        records = self.systems.catalogue.by_ids("variants", self.keys)
        self.model = {}
        for key in self.keys:
            for name in FIELDS:
                value = records[key].values[name]
                self.model[key, name] = Sides(value, value, value)

    spots = st.tuples(st.integers(0, ROWS - 1), st.sampled_from(sorted(FIELDS)), st.data())

    def _value(self, name, data):
        return data.draw(prices if name == "price" else texts)

    @rule(spot=spots)
    def a_person_types(self, spot):
        index, name, data = spot
        key, value = self.keys[index], self._value(name, data)
        column = self.header.index(FIELDS[name])
        rows = self.systems.sheets.read_ranges(self.at.spreadsheet_id, ["Variants!A:A"])[0]
        at_row = next(number for number, row in enumerate(rows, 1) if row and row[0] == key)
        cell = float(value) if name == "price" else value
        self.systems.sheets.write_ranges(self.at.spreadsheet_id, [(f"Variants!{chr(65 + column)}{at_row}", [[cell]])])
        self.model[key, name].sheet = value

    @rule(spot=spots)
    def the_merchant_edits(self, spot):
        index, name, data = spot
        key, value = self.keys[index], self._value(name, data)
        self.merchant.edit_variant(key, **{name: value})
        self.model[key, name].shop = value

    @rule(seed=st.integers(0, 99))
    def a_person_sorts(self, seed):
        info = self.systems.sheets.info(self.at.spreadsheet_id)
        area = {"sheetId": info.tabs["Variants"].sheet_id, "startRowIndex": 1, "endRowIndex": 68}
        order = {"dimensionIndex": seed % 9, "sortOrder": "ASCENDING" if seed % 2 else "DESCENDING"}
        request = {"sortRange": {"range": area, "sortSpecs": [order]}}
        self.systems.sheets.batch_update(self.at.spreadsheet_id, [request], safety="repeatable")

    @rule()
    def an_export(self):
        self._export()

    @rule(spot=spots)
    def an_export_while_the_merchant_edits(self, spot):
        index, name, data = spot
        key, value = self.keys[index], self._value(name, data)

        def meanwhile():
            self.merchant.edit_variant(key, **{name: value})

        before = {at: Sides(side.sheet, side.shop, side.base) for at, side in self.model.items()}
        self._export(meanwhile)
        side, old = self.model[key, name], before[key, name]
        if side.shop == old.shop:  # nothing was planned for it
            side.shop = value
        else:  # planned: the look before the send found the merchant's value, unless it is the wanted one
            side.shop = value
            side.base = value if value == side.sheet else old.base

    def _export(self, meanwhile=None):
        options = ExportOptions(tables=("variants",))
        plan = plan_export(self.systems, options)
        job = store(self.systems, plan)
        planned = {(change.key, each.field) for change in plan.changes for each in change.fields}
        if meanwhile:
            meanwhile()
        result = apply(self.systems, self.at.audit, job, options=options, confirmed=True)
        assert result.books.balanced
        assert result.books.pending == 0
        expected = {at for at, side in self.model.items() if side.sheet != side.base and side.shop == side.base}
        assert planned == {at for at in expected if self.model[at].sheet != self.model[at].shop}
        for side in self.model.values():
            if side.sheet != side.base and side.shop == side.base:
                side.shop = side.base = side.sheet
            elif side.sheet == side.shop:
                side.base = side.sheet

    @rule()
    def an_import(self):
        result = import_catalogue(self.systems, self.at.audit)
        assert result.books.balanced
        for side in self.model.values():
            if side.sheet == side.base:
                side.sheet = side.base = side.shop
            elif side.sheet == side.shop:
                side.base = side.sheet

    @invariant()
    def sheet_and_shop_are_what_the_model_says(self):
        if not hasattr(self, "model"):
            return
        rows = self.systems.sheets.read_ranges(self.at.spreadsheet_id, ["Variants!A2:Q80"])[0]
        by_key = {row[0]: row for row in rows if row and row[0]}
        records = self.systems.catalogue.by_ids("variants", self.keys)
        for (key, name), side in self.model.items():
            cell = by_key[key][self.header.index(FIELDS[name])]
            shown = f"{float(cell):.2f}" if name == "price" else (str(cell) or None)
            assert shown == side.sheet, (key, name)
            assert records[key].values[name] == side.shop, (key, name)


@pytest.fixture(scope="module")
def prepared():
    random.seed(0)
    with imported() as at:
        yield at, states.dump(at.sandbox.world, at.sandbox.services)


def live(prepared, examples, steps):
    EverydayLife.at, EverydayLife.saved = prepared
    run_state_machine_as_test(
        EverydayLife,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )


def test_some_random_weeks(prepared):
    live(prepared, 6, 10)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_sweep_many_random_weeks(prepared):
    live(prepared, 150, 25)

"""People sort, insert, delete and edit while an export and an import run: no write ever lands in a wrong row."""

from __future__ import annotations

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandboxed import desk

from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.keyed_writing import KeyedWriter, RowWrite
from sheets_catalog.flows.tabs import lay_out
from sheets_catalog.records import Field, Kind, Table
from sheets_catalog.sandbox import state as states

HANDLES = ["aaa-new", "mmm-new", "zzz-new"]


@pytest.fixture(scope="module")
def prepared():
    with desk() as at:
        import_catalogue(at.systems, at.audit)
        products = at.person().worksheet("Products")
        row = len(products.col_values(2)) + 1
        products.update([[handle, handle.upper()] for handle in HANDLES], f"B{row}:C{row + 2}")
        merchant = at.sandbox.services["shopify"]
        variants = at.person().worksheet("Variants")
        price = variants.row_values(1).index("Price") + 1
        variants.update_cell(2, price, 12.5)
        merchant.edit_variant(variants.cell(2, 1).value, price="13.50")
        plan = plan_export(at.systems, options())
        job = store(at.systems, plan)
        yield at, job, states.dump(at.sandbox.world, at.sandbox.services), plan


def options():
    return ExportOptions(policy="shop")


def sheet_ids(at):
    book = at.systems.sheets.info(at.spreadsheet_id)
    return {title: tab.sheet_id for title, tab in book.tabs.items()}


def moves(ids):
    """What a person may do to the grid in a moment, as Sheets requests."""

    def sort(tab, column, order):
        area = {"sheetId": ids[tab], "startRowIndex": 1, "endRowIndex": 80}
        return {"sortRange": {"range": area, "sortSpecs": [{"dimensionIndex": column, "sortOrder": order}]}}

    def insert(tab, row):
        area = {"sheetId": ids[tab], "dimension": "ROWS", "startIndex": row, "endIndex": row + 2}
        return {"insertDimension": {"range": area, "inheritFromBefore": False}}

    return {
        "sort products up": sort("Products", 1, "ASCENDING"),
        "sort products down": sort("Products", 1, "DESCENDING"),
        "sort variants": sort("Variants", 8, "DESCENDING"),
        "insert on top": insert("Products", 1),
        "insert in the middle": insert("Variants", 1),
    }


MOVES = ["sort products up", "sort products down", "sort variants", "insert on top", "insert in the middle"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("move", MOVES)
def test_rows_moved_at_any_sheet_call_during_apply(prepared, move, when):
    at, job, saved, plan = prepared
    request = moves(sheet_ids(at))[move]
    for nth in (2, 4, 5, 6, 8):
        with at.sandbox.world.lock:
            states.load(at.sandbox.world, at.sandbox.services, saved)
        requests.delete(f"{at.sandbox.url}/_sandbox/faults", timeout=5)
        path = f"/v4/spreadsheets/{at.spreadsheet_id}:batchUpdate"
        play = {"method": "POST", "path": path, "body": {"requests": [request]}}
        fault = {"kind": "hook:collaborator", "service": "sheets", "nth": nth, "when": when, "requests": [play]}
        assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=5).ok
        result = apply(at.fresh(), at.audit, job)
        assert result.books.balanced
        assert result.books.done == len(plan.changes), result.state.reasons
        check(at, nth)


def check(at, nth):
    products = at.systems.sheets.read_ranges(at.spreadsheet_id, ["Products!A2:C"])[0]
    by_handle = {row[1]: row[0] for row in products if row[1]}
    assert len(by_handle) == 33
    for handle in HANDLES:
        made = at.systems.catalogue.product_by_handle(handle)
        assert by_handle[handle] == made.product.key, f"call {nth}: {handle}"
    assert len(set(by_handle.values())) == 33, "an id stands in two rows"
    shop = {record.values["handle"]: record.key for page in at.systems.catalogue.products() for record in page.records}
    assert by_handle == shop
    variants = at.systems.sheets.read_ranges(at.spreadsheet_id, ["Variants!A2:I"])[0]
    prices = {row[0]: row[8] for row in variants if row[0]}
    wanted = {
        record.key: float(record.values["price"]) for page in at.systems.catalogue.variants() for record in page.records
    }
    wanted = {key: price for key, price in wanted.items() if key in prices}
    assert prices == wanted


# --- the loop itself, against a grid in memory whose rows move between any two calls ---

TABLE = Table(
    "things",
    "Things",
    "thing",
    (Field("id", "ID", Kind.ID, owned=False), Field("name", "Name"), Field("price", "Price", Kind.MONEY)),
    key=("id",),
    natural_keys=(("name",),),
)


class MovingGrid:
    """A grid of (id, name, price) whose rows are shuffled by `shuffles` before each call."""

    def __init__(self, rows, shuffles):
        self.rows, self.shuffles, self.calls = [list(row) for row in rows], shuffles, 0

    def _move(self):
        if self.calls < len(self.shuffles):
            order = self.shuffles[self.calls]
            self.rows = [self.rows[index % len(self.rows)] for index in order] if order else self.rows
        self.calls += 1

    def read(self, columns, *, formulas):
        if not formulas:
            self._move()
        return [[row[column] for row in self.rows] for column in columns]

    def write(self, cells):
        self._move()
        for (row, column), cell in cells.items():
            if row - 2 < len(self.rows):
                self.rows[row - 2][column] = cell if isinstance(cell, str) else float(cell)

    def restore(self, formulas):
        raise AssertionError("nothing holds a formula here")


@given(st.integers(2, 7), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_writing_loop_reaches_the_right_rows_and_no_others(size, data):
    new = data.draw(st.sets(st.integers(0, size - 1)))
    rows = [["" if number in new else str(100 + number), f"n{number}", 1.0] for number in range(size)]
    shuffles = data.draw(st.lists(st.one_of(st.none(), st.permutations(range(size))), max_size=8))
    grid = MovingGrid(rows, shuffles)
    writer = KeyedWriter(lay_out(TABLE, ["ID", "Name", "Price"], "Things"), grid, 2)
    writes = [RowWrite(number, "", ("name", f"n{number}"), {"id": (None, str(500 + number))}) for number in sorted(new)]
    problems = writer.write(writes)
    after = {row[1]: row for row in grid.rows}
    assert len(after) == size
    for number in range(size):
        expected = str(500 + number) if number in new else str(100 + number)
        if number not in problems:
            assert after[f"n{number}"][0] == expected
        assert after[f"n{number}"][2] == 1.0


@given(st.integers(2, 7), st.data())
@settings(max_examples=300, deadline=None)
def test_values_the_shop_won_reach_the_right_rows_and_edits_are_kept(size, data):
    chosen = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    rows = [[str(100 + number), f"n{number}", float(number)] for number in range(size)]
    shuffles = data.draw(st.lists(st.one_of(st.none(), st.permutations(range(size))), max_size=8))
    grid = MovingGrid(rows, shuffles)
    writer = KeyedWriter(lay_out(TABLE, ["ID", "Name", "Price"], "Things"), grid, 2)
    writes = [
        RowWrite(number, str(100 + number), (), {"price": (f"{number}.00", f"{number + 50}.25")})
        for number in sorted(chosen)
    ]
    problems = writer.write(writes)
    for row in grid.rows:
        number = int(row[1][1:])
        assert row[0] == str(100 + number)
        if number not in problems:
            assert row[2] == (number + 50.25 if number in chosen else float(number))

"""People sort, insert, delete and edit while an export and an import run: no write ever lands in a wrong row."""

from __future__ import annotations

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandboxed import imported

from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.keyed_writing import KeyedWriter, RowWrite, Shot
from sheets_catalog.flows.tabs import lay_out, letter
from sheets_catalog.records import TABLES, Field, Kind, Table
from sheets_catalog.sandbox import state as states

HANDLES = ["aaa-new", "mmm-new", "zzz-new"]


NOTES = {"Products": 3, "Variants": 8}
"""Where a column of notes and one without header stand, which belong to somebody else."""


@pytest.fixture(scope="module")
def prepared():
    with imported() as at:
        for title, column in NOTES.items():
            add_notes(at, title, column)
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


def add_notes(at, title, column):
    """Two columns of other people at `column` (from 0): notes, formulas among them, and one without header."""
    ids = sheet_ids(at)
    at.systems.sheets.batch_update(at.spreadsheet_id, [columns_inserted(ids[title], column, 2)], safety="once")
    cells = [["My notes", ""], *([f"note {row}", f"nameless {row}"] for row in range(2, 20))]
    sheet = at.person().worksheet(title)
    sheet.update(cells, f"{letter(column)}1")
    sheet.update([["=1+1"]], f"{letter(column)}3", raw=False)


def options():
    return ExportOptions(policy="shop")


def sheet_ids(at):
    book = at.systems.sheets.info(at.spreadsheet_id)
    return {title: tab.sheet_id for title, tab in book.tabs.items()}


def columns_inserted(sheet_id, column, count=1):
    area = {"sheetId": sheet_id, "dimension": "COLUMNS", "startIndex": column, "endIndex": column + count}
    return {"insertDimension": {"range": area, "inheritFromBefore": False}}


def moves(ids):
    """What a person may do to the grid in a moment, as Sheets requests."""

    def sort(tab, column, order):
        area = {"sheetId": ids[tab], "startRowIndex": 1, "endRowIndex": 80}
        return {"sortRange": {"range": area, "sortSpecs": [{"dimensionIndex": column, "sortOrder": order}]}}

    def insert(tab, row):
        area = {"sheetId": ids[tab], "dimension": "ROWS", "startIndex": row, "endIndex": row + 2}
        return {"insertDimension": {"range": area, "inheritFromBefore": False}}

    def delete(tab, column):
        area = {"sheetId": ids[tab], "dimension": "COLUMNS", "startIndex": column, "endIndex": column + 1}
        return {"deleteDimension": {"range": area}}

    return {
        "sort products up": sort("Products", 1, "ASCENDING"),
        "sort products down": sort("Products", 1, "DESCENDING"),
        "sort variants": sort("Variants", 8, "DESCENDING"),
        "insert on top": insert("Products", 1),
        "insert in the middle": insert("Variants", 1),
        "insert a first column of products": columns_inserted(ids["Products"], 0),
        "insert a second column of products": columns_inserted(ids["Products"], 1),
        "insert a first column of variants": columns_inserted(ids["Variants"], 0),
        "insert columns before the price": columns_inserted(ids["Variants"], 7, 2),
        "delete the notes of variants": delete("Variants", NOTES["Variants"]),
        "delete the nameless column of variants": delete("Variants", NOTES["Variants"] + 1),
    }


MOVES = list(moves(dict.fromkeys(["Products", "Variants"], 0)))


CALLS = range(1, 14)
"""Calls of Sheets that the export makes."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("move", MOVES)
def test_rows_and_columns_moved_at_some_sheet_calls_during_apply(prepared, move, when):
    """The fast selection: every call, before or after its effect, in turns with the moves."""
    begin = (MOVES.index(move) + 2 * (when == "after")) % 4
    check_moved(prepared, move, when, CALLS[begin::4])


@pytest.mark.sweep
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("move", MOVES)
def test_sweep_rows_and_columns_moved_at_any_sheet_call_during_apply(prepared, move, when):
    check_moved(prepared, move, when, CALLS)


def check_moved(prepared, move, when, calls):
    """Somebody makes this move at each of these calls, in a run of its own; everything ends where it belongs."""
    at, job, saved, plan = prepared
    request = moves(sheet_ids(at))[move]
    for nth in calls:
        with at.sandbox.world.lock:
            states.load(at.sandbox.world, at.sandbox.services, saved)
        before = {title: strangers(at, title) for title in NOTES}
        requests.delete(f"{at.sandbox.url}/_sandbox/faults", timeout=5)
        path = f"/v4/spreadsheets/{at.spreadsheet_id}:batchUpdate"
        play = {"method": "POST", "path": path, "body": {"requests": [request]}, "email": "owner@example.com"}
        fault = {"kind": "hook:collaborator", "service": "sheets", "nth": nth, "when": when, "requests": [play]}
        assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=5).ok
        result = apply(at.fresh(), at.audit, job)
        assert results(at) == [200], f"call {nth}"
        assert result.books.balanced
        assert result.books.done == len(plan.changes), result.state.reasons
        check(at, nth)
        for title, cells in before.items():
            after = strangers(at, title)
            gone = "" if title == "Products" else "notes" if "the notes" in move else "nameless" * ("nameless" in move)
            assert after == {key: kept for key, row in cells.items() if (kept := without(row, gone))}, f"call {nth}"


def test_a_person_who_types_the_value_we_write_into_another_row_keeps_it():
    with imported() as at:
        products = at.person().worksheet("Products")
        vendor = products.row_values(1).index("Vendor") + 1
        at.sandbox.services["shopify"].edit_product(products.cell(2, 1).value, vendor="Acme")
        path = f"/v4/spreadsheets/{at.spreadsheet_id}/values/Products!{letter(vendor - 1)}12?valueInputOption=RAW"
        typed = {"method": "PUT", "path": path, "body": {"values": [["Acme"]]}, "email": "owner@example.com"}
        fault = {"kind": "hook:collaborator", "operation": "sheets.values.batchUpdate", "when": "after"}
        fault |= {"service": "sheets", "nth": 1, "requests": [typed]}
        assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=5).ok
        import_catalogue(at.systems, at.audit)
        assert results(at) == [200]
        assert [products.cell(row, vendor).value for row in (2, 12)] == ["Acme", "Acme"]


@pytest.mark.parametrize("nth", [1, 2])
def test_new_rows_stand_under_their_headers_when_a_column_is_inserted_before_they_come(nth):
    with imported() as at:
        merchant = at.sandbox.services["shopify"]
        merchant.add_product("Brand New", vendor="V")
        ids = sheet_ids(at)
        path = f"/v4/spreadsheets/{at.spreadsheet_id}:batchUpdate"
        body = {"requests": [columns_inserted(ids["Products"], 2)]}
        play = {"method": "POST", "path": path, "body": body, "email": "owner@example.com"}
        # 1: while the shop is read; 2: between the last look at the header and the rows themselves
        operation = (
            {"service": "shopify"}
            if nth == 1
            else {"service": "sheets", "operation": "sheets.spreadsheets.batchUpdate"}
        )
        fault = {"kind": "hook:collaborator", "nth": 2 if nth == 1 else 1, "when": "before", "requests": [play]}
        assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault | operation, timeout=5).ok
        result = import_catalogue(at.systems, at.audit)
        assert results(at) == [200]
        assert result.books.balanced
        header, *rows = at.systems.sheets.read_ranges(at.spreadsheet_id, ["Products!A1:AZ"])[0]
        made = dict(zip(header, next(row for row in rows if "Brand New" in row), strict=True))
        assert (made["Title"], made["Vendor"], made["Status"], made[""]) == ("Brand New", "V", "ACTIVE", "")
        assert not plan_export(at.fresh(), ExportOptions()).changes


@pytest.mark.parametrize("look", [4, 5, 6])
def test_new_rows_come_once_when_ids_move_before_them_and_the_answer_is_lost(look):
    with imported() as at:
        at.sandbox.services["shopify"].add_product("Brand New", vendor="V")
        path = f"/v4/spreadsheets/{at.spreadsheet_id}:batchUpdate"
        body = {"requests": [columns_inserted(sheet_ids(at)["Products"], 0)]}
        play = {"method": "POST", "path": path, "body": body, "email": "owner@example.com"}
        moved = {"kind": "hook:collaborator", "nth": look, "when": "after", "requests": [play]}
        lost = {"kind": "reset", "nth": 1, "when": "after"}
        for fault, call in ((moved, "sheets.values.batchGet"), (lost, "sheets.spreadsheets.batchUpdate")):
            asked = fault | {"service": "sheets", "operation": call}
            assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=asked, timeout=5).ok
        assert import_catalogue(at.systems, at.audit).books.balanced
        faults = requests.get(f"{at.sandbox.url}/_sandbox/faults", timeout=5).json()["faults"]
        assert [each["consumed"] for each in faults] == [True, True]
        header, *rows = at.systems.sheets.read_ranges(at.spreadsheet_id, ["Products!A1:AZ"])[0]
        (made,) = [dict(zip(header, row, strict=True)) for row in rows if "Brand New" in row]
        assert (made["Title"], made["Vendor"], made[""]) == ("Brand New", "V", "")
        assert not plan_export(at.fresh(), ExportOptions()).changes


def test_a_header_that_is_emptied_while_new_rows_come_costs_the_shop_nothing_when_it_is_typed_again():
    """The rows do not have that value then; a baseline that says they do would take it for cleared."""
    with imported() as at:
        at.sandbox.services["shopify"].add_product("Brand New", vendor="V")
        products = at.person().worksheet("Products")
        column = products.row_values(1).index("Vendor")
        path = f"/v4/spreadsheets/{at.spreadsheet_id}/values/Products!{letter(column)}1:clear"
        play = {"method": "POST", "path": path, "body": {}, "email": "owner@example.com"}
        fault = {"kind": "hook:collaborator", "nth": 1, "when": "before", "requests": [play], "service": "sheets"}
        fault |= {"operation": "sheets.spreadsheets.batchUpdate"}
        assert requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=5).ok
        import_catalogue(at.systems, at.audit)
        assert results(at) == [200]
        products.update_cell(1, column + 1, "Vendor")
        assert plan_export(at.fresh(), ExportOptions()).changes == ()
        import_catalogue(at.fresh(), at.audit)
        assert "V" in products.col_values(column + 1)


def results(at):
    return requests.get(f"{at.sandbox.url}/_sandbox/faults", timeout=5).json()["faults"][0]["results"]


def without(row, gone):
    formula = ["=1+1"] if gone == "notes" else []
    return [cell for cell in row if not (gone and str(cell).startswith(gone[:4])) and cell not in formula]


def strangers(at, title):
    """By key, all cells of a row in columns that are not ours and hold anything, formulas as typed."""
    rows = at.systems.sheets.read_ranges(at.spreadsheet_id, [f"{title}!A1:AZ"], "FORMULA")[0]
    ours = lay_out(TABLES[title.lower()], rows[0], title).columns
    by_key = {}
    for row in rows[1:]:
        key = row[ours["handle"] if title == "Products" else ours["id"]]
        cells = [cell for at, cell in enumerate(row) if at not in ours.values() and cell != ""]
        assert key or not any(row), f"cells without key: {row}"
        if cells:
            by_key[key] = cells
    return by_key


def check(at, nth):
    products = at.systems.sheets.read_ranges(at.spreadsheet_id, ["Products!A1:AZ"])[0]
    ours = lay_out(TABLES["products"], products[0], "Products").columns
    by_handle = {row[ours["handle"]]: row[ours["id"]] for row in products[1:] if row[ours["handle"]]}
    assert len(by_handle) == 33
    for handle in HANDLES:
        made = at.systems.catalogue.product_by_handle(handle)
        assert by_handle[handle] == made.product.key, f"call {nth}: {handle}"
    assert len(set(by_handle.values())) == 33, "an id stands in two rows"
    shop = {record.values["handle"]: record.key for page in at.systems.catalogue.products() for record in page.records}
    assert by_handle == shop
    variants = at.systems.sheets.read_ranges(at.spreadsheet_id, ["Variants!A1:AZ"])[0]
    ours = lay_out(TABLES["variants"], variants[0], "Variants").columns
    prices = {row[ours["id"]]: row[ours["price"]] for row in variants[1:] if row[ours["id"]]}
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

    def look(self, columns, rows, *, formulas):
        if not formulas:
            self._move()
        whole = {row: self.rows[row - 2] for row in rows}
        return Shot(["ID", "Name", "Price"], [[row[column] for row in self.rows] for column in columns], whole)

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


@given(st.integers(2, 5), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_id_goes_to_the_row_without_one_though_others_have_its_name(size, data):
    new = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    old = [[str(100 + number), f"n{number}", float(number)] for number in range(size)]
    rows = [*old, *(["", f"n{number}", 50.0 + number] for number in sorted(new))]
    shuffles = data.draw(st.lists(st.one_of(st.none(), st.permutations(range(len(rows)))), max_size=8))
    grid = MovingGrid(rows, shuffles)
    writer = KeyedWriter(lay_out(TABLE, ["ID", "Name", "Price"], "Things"), grid, 2)
    writes = [RowWrite(number, "", ("name", f"n{number}"), {"id": (None, str(500 + number))}) for number in sorted(new)]
    assert not writer.write(writes)
    expected = [*old, *([str(500 + number), f"n{number}", 50.0 + number] for number in sorted(new))]
    assert sorted(grid.rows) == sorted(expected)


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

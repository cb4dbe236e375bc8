"""Rows come, go and change places between a look and a write: nothing of ours stays where it does not belong."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandboxed import desk as shop_desk

from sheets_catalog.flows.exporting import apply, plan_export, store
from sheets_catalog.flows.importing import import_catalogue
from sheets_catalog.flows.keyed_writing import KeyedWriter, RowWrite, Shot
from sheets_catalog.flows.tabs import lay_out
from sheets_catalog.flows.tasks.sheet import open_tasks
from sheets_catalog.records import Field, Kind, Table
from tests.flows.exports import desk as task_desk
from tests.flows.test_moving_while_read import meanwhile

HEADER = ["ID", "Name", "Size", "Price", "Maker"]
TABLE = Table(
    "things",
    "Things",
    "thing",
    (
        Field("id", "ID", Kind.ID, owned=False),
        Field("name", "Name"),
        Field("size", "Size"),
        Field("price", "Price", Kind.MONEY),
        Field("maker", "Maker"),
    ),
    key=("id",),
    natural_keys=(("name", "size"), ("maker", "size")),
)


class LivelyGrid:
    """Rows in memory. Before each call of `moves`, by its number, somebody does something to them."""

    def __init__(self, rows, moves):
        self.rows = [list(row) for row in rows] + [[""] * len(HEADER) for _ in range(20)]
        self.moves, self.calls = moves, 0

    def _move(self):
        kind, at, to = self.moves.get(self.calls, ("none", 0, 0))
        self.calls += 1
        at, to = at % len(self.rows), to % len(self.rows)
        if kind == "insert":
            self.rows[at:at] = [[""] * len(HEADER) for _ in range(1 + to % 3)]
        elif kind == "delete":
            del self.rows[at]
        elif kind == "move":
            self.rows.insert(to, self.rows.pop(at))
        elif kind == "sort":
            self.rows.sort(key=lambda row: (not any(row), str(row[at % len(HEADER)])), reverse=bool(to % 2))

    def look(self, columns, rows, *, formulas):
        if not formulas:
            self._move()
        whole = {row: self.rows[row - 2] for row in rows if row - 2 < len(self.rows)}
        return Shot(HEADER, [[row[column] for row in self.rows] for column in columns], whole)

    def write(self, cells):
        self._move()
        for (row, column), cell in cells.items():
            self.rows[row - 2][column] = cell if isinstance(cell, str) else float(cell)

    def restore(self, formulas):
        raise AssertionError("nothing holds a formula here")


def one_move(calls):
    move = st.tuples(st.sampled_from(["insert", "delete", "move", "sort"]), st.integers(0, 40), st.integers(0, 40))
    return st.dictionaries(st.integers(0, calls), move, max_size=1)


def kept(grid, untouched):
    """Each row's cells that nobody was to change, by what stands in them."""
    return sorted(tuple(row[at] for at in untouched) for row in grid.rows if any(row))


@given(st.integers(2, 7), one_move(5), st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_values_by_key_leave_nothing_in_any_other_row(size, moves, data):
    rows = [[str(100 + n), f"n{n}", "S", float(n % 2), "old"] for n in range(size)]
    chosen = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    price, maker = data.draw(st.sampled_from(["7.00", "8.00"])), data.draw(st.sampled_from(["old", "new"]))
    grid = LivelyGrid(rows, moves)
    writes = [RowWrite(n, str(100 + n), (), {"price": (f"{n % 2}.00", price), "maker": ("old", maker)}) for n in chosen]
    problems = KeyedWriter(lay_out(TABLE, HEADER, "Things"), grid, 2).write(writes)
    left = {row[0]: row for row in grid.rows if row[0]}
    assert len(left) >= size - 1
    assert [row for row in grid.rows if any(row) and not row[0]] == []
    for n in range(size):
        if str(100 + n) in left:
            assert n not in problems
            after = [float(price), maker] if n in chosen else [float(n % 2), "old"]
            assert left[str(100 + n)] == [str(100 + n), f"n{n}", "S", *after]


@given(st.integers(2, 7), one_move(5), st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_new_ids_by_name_leave_nothing_in_any_other_row(size, moves, data):
    """Two of the written columns tell rows apart as well: a row that is hit goes by another name then."""
    new = data.draw(st.sets(st.integers(0, size - 1), min_size=1))
    named = data.draw(st.sets(st.integers(0, size - 1)))
    rows = [
        ["" if n in new else str(100 + n), f"n{n}" if n in named else "", f"s{n}", float(n), "" if n in named else "M"]
        for n in range(size)
    ]
    grid = LivelyGrid(rows, moves)
    writes = [
        RowWrite(
            n,
            "",
            ("name", f"n{n}", f"s{n}") if n in named else ("maker", "M", f"s{n}"),
            {"id": (None, str(500 + n)), **({"maker": (None, "M")} if n in named else {})},
        )
        for n in sorted(new)
    ]
    problems = KeyedWriter(lay_out(TABLE, HEADER, "Things"), grid, 2).write(writes)
    left = {row[2]: row for row in grid.rows if row[2]}
    assert len(left) >= size - 1
    assert [row for row in grid.rows if any(row) and not row[2]] == []
    for n in range(size):
        if f"s{n}" in left:
            assert n not in problems
            key, maker = (str(500 + n), "M") if n in new else (rows[n][0], rows[n][4])
            assert left[f"s{n}"] == [key, rows[n][1], f"s{n}", float(n), maker]


def test_a_cell_that_keeps_nothing_is_a_problem_of_its_row():
    class Merged(LivelyGrid):
        def write(self, cells):
            super().write({spot: cell for spot, cell in cells.items() if spot != (3, 3)})

    grid = Merged([[str(100 + n), f"n{n}", "S", 1.0, "old"] for n in range(4)], {})
    writes = [RowWrite(n, str(100 + n), (), {"price": ("1.00", "2.00")}) for n in range(4)]
    problems = KeyedWriter(lay_out(TABLE, HEADER, "Things"), grid, 2).write(writes)
    assert problems == {1: "“Price” keeps no value here: its cell is merged with others."}
    assert [row[3] for row in grid.rows[:4]] == [2.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize("whole", [True, False])
def test_a_row_is_written_whole_or_not_at_all_when_asked_to(whole):
    grid = LivelyGrid([["100", "n0", "S", 5.0, "old"], ["101", "n1", "S", 1.0, "old"]], {})
    values = {"price": ("1.00", "2.00"), "maker": ("old", "new")}
    writes = [RowWrite(n, str(100 + n), (), values, whole=whole) for n in range(2)]
    problems = KeyedWriter(lay_out(TABLE, HEADER, "Things"), grid, 2).write(writes)
    assert problems == {0: "“Price” was edited meanwhile; the edit was kept."}
    assert grid.rows[0] == ["100", "n0", "S", 5.0, "old" if whole else "new"]
    assert grid.rows[1] == ["101", "n1", "S", 2.0, "new"]


# --- with the real client ---


def rows_edit(tab, kind, first, last):
    area = {"sheetId": tab.sheet_id, "dimension": "ROWS", "startIndex": first, "endIndex": last}
    if kind == "delete":
        return {"deleteDimension": {"range": area}}
    return {"insertDimension": {"range": area, "inheritFromBefore": False}}


def all_rows(systems, sheet, title):
    return systems.sheets.read_ranges(sheet, [f"{title}!A1:AZ"], "FORMULA")[0]


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_ids_of_new_variants_when_rows_are_inserted_among_them(nth):
    with shop_desk() as at:
        import_catalogue(at.systems, at.audit)
        book = at.person()
        products, variants = book.worksheet("Products"), book.worksheet("Variants")
        products.append_row(["", "nn", "NN"])
        header = products.row_values(1)
        products.update_cell(32, header.index("Option1 Name") + 1, "Size")
        names = variants.row_values(1)
        first = len(variants.col_values(1)) + 1
        for number in range(3):
            cells = {"Product Handle": "nn", "Option1 Value": f"S{number}", "Price": 10 + number}
            variants.append_row([cells.get(name, "") for name in names])
        job = store(at.systems, plan_export(at.systems))
        tab = at.systems.sheets.info(at.spreadsheet_id).tabs["Variants"]
        edits = [rows_edit(tab, "insert", first, first + 2)]
        meanwhile(at.sandbox.url, at.spreadsheet_id, edits, nth, "before", "sheets.values.batchUpdate")
        result = apply(at.systems, at.audit, job)
        assert result.books.done == 4
        cells = all_rows(at.systems, at.spreadsheet_id, "Variants")
        price = names.index("Price")
        assert [row for row in cells[1:] if any(cell != "" for cell in row) and row[price] == ""] == []
        assert plan_export(at.fresh()).empty


@pytest.mark.parametrize("kind", ["insert", "delete"])
def test_values_of_the_shop_when_rows_come_or_go(kind):
    with shop_desk() as at:
        import_catalogue(at.systems, at.audit)
        sheet = at.person().worksheet("Products")
        keys = sheet.col_values(1)[1:6]
        for key in keys[:4]:
            at.sandbox.services["shopify"].edit_product(key, vendor="Acme Ltd")
        tab = at.systems.sheets.info(at.spreadsheet_id).tabs["Products"]
        edits = [rows_edit(tab, kind, *((1, 3) if kind == "insert" else (2, 3)))]
        meanwhile(at.sandbox.url, at.spreadsheet_id, edits, 1, "before", "sheets.values.batchUpdate")
        import_catalogue(at.fresh(), at.audit)
        cells = all_rows(at.systems, at.spreadsheet_id, "Products")
        vendor = cells[0].index("Vendor")
        held = {str(row[0]): row[vendor] for row in cells[1:] if any(cell != "" for cell in row)}
        assert "" not in held
        assert {key for key, value in held.items() if value == "Acme Ltd"} == {*keys[:4]} - (
            {keys[1]} if kind == "delete" else set()
        )


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("kind", ["insert", "delete"])
def test_statuses_of_tasks_when_rows_come_or_go(tmp_path, kind, nth):
    with task_desk(tmp_path, 3, files=18) as here:
        opened = open_tasks(here.systems, "Tasks")
        edits = [rows_edit(opened.tab, kind, *((2, 4) if kind == "insert" else (2, 3)))]
        meanwhile(here.sandbox.url, here.connection.spreadsheet_id, edits, nth, "before", "sheets.values.batchUpdate")
        here.stage()
        cells = all_rows(here.systems, here.connection.spreadsheet_id, "Tasks")
        nobody = [row for row in cells[1:] if row[0] == "" and any(cell != "" for cell in row)]
        assert nobody == []
        status, batch = opened.layout.columns["export_status"], opened.layout.columns["export_batch_id"]
        staged = [(row[status], row[batch]) for row in cells[1:] if row[0] != ""]
        assert staged == [("staged", "B1")] * (3 if kind == "insert" else 2)

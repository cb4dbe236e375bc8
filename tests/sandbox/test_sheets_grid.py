"""The grid against the plainest model there is: a list of lists."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.sandbox.sheets.document import Book, Sheet
from sheets_catalog.sandbox.sheets.edits import Delete, Insert, Move, moved_area
from sheets_catalog.sandbox.sheets.grid import SKIP, Extra, Grid
from sheets_catalog.sandbox.sheets.ranges import Area

ROWS, COLUMNS = 6, 5
cells = st.one_of(st.none(), st.integers(-5, 5), st.text("ab", min_size=1, max_size=2))
tables = st.lists(st.lists(cells, min_size=COLUMNS, max_size=COLUMNS), min_size=ROWS, max_size=ROWS)


def grid_of(table):
    grid = Grid(len(table), len(table[0]) if table else 0)
    for index, row in enumerate(table):
        grid.write(index, 0, row)
    return grid


def table_of(grid):
    return [[grid.value(row, column) for column in range(grid.column_count)] for row in range(grid.row_count)]


@st.composite
def edits(draw, size):
    kind = draw(st.sampled_from(["insert", "delete", "move"]))
    start = draw(st.integers(0, size - 1))
    if kind == "insert":
        return Insert(start, draw(st.integers(1, 3)))
    end = draw(st.integers(start + 1, size))
    if kind == "delete":
        return Delete(start, end) if end - start < size else Delete(start, size - 1 or 1)
    to = draw(st.integers(0, size).filter(lambda index: not start <= index <= end or index in (start, end)))
    return Move(start, end, to)


def on_list(rows, edit, blank):
    rows = list(rows)
    if isinstance(edit, Insert):
        return rows[: edit.at] + [blank] * edit.count + rows[edit.at :]
    if isinstance(edit, Delete):
        return rows[: edit.start] + rows[edit.end :]
    block, rest = rows[edit.start : edit.end], rows[: edit.start] + rows[edit.end :]
    return rest[: edit.landing] + block + rest[edit.landing :]


@given(tables, st.lists(edits(ROWS), max_size=1))
def test_row_edits_are_list_edits(table, some):
    grid = grid_of(table)
    book = Book("b", "B", [Sheet(0, "S", grid)])
    for edit in some:
        table = on_list(table, edit, [None] * COLUMNS)
        book.edit_dimension(book.sheets[0], "ROWS", edit)
    assert table_of(grid) == table


@given(tables, edits(COLUMNS))
def test_column_edits_are_list_edits(table, edit):
    grid = grid_of(table)
    book = Book("b", "B", [Sheet(0, "S", grid)])
    book.edit_dimension(book.sheets[0], "COLUMNS", edit)
    assert table_of(grid) == [on_list(row, edit, None) for row in table]


@given(edits(ROWS), st.integers(0, ROWS - 1))
def test_a_one_row_area_follows_its_row(edit, row):
    """An area of one row is where its cells are after any edit, and gone when they are."""
    marked = on_list([index == row for index in range(ROWS)], edit, blank=False)
    area = moved_area(Area(0, row, row + 1, 0, 2), "ROWS", edit)
    assert ([area.top] if area else []) == [index for index, mark in enumerate(marked) if mark]


@given(
    tables, st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1), st.lists(st.one_of(cells, st.just(SKIP)), max_size=3)
)
def test_writes_touch_what_is_given_and_nothing_else(table, row, left, written):
    grid = grid_of(table)
    fork = grid.fork()
    fork.write(row, left, written)
    expected = [list(line) + [None] * 3 for line in table]
    for column, value in enumerate(written, left):
        if value is not SKIP:
            expected[row][column] = value
    fork.column_count += 3
    assert table_of(fork) == expected
    assert table_of(grid) == table


def test_blank_tails_cost_nothing():
    grid = Grid(500_000, 26)
    grid.write(3, 0, ["a", None, None])
    grid.write(4, 0, ["b"])
    grid.write(4, 0, [None])
    assert grid.row(3) == ("a",)
    assert (len(grid.values), grid.last_used_row()) == (5, 4)


def test_extras_stay_with_their_cells_and_vanish_when_empty():
    grid = Grid(10, 10)
    grid.put(2, 2, "x", Extra("", {"note": "n"}))
    grid.edit("ROWS", Insert(0, 2))
    grid.edit("COLUMNS", Delete(0, 1))
    assert grid.extra_at(4, 1).data == {"note": "n"}
    grid.write_extras(4, 1, [Extra()])
    assert grid.extra_row(4) == ()

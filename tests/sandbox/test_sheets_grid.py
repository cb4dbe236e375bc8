"""The grid against the plainest model there is: a list of lists."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.sandbox.sheets.document import Book, Sheet
from sheets_catalog.sandbox.sheets.edits import Delete, Insert, Move, moved_area
from sheets_catalog.sandbox.sheets.grid import SKIP, Extra, Grid
from sheets_catalog.sandbox.sheets.ranges import Area
from sheets_catalog.sandbox.sheets.reading import Rendering, read
from sheets_catalog.sandbox.sheets.refusals import Refused
from sheets_catalog.sandbox.sheets.writing import grow

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


def test_half_a_million_rows_are_held_forked_read_and_shifted_without_touching_each_row():
    sheet = Sheet(0, "Big", Grid(500_000, 20))
    line = [f"text {column}" if column % 2 else column + 0.5 for column in range(20)]
    sheet.grid.write(0, 0, line)
    sheet.grid.values = [sheet.grid.row(0)] * 500_000
    book = Book("b", "B", [sheet], {"locale": "en_US"})
    started = time.perf_counter()
    fork = book.fork()
    fork.edit_dimension(fork.sheets[0], "ROWS", Insert(10, 1))
    fork.sheets[0].grid.put(10, 3, "new")
    rows = read(fork.sheets[0], Area(0, 400_000, 410_000, 0, 20), Rendering(), book.locale)
    assert time.perf_counter() - started < 5, "a life-like call takes a second; this must not be what is slow"
    assert (len(rows), rows[0][:2]) == (10_000, ["0.5", "text 1"])
    assert fork.sheets[0].grid.row(11) is sheet.grid.row(10)
    assert sheet.grid.value(10, 3) == "text 3"
    assert fork.sheets[0].grid.row_count == 500_001
    with pytest.raises(Refused, match="above the limit of 10000000 cells"):
        grow(fork, fork.sheets[0], 500_002, 20)

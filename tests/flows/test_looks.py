"""Rows that look as they did need not be read; nothing else may be taken for them."""

from __future__ import annotations

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.changes import baseline as files
from sheets_catalog.changes.baseline import Baseline, TableBaseline
from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.errors import Unavailable
from sheets_catalog.flows.exporting.sifting import sift
from sheets_catalog.flows.tabs import lay_out, rows_of
from sheets_catalog.google.sheets import Block
from sheets_catalog.records import VARIANTS

HEADER = ["Variant ID", "SKU", "Barcode", "Price", "Notes of mine"]
LAYOUT = lay_out(VARIANTS, HEADER, "Variants")


def encoded(rows):
    return [Block(tuple(HEADER), 2, [msgspec.json.encode(row) for row in rows])]


def read(rows, base=None, layout=LAYOUT, digits=2):
    seen = base.seen(layout.told(digits)) if base else {}
    return list(rows_of(layout, encoded(rows), digits, seen))


def remembered(rows, layout=LAYOUT):
    """A baseline that has seen these rows and agrees with them."""
    base = TableBaseline()
    for row in read(rows, layout=layout):
        base.agree(row.key, {each.name: fingerprint(row.values[each.name]) for each in layout.owned})
        base.saw(row.key, row.look, layout.told(2))
    return base


ROWS = [["1", "A-1", "400", 9.5, "x"], ["2", "A-2", "401", 10, ""], ["3", "A-3", "402", 11]]


def test_rows_that_look_the_same_are_not_read():
    found = read(ROWS, remembered(ROWS))
    assert [(row.number, row.key, row.known, row.values) for row in found] == [
        (2, "1", True, {}),
        (3, "2", True, {}),
        (4, "3", True, {}),
    ]


cells = st.one_of(st.text(max_size=3), st.integers(-3, 10**6), st.floats(0, 100), st.booleans())
rows_before = st.lists(
    st.tuples(st.integers(1, 9).map(str), *[cells] * 4).map(list), max_size=6, unique_by=lambda row: row[0]
)


@given(rows_before, rows_before, st.randoms())
def test_looks_never_change_what_sifting_says(before, after, source):
    readable = [row.number - 2 for row in read(before) if not row.findings and row.key]
    before = [before[number] for number in readable]
    base = remembered(before)
    plain = TableBaseline(base.fields, dict(base.rows))
    mixed = [*after, *before]
    source.shuffle(mixed)
    quick, slow = sift(LAYOUT, read(mixed, base), base), sift(LAYOUT, read(mixed), plain)
    for name in ("unchanged", "rejected", "keys", "findings"):
        assert getattr(quick, name) == getattr(slow, name)
    assert [row.number for row in quick.changed] == [row.number for row in slow.changed]
    assert [row.number for row in quick.new] == [row.number for row in slow.new]


def test_a_renamed_or_moved_column_makes_every_row_be_read():
    base = remembered(ROWS)
    swapped = lay_out(VARIANTS, ["Variant ID", "Barcode", "SKU", "Price", "Notes of mine"], "Variants")
    assert [row.known for row in read(ROWS, base, swapped)] == [False] * 3
    assert [row.known for row in read(ROWS, base, digits=3)] == [False] * 3
    assert len(sift(swapped, read(ROWS, base, swapped), base).changed) == 3


def test_what_was_agreed_on_anew_is_read_again():
    base = remembered(ROWS)
    base.agree("2", {"price": "12.00"})
    base.forget(["3"])
    found = read(ROWS, base)
    assert [row.known for row in found] == [True, False, False]
    sifted = sift(LAYOUT, found, base)
    assert (sifted.unchanged, [row.key for row in sifted.changed]) == (1, ["2", "3"])


def test_a_field_that_is_forgotten_takes_the_looks_along():
    base = remembered(ROWS)
    base.forget_field("price")
    assert base.seen(LAYOUT.told(2)) == {}


def test_twice_the_same_row_is_still_a_double():
    sifted = sift(LAYOUT, read([*ROWS, ROWS[0]], remembered(ROWS)), remembered(ROWS))
    assert (sifted.unchanged, sifted.rejected) == (2, 2)
    assert {finding.rule for finding in sifted.findings} == {"duplicate_key"}


def test_looks_are_stored_with_the_baseline_and_older_files_have_none():
    baseline = Baseline("sheet", "shop", tables={"variants": remembered(ROWS)})
    again = files.load(files.dump(baseline)).table("variants")
    assert again.seen(LAYOUT.told(2)) == baseline.table("variants").seen(LAYOUT.told(2))
    assert len(again.looks) == 3
    first_released = [1, "sheet", "shop", 3, "job", {"variants": [["price"], {"1": ["9.50"]}]}]
    older = files.load(zlib.compress(msgspec.msgpack.encode(first_released)))
    assert older.table("variants").marks("1") == {"price": "9.50"}
    assert older.table("variants").seen("") == {}


def test_what_is_no_row_is_an_answer_that_cannot_be_read():
    with pytest.raises(Unavailable, match="row that is none"):
        list(rows_of(LAYOUT, [Block((), 2, [b'[{"a": 1}]'])], 2))

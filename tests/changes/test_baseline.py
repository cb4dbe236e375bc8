"""The baseline: what both sides last agreed on, exact, compact and never read by halves."""

from __future__ import annotations

import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.changes import baseline as files
from sheets_catalog.changes.baseline import Baseline, TableBaseline
from sheets_catalog.changes.compare import UNKNOWN
from sheets_catalog.errors import DamagedStateError, NewerStateError

names = st.sampled_from(["title", "price", "tags", "metafields.custom.x"])
agreements = st.lists(st.tuples(st.text(min_size=1, max_size=5), st.dictionaries(names, st.text(max_size=50))))


@given(agreements)
def test_what_was_agreed_on_is_what_is_remembered(steps):
    table, model = TableBaseline(), {}
    for key, marks in steps:
        table.agree(key, marks)
        model[key] = {**model.get(key, {}), **marks}
    for key, marks in model.items():
        assert table.marks(key) == marks
        assert all(table.mark(key, name) == mark for name, mark in marks.items())
    assert table.mark("never", "title") is UNKNOWN


@given(agreements)
def test_a_stored_baseline_comes_back_the_same(steps):
    baseline = Baseline("sheet", "demo.myshopify.com", 7, "job")
    for key, marks in steps:
        baseline.table("products").agree(key, marks)
    again = files.load(files.dump(baseline))
    assert (again.spreadsheet_id, again.shop, again.generation, again.job_id) == (
        "sheet",
        "demo.myshopify.com",
        7,
        "job",
    )
    for key in baseline.table("products").rows:
        assert again.table("products").marks(key) == baseline.table("products").marks(key)
        marks = baseline.table("products").marks(key)
        if set(marks) == set(again.table("products").fields):
            assert again.table("products").unchanged(key, marks)


def test_a_changed_field_is_not_unchanged():
    table = TableBaseline()
    table.agree("1", {"title": "a", "price": "1.00"})
    assert table.unchanged("1", {"title": "a", "price": "1.00"})
    assert not table.unchanged("1", {"title": "a", "price": "1.01"})
    assert not table.unchanged("2", {"title": "a", "price": "1.00"})


def test_deleted_records_are_forgotten():
    table = TableBaseline()
    table.agree("1", {"title": "a"})
    table.forget(["1", "2"])
    assert "1" not in table


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_truncated_file_is_refused(cut):
    content = files.dump(Baseline("s", "d", 1, "", {"products": TableBaseline()}))
    with pytest.raises(DamagedStateError):
        files.load(content[:cut] if cut >= 0 else content[:-1])


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_never_half_read(content):
    with pytest.raises(DamagedStateError):
        files.load(content)


def test_a_newer_file_is_refused():
    content = zlib.compress(msgspec.msgpack.encode([files.VERSION + 1, "s", "d", 1, "", {}]))
    with pytest.raises(NewerStateError):
        files.load(content)

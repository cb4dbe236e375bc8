"""The three-way comparison names every case, and only ever sends what a person changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.changes.compare import UNKNOWN, Verdict, decide, winner
from sheets_catalog.changes.fingerprints import clipped, fingerprint, shown

LONG = "x" * 100
VALUES = [None, "a", "b", LONG, LONG + "y"]


@pytest.mark.parametrize(
    ("sheet", "base", "shop", "expected"),
    [
        ("a", "a", UNKNOWN, Verdict.SAME),
        ("b", "a", UNKNOWN, Verdict.ASK_SHOP),
        ("b", "a", "a", Verdict.SEND),
        ("a", "a", "b", Verdict.FETCH),
        ("b", "a", "b", Verdict.AGREED),
        ("b", "a", "c", Verdict.CONFLICT),
        (None, "a", "a", Verdict.SEND),  # cleared
        (None, None, "a", Verdict.FETCH),  # blank, and was blank
        (None, UNKNOWN, "a", Verdict.LEAVE),  # blank, and nobody knows more
        ("a", UNKNOWN, "a", Verdict.AGREED),
        ("a", UNKNOWN, "b", Verdict.CONFLICT),
        (UNKNOWN, "a", "b", Verdict.LEAVE),  # no column
        (None, None, None, Verdict.AGREED),
        (LONG + "y", LONG, LONG, Verdict.SEND),
    ],
)
def test_every_case_has_its_name(sheet, base, shop, expected):
    mark = base if base is UNKNOWN else fingerprint(base)
    assert decide(sheet, mark, shop) is expected


sides = st.one_of(st.just(UNKNOWN), st.none(), st.text(min_size=1, max_size=60))


@given(sides, st.one_of(st.just(UNKNOWN), st.none(), st.text(min_size=1, max_size=60)), sides)
def test_decide_is_total_and_loses_no_edit(sheet, base, shop):
    mark = base if base is UNKNOWN else fingerprint(base)
    verdict = decide(sheet, mark, shop)
    if verdict is Verdict.SEND:
        assert shop == base
        assert sheet != base
    if verdict is Verdict.FETCH:
        assert sheet == base
        assert shop != base
    if verdict in {Verdict.SAME, Verdict.AGREED} and shop is not UNKNOWN:
        assert sheet == shop
    if UNKNOWN not in {sheet, base, shop} and len({sheet, base, shop}) == 3:
        assert verdict is Verdict.CONFLICT


@pytest.mark.parametrize(
    ("policy", "sheet_at", "shop_at", "expected"),
    [
        ("ask", "2026-01-02", "2026-01-01", None),
        ("sheet", "", "", "sheet"),
        ("shop", "", "", "shop"),
        ("newest", "2026-01-02T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "sheet"),
        ("newest", "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00", "shop"),
        ("newest", "", "2026-01-02T00:00:00+00:00", None),
        ("newest", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", None),
    ],
)
def test_policies_of_bk_5(policy, sheet_at, shop_at, expected):
    assert winner(policy, sheet_edited_at=sheet_at, shop_updated_at=shop_at) == expected


@given(st.one_of(st.none(), st.text(min_size=1)), st.one_of(st.none(), st.text(min_size=1)))
def test_fingerprints_are_equal_exactly_when_values_are(one, other):
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


def test_short_values_are_shown_and_long_ones_said_to_be_long():
    assert shown(fingerprint("19.90")) == "19.90"
    assert "long" in shown(fingerprint(LONG))


def test_what_a_cell_cannot_hold_is_clipped_and_says_so():
    assert clipped(None) == ""
    assert clipped("z" * 60_000).endswith("(60000 characters)")
    assert len(clipped("z" * 60_000)) < 50_000

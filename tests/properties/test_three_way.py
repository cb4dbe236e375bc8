"""Random sheets, baselines and shops: the comparison loses no edit, and its books always balance. Pure, thus many."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sheets_catalog.books import Books
from sheets_catalog.changes.baseline import TableBaseline
from sheets_catalog.changes.fingerprints import fingerprint
from sheets_catalog.flows.exporting.comparing import Resolution, Rules, compare_rows
from sheets_catalog.flows.exporting.sifting import sift
from sheets_catalog.flows.tabs import lay_out, read_row
from sheets_catalog.records import PRODUCTS, Record

FIELDS = ("title", "vendor", "tags", "description")
HEADER = ["Product ID", "Title", "Vendor", "Tags", "Description"]
values = st.sampled_from([None, "a", "b", "c", "x" * 60])
records = st.fixed_dictionaries(dict.fromkeys(FIELDS, values))
worlds = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.integers(1, 8),
            "sheet": records,
            "base": st.one_of(st.none(), st.dictionaries(st.sampled_from(FIELDS), values)),
            "shop": st.one_of(st.none(), records),
        }
    ),
    max_size=8,
)


def build(world):
    """The three sides as the flow has them. The first of several rows with a key gives its baseline and shop."""
    layout = lay_out(PRODUCTS, HEADER, "Products")
    rows, base, shop = [], TableBaseline(), {}
    for number, one in enumerate(world, 2):
        key = str(one["key"])
        row = read_row(layout, number, [key, *(one["sheet"][name] or "" for name in FIELDS)], 2)
        rows.append(row)
        if key not in shop and one["base"] is not None:
            base.agree(key, {name: fingerprint(value) for name, value in one["base"].items()})
        if one["shop"] is not None:
            shop.setdefault(key, Record(key, {"id": key, **one["shop"]}))
    return layout, rows, base, shop


def compared(world, rules):
    layout, rows, base, shop = build(world)
    sifted = sift(layout, rows, base)
    result = compare_rows(layout, sifted.changed, base, shop, rules)
    result.settle(unchanged=sifted.unchanged, rejected=sifted.rejected)
    return rows, base, shop, result


@given(worlds, st.sampled_from(["ask", "sheet", "shop", "newest"]))
@settings(max_examples=500, deadline=None)
def test_books_balance_and_every_row_is_somewhere(world, policy):
    rows, _, _, result = compared(world, Rules(policy))
    books = result.books + Books(planned=len(result.changes), pending=len(result.changes))
    assert books.balanced
    assert books.planned == len(rows)


@given(worlds)
@settings(max_examples=500, deadline=None)
def test_under_ask_only_untouched_fields_of_the_shop_are_overwritten(world):
    rows, base, shop, result = compared(world, Rules("ask"))
    by_key = {row.key: row for row in rows}
    for change in result.changes:
        for edit in change.fields:
            assert edit.side == "shop"
            assert fingerprint(shop[change.key].values[edit.field]) == base.mark(change.key, edit.field)
            assert by_key[change.key].values[edit.field] == edit.after
            assert edit.before == shop[change.key].values[edit.field]


@given(worlds)
@settings(max_examples=500, deadline=None)
def test_no_edit_disappears_it_is_sent_shown_or_refused(world):
    rows, base, shop, result = compared(world, Rules("ask"))
    keys = [row.key for row in rows]
    sent = {(change.key, edit.field) for change in result.changes for edit in change.fields}
    shown = {(conflict.key, conflict.field) for conflict in result.conflicts}
    refused = {finding.row for finding in result.findings if finding.severity == "error"}
    for row in rows:
        if keys.count(row.key) > 1 or row.key not in shop:
            continue
        for name in FIELDS:
            mark, mine = base.mark(row.key, name), row.values[name]
            edited = isinstance(mark, str) and fingerprint(mine) != mark
            if edited and mine != shop[row.key].values[name]:
                assert (row.key, name) in sent | shown or row.number in refused


@given(worlds, st.sampled_from(["sheet", "shop"]))
@settings(max_examples=300, deadline=None)
def test_the_losing_value_of_a_conflict_is_kept(world, policy):
    _, _, shop, asked = compared(world, Rules("ask"))
    _, _, _, settled = compared(world, Rules(policy))
    losers = {(change.key, edit.field): edit.loser for change in settled.changes for edit in change.fields}
    for conflict in asked.conflicts:
        if (conflict.key, conflict.field) in losers:
            expected = conflict.shop if policy == "sheet" else conflict.sheet
            assert losers[conflict.key, conflict.field] == expected
    assert not settled.conflicts


@given(worlds, st.sampled_from(["sheet", "shop"]))
@settings(max_examples=300, deadline=None)
def test_a_choice_counts_only_for_the_values_it_was_made_about(world, choice):
    _, _, _, asked = compared(world, Rules("ask"))
    made = {
        (one.table, one.key, one.field): Resolution(
            choice, one.sheet, (one.shop or "") + ("" if index % 2 else "moved")
        )
        for index, one in enumerate(asked.conflicts)
    }
    _, _, _, again = compared(world, Rules("ask", made))
    left = {(one.key, one.field) for one in again.conflicts}
    for index, one in enumerate(asked.conflicts):
        if index % 2 == 0:
            assert (one.key, one.field) in left or any(finding.row == one.row for finding in again.findings)

"""A date, time, fraction or share typed into a column of numbers is reported, never sent as the number it became."""

from __future__ import annotations

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from sandboxed import imported

from sheets_catalog.flows import reformatting
from sheets_catalog.flows.exporting import plan_export
from sheets_catalog.flows.tabs import letter


@pytest.fixture
def at():
    with imported() as one:
        yield one


def column(sheet, header):
    return sheet.row_values(1).index(header) + 1


def put(at, tab, row, header, value):
    sheet = at.person().worksheet(tab)
    sheet.update_cell(row, column(sheet, header), value)


def calls(at):
    return requests.get(f"{at.sandbox.url}/_sandbox/requests", timeout=10).json()["total"]


def planned(at):
    systems = at.fresh()
    before = calls(at)
    plan = plan_export(systems)
    return plan, calls(at) - before


@pytest.mark.parametrize(
    ("tab", "header", "typed", "kind"),
    [
        ("Variants", "Price", "2026-01-02", "a date"),
        ("Variants", "Price", "50%", "a percentage"),
        ("Variants", "Price", "100%", "a percentage"),
        ("Variants", "Price", "1/5", "a date"),
        ("Variants", "Price", "12:00", "a time"),
        ("Variants", "Weight", "1-5", "a date"),
        ("Inventory", "Available", "1/2", "a date"),
        ("Inventory", "Available", "300%", "a percentage"),
    ],
)
def test_what_a_number_column_took_for_something_else_is_named(at, tab, header, typed, kind):
    put(at, tab, 2, header, typed)
    plan = plan_export(at.systems)
    assert not plan.changes
    (finding,) = plan.findings
    assert (finding.severity, finding.rule, finding.tab, finding.row) == ("error", "reformatted", tab, 2)
    assert (finding.column, finding.found) == (header, typed)
    assert f"{kind}, but holds the number" in finding.message
    assert plan.books.rejected == 1


def test_a_new_row_is_looked_at_as_well(at):
    sheet = at.person().worksheet("Products")
    row = len(sheet.col_values(2)) + 1
    sheet.update([["rain-hat", "Rain Hat"]], f"B{row}:C{row}")
    variants = at.person().worksheet("Variants")
    row = len(variants.col_values(1)) + 1
    put(at, "Variants", row, "Product Handle", "rain-hat")
    put(at, "Variants", row, "Price", "5/6")
    plan = plan_export(at.systems)
    found = [(each.rule, each.tab, each.row) for each in plan.findings]
    assert found == [("reformatted", "Variants", row), ("variant_refused", "Products", 32)]
    assert plan.changes == ()


def test_money_however_it_is_shown_is_sent(at):
    sheet = at.person().worksheet("Variants")
    where = letter(column(sheet, "Price") - 1)
    patterns = ['"€" #,##0.00', "0", "#,##0.000", "0.00"]
    for row, (pattern, price) in enumerate(zip(patterns, [25_000, 7, 1.25, 45_123.5], strict=True), 2):
        sheet.update_cell(row, column(sheet, "Price"), price)
        sheet.format(f"{where}{row}", {"numberFormat": {"type": "CURRENCY", "pattern": pattern}})
    plan = plan_export(at.systems)
    assert not plan.findings
    assert [change.fields[0].after for change in plan.changes] == ["25000.00", "7.00", "1.25", "45123.50"]


def test_a_price_takes_no_call_more_and_many_suspicious_ones_take_one(at):
    sheet = at.person().worksheet("Variants")
    where = letter(column(sheet, "Price") - 1)
    sheet.update([[77.5]], f"{where}2")
    _, plain = planned(at)
    size = len(sheet.col_values(1))
    sheet.update([[1.5] if row % 2 else [30_000] for row in range(size - 1)], f"{where}2:{where}{size}")
    plan, looked = planned(at)
    assert len(plan.changes) == size - 1
    assert not plan.findings
    assert looked == plain + 1


@given(st.floats(0, 10**6).map(lambda number: round(number, 4)), st.integers(0, 6))
def test_a_number_shown_with_any_decimals_is_spelt(number, places):
    assert reformatting.spells(f"€ {number:,.{places}f}", number)


@pytest.mark.parametrize(
    ("shown", "number"), [("2026-01-02", 46024), ("50%", 0.5), ("100%", 1), ("12:30", 0.5208333333333334), ("", 46024)]
)
def test_what_does_not_spell_the_number(shown, number):
    assert not reformatting.spells(shown, number)

"""The quick way of reading a column's cells says exactly what the plain way says."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sheets_catalog.records import BadValueError, Kind, Reading, read_cell
from sheets_catalog.records.values import decimal_text, money, reader

READING = Reading(choices=("ACTIVE", "DRAFT"), limit=20)
cells = st.one_of(
    st.none(),
    st.text(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["#REF!", "#1", "Loading...", "Lo"]),
)
EVERYDAY = st.one_of(st.floats(0, 1e12), st.integers(0, 10**12).map(lambda cents: cents / 100))


def told(read):
    """A value, or the words of the refusal."""
    try:
        return read()
    except BadValueError as error:
        return (str(error.found), error.expected, error.advice)


@given(st.sampled_from(list(Kind)), st.lists(cells, max_size=6))
@example(Kind.TEXT, [True, 1, 1.0, "1"])
@example(Kind.MONEY, [1, True, 1.0, "1", 0.0, -0.0])
@example(Kind.BOOLEAN, [1, True, 1.0, 0, False])
def test_a_reader_says_what_read_cell_says_in_any_order(kind, column):
    read = reader(kind, READING)
    for cell in [*column, *reversed(column)]:
        assert told(lambda cell=cell: read(cell)) == told(lambda cell=cell: read_cell(kind, cell, READING))


@given(EVERYDAY, st.sampled_from([0, 2, 3]))
@example(758107128509536.1, 2)
@example(0.125, 2)
@example(-0.0, 2)
def test_money_is_what_decimal_arithmetic_says(amount, digits):
    exact = Decimal(repr(amount))
    rounded = money(exact, digits)
    expected = rounded if abs(Decimal(rounded) - exact) <= Decimal("1e-9") else None
    found = told(lambda: read_cell(Kind.MONEY, amount, Reading(money_digits=digits)))
    assert found == expected if expected else isinstance(found, tuple)


@given(st.one_of(st.floats(-1e12, 1e12), st.integers(-(10**12), 10**12).map(lambda number: number / 1000)))
@example(1e-10)
@example(-0.0)
@example(0.1234567891)
def test_decimals_are_what_decimal_arithmetic_says(number):
    exact = decimal_text(Decimal(repr(number)).quantize(Decimal("1e-9"), rounding="ROUND_HALF_UP"))
    assert read_cell(Kind.DECIMAL, number) == exact


@pytest.mark.parametrize("kind", [Kind.MONEY, Kind.DECIMAL, Kind.INTEGER])
@pytest.mark.parametrize("cell", [2**53, float(2**53), str(2**53), -(2**60)])
def test_numbers_that_a_sheet_cannot_hold_are_refused(kind, cell):
    with pytest.raises(BadValueError):
        read_cell(kind, cell)


def test_a_text_that_is_too_long_is_refused_with_its_length():
    with pytest.raises(BadValueError, match="at most 3 characters") as caught:
        reader(Kind.TEXT, Reading(limit=3))("four")
    assert caught.value.found == "four… (4 characters)"

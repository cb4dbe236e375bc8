"""Values survive the way from a cell to the shop and back, and what could mean two things is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.records import BadValueError, Kind, Reading, read_cell, write_cell
from sheets_catalog.records.values import decimal_text, money, tags_text

SURVIVORS = [
    "00123",
    "1E5",
    "3-4",
    "812345678901234567",
    "=SUM(A1)",
    "  spaces  ",
    "👕 Größe",
    "قميص",
    "<b>bold</b>",
    "'quoted",
    "+1",
    "@x",
    "1,5",
]


@pytest.mark.parametrize("text", SURVIVORS)
def test_text_comes_back_as_it_was(text):
    assert read_cell(Kind.TEXT, write_cell(Kind.TEXT, read_cell(Kind.TEXT, text))) == text


@pytest.mark.parametrize("blank", [None, ""])
@pytest.mark.parametrize("kind", list(Kind))
def test_blank_is_nothing_for_every_kind(kind, blank):
    assert read_cell(kind, blank, Reading(choices=("A",))) is None


@pytest.mark.parametrize(
    ("kind", "cell", "expected"),
    [
        (Kind.MONEY, 19.9, "19.90"),
        (Kind.MONEY, 20, "20.00"),
        (Kind.MONEY, "19.90", "19.90"),
        (Kind.MONEY, 0.1 + 0.2, "0.30"),
        (Kind.MONEY, 1998.9999999999998, "1999.00"),
        (Kind.INTEGER, 5.0, "5"),
        (Kind.INTEGER, "-3", "-3"),
        (Kind.DECIMAL, 0.5, "0.5"),
        (Kind.DECIMAL, "2.500", "2.5"),
        (Kind.TEXT, 123, "123"),
        (Kind.TEXT, 12.5, "12.5"),
        (Kind.TEXT, True, "TRUE"),
        (Kind.ID, 8000000000001, "8000000000001"),
        (Kind.ID, "gid://shopify/Product/12", "12"),
        (Kind.ID, "gid://shopify/InventoryLevel/5?inventory_item_id=9", "5"),
        (Kind.TAGS, "b, a ,a,, B", "a, b"),
        (Kind.CHOICE, "active", "ACTIVE"),
        (Kind.BOOLEAN, True, "true"),
        (Kind.BOOLEAN, "Yes", "true"),
        (Kind.BOOLEAN, "nein", "false"),
        (Kind.BOOLEAN, 1, "true"),
        (Kind.BOOLEAN, 0.0, "false"),
    ],
)
def test_what_people_type_is_understood(kind, cell, expected):
    assert read_cell(kind, cell, Reading(choices=("ACTIVE", "DRAFT"))) == expected


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (Kind.MONEY, "19,90"),
        (Kind.MONEY, "$19.90"),
        (Kind.MONEY, "1,299.00"),
        (Kind.MONEY, 19.999),
        (Kind.MONEY, -1),
        (Kind.MONEY, float("inf")),
        (Kind.MONEY, True),
        (Kind.INTEGER, 1.5),
        (Kind.INTEGER, "five"),
        (Kind.DECIMAL, "1.2.3"),
        (Kind.DECIMAL, float("inf")),
        (Kind.DECIMAL, float("nan")),
        (Kind.INTEGER, 10**400),
        (Kind.TEXT, 812345678901234567),
        (Kind.TEXT, 1e20),
        (Kind.TEXT, "#REF!"),
        (Kind.ID, "abc"),
        (Kind.ID, "٣"),
        (Kind.BOOLEAN, "maybe"),
        (Kind.CHOICE, "gone"),
    ],
)
def test_what_could_mean_two_things_is_refused_with_advice(kind, cell):
    with pytest.raises(BadValueError) as caught:
        read_cell(kind, cell, Reading(choices=("ACTIVE",)))
    assert caught.value.advice
    assert caught.value.expected


def test_money_has_the_decimals_of_the_shops_currency():
    assert read_cell(Kind.MONEY, 500, Reading(money_digits=0)) == "500"
    assert read_cell(Kind.MONEY, "1.234", Reading(money_digits=3)) == "1.234"
    with pytest.raises(BadValueError):
        read_cell(Kind.MONEY, 500.5, Reading(money_digits=0))


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_money_in_a_number_cell_is_exact(amount):
    assert read_cell(Kind.MONEY, float(amount)) == money(amount, 2)


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_money_written_and_read_again_is_the_same(amount):
    text = money(amount, 2)
    assert read_cell(Kind.MONEY, float(write_cell(Kind.MONEY, text))) == text


@given(
    st.lists(
        st.text(
            st.characters(blacklist_characters=",", blacklist_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1
        )
    )
)
def test_tags_do_not_depend_on_order_and_are_stable(tags):
    text = tags_text(tags)
    assert tags_text(list(reversed(tags))) is not None or not tags
    assert read_cell(Kind.TAGS, text) == text


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_whole_numbers_in_text_columns_keep_every_digit(number):
    assert read_cell(Kind.TEXT, number) == str(number)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=4))
def test_decimal_text_is_canonical(number):
    text = decimal_text(number)
    assert Decimal(text) == number
    assert decimal_text(Decimal(text)) == text
    assert "E" not in text


@given(st.sampled_from(list(Kind)), st.one_of(st.none(), st.text(), st.booleans(), st.integers(), st.floats()))
def test_reading_is_total_and_canonical(kind, cell):
    reading = Reading(choices=("ACTIVE", "DRAFT"))
    try:
        value = read_cell(kind, cell, reading)
    except BadValueError:
        return
    assert value is None or (isinstance(value, str) and value)
    if value is not None:
        written = write_cell(kind, value)
        again = float(written) if isinstance(written, Decimal) else written
        assert read_cell(kind, again, reading) == value

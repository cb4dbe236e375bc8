"""What typing means, what a stored value looks like, and that both fit together."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheets_catalog.sandbox.sheets.entry import raw, typed
from sheets_catalog.sandbox.sheets.locales import locale_of
from sheets_catalog.sandbox.sheets.numberformat import general, shown

US, DE, GB, FR = (locale_of(code) for code in ("en_US", "de_DE", "en_GB", "fr"))
TODAY = date(2026, 11, 22)


def looks(text, locale=US):
    entered = typed(text, locale, TODAY)
    return shown(entered.value, entered.number_format, locale)


@pytest.mark.parametrize(
    ("text", "value", "shown_as"),
    [
        ("12", 12, "12"), (" 42 ", 42, "42"), ("-5", -5, "-5"), ("(5)", -5, "-5"), ("0042", 42, "42"),
        ("1.5", 1.5, "1.5"), (".5", 0.5, "0.5"), ("1E5", 100000, "1.00E+05"), ("12%", 0.12, "12%"), ("12.5%", 0.125, "12.50%"),
        ("2,000,000.01", 2000000.01, "2,000,000.01"), ("1,234", 1234, "1,234"), ("$5", 5, "$5"), ("$1,234.50", 1234.5, "$1,234.50"),
        ("€ 9.99", 9.99, "€9.99"), ("true", True, "TRUE"), ("FALSE", False, "FALSE"),
        ("2020-01-01", 43831, "2020-01-01"), ("1/2/2026", 46024, "1/2/2026"), ("3-4", 46085, "3-4"), ("3/4", 46085, "3/4"),
        ("Jan 2, 2020", 43832, "Jan 2, 2020"), ("2 Jan 2020", 43832, "2 Jan 2020"), ("10:30 PM", 0.9375, "10:30 PM"),
        ("13:05:07", 47107 / 86400, "13:05:07"), ("2020-01-01 10:30", 43831.4375, "2020-01-01 10:30"), ("30:15", 1.2604166666666667, "30:15"),
    ],
)  # fmt: skip
def test_typed_values_are_parsed_and_shown_as_typed(text, value, shown_as):
    assert typed(text, US, TODAY).value == pytest.approx(value)
    assert looks(text) == shown_as


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "12 apples",
        "1,23,4",
        "1.2.3",
        "2020-13-45",
        "00:61",
        "13:00 PM",
        "#5",
        "12%%",
        "1e",
        "a@b.c",
        "  lead",
        "²",
        "٣",
    ],
)
def test_everything_else_stays_text(text):
    assert typed(text, US, TODAY).value == text


@pytest.mark.parametrize(("text", "formula"), [("=A1", "=A1"), ("+1 555", "=+1 555"), ("- foo", "=- foo")])
def test_what_begins_like_a_formula_is_one(text, formula):
    assert typed(text, US, TODAY).formula == formula


def test_apostrophe_and_text_format_keep_text():
    assert typed("'007", US, TODAY).value == "007"
    assert typed("'=1+1", US, TODAY).value == "=1+1"
    assert typed("007", US, TODAY, as_text=True).value == "007"
    assert typed("=", US, TODAY).value == "="


def test_locales_read_numbers_and_dates_their_own_way():
    assert typed("1.234,50", DE, TODAY).value == 1234.5
    assert looks("1.234,50 €", DE) == "1.234,50 €"
    assert typed("1,5", DE, TODAY).value == 1.5
    assert typed("1,5", US, TODAY).value == "1,5"
    assert typed("31.12.2026", DE, TODAY).value == 46387
    assert typed("31/12/2026", GB, TODAY).value == 46387
    assert typed("31/12/2026", US, TODAY).value == "31/12/2026"
    assert FR.code == "fr_FR"
    assert locale_of("xx_YY").code == "en_US"


def test_numbers_are_doubles():
    assert raw(123456789012345678) == 123456789012345680
    assert typed("123456789012345678", US, TODAY).value == 123456789012345680
    assert raw(1.0) == 1
    assert isinstance(raw(1.0), int)
    assert raw("") is None


@pytest.mark.parametrize(
    ("value", "pattern", "text"),
    [
        (1234.5, '"$"#,##0.00', "$1,234.50"), (-1234.5, '"$"#,##0.00', "-$1,234.50"), (0.125, "0.0%", "12.5%"), (5, "0.##", "5."),
        (-5, "0;(0);zero", "(5)"), (0, '0;(0);"zero"', "zero"), (1234567, '0.0,,"M"', "1.2M"), (2.345, "0.00", "2.35"),
        (150, '[>100]"big";0', "big"), (43831.5, "dddd, mmmm d", "Wednesday, January 1"), (1.5, "[h]:mm", "36:00"),
        (43831.75, "hh:mm a/p", "06:00 P"), (0.5, "ss.000", "00.000"), (12, "00000", "00012"), (-0.001, "0.00", "0.00"),
        (1234.5, "0.00E+00", "1.23E+03"), (7, "@", "7"), (7, '"n: "0', "n: 7"),
    ],
)  # fmt: skip
def test_patterns(value, pattern, text):
    text = text.removesuffix(".")
    assert shown(value, {"type": "NUMBER", "pattern": pattern}, US) == text


def test_numbers_without_a_format():
    assert [general(value, US) for value in (1 / 3, 100 / 3, 1 / 1024, 42, -0.5, 1e15, 1e-10, 12345678901.5)] == [
        "0.3333333333", "33.33333333", "0.0009765625", "42", "-0.5", "1E+15", "1E-10", "12345678902",
    ]  # fmt: skip
    assert general(1.5, DE) == "1,5"


@given(st.integers(-(10**14), 10**14))
def test_whole_numbers_are_shown_as_they_can_be_typed_again(number):
    assert typed(general(number, US), US, TODAY).value == number


@given(st.text(max_size=20))
def test_typing_never_fails_and_raw_text_is_kept(text):
    typed(text, US, TODAY)
    typed(text, DE, TODAY)
    assert raw(text) == (text or None)

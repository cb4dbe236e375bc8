"""People's data on a terminal."""

from __future__ import annotations

import pytest
from cli_world import printed
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sheets_catalog.cli.text import both, count, duration, isolated, shortened, shown, visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("two\nlines\ttab\r", "two⏎lines⇥tab␍"),
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("\x9b31m", "\\x9b31m"),
        (" a b ", "·a b·"),
        ("   ", "···"),
        ("admin\u202egnp.exe", "admin\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("no\u00a0break", "no⍽break"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_nobody_sees_is_made_visible(text, seen):
    assert visible(text) == seen


@given(st.text())
def test_nothing_in_a_text_reaches_the_terminal_as_a_command(text):
    seen = visible(text)
    assert not any(char < " " or "\x7f" <= char <= "\x9f" or char in "\u2028\u2029\u202a\u202e" for char in seen)
    assert len(seen.splitlines()) <= 1


@given(st.text(), st.text())
def test_texts_that_differ_in_characters_look_different(one, other):
    if one != other and not set("·⏎⇥␛␍␡⍽\\") & set(one + other) and not any("␀" <= char <= "␡" for char in one + other):
        assert visible(one) != visible(other)


@given(st.text(), st.integers(1, 40))
def test_a_shortened_text_fits(text, cells):
    assert cell_len(shortened(visible(text), cells)) <= cells


def test_wide_characters_are_counted_as_the_terminal_does():
    assert shortened("東京マグカップ", 7) == "東京マ…"


def test_right_to_left_text_is_kept_to_itself():
    assert isolated("قميص") == "\u2068قميص\u2069"
    assert isolated("shirt") == "shirt"


def test_data_is_never_markup():
    assert printed(shown("[bold red]BUY[/] :smile: [link=http://x]y[/link]")) == (
        "[bold red]BUY[/] :smile: [link=http://x]y[/link]"
    )


def test_nothing_says_so():
    assert printed(shown(None)) == printed(shown("")) == "(blank)"


def test_of_long_texts_the_difference_is_shown():
    before, after = both("x" * 200 + "old end", "x" * 200 + "new end", 30)
    assert (before.plain, after.plain) == ("…" + "x" * 10 + "old end", "…" + "x" * 10 + "new end")


def test_short_texts_are_shown_whole():
    before, after = both("12.00", "12.50", 30)
    assert (before.plain, after.plain) == ("12.00", "12.50")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_durations_are_said_as_people_say_them(seconds, words):
    assert duration(seconds) == words


def test_counts_have_their_plural():
    assert [count(number, "try", "tries") for number in (0, 1, 1250)] == ["0 tries", "1 try", "1,250 tries"]

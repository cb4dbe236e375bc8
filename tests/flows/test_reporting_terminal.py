"""The report in the terminal, and the words that it shares with the page."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console

from sheets_catalog.books import Books
from sheets_catalog.flows.reporting import as_terminal, words
from sheets_catalog.flows.reporting.differences import MOST, SHORT, difference, shown
from sheets_catalog.flows.reporting.terminal import bar_widths
from tests.flows.sample_reports import entry, rejected, report


def printed(shown_report, width=100, **options) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)
    console.print(as_terminal(shown_report, **options))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("count", [0, 1, 20])
def test_it_prints_at_any_width(count, width):
    """Nothing runs over the edge, and the sum of the books is there."""
    text = printed(report(count, waiting=count // 10, pending=count // 4), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "planned =" in text.replace("\n", " ")


def test_it_says_what_waits_and_what_to_do():
    """Reasons and advice of every record that needs a person, conflicts with their three sides."""
    text = " ".join(printed(report(20, waiting=3, conflicts=2), 160).split())
    assert "Needs attention (3)" in text
    assert text.count("→ Type an amount of 0 or more in Variants!K17") == 3
    assert "Price: was 19.99, sheet 24.99, shop 21.00" in text
    assert "Conflicts (2)" in text


def test_what_people_type_is_never_markup():
    """Square brackets of a title are letters, not colours."""
    record = rejected(1)
    base = report(1)
    text = printed(
        replace(
            base,
            session=replace(base.session, title="[bold]Sale[/bold] [link=x]"),
            records=(replace(record, label="[red]x[/red]", reason="[/]"),),
        )
    )
    assert "[bold]Sale[/bold] [link=x]" in text
    assert "[red]x[/red]" in text


def test_the_rest_is_counted():
    """Twenty records, five shown, fifteen announced."""
    assert "and 15 more" in printed(report(20), shown=5)


@given(st.lists(st.integers(0, 10**6), min_size=5, max_size=5), st.integers(10, 120))
def test_the_bar_is_as_wide_as_it_should_be_and_shows_all_parts(counts, width):
    """Every part that is not empty has a column, empty ones have none, and the whole is the width."""
    assume(sum(counts) > 0)
    widths = bar_widths(counts, width)
    assert sum(widths) == width
    assert [each > 0 for each in widths] == [each > 0 for each in counts]


def test_an_empty_bar_is_empty():
    """Nothing planned, nothing drawn."""
    assert bar_widths([0, 0, 0, 0, 0], 60) == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0123, "12 ms"),
        (1, "1.0 s"),
        (59.96, "60.0 s"),
        (61, "1 min 1 s"),
        (3599.6, "1 h 0 min"),
        (3723, "1 h 2 min"),
        (None, "still running"),
    ],
)
def test_durations_have_at_most_two_units(seconds, text):
    """From milliseconds to hours."""
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("part", "text"), [(0, "0 %"), (1, "100 %"), (0.00001, "< 0.1 %"), (0.99999, "> 99.9 %"), (0.224, "22.4 %")]
)
def test_a_share_never_rounds_something_to_nothing(part, text):
    """One rejected record of 18,000 is not 0 %."""
    assert words.share(part) == text


@pytest.mark.parametrize(
    ("name", "table", "word"),
    [
        ("compare_at_price", "variants", "Compare At Price"),
        ("metafields.custom.material", "products", "custom.material"),
        ("some_new_field", "tasks", "Some new field"),
        ("sku", "elsewhere", "SKU"),
    ],
)
def test_fields_are_called_by_their_columns(name, table, word):
    """The header that people know, where there is one."""
    assert words.field_word(table, name) == word


@pytest.mark.parametrize(
    ("books", "said", "tone"),
    [
        (Books(), "Nothing had to be written.", "done"),
        (Books(3, unchanged=3), "Nothing had to be written.", "done"),
        (Books(3, done=3), "3 records written and proven.", "done"),
        (
            Books(3, done=1, rejected=1, pending=1),
            "1 record written and proven, 1 waits for you, 1 still to do.",
            "conflicted",
        ),
        (Books(2, conflicted=2), "Nothing was written, 2 wait for you.", "conflicted"),
        (Books(2, pending=2), "Nothing was written, 2 still to do.", "pending"),
        (Books(2, done=1), "The books do not balance: this run has failed, whatever else it says.", "rejected"),
    ],
)
def test_the_verdict_follows_from_the_books(books, said, tone):
    """One sentence, and the colour that goes with it."""
    base = report(0)
    assert words.verdict(replace(base, session=replace(base.session, books=books))) == (said, tone)


@pytest.mark.parametrize(
    ("books", "said", "tone"),
    [
        (Books(2, pending=2), "Cancelled before anything was written. 2 changes will not be sent.", "unchanged"),
        (
            Books(4, done=1, rejected=2, pending=1),
            "Cancelled after 1 record had been written and proven. 1 change will not be sent. 2 wait for you.",
            "conflicted",
        ),
        (
            Books(1, done=1),
            "Cancelled after 1 record had been written and proven. It left nothing undone.",
            "unchanged",
        ),
    ],
)
def test_a_cancelled_job_says_how_far_it_came(books, said, tone):
    """What is pending then is not “still to do”: nobody will."""
    base = report(0)
    assert words.verdict(replace(base, session=replace(base.session, status="cancelled", books=books))) == (said, tone)


def test_speed_counts_what_was_done_not_what_was_only_compared():
    """A thousand unchanged records do not make a run fast."""
    slow = report(10, unchanged=1000)
    assert words.throughput(slow) == slow.session.books.done / slow.session.seconds


short_or_long = st.text(max_size=400) | st.builds(
    lambda start, middle, end: start * 150 + middle + end * 150,
    st.sampled_from(("a ", "bc", "␣")),
    st.text(max_size=80),
    st.sampled_from((" x", "yz")),
)


@given(st.none() | short_or_long, st.none() | short_or_long)
def test_what_differs_is_shown(old, new):
    """Two values that differ look different, unless what differs is longer than can be shown; cuts are counted."""
    one, other = difference(old, new)
    if old == new:
        assert one == other
    elif max(len(old or ""), len(new or "")) < MOST // 2:
        assert (one.text, one.cut) != (other.text, other.cut)
    for value, seen in ((old, one), (new, other)):
        assert seen.cut >= 0
        if value and len(value) <= SHORT:
            assert seen.cut == 0


def test_blanks_at_the_ends_can_be_seen():
    """A trailing space is the classic invisible change."""
    assert difference("Shirt", "Shirt ")[1].text == "Shirt␣"
    assert shown("\tA\n").text == "⇥A↵\n"
    assert (shown(None).nothing, shown("").nothing, shown("  ").text) == ("nothing", "empty text", "␣␣")


def test_a_long_text_is_cut_to_the_words_around_its_difference():
    """Of 480 characters one word differs: that word is marked and its surroundings are whole words."""
    start, end = "The quick brown fox jumps over the lazy dog. " * 10, " And that was that, " * 10
    old, new = difference(start + "Today" + end, start + "Yesterday" + end)
    assert (old.middle, new.middle) == ("To", "Yester")
    assert old.before == new.before == "…brown fox jumps over the lazy dog. "
    assert old.after.startswith("day And that was that")
    assert old.after.endswith("…")
    assert old.cut == len(start + "Today" + end) - len(old.before + old.middle + old.after) + 2


def test_records_without_changes_show_in_the_table():
    """A delete has no fields, and is still there."""
    assert "delete" in printed(replace(report(1), records=(entry(1, action="delete", changes=()),)))

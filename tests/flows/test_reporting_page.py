"""The HTML report: whole, well-formed, safe against everything people type, and useful without a network or a script."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise

import html5lib
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sheets_catalog.books import Books
from sheets_catalog.database import FieldChange, Report
from sheets_catalog.flows.reporting import as_html
from tests.flows.sample_reports import NOON, conflicted, entry, error, rejected, report

PAYLOADS = (
    "<script>alert(1)</script>",
    "</title></style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "]]><svg/onload=alert(1)>",
    "<!-- ",
    "&lt;b&gt;&amp;amp;",
    "\u202eevil\u202c",
    "</script><script>",
)


class Structure(HTMLParser):
    """Tags, attribute names, and the texts between them; where a long name may be broken it stays one text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.pieces: list[str] = []
        self.broken = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.broken = tag == "wbr" and not attrs
        if self.broken:
            return
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.attributes.extend((tag, name, value or "") for name, value in attrs)

    def handle_data(self, data):
        self.text += data
        if self.broken:
            self.pieces[-1] += data
        else:
            self.pieces.append(data)
        self.broken = False


def text_of(html: str) -> str:
    body = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r" (?=[.,)])", "", " ".join(" ".join(Structure(body).pieces).split()))


def with_everywhere(text: str) -> Report:
    """A report with `text` in every place that people or services fill."""
    change = (FieldChange(text, text, text + text, base=text), FieldChange("price", None, text))
    words = {"label": text, "reason": text, "advice": text, "record_key": text, "changes": change, "table": "variants"}
    base = report(3)
    records = (replace(rejected(1), **words), replace(conflicted(2), **words), replace(entry(3), **words))
    mistake = replace(error(1), message=text, advice=text, record_key=text, operation=text, type=text, category=text)
    session = replace(
        base.session,
        title=text,
        spreadsheet_title=text,
        spreadsheet_id=text,
        shop=text,
        actor=text,
        message=text,
        advice=text,
        plan_digest=text,
        session_id=text,
        flow="export",
    )
    return replace(base, session=session, records=records, errors=(mistake,), figures={f"figure {text}": 1.0})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_people_type_becomes_markup(payload):
    """The page has exactly the tags and attributes that it has with harmless text, and the payload can be read."""
    plain, attacked = Structure(as_html(with_everywhere("plain"))), Structure(as_html(with_everywhere(payload)))
    assert attacked.tags == plain.tags
    assert payload in attacked.text


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_any_text_keeps_the_structure(text):
    """The same, for whatever Hypothesis can think of; but what could be the id of a sheet may become a link."""
    assume(not re.fullmatch(r"[A-Za-z0-9_-]{10,}", text))
    plain, odd = Structure(as_html(with_everywhere("plain"))), Structure(as_html(with_everywhere(text)))
    assert odd.tags == plain.tags


@pytest.mark.parametrize(
    "shown",
    [
        report(0),
        report(1),
        report(20, waiting=3, conflicts=2, pending=7),
        report(60, waiting=40),
        report(300, unchanged=5),
        replace(report(5), session=replace(report(5).session, finished_at=None, status="running")),
        replace(report(2), phases=(), batches=(), figures={}),
    ],
    ids=["none", "one", "twenty", "many waiting", "many batches", "running", "no figures"],
)
def test_the_page_is_well_formed(shown):
    """html5lib, which reads as browsers do, finds no error; every id is unique and every reference has its target."""
    html = as_html(shown)
    parser = html5lib.HTMLParser()
    parser.parse(html)
    assert [each for each in parser.errors if each[1] != "invalid-codepoint"] == []
    structure = Structure(html)
    ids = [value for _, name, value in structure.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = [value[1:] for _, name, value in structure.attributes if name == "href" and value.startswith("#")]
    wanted += [value for _, name, value in structure.attributes if name == "aria-labelledby"]
    assert set(wanted) <= set(ids)
    headings = [int(tag[1]) for tag, _ in structure.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_the_page_needs_nothing_from_outside():
    """No script, style, picture or font is loaded; the only address is the sheet's own."""
    structure = Structure(as_html(report(20, waiting=2)))
    assert not [each for each in structure.attributes if each[1] in {"src", "srcset", "action", "background", "poster"}]
    assert {tag for tag, _ in structure.tags}.isdisjoint({"link", "iframe", "object", "embed", "img", "base"})
    links = {value for _, name, value in structure.attributes if name == "href" and not value.startswith("#")}
    assert links == {"https://docs.google.com/spreadsheets/d/1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg/edit"}
    assert "url(" not in as_html(report(1))
    assert "@import" not in as_html(report(1))


def test_only_the_script_of_the_page_may_run():
    """The policy names the hash of exactly the script that is there."""
    html = as_html(report(1))
    script = html.split("<script>", 1)[1].split("</script>", 1)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in html or f"script-src 'sha256-{digest}'" in html
    assert html.count("<script") == 1


def test_without_a_script_there_are_no_dead_controls():
    """The filter is hidden until the script shows it; every record is in the page as it is."""
    html = as_html(report(20))
    form = next(each for each in re.findall(r"<form[^>]*>", html) if 'id="filter"' in each)
    assert "hidden" in form
    assert len(re.findall(r'<tr role="row" data-status=|<tr role="row" class="unwritten"', html)) == 20


def test_books_are_on_the_page_as_a_bar_and_as_a_sum():
    """Each part has its count, the bar only the parts that are not empty, and the sum can be checked."""
    html = as_html(report(20, waiting=3, conflicts=2, pending=7, unchanged=40))
    assert (
        "67 planned = 15 done + 40 unchanged + 3 rejected + 2 in conflict + 7 pending. The books balance."
        in text_of(html)
    )
    bar = html.split('<div class="bar"', 1)[1].split("</div>", 1)[0]
    assert re.findall(r"fill-(\w+)\" style=\"flex-grow:(\d+)", bar) == [
        ("done", "15"),
        ("unchanged", "40"),
        ("rejected", "3"),
        ("conflicted", "2"),
        ("pending", "7"),
    ]


def test_books_that_do_not_balance_are_said_before_anything_else():
    """A finished job whose books do not balance has failed, and the page says so."""
    broken = report(5)
    broken = replace(broken, session=replace(broken.session, books=Books(planned=9, done=5), message="All is well."))
    text = text_of(as_html(broken))
    assert "The books do not balance: this run has failed" in text
    assert "The books do not balance." in text
    assert text.index("The books do not balance: this run has failed") < text.index("All is well.")


def test_everything_the_audit_knows_is_on_the_page():
    """Sheet, shop, actor, times, figures, phases, reasons, advice, conflicts with three sides, errors, plan."""
    shown = report(60, waiting=2, conflicts=1)
    text = text_of(as_html(shown))
    for expected in (
        "Export of Autumn catalogue to demo-shop",
        "demo-shop.myshopify.com",
        "owner@example.com",
        "2026-11-22 12:00:00 UTC",
        "resumed 2 times",
        "API calls",
        "Records done/s",
        "Retries",
        "Waited 3.4 s",
        "Fetch",
        "Verify",
        "Price must be greater than or equal to 0 (found '-3')",
        "Type an amount of 0 or more in Variants!K17",
        "Before both edits",
        "Linen shirt (shop)",
        "Shopify answered 503.",
        "Waited 1.4 s and sent it again",
        "plan 9f2c41d07be3",
        "2 groups of 10 to 50 records",
    ):
        assert expected in text, expected


def test_before_and_after_stand_beside_each_other():
    """Every changed field is named by its column, with both values marked as removed and inserted."""
    html = as_html(
        replace(report(1), records=(entry(1, changes=(FieldChange("compare_at_price", "10.00", "12.50"),)),))
    )
    assert "Compare At Price</span>" in html
    assert re.search(r"<del[^>]*>10\.00</del>.*?<ins[^>]*>12\.50</ins>", html, re.DOTALL)


def test_the_value_that_lost_a_settled_conflict_is_shown():
    """An overruled edit is not lost: it stands in the report."""
    change = FieldChange("price", "21.00", "24.99", base="19.50")
    html = as_html(replace(report(1), records=(entry(1, changes=(change,)),)))
    assert "overruled: 19.50" in text_of(html)
    assert "overruled" not in text_of(as_html(replace(report(1), records=(conflicted(1),))))


def test_calls_are_counted_by_operation():
    """A table of its own, the most frequent first, and not among the figures."""
    base = report(1)
    figures = {"calls": 12.0, "calls_sheets.values.get": 3.0, "calls_shopify.nodes": 9.0}
    text = text_of(as_html(replace(base, figures=figures)))
    assert "Operation Share Calls shopify.nodes 9 sheets.values.get 3" in text
    assert "Calls sheets" not in text


def test_long_names_of_operations_break_between_their_words():
    page = as_html(replace(report(1), figures={"calls_sheets.values.batchUpdate+<b>": 3.0}))
    assert ">sheets.<wbr>values.<wbr>batchUpdate+<wbr>&lt;b&gt;</th>" in page


def test_a_record_that_was_not_written_does_not_look_written():
    """Rejected records keep their values, and say that they were not sent."""
    html = as_html(replace(report(1), records=(rejected(1),)))
    assert "update, not written" in text_of(html)
    assert 'class="unwritten"' in html


def test_what_is_left_out_is_said():
    """5 of 20 records shown: the page says so and where the rest is."""
    text = text_of(as_html(report(20), shown=5))
    assert "The first 5 of 20 are shown" in text
    assert "The CSV has all of them." in text


def test_many_waiting_records_are_all_there_behind_a_door():
    """Thirty stand open, the others behind a disclosure that needs no script."""
    html = as_html(report(50, waiting=45))
    assert html.count("Shopify refused the price") == 45
    assert "15 more records" in text_of(html)


def test_values_that_were_masked_or_cut_are_marked():
    """Nobody may take a masked value for the real one."""
    change = FieldChange("title", "***", "new", intact=False)
    assert "shortened or masked for the record" in text_of(
        as_html(replace(report(1), records=(entry(1, changes=(change,)),)))
    )


def test_a_foreign_spreadsheet_id_makes_no_link():
    """Only what looks like one of Google's ids becomes part of an address."""
    base = report(1)
    html = as_html(replace(base, session=replace(base.session, spreadsheet_id="javascript:alert(1)")))
    assert 'href="https://docs' not in html
    assert "Autumn catalogue" in html


def test_five_thousand_records_make_a_page_that_can_be_sent_around():
    """Below 5 MB, and none is missing."""
    html = as_html(report(5000, unchanged=13_000))
    assert len(html.encode()) < 5_000_000
    assert html.count('<tr role="row" data-status="done"') == 5000


def test_a_running_job_says_so():
    """No end, no duration, but everything that is known already."""
    base = report(5, pending=5)
    html = as_html(replace(base, session=replace(base.session, finished_at=None, status="running")))
    text = text_of(html)
    assert "still running" in text
    assert "5 still to do" in text


def test_a_job_over_midnight_shows_both_days():
    """The end shows its date when it is another day."""
    base = report(1)
    html = as_html(replace(base, session=replace(base.session, finished_at=NOON + timedelta(hours=13))))
    assert "ended 2026-11-23 01:00:00 UTC" in text_of(html)


def test_a_figure_never_breaks_in_its_tile():
    """“12 min 6 s” stands in one line; the tiles are wide enough for it."""
    css = re.search(r"<style>(.*?)</style>", as_html(report(1)), re.DOTALL)[1]
    (figure,) = re.findall(r"^\.figures dd \{(.*)\}", css, re.MULTILINE)
    (width,) = re.findall(r"^\.figures \{.*minmax\(([\d.]+)rem", css, re.MULTILINE)
    assert "white-space: nowrap" in figure
    assert float(width) >= 9

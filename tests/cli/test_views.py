"""What people see, at the widths they have."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from cli_world import printed
from rich.cells import cell_len

from sheets_catalog.books import Books
from sheets_catalog.changes.plan import Change, Conflict, Estimate, FieldChange, Finding, Plan
from sheets_catalog.cli.views import checks, jobs, parts, plans, runs
from sheets_catalog.flows.doctor import Check
from sheets_catalog.flows.job_files import ItemView, JobSummary, JobView
from sheets_catalog.flows.verification import Difference, Verification
from sheets_catalog.jobs.retry import Figures
from sheets_catalog.jobs.state import JobState, Result, Status

WIDTHS = [40, 60, 80, 140]
NASTY = "\u202e[red]x[/] 東京 قميص\x1b[2J 👩\u200d👩\u200d👧 " + "long " * 40
CHANGES = (
    Change("update", "products", "1", "1", "Linen shirt", 7, (FieldChange("title", "Linen", "Linen shirt"),)),
    Change(
        "create",
        "variants",
        "",
        "1",
        "linen · XL",
        9,
        (FieldChange("price", None, "59.90"), FieldChange("sku", None, "L")),
    ),
    Change("delete", "products", "2", "2", NASTY, 0),
    Change("update", "inventory", "3/4", "inventory", "LS @ Wien", 3, (FieldChange("available", "4", "11"),)),
    Change("update", "products", "5", "5", NASTY, 12, (FieldChange("vendor", NASTY, None, side="sheet", loser=NASTY),)),
)
PLAN = Plan(
    id="p",
    flow="export",
    created_at="2026-11-22T10:00:00+00:00",
    spreadsheet_id="s",
    spreadsheet_title="Catalogue",
    shop="demo.myshopify.com",
    tables=("products", "variants", "inventory"),
    policy="ask",
    actor="anna@example.com",
    changes=CHANGES,
    conflicts=(
        Conflict("products", "9", "Mug", 4, "title", None, NASTY, "theirs"),
        Conflict("products", "8", "Cup", 5, "tags", None, "mine", "theirs", base_known=False),
    ),
    findings=(
        Finding("warning", "renamed_column", NASTY, 1, NASTY, NASTY, NASTY, NASTY),
        Finding("note", "missing_rows", "Products", 0, "", "", "3 products are gone."),
        Finding("error", "bad_value", "Variants", 3, "Price", "1,5", "Expected an amount.", "Type 1.5."),
    ),
    agreements=(),
    settled=Books(planned=102, unchanged=100, conflicted=2),
    estimate=Estimate(writes=3, reads=1, google_calls=9, cost_points=42, seconds=75, basis="1.2 s a call"),
    baseline_generation=1,
)


def all_views(width):
    """Every view with data that is hard to show."""
    state = JobState.new(len(CHANGES), "d", PLAN.settled).settle(
        [(0, Result.DONE, ""), (1, Result.REJECTED, NASTY), (2, Result.CONFLICTED, "Changed meanwhile.")]
    )
    when = datetime(2026, 11, 22, 10, tzinfo=UTC)
    summary = JobSummary("J" * 33, "export", "Catalogue", "waiting", state.books, when, when, NASTY, when, 1)
    items = tuple(ItemView(number, change, state.result(number), "why", 2) for number, change in enumerate(CHANGES))
    difference = Difference("products", "1", NASTY, 7, "title", NASTY, None)
    found = Verification(5, 1, [difference], [], [difference], list(PLAN.findings))
    yield from plans.rendered(PLAN, width)
    yield from runs.job_result(PLAN, state, state.books, Figures({"shopify.x": 3}, {}, 1, 1, 0, 12.0))
    yield from runs.import_result(state.books, {"products": {"read": 3, "deleted_in_shop": 1}}, width)
    yield from jobs.listed([summary], width)
    yield from jobs.in_full(JobView(summary, PLAN, state, items), width)
    yield from checks.examined(
        [Check("Shop", ok=True, found=NASTY), Check("Folder", ok=False, found="x", advice=NASTY)]
    )
    yield from checks.verified(found)
    yield parts.facts({"Name": NASTY, "Nothing": ""})


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_terminal_and_nothing_commands_it(width):
    for view in all_views(width):
        text = printed(view, width=width)
        assert max(map(cell_len, text.splitlines()), default=0) <= width, text
        assert "\x1b" not in text
        assert "\u202e" not in text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_preview_shows_row_record_field_before_and_after_at_any_width(width):
    text = " ".join(printed(*plans.rendered(PLAN, width), width=width).split())
    for word in ("Linen", "Title", "59.90", "Available", "11", "Expected an amount.", "Type 1.5.", "deleted"):
        assert word in text
    assert "[red]" in text or width < 80


def test_the_books_are_shown_as_the_identity_they_are():
    books = Books(planned=6, done=1, unchanged=2, rejected=1, conflicted=1, pending=1)
    assert printed(parts.books_line(books), width=140) == (
        "Books: 6 planned = 1 done + 2 unchanged + 1 rejected + 1 conflicted + 1 pending"
    )
    assert "do not balance" in printed(parts.books_line(Books(planned=1)), width=140)


def test_an_empty_plan_says_so():
    import msgspec

    empty = msgspec.structs.replace(PLAN, changes=(), conflicts=(), findings=())
    text = printed(*plans.rendered(empty, 100), width=100)
    assert "Nothing to send: “Catalogue” has no changes" in text
    assert "Estimate" not in text


def test_a_plan_that_sends_nothing_says_what_waits_instead_of_agreement():
    import msgspec

    waiting = msgspec.structs.replace(PLAN, changes=(), findings=())
    text = " ".join(printed(*plans.rendered(waiting, 100), width=100).split())
    assert "but 2 fields in conflict." in text
    assert "no changes" not in text


def test_changes_come_before_new_records_and_errors_before_notes():
    text = printed(*plans.rendered(PLAN, 140), width=140)
    assert text.index("Expected an amount") < text.index("3 products are gone")
    assert "1 error, 1 warning, 1 note" in text


def test_what_does_not_fit_is_counted_and_said_how_to_see():
    import msgspec

    many = msgspec.structs.replace(PLAN, changes=CHANGES[:1] * 30)
    text = printed(*plans.rendered(many, 100, 10), width=100)
    assert text.count("Linen shirt") // 2 == 10
    assert "20 more records" in text
    assert "--all" in text
    assert "more records" not in printed(*plans.rendered(many, 100, None), width=100)


def test_base_values_that_nobody_knows_are_not_called_blank():
    text = printed(*plans.conflicts(PLAN.conflicts, 120, None), width=120)
    assert "(not known)" in text
    assert "(blank)" in text


@pytest.mark.parametrize("status", list(Status))
def test_every_ending_has_its_word(status):
    import msgspec

    state = msgspec.structs.replace(JobState.new(5, "d", Books()), status=status, note="Because.")
    assert "Because." in printed(runs.job_title(PLAN, state, state.books), width=140)


def test_the_id_of_a_job_is_never_broken():
    summary = JobSummary("J" * 33, "export", "Catalogue", "waiting", Books(), None, None)
    for width in (34, 45, 60, 80, 140):
        assert "J" * 33 in printed(*jobs.listed([summary], width), width=width)


@pytest.mark.parametrize("width", [40, 60, 80, 96, 140])
def test_the_values_of_a_conflict_are_whole_at_any_width(width):
    import msgspec

    values = {"base": "B" * 50, "sheet": "S" * 120, "shop": "Merino jumper (undyed), of a name that is rather long"}
    conflict = msgspec.structs.replace(PLAN.conflicts[0], base_known=True, **values)
    text = printed(*plans.conflicts([conflict], width, None), width=width)
    for letter, number in (("B", 50), ("S", 120)):
        assert text.count(letter) >= number
    assert "…" not in text
    assert max(map(cell_len, text.splitlines())) <= width


def test_long_values_of_a_conflict_are_shown_where_they_differ():
    import msgspec

    conflict = msgspec.structs.replace(PLAN.conflicts[0], sheet="x" * 900 + "sheet", shop="x" * 900 + "shop")
    text = "".join(printed(*plans.conflicts([conflict], 60, None), width=60).split())
    assert "xxsheet" in text
    assert "xxshop" in text


def test_a_list_of_jobs_says_what_to_do_by_flow_and_counts_no_task_twice():
    when = datetime(2026, 11, 22, 10, tzinfo=UTC)
    books = Books(planned=12, rejected=12)
    staged = [
        JobSummary(f"S{number}" * 10, "stage", "", "finished", books, when, when, "", None, 12) for number in "12"
    ]
    text = " ".join(printed(*jobs.listed(staged, 100), width=100).split())
    assert "`stage --retry BATCH`" in text
    assert "jobs retry" not in text
    assert "24" not in text
    export = JobSummary("E" * 20, "export", "", "finished", books, when, when, "", None, 12)
    text = " ".join(printed(*jobs.listed([*staged, export], 100), width=100).split())
    assert f"12 records set aside in {'E' * 20}" in text
    assert "`jobs retry`" in text


def test_records_that_somebody_changed_meanwhile_are_said_to_be_left_alone():
    reason = "Changed since the plan was made: title is now “A” in the shop, not “B”."
    state = JobState.new(len(CHANGES), "d", PLAN.settled).settle([(0, Result.CONFLICTED, reason)])
    text = " ".join(printed(*runs.attention(PLAN, state), width=100).split())
    assert "1 record was changed by a later export, or by somebody, since this was planned." in text
    assert "Nothing of theirs was overwritten." in text
    other = JobState.new(len(CHANGES), "d", PLAN.settled).settle([(0, Result.CONFLICTED, "Something else.")])
    assert "later export" not in printed(*runs.attention(PLAN, other), width=100)


def test_small_columns_get_what_they_need_and_large_ones_share_the_rest():
    assert plans.shares([5, 6, 7], 100) == [5, 6, 7]
    assert plans.shares([100, 6, 200], 46) == [20, 6, 20]
    assert min(plans.shares([50, 50, 50], 3)) == 8


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_of_an_import_breaks_no_word(width):
    names = ("new", "updated", "unchanged", "kept", "conflicted", "rejected", "deleted_in_shop")
    tables = {tab: {"read": 34_000, **dict.fromkeys(names, 0)} for tab in ("products", "variants", "inventory")}
    tables["variants"] |= {"updated": 12_000, "unchanged": 22_000, "conflicted": 7}
    text = printed(*runs.import_result(Books(102_000, 102_000), tables, width), width=width)
    for word in ("Inventory", "Updated", "Unchanged", "Conflicted", "34,000", "12,000", "22,000"):
        assert word in text
    assert ("Deleted in shop" in text) is (width >= 100)


def test_a_list_of_jobs_tells_at_80_columns_what_kind_each_is():
    when = datetime(2026, 11, 22, tzinfo=UTC)
    books = Books(3, 3)
    found = [JobSummary("J" * 33, flow, "", "attention", books, when, when) for flow in ("export", "stage", "deliver")]
    text = printed(*jobs.listed(found, 80), width=80)
    for job in found:
        assert re.search(rf"^{job.job_id} +{job.flow} +attention +2026-11-22 00:00:00$", text, re.MULTILINE)


def test_an_address_is_a_link_on_a_terminal_however_it_is_folded():
    assert (
        parts.linked("https://drive.google.com/drive/folders/1A").style
        == "link https://drive.google.com/drive/folders/1A"
    )
    assert parts.linked("Catalogue (https://x)").style == ""

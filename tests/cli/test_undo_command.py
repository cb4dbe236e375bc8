"""`sheets-catalog undo` against a sandbox: what people and programs see, and how it ends."""

from __future__ import annotations

import pytest
from cli_world import printed, shop_effects

from sheets_catalog.changes.plan import Change, FieldChange
from sheets_catalog.cli.views import plans

BOOKS = {"planned", "done", "unchanged", "rejected", "conflicted", "pending"}


def balanced(books):
    assert set(books) == BOOKS
    assert books["planned"] == sum(books[name] for name in BOOKS - {"planned"})
    return books


@pytest.fixture
def job(run, at, sheet):
    """A finished export of two prices; its id."""
    variants = sheet("Variants")
    variants.put(2, "Price", 77.5)
    variants.put(9, "Price", 78.5)
    told = run("export", "--yes", "--json").told
    assert told["status"] == "finished"
    return told["job"]


def test_a_dry_run_shows_one_line_a_field_and_writes_nothing(run, at, job, sheet):
    since = len(at.ledger())
    done = run("undo", job, "--dry-run")
    assert done.status == 0
    assert f"Undo of job {job}: 2 records changed" in " ".join(done.out.split())
    (line, _) = [line for line in done.out.splitlines() if "Price" in line]
    assert line.split()[0] == "2"
    assert line.index("77.50") < line.index("59.90")
    assert "(both sides)" in line
    assert at.ledger(since) == []
    assert len(run("jobs", "list", "--json").told["jobs"]) == 1


def test_it_is_undone_and_undone_again_there_is_nothing_left(run, at, job, sheet):
    done = run("undo", job, "--yes")
    assert done.status == 0
    assert "Finished – 2 changes" in done.out
    assert sheet("Variants").cell(2, "Price") == "59.9"
    since = len(at.ledger())
    again = run("undo", job, "--yes")
    assert again.status == 0
    assert f"Nothing left to undo of job {job}." in " ".join(again.out.split())
    assert at.ledger(since) == []
    report = run("report", "last")
    assert f"Undo of job {job}" in " ".join(report.out.split())
    assert "Price 77.50 → 59.90" in report.out
    assert report.out.count("77.50") == 1
    assert run("verify").status == 0


def test_last_is_the_newest_export_that_was_not_undone_and_no_undo(run, at, sheet, job):
    variants = sheet("Variants")
    variants.put(4, "Price", 79.5)
    run("export", "--yes")
    variants.put(5, "Price", 80.5)
    run("plan")  # nobody applied it: there is nothing in it to undo
    variants.put(5, "Price", variants.cell(6, "Price"))
    assert run("undo", "last", "--yes").status == 0
    assert variants.cell(4, "Price") == "59.9"
    assert variants.cell(2, "Price") == "77.5", "of the export before nothing was taken back"
    assert run("undo", "last", "--yes", "--json").told["status"] == "finished"
    assert variants.cell(2, "Price") == "59.9"
    since = len(at.ledger())
    done = run("undo", "last", "--yes", "--json")
    assert (done.status, done.told["error"]["type"]) == (2, "InputError")
    assert "left to undo" in done.told["error"]["message"]
    assert at.ledger(since) == []


def test_last_is_an_export_again_whose_undo_was_undone(run, job, sheet):
    variants = sheet("Variants")
    variants.put(4, "Price", 79.5)
    second = run("export", "--yes", "--json").told["job"]
    undo, named = "", second
    for price in ("59.9", "79.5", "59.9", "79.5"):
        undo = run("undo", named, "--yes", "--json").told["job"]
        assert variants.cell(4, "Price") == price
        named = undo
    assert run("undo", "last", "--yes").status == 0
    assert (variants.cell(4, "Price"), variants.cell(2, "Price")) == ("59.9", "77.5")
    assert run("undo", "last", "--yes").status == 0
    assert variants.cell(2, "Price") == "59.9"


def test_an_undo_that_is_named_can_be_undone_and_that_is_said_first(run, at, job, sheet):
    undo = run("undo", job, "--yes", "--json").told["job"]
    shown = " ".join(run("undo", undo, "--dry-run").out.split())
    assert f"Job {undo} is itself an undo, of job {job}: undoing it brings that job's values back." in shown
    rules = [each["rule"] for each in run("undo", undo, "--dry-run", "--json").told["findings"]]
    assert rules == ["undo_of_undo"]
    assert "is itself an undo" not in run("undo", job, "--dry-run").out
    assert run("undo", undo, "--yes").status == 0
    assert sheet("Variants").cell(2, "Price") == "77.5"


def test_for_programs_there_is_one_object_with_books(run, at, job):
    told = run("undo", job, "--dry-run", "--json").told
    assert balanced(told["books"])["pending"] == 2
    assert (told["undo_of"], told["job"], told["dry_run"]) == (job, None, True)
    sides = [[field["side"] for field in change["fields"]] for change in told["changes"]]
    assert sides == [["shop", "sheet"]] * 2
    told = run("undo", job, "--yes", "--json").told
    assert balanced(told["books"])["done"] == 2
    assert (told["status"], told["exit_status"]) == ("finished", 0)
    told = run("undo", job, "--yes", "--json").told
    assert told["empty"]
    assert balanced(told["books"])["unchanged"] == told["books"]["planned"]


def test_without_a_yes_nothing_is_sent(run, at, job):
    since = len(at.ledger())
    done = run("undo", job)
    assert done.status == 6
    assert "Nobody is there to say yes." in done.err
    assert shop_effects(at, since) == []


def test_what_was_edited_since_is_named_and_needs_a_person(run, at, job, sheet):
    sheet("Variants").put(2, "Price", 88)
    done = run("undo", job, "--yes")
    assert done.status == 9
    text = " ".join(done.out.split())
    assert "Variants row 2 column “Price”: linen-shirt · S / White: It was changed since" in text
    assert "the job sent “77.50” instead of “59.90”, now the shop has “77.50” and the sheet has “88.00”." in text
    assert sheet("Variants").cell(9, "Price") != "78.5"
    assert sheet("Variants").cell(2, "Price") == "88"
    again = run("undo", job, "--yes")
    assert again.status == 9
    assert "1 record was left" in " ".join(again.out.split())


def test_a_mass_change_needs_a_yes_of_its_own(run, at, sheet):
    variants = sheet("Variants").tab
    letter = chr(64 + variants.row_values(1).index("Price") + 1)
    variants.update([[7] for _ in range(60)], f"{letter}2:{letter}61")
    job = run("export", "--variants", "--yes", "--confirm-mass-change", "--json").told["job"]
    done = run("undo", job, "--yes")
    assert done.status == 6
    assert "This would change 60 of 67 variants" in " ".join(done.err.split())
    assert run("undo", job, "--yes", "--confirm-mass-change").status == 0


def test_what_it_made_can_be_deleted(run, at, sheet):
    sheet("Products").add(Handle="rain-hat", Title="Rain Hat", Status="DRAFT")
    job = run("export", "--yes", "--json").told["job"]
    kept = run("undo", job, "--yes")
    assert kept.status == 0
    assert "The job made this product; it stays." in " ".join(kept.out.split())
    assert at.systems.catalogue.product_by_handle("rain-hat") is not None
    assert run("undo", job, "--yes", "--created", "delete").status == 0
    assert at.fresh().catalogue.product_by_handle("rain-hat") is None


@pytest.mark.parametrize("arguments", [("1" * 33,), ("1" * 33, "--json")])
def test_an_unknown_job_is_an_error_of_the_input(run, at, arguments):
    done = run("undo", *arguments, "--yes")
    assert done.status == 2
    assert "There is no job" in done.out + done.err


def test_a_planned_job_has_not_ended(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    job = run("plan", "--json").told["job"]
    done = run("undo", job, "--json")
    assert done.status == 2
    assert "has not ended" in done.told["error"]["message"]


def test_sides_that_are_not_alike_are_lines_of_their_own():
    fields = (
        FieldChange("price", "2.00", "1.00"),
        FieldChange("price", "2.00", "1.00", side="sheet"),
        FieldChange("sku", "b", "a", side="sheet"),
        FieldChange("barcode", "b", "a"),
    )
    change = Change("update", "variants", "1", "1", "shirt", 2, fields)
    assert [(field.field, field.side, twice) for field, twice in plans.lines(change)] == [
        ("price", "shop", True),
        ("sku", "sheet", False),
        ("barcode", "shop", False),
    ]
    assert "Price (both sides)" in printed(plans.field_name("variants", fields[0], twice=True))

"""Import, plan, apply, export, jobs, report and verify, through the command line against a sandbox."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from cli_world import Sheet, shop_effects

from sheets_catalog.database import SessionStart
from sheets_catalog.flows.auditing import open_audit
from sheets_catalog.flows.exporting import ExportOptions, apply, plan_export, store
from sheets_catalog.jobs.runner import Limits
from sheets_catalog.jobs.state import Status

BOOKS = {"planned", "done", "unchanged", "rejected", "conflicted", "pending"}


def balanced(books):
    assert set(books) == BOOKS
    assert books["planned"] == sum(books[name] for name in BOOKS - {"planned"})
    return books


# -- import -----------------------------------------------------------------------------------------------------------


def test_import_fills_an_empty_sheet_and_tells_its_books(run, bare):
    done = run("import", "--json")
    assert done.status == 0
    told = done.told
    assert balanced(told["books"])["done"] == told["books"]["planned"] > 100
    assert {name: counts["new"] for name, counts in told["tables"].items()}.keys() == {
        "products",
        "variants",
        "inventory",
    }
    again = run("import", "--json").told
    assert balanced(again["books"])["unchanged"] == told["books"]["planned"]


def test_import_can_be_narrowed(run, bare):
    assert set(run("import", "--products", "--json").told["tables"]) == {"products"}


def test_import_tells_people_tab_by_tab(run, bare):
    done = run("import")
    assert "Products" in done.out
    assert "Books:" in done.out
    assert "sheets-catalog plan" in done.out
    assert "Products: 30 of 30" in done.err


# -- plan -------------------------------------------------------------------------------------------------------------


def test_plan_shows_row_field_before_and_after_and_sends_nothing(run, at, sheet):
    variants = sheet("Variants")
    before = variants.cell(2, "Price")
    variants.put(2, "Price", 77.5)
    since = len(at.ledger())
    done = run("plan")
    assert done.status == 0
    row = next(line for line in done.out.splitlines() if "Price" in line)
    assert row.split()[0] == "2"
    assert before in row
    assert "77.50" in row
    assert "Estimate:" in done.out
    assert "sheets-catalog apply " in done.out
    assert not shop_effects(at, since)


@pytest.mark.parametrize("width", [40, 75, 96])
def test_a_command_to_copy_is_never_broken_by_us(run, at, sheet, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    sheet("Variants").put(2, "Price", 77.5)
    told = run("plan").out
    job = told.split()[-1]
    if width < 77:
        assert told.endswith(f"\nSend exactly this with\nsheets-catalog apply {job}\n")
    else:
        assert told.endswith(f"\nSend exactly this with sheets-catalog apply {job}\n")


def test_plan_speaks_json_with_names(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    told = run("plan", "--json").told
    (change,) = told["changes"]
    (field,) = change["fields"]
    assert (change["table"], change["action"], change["row"]) == ("variants", "update", 2)
    assert (field["field"], field["after"], field["side"]) == ("price", "77.50", "shop")
    assert balanced(told["books"])["pending"] == 1
    assert told["estimate"]["seconds"] > 0
    assert told["job"]


def test_an_empty_plan_is_not_stored(run, at):
    since = len(at.ledger())
    told = run("plan", "--json").told
    assert (told["empty"], told["job"]) == (True, None)
    assert not at.ledger(since)


def test_a_plan_can_be_narrowed_to_tables(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    assert run("plan", "--inventory", "--products", "--json").told["empty"]
    assert not run("plan", "--variants", "--json").told["empty"]


def test_findings_are_placed_and_advised(run, at, sheet):
    sheet("Variants").put(3, "Price", "'1,5")
    done = run("plan")
    assert done.status == 0
    assert "Variants row 3 column “Price”" in done.out
    assert "1299.50" in done.out
    finding = run("plan", "--json").told["findings"][0]
    assert (finding["rule"], finding["row"], finding["column"]) == ("bad_value", 3, "Price")


def test_conflicts_show_base_sheet_and_shop(run, at, sheet):
    products = sheet("Products")
    key, base = products.cell(2, "Product ID"), products.cell(2, "Title")
    products.put(2, "Title", "By Anna")
    at.sandbox.services["shopify"].plant({"do": "edit_product", "product": int(key), "title": "By the merchant"})
    done = run("plan")
    line = next(line for line in done.out.splitlines() if "By the merchant" in line)
    assert "By Anna" in line
    assert base.strip()[:10] in line
    (conflict,) = run("plan", "--json").told["conflicts"]
    assert (conflict["sheet"], conflict["shop"], conflict["base_known"]) == ("By Anna", "By the merchant", True)
    assert run("plan", "--policy", "shop", "--json").told["conflicts"] == []


def test_markup_and_escapes_in_the_sheet_are_only_text(run, at, sheet):
    sheet("Products").put(2, "Title", "[bold red]Sale[/] \x1b[31m <b>")
    out = run("plan").out
    assert "[bold red]Sale[/]" in out
    assert "\x1b" not in out


# -- apply ------------------------------------------------------------------------------------------------------------


def test_apply_sends_exactly_what_the_plan_showed(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    job = run("plan", "--json").told["job"]
    sheet("Variants").put(3, "Price", 88.5)  # after the plan: not part of it
    since = len(at.ledger())
    done = run("apply", job, "--json")
    assert done.status == 0
    told = done.told
    assert (told["status"], balanced(told["books"])["done"], told["resumable"]) == ("finished", 1, False)
    (effect,) = shop_effects(at, since)
    assert effect["effect"]["changes"]["price"]["after"] == "77.50"
    assert run("apply", job, "--json").told["status"] == "finished"
    assert "Nothing was sent this time: it had been done before." in run("apply", job).err
    assert len(shop_effects(at, since)) == 1


def test_last_is_the_newest_job(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    job = run("plan", "--json").told["job"]
    assert "Nothing was sent" not in run("apply", "last").err
    assert run("apply", "last", "--json").told["job"] == job


def test_an_unknown_job_is_an_input_error(run, at):
    for job in ("1" * 33, at.spreadsheet_id, "no job"):
        done = run("apply", job, "--json")
        assert (done.status, done.told["error"]["type"]) == (2, "InputError")


def test_a_record_that_is_refused_ends_with_9_and_its_reason(run, at, sheet):
    sheet("Products").put(2, "Handle", sheet("Products").cell(3, "Handle"))
    run("plan")
    done = run("apply", "last", "--json")
    assert done.status == 9
    told = done.told
    assert balanced(told["books"])["rejected"] == 1
    (record,) = told["attention"]
    assert record["reason"]
    people = run("jobs", "show", "last")
    assert record["reason"][:20] in people.out


# -- export -----------------------------------------------------------------------------------------------------------


def test_export_plans_asks_and_applies(run, process, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    since = len(at.ledger())
    refused = process("export", "--json")
    assert (refused.status, refused.told["error"]["type"]) == (6, "ConfirmationNeeded")
    assert not shop_effects(at, since)
    done = process("export", "--yes", "--json")
    assert done.status == 0
    assert balanced(done.told["books"])["done"] == 1
    assert len(shop_effects(at, since)) == 1


def test_a_second_export_sends_nothing_at_all(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    assert run("export", "--yes").status == 0
    since = len(at.ledger())
    done = run("export", "--yes", "--json")
    assert (done.status, done.told["empty"]) == (0, True)
    assert not at.ledger(since)


def test_a_dry_run_writes_nothing_anywhere(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    since = len(at.ledger())
    done = run("export", "--dry-run", "--json")
    assert (done.status, done.told["dry_run"], done.told["job"]) == (0, True, None)
    assert len(done.told["changes"]) == 1
    assert not at.ledger(since)


def test_a_mass_change_needs_its_own_yes(run, at):
    variants = Sheet(at, "Variants")
    size = len(variants.tab.get_all_values())
    column = variants.header.index("Price") + 1
    from gspread.utils import rowcol_to_a1

    prices = [[900 + row] for row in range(2, size + 1)]
    variants.tab.update(prices, f"{rowcol_to_a1(2, column)}:{rowcol_to_a1(size, column)}")
    since = len(at.ledger())
    for arguments in (("export", "--variants", "--yes"), ("plan", "--variants")):
        done = run(*arguments, "--json")
        if arguments[0] == "plan":
            assert done.told["mass_change"]
            done = run("apply", done.told["job"], "--json")
        assert done.status == 6
        assert "--confirm-mass-change" in done.told["error"]["advice"]
    assert not shop_effects(at, since)
    done = run("export", "--variants", "--confirm-mass-change", "--json")
    assert done.status == 0
    assert done.told["books"]["done"] == size - 1


# -- jobs -------------------------------------------------------------------------------------------------------------


def test_jobs_are_listed_shown_cancelled_and_cleaned(run, at, sheet):
    assert run("jobs", "list").out.strip() == "No jobs yet."
    sheet("Variants").put(2, "Price", 77.5)
    job = run("plan", "--json").told["job"]
    listed = run("jobs", "list", "--json").told
    assert [(each["job_id"], each["status"]) for each in listed["jobs"]] == [(job, "planned")]
    assert balanced(listed["books"])["pending"] == 1
    shown = run("jobs", "show", job, "--json").told
    assert (shown["items"][0]["result"], shown["books"]["pending"]) == ("pending", 1)
    cancelled = run("jobs", "cancel", job, "--json")
    assert cancelled.status == 0
    balanced(cancelled.told["books"])
    run("jobs", "resume", job)
    assert run("jobs", "list", "--json").told["jobs"][0]["status"] == "cancelled"
    assert [
        each["job_id"] for each in run("jobs", "clean", "--older-than", "0", "--dry-run", "--json").told["cleaned"]
    ] == [job]
    assert len(run("jobs", "list", "--json").told["jobs"]) == 1
    run("jobs", "clean", "--older-than", "0")
    assert run("jobs", "list", "--json").told["jobs"] == []


def test_what_was_set_aside_can_be_retried(run, at, sheet):
    products = sheet("Products")
    taken = products.cell(3, "Handle")
    products.put(2, "Handle", taken)
    run("plan")
    assert run("apply", "last").status == 9
    assert "set aside" in run("jobs", "list").out
    key = int(products.cell(3, "Product ID"))
    at.sandbox.services["shopify"].plant({"do": "edit_product", "product": key, "handle": "moved-away"})
    done = run("jobs", "retry", "last", "--json")
    assert done.status == 0
    assert balanced(done.told["books"])["done"] == 1


def test_what_somebody_changed_since_is_left_alone_and_that_is_said(run, at, sheet):
    variants = sheet("Variants")
    variants.put(2, "Price", 77.5)
    job = run("plan", "--json").told["job"]
    key = int(variants.cell(2, "Variant ID"))
    at.sandbox.services["shopify"].plant({"do": "edit_variant", "variant": key, "price": "66.00"})
    done = run("apply", job)
    text = " ".join(done.out.split())
    assert done.status == 9
    assert "left alone what others changed meanwhile – 0 of 1 change" in text
    assert "1 record was changed by a later export, or by somebody, since this was planned." in text
    assert "Left as they are: 1 record" in text
    assert "Compare anew and send what still differs: sheets-catalog export" in text


def test_the_estimate_follows_the_size_that_was_asked_for(run, at, sheet):
    letter = chr(ord("A") + sheet("Inventory").header.index("Available"))
    sheet("Inventory").tab.update([[77]] * 24, f"{letter}2:{letter}25")
    whole = run("export", "--inventory", "--dry-run", "--json").told["estimate"]
    parts = run("export", "--inventory", "--batch-size", "5", "--dry-run", "--json").told["estimate"]
    assert (whole["writes"], parts["writes"]) == (1, 5)


def test_shares_decide_when_a_mass_change_is_asked_about(run, at, sheet):
    letter = chr(ord("A") + sheet("Inventory").header.index("Available"))
    sheet("Inventory").tab.update([[77]] * 24, f"{letter}2:{letter}25")
    assert run("plan", "--inventory", "--json").told["mass_change"] is None
    assert "24 of 104" in run("plan", "--inventory", "--change-share", "0.2", "--json").told["mass_change"]
    assert run("apply", "last", "--change-share", "0.2", "--json").status == 6
    assert run("export", "--inventory", "--yes", "--change-share", "0.2", "--json").status == 6
    assert run("export", "--inventory", "--yes", "--json").status == 0


def test_an_import_adds_the_metafield_columns_that_were_asked_for(run, at, sheet):
    header = "Metafield: custom.material [single_line_text_field]"
    assert header not in sheet("Products").header
    assert run("import", "--metafield", header, "--metafield", f"variants:{header}", "--json").status == 0
    assert header in sheet("Products").header
    assert header in sheet("Variants").header


def test_planning_tells_how_many_rows_were_read_and_asked_for(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    told = run("plan").err
    for line in ("Reading the sheet: Products: 30 of 30", "Reading the sheet: Inventory: 104 of 104"):
        assert line in told
    assert "Asking the shop: Variants: 1 of 1" in told


# -- report -----------------------------------------------------------------------------------------------------------


def test_a_job_is_reported_for_people_programs_and_spreadsheets(run, at, sheet, tmp_path):
    sheet("Variants").put(2, "Price", 77.5)
    run("export", "--yes")
    assert "77.50" in run("report", "last").out
    page, table = tmp_path / "report.html", tmp_path / "report.csv"
    done = run("report", "last", "--html", page, "--csv", table, "--json")
    assert done.status == 0
    assert done.told["written"] == {"html": str(page), "csv": str(table)}
    assert done.told["books"]["done"] == 1
    assert "77.50" in page.read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"))))
    assert [row["after"] for row in rows if row["field"] == "price"] == ["77.50"]
    assert "docs.google.com" not in page.read_text("utf-8"), "a sandbox's sheet has no address in a browser"


def test_a_report_that_cannot_be_written_says_why(run, at, sheet, tmp_path):
    sheet("Variants").put(2, "Price", 77.5)
    run("export", "--yes")
    done = run("report", "last", "--html", tmp_path / "nowhere" / "x.html", "--json")
    assert (done.status, done.told["error"]["type"]) == (2, "SettingsError")


def test_a_report_about_nothing_is_an_input_error(run, bare):
    assert run("report", "last", "--json").status == 2
    assert run("report", "J" * 30, "--json").told["error"]["type"] == "InputError"


# -- verify -----------------------------------------------------------------------------------------------------------


def test_verify_says_in_its_status_what_is_different(run, at, sheet):
    equal = run("verify", "--json")
    assert (equal.status, equal.told["status"]) == (0, "equal")
    assert balanced(equal.told["books"])["unchanged"] == equal.told["equal"] > 100
    products = sheet("Products")
    title = products.cell(2, "Title")
    products.put(2, "Title", "Another title")
    differs = run("verify", "--json")
    assert (differs.status, differs.told["differs"][0]["sheet"]) == (10, "Another title")
    products.put(2, "Title", title)
    at.sandbox.services["shopify"].plant({"do": "add_product", "title": "Only in the shop"})
    assert run("verify", "--products", "--json").status == 11
    products.put(2, "Title", "Another title")
    mixed = run("verify", "--products")
    assert mixed.status == 13
    assert "Only in the shop" in mixed.out


def test_verify_does_not_call_equal_what_it_could_not_compare(run, at, sheet):
    assert run("verify", "--variants", "--json").told["columns"] == []
    price = sheet("Variants").header.index("Price") + 1
    sheet("Variants").tab.update_cell(1, price, "")
    done = run("verify", "--variants", "--json")
    assert (done.status, done.told["status"], done.told["equal"]) == (13, "mixed", 67)
    assert [(each["tab"], each["column"]) for each in done.told["columns"]] == [("Variants", "Price")]
    shown = " ".join(run("verify", "--variants").out.split())
    assert "67 records equal in what was compared" in shown
    assert "“Price” stood there at the last sync and is gone" in shown


def test_verify_finds_what_the_shop_lacks(run, at, sheet):
    sheet("Products").add(Title="Only in the sheet", Handle="only-here", Status="DRAFT")
    done = run("verify", "--products", "--json")
    assert done.status == 12
    assert done.told["missing_there"][0]["label"] == "Only in the sheet"


def test_verify_does_not_hide_what_it_cannot_read(run, at, sheet):
    sheet("Variants").put(2, "Price", "'abc")
    done = run("verify", "--variants")
    assert done.status == 13
    assert "Not comparable" in done.out


# -- trouble ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        ({"service": "shopify", "operation": "*", "kind": "unauthorized", "times": "forever"}, 3, "CredentialsError"),
        ({"service": "sheets", "operation": "*", "kind": "unauthorized", "times": "forever"}, 3, "CredentialsError"),
        ({"service": "shopify", "operation": "*", "kind": "reset", "times": "forever"}, 4, None),
    ],
)
def test_trouble_outside_ends_with_its_own_status(run, at, fault, status, kind):
    import requests

    answer = requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=10)
    assert answer.ok, answer.text
    done = run("plan", "--json")
    assert done.status == status
    error = done.told["error"]
    assert kind in {None, error["type"]}
    assert error["message"]
    assert error["advice"]


def test_waits_are_told_to_people(run, at, sheet):
    import requests

    sheet("Variants").put(2, "Price", 77.5)
    fault = {"service": "sheets", "operation": "*", "kind": "rate-limit", "nth": 1, "times": 1, "retry_after": "20"}
    requests.post(f"{at.sandbox.url}/_sandbox/faults", json=fault, timeout=10)
    done = run("plan", "--json")
    assert done.status == 0
    assert "waiting" in done.err
    assert "slow down" in done.err


def test_the_connection_can_be_a_file_or_come_from_the_environment(run, at, tmp_path, monkeypatch):
    import json

    path = tmp_path / "line.json"
    path.write_text(json.dumps(at.sandbox.connection()))
    assert run("plan", "-c", path, "--json").status == 0
    monkeypatch.setenv("SHEETS_CATALOG_CONNECTION", str(path))
    assert run("plan", "--json").status == 0
    monkeypatch.setenv("SHEETS_CATALOG_CONNECTION", "nobody")
    assert run("plan", "--json").status == 2


def test_an_import_is_reported_record_by_record(run, bare):
    assert run("import").status == 0
    people = run("report", "last")
    assert "Records (201)" in people.out
    assert "No record was touched" not in people.out
    told = run("report", "last", "--json").told
    assert len(told["records"]) == told["records_total"] == told["books"]["done"] == 201


def test_rows_left_out_when_planning_stand_in_the_job_with_their_reason(run, at, sheet):
    sheet("Variants").put(2, "Price", "77.50")
    sheet("Variants").put(4, "Price", "oops")
    job = run("plan", "--json").told["job"]
    people = run("jobs", "show", job).out
    assert "Left out when planning: 1 record" in people
    assert "Variants row 4 column “Price”: Expected an amount" in people
    assert "Type the number alone" in people
    (row,) = run("jobs", "show", job, "--json").told["left_out"]
    assert (row["tab"], row["row"], row["column"]) == ("Variants", 4, "Price")
    assert "oops" in row["reason"]
    assert row["advice"]
    applied = run("apply", job)
    assert "Left out when planning: 1 record" in applied.out


def test_the_end_of_a_run_tells_programs_what_it_left_out_and_what_waits(run, at, sheet):
    """Its books count them, so the object names them, as the preview does for people."""
    sheet("Variants").put(2, "Price", "77.50")
    sheet("Variants").put(4, "Price", "oops")
    products = sheet("Products")
    products.put(2, "Title", "By Anna")
    key = products.cell(2, "Product ID")
    at.sandbox.services["shopify"].plant({"do": "edit_product", "product": int(key), "title": "By the merchant"})
    done = run("export", "--yes", "--json")
    assert (done.status, done.told["attention"]) == (9, [])
    (finding,), (conflict,) = done.told["findings"], done.told["conflicts"]
    assert (finding["tab"], finding["row"], finding["column"]) == ("Variants", 4, "Price")
    assert (conflict["key"], conflict["field"], conflict["shop"]) == (key, "title", "By the merchant")


def test_a_job_cancelled_before_it_began_is_reported_as_such(run, at, sheet):
    sheet("Variants").put(2, "Price", "77.50")
    job = run("plan", "--json").told["job"]
    assert run("jobs", "cancel", job).status == 0
    assert "Cancelled before anything was written. 1 change will not be sent." in run("report", job).out
    assert "0 of 1 change" in run("apply", job).out


def test_a_plan_of_nothing_but_conflicts_leaves_no_job_behind(run, at, sheet):
    """`export` lists them in the sheet, once; until somebody chooses, no run leaves anything."""
    products = sheet("Products")
    products.put(2, "Title", "By Anna")
    key = products.cell(2, "Product ID")
    at.sandbox.services["shopify"].plant({"do": "edit_product", "product": int(key), "title": "By the merchant"})
    planned = run("plan", "--products")
    assert "List the conflicts in the sheet with sheets-catalog export --products" in planned.out
    assert run("plan", "--json").told["job"] is None
    assert run("jobs", "list", "--json").told["jobs"] == []
    assert run("export", "--products", "--yes", "--json").told["books"]["conflicted"] == 1
    conflicts = sheet("Conflicts")
    assert conflicts.cell(2, "In the shop") == "By the merchant"
    assert len(run("jobs", "list", "--json").told["jobs"]) == 1
    again = run("export", "--yes", "--json")
    assert (again.status, again.told["job"]) == (9, None)
    assert len(run("jobs", "list", "--json").told["jobs"]) == 1
    assert "List the conflicts" not in run("plan").out
    conflicts.put(2, "Choose (sheet or shop)", "sheet")
    assert run("export", "--yes", "--json").told["books"]["done"] == 1
    assert at.systems.catalogue.by_ids("products", [key])[key].values["title"] == "By Anna"
    assert conflicts.cell(2, "In the shop") in {None, ""}


def test_a_conflict_about_other_values_is_listed_anew(run, at, sheet):
    products = sheet("Products")
    products.put(2, "Title", "By Anna")
    merchant, key = at.sandbox.services["shopify"], products.cell(2, "Product ID")
    merchant.plant({"do": "edit_product", "product": int(key), "title": "By the merchant"})
    run("export", "--yes")
    merchant.plant({"do": "edit_product", "product": int(key), "title": "By him again"})
    run("export", "--yes")
    assert sheet("Conflicts").cell(2, "In the shop") == "By him again"


def test_plans_nobody_applied_are_cleaned_up_and_what_has_begun_is_kept(run, at, sheet):
    products = sheet("Products")
    products.put(2, "Handle", products.cell(3, "Handle"))
    refused = run("plan", "--json").told["job"]
    assert run("apply", refused).status == 9
    assert run("jobs", "retry", refused, "--no-run", "--json").told["retried"] == 1
    forgotten = run("plan", "--json").told["job"]
    assert run("jobs", "clean", "--json").told["cleaned"] == []
    cleaned = run("jobs", "clean", "--older-than", "0", "--json").told["cleaned"]
    assert [each["job_id"] for each in cleaned] == [forgotten]
    kept = run("jobs", "list", "--json").told["jobs"]
    assert [(each["job_id"], each["status"], each["begun"]) for each in kept] == [(refused, "planned", True)]


METAFIELD = "Metafield: custom.material [single_line_text_field]"


def test_a_metafield_column_that_cannot_be_understood_is_refused(run, bare):
    since = len(bare.ledger())
    done = run("import", "--metafield", "custom.material")
    assert done.status == 2
    assert "found “custom.material”" in done.err
    assert "Metafield: custom.material [single_line_text_field]" in done.err
    assert bare.ledger(since) == []


def test_a_metafield_is_called_by_its_column_everywhere(run, at, sheet):
    """In plan, job, verify and the tab of conflicts; a choice made there counts."""
    products = sheet("Products")
    products.tab.add_cols(1)
    products.tab.update_cell(1, len(products.header) + 1, METAFIELD)
    run("import")
    products = sheet("Products")
    products.put(2, METAFIELD, "Hemp")
    planned = run("plan")
    assert METAFIELD in " ".join(planned.out.split())
    assert "metafields." not in planned.out
    assert "metafields." not in run("jobs", "show", "last").out
    told = run("verify", "--products", "--json").told["differs"]
    assert ("metafields.custom.material", METAFIELD) in {(each["field"], each["header"]) for each in told}
    assert "metafields." not in run("verify", "--products").out
    assert run("export", "--yes").status == 0
    key = f"gid://shopify/Product/{products.cell(2, 'Product ID')}"
    at.sandbox.services["shopify"].plant(
        {"do": "set_metafield", "owner": key, "namespace": "custom", "key": "material",
         "kind": "single_line_text_field", "value": "Wool"}
    )  # fmt: skip
    products.put(2, METAFIELD, "Silk")
    assert "metafields." not in run("export", "--yes").out
    conflicts = sheet("Conflicts")
    assert conflicts.cell(2, "Field") == METAFIELD
    conflicts.put(2, "Choose (sheet or shop)", "sheet")
    assert run("export", "--yes", "--json").told["books"]["done"] == 1


def test_tabs_are_called_by_their_titles_while_they_are_compared(run, at):
    assert "Comparing Products" in run("verify", "--products").err


def test_resume_last_is_the_newest_job_that_was_begun_and_can_go_on(run, at, sheet):
    """Neither a job that has finished since, nor a plan to which nobody has said yes."""
    assert run("jobs", "resume", "last", "--json").status == 2
    variants = sheet("Variants")
    for row in range(2, 24):
        variants.put(row, "Price", 70 + row)
    job = store(at.systems, plan_export(at.systems, ExportOptions(batch_size=10)))
    options = ExportOptions(batch_size=10)
    paused = apply(at.systems, at.audit, job, limits=Limits(deadline=0.001), options=options)
    assert paused.status is Status.WAITING
    assert 0 < paused.books.done < 22
    sheet("Products").put(2, "Title", "Newer")
    planned = run("plan", "--products", "--json").told["job"]
    done = run("jobs", "resume", "last", "--json")
    assert (done.told["job"], done.told["books"]["done"]) == (job, 22)
    again = run("jobs", "resume", "last")
    assert again.status == 2
    assert "No job of this spreadsheet waits to go on" in again.err
    assert run("jobs", "show", planned, "--json").told["status"] == "planned"


def test_retry_of_a_record_that_was_not_set_aside_is_an_input_error(run, at, sheet):
    sheet("Variants").put(2, "Price", 77.5)
    run("export", "--yes")
    done = run("jobs", "retry", "last", "--item", "7")
    assert done.status == 2
    assert "No record 7" in done.err


def test_the_last_report_is_that_of_the_last_run_also_when_a_sandboxs_clock_went_back(run, at, sheet, home):
    """A sandbox that was restarted has an older clock, and the audit is the same."""
    ahead = SessionStart("later", "export", datetime(2099, 1, 1, tzinfo=UTC), spreadsheet_id=at.spreadsheet_id)
    sheet("Variants").put(2, "Price", 78.5)
    last = run("export", "--yes", "--json").told["job"]
    with open_audit(at.connection, at.systems) as audit:
        audit.session_started(ahead)
        assert audit.sessions(limit=1)[0].session_id == "later"
    assert run("report", "last", "--json").told["job"] == last


def test_the_headline_counts_what_was_done(run, at, sheet):
    sheet("Products").put(2, "Handle", sheet("Products").cell(3, "Handle"))
    done = run("export", "--yes")
    assert done.status == 9
    assert "0 of 1 change" in done.out


def test_the_report_of_an_import_names_the_sheet_by_its_title(run, bare):
    run("import")
    session = run("report", "last", "--json").told["session"]
    assert session["spreadsheet_title"] == bare.systems.sheets.info(bare.connection.spreadsheet_id).title
    assert session["spreadsheet_id"] not in run("report", "last").out

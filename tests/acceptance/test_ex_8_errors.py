"""EX-8: the error scenarios, through the command line: what happens, what people are told, and that nothing is lost."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import UTC, datetime

import pytest
from acceptance.world import SandboxProcess, Town, balanced

UPDATE = {"service": "shopify", "operation": "*productVariantsBulkUpdate*"}
ALL_SCOPES = ["write_products", "write_inventory", "read_locations", "read_products", "read_inventory"]


def planned(town, rows=12):
    """A stored job that changes the prices of so many variants."""
    town.prices(rows)
    return town.do("plan")["job"]


def once(town, since, count):
    """Each of `count` effects happened, and happened once."""
    assert sorted(Counter(town.sent(since)).values()) == [1] * count


# -- invalid token ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["google", "shopify"])
def test_ex_8_error_invalid_token_at_the_start(town, side):
    """Nothing is done, the status says that access is missing, and the message says whose."""
    town.prices(3)
    since = town.mark()
    town.connect(**{side: {"access_token": "shpat_wrong_wrong_wrong"}})
    for command in (("plan",), ("export", "--yes"), ("verify",), ("import",)):
        done = town.run(*command, "--json")
        assert done.status == 3, done.out
        assert done.problem["type"] == "CredentialsError"
        assert side in done.problem["message"].lower() + done.problem["where"].lower()
        assert "connect" in done.problem["advice"]
        assert "shpat_wrong" not in done.out + done.err
    assert town.run("doctor", "--json").status in {3, 9}
    assert [line for line in town.ledger(since) if line["service"] in {"sheets", "shopify"}] == []


@pytest.mark.parametrize("side", ["google", "shopify"])
def test_ex_8_error_invalid_token_in_the_middle(town, side):
    """A token that is revoked during the run: the job keeps its place and goes on with a new token."""
    job, since = planned(town), town.mark()
    town.fault("stall", **UPDATE, nth=3, seconds=1500)
    run = town.start("apply", job, "--batch-size", "3", "--json")
    town.fault_hit()
    if side == "shopify":
        token = town.connection.shopify.access_token
        town.merchant("revoke_token", token=token)
    else:
        town.post("tokens/revoke", {"token": "sandbox-token"})
    ended = run.ended()
    assert ended.status == 3, ended.out
    assert ended.problem["advice"]
    applied = town.sent(since)
    assert 0 < len(applied) < 12
    if side == "shopify":
        (listed,) = town.do("jobs", "list")["jobs"]
        assert (listed["status"], listed["books"]["done"]) == ("attention", len(applied))
        assert listed["note"]
        town.connect(shopify={"access_token": town.merchant("mint_token", scopes=ALL_SCOPES)})
    else:
        assert town.run("jobs", "resume", job).status == 3
        town.connect(google={"access_token": town.post("tokens", {})["access_token"]})
    told = town.do("jobs", "resume", job)
    assert (told["status"], balanced(told["books"])["done"]) == ("finished", 12)
    once(town, since, 12)
    assert town.sent(since)[: len(applied)] == applied


def test_ex_8_error_a_stopped_job_keeps_its_books_in_the_report(town):
    """What was done before the token was revoked stands in the report."""
    job = planned(town)
    town.fault("unauthorized", **UPDATE, nth=3, times="forever")
    assert town.run("apply", job, "--batch-size", "3").status == 3
    report = town.do("report", job)
    assert report["session"]["status"] == "stopped"
    assert balanced({name: value for name, value in report["books"].items() if name != "balanced"})["done"] > 0
    assert report["books"]["done"] == len([each for each in report["records"] if each["status"] == "done"])
    assert {error["category"] for error in report["errors"]} == {"auth"}


# -- network timeout --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_ex_8_error_network_timeout(town, when):
    """An answer that never comes: it is looked up what became of the request, and it is sent again only if nothing."""
    town.connect(timeout=0.5)
    job, since = planned(town), town.mark()
    town.fault("stall", **UPDATE, nth=2, seconds=4000, when=when)
    told = town.do("apply", job, "--batch-size", "4")
    assert (told["status"], balanced(told["books"])["done"]) == ("finished", 12)
    once(town, since, 12)


def test_ex_8_error_network_gone_and_back(nursery, tmp_path):
    """The other side goes away in the middle of a run: it ends as paused, and is resumed when they are back."""
    place, state = tmp_path / "sandbox", tmp_path / "state"
    sandbox = SandboxProcess(place, state=state)
    town = Town(sandbox.url, tmp_path / "home", nursery)
    try:
        town.do("import")
        job, since = planned(town), town.mark()
        town.fault("stall", **UPDATE, nth=3, seconds=3000)
        run = town.start("apply", job, "--batch-size", "3", "--json")
        town.fault_hit()
        applied = town.sent(since)
        sandbox.popen.send_signal(signal.SIGTERM)
        sandbox.popen.wait(20)
        ended = run.ended()
        assert ended.status == 4, ended.out + ended.err
        assert "jobs resume" in ended.problem["advice"]
        assert town.run("jobs", "list", "--json").status == 4
        sandbox.stop()
        sandbox = SandboxProcess(place, state=state, port=sandbox.port)
        told = town.do("jobs", "resume", job)
        assert (told["status"], balanced(told["books"])["done"]) == ("finished", 12)
        once(town, since, 12)
        assert town.sent(since)[: len(applied)] == applied
    finally:
        town.stop()
        sandbox.stop()


# -- API errors -------------------------------------------------------------------------------------------------------


def test_ex_8_error_user_errors_set_a_record_aside_and_stop_nobody(town):
    """What the shop refuses is set aside with the shop's words; everything else is sent; a retry brings it home."""
    job, since = planned(town), town.mark()
    town.fault("user-errors", **UPDATE, nth=2, times=5, message="Price is too high for this market.")
    told = town.do("apply", job, "--batch-size", "4", status=9)
    books = balanced(told["books"])
    assert told["status"] == "finished"
    assert books["rejected"] > 0
    assert books["done"] + books["rejected"] == 12
    assert len(told["attention"]) == books["rejected"]
    assert all("too high" in each["reason"] for each in told["attention"])
    once(town, since, books["done"])
    assert "too high" in town.run("jobs", "show", job).out
    town.forget_faults()
    again = town.do("jobs", "retry", job)
    assert (balanced(again["books"])["done"], again["books"]["rejected"]) == (12, 0)
    once(town, since, 12)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("status", [500, 502])
def test_ex_8_error_server_errors_are_retried(town, status, when):
    """500 and 502, before and after the effect."""
    job, since = planned(town), town.mark()
    town.fault("status", status=status, when=when, **UPDATE, nth=2)
    town.fault("internal-error", when=when, **UPDATE, nth=4)
    town.fault("status", status=status, when=when, service="drive", nth=8)
    told = town.do("apply", job, "--batch-size", "3")
    assert (told["status"], balanced(told["books"])["done"]) == ("finished", 12)
    once(town, since, 12)


def test_ex_8_error_not_found(town):
    """A record that is gone is rejected by name; a spreadsheet, a folder and a shop that are gone are told plainly."""
    key = town.tab("Products").cell(2, "Product ID")
    job, since = planned(town), town.mark()
    town.merchant("delete_product", product=int(key))
    told = town.do("apply", job, status=9)
    assert balanced(told["books"])["rejected"] == 1
    assert "deleted" in told["attention"][0]["reason"]
    once(town, since, 11)
    town.connect(spreadsheet_id="1" * 44)
    done = town.run("plan", "--json")
    assert done.status in {2, 3, 4}
    assert done.problem["message"]
    assert done.problem["advice"]
    town.connect()
    town.merchant("close_shop", status=404)
    done = town.run("plan", "--json")
    assert done.status in {2, 3, 4}, done.out
    assert "demo-shop" in done.problem["message"]
    assert done.problem["advice"]


def test_ex_8_error_missing_scope(town):
    """403: a token that may only read is found out before anything is sent, and by name."""
    town.prices(3)
    token = town.merchant("mint_token", scopes=["read_products", "read_inventory", "read_locations"])
    town.connect(shopify={"access_token": token})
    since = town.mark()
    told = town.do("plan")
    (finding,) = [each for each in told["findings"] if each["rule"] == "missing_scope"]
    assert "write_products" in finding["message"]
    assert finding["advice"]
    done = town.run("apply", told["job"], "--json")
    assert (done.status, done.problem["type"]) == (3, "PermissionMissing")
    assert [line for line in town.ledger(since) if line["service"] == "shopify"] == []
    town.connect(shopify={"access_token": town.merchant("mint_token", scopes=ALL_SCOPES)})
    assert town.do("export", "--yes")["books"]["done"] == 3


def test_ex_8_error_scope_taken_away_in_the_middle(town):
    """ACCESS_DENIED during the run stops it with its place kept."""
    job, since = planned(town), town.mark()
    town.fault("access-denied", **UPDATE, nth=2, times="forever")
    done = town.run("apply", job, "--batch-size", "3", "--json")
    assert done.status in {3, 9}, done.out
    applied = len(town.sent(since))
    town.forget_faults()
    if done.status == 3:
        told = town.do("jobs", "resume", job)
    else:
        told = town.do("jobs", "retry", job)
    assert balanced(told["books"])["done"] == 12 > applied
    once(town, since, 12)


# -- concurrent edit --------------------------------------------------------------------------------------------------


def test_ex_8_error_concurrent_edit_between_plan_and_apply(town):
    """The merchant changes a price after the plan was made: it is shown, and stays as the merchant set it."""
    rows = town.prices(12)
    job, since = town.do("plan")["job"], town.mark()
    key = town.tab("Variants").cell(rows[3], "Variant ID")
    town.merchant("edit_variant", variant=int(key), price="66.60")
    told = town.do("apply", job, status=9)
    assert (balanced(told["books"])["conflicted"], told["books"]["done"]) == (1, 11)
    (record,) = told["attention"]
    assert (record["key"], record["result"]) == (key, "conflicted")
    assert "66.60" in record["reason"]
    once(town, since, 11)
    assert town.world()["shop"]["variants"][key]["price"] == "66.60"


def test_ex_8_error_concurrent_edit_during_apply(town):
    """The merchant changes a price while the run is between two of its calls."""
    rows = town.prices(12)
    job, since = town.do("plan")["job"], town.mark()
    key = town.tab("Variants").cell(rows[-1], "Variant ID")
    town.fault("stall", **UPDATE, nth=1, seconds=1000)
    run = town.start("apply", job, "--batch-size", "3", "--json")
    town.fault_hit()
    town.merchant("edit_variant", variant=int(key), price="66.60")
    ended = run.ended()
    assert ended.status == 9, ended.out
    assert (ended.told["books"]["conflicted"], ended.told["books"]["done"]) == (1, 11)
    assert town.world()["shop"]["variants"][key]["price"] == "66.60"
    once(town, since, 11)


def test_ex_8_error_conflict_chosen_in_the_sheet(town):
    """Edited on both sides: shown in a tab with base, sheet and shop; the choice made there is applied by the next run."""
    variants, since = town.tab("Variants"), town.mark()
    before = variants.values("Price")
    edited = town.prices(2, start=700)
    keys = [variants.cell(row, "Variant ID") for row in edited]
    bases = [f"{float(before[row - 2]):.2f}" for row in edited]
    for key in keys:
        town.merchant("edit_variant", variant=int(key), price="66.60")
    told = town.do("export", "--yes", status=9)
    assert balanced(told["books"])["conflicted"] == 2
    assert told.get("attention", []) == []
    shop = town.world()["shop"]["variants"]
    assert [shop[key]["price"] for key in keys] == ["66.60", "66.60"]
    tab = town.tab("Conflicts")
    rows = tab.tab.get_all_records(numericise_ignore=["all"])
    assert [row[tab.header[1]] for row in rows] == keys
    for row, base, price in zip(rows, bases, ("700.00", "701.00"), strict=True):
        assert [row[name] for name in tab.header[4:7]] == [base, price, "66.60"]
    for row, choice in ((2, "sheet"), (3, "shop")):
        tab.tab.update_cell(row, len(tab.header), choice)
    told = town.do("export", "--yes")
    assert balanced(told["books"])["done"] == 2
    shop = town.world()["shop"]["variants"]
    assert [shop[key]["price"] for key in keys] == ["700.00", "66.60"]
    assert float(variants.cell(edited[1], "Price")) == 66.6
    assert Counter(town.sent(since)) == {(f"gid://shopify/ProductVariant/{keys[0]}", "price"): 1}
    assert tab.tab.get_all_records() == []
    report = town.do("report", "last")
    kept = {(each["record_key"], change["base"]) for each in report["records"] for change in each["changes"]}
    assert {(keys[0], "66.60"), (keys[1], "701.00")} <= kept  # the values that lost
    assert town.do("export", "--yes")["empty"]


# -- quota exceeded ---------------------------------------------------------------------------------------------------


def test_ex_8_error_quota_of_points(town):
    """A shop on the smallest plan, with its points used up by another app: paced, slow, and complete."""
    town.merchant("plan", bucket=1000, restore_rate=50)
    job, since = planned(town), town.mark()
    town.merchant("drain", points=1000)
    told = town.do("apply", job)
    assert (told["status"], balanced(told["books"])["done"]) == ("finished", 12)
    once(town, since, 12)


@pytest.mark.parametrize("service", ["shopify", "drive"])
def test_ex_8_error_quota_that_does_not_come_back(town, service):
    """Throttled for good (a daily limit): it pauses, says when to go on, and does when it is asked to later."""
    job, since = planned(town), town.mark()
    operation = UPDATE["operation"] if service == "shopify" else "*"
    nth = 2 if service == "shopify" else 9
    town.fault("rate-limit", service=service, operation=operation, nth=nth, times="forever", retry_after="900")
    done = town.run("apply", job, "--batch-size", "3", "--json")
    assert done.status == 4, done.out
    told = done.told
    if "error" in told:
        assert told["error"]["type"] == "Throttled"
        assert any(word in told["error"]["advice"] for word in ("seconds", "minutes", "resume"))
    else:
        assert told["status"] == "waiting"
        assert told["resumable"]
        assert datetime.fromtimestamp(told["not_before"], UTC)
        assert told["note"]
    town.forget_faults()
    town.post("clock", {"advance": 3600})
    town.told = town.get("connection")
    town.connect()
    told = town.do("jobs", "resume", job)
    assert (told["status"], balanced(told["books"])["done"]) == ("finished", 12)
    once(town, since, 12)

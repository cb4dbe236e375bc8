"""EX-8: the five acceptance tests, through the command line against a sandbox process."""

from __future__ import annotations

import csv
import io
import itertools
import signal
from collections import Counter
from datetime import datetime

import pytest
from acceptance.world import SandboxProcess, Town, balanced

ROWS = 28
"""Products of which a variant gets another price."""

INTERVAL = 5
"""Most records between two checkpoints, with --batch-size 5."""


def edited(town):
    """Prices, titles, stock, tags, a new product with two variants and a new variant, as a person types them."""
    products, variants, inventory = (town.tab(title) for title in ("Products", "Variants", "Inventory"))
    products.fill("Title", ["Sturdy title", "Ünïcode 👕 title"])
    products.put(4, "Tags", "b, a")
    variants.fill("Price", [100 + row for row in range(8)])
    inventory.fill("Available", [500, 501, 502])
    handle = "brand-new"
    products.add(Handle=handle, Title="Brand new", Option1_Name="Size", Status="DRAFT")
    for size in ("S", "M"):
        variants.add(Product_Handle=handle, Option1_Value=size, Price=9)
    return 2 + 1 + 8 + 3 + 1 + 2


def test_ex_8_1_idempotency(town):
    """A second run after a complete one finds nothing and sends nothing: no call that changes anything, anywhere."""
    items = edited(town)
    first = town.do("export", "--yes")
    assert balanced(first["books"])["done"] == items
    since, calls = town.mark(), town.calls()
    before = town.world()
    second = town.do("export", "--yes")
    assert second["empty"]
    assert balanced(second["books"])["unchanged"] == second["books"]["planned"] >= 201 + 3
    assert town.ledger(since) == []
    assert [each for each in town.log(calls) if changes_something(each)] == []
    assert town.world() == before
    town.do("import")  # brings what the shop fills in for new records, such as a weight unit
    assert town.do("verify")["status"] == "equal"


def changes_something(entry):
    operation = entry["operation"]
    if entry["service"] == "shopify":
        return any(word in operation for word in ("Update", "Create", "Delete", "Set", "Adjust"))
    return entry["method"] in {"PUT", "PATCH", "DELETE"} or (entry["method"] == "POST" and "oauth" not in operation)


def interrupted(town, how):
    """Start an export of many small batches and interrupt it in its middle; how far it had come then."""
    rows = town.prices(ROWS)
    job = town.do("plan")["job"]
    since = town.mark()
    ended = how(town, job)
    shown = town.do("jobs", "show", job)
    return job, rows, since, ended, shown


def killed(town, job):
    """The process dies while its answer is on the way: the effect is applied, and it never learns so."""
    town.fault("kill-client", service="shopify", operation="*productVariantsBulkUpdate*", nth=3, when="after")
    return town.run("apply", job, "--batch-size", "5", "--json")


def stopped(town, job):
    """Ctrl-C in the middle of a call."""
    town.fault("stall", service="shopify", operation="*productVariantsBulkUpdate*", nth=3, seconds=1500)
    run = town.start("apply", job, "--batch-size", "5", "--json")
    town.fault_hit()
    run.signal(signal.SIGINT)
    return run.ended()


@pytest.mark.parametrize(("how", "status"), [(killed, -signal.SIGKILL), (stopped, 4)], ids=["sigkill", "ctrl-c"])
def test_ex_8_2_interruption_and_resume(town, how, status):
    """A new process goes on where the old one was: nothing twice, nothing lost, at most one interval repeated."""
    job, rows, since, ended, shown = interrupted(town, how)
    assert ended.status == status, ended.err
    applied = town.sent(since)
    assert 0 < len(applied) < ROWS
    done = balanced(shown["books"])["done"]
    assert len(applied) - INTERVAL <= done <= len(applied)
    if how is stopped:
        told = ended.told
        assert (told["status"], told["resumable"], told["books"]["done"]) == ("waiting", True, len(applied))
        assert done == len(applied)
    calls = town.calls()
    resumed = town.do("jobs", "resume", job)
    assert (resumed["status"], balanced(resumed["books"])["done"]) == ("finished", ROWS)
    sent = town.sent(since)
    assert sent[: len(applied)] == applied
    assert max(Counter(sent).values()) == 1
    assert len(sent) == ROWS
    writes = [each for each in town.log(calls) if "BulkUpdate" in each["operation"]]
    assert len(writes) <= -(-(ROWS - len(applied)) // INTERVAL)  # what was in flight is looked up, not sent again
    looked_up = [each for each in town.log(calls) if each["operation"] == "shopify.nodes"]
    assert len(looked_up) <= -(-(ROWS - done) // INTERVAL)  # what was settled is not even looked at
    variants, shop = town.tab("Variants"), town.world()["shop"]["variants"]
    prices = {
        key: float(price) for key, price in zip(variants.values("Variant ID"), variants.values("Price"), strict=True)
    }
    assert {key: float(record["price"]) for key, record in shop.items()} == prices
    assert [prices[variants.values("Variant ID")[row - 2]] for row in rows] == [500 + place for place in range(ROWS)]


def test_ex_8_2_killed_again_and_again(town):
    """A process that never gets further than one batch still brings the job to its end, each effect once."""
    town.prices(24)
    job = town.do("plan")["job"]
    since = town.mark()
    deaths = 0
    for attempt in itertools.count():
        when = ("after", "before")[attempt % 2]
        town.fault("kill-client", service="shopify", operation="*BulkUpdate*", nth=2, when=when)
        ended = town.run("apply", job, "--batch-size", "2", "--json")
        if ended.status != -signal.SIGKILL:
            break
        deaths += 1
        assert deaths < 24
    assert deaths >= 3
    assert (ended.status, ended.told["books"]["done"]) == (0, 24)
    assert sorted(Counter(town.sent(since)).values()) == [1] * 24
    town.forget_faults()


RATE_LIMITS = {
    "graphql": {"kind": "throttle-graphql", "service": "shopify", "operation": "*BulkUpdate*", "nth": 2, "times": 3},
    "retry-after": {
        "kind": "rate-limit",
        "service": "shopify",
        "operation": "*BulkUpdate*",
        "nth": 2,
        "retry_after": "7",
    },
    "html-429": {"kind": "html-429", "service": "shopify", "operation": "*BulkUpdate*", "nth": 2, "times": 2},
    "sheets": {"kind": "rate-limit", "service": "sheets", "nth": 1, "times": 3, "retry_after": "9"},
    "drive": {"kind": "rate-limit", "service": "drive", "nth": 6, "times": 3},
}


@pytest.mark.parametrize("name", RATE_LIMITS)
def test_ex_8_3_rate_limit(town, name):
    """Throttled, it waits as long as it was told, goes on, and ends as if nothing had been."""
    fault = RATE_LIMITS[name]
    town.prices(12)
    since, calls = town.mark(), town.calls()
    town.fault(**fault)
    told = town.do("export", "--yes", "--batch-size", "4")
    assert (told["status"], balanced(told["books"])["done"]) == ("finished", 12)
    assert sorted(Counter(town.sent(since)).values()) == [1] * 12
    (played,) = town.faults()
    assert played["consumed"]
    log = town.log(calls)
    for number in played["hits"]:
        assert pause_after(log, number) >= float(fault.get("retry_after", 0))
    throttled = told["figures"]["throttled"]
    assert throttled == len(played["hits"])
    assert told["figures"]["waited"] > 0


def pause_after(log, number):
    """Simulated seconds from call `number` to the next call of the same service."""
    place = next(index for index, each in enumerate(log) if each["n"] == number)
    following = next(each for each in log[place + 1 :] if each["service"] == log[place]["service"])
    moments = [datetime.fromisoformat(each["time"]) for each in (log[place], following)]
    return (moments[1] - moments[0]).total_seconds()


def test_ex_8_3_rate_limit_of_the_sheets_quota(town):
    """Google's real per-minute quota, made small: the run waits for the next minute instead of failing."""
    items = edited(town)
    job = town.do("plan")["job"]
    town.post("quota", {"sheets_user": 2})
    calls = town.calls()
    told = town.do("apply", job)
    assert (told["status"], told["books"]["done"]) == ("finished", items)
    assert [each for each in town.log(calls) if each["service"] == "sheets" and each["status"] == 429]


def test_ex_8_4_audit_trail(town, tmp_path):
    """The report has everything, in all its forms, and agrees with the ledger line by line."""
    edited(town)
    products = town.tab("Products")
    products.put(5, "Handle", products.cell(6, "Handle"))  # the shop will refuse it
    job = town.do("plan")["job"]
    since = town.mark()
    town.fault("status", status=503, service="shopify", operation="*BulkUpdate*", nth=2, when="after")
    town.fault("kill-client", service="shopify", operation="*inventorySet*", when="after")
    assert town.run("apply", job, "--batch-size", "2").status == -signal.SIGKILL
    done = town.do("jobs", "resume", job, status=9)
    assert (done["books"]["done"], balanced(done["books"])["rejected"]) == (17, 1)
    page, table = tmp_path / "report.html", tmp_path / "report.csv"
    report = town.do("report", job, "--html", page, "--csv", table)
    check_session(report, done, job)
    check_records(report, town.effects(since))
    check_files(page.read_text(encoding="utf-8"), table.read_text(encoding="utf-8-sig"), report)


def check_session(report, done, job):
    assert report["job"] == job
    session = report["session"]
    assert session["status"] == "completed"
    assert session["shop"] == "demo-shop.myshopify.com"
    assert session["actor"]
    assert session["started_at"] < session["finished_at"]
    assert report["books"] == {**done["books"], "balanced": True}
    numbers = [batch["number"] for batch in report["batches"]]
    assert numbers == list(range(1, len(numbers) + 1))
    (cut_short,) = [batch for batch in report["batches"] if batch["finished_at"] is None]
    for batch in report["batches"]:
        if batch is not cut_short:
            assert batch["started_at"] <= batch["finished_at"]
            assert batch["calls"] > 0
    assert sum(batch["done"] for batch in report["batches"]) == done["books"]["done"]
    assert session["resumed"] == 1
    (refused,) = [record for record in report["records"] if record["status"] == "quarantined"]
    assert refused["reason"]
    assert report["records_total"] == len(report["records"])
    (failed,) = report["errors"]
    assert failed["category"] == "retryable"
    assert failed["batch"] in numbers
    assert "503" in failed["message"] or "Service" in failed["message"], failed
    figures = report["figures"]
    assert figures["calls"] == sum(value for name, value in figures.items() if name.startswith("calls_"))
    (phase,) = report["phases"]
    assert phase["seconds"] > 0
    assert (
        done["books"]["done"] >= phase["records"] > 0
    )  # what a killed process did after its last checkpoint is not told


def check_records(report, effects):
    """Every change in the ledger is in the audit with the same before and after, and the other way round."""
    logged = {
        (record["record_key"], change["field"]): (change["before"], change["after"])
        for record in report["records"]
        if record["action"] == "update" and record["status"] == "done"
        for change in record["changes"]
    }
    prices = {
        line["target"].rpartition("/")[2]: line["effect"]["changes"]["price"]
        for line in effects
        if "price" in line["effect"].get("changes", {}) and line["effect"]["changes"]["price"]["before"]
    }
    assert len(prices) == 8
    for key, change in prices.items():
        assert logged[key, "price"] == (change["before"], change["after"])
    assert len({key for key, name in logged if name == "price"}) == len(prices)
    updates = [line["effect"]["changes"] for line in effects if line["effect"]["kind"] == "update"]
    titles = {changes["title"]["after"] for changes in updates if "title" in changes}
    assert titles == {each[1] for (_, name), each in logged.items() if name == "title"}
    assert titles == {"Sturdy title", "Ünïcode 👕 title"}
    created = [record for record in report["records"] if record["action"] == "create"]
    assert [record["status"] for record in created] == ["done"] * 3


def check_files(page, table, report):
    rows = list(csv.DictReader(io.StringIO(table)))
    fields = [change for record in report["records"] for change in record["changes"]]
    assert len([row for row in rows if row["field"]]) == len(fields)
    for text in ("Sturdy title", "Ünïcode 👕 title", report["job"], "100.00"):
        assert text in page
    assert "http://" not in page.replace("http://www.w3.org", "")  # self-contained: nothing is fetched
    assert "<script src" not in page


PRODUCTS, VARIANTS = 110, 5


@pytest.fixture
def large(nursery, tmp_path):
    """A town with 550 variants of 110 products, from a Shopify product file."""
    path = tmp_path / "large.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "Handle",
                "Title",
                "Option1 Name",
                "Option1 Value",
                "Variant SKU",
                "Variant Price",
                "Variant Inventory Qty",
            ]
        )
        for product, variant in itertools.product(range(PRODUCTS), range(VARIANTS)):
            title = f"Product {product}" if variant == 0 else ""
            writer.writerow(
                [f"product-{product}", title, "Size", f"S{variant}", f"SKU-{product}-{variant}", "10.00", "5"]
            )
    sandbox = SandboxProcess(tmp_path / "sandbox", catalogue=path)
    town = Town(sandbox.url, tmp_path / "home", nursery)
    yield town
    town.stop()
    sandbox.stop()


def test_ex_8_5_500_items(large):
    """More than 500 changes in one export: one write a product and few reads, with little memory."""
    town, items = large, PRODUCTS * VARIANTS
    assert town.do("import")["books"]["done"] == PRODUCTS + 2 * items
    town.tab("Variants").fill("Price", [20 + number for number in range(items)])
    town.tab("Products").fill("Title", [f"Renamed {number}" for number in range(PRODUCTS)])
    since, calls = town.mark(), town.calls()
    done = town.run("export", "--confirm-mass-change", "--json", script=True, timeout=120)
    assert done.status == 0, done.err
    assert balanced(done.told["books"])["done"] == items + PRODUCTS
    sent = Counter(town.sent(since))
    assert (len(sent), set(sent.values())) == (items + PRODUCTS, {1})
    log = [each for each in town.log(calls) if each["service"] == "shopify"]
    writes = [each for each in log if changes_something(each)]
    assert len(writes) <= PRODUCTS
    assert len(log) - len(writes) <= PRODUCTS * 0.3
    assert done.peak < 250e6

"""Reports to render: every kind of record, in any number, with values that are hard to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sheets_catalog.books import Books
from sheets_catalog.database import Batch, ErrorEntry, FieldChange, Phase, RecordEntry, Report, Session

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

GARMENTS = ("Linen shirt", "Wool scarf", "Rain jacket", "Denim apron", "Merino socks", "Straw hat")
DESCRIPTION = "<p>Woven in Portugal from long-staple cotton. Machine wash at 30 °C, line dry. " * 6
HARD = (
    FieldChange("price", "19.99", "24.99"),
    FieldChange("title", "Linen shirt", "Linen shirt "),
    FieldChange("description", DESCRIPTION + "Made to last.</p>", DESCRIPTION + "Made to be loved.</p>"),
    FieldChange("barcode", None, "00123"),
    FieldChange("compare_at_price", "", None),
    FieldChange("tags", "summer, linen", "linen, sale, summer"),
    FieldChange("metafields.custom.material", "Leinen", "חולצת פשתן 👕"),
    FieldChange("sku", "<script>alert(1)</script>", '=HYPERLINK("http://evil")'),
)


def entry(number: int, status: str = "done", **others: object) -> RecordEntry:
    """One record; every seventh an inventory level, every fifth a product."""
    table = "inventory" if number % 7 == 6 else "products" if number % 5 == 0 else "variants"
    change = {
        "inventory": (FieldChange("available", str(number), str(number + 12)),),
        "products": (HARD[number % len(HARD)], HARD[1]),
        "variants": (FieldChange("price", f"{number}.00", f"{number}.90"), HARD[(number // 2) % len(HARD)]),
    }[table]
    values: dict = {
        "session_id": "job-20261122-0001",
        "table": table,
        "record_key": str(44_000_000_000_000 + number),
        "action": "create" if number % 11 == 10 else "update",
        "status": status,
        "operation_key": f"job-20261122-0001/{number}",
        "at": NOON + timedelta(seconds=number // 50),
        "changes": change,
        "label": f"{GARMENTS[number % 6]} / {'SML'[number % 3]}",
        "row": number + 2,
        "batch": number // 50,
    }
    return RecordEntry(**{**values, **others})


def rejected(number: int) -> RecordEntry:
    """A record that waits for a person."""
    return entry(
        number,
        "quarantined" if number % 2 else "rejected",
        reason="Shopify refused the price: Price must be greater than or equal to 0 (found '-3').",
        advice="Type an amount of 0 or more in Variants!K17, then run: sheets-catalog jobs retry job-20261122-0001",
        attempts=1 + number % 3,
    )


def conflicted(number: int) -> RecordEntry:
    """A record that both sides have edited."""
    changes = (
        FieldChange("price", "21.00", "24.99", base="19.99"),
        FieldChange("title", "Linen shirt (shop)", None, "x"),
    )
    return entry(number, "conflicted", changes=changes, advice="Choose a side in the tab Conflicts, then export again.")


def report(
    count: int, *, waiting: int = 0, conflicts: int = 0, pending: int = 0, unchanged: int = 0, **session
) -> Report:
    """A report of `count` records, of which `waiting` are rejected and `conflicts` in conflict."""
    records = [rejected(each) for each in range(waiting)]
    records += [conflicted(each) for each in range(waiting, waiting + conflicts)]
    records += [entry(each) for each in range(waiting + conflicts, count)]
    done = count - waiting - conflicts
    books = Books(count + pending + unchanged, done, unchanged, waiting, conflicts, pending)
    seconds = 3 + count / 40
    values = {
        "session_id": "job-20261122-0001",
        "flow": "export",
        "status": "attention" if waiting or conflicts else "waiting" if pending else "finished",
        "started_at": NOON,
        "finished_at": NOON + timedelta(seconds=seconds),
        "books": books,
        "title": "Export of Autumn catalogue to demo-shop",
        "spreadsheet_id": "1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg",
        "spreadsheet_title": "Autumn catalogue",
        "shop": "demo-shop.myshopify.com",
        "actor": "owner@example.com",
        "plan_digest": "9f2c41d07be3",
        "resumed": 2 if waiting else 0,
    }
    return Report(
        session=Session(**{**values, **session}),
        figures={
            "calls": 12 + count // 40,
            "cost_points": count * 2.5,
            "retries": waiting,
            "seconds_waited": waiting * 1.7,
            "peak_memory": 91_000_000.0,
        },
        phases=(
            Phase("fetch", 0.2 * seconds, count * 4),
            Phase("compare", 0.04 * seconds, count * 4),
            Phase("update", 0.62 * seconds, count),
            Phase("verify", 0.14 * seconds, count),
        )
        if count
        else (),
        batches=tuple(batch(number, count) for number in range((count + 49) // 50)),
        records=tuple(records),
        records_total=count,
        errors=tuple(error(each) for each in range(min(waiting, 6))),
    )


def batch(number: int, count: int) -> Batch:
    """One batch of 50."""
    begun = NOON + timedelta(seconds=1.2 * number)
    took = timedelta(seconds=0.7 + (number * 37 % 11) / 10)
    size = min(50, count - 50 * number)
    bad = 1 if number % 17 == 3 else 0
    return Batch(number, "variants", "update", size, "completed", begun, begun + took, size - bad, 0, bad, 0, 3, 112.5)


def error(number: int) -> ErrorEntry:
    """One error on the way."""
    return ErrorEntry(
        "job-20261122-0001",
        NOON + timedelta(seconds=number),
        "Throttled" if number % 2 else "Unavailable",
        "Shopify answered THROTTLED: 40 points available, 112 asked for." if number % 2 else "Shopify answered 503.",
        "throttled" if number % 2 else "retryable",
        "shopify",
        "productVariantsBulkUpdate",
        200 if number % 2 else 503,
        advice="Waited 1.4 s and sent it again; nothing was written twice.",
    )

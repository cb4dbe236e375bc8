"""EX-1 to EX-5: only what changed is sent; trouble is named before; batches; errors sorted, counted and kept."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from acceptance.world import balanced

UPDATE = {"service": "shopify", "operation": "*productVariantsBulkUpdate*"}


def gid(kind, key):
    return f"gid://shopify/{kind}/{key}"


def test_ex_1_only_changed_fields_of_changed_rows_are_sent(town):
    """One title, one price and one stock level: three effects in the ledger, and not one more."""
    products, variants, inventory = (town.tab(title) for title in ("Products", "Variants", "Inventory"))
    products.put(3, "Title", "Another title")
    variants.put(5, "Price", 77.5)
    inventory.put(4, "Available", 321)
    since, before = town.mark(), town.world()
    told = town.do("export", "--yes")
    assert balanced(told["books"])["done"] == 3
    assert Counter(town.sent(since)) == {
        (gid("Product", products.cell(3, "Product ID")), "title"): 1,
        (gid("ProductVariant", variants.cell(5, "Variant ID")), "price"): 1,
        **{spot: 1 for spot in town.sent(since) if "InventoryLevel" in spot[0] or "InventoryItem" in spot[0]},
    }
    after = town.world()
    changed = [
        (table, key, name)
        for table, records in after["shop"].items()
        for key, values in records.items()
        for name, value in values.items()
        if before["shop"][table][key][name] != value and name != "product_title"
    ]
    assert sorted(name for _, _, name in changed) == ["available", "price", "title"]
    assert after["sheet"] == before["sheet"]


def test_ex_1_rows_that_are_gone_are_only_removed_when_asked_for(town):
    products = town.tab("Products")
    keys = [products.cell(row, "Product ID") for row in (2, 3)]
    products.tab.delete_rows(2)
    since = town.mark()
    told = town.do("plan", "--products")
    assert told["empty"]
    (note,) = [finding for finding in told["findings"] if finding["rule"] == "missing_rows"]
    assert "Nothing is deleted" in note["message"]
    assert town.do("export", "--products", "--archive", "--yes")["books"]["done"] == 1
    assert town.world()["shop"]["products"][keys[0]]["status"] == "ARCHIVED"
    products.tab.delete_rows(2)
    told = town.do("export", "--products", "--delete", "--confirm-mass-change")
    assert told["books"]["done"] == 2
    left = town.world()["shop"]["products"]
    assert [key in left for key in keys] == [False, False]
    assert len(left) == 28
    removed = [
        line["target"]
        for line in town.effects(since)
        if line["effect"]["kind"] == "delete" and "/Product/" in line["target"]
    ]
    assert sorted(removed) == sorted(gid("Product", key) for key in keys)


def test_ex_1_rows_that_are_hidden_or_lost_their_id_are_not_gone(town):
    """Asked to delete what is gone, nothing is deleted for rows that are only hidden, or whose id is damaged."""
    products, variants = town.tab("Products"), town.tab("Variants")
    rows = {"sheetId": variants.tab.id, "dimension": "ROWS", "startIndex": 1, "endIndex": 4}
    hide = {"range": rows, "properties": {"hiddenByUser": True}, "fields": "hiddenByUser"}
    town.book().batch_update({"requests": [{"updateDimensionProperties": hide}]})
    assert town.do("plan", "--delete", "--skip-hidden")["empty"]
    products.put(2, "Product ID", "")
    products.put(3, "Product ID", "abc")
    variants.put(30, "Variant ID", "")
    variants.put(31, "Variant ID", "4.5E+13")
    variants.put(32, "Variant ID", "45000000099999")
    since = town.mark()
    told = town.do("plan", "--delete")
    assert [change for change in told["changes"] if change["action"] == "delete"] == []
    warned = {(each["tab"], each["row"]) for each in told["findings"] if each["rule"] == "missing_id"}
    assert warned == {("Products", 2), ("Products", 3), ("Variants", 30), ("Variants", 31), ("Variants", 32)}
    town.do("export", "--delete", "--yes", status=9)
    assert [line for line in town.ledger(since) if line["service"] == "shopify"] == []


TROUBLE = (
    ("Products", 2, "Status", "SOLD", "Status", ""),
    ("Products", 3, "Title", "x" * 300, "Title", ""),
    ("Products", 4, "Handle", "", "Handle", ""),
    ("Variants", 2, "Price", "'1,5", "Price", "1299.50"),
    ("Variants", 3, "Price", "", "Price", ""),
    ("Variants", 4, "Taxable", "perhaps", "Taxable", ""),
    ("Variants", 5, "Weight", "heavy", "Weight", ""),
    ("Inventory", 2, "Available", "many", "Available", ""),
    ("Inventory", 3, "Available", "2.5", "Available", ""),
    ("Inventory", 4, "Inventory Item ID", "", "Inventory Item ID", ""),
)


def test_ex_2_values_that_cannot_be_sent_are_named_with_place_and_advice(town):
    """Each finding says sheet, row, column, what was found, and how to mend it; nothing of those rows is sent."""
    for title in ("Products", "Variants", "Inventory"):
        tab = town.tab(title)
        for name, row, header, value, *_ in TROUBLE:
            if name == title:
                tab.put(row, header, value)
    variants = town.tab("Variants")
    twice = variants.row_of("Variant ID", variants.cell(20, "Variant ID"))
    variants.put(21, "Variant ID", variants.cell(20, "Variant ID"))
    variants.put(30, "Variant ID", "99999999999")
    town.tab("Products").add(Handle="no-title")
    since = town.mark()
    told = town.do("plan")
    findings = {
        (each["tab"], each["row"], each["column"]): each for each in told["findings"] if each["severity"] == "error"
    }
    for tab, row, _header, value, column, _ in TROUBLE:
        finding = findings[tab, row, column]
        assert finding["message"], finding
        assert finding["advice"], finding
        assert finding["found"][:20] == str(value).lstrip("'")[:20]
    rules = {each["rule"] for each in findings.values()}
    assert {"double_key", "duplicate_key"} & rules or any("20" in each["message"] for each in findings.values())
    assert any(each["row"] in {twice, 21} for each in findings.values())
    assert any(each["row"] == 30 or "99999999999" in each["found"] for each in findings.values())
    assert any(each["column"] == "Title" and each["row"] == 32 for each in findings.values())
    books = balanced(told["books"])
    assert books["rejected"] == len(
        {(each["tab"], each["row"]) for each in findings.values()} | {("Variants", 20), ("Variants", 21)}
    )
    assert told["changes"] == []
    assert town.do("export", "--yes", status=9)["empty"]
    assert [line for line in town.ledger(since) if line["service"] == "shopify"] == []


HEADERS = {
    "renamed": lambda tab: tab.update_cell(1, tab.row_values(1).index("Price") + 1, "Preis"),
    "double": lambda tab: tab.update_cell(1, tab.row_values(1).index("Cost") + 1, "Price"),
    "key": lambda tab: tab.update_cell(1, 1, "Number"),
}


@pytest.mark.parametrize("how", HEADERS)
def test_ex_2_trouble_with_headers_is_named(town, how):
    """A column that is missing, double or without its key is named, and nothing is guessed."""
    variants = town.tab("Variants")
    variants.put(2, "Price", 77.5)
    HEADERS[how](variants.tab)
    since = town.mark()
    done = town.run("plan", "--variants", "--json")
    if done.status == 0:
        told = done.told
        assert told["empty"], told["changes"]
        assert [each for each in told["findings"] if each["column"] in {"Price", "Preis", "Cost"} and each["advice"]]
    else:
        assert done.status == 2, done.out
        assert done.problem["advice"]
        assert "Variants" in done.problem["message"]
    assert [line for line in town.ledger(since) if line["service"] == "shopify"] == []


def test_ex_2_columns_may_stand_anywhere(town):
    """Reordered columns, and columns of people between ours, are fine and stay as they are."""
    variants = town.tab("Variants")
    variants.tab.insert_cols([["Remarks", "ask Anna", "=1+1"]], 3, value_input_option="USER_ENTERED")
    variants = town.tab("Variants")
    variants.put(2, "Price", 77.5)
    before = variants.tab.get_all_values(value_render_option="FORMULA")
    told = town.do("export", "--yes")
    assert told["books"]["done"] == 1
    assert variants.tab.get_all_values(value_render_option="FORMULA") == before


def test_ex_2_an_account_that_may_only_look(town):
    """The acting account's permission is checked when ids have to be written back."""
    town.tab("Products").add(Handle="brand-new", Title="Brand new", Status="DRAFT")
    reader = town.post("tokens", {"email": "reader@example.com"})["access_token"]
    for file_id, role in ((town.spreadsheet_id, "reader"), (town.folder_id, "writer")):
        town.drive(
            "POST",
            f"/drive/v3/files/{file_id}/permissions",
            json={"type": "user", "role": role, "emailAddress": "reader@example.com"},
        )
    town.connect(google={"access_token": reader})
    since = town.mark()
    done = town.run("plan", "--json")
    if done.status == 0 and done.told["job"]:
        (finding,) = [each for each in done.told["findings"] if each["rule"] == "sheet_access"]
        assert finding["advice"]
        done = town.run("apply", done.told["job"], "--json")
    assert done.status == 3, done.out
    assert done.problem["advice"]
    assert [line for line in town.ledger(since) if line["service"] in {"shopify", "sheets"}] == []


@pytest.mark.parametrize(("size", "largest"), [("1", 1), ("7", 7), (None, 100)])
def test_ex_3_batches_are_no_larger_than_asked_for(town, size, largest):
    count = 4 if size == "1" else 28
    town.prices(count)
    job, since = town.do("plan")["job"], town.mark()
    told = town.do("apply", job, *(["--batch-size", size] if size else []))
    assert told["books"]["done"] == count
    sizes = [batch["size"] for batch in town.do("report", job)["batches"]]
    assert max(sizes) <= largest
    assert sum(sizes) == count
    assert len(sizes) == -(-count // largest)
    assert sorted(Counter(town.sent(since)).values()) == [1] * count


def test_ex_4_attempts_survive_a_restart_and_are_bounded(town):
    """A record that keeps failing is tried eight times over all processes, then set aside with its reason."""
    rows = town.prices(4)
    job, since = town.do("plan")["job"], town.mark()
    key = town.tab("Variants").cell(rows[1], "Variant ID")
    failing = {"service": "shopify", "operation": "*BulkUpdate*", "match": f"ProductVariant/{key}"}
    town.fault("status", status=500, times=3, **failing)
    town.fault("kill-client", nth=4, when="before", **failing)
    assert town.run("apply", job, "--batch-size", "1").status == -signal.SIGKILL
    (stuck,) = [item for item in town.do("jobs", "show", job)["items"] if item["change"]["key"] == key]
    assert stuck["attempts"] == 3
    town.fault("status", status=500, times=5, **failing)
    told = town.do("jobs", "resume", job, status=9)
    assert (balanced(told["books"])["done"], told["books"]["rejected"]) == (3, 1)
    (record,) = told["attention"]
    assert record["key"] == key
    assert "8 tries" in record["reason"]
    report = town.do("report", job)
    assert Counter(error["category"] for error in report["errors"])["retryable"] == 8
    assert town.do("jobs", "retry", job)["books"]["done"] == 4
    assert sorted(Counter(town.sent(since)).values()) == [1] * 4
